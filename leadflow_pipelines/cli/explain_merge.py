"""`leadflow explain merge`: why records are one property, and others are not."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json
from leadflow_pipelines.cli.session import open_session

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import polars as pl

    from leadflow_pipelines.properties.merge_case import MergeCase
    from resources.workspace import Workspace

RULES = {
    "first": "the first record of this property",
    "address": "linked by the same address",
    "parcel": "linked by the same parcel number",
    "address+parcel": "linked by the same address and parcel number",
    "similar": "linked by a similar address",
    "decision": "linked by an operator's decision",
    "merge": "came with another property that was merged in",
}
VERDICTS = {
    "joined": "joined",
    "refused": "refused: likely, but it contradicts a match at least as likely",
    "doubtful": "doubtful: waits for a person",
}


def merge(
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Property id, record id, or the beginning of a record id, as `leadflow review` shows it."
        ),
    ],
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which records make a property, what linked each, where they contradict each other, what was kept apart.

    A score is the certainty of the link: 1 for an equal key, below 1 for a similar address. Put right what is wrong
    with `leadflow review join` and `leadflow review part`.
    """
    from leadflow_pipelines.cli.explain_conflicts import conflicts_of
    from leadflow_pipelines.database.property_decisions import read_decisions
    from leadflow_pipelines.properties.merge_case import merge_case

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        decisions = read_decisions(connection, workspace.org.org_id)
    case = merge_case(workspace.lake, id_, decisions)
    conflicts = conflicts_of(workspace.lake, case.property_id)
    if as_json:
        print_json({**case.as_json(), "conflicts": conflicts.to_dicts()})
        return
    _print_case(workspace, case, conflicts)


def _print_case(workspace: "Workspace", case: "MergeCase", conflicts: "pl.DataFrame") -> None:
    from leadflow_pipelines.cli.explain_conflicts import print_conflicts
    from leadflow_pipelines.cli.pair_text import say, short

    sources = case.records["source"].n_unique()
    say(f"{case.address or 'No address'}  ({case.property_id})", style="bold")
    if case.asked_for:
        say(f"{case.asked_for} is part of it.")
    say(f"Made of {_count(case.records.height, 'record')} from {_count(sources, 'source')}.")
    _title("Records")
    for record in case.records.iter_rows(named=True):
        _print_record(record)
    if conflicts.height:
        out.print()
        print_conflicts(conflicts)
    outside = case.compared.filter(~case.compared["is_inside"])
    _title("Compared and kept apart")
    if outside.is_empty():
        say("No other address was alike enough to be in doubt.", indent=2)
    for pair in outside.iter_rows(named=True):
        say(f"{pair['other_address'] or 'no address'}", indent=2)
        say(f"record {short(pair['other_record_id'])} of {pair['other_property_id'] or 'no property yet'}", indent=4)
        say(f"{VERDICTS[pair['verdict']]}; {pair['probability']:.2f} likely", indent=4)
        say(f"{pair['evidence'] or 'nothing told'}", indent=4)
    _title("Decisions by operators")
    if case.decisions.is_empty():
        say("None.", indent=2)
    for decision in case.decisions.iter_rows(named=True):
        _print_decision(decision, workspace.settings.zone)
    for title, names in (("Ids given up for this one", case.given_up_ids), ("Parted from", case.parted_from)):
        if names:
            _title(title)
        for name in names:
            say(name, indent=2)
    _print_next(workspace, case)


def _print_record(record: dict[str, Any]) -> None:
    from leadflow_pipelines.cli.pair_text import say, short

    rule = RULES.get(record["matched_by"], record["matched_by"])
    score = "" if record["matched_by"] == "first" else f" (score {record['score']:.2f})"
    say(f"{short(record['record_id'])}  {record['source']}, seen {record['observed_at'].date()}", indent=2)
    facts = [record["address"], record["parcel_number"] and f"parcel {record['parcel_number']}", record["owner_name"]]
    say("; ".join(fact for fact in facts if fact) or "no address", indent=4)
    say(f"{rule}{score}, {record['linked_on']}", indent=4)
    if record["evidence"] and record["matched_by"] != "first":
        say(record["evidence"], indent=4)


def _print_decision(decision: dict[str, Any], zone: "ZoneInfo") -> None:
    from leadflow_pipelines.cli.pair_text import say, short

    what = "are one property" if decision["decision"] == "together" else "are two properties"
    say(f"{short(decision['left_record_id'])} and {short(decision['right_record_id'])} {what}", indent=2)
    say(f"said {decision['decided_by']} on {decision['decided_at'].astimezone(zone):%Y-%m-%d}", indent=4)
    if decision["note"]:
        say(decision["note"], indent=4)
    if decision["is_heeded"] is False:
        say("Not worked in yet: the next run obeys it.", indent=4)


def _print_next(workspace: "Workspace", case: "MergeCase") -> None:
    from leadflow_pipelines.cli.pair_text import org_part, short

    out.print()
    by = f"--as NAME{org_part(workspace)}"
    names = [short(name) for name in case.records["record_id"].to_list()]
    outside = case.compared.filter(~case.compared["is_inside"])
    if len(names) > 1:
        out.print(f"Wrong? leadflow review part {names[0]} {names[1]} {by}", markup=False, soft_wrap=True)
    if outside.height:
        pair = outside.row(0, named=True)
        other = short(pair["other_record_id"])
        said = f"The same? leadflow review join {short(pair['record_id'])} {other} {by}"
        out.print(said, markup=False, soft_wrap=True)


def _title(text: str) -> None:
    out.print()
    out.print(text, style="bold")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
