"""`leadflow review`: the pairs of addresses that wait for a person, and the person's word on them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, print_table
from leadflow_pipelines.cli.session import open_session

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from leadflow_pipelines.database.property_decisions import Decision
    from resources.workspace import Workspace

app = typer.Typer(invoke_without_command=True)

RecordArgument = Annotated[str, typer.Argument(help="Record id, or a beginning of it that names one record alone.")]
AsOption = Annotated[str, typer.Option("--as", metavar="NAME", help="Who decides. Kept with the decision.")]
NoteOption = Annotated[str | None, typer.Option(help="Why, for whoever looks at it later.")]
FIELDS = {
    "record": "record",
    "address": "address",
    "parcel_number": "parcel",
    "owner_name": "owner",
    "source": "source",
    "property": "property",
}
"""What is shown of each side, and under which name."""
JOIN = """Say that two records are one property. The next run joins them, whatever rules and weights say.

A later `part` of the same two takes it back. The older property id of the two stays."""
PART = """Say that two records are two properties. The next run parts them, and none joins them again.

A later `join` of the same two takes it back. The property id stays with the larger part."""
SAID = {"together": "are one property", "apart": "are two properties"}


@app.callback()
def review(
    context: typer.Context,
    zip_codes: Annotated[
        list[str] | None, typer.Option("--zip", help="Only pairs with a side in this ZIP; repeat for more.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many pairs.")] = 10,
    after: Annotated[
        str | None, typer.Option("--after", metavar="LEFT:RIGHT", help="Only what comes behind this pair.")
    ] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """List addresses that may be one property but were not joined, the most doubtful first.

    Doubtful: too little agrees, or something differs. Refused: likely, but joining it would contradict a match at
    least as likely. Decide with `leadflow review join LEFT RIGHT --as NAME`, or `part` instead of `join`; the next run
    obeys, and so does every later one. Why a property is one: `leadflow explain merge ID`.
    """
    if context.invoked_subcommand is not None:
        return
    from leadflow_pipelines.properties.record_lookup import describe_records
    from leadflow_pipelines.properties.review_queue import after_pair, review_queue

    workspace = open_session(org)
    queue = review_queue(workspace.lake, _decisions(workspace), zips=zip_codes)
    rest = after_pair(queue, workspace.lake, after) if after else queue
    page = rest.head(top)
    names = {*page["left_record_id"], *page["right_record_id"]}
    records = {row["record_id"]: row for row in describe_records(workspace.lake, names).iter_rows(named=True)}
    pairs = [_pair(row, records) for row in page.iter_rows(named=True)]
    following = f"{page['left_record_id'][-1]}:{page['right_record_id'][-1]}" if rest.height > page.height else None
    if as_json:
        print_json({"waiting": queue.height, "pairs": pairs, "next": following})
        return
    _print_pairs(workspace, pairs, waiting=queue.height, behind=rest.height, following=following, zips=zip_codes or [])


@app.command("decisions")
def decisions(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """List what was decided, the newest first."""
    from leadflow_pipelines.cli.pair_text import short

    workspace = open_session(org)
    said = _decisions(workspace).sort("decided_at", descending=True)
    if as_json:
        print_json({"decisions": said.to_dicts()})
        return
    if said.is_empty():
        out.print("Nobody has decided anything yet. Look at what waits: leadflow review")
        return
    rows = [
        (_local_date(workspace, row["decided_at"]), row["decided_by"], short(row["left_record_id"]),
         short(row["right_record_id"]), row["decision"], row["note"])
        for row in said.iter_rows(named=True)
    ]  # fmt: skip
    print_table("Decisions", ["on", "by", "record", "record", "decision", "note"], rows)


def _decisions(workspace: "Workspace") -> "pl.DataFrame":
    from leadflow_pipelines.database.property_decisions import read_decisions

    with workspace.database.as_org(workspace.org.org_id) as connection:
        return read_decisions(connection, workspace.org.org_id)


def _decision_command(choice: Literal["together", "apart"]) -> Callable[..., None]:
    """A command that records this choice on two records."""

    def decide(
        left: RecordArgument,
        right: RecordArgument,
        decided_by: AsOption,
        note: NoteOption = None,
        org: OrgOption = None,
        as_json: JsonOption = False,
    ) -> None:
        import datetime as dt

        from leadflow_pipelines.database.property_decisions import Decision, record_decision
        from leadflow_pipelines.errors import InvalidInput
        from leadflow_pipelines.properties.record_lookup import describe_records, find_record

        workspace = open_session(org)
        one, two = find_record(workspace.lake, left), find_record(workspace.lake, right)
        if one == two:
            raise InvalidInput(f"{left} and {right} are one record.", remedy="Name two records.")
        if not decided_by.strip():
            raise InvalidInput("--as is empty.", remedy="Say who decides, e.g. --as ada.")
        decision = Decision(one, two, choice, decided_by.strip(), dt.datetime.now(dt.UTC), note)
        with workspace.database.as_org(workspace.org.org_id) as connection:
            earlier = record_decision(connection, workspace.org.org_id, decision)
        zips = sorted(set(describe_records(workspace.lake, [one, two])["zip"]))
        if as_json:
            print_json({**_plain(decision), "zips": zips, "replaces": _plain(earlier) if earlier else None})
        else:
            _print_decision(workspace, decision, earlier, zips)

    return decide


app.command("join", help=JOIN)(_decision_command("together"))
app.command("part", help=PART)(_decision_command("apart"))


def _print_decision(workspace: "Workspace", decision: "Decision", earlier: "Decision | None", zips: list[str]) -> None:
    from leadflow_pipelines.cli.pair_text import org_part, say, short

    left, right = short(decision.left_record_id), short(decision.right_record_id)
    say(f"Remembered: {left} and {right} {SAID[decision.decision]}, says {decision.decided_by}.")
    if earlier:
        when = _local_date(workspace, earlier.decided_at)
        say(f"This replaces what {earlier.decided_by} said on {when}: that they {SAID[earlier.decision]}.")
    asked = " ".join(f"--zip {zip_}" for zip_ in zips)
    say("The next run or import obeys it, and so does every later one. Now:")
    out.print(f"  leadflow run {asked}{org_part(workspace)}", markup=False, soft_wrap=True)


def _pair(row: dict[str, Any], records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A pair of the queue with what its two records say."""
    sides = {
        side: {**records[row[f"{side}_record_id"]], "property_id": row[f"{side}_property_id"]}
        for side in ("left", "right")
    }
    return {name: row[name] for name in ("verdict", "probability", "evidence", "judged_on")} | sides


