"""`leadflow explain`: the whole case for one lead, contact or property, from the tables."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, dollars, out, print_json, print_table
from leadflow_pipelines.cli.explain_merge import merge
from leadflow_pipelines.cli.session import open_session
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(no_args_is_help=True)
app.command("merge")(merge)


@app.command("lead")
def lead(
    property_id: Annotated[str, typer.Argument(help="Property id, as in `leadflow leads --format csv`.")],
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why a lead ranks where it does: facts with their sources, signals, points, linked records, cost."""
    import polars as pl

    from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_SCORES, PROPERTIES, PROPERTY_LINKS, PROPERTY_RECORDS
    from leadflow_pipelines.properties.conflicts import describe_conflicts

    lake = open_session(org).lake
    this = pl.col("property_id") == property_id
    property_ = _latest(lake.read(PROPERTIES, where=this & pl.col("valid_to").is_null()), "valid_from")
    if property_ is None:
        raise InvalidInput(f"No property has the id {property_id!r}.", remedy="List ids: leadflow leads --format csv")
    signals = _latest(lake.read(ENRICHED_LEADS, where=this), "day") or {}
    score = _latest(lake.read(LEAD_SCORES, where=this), "day") or {}
    links = lake.read(PROPERTY_LINKS, where=this).select("record_id", "matched_by", "score", "evidence", "linked_on")
    linked = pl.col("record_id").is_in(links["record_id"].to_list())
    chosen = {given["field"]: given["source"] for given in property_["provenance"]}
    conflicts = describe_conflicts(lake.read(PROPERTY_RECORDS, where=linked), property_["conflicts"] or [], chosen)
    if as_json:
        print_json({"property": property_, "signals": signals, "score": score, "links": links.to_dicts(),
                    "conflicts": conflicts.to_dicts()})  # fmt: skip
        return
    out.print(f"[bold]{property_['address'] or property_['parcel_number']}[/bold]  ({property_id})")
    out.print(f"{score.get('points', '-')} points on {score.get('day', '-')} by {score.get('model_version', '-')}\n")
    print_table("Points", ["points", "reason"], [(r["points"], r["text"]) for r in score.get("reasons", [])])
    plain = {**property_, "year_built": property_["year_built"] and str(property_["year_built"])}
    facts = [(p["field"], plain.get(p["field"]), p["source"], p["observed_at"].date()) for p in plain["provenance"]]
    print_table("Facts", ["field", "value", "source", "as of"], facts)
    if conflicts.height:
        _print_conflicts(conflicts)
    known = [(name, value) for name, value in signals.items() if isinstance(value, bool)]
    print_table("Signals (what no source speaks to is left out)", ["signal", "value"], known)
    print_table("Records", links.columns, links.iter_rows())
    out.print(f"Cost so far: {dollars(signals.get('cost_cents'))}")


@app.command("contact")
def contact(
    contact_point_id: Annotated[str, typer.Argument(help="Contact point id, as in the outreach list.")],
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why a contact point is cleared or blocked on each channel, under which rules, until when.

    Cleared under the configured, dated contact rules; not legal advice.
    """
    import polars as pl

    from leadflow_pipelines.compliance.reasons import explain_reason
    from leadflow_pipelines.contracts import OUTREACH_LISTS

    lists = open_session(org).lake.read(OUTREACH_LISTS, where=pl.col("contact_point_id") == contact_point_id)
    if lists.is_empty():
        raise InvalidInput(f"No contact point has the id {contact_point_id!r}.")
    latest = lists.filter(pl.col("day") == pl.col("day").max()).sort("channel")
    if as_json:
        print_json({"contact_point_id": contact_point_id, "channels": latest.to_dicts()})
        return
    for row in latest.iter_rows(named=True):
        colour = "green" if row["verdict"] == "cleared" else "red"
        out.print(f"[bold]{row['channel']}[/bold]: [{colour}]{row['verdict']}[/{colour}] on {row['day']}")
        for code in row["reason_codes"]:
            reason = explain_reason(code)
            out.print(f"  {code}: {reason.text} {reason.remedy}")
        for name in (
            "states",
            "zones",
            "calling_windows",
            "next_open_at",
            "valid_until",
            "rule_version",
            "evidence_hash",
        ):
            if row[name]:
                out.print(f"  {name}: {_text(row[name])}", soft_wrap=True)
        out.print()
    out.print("Cleared under the configured, dated contact rules; not legal advice.")


def _print_conflicts(conflicts: "pl.DataFrame") -> None:
    """What each source says, and why the chosen one was: its rank, then its age."""
    from leadflow_pipelines.properties.survivorship import VENDOR_RANKS

    rows = []
    best: dict[str, Any] = {}
    for said in conflicts.iter_rows(named=True):
        if said["is_chosen"]:
            best = said
            rows.append((said["field"], said["value"], said["source"], said["observed_at"].date(), "chosen"))
            continue
        if best.get("field") != said["field"]:  # a mailing address of nobody but another owner
            rows.append((said["field"], said["value"], said["source"], said["observed_at"].date(), "not taken"))
            continue
        rank, best_rank = (VENDOR_RANKS.get(row["source"], 0) for row in (said, best))
        if rank > best_rank:
            why = f"{best['source']} ranks before it"
        elif said["observed_at"] < best["observed_at"]:
            why = "older"
        else:
            why = "as good and as old; the record with the later sale or the smaller id won"
        rows.append((said["field"], said["value"], said["source"], said["observed_at"].date(), why))
    print_table("Conflicts between sources", ["field", "value", "source", "as of", "why"], rows)


def _latest(frame: "pl.DataFrame", by: str) -> dict[str, Any] | None:
    return frame.sort(by).row(-1, named=True) if frame.height else None


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
