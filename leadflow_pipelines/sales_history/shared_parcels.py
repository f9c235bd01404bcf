"""Homes that share one parcel number, as cooperatives do: told apart by the unit in their address,
or, where addresses name none, sale by sale.

Taken for one home, a building of a hundred flats would be sold every month, and each buyer in it would look like
somebody who resells within weeks. Not here: condominiums, whose flats have parcels of their own.
"""

from dataclasses import replace
from typing import Final

import polars as pl

from leadflow_pipelines.sales_history.arms_length import NOMINAL_CENTS
from leadflow_pipelines.sales_history.columns import PRICE_CENTS, SALE_DATE
from leadflow_pipelines.sales_history.cut import History

APART: Final = " @ "
# A unit follows a comma ("11-01 162ND STREET, 7D") or a word for it. A city behind a comma is longer and has no figure.
_UNIT: Final = (
    r"(?:,\s*|\b(?:APT|APARTMENT|UNIT|STE|SUITE|NO)\b\.?\s*#?\s*|#\s*)"
    r"((?:PH|[A-Z]{0,3})-?\d+[A-Z]{0,2}|[A-Z]{1,2})\s*$"
)


# No home is sold so often: five times or more, every hundred days. An address without its unit is; where nothing but
# addresses are on record, three times tell a building.
FEWEST_SALES_OF_BUILDING: Final = 5
FEWEST_AT_ADDRESS: Final = 3
DAYS_BETWEEN: Final = 100


def tell_apart(history: History) -> History:
    """`history` with longer parcel numbers for homes that share one: the address added, else the day of the sale.

    The address where more than one unit was sold under the number. The day where addresses name no unit, but sales
    follow one another as those of no single home do; rows without a number are told apart by their address's sales.
    """
    sales = homes_by_unit(history.sales)
    sales = _by_sale(sales)
    return replace(history, sales=sales.sort(sales.columns, nulls_last=True))


def homes_by_unit(sales: pl.DataFrame) -> pl.DataFrame:
    """`sales` (fixed shape and any columns more) with the address added to parcel numbers that several units share."""
    units = sales.select("parcel_id", unit=pl.col("address").str.to_uppercase().str.extract(_UNIT, 1))
    counted = units.drop_nulls().unique().group_by("parcel_id").len()
    shared = counted.filter(pl.col("len") > 1)["parcel_id"]
    is_shared = pl.col("parcel_id").is_in(shared.implode()) & pl.col("address").is_not_null()
    return sales.with_columns(pl.when(is_shared).then(home_on_parcel()).otherwise("parcel_id").alias("parcel_id"))


def _by_sale(sales: pl.DataFrame) -> pl.DataFrame:
    keyed = sales.with_columns(parcel_key(sales))
    day = pl.col(SALE_DATE)
    counted = (
        keyed.filter(pl.col(PRICE_CENTS) >= NOMINAL_CENTS)
        .group_by("key")
        .agg(day.n_unique().alias("sales"), (day.max() - day.min()).dt.total_days().alias("span"))
    )
    is_nameless = pl.col("key").str.starts_with("@")
    least = pl.when(is_nameless).then(FEWEST_AT_ADDRESS).otherwise(FEWEST_SALES_OF_BUILDING)
    is_often = (pl.col("sales") >= least) & (pl.col("span") < DAYS_BETWEEN * (pl.col("sales") - 1))
    buildings = counted.filter(is_often)["key"].drop_nulls()
    own = pl.when(pl.col("key").is_in(buildings.implode())).then(pl.concat_str("key", day, separator=APART))
    return keyed.with_columns(own.otherwise("parcel_id").alias("parcel_id")).drop("key")


def parcel_key(frame: pl.DataFrame) -> pl.Series:
    """What a row's property is known by: its parcel number, else its address; null where it has neither."""
    return frame.select(pl.coalesce("parcel_id", pl.format("@{}", _plain_address())).alias("key"))["key"]


def home_on_parcel() -> pl.Expr:
    """Parcel number and address in one: what a home on a shared parcel is known by."""
    return pl.concat_str("parcel_id", _plain_address(), separator=APART)


def _plain_address() -> pl.Expr:
    return pl.col("address").str.to_uppercase().str.replace_all(r"[^A-Z0-9]+", " ").str.strip_chars()
