"""The walk forward: on each date fit on what was known, score the homes known, value the homes then sold.

Here: the loop and what it hands to whom. Not here: outcomes (`snapshots`), figures (`judge_scores`, `judge_values`).
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow_pipelines.backtest import score_baselines, value_baselines
from leadflow_pipelines.backtest.models import OURS, PEER, Models
from leadflow_pipelines.backtest.plan import VALUE_MONTHS, BacktestPlan
from leadflow_pipelines.backtest.snapshots import Homes, SalesRecord, SoldHomes, homes_sold, known_homes
from leadflow_pipelines.backtest.windows import Coverage, add_months
from leadflow_pipelines.sales_history import SALES_SCHEMA, sales_of_homes
from leadflow_pipelines.scoring.additive_terms import Numbers

LEAST_SALES = 30
"""Dated rows before a date below which there is no history to judge a model of."""

Say = Callable[[str], None]
Values = tuple[pl.Series, pl.Series | None, pl.Series | None]
"""value, low and high in cents, in the homes' order."""


@dataclass(frozen=True)
class ScoredDate:
    """Scores of the homes known on a date by model; a model that had too little to learn from is absent."""

    homes: Homes
    scores: dict[str, Numbers]
    seconds: float


@dataclass(frozen=True)
class ValuedDate:
    """Values of the homes sold after a date, by model; `estimates` is what ours answered."""

    sold: SoldHomes
    values: dict[str, Values]
    estimates: pl.DataFrame
    seconds: float


@dataclass(frozen=True)
class Canary:
    """Whether one date's output stays the same to the bit when the later sales are in the file."""

    as_of: dt.date
    same_scores: bool
    same_values: bool


def score_date(record: SalesRecord, as_of: dt.date, plan: BacktestPlan, models: Models) -> ScoredDate | str:
    """The homes known on the date, scored by every model; or why the date cannot be judged."""
    record = record.homes
    past = record.before(as_of)
    homes = known_homes(record, as_of, horizon_days=plan.horizon_days)
    if past.height < LEAST_SALES:
        return f"only {past.height} sales lie before it"
    if not homes.is_sold.sum():
        return f"none of the {homes.rows.height:,} homes known then was sold in its window"
    began = time.monotonic()
    fitted = models.fit_motivation(past, as_of, plan.horizon_days)
    ours = _probabilities(fitted.score(homes.rows, as_of), homes)
    seconds = time.monotonic() - began
    horizon = plan.horizon_days
    scores = {
        OURS: ours,
        PEER: score_baselines.by_lightgbm(record, homes, horizon_days=horizon, seed=plan.seed),
        "scorecard": score_baselines.by_scorecard(homes),
        "tenure": score_baselines.by_tenure(homes),
        "base_rate": score_baselines.by_base_rate(record, homes, horizon_days=horizon),
    }
    return ScoredDate(homes, {name: made for name, made in scores.items() if made is not None}, seconds)


def value_date(
    record: SalesRecord, as_of: dt.date, plan: BacktestPlan, coverage: Coverage, models: Models
) -> ValuedDate | None:
    """The homes sold in the months after the date, valued by every model; None where none was."""
    until = add_months(as_of, min(plan.step_months, VALUE_MONTHS))
    sold = homes_sold(record, as_of, min(until, coverage.last + dt.timedelta(days=1)))
    past = record.before(as_of)
    if sold.rows.is_empty() or past.height < LEAST_SALES:
        return None
    began = time.monotonic()
    ours = models.estimate_values(sold.rows, past, as_of)
    seconds = time.monotonic() - began
    _check_rows(ours, sold.rows, "estimate_values")
    values: dict[str, Values] = {
        OURS: (ours["value_cents"], ours["low_cents"], ours["high_cents"]),
        PEER: (value_baselines.by_lightgbm(past, sold, seed=plan.seed), None, None),
        "neighbourhood": (value_baselines.by_neighbourhood(past, sold), None, None),
    }
    return ValuedDate(sold, values, ours, seconds)


def watch_canary(
    record: SalesRecord, scored: ScoredDate, valued: ValuedDate | None, plan: BacktestPlan, models: Models
) -> Canary:
    """Score and value one date again with every later sale in the file, and demand the same to the bit."""
    as_of = scored.homes.as_of
    whole = record.rows.select(*SALES_SCHEMA)
    again = models.fit_motivation(sales_of_homes(whole), as_of, plan.horizon_days).score(scored.homes.rows, as_of)
    same_values = valued is None or models.estimate_values(valued.sold.rows, whole, as_of).equals(valued.estimates)
    return Canary(
        as_of,
        same_scores=bool(np.array_equal(_probabilities(again, scored.homes), scored.scores[OURS])),
        same_values=same_values,
    )


def _probabilities(scored: pl.DataFrame, homes: Homes) -> Numbers:
    _check_rows(scored, homes.rows, "score")
    return scored["probability"].cast(pl.Float64).to_numpy()


def _check_rows(answer: pl.DataFrame, asked: pl.DataFrame, who: str) -> None:
    if not answer["parcel_id"].equals(asked["parcel_id"], null_equal=True):
        raise ValueError(f"{who} answered {answer.height} rows for {asked.height}, or in another order")
