"""Values against what was paid: a table of errors, coverage and width by date, segment and model.

Here: thirds by price, months, means. Not here: the values (`walk_forward`). A home that a model would not value counts
as an error of 100 %.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from leadflow_pipelines.backtest.judge_scores import EVERY
from leadflow_pipelines.backtest.walk_forward import ValuedDate

THIRDS: Final = ("cheapest third", "middle third", "dearest third")
FULL_MISS = 1.0

_error = pl.when(pl.col("value").is_null()).then(FULL_MISS).otherwise((pl.col("value") / pl.col("price") - 1).abs())
_is_inside = pl.col("price").is_between(pl.col("low"), pl.col("high"))
_METRICS: Final = (
    pl.len().cast(pl.Int64).alias("sales"),
    pl.col("value").is_null().sum().cast(pl.Int64).alias("refused"),
    _error.median().alias("median_error"),
    (_error <= 0.1).mean().alias("within_10"),
    (_error <= 0.2).mean().alias("within_20"),
    (pl.col("value") / pl.col("price") - 1).median().alias("bias"),
    _is_inside.mean().alias("coverage"),
    ((pl.col("high") - pl.col("low")) / pl.col("value")).median().alias("width"),
)
"""coverage and width: of the homes that have an interval; null where a model gives none."""


def judge_values(dates: Sequence[ValuedDate], *, markets: Sequence[str]) -> pl.DataFrame:
    """One row per as_of, segment and model. Segments: all, thirds by the price paid among the sales of one date,
    `month 2015-10` of the sale, `market 47037` where there are several. as_of null: all dates together; months are
    only told so."""
    rows = pl.concat([_told(one) for one in dates])
    price_place = (pl.col("price").rank("average") - 0.5) / pl.len()
    third = (price_place * 3).floor().clip(0, 2).cast(pl.UInt8).over("as_of", "model")
    rows = rows.with_columns(
        third.replace_strict(range(3), THIRDS, return_dtype=pl.String).alias("third"),
        pl.format("month {}", pl.col("sale_date").dt.strftime("%Y-%m")).alias("month"),
        pl.format("market {}", "market").alias("market"),
    )
    keys = [pl.lit(EVERY), pl.col("third"), *([pl.col("market")] if len(markets) > 1 else [])]
    parts = [_judged(rows, key, by_date) for key in keys for by_date in (True, False)]
    return pl.concat([*parts, _judged(rows, pl.col("month"), by_date=False)])


def _told(one: ValuedDate) -> pl.DataFrame:
    sold = one.sold
    none = pl.Series([None], dtype=pl.Int64).new_from_index(0, sold.rows.height)
    return pl.concat(
        pl.DataFrame(
            {
                "market": sold.market,
                "sale_date": sold.sale_date,
                "price": sold.price_cents,
                "value": value,
                "low": none if low is None else low,
                "high": none if high is None else high,
            }
        ).with_columns(pl.lit(sold.as_of).alias("as_of"), pl.lit(model).alias("model"))
        for model, (value, low, high) in one.values.items()
    )


def _judged(rows: pl.DataFrame, segment: pl.Expr, by_date: bool) -> pl.DataFrame:
    as_of = pl.col("as_of") if by_date else pl.lit(None, pl.Date).alias("as_of")
    return (
        rows.group_by(as_of, segment.alias("segment"), "model", maintain_order=True)
        .agg(*_METRICS)
        .sort("as_of", "segment", nulls_last=True, maintain_order=True)
    )
