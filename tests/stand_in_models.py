"""Models that stand in for the product's in tests of the backtest: quick, transparent, and one that peeks."""

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from leadflow_pipelines.backtest import Models


@dataclass
class Seen:
    """What the walk handed to the models: the latest sale date, and the columns of homes to value that were filled."""

    latest: list[dt.date] = field(default_factory=list)
    as_of: list[dt.date] = field(default_factory=list)
    valued_columns: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Cheapness:
    """Scores who bought cheap: the price against the median of the neighbourhood, from the sales it was given."""

    sales: pl.DataFrame

    def score(self, subjects: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
        del as_of
        mine = self.sales.sort("sale_date", "sale_price_cents").group_by("parcel_id", maintain_order=True).last()
        median = pl.col("sale_price_cents").median().over("neighborhood")
        ratio = mine.select("parcel_id", (pl.col("sale_price_cents") / median).alias("ratio"))
        found = subjects.select("parcel_id").join(ratio, on="parcel_id", how="left", maintain_order="left")
        return found.select("parcel_id", (0.5 * (-(pl.col("ratio").fill_null(1.0))).exp()).alias("probability"))


def stand_ins(seen: Seen | None = None, *, peeks: bool = False) -> Models:
    """Models of neighbourhood medians. peeks: they use every sale they are given, whatever its date."""

    def past(sales: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
        return sales if peeks else sales.filter(pl.col("sale_date") < as_of)

    def fit(sales: pl.DataFrame, as_of: dt.date, horizon_days: int) -> _Cheapness:
        del horizon_days
        if seen is not None:
            latest = sales["sale_date"].max()
            assert isinstance(latest, dt.date)
            seen.latest.append(latest)
            seen.as_of.append(as_of)
        return _Cheapness(past(sales, as_of))

    def value(subjects: pl.DataFrame, sales: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
        if seen is not None:
            seen.valued_columns |= {name for name in subjects.columns if subjects[name].null_count() < subjects.height}
        per_sqft = (
            past(sales, as_of)
            .group_by("neighborhood")
            .agg((pl.col("sale_price_cents") / pl.col("living_sqft")).median().alias("per_sqft"))
        )
        found = subjects.join(per_sqft, on="neighborhood", how="left", maintain_order="left")
        worth = (pl.col("per_sqft") * pl.col("living_sqft")).round().cast(pl.Int64)
        return found.select(
            "parcel_id",
            worth.alias("value_cents"),
            (worth * 0.75).cast(pl.Int64).alias("low_cents"),
            (worth * 1.3).cast(pl.Int64).alias("high_cents"),
        )

    return Models(fit, value)


def oracle(sales: pl.DataFrame, horizon_days: int) -> Models:
    """Models that know every outcome."""

    @dataclass(frozen=True)
    class Knows:
        def score(self, subjects: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
            end = as_of + dt.timedelta(days=horizon_days)
            sold = sales.filter(pl.col("sale_date") >= as_of, pl.col("sale_date") < end)["parcel_id"].unique()
            return subjects.select(
                "parcel_id", pl.col("parcel_id").is_in(sold.implode()).cast(pl.Float64).alias("probability")
            )

    def refuse(subjects: pl.DataFrame, _sales: pl.DataFrame, _as_of: dt.date) -> pl.DataFrame:
        nothing = pl.lit(None, pl.Int64)
        return subjects.select(
            "parcel_id", *(nothing.alias(name) for name in ("value_cents", "low_cents", "high_cents"))
        )

    return Models(lambda _sales, _as_of, _horizon: Knows(), refuse)


def is_finite(values: pl.Series) -> bool:
    """Whether every value is a number."""
    return bool(np.isfinite(values.cast(pl.Float64).to_numpy()).all())
