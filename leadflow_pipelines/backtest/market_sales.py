"""A market's recorded sales as the org's lake knows them. Here: which market. Not here: gathering its sales
(`properties.recorded_sales`), judging them.
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.backtest.snapshots import MARKET
from leadflow_pipelines.contracts import PROPERTY_RECORDS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.recorded_sales import recorded_sales
from leadflow_pipelines.source_rows.transforms import STATE_CODES, county_fips_of

EVERYWHERE = "all"
_FORMS = "A county (47037 or `Davidson, TN`), ZIPs (`37206,37207`), or `all`."


@dataclass(frozen=True)
class MarketName:
    """A market as asked for: its ZIPs, or its county, or neither for the whole lake."""

    text: str
    zips: tuple[str, ...] = ()
    county_fips: str | None = None


def read_market_name(text: str) -> MarketName:
    """What `--market` names. Five digits alone may be a county or a ZIP: `find_market` decides by what the lake holds;
    `zip:` or `county:` before them decides it here. Raises InvalidInput for a name of neither."""
    asked = text.strip()
    if asked.lower() == EVERYWHERE:
        return MarketName(EVERYWHERE)
    kind, _, rest = asked.rpartition(":")
    codes = re.split(r"[,\s]+", rest.strip())
    if all(re.fullmatch(r"\d{5}", code) for code in codes):
        if kind.lower() == "county" and len(codes) == 1:
            return MarketName(f"county:{codes[0]}", county_fips=codes[0])
        if kind.lower() in ("", "zip"):
            is_county_too = not kind and len(codes) == 1
            text = ",".join(codes) if len(codes) > 1 or not kind else f"zip:{codes[0]}"
            return MarketName(text, zips=tuple(codes), county_fips=codes[0] if is_county_too else None)
    county, comma, state = asked.rpartition(",")
    code = state.strip().upper()
    if comma and code in STATE_CODES:
        found = county_fips_of(pl.Series([county.strip()]), pl.Series([code]))[0]
        if found:
            return MarketName(f"{county.strip()}, {code}", county_fips=found)
    raise InvalidInput(f"{text!r} names no market.", remedy=_FORMS)


def read_market_sales(lake: Lake, market: MarketName, *, day: dt.date) -> pl.DataFrame:
    """The market's sales on record until `day` in the fixed shape, plus `market` (county FIPS); parcel_id is the
    property_id. Raises InvalidInput where the lake holds none, and names what it does hold.
    """
    sales = recorded_sales(lake, day=day, county_fips=market.county_fips) if market.county_fips else None
    if sales is None or (sales.is_empty() and market.zips):
        # Five digits that are both are the county, if the lake knows it.
        sales = recorded_sales(lake, day=day, zips=market.zips or None)
    if sales.is_empty():
        raise _nothing(lake, market)
    return sales.drop("zip").rename({"county_fips": MARKET})


def _nothing(lake: Lake, market: MarketName) -> InvalidInput:
    known = lake.read(PROPERTY_RECORDS, where=pl.col("sale_date").is_not_null(), columns=["county_fips", "zip"])
    if known.is_empty():
        return InvalidInput(
            "The lake holds no sale: no record has a sale date.",
            remedy="Import a file of sales with `leadflow import`, or give one with --sales.",
        )
    return InvalidInput(
        f"The lake holds no sale in {market.text}.",
        remedy=f"It holds sales in counties {_most(known['county_fips'])} and ZIPs {_most(known['zip'])}.",
    )


def _most(values: pl.Series) -> str:
    counts = values.drop_nulls().value_counts(sort=True).sort(["count", values.name], descending=[True, False])
    names: Sequence[str] = counts[values.name].head(5).to_list()
    return (", ".join(names) or "unknown") + (", …" if counts.height > 5 else "")
