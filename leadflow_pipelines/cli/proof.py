"""`leadflow proof`, `leadflow replay` and `leadflow forget`: what was decided, proven, recomputed, and forgotten."""

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from leadflow_pipelines.cli.acting import NOT_ADVICE, ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, err, out, print_json, print_table, progress
from leadflow_pipelines.cli.session import open_session
from leadflow_pipelines.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)
TOLD_EVERY = 100_000


@app.callback()
def proof() -> None:
    """The proof of what was decided and done: a hash-chained log, the evidence beside it, the files of lists."""


@app.command("verify")
def verify(
    expect: Annotated[
        str | None, typer.Option("--expect", metavar="HASH", help="A head hash noted down before: it must be there.")
    ] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the whole proof from its beginning; name the first entry or row that is not as written, and exit 1.

    Note the head hash down somewhere else, say in a letter to yourself: with --expect it shows later that nothing was
    cut off and written anew.
    """
    from leadflow_pipelines.clearance.verify_proof import verify_proof

    workspace = open_session(org)
    progress("Reading the proof")
    with workspace.database.as_org(workspace.org.org_id) as connection:
        report = verify_proof(connection, workspace.lake, workspace.org, expected_head=expect)
    if as_json:
        print_json({"org": workspace.org.slug, **asdict(report), "is_whole": report.fault is None})
    elif report.fault:
        err.print(f"The proof is not as it was written. {report.fault}", markup=False)
    else:
        out.print(
            f"{report.chain.entries:,} entries are as they were written ({report.chain.erased:,} erased), and so are "
            f"{report.rows:,} rows in {report.files:,} files of lists ({report.erased_rows:,} erased)."
        )
        out.print(f"Head hash, to note down elsewhere: {report.chain.head_hash}", soft_wrap=True)
    if report.fault:
        raise typer.Exit(1)


def replay(
    first: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day, in LEADFLOW_TIMEZONE.")],
    last: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, included.")],
    rules_as_of: Annotated[
        str | None,
        typer.Option("--rules-as-of", metavar="YYYY-MM-DD", help="Show what the rules of that day would have said."),
    ] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide again, from the evidence kept, what was sent and listed on these days. Exits 1 where it does not agree.

    Each decision is recomputed under the rules of its own version and must come out bit for bit; what was erased since
    counts as erased. With --rules-as-of differences are the answer, not a fault.
    """
    from leadflow_pipelines.clearance.replay_log import replay_log
    from leadflow_pipelines.clearance.replay_log import rules_as_of as rules_of_day

    workspace = open_session(org)
    zone = workspace.settings.zone
    start, end = _day(first, "--from"), _day(last, "--to")
    if end < start:
        raise InvalidInput(f"--to {end} lies before --from {start}.")
    instead = None
    if rules_as_of is not None:
        with workspace.database.as_org(workspace.org.org_id) as connection:
            instead = rules_of_day(
                connection, workspace.org, _day(rules_as_of, "--rules-as-of"), now=dt.datetime.now(dt.UTC)
            )
    found = replay_log(
        workspace.database,
        workspace.lake,
        workspace.org,
        first=dt.datetime.combine(start, dt.time(), zone).astimezone(dt.UTC),
        last=dt.datetime.combine(end + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC),
        instead=instead,
        tell=_now_and_then(),
    )
    if as_json:
        print_json({"org": workspace.org.slug, **found.plain(), "note": NOT_ADVICE})
    elif not found.decisions:
        err.print("Nothing was decided on these days.")
    else:
        out.print(
            f"{found.decisions:,} decisions ({found.sends:,} sends, {found.lists:,} rows of lists): {found.agree:,} "
            f"agree, {found.differ:,} differ, {found.erased:,} erased."
        )
        _print_differences(found, rules_as_of)
        out.print(NOT_ADVICE)
    if found.faults or (instead is None and not found.is_same):
        raise typer.Exit(1)


def forget(
    phones: Annotated[list[str] | None, typer.Option("--phone", help="A number to forget; repeat for more.")] = None,
    emails: Annotated[list[str] | None, typer.Option("--email", help="An e-mail address to forget.")] = None,
    addresses: Annotated[
        list[str] | None, typer.Option("--address", help="A mailing address, as lists write it: street, city, ST ZIP.")
    ] = None,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a person: their contacts go from the lake with all its earlier versions, from what vendors answered, from
    messages, replies, consents and the files that show these, audiences, evidence and marts.

    A keyed hash stays suppressed for ever: what comes in again about them is dropped. The proof stays whole and says
    `erased`. Killed midway, run it again. It cannot be undone.
    """
    from leadflow_pipelines.clearance.erasure import erase_person
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.marts.build_marts import build_marts
    from leadflow_pipelines.marts.work_folder import has_build

    workspace = open_session(org)
    named = [("phone", one) for one in phones or ()] + [("email", one) for one in emails or ()]
    named += [("mailing", one) for one in addresses or ()]
    if not named:
        raise InvalidInput("Nobody is named.", remedy="Give --phone, --email or --address.")
    keys, who = load_hash_keys(workspace.settings), actor(by)
    told = []
    for kind, value in named:
        found = erase_person(
            workspace.database, workspace.lake, workspace.org, kind, value, keys, actor=who, now=dt.datetime.now(dt.UTC)
        )
        told.append({"kind": kind, **asdict(found)})
    now = dt.datetime.now(dt.UTC)
    has_marts = has_build(workspace.settings.home, workspace.org.slug)
    if has_marts:
        progress("Building the marts without them")
        build_marts(workspace.lake, workspace.database, workspace.org, now=now, run_id="forget")
    if as_json:
        print_json({"org": workspace.org.slug, "forgotten": told, "marts_rebuilt": has_marts, "note": FOR_EVER})
        return
    for one in told:
        rows = [(name.replace("_", " "), count) for name, count in one.items() if name != "kind" and count]
        print_table(f"Forgotten: one {one['kind']}", ["where", "rows"], rows)
        if one["shared_files"]:
            out.print(f"{one['shared_files']} file(s) of evidence show other people's consents too, and are left.")
    out.print(f"{'The marts were built without them. ' if has_marts else ''}{FOR_EVER}")


FOR_EVER = (
    "Suppressed for ever. Public records and vendors may name them again: then they are dropped before they become "
    "contacts. Files you exported, letters you printed and your backups are yours to delete."
)


def _print_differences(found: object, rules_as_of: str | None) -> None:
    from leadflow_pipelines.clearance.replay_log import Replayed

    assert isinstance(found, Replayed)
    for fault in found.faults[:5]:
        err.print(fault, markup=False)
    if found.changes:
        title = f"Under the rules of {rules_as_of}" if rules_as_of else "Answers that changed"
        print_table(title, ["recorded → now", "decisions"], found.changes.most_common())
        print_table("Reasons gained (+) and lost (-)", ["reason", "decisions"], found.reasons.most_common())
    for one in found.examples:
        was = ", ".join(one.recorded_reasons) or "no reason against"
        now = ", ".join(one.replayed_reasons) or "no reason against"
        out.print(f"{one.what}: {one.recorded} ({was}) → {one.replayed} ({now}). {one.why}", markup=False)


def _now_and_then() -> Callable[[str], None]:
    """Progress every so many decisions, not every slice."""
    last = 0

    def tell(text: str) -> None:
        nonlocal last
        count = int(text.split(maxsplit=1)[0].replace(",", ""))
        if count // TOLD_EVERY != last:
            last = count // TOLD_EVERY
            progress(text)

    return tell


def _day(text: str, option: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{option} {text!r} is not a date.", remedy="Write it like 2026-11-21.") from error
