"""What a home is worth, by which sales, and how likely it sells, as `leadflow explain lead` tells it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from leadflow_pipelines.cli.console import CENTS_PER_DOLLAR, about_dollars, out, print_table

MOST_COMPS = 8
METRES_PER_MILE = 1609.344
SEASONED_YEARS = 1


def print_value(
    lead: Mapping[str, Any],
    score: Mapping[str, Any],
    addresses: Mapping[str, str],
    *,
    prices_of: dt.date | None = None,
    judged: Mapping[str, Any] | None = None,
) -> None:
    """The value with its interval and comparable sales, the chance of a sale and the deal score; each only where a
    model gave one. lead, score: rows of ENRICHED_LEADS and LEAD_SCORES; addresses: of comparable homes, by property_id;
    prices_of: day of the price level, where it is not the lead's; judged: `metrics` of the model behind the chance.
    """
    told = [*_value(lead, prices_of), *_chance(lead, score, judged or {})]
    for line in told:
        out.print(Text(line))
    comps: Sequence[Mapping[str, Any]] = lead.get("value_comps") or ()
    if comps:
        rows = [_comp(one, addresses) for one in comps[:MOST_COMPS]]
        columns = ["sold", "address", "for", "how near", "sqft", "for this home, now"]
        print_table("Comparable sales, the nearest first", columns, rows)
    elif told:
        out.print()


def _value(lead: Mapping[str, Any], prices_of: dt.date | None) -> list[str]:
    method = lead.get("value_method") or ""
    if lead.get("estimated_value_cents") is None:
        return [f"No value: {method.removeprefix('refused: ')}"] if method else []
    low, high = about_dollars(lead["value_low_cents"]), about_dollars(lead["value_high_cents"])
    at = f" at prices of {prices_of}" if prices_of and f"prices of {prices_of}" not in method else ""
    return [f"Worth about {about_dollars(lead['estimated_value_cents'])}{at}; 80 % interval {low} to {high} ({method})"]


def _chance(lead: Mapping[str, Any], score: Mapping[str, Any], judged: Mapping[str, Any]) -> list[str]:
    lines = []
    if score.get("probability") is not None:
        lines.append(f"Chance of a sale within 12 months: {score['probability']:.1%}")
        lines += _how_well(lead, judged)
    if score.get("deal_score") is not None:
        lines.append(f"Deal score: {score['deal_score']:.0f} of 100, after medium repairs whose need nobody has seen")
    return lines


def _how_well(lead: Mapping[str, Any], judged: Mapping[str, Any]) -> list[str]:
    """How far the chance ranks homes like this one: an AUC said in words, owners of a year or more apart."""
    every, seasoned = (judged.get(group, {}).get("auc") for group in ("candidate", "seasoned"))
    if every is None:
        return []
    ranks = f"On its test it ranked a home that sold above one that did not {every:.0%} of the time"
    if (lead.get("tenure_years") or 0) < SEASONED_YEARS or seasoned is None:
        return [f"{ranks} (a coin: 50%)."]
    return [f"{ranks}, but {seasoned:.0%} among owners of a year or more, as here (a coin: 50%)."]


def _comp(comp: Mapping[str, Any], addresses: Mapping[str, str]) -> tuple[Any, ...]:
    away, area = comp["distance_m"], comp["living_sqft"]
    return (
        comp["sale_date"], addresses.get(comp["parcel_id"], comp["parcel_id"]), _whole(comp["sale_price_cents"]),
        comp.get("nearness") if away is None else f"{away / METRES_PER_MILE:.1f} miles",
        None if area is None else round(area), about_dollars(comp["adjusted_price_cents"]),
    )  # fmt: skip


def _whole(cents: int) -> str:
    return f"${cents / CENTS_PER_DOLLAR:,.0f}"
