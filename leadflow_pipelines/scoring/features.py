"""Features of every parcel as of the end of its history. Only a History comes in: later rows cannot be seen here.

A parcel's features come from its own deeds alone; of a subject nothing but its identity is used, so that neither
its values nor its nulls can tell of a later sale.
"""

from datetime import date
from typing import Final

import polars as pl

from leadflow_pipelines.sales_history import (
    PRICE_CENTS,
    SALE_DATE,
    History,
    arms_length,
    learn_market_areas,
    parcel_key,
    street_of,
)
from leadflow_pipelines.scoring.allowed_features import ALLOWED
from leadflow_pipelines.scoring.purchase_prices import with_relative_prices

YEAR_DAYS: Final = 365
HALF_YEAR_DAYS: Final = 182
NOMINAL_CENTS: Final = 1_000_00
# A resale within days is the same deal recorded twice (wholesale double closings, corrections), no quick resale.
SAME_DEAL_DAYS: Final = 7
PULL_OF_CITY: Final = 50


def parcel_features(history: History, *, buildings_are_dated: bool) -> pl.DataFrame:
    """One row per parcel of the history, sorted by `key`: key, address_key, last_sale_date, and every deed feature.

    Features that need dated buildings are null where the file does not date them.
    """
    sales = _sales_with_places(history)
    chained = _with_previous(with_relative_prices(sales))
    latest = chained.group_by("key", maintain_order=True).last()
    joined = latest.join(_areas(chained), on="market_area", how="left", maintain_order="left")
    named = _named(joined)
    if not buildings_are_dated:
        hidden = [name for name, feature in ALLOWED.items() if feature.needs_dated and name in named.columns]
        named = named.with_columns(pl.lit(None, named.schema[name]).alias(name) for name in hidden)
    return named


def tenure_days(as_of: date) -> pl.Expr:
    """Days from the latest deed to `as_of`."""
    return (pl.lit(as_of) - pl.col("last_sale_date")).dt.total_days().cast(pl.Float64)


def _sales_with_places(history: History) -> pl.DataFrame:
    # Files that overlap tell one deed twice: counted so, it would be a resale on the day of the purchase.
    keyed = history.sales.with_columns(parcel_key(history.sales)).filter(pl.col("key").is_not_null())
    keyed = keyed.unique(["key", SALE_DATE, PRICE_CENTS], keep="first", maintain_order=True)
    areas = learn_market_areas(keyed)
    price = pl.col(PRICE_CENTS).cast(pl.Float64) / 100
    return arms_length(keyed).with_columns(
        areas.assign(keyed),
        # A deed over several parcels states the price of all. Per parcel Nashville ranks better: AUC .660 → .681,
        # .618 → .622, .608 → .617 at three dates.
        pl.when(pl.col(PRICE_CENTS) >= NOMINAL_CENTS)
        .then((price / pl.col("parcels_of_deed")).log())
        .alias("log_price"),
        (pl.lit(history.as_of) - pl.col(SALE_DATE)).dt.total_days().alias("days_ago"),
        pl.col("land_use").str.to_uppercase().fill_null("").alias("use"),
        street_of(pl.col("address")).fill_null("").alias("street"),
    )


def _with_previous(sales: pl.DataFrame) -> pl.DataFrame:
    ordered = sales.sort("key", SALE_DATE, maintain_order=True)
    is_same = pl.col("key") == pl.col("key").shift(1)
    gap = (pl.col(SALE_DATE) - pl.col(SALE_DATE).shift(1)).dt.total_days().cast(pl.Float64)
    return ordered.with_columns(
        pl.when(is_same).then(gap).alias("previous_hold_days"),
        pl.when(is_same).then(pl.col("log_price") - pl.col("log_price").shift(1)).alias("previous_gain"),
        pl.int_range(pl.len()).over("key").cast(pl.Float64).alias("earlier_sales"),
    )


def _areas(sales: pl.DataFrame) -> pl.DataFrame:
    """Market area → turnover, share of quick resales and price trend, each in logs against the city."""
    is_market, ago = pl.col("sale_kind") == "market", pl.col("days_ago")
    in_year = is_market & (ago <= YEAR_DAYS)
    is_quick = in_year & pl.col("previous_hold_days").is_between(SAME_DEAL_DAYS, YEAR_DAYS)
    is_new = is_market & (ago <= HALF_YEAR_DAYS)
    counted = sales.group_by("market_area").agg(
        pl.col("key").n_unique().alias("homes"),
        in_year.sum().alias("sold"),
        is_quick.sum().alias("quick"),
        pl.col("price_vs_area").filter(is_new).median().alias("new_level"),
        pl.col("price_vs_area").filter(is_market & ~is_new).median().alias("old_level"),
        pl.min_horizontal(is_new.sum(), (is_market & ~is_new).sum()).alias("behind"),
    )
    city_rate = pl.col("sold").sum() / pl.col("homes").sum()
    city_quick = pl.col("quick").sum() / pl.col("sold").sum()
    turnover = (pl.col("sold") + PULL_OF_CITY * city_rate) / (pl.col("homes") + PULL_OF_CITY) / city_rate
    quick = (pl.col("quick") + PULL_OF_CITY * city_quick) / (pl.col("sold") + PULL_OF_CITY) / city_quick
    trend = (pl.col("new_level") - pl.col("old_level")) * pl.col("behind") / (pl.col("behind") + PULL_OF_CITY)
    return counted.select(
        "market_area",
        turnover.log().alias("area_turnover"),
        quick.log().alias("area_flip_share"),
        trend.alias("area_price_trend"),
    )


def _named(latest: pl.DataFrame) -> pl.DataFrame:
    age = (pl.col(SALE_DATE).dt.year() - pl.col("year_built")).cast(pl.Float64)
    deeds = (
        "price_vs_street",
        "price_vs_area",
        "price_vs_city",
        "sqft_price_vs_area",
        "size_vs_area",
        "lot_vs_area",
        "previous_hold_days",
        "previous_gain",
        "earlier_sales",
        "area_turnover",
        "area_flip_share",
        "area_price_trend",
        "units",
    )
    finite = [pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in deeds]
    return latest.select(
        "key",
        parcel_key(latest.select(pl.lit(None, pl.String).alias("parcel_id"), "address")).alias("address_key"),
        pl.col(SALE_DATE).alias("last_sale_date"),
        pl.col("days_ago").cast(pl.Float64).alias("tenure_days"),
        *finite,
        pl.when(age >= 0).then(age).alias("age_at_purchase"),
        (pl.col("parcels_of_deed") > 1).cast(pl.Float64).alias("bought_with_others"),
        pl.col("log_price").is_null().cast(pl.Float64).alias("price_unstated"),
        pl.col(SALE_DATE).dt.month().cast(pl.Float64).alias("purchase_month"),
        pl.when(pl.col("use") != "").then(pl.col("use")).alias("land_use"),
        pl.col("style").str.to_uppercase().alias("style"),
    ).sort("key")
