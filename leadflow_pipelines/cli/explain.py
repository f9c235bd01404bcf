"""`leadflow explain`: the whole case for one lead or property, from the tables; contacts are in `explain_case`."""

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, dollars, out, print_json, print_table
from leadflow_pipelines.cli.explain_case import contact, message
from leadflow_pipelines.cli.explain_merge import merge
from leadflow_pipelines.cli.explain_value import print_value
from leadflow_pipelines.cli.lead_texts import summaries_of, told_of
from leadflow_pipelines.cli.session import open_session
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

    from leadflow_pipelines.compliance.foreclosure_rules import ForeclosureRule
    from leadflow_pipelines.lake import Lake
    from leadflow_pipelines.leads.lead_text import LeadText
    from resources.workspace import Workspace

app = typer.Typer(no_args_is_help=True)
app.command("merge")(merge)
app.command("contact")(contact)
app.command("message")(message)


@app.command("lead")
def lead(
    property_id: Annotated[str, typer.Argument(help="Property id, as in `leadflow leads --format csv`.")],
    summary: Annotated[
        bool, typer.Option("--summary", help="Add a summary in words; a configured model is paid for it once.")
    ] = False,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why a lead ranks where it does: facts with their sources, signals, points, linked records, cost."""
    import polars as pl

    from leadflow_pipelines.cli.explain_conflicts import conflicts_of, print_conflicts
    from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_SCORES, PROPERTIES, PROPERTY_LINKS

    workspace = open_session(org)
    lake = workspace.lake
    this = pl.col("property_id") == property_id
    property_ = _latest(lake.read(PROPERTIES, where=this & pl.col("valid_to").is_null()), "valid_from")
    if property_ is None:
        raise InvalidInput(f"No property has the id {property_id!r}.", remedy="List ids: leadflow leads --format csv")
    signals = _latest(lake.read(ENRICHED_LEADS, where=this), "day") or {}
    score = _latest(lake.read(LEAD_SCORES, where=this), "day") or {}
    links = lake.read(PROPERTY_LINKS, where=this).select("record_id", "matched_by", "score", "evidence", "linked_on")
    conflicts = conflicts_of(lake, property_id)
    text = _summary(workspace, signals, score) if summary else None
    if as_json:
        rule = _foreclosure_rule(signals)
        print_json({"property": property_, "signals": signals, "score": score, "links": links.to_dicts(),
                    "conflicts": conflicts.to_dicts(), "pre_foreclosure_rule": rule and rule.statute,
                    **({"summary": asdict(text)} if text else {})})  # fmt: skip
        return
    out.print(f"[bold]{property_['address'] or property_['parcel_number']}[/bold]  ({property_id})")
    out.print(f"{score.get('points', '-')} points on {score.get('day', '-')} by {score.get('model_version', '-')}\n")
    if text:
        out.print(text.text, markup=False)
        out.print(f"{told_of(text)}\n", markup=False, style="dim")
    print_value(
        signals, score, _addresses(lake, signals), prices_of=_prices_of(lake, signals), judged=_judged(lake, score)
    )
    print_table("Points", ["points", "reason"], [(r["points"], r["text"]) for r in score.get("reasons", [])])
    print_table("Facts", ["field", "value", "source", "as of"], facts_of(property_))
    print_conflicts(conflicts)
    if rule := _foreclosure_rule(signals):
        out.print(f"[bold yellow]In pre-foreclosure in {rule.state}[/], which regulates buying from such owners: "
                  f"{rule.statute}. Have somebody who knows the law read this first.\n")  # fmt: skip
    known = [(name, value) for name, value in signals.items() if isinstance(value, bool)]
    if known:
        print_table("Signals known", ["signal", "value"], known)
    else:
        out.print(
            "No source speaks to any signal: no vacancy, no tax debt, no owner's mail elsewhere is known or denied.\n"
        )
    print_table("Records", links.columns, links.iter_rows())
    out.print(f"Cost so far: {dollars(signals.get('cost_cents'))}")


def facts_of(property_: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Each fact with its source and day; a sale's price came with its date."""
    facts = []
    for told in property_["provenance"]:
        field, source, day = told["field"], told["source"], told["observed_at"].date()
        together = ("sale_date", "sale_price_cents") if field == "sale_date" else (field,)
        facts += [(name.removesuffix("_cents"), _fact(name, property_.get(name)), source, day) for name in together]
    return facts


def _fact(name: str, value: Any) -> Any:
    """A value for people: cents as dollars, a year without a separator of thousands."""
    if name.endswith("_cents"):
        return dollars(value)
    return str(value) if name == "year_built" and value else value


def _prices_of(lake: "Lake", signals: dict[str, Any]) -> dt.date | None:
    """Last day of the sales behind the lead's value; the model that served on the lead's day knows it."""
    from leadflow_pipelines.training.model_registry import current_version

    if signals.get("estimated_value_cents") is None:
        return None
    row = current_version(lake, "value", day=signals["day"])
    return row["window_end"] - dt.timedelta(days=1) if row and row["window_end"] else None


def _judged(lake: "Lake", score: dict[str, Any]) -> dict[str, Any]:
    """`metrics` of the model version behind the lead's chance; empty where none gave one."""
    import polars as pl

    from leadflow_pipelines.training import model_versions

    if score.get("probability") is None:
        return {}
    version = score["model_version"].rpartition("+")[2]
    told = model_versions(lake, "motivation").filter(pl.col("version") == version)["metrics"]
    return dict(orjson.loads(told[0])) if len(told) else {}


def _summary(workspace: "Workspace", signals: dict[str, Any], score: dict[str, Any]) -> "LeadText":
    """The lead in words. Raises InvalidInput where nothing was derived of the property yet."""
    if not signals:
        raise InvalidInput(
            "Nothing is derived of this property yet.", remedy="Work its ZIP first: leadflow run --zip ..."
        )
    (text,) = summaries_of(workspace, [(signals, score)])
    return text


def _addresses(lake: "Lake", signals: dict[str, Any]) -> dict[str, str]:
    """Addresses of the comparable homes behind the lead's value, by property_id."""
    import polars as pl

    from leadflow_pipelines.contracts import PROPERTIES

    homes = [comp["parcel_id"] for comp in signals.get("value_comps") or ()]
    if not homes:
        return {}
    current = pl.col("property_id").is_in(homes) & pl.col("valid_to").is_null()
    found = lake.read(PROPERTIES, where=current, columns=["property_id", "address"]).drop_nulls()
    return dict(found.iter_rows())


def _foreclosure_rule(signals: dict[str, Any]) -> "ForeclosureRule | None":
    """The rule about buying from owners in foreclosure that the lead's state has, where the lead is in it."""
    from leadflow_pipelines.compliance.foreclosure_rules import foreclosure_rules

    if not signals.get("is_pre_foreclosure"):
        return None
    return foreclosure_rules(signals["day"]).get(signals["state"])


def _latest(frame: "pl.DataFrame", by: str) -> dict[str, Any] | None:
    return frame.sort(by).row(-1, named=True) if frame.height else None
