"""`leadflow dnc`: an org's do-not-call lists, the licences it reads them under, and vendors' look-ups."""

import datetime as dt
import getpass
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, dollars, err, out, print_json, print_table, progress
from leadflow_pipelines.cli.dnc_needed import needed
from leadflow_pipelines.cli.session import open_session

if TYPE_CHECKING:
    from resources.workspace import Workspace

app = typer.Typer(no_args_is_help=True)

ActorOption = Annotated[
    str | None, typer.Option("--as", help="Who does this: a member of the org. Default: your login.")
]
RegistryArgument = Annotated[
    str,
    typer.Argument(help="ftc (the national registry), state:XX (a state's own list, e.g. state:TX), or litigators."),
]
NOT_ADVICE = "Cleared under the configured, dated rules; not legal advice."


@app.command("licence")
def licence(
    registry: RegistryArgument,
    account: Annotated[str, typer.Option(help="The org's own account, e.g. its Subscription Account Number.")],
    valid_from: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day of the subscription.")],
    valid_to: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day of the subscription.")],
    area_code: Annotated[
        list[str] | None, typer.Option("--area-code", help="An area code that it covers; repeat. None: all.")
    ] = None,
    actor: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """State under which account of its own the org reads a registry.

    Access is per seller: whoever calls pays for and names its own account, and may not use another's. What you state
    is kept as your statement, with your name.
    """
    from leadflow_pipelines.clearance.registry_licences import Licence, known_registry, save_licence

    workspace = open_session(org)
    now = dt.datetime.now(dt.UTC)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        stated = Licence(
            registry=known_registry(registry),
            account=account,
            area_codes=tuple(sorted(set(area_code or ()))),
            valid_from=_day(valid_from, "--from"),
            valid_to=_day(valid_to, "--to"),
            attested_by=_actor(connection, actor),
            attested_at=now,
        )
        save_licence(connection, workspace.org, stated)
    if as_json:
        print_json({"org": workspace.org.slug, **asdict(stated)})
        return
    covers = f"area codes {', '.join(stated.area_codes)}" if stated.area_codes else "all area codes"
    out.print(
        f"{workspace.org.slug} reads {stated.registry} under its own account {account}, {covers}, from "
        f"{stated.valid_from} to {stated.valid_to}.",
        markup=False,
    )
    out.print(f"Import a list: leadflow dnc import {stated.registry} FILE --as-of DAY", markup=False)


@app.command("import")
def import_files(
    registry: RegistryArgument,
    files: Annotated[list[Path], typer.Argument(help="Files as downloaded: text or XML, zipped or not.")],
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="YYYY-MM-DD", help="Day on which the registry wrote the files.")
    ],
    is_change: Annotated[bool, typer.Option("--change", help="A change list: additions and deletions.")] = False,
    area_code: Annotated[
        list[str] | None,
        typer.Option("--area-code", help="An area code the files answer for, even without a number; repeat."),
    ] = None,
    allow_rejected: Annotated[
        int, typer.Option(min=0, help="Lines that cannot be read and that you have looked at.")
    ] = 0,
    actor: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import do-not-call files as a new, immutable version.

    Several files become one version: name all files of a download together. A change list is applied to the newest
    version and makes another. A list answers for 31 days from the day it was written; then every number counts as
    listed until a newer one is there.
    """
    from leadflow_pipelines.clearance.registry_imports import CHANGE, FULL, ListImport, import_list

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        by = _actor(connection, actor)
    wanted = ListImport(
        registry=registry,
        files=files,
        as_of=_day(as_of, "--as-of"),
        imported_by=by,
        file_kind=CHANGE if is_change else FULL,
        area_codes=tuple(sorted(set(area_code or ()))),
        allow_rejected=allow_rejected,
    )
    progress(f"Reading {len(files)} file(s)")
    made = import_list(
        workspace.database, workspace.org, wanted, now=dt.datetime.now(dt.UTC), settings=workspace.settings
    )
    if as_json:
        print_json({"org": workspace.org.slug, **asdict(made), "reading": _account(made.reading)})
        return
    if not made.is_new:
        out.print(f"{made.version_id} was imported before: nothing new in it.", markup=False)
        return
    covered = f"{len(made.area_codes)} area codes" if made.area_codes else "all area codes"
    out.print(f"{made.version_id}: {made.numbers:,} numbers, answering for {covered}.", markup=False)
    if made.applied is not None:
        out.print(f"Added {made.applied.added:,}, deleted {made.applied.deleted:,}.")
        misfits = made.applied.already_there + made.applied.not_there
        if misfits:
            err.print(
                f"Note: {misfits:,} changes said what was so already. If they are many, a change list between is "
                "missing: import the full list."
            )
    for fault in made.reading.faults:
        err.print(f"Left out: {fault}", markup=False)


@app.command("status")
def status(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Show the org's licences and lists, how old they are, and which of the states' lists are missing."""
    from leadflow_pipelines.clearance.registry_status import registry_status

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        told = registry_status(connection, workspace.org, now=dt.datetime.now(dt.UTC), settings=workspace.settings)
    if as_json:
        print_json({"org": workspace.org.slug, **asdict(told)})
        return
    columns = ["registry", "version", "of", "area codes", "numbers", "answers until", "is stale"]
    rows = [
        (one.registry, one.version_id, one.as_of, len(one.area_codes) or "all", one.numbers, one.fresh_until,
         one.is_stale)
        for one in told.lists
    ]  # fmt: skip
    print_table(f"Do-not-call lists of {workspace.org.slug}", columns, rows)
    columns = ["registry", "account", "area codes", "from", "to"]
    licences = [
        (one.registry, one.account, ", ".join(one.area_codes) or "all", one.valid_from, one.valid_to)
        for one in told.licences
    ]
    print_table("Licences", columns, licences)
    for note in told.notes:
        out.print(note, markup=False)
    out.print(NOT_ADVICE)


