"""Who was known on a date, and what became of them: homes to score with their outcome, homes sold to value.

Here: the cut between before and after. Not here: models. What is handed to a model as the past holds nothing of the
date itself or later; homes sold come without their date and price.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import (
    PRICE_CENTS,
    SALE_DATE,
    SALES_SCHEMA,
    arms_length,
    homes_by_unit,
    read_sales,
    sales_of_homes,
)

MARKET: Final = "market"
UNPRICED: Final = ("undated", "no_price", "nominal_price")
"""Kinds of deeds (`sales_history.arms_length`) by which a home is given, not sold."""
SEASONED_DAYS: Final = 365
"""Owners of a year or more: without them what looks like foresight is mostly homes bought to be sold on."""


@dataclass(frozen=True)
class SalesRecord:
    """A market's recorded sales: SALES_SCHEMA plus market, is_priced and is_sale, dated, sorted by every column.

    is_priced: a price changed hands, so the owner sold, as the motivation model counts it; one deed for several
    parcels sells each. is_sale: it also tells what this one home was worth to free parties.
    """

    rows: pl.DataFrame

    @property
    def markets(self) -> list[str]:
        """The markets apart in it, sorted."""
        return self.rows[MARKET].unique().sort().to_list()

    @property
    def homes(self) -> "SalesRecord":
        """The part that is not certainly land, parking or trade: of homes it is asked who will sell."""
        return SalesRecord(sales_of_homes(self.rows))

    def of(self, markets: Collection[str]) -> "SalesRecord":
        """The part of these markets."""
        return SalesRecord(self.rows.filter(pl.col(MARKET).is_in(list(markets))))

    def before(self, as_of: dt.date) -> pl.DataFrame:
        """The rows strictly before `as_of`, in the fixed shape."""
        return self.rows.filter(pl.col(SALE_DATE) < as_of).select(*SALES_SCHEMA)


def read_record(sales: pl.DataFrame | pl.LazyFrame, *, without: tuple[str, ...] = ()) -> SalesRecord:
    """`sales` (the fixed shape, any dtypes that `read_sales` reads; optional `market`) as a record.

    without: columns set to null, such as assessments that the file knows only as of a later day. Rows without date or
    parcel are passed over, rows repeated in whole stand once; flats that share a parcel number get one each. Raises
    InvalidInput for an unknown column.
    """
    unknown = [name for name in without if name not in SALES_SCHEMA or name in ("parcel_id", SALE_DATE, PRICE_CENTS)]
    if unknown:
        allowed = [name for name in SALES_SCHEMA if name not in ("parcel_id", SALE_DATE, PRICE_CENTS)]
        raise InvalidInput(f"There is no column {', '.join(unknown)} to leave out.", remedy=f"One of {allowed}.")
    frame = sales.collect() if isinstance(sales, pl.LazyFrame) else sales
    market = frame[MARKET].cast(pl.String) if MARKET in frame.columns else pl.Series([None], dtype=pl.String)
    rows = (
        read_sales(frame)
        .with_columns(*(pl.lit(None, SALES_SCHEMA[name]).alias(name) for name in without))
        .with_columns((market if len(market) == frame.height else market.new_from_index(0, frame.height)).alias(MARKET))
        .with_columns(pl.col(MARKET).fill_null("unplaced"))
        .filter(pl.col(SALE_DATE).is_not_null() & pl.col("parcel_id").is_not_null())
        .pipe(homes_by_unit)
        .unique()
        .sort(SALE_DATE, *SALES_SCHEMA, MARKET, nulls_last=True)
    )
    kind = arms_length(rows.select(*SALES_SCHEMA))["sale_kind"]
    return SalesRecord(
        rows.with_columns((~kind.is_in(UNPRICED)).alias("is_priced"), (kind == "market").alias("is_sale"))
    )


@dataclass(frozen=True)
class Homes:
    """Homes known on a date: `rows` in the fixed shape, as their latest record before it tells; beside them market,
    tenure_days, is_sold (0 or 1: sold in the window)."""

    as_of: dt.date
    rows: pl.DataFrame
    market: pl.Series
    tenure_days: pl.Series
    is_sold: pl.Series


def known_homes(record: SalesRecord, as_of: dt.date, *, horizon_days: int) -> Homes:
    """Each parcel with a record before `as_of`, once, and whether it sold in [as_of, as_of + horizon)."""
    end = as_of + dt.timedelta(days=horizon_days)
    day = pl.col(SALE_DATE)
    latest = record.rows.filter(day < as_of).unique("parcel_id", keep="last", maintain_order=True).sort("parcel_id")
    sold = record.rows.filter((day >= as_of) & (day < end) & pl.col("is_priced"))["parcel_id"].unique()
    return Homes(
        as_of=as_of,
        rows=latest.select(*SALES_SCHEMA),
        market=latest[MARKET],
        tenure_days=latest.select((pl.lit(as_of) - day).dt.total_days().alias("tenure_days")).to_series(),
        is_sold=latest.select(pl.col("parcel_id").is_in(sold.implode()).cast(pl.Int8).alias("is_sold")).to_series(),
    )


@dataclass(frozen=True)
class SoldHomes:
    """Sales of a window, to be valued as of its start: `rows` without date and price; beside them market,
    sale_date, price_cents."""

    as_of: dt.date
    rows: pl.DataFrame
    market: pl.Series
    sale_date: pl.Series
    price_cents: pl.Series


def homes_sold(record: SalesRecord, as_of: dt.date, until: dt.date) -> SoldHomes:
    """The sales between free parties in [as_of, until), as their own rows describe the homes."""
    day = pl.col(SALE_DATE)
    sold = record.rows.filter((day >= as_of) & (day < until) & pl.col("is_sale"))
    hidden = [pl.lit(None, SALES_SCHEMA[name]).alias(name) for name in (SALE_DATE, PRICE_CENTS, "deed_id", "deed_type")]
    return SoldHomes(
        as_of=as_of,
        rows=sold.select(*SALES_SCHEMA).with_columns(hidden),
        market=sold[MARKET],
        sale_date=sold[SALE_DATE],
        price_cents=sold[PRICE_CENTS],
    )
