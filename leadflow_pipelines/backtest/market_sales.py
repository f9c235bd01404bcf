"""A market's recorded sales as the org's lake knows them. Here: which market, which rows. Not here: judging them.

Every source row with a sale date is a sale on record: county files of sales, and what vendors told on each pull. A
record that comes again tells the same sale once, as the earliest record describes the home.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.backtest.snapshots import MARKET
from leadflow_pipelines.contracts import PROPERTY_LINKS, PROPERTY_RECORDS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.sales_history import SALES_SCHEMA
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
            return MarketName(codes[0], county_fips=codes[0])
        if kind.lower() in ("", "zip"):
            is_county_too = not kind and len(codes) == 1
            return MarketName(",".join(codes), zips=tuple(codes), county_fips=codes[0] if is_county_too else None)
    county, comma, state = asked.rpartition(",")
    code = state.strip().upper()
    if comma and code in STATE_CODES:
        found = county_fips_of(pl.Series([county.strip()]), pl.Series([code]))[0]
        if found:
            return MarketName(f"{county.strip()}, {code}", county_fips=found)
    raise InvalidInput(f"{text!r} names no market.", remedy=_FORMS)


def read_market_sales(lake: Lake, market: MarketName) -> pl.DataFrame:
    """The market's sales in the fixed shape, plus `market` (county FIPS). parcel_id is the property_id.

    Raises InvalidInput where the lake holds none, and names what it does hold.
    """
    rows = _dated(lake, market)
    if market.zips and market.county_fips and not rows.is_empty():
        # Five digits that are both: the county, if the lake knows it.
        of_county = rows.filter(pl.col("county_fips") == market.county_fips)
        rows = of_county if of_county.height else rows.filter(pl.col("zip").is_in(list(market.zips)))
    if rows.is_empty():
        raise _nothing(lake, market)
    links = lake.read(PROPERTY_LINKS, columns=["record_id", "property_id"])
    linked = rows.join(links, on="record_id", how="inner").sort("observed_at", "record_id")
    return linked.unique(["property_id", "sale_date", "sale_price_cents"], keep="first", maintain_order=True).select(
        pl.col("property_id").alias("parcel_id"),
        pl.col("address_raw").alias("address"),
        "zip5",
        *(name for name in SALES_SCHEMA if name in PROPERTY_RECORDS.schema and name not in ("zip5", "assessed_cents")),
        pl.coalesce("assessed_cents", "market_value_cents").alias("assessed_cents"),
        pl.col("county_fips").alias(MARKET),
    )


def _dated(lake: Lake, market: MarketName) -> pl.DataFrame:
    where = pl.col("sale_date").is_not_null()
    places = [pl.col("zip").is_in(list(market.zips))] if market.zips else []
    places += [pl.col("county_fips") == market.county_fips] if market.county_fips else []
    if places:
        where &= pl.any_horizontal(places)
    columns = [
        "record_id", "zip", "county_fips", "address_raw", "observed_at", "market_value_cents",
        *(name for name in SALES_SCHEMA if name in PROPERTY_RECORDS.schema),
    ]  # fmt: skip
    return lake.read(PROPERTY_RECORDS, where=where, columns=columns)


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
