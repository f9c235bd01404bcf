"""`leadflow outcome`: what became of leads."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.acting import ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, dollars, out, print_json, print_table, tell
from leadflow_pipelines.cli.session import open_session
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    from resources.workspace import Workspace

app = typer.Typer(
    no_args_is_help=True,
    help="What became of leads: add, import, list, withdraw. Labels by which scores and campaigns are judged.",
)
KIND_HELP = (
    "interested, not_interested, appointment, offer, contract, deal (you bought), sold_elsewhere or not_the_owner."
)
EXAMPLES = (
    "Examples: leadflow outcome add p_3f2a91c0 --kind appointment --on 2026-11-02 --as ada  |  "
    "leadflow outcome add p_3f2a91c0 --kind deal --amount 182000 --campaign spring --as ada"
)
FAULTS_SHOWN = 20
SHORT_ID = 8


@app.command("add", epilog=EXAMPLES)
def add(
    property_id: Annotated[str, typer.Argument(help="Property id, or a beginning that names it alone.")],
    kind: Annotated[str, typer.Option(help=KIND_HELP)],
    on: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Day it happened. Default: today.")] = None,
    amount: Annotated[str | None, typer.Option(help="Dollars, of an offer, a contract or a deal.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Campaign it is owed to.")] = None,
    note: Annotated[str | None, typer.Option(help="In your words; `leadflow forget` erases it.")] = None,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note what became of one lead.

    Of one property the same kind stands once a day; noting it again changes nothing. What is wrong is not changed but
    withdrawn (`leadflow outcome withdraw`) and noted again. Replies and calls count by themselves: what the rules read
    in a reply, or a caller entered, need not be noted.
    """
    from leadflow_pipelines.outcomes.known_properties import find_property
    from leadflow_pipelines.outcomes.note_outcomes import Outcome, campaign_ids, note_outcomes, outcome_fault

    workspace, now = open_session(org), dt.datetime.now(dt.UTC)
    today = now.astimezone(workspace.settings.zone).date()
    outcome = Outcome(property_id, kind, _day(on) or today, _cents(amount), campaign, note or None)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        if fault := outcome_fault(outcome, campaign_ids(connection, workspace.org.org_id), today):
            column, wrong, wanted = fault
            raise InvalidInput(f"--{'on' if column == 'happened_on' else column}: {wrong}", remedy=wanted)
        meant = Outcome(**{**asdict(outcome), "property_id": find_property(workspace.lake, property_id)})
        noted = note_outcomes(
            connection, workspace.org.org_id, [meant], source="member", actor=actor(as_name), now=now,
            withdrawn_too=True,
        )  # fmt: skip
    if noted.clashes:
        raise InvalidInput(noted.clashes[0], remedy="Withdraw that one first: leadflow outcome withdraw ID.")
    new = noted.new[0] if noted.new else None
    told = {"org": workspace.org.slug, "new": len(noted.new), "outcome_id": new, **asdict(meant)}
    line = f"{kind} of {meant.property_id} on {meant.happened_on}"
    tell(told, f"{line} noted as {str(new)[:SHORT_ID]}." if new else f"{line} stands already.", as_json=as_json)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV file, UTF-8, with a header.", exists=True, dir_okay=False)],
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note the outcomes of a CSV file, as a CRM exports them.

    Columns: property_id, kind (as for `add`), happened_on (like 2026-11-02); optional amount (dollars), campaign, note.
    A row that cannot be used is named with its column and left out; the others count. Importing a file again notes
    nothing twice, and does not bring back what was withdrawn. Exits 1 where a row was left out.
    """
    from leadflow_pipelines.outcomes.outcome_files import import_outcomes

    workspace, now = open_session(org), dt.datetime.now(dt.UTC)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        done = import_outcomes(
            connection, workspace.org.org_id, workspace.lake, file, actor=actor(as_name),
            today=now.astimezone(workspace.settings.zone).date(), now=now,
        )  # fmt: skip
    if as_json:
        counts = {"rows_in": done.rows_in, "new": done.new, "known": done.known, "withdrawn": done.withdrawn}
        faults = [asdict(fault) for fault in done.faults[:FAULTS_SHOWN]]
        print_json({"org": workspace.org.slug, **counts, "rejected": len(done.faults), "faults": faults})
    else:
        back = f", {done.withdrawn:,} withdrawn earlier" if done.withdrawn else ""
        out.print(f"{done.new:,} outcomes noted, {done.known:,} known already{back}, {len(done.faults):,} left out.")
        if done.faults:
            rows = [(fault.row, fault.column, fault.message, fault.remedy) for fault in done.faults[:FAULTS_SHOWN]]
            print_table(f"Left out of {file.name}", ["row", "column", "what is wrong", "what to do"], rows)
    if done.faults:
        raise typer.Exit(1)


@app.command("list")
def list_all(
    zips: Annotated[list[str] | None, typer.Option("--zip", help="Only of this ZIP; repeat for more.")] = None,
    kind: Annotated[str | None, typer.Option(help=KIND_HELP)] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Only what comes behind this outcome.")] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what became of leads, the newest first: noted, or read from replies and calls.

    An outcome of origin `reply` is what the rules read in it (`leadflow replies list --all`), of origin `call` what the
    caller entered; only what members and files say can be withdrawn.
    """
    from leadflow_pipelines.contracts.outcomes import OUTCOME_KINDS
    from leadflow_pipelines.outcomes.known_properties import ids_in_zips
    from leadflow_pipelines.outcomes.on_record import list_outcomes

    if kind is not None and kind not in OUTCOME_KINDS:
        raise InvalidInput(f"No outcome is {kind!r}.", remedy=f"Give one of {', '.join(OUTCOME_KINDS)}.")
    workspace = open_session(org)
    here = ids_in_zips(workspace.lake, zips) if zips else None
    with workspace.database.as_org(workspace.org.org_id) as connection:
        page = list_outcomes(
            connection, workspace.org.org_id, known_by=dt.datetime.now(dt.UTC), zone=workspace.settings.zone,
            property_ids=here, kind=kind, most=top, after=after,
        )  # fmt: skip
    if as_json:
        print_json(
            {"org": workspace.org.slug, "matching": page.matching, "outcomes": page.outcomes, "next": page.following}
        )
        return
    if not page.outcomes:
        out.print("No such outcome is on record. Note one: leadflow outcome add PROPERTY_ID --kind ...", soft_wrap=True)
        return
    for outcome in page.outcomes:
        _print_outcome(workspace, outcome)
    out.print(f"{len(page.outcomes)} of {page.matching:,}. Take one back: leadflow outcome withdraw ID --as NAME")
    if page.following:
        asked = [
            *(word for one in zips or [] for word in ("--zip", one)),
            *(["--kind", kind] if kind else []),
            *(["--org", org] if org else []),
        ]
        last = page.outcomes[-1]["outcome_id"]
        out.print(" ".join(["More: leadflow outcome list", *asked, "--after", last]), markup=False, soft_wrap=True)


