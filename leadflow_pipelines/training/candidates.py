"""What training hands on: the judged window, the candidate and the verdict on it, in words and figures.

Here: values that the trainers of both kinds share. Not here: fitting (`train_motivation`, `train_values`).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from leadflow_pipelines.backtest.snapshots import SalesRecord
from leadflow_pipelines.backtest.windows import find_coverage
from leadflow_pipelines.sales_history import SALE_DATE

LEAST_SALES_OF_MARKET: Final = 100
"""Recorded sales below which a county has no history of its own: nothing could have been judged there."""


@dataclass(frozen=True)
class Window:
    """[start, end): the newest span of the data that is closed."""

    start: dt.date
    end: dt.date

    def __str__(self) -> str:
        return f"{self.start} to {self.end - dt.timedelta(days=1)}"


@dataclass(frozen=True)
class Judgement:
    """verdict: promoted, kept_back or no_history; because: why, in words; metrics: the figures behind it."""

    verdict: str
    because: str
    window: Window | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A model as of the training day, the stand-in it is judged by (the same recipe as of the window's start), and
    what came of it. Without history there is neither. facts: further lines of the card, name to text."""

    judgement: Judgement
    model: Any = None
    stand_in: Any = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rival:
    """The stand-in of the model that serves now, and that model's version."""

    version: str
    stand_in: Any


def newest_window(record: SalesRecord, *, day: dt.date, days: int) -> Window | str:
    """The last `days` days that the sales before `day` cover without a gap; or why there are none."""
    dates = record.rows.filter(pl.col(SALE_DATE) < day)[SALE_DATE]
    if dates.is_empty():
        return "the lake holds no dated sale"
    coverage = find_coverage(dates)
    end = min(coverage.last + dt.timedelta(days=1), day)
    start = end - dt.timedelta(days=days)
    if start <= coverage.first:
        return f"the sales reach from {coverage.first} to {coverage.last}, too short for a window of {days} days"
    why = coverage.why_open(start, end)
    return why if why else Window(start, end)


def markets_with_history(sales: pl.DataFrame) -> list[str]:
    """Names of the markets (see `market_name`) that have sales enough, sorted. sales: with county_fips and zip."""
    counted = sales.group_by(market_name()).len().filter(pl.col("len") >= LEAST_SALES_OF_MARKET)
    return counted["market"].drop_nulls().sort().to_list()


def market_name() -> pl.Expr:
    """A row's market: its county (FIPS), else its ZIP, as `zip:37206`. Reads county_fips and zip."""
    return pl.coalesce("county_fips", pl.format("zip:{}", "zip")).alias("market")
