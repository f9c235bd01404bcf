"""`leadflow campaign letters|returned|call-sheet|call-result|bounces`: what people carry, and what comes back."""

import datetime as dt
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from leadflow_pipelines.cli.acting import NOT_ADVICE, ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, err, out, print_json, print_table
from leadflow_pipelines.cli.session import open_session

if TYPE_CHECKING:
    from leadflow_pipelines.outreach.by_hand.call_sheets import Call, CallSheet
    from leadflow_pipelines.outreach.by_hand.returned import Imported

NameArgument = Annotated[str, typer.Argument(help="Name of the campaign.")]


def letters(
    name: NameArgument,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the files; made where it is not there.")],
    most: Annotated[int | None, typer.Option("--top", min=1, help="At most so many letters.")] = None,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the campaign's letters that are due: a CSV for the print house and PDFs for window envelopes.

    Each letter is decided anew (suppression, holds, whole address) and printed once. A batch that was interrupted is
    printed again by the same command, the same letters into the same files; hand a batch over once. The reference on
    a letter is what `leadflow campaign returned` reads.
    """
    from leadflow_pipelines.outreach.by_hand.letters import print_letters

    workspace = open_session(org)
    batch = print_letters(
        workspace.database, workspace.org, name, folder, settings=workspace.settings, clock=_now, actor=actor(by),
        most=most,
    )  # fmt: skip
    files = batch.files
    if as_json:
        told = {
            "batch": batch.batch, "letters": files.letters if files else 0, "csv": str(files.csv) if files else None,
            "pdfs": [str(path) for path in files.pdfs] if files else [], "respelled": files.respelled if files else 0,
            "is_again": batch.is_again, "left_out": batch.left_out, "blocked": batch.blocked,
            "postponed": batch.postponed,
        }  # fmt: skip
        print_json({"org": workspace.org.slug, "campaign": name, **told, "note": NOT_ADVICE})
        return
    if files is None:
        out.print("No letter is due.")
    else:
        out.print(f"{batch.batch}: {files.letters:,} letters.", markup=False)
        for path in (files.csv, *files.pdfs):
            out.print(f"  {path}", markup=False)
    if batch.blocked or batch.postponed:
        out.print(f"{batch.blocked:,} blocked for good, {batch.postponed:,} wait.")
    if batch.is_again:
        err.print(
            "This finished a batch that was interrupted: discard earlier copies of it, and run again for the rest."
        )
    if batch.left_out:
        err.print(f"{batch.left_out:,} of it may not be written to any more and are left out.")
    if files and files.respelled:
        err.print(
            f"{files.respelled:,} letters have characters that the font lacks; they are spelled in Latin letters. "
            "Set LEADFLOW_LETTER_FONT to print them."
        )
    out.print(NOT_ADVICE)


def returned(
    file: Annotated[Path, typer.Argument(help="CSV with the column `reference`, as it stands on each letter.")],
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import letters that came back: their addresses are suppressed. Exits 1 where a row fits no letter."""
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.outreach.by_hand.returned import import_returned

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        imported = import_returned(
            connection, workspace.org, file, actor=actor(by), now=_now(), keys=load_hash_keys(workspace.settings)
        )
    _tell_imported(imported, "letters came back", workspace.org.slug, as_json=as_json)


def bounces(
    files: Annotated[list[Path], typer.Argument(help="CSV with `reference` and `status`, or saved bounce messages.")],
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import bounced e-mails: addresses that do not exist are suppressed. Exits 1 where something fits no e-mail."""
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.outreach.by_hand.returned import import_bounces

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        imported = import_bounces(
            connection, workspace.org, files, actor=actor(by), now=_now(), keys=load_hash_keys(workspace.settings)
        )
    _tell_imported(imported, "e-mails bounced", workspace.org.slug, as_json=as_json)


def call_sheet(
    name: NameArgument,
    caller: Annotated[str | None, typer.Option(help="Who will call: a member of the org. Default: your login.")] = None,
    most: Annotated[int, typer.Option("--top", min=1, max=500, help="Most calls that the caller holds.")] = 20,
    hold_minutes: Annotated[
        int, typer.Option("--hold", min=1, max=720, help="Minutes within which the calls are made and reported.")
    ] = 60,
    format_: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print it.")] = "table",
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """List whom to call by hand now, whose window closes first; the calls are yours until the hold ends.

    Each call is decided anew now. Nobody else gets these people; ask again to see the same calls. Report each with
    `leadflow campaign call-result`: what is not reported in time counts as made, with unknown outcome.
    """
    from leadflow_pipelines.outreach.by_hand import call_sheets

    workspace = open_session(org)
    sheet = call_sheets.call_sheet(
        workspace.database, workspace.org, name, caller=actor(caller), settings=workspace.settings, clock=_now,
        most=most, hold=dt.timedelta(minutes=hold_minutes),
    )  # fmt: skip
    if as_json or format_ == "json":
        print_json({"org": workspace.org.slug, "campaign": name, **asdict(sheet), "note": NOT_ADVICE})
    elif format_ == "csv":
        _print_sheet_csv(sheet)
    else:
        _print_sheet(sheet, workspace.settings.zone)


def call_result(
    message: Annotated[UUID, typer.Argument(help="The call's id, as the sheet names it.")],
    outcome: Annotated[
        Literal["reached", "no_answer", "voicemail", "busy", "wrong_number", "do_not_call", "interested",
                "not_interested", "appointment", "disconnected"],
        typer.Option(help="What came of it."),
    ],
    note: Annotated[str | None, typer.Option(help="A note for whoever reads on.")] = None,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Report a call of your sheet.

    do_not_call and wrong_number suppress the number for good, on every campaign. no_answer and busy come again a day
    later, at most three times. interested and appointment end the campaign's steps for that lead.
    """
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.outreach.by_hand.call_results import record_call

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        recorded = record_call(
            connection, workspace.org, message, outcome, note=note, actor=actor(by), now=_now(),
            keys=load_hash_keys(workspace.settings),
        )  # fmt: skip
    if as_json:
        print_json({"org": workspace.org.slug, "message_id": message, "outcome": outcome, **asdict(recorded)})
        return
    again = f"; may be called again from {recorded.due_at:%Y-%m-%d %H:%M} UTC" if recorded.due_at else ""
    out.print(f"Noted: {outcome}{again}.", markup=False)
    if recorded.is_suppressed:
        out.print("The number is suppressed: nobody of the org calls or texts it any more.")
    if recorded.cancelled:
        out.print(f"{recorded.cancelled:,} messages that waited are cancelled.")


def _tell_imported(imported: "Imported", what: str, slug: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"org": slug, **asdict(imported)})
    else:
        known = f", {imported.known:,} were known" if imported.known else ""
        passing = f", {imported.passing:,} only late" if imported.passing else ""
        out.print(f"{imported.returned:,} {what}{known}{passing}.")
        for fault in imported.faults:
            where = f"{fault.file}, row {fault.row}" if fault.row else fault.file
            err.print(f"{where}: {fault.message}", markup=False)
    if imported.faults:
        raise typer.Exit(1)


def _print_sheet(sheet: "CallSheet", zone: dt.tzinfo) -> None:
    if not sheet.calls:
        out.print("Nobody may be called just now.")
    for call in sheet.calls:
        place = ", ".join(part for part in (call.street, call.city, call.state) if part)
        out.print(f"{call.phone}  {call.name or '-'}  {place}", markup=False, style="bold")
        times = " or ".join(f"{at:%H:%M %Z}" for at in call.local_times)
        out.print(f"  there {times}; call before {call.call_before.astimezone(zone):%H:%M %Z}", markup=False)
        out.print(f"  {call.script}", markup=False)
        out.print(f"  leadflow campaign call-result {call.message_id} --outcome …", markup=False)
        out.print()
    if sheet.later:
        rows = [(f"{one.opens_at.astimezone(zone):%a %H:%M %Z}", one.state) for one in sheet.later]
        print_table("Later", ["from", "state"], rows)
    if sheet.blocked:
        err.print(f"{sheet.blocked:,} may not be called at all: `leadflow campaign status` tells why.")
    out.print(NOT_ADVICE)


def _print_sheet_csv(sheet: "CallSheet") -> None:
    import polars as pl

    from leadflow_pipelines.contracts.spreadsheet_safe import neutralise_formulas

    rows = [_csv_row(call) for call in sheet.calls]
    if not rows:
        err.print("Nobody may be called just now.")
        return
    sys.stdout.write(neutralise_formulas(pl.DataFrame(rows, infer_schema_length=None)).write_csv())


def _csv_row(call: "Call") -> dict[str, Any]:
    return {
        "message_id": str(call.message_id),
        "phone": f"({call.phone[2:5]}) {call.phone[5:8]}-{call.phone[8:]}",  # +1… would be read as a formula
        "name": call.name,
        "street": call.street,
        "city": call.city,
        "state": call.state,
        "local_time": " or ".join(f"{at:%H:%M %Z}" for at in call.local_times),
        "call_before": call.call_before.isoformat(),
        "window_ends_at": call.window_ends_at.isoformat(),
        "script": call.script,
    }


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