def _print_pairs(
    workspace: "Workspace",
    pairs: list[dict[str, Any]],
    *,
    waiting: int,
    behind: int,
    following: str | None,
    zips: list[str],
) -> None:
    from leadflow_pipelines.cli.pair_text import org_part, say, say_beside, short

    where = f" in {', '.join(zips)}" if zips else ""
    if not pairs:
        if waiting:
            say("No pair comes behind that one. Start at the top: leadflow review")
        else:
            say(f"No pair of addresses waits for a decision{where}.")
            say("Pairs come from resolving records: leadflow import, leadflow run.")
        return
    for number, pair in enumerate(pairs, start=waiting - behind + 1):
        out.print(f"{number}. {pair['verdict']}, {pair['probability']:.2f} likely one property", style="bold")
        sides = [
            {**pair[side], "record": short(pair[side]["record_id"]), "property": pair[side]["property_id"]}
            for side in ("left", "right")
        ]
        say_beside(sides[0], sides[1], FIELDS)
        say(f"Compared: {pair['evidence'] or 'nothing told'}.", indent=2)
        out.print()
    first = waiting - behind + 1
    say(f"{first} to {first + len(pairs) - 1} of {waiting:,} that wait{where}.")
    say(f"Decide: leadflow review join|part LEFT RIGHT --as NAME{org_part(workspace)}")
    if following:
        left, right = (short(name) for name in following.split(":"))
        asked = "".join(f" --zip {zip_}" for zip_ in zips)
        out.print(
            f"More: leadflow review{asked} --after {left}:{right}{org_part(workspace)}", markup=False, soft_wrap=True
        )


def _local_date(workspace: "Workspace", instant: "datetime") -> str:
    return f"{instant.astimezone(workspace.settings.zone):%Y-%m-%d}"


def _plain(decision: "Decision") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(decision)
