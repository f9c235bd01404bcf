"""Which recorded sales a free buyer and a free seller made, and why the others are not such sales.

Judged row by row from the sales given, so that cutting the history first also cuts what a later row could tell.
"""

from typing import Final

import polars as pl

from leadflow_pipelines.sales_history.columns import PARCEL_NUMBER, PRICE_CENTS, SALE_DATE, SALES_SCHEMA

# Deeds for "$10 and other good and valuable consideration" state no price.
NOMINAL_CENTS: Final = 1_000_00
# Of deeds with the same day, price and neighbourhood on three parcels or more, 90 % carry one deed number, of
# pairs 64 %: a pair counts only where it also shares its street. Measured on Nashville's deed numbers.
PARCELS_OF_ONE_DEED: Final = 3
# Words of deeds that pass title without a market: gifts, family, divorce, estates, corrections, foreclosures.
NO_MARKET_DEED: Final = (
    r"(?i)quit|gift|correct|foreclos|sheriff|trustee'?s? deed|tax deed|executor|administrat|estate|divorce|"
    r"court|guardian|conservator|love|family|intra|affidavit|transfer on death|life estate|in lieu"
)

MARKET: Final = "market"


def arms_length(sales: pl.DataFrame) -> pl.DataFrame:
    """`sales` (fixed shape) plus `sale_kind` and `parcels_of_deed`; rows, order and number as given.

    sale_kind, the first that holds: undated, no_price (null or 0), nominal_price, repeated (the same parcel, day and
    price as an earlier row), not_market_deed, several_parcels (one deed price over several parcels), market.
    parcels_of_deed: how many parcels that deed price is spread over, 1 where it is one.
    """
    many = _parcels_of_deed(sales)
    price, day = pl.col(PRICE_CENTS), pl.col(SALE_DATE)
    is_repeated = (
        pl.col("parcel_id").is_not_null() & ~pl.struct("parcel_id", SALE_DATE, PRICE_CENTS).is_first_distinct()
    )
    kind = (
        pl.when(day.is_null())
        .then(pl.lit("undated"))
        .when(price.is_null() | (price <= 0))
        .then(pl.lit("no_price"))
        .when(price < NOMINAL_CENTS)
        .then(pl.lit("nominal_price"))
        .when(is_repeated)
        .then(pl.lit("repeated"))
        .when(pl.col("deed_type").str.contains(NO_MARKET_DEED).fill_null(False))
        .then(pl.lit("not_market_deed"))
        .when(pl.col("parcels_of_deed") > 1)
        .then(pl.lit("several_parcels"))
        .otherwise(pl.lit(MARKET))
    )
    return sales.with_columns(many).with_columns(kind.alias("sale_kind"))


def market_sales(sales: pl.DataFrame) -> pl.DataFrame:
    """Only the sales between free parties, in the fixed shape and in their order."""
    return arms_length(sales).filter(pl.col("sale_kind") == MARKET).select(*SALES_SCHEMA)


def street_of(address: pl.Expr) -> pl.Expr:
    """Street of a one-line address, number and unit taken off; coarse, for telling neighbours from strangers."""
    street = address.str.to_uppercase().str.split(",").list.first()
    return street.str.replace(r"^\s*[\d-]+[A-Z]?\s+", "").str.replace_all(r"\s+", " ").str.strip_chars()


def _parcels_of_deed(sales: pl.DataFrame) -> pl.Series:
    """Parcels that share one deed: the same deed number, else the same day, price and place."""
    place = pl.coalesce("neighborhood", "zip5", pl.col(PARCEL_NUMBER).str.slice(0, 3), pl.lit(""))
    marked = sales.select(
        "parcel_id", "deed_id", SALE_DATE, PRICE_CENTS, place=place, street=street_of(pl.col("address"))
    )
    parcels = pl.col("parcel_id").n_unique().cast(pl.Int32)
    by_deed = parcels.over("deed_id", SALE_DATE)
    by_place = parcels.over(SALE_DATE, PRICE_CENTS, "place")
    by_street = parcels.over(SALE_DATE, PRICE_CENTS, "street")
    is_priced = (pl.col(PRICE_CENTS) >= NOMINAL_CENTS).fill_null(False) & pl.col(SALE_DATE).is_not_null()
    return marked.select(
        pl.when(~is_priced | pl.col("parcel_id").is_null())
        .then(pl.lit(1, pl.Int32))
        .when(pl.col("deed_id").is_not_null())
        .then(by_deed)
        .when(by_place >= PARCELS_OF_ONE_DEED)
        .then(by_place)
        .when(pl.col("street").is_not_null() & (by_street > 1))
        .then(by_street)
        .otherwise(pl.lit(1, pl.Int32))
        .alias("parcels_of_deed")
    )["parcels_of_deed"]