@app.command("lookup")
def lookup(
    phones: Annotated[list[str] | None, typer.Argument(help="Numbers like +12025550100.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="File with one number a line.")] = None,
    provider: Annotated[str, typer.Option(help="dncscrub or realphonevalidation.")] = "dncscrub",
    since: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Ask whether the numbers changed hands since this day instead."),
    ] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a vendor about numbers, within the org's budget, and keep the answers for this org.

    Asks whether they are on a do-not-call list, or with --since whether they were reassigned since the day of consent
    or last contact. The vendor's canaries are asked first. Whatever it does not answer with a plain no counts as a hit.
    """
    from leadflow_pipelines.clearance.number_lookups import look_up_numbers
    from leadflow_pipelines.errors import InvalidInput

    workspace = open_session(org)
    numbers = [*(phones or ()), *(_lines(file) if file else ())]
    if not numbers:
        raise InvalidInput("No number was given.", remedy="Name numbers like +12025550100, or --file FILE.")
    day = _day(since, "--since") if since else None
    with _guard(workspace) as guard:
        found = look_up_numbers(
            workspace.database,
            workspace.org,
            guard,
            workspace.lake,
            numbers,
            provider=provider,
            kind="reassigned" if day else "dnc",
            since=[day] * len(numbers) if day else (),
            now=dt.datetime.now(dt.UTC),
            settings=workspace.settings,
        )
    if as_json:
        print_json({"org": workspace.org.slug, "provider": provider, **asdict(found)})
        return
    what = "reassigned" if day else "listed"
    out.print(
        f"{found.asked:,} asked for {dollars(found.cost_cents)}: {found.yes:,} {what}, {found.no:,} not, "
        f"{found.unknown:,} unknown, {found.unanswered:,} without an answer. {found.kept:,} were known, "
        f"{found.impossible:,} are no US numbers."
    )
    for note in found.notes:
        err.print(note, markup=False)


app.command("needed")(needed)


@app.command("canary")
def canary(
    provider: Annotated[str | None, typer.Option(help="Only this vendor. Default: every configured one.")] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask vendors about numbers whose answers are known. Exits 1 where one answers wrongly or not at all.

    The numbers are your own, in the file LEADFLOW_LOOKUP_CANARIES: for each vendor and kind (dnc, reassigned) one whose
    answer must be yes and one whose answer must be no. Each is asked once a day, and costs what a look-up costs.
    """
    from leadflow_pipelines.clearance.canaries import ask_canaries, check_world, load_canaries
    from leadflow_pipelines.errors import InvalidInput
    from leadflow_pipelines.spend.ledger import Origin

    workspace = open_session(org)
    known = [one for one in load_canaries(workspace.settings) if provider in (None, one.provider)]
    asked = [one for one in known if getattr(workspace.settings, f"{one.provider}_api_key") is not None]
    if not asked:
        raise InvalidInput(
            "There is no canary of a configured vendor.",
            remedy="Set LEADFLOW_LOOKUP_CANARIES and a vendor's key; see .env.example.",
        )
    for name in {one.provider for one in asked}:
        check_world(workspace.org, name, workspace.settings)
    with _guard(workspace) as guard:
        results = ask_canaries(
            guard, workspace.lake, asked, now=dt.datetime.now(dt.UTC), settings=workspace.settings, origin=Origin()
        )
    rows = [
        {"provider": one.canary.provider, "kind": one.canary.kind, "phone": f"…{one.canary.phone[-4:]}",
         "must_be": one.canary.answer, "said": one.said, "is_right": one.is_right}
        for one in results
    ]  # fmt: skip
    if as_json:
        print_json({"org": workspace.org.slug, "canaries": rows, "is_right": all(one.is_right for one in results)})
    else:
        print_table("Canaries", [*rows[0]], [[*row.values()] for row in rows])
    if not all(one.is_right for one in results):
        raise typer.Exit(1)


def _guard(workspace: "Workspace") -> Any:
    from leadflow_pipelines.providers.guard.guard import open_guard

    return open_guard(
        database=workspace.database,
        org_id=workspace.org.org_id,
        raw=workspace.lake.raw,
        settings=workspace.settings,
        clock=lambda: dt.datetime.now(dt.UTC),
        is_simulated=workspace.org.is_simulated,
    )


def _actor(connection: Any, named: str | None) -> str:
    """Who does this: the one named, else the login; checked against the org's members once it has any."""
    from leadflow_pipelines.clearance.members import require_member

    return require_member(connection, named or getpass.getuser())


def _day(text: str, option: str) -> dt.date:
    from leadflow_pipelines.errors import InvalidInput

    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{option} {text!r} is not a date.", remedy="Write it like 2026-11-21.") from error


def _lines(file: Path) -> list[str]:
    from leadflow_pipelines.errors import InvalidInput

    try:
        return [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.", remedy="One number a line, as text.") from error


def _account(reading: Any) -> dict[str, Any]:
    return {"rows": reading.rows, "rejected": reading.rejected, "faults": [str(one) for one in reading.faults]}