@app.command("withdraw")
def withdraw(
    outcome_id: Annotated[str, typer.Argument(metavar="ID", help="The outcome's id, or its beginning.")],
    why: Annotated[str | None, typer.Option(help="In your words; `leadflow forget` erases it.")] = None,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an outcome back that was noted wrongly. It stays in the table with your name, and counts no more."""
    from leadflow_pipelines.outcomes.note_outcomes import withdraw_outcome

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        gone = withdraw_outcome(
            connection, workspace.org.org_id, outcome_id, because=why, actor=actor(as_name), now=dt.datetime.now(dt.UTC)
        )
    line = f"{gone['kind']} of {gone['property_id']} on {gone['happened_on']} does not count any more."
    tell({"org": workspace.org.slug, **gone}, line, as_json=as_json)


def _print_outcome(workspace: "Workspace", outcome: dict[str, Any]) -> None:
    """One outcome on two or three lines: ids and notes may be long, and notes may hold any sign."""
    amount = f"  {dollars(outcome['amount_cents'])}" if outcome["amount_cents"] else ""
    short = outcome["outcome_id"][:SHORT_ID] if outcome["origin"] != "call" else outcome["outcome_id"]
    out.print(f"{short}  {outcome['happened_on']}  {outcome['kind']}{amount}", style="bold", markup=False)
    by = f" by {outcome['noted_by']}" if outcome["noted_by"] else ""
    owed = f", campaign {outcome['campaign']}" if outcome["campaign"] else ""
    known = outcome["known_at"].astimezone(workspace.settings.zone)
    out.print(f"  {outcome['property_id']}, {outcome['origin']}{by} on {known:%Y-%m-%d}{owed}", markup=False)
    if outcome["note"]:
        written = "".join(sign if sign.isprintable() else " " for sign in outcome["note"])
        out.print(f"  “{written}”", markup=False)
    out.print()


def _day(text: str | None) -> dt.date | None:
    from leadflow_pipelines.outcomes.outcome_files import read_date

    try:
        return read_date(text) if text else None
    except ValueError as error:
        raise InvalidInput(f"--on {text!r} is no date.", remedy="Write it like 2026-11-02.") from error


def _cents(text: str | None) -> int | None:
    from leadflow_pipelines.outcomes.outcome_files import read_dollars

    try:
        return read_dollars(text) if text else None
    except ValueError as error:
        raise InvalidInput(
            f"--amount {text!r} is no amount of dollars.", remedy="Write it like 182000 or 182,000.00."
        ) from error
