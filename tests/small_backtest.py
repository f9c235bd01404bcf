"""Backtests whose few figures can be read off: one question asked on two days, another once. Here: the rows, nothing
else.
"""

import datetime as dt

import polars as pl

from leadflow_pipelines.contracts.backtest import BACKTEST_CURVES, BACKTEST_SCORES, BACKTEST_VALUES
from leadflow_pipelines.lake import Lake

AS_OF = dt.date(2025, 8, 31)


def fill_backtests(lake: Lake, first_day: dt.date, second_day: dt.date) -> None:
    """`all` was walked on both days, better on the second; `37203` on the first alone, and nothing was valued."""
    asked = ((first_day, "all", 0.58), (first_day, "37203", 0.61), (second_day, "all", 0.60))
    for day in (first_day, second_day):
        of_day = [(market, auc) for on, market, auc in asked if on == day]
        for table, rows in ((BACKTEST_SCORES, _scores), (BACKTEST_VALUES, _values), (BACKTEST_CURVES, _curves)):
            made = [row for market, auc in of_day for row in rows(market, auc)]
            question = {"zip": "unlocated", "day": day, "horizon_days": 365, "without": ""}
            frame = pl.DataFrame([{**question, **row} for row in made], infer_schema_length=None)
            lake.replace(table, table.conform(frame), day=day)


def _scores(market: str, auc: float) -> list[dict[str, object]]:
    homes = {"homes": 100, "sold": 10, "base_rate": 0.1}
    return [
        {"market": market, "as_of": as_of, "segment": "all", "model": model, "dates": 1, "auc": figure, **homes}
        for as_of in (AS_OF, None)
        for model, figure in (("leadflow", auc), ("tenure", 0.5))
    ]


def _values(market: str, _auc: float) -> list[dict[str, object]]:
    if market != "all":
        return []
    segments = ((AS_OF, "all"), (None, "all"), (None, "cheapest third"))
    figures = {"model": "leadflow", "sales": 20, "refused": 1, "median_error": 0.125, "coverage": 0.8, "width": 0.6}
    return [{"market": market, "as_of": as_of, "segment": segment, **figures} for as_of, segment in segments]


def _curves(market: str, auc: float) -> list[dict[str, object]]:
    return [
        {"market": market, "segment": "all", "model": "leadflow", "kind": "lift", "point": point, "x": x, "y": 3 * auc}
        for point, x in enumerate((0.05, 0.1), start=1)
    ]
