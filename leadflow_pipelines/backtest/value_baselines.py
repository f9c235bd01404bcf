"""What the value model is held against: the median of the neighbourhood, and a plain LightGBM on the same columns.

Here: values as of a date from the sales before it. Not here: the model itself (`valuation`).
"""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from leadflow_pipelines.backtest.snapshots import SoldHomes
from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE, SALES_SCHEMA, learn_market_areas, market_sales
from leadflow_pipelines.scoring.additive_terms import Numbers

RECENT_DAYS = 365
ENOUGH_SALES = 5
PLACES = (("market_area", "land_use"), ("market_area",), ("zip5", "land_use"), ("zip5",), ("land_use",))
"""Around a home, narrowest first: the first that has ENOUGH_SALES gives the median. `sales_history` draws the areas."""
LEAST_SALES = 200
TREES = 300
PARAMETERS: dict[str, Any] = {
    "objective": "regression_l1", "learning_rate": 0.05, "num_leaves": 31, "num_threads": 1, "verbosity": -1,
}  # fmt: skip
CATEGORIES = ("market_area", "zip5", "neighborhood", "land_use", "style")
NUMBERS = tuple(name for name, kind in SALES_SCHEMA.items() if kind.is_numeric() and name != PRICE_CENTS)


def by_neighbourhood(past: pl.DataFrame, sold: SoldHomes) -> pl.Series:
    """Median price of the last year's sales around each home, in cents; null where there is none at all."""
    areas = learn_market_areas(past)
    told = market_sales(past)
    recent = told.with_columns(areas.assign(told)).filter(
        pl.col(SALE_DATE) >= sold.as_of - dt.timedelta(days=RECENT_DAYS)
    )
    price = pl.col(PRICE_CENTS)
    frame = sold.rows.with_columns(areas.assign(sold.rows))
    for number, place in enumerate(PLACES):
        median = pl.when(pl.len() >= ENOUGH_SALES).then(price.median()).alias(f"m{number}")
        frame = frame.join(recent.group_by(place).agg(median), on=list(place), how="left", maintain_order="left")
    everywhere = pl.lit(recent[PRICE_CENTS].median(), pl.Float64)
    found = pl.coalesce(*(f"m{number}" for number in range(len(PLACES))), everywhere)
    return frame.select(found.round().cast(pl.Int64).alias("value_cents")).to_series()


def by_lightgbm(past: pl.DataFrame, sold: SoldHomes, *, seed: int) -> pl.Series:
    """Values in cents by a LightGBM fitted to the logarithm of price; all null where the past holds too few sales."""
    import lightgbm  # noqa: PLC0415 - every start of a Dagster process would wait for it

    training = market_sales(past)
    if training.height < LEAST_SALES:
        return pl.Series("value_cents", [None], dtype=pl.Int64).new_from_index(0, sold.rows.height)
    areas = learn_market_areas(past)
    training = training.with_columns(areas.assign(training))
    age = (pl.lit(sold.as_of) - pl.col(SALE_DATE)).dt.total_days()
    known = {name: training[name].drop_nulls().unique().sort() for name in CATEGORIES}
    settings = {**PARAMETERS, "seed": seed}
    data = lightgbm.Dataset(
        _features(training, known, age), np.log(training[PRICE_CENTS].to_numpy()),
        categorical_feature=list(range(len(CATEGORIES))), params=settings,
    )  # fmt: skip
    model = lightgbm.train(settings, data, TREES)
    asked = _features(sold.rows.with_columns(areas.assign(sold.rows)), known, pl.lit(0))
    values = np.exp(np.asarray(model.predict(asked, num_threads=1)))
    return pl.Series("value_cents", np.round(values)).cast(pl.Int64)


def _features(frame: pl.DataFrame, known: dict[str, pl.Series], age: pl.Expr) -> Numbers:
    codes = [
        pl.col(name).replace_strict(names, range(len(names)), default=None, return_dtype=pl.Float64)
        for name, names in known.items()
    ]
    return frame.select(*codes, *(pl.col(name).cast(pl.Float64) for name in NUMBERS), age.cast(pl.Float64)).to_numpy()
