"""What each sale's price was against its street, neighbourhood and city, in logs. Only sales of a cut history.

Medians at every level, pulled to the level above in proportion to how few sales stand behind them.
"""

from typing import Final

import polars as pl

QUARTER_DAYS: Final = 90
# Sales at which a level's own median counts as much as the level above it.
PULL: Final = {"quarter": 50, "land_use": 20, "market_area": 10, "street": 4}
SMALLEST_SQFT: Final = 200
_BELOW_CITY: Final = ("market_area", "area_use")


def with_relative_prices(sales: pl.DataFrame) -> pl.DataFrame:
    """`sales` (log_price, days_ago, use, market_area, street, sale_kind) plus the prices against their surroundings."""
    is_market = pl.col("sale_kind") == "market"
    keyed = sales.with_columns(
        (pl.col("days_ago") // QUARTER_DAYS).alias("quarter"),
        pl.concat_str("market_area", "use", separator="|").alias("area_use"),
        pl.concat_str("market_area", "street", separator="|").alias("area_street"),
    )
    city = keyed.filter(is_market)["log_price"].median()
    left = keyed.with_columns((pl.col("log_price") - pl.lit(city, pl.Float64)).alias("left"))
    left = _take_level(left, "use", PULL["land_use"])
    left = _take_level(left, "quarter", PULL["quarter"]).with_columns(pl.col("left").alias("price_vs_city"))
    for level in _BELOW_CITY:
        left = _take_level(left, level, PULL["market_area"])
    left = left.with_columns(pl.col("left").alias("price_vs_area"))
    left = _take_level(left, "area_street", PULL["street"]).with_columns(pl.col("left").alias("price_vs_street"))
    return _with_sizes(left).drop("left", "quarter", "area_use", "area_street")


def _take_level(sales: pl.DataFrame, level: str, pull: int) -> pl.DataFrame:
    """`left` without what the level explains of it: the median of its market sales, pulled towards nothing."""
    is_market = (pl.col("sale_kind") == "market") & pl.col("left").is_not_null() & pl.col(level).is_not_null()
    effects = (
        sales.filter(is_market)
        .group_by(level)
        .agg((pl.col("left").median() * pl.len() / (pl.len() + pull)).alias("effect"))
    )
    joined = sales.join(effects, on=level, how="left", maintain_order="left")
    return joined.with_columns(pl.col("left") - pl.col("effect").fill_null(0.0)).drop("effect")


def _with_sizes(sales: pl.DataFrame) -> pl.DataFrame:
    place = ("market_area", "use")
    living = pl.when(pl.col("living_sqft") >= SMALLEST_SQFT).then(pl.col("living_sqft").log())
    trend_free = pl.col("log_price") - living - (pl.col("log_price") - pl.col("price_vs_city")).mean().over("quarter")
    is_market = pl.col("sale_kind") == "market"
    return sales.with_columns(
        (trend_free - trend_free.filter(is_market).median().over(place)).alias("sqft_price_vs_area"),
        (living - living.median().over(place)).alias("size_vs_area"),
        (pl.col("lot_sqft").log() - pl.col("lot_sqft").log().median().over(place)).alias("lot_vs_area"),
    )
