"""What training hands on: the judged window, the candidate and the verdict on it, in words and figures.

Here: values that the trainers of both kinds share. Not here: fitting (`train_motivation`, `train_values`).
"""

import datetime as dt
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from leadflow_pipelines.backtest.snapshots import SalesRecord
from leadflow_pipelines.backtest.windows import LEAST_TYPICAL, find_coverage
from leadflow_pipelines.sales_history import SALE_DATE

LEAST_SALES_OF_MARKET: Final = 100
"""Recorded sales below which a county has no history of its own: nothing could have been judged there."""
LONGEST_LAG: Final[Mapping[str, int]] = {"motivation": 365, "value": 183}
"""Days from the end of the data to the training. Longer, and the year of which the chance speaks is over before it
began; and prices are of another season, whatever the market did."""
SPAN_DAYS: Final = 30
TYPICAL_SPANS: Final = 12
RECORDED_SHARE: Final = 0.5
"""Of what the twelve spans before held at the median; a newest span with less is not recorded to its end yet."""
LONGEST_RECORDING: Final = 6
DAYS_PER_YEAR: Final = 365.25


@dataclass(frozen=True)
class Window:
    """[start, end): the newest span of the data that is closed. `end` is where the data end, and what models are fitted
    as of: from there to the day of training lie days without records, not days without sales."""

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
    what came of it. Without history there is neither. facts: further lines of the card, name to text.
    markets: where it may be used, None where the number of sales on record decides."""

    judgement: Judgement
    model: Any = None
    stand_in: Any = None
    facts: Mapping[str, str] = field(default_factory=dict)
    markets: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Rival:
    """The stand-in of the model that serves now, and that model's version."""

    version: str
    stand_in: Any


def newest_window(record: SalesRecord, *, day: dt.date, days: int, longest_lag: int | None) -> Window | str:
    """The last `days` days that the sales before `day` cover without a gap; or why there are none to learn from.

    longest_lag: days from the end of the data to `day` beyond which there are none (None: any).
    """
    dates = record.rows.filter(pl.col(SALE_DATE) < day)[SALE_DATE]
    if dates.is_empty():
        return "the lake holds no dated sale"
    coverage, end = find_coverage(dates), end_of_data(dates)
    start, last, lag = end - dt.timedelta(days=days), end - dt.timedelta(days=1), (day - end).days
    if longest_lag is not None and lag > longest_lag:
        return (
            f"the sales end on {last}, {_span(lag)} before {day}, and a model of then says little of now. Bring newer "
            "sales; or, to look at those: leadflow models train --accept-old-sales"
        )
    if start <= coverage.first:
        return f"the sales reach from {coverage.first} to {last}, too short for a window of {days} days"
    why = coverage.why_open(start, end)
    return why if why else Window(start, end)


def end_of_data(dates: pl.Series) -> dt.date:
    """Day after the last that sales on `dates` (at least one) cover in full.

    A few strays years later do not move it, and the newest weeks do not count while the recorder is still at them: they
    would be learned from as weeks in which hardly anything was sold.
    """
    end = find_coverage(dates).last + dt.timedelta(days=1)
    for _ in range(LONGEST_RECORDING):
        ago = (pl.lit(end) - pl.col(SALE_DATE)).dt.total_days() - 1
        spans = dates.to_frame(SALE_DATE).filter(ago >= 0).select(ago.floordiv(SPAN_DAYS).alias("span"))["span"]
        counts = [int((spans == number).sum()) for number in range(TYPICAL_SPANS + 1)]
        typical = statistics.median(counts[1:])
        if typical < LEAST_TYPICAL or counts[0] >= RECORDED_SHARE * typical:
            break
        end -= dt.timedelta(days=SPAN_DAYS)
    return end


def _span(days: int) -> str:
    years = days / DAYS_PER_YEAR
    return f"{years:.0f} years" if years >= 2 else f"{days} days"


def markets_with_history(sales: pl.DataFrame) -> list[str]:
    """Names of the markets (see `market_name`) that have sales enough, sorted. sales: with county_fips and zip."""
    counted = sales.group_by(market_name()).len().filter(pl.col("len") >= LEAST_SALES_OF_MARKET)
    return counted["market"].drop_nulls().sort().to_list()


def number(value: float | int | None) -> float:
    """A figure to compare by; one that could not be measured compares with nothing."""
    return float("nan") if value is None else float(value)


def rounded(value: Any) -> Any:
    """A figure as it is kept: to six digits."""
    return round(value, 6) if isinstance(value, float) else value


def market_name() -> pl.Expr:
    """A row's market: its county (FIPS), else its ZIP, as `zip:37206`. Reads county_fips and zip."""
    return pl.coalesce("county_fips", pl.format("zip:{}", "zip")).alias("market")
