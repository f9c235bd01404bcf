"""A candidate value model, and whether it may serve: judged on the newest months that the sales close.

Here: the recipe and the bar. Not here: the model (`valuation`), the figures (`backtest`), storing (`train_models`).
"""

import datetime as dt
from collections.abc import Callable
from typing import Final

import polars as pl

from leadflow_pipelines.backtest import value_baselines
from leadflow_pipelines.backtest.judge_scores import EVERY
from leadflow_pipelines.backtest.judge_values import judge_values
from leadflow_pipelines.backtest.models import OURS
from leadflow_pipelines.backtest.snapshots import SalesRecord, SoldHomes, homes_sold, read_record
from leadflow_pipelines.backtest.walk_forward import ValuedDate, Values
from leadflow_pipelines.sales_history import SALE_DATE, SALES_SCHEMA
from leadflow_pipelines.training.candidates import (
    LONGEST_LAG,
    Candidate,
    Judgement,
    Rival,
    Window,
    newest_window,
    number,
    rounded,
)
from leadflow_pipelines.valuation import ValueModel, fit_value_model

Recipe = Callable[[pl.DataFrame, dt.date], ValueModel]
WINDOWS_DAYS: Final = (90, 180, 365)
"""The first in which LEAST_SOLD homes were sold: a small county needs longer to tell."""
LEAST_SOLD: Final = 40
"""Sales of the window below which a median error is mostly chance: its own error is a tenth of it and more."""
ERROR_MARGIN: Final = 0.005
"""A new model may be so much worse than the current one: refits on a week's more sales differ as much."""
LEAST_COVERAGE: Final = 0.70
"""An interval that is called 80 % and holds fewer prices than this is not shown to anybody."""
Figures = dict[str, float | int | None]


def train_values(
    sales: pl.DataFrame,
    *,
    day: dt.date,
    rival: Rival | None = None,
    accept_old_sales: bool = False,
    recipe: Recipe = fit_value_model,
) -> Candidate:
    """A model as of the end of the data before `day`, and the verdict on it.

    sales: the fixed shape. accept_old_sales: though they end more than LONGEST_LAG before `day`. The stand-in is fitted
    as of the start of the newest closed window of WINDOWS_DAYS and values the homes sold in it; a home it refuses
    counts as a miss of 100 %. It must beat the neighbourhood's median, hold LEAST_COVERAGE of the prices in its
    interval, give the same when the later sales are in the file, and be no worse than `rival`'s stand-in, which has not
    seen the window either.
    """
    record = read_record(sales.filter(pl.col(SALE_DATE) < day))
    window = _window(record, day, None if accept_old_sales else LONGEST_LAG["value"])
    if isinstance(window, str):
        return Candidate(Judgement("no_history", f"No model: {window}."))
    sold = homes_sold(record, window.start, window.end)
    if sold.rows.height < LEAST_SOLD:
        why = f"{sold.rows.height} homes were sold in {window}; {LEAST_SOLD} are needed to judge one"
        return Candidate(Judgement("no_history", f"No model: {why}.", window))
    stand_in = recipe(record.before(window.start), window.start)
    model = recipe(record.before(window.end), window.end)
    if model.machine is None or stand_in.machine is None:
        why = f"{stand_in.sales} usable sales before {window.start}"
        return Candidate(Judgement("no_history", f"No model: only {why}.", window))
    values = stand_in.estimate(sold.rows)
    is_leaking = not recipe(record.rows.select(*SALES_SCHEMA), window.start).estimate(sold.rows).equals(values)
    figures = _figures(record, sold, values, rival)
    return Candidate(_judge(figures, window, is_leaking, rival), model, stand_in, _facts(model))


def _window(record: SalesRecord, day: dt.date, longest_lag: int | None) -> Window | str:
    """The shortest window that has sales enough, else the longest that the sales close; or why there is none."""
    windows = [newest_window(record, day=day, days=days, longest_lag=longest_lag) for days in WINDOWS_DAYS]
    closed = [window for window in windows if isinstance(window, Window)]
    enough = (one for one in closed if homes_sold(record, one.start, one.end).rows.height >= LEAST_SOLD)
    return next(enough, closed[-1] if closed else windows[0])


def _judge(figures: dict[str, Figures], window: Window, is_leaking: bool, rival: Rival | None) -> Judgement:
    ours, median = figures["candidate"], number(figures["neighbourhood"]["median_error"])
    error, coverage = number(ours["median_error"]), number(ours["coverage"])
    faults = []
    if is_leaking:
        faults.append("its values change when later sales are in the file: it looks ahead")
    if not error < median:
        faults.append(f"it misses by {error:.1%}, the neighbourhood's median by {median:.1%}")
    if not coverage >= LEAST_COVERAGE:
        faults.append(f"its 80 % interval held {coverage:.0%} of the prices")
    if "current" in figures and error > number(figures["current"]["median_error"]) + ERROR_MARGIN:
        faults.append(f"it misses by {error:.1%}, the current model by {figures['current']['median_error']:.1%}")
    if rival is not None and "current" not in figures:
        faults.append(f"the current model {rival.version} has seen part of the window, so they cannot be compared")
    if faults:
        return Judgement("kept_back", f"On {window}: {'; '.join(faults)}.", window, figures)
    current = f", the current model by {figures['current']['median_error']:.1%}" if "current" in figures else ""
    because = f"On {window}: half of its values miss by {error:.1%} or less, the neighbourhood's median by {median:.1%}"
    held = f"its 80 % interval held {coverage:.0%} of the prices"
    return Judgement("promoted", f"{because}{current}; {held}.", window, figures)


def _figures(record: SalesRecord, sold: SoldHomes, values: pl.DataFrame, rival: Rival | None) -> dict[str, Figures]:
    medians = value_baselines.by_neighbourhood(record.before(sold.as_of), sold)
    made: dict[str, Values] = {OURS: _told(values), "neighbourhood": (medians, None, None)}
    if rival is not None and rival.stand_in.as_of <= sold.as_of:
        made["current"] = _told(rival.stand_in.estimate(sold.rows))
    one = ValuedDate(sold=sold, values=made, estimates=values, seconds=0.0)
    judged = judge_values([one], markets=[]).filter(pl.col("as_of").is_not_null())
    kept = [name for name in judged.columns if name not in ("as_of", "segment", "model")]
    told: dict[str, Figures] = {}
    for row in judged.iter_rows(named=True):
        name = "candidate" if row["model"] == OURS else row["model"]
        name = name if row["segment"] == EVERY else f"{name}, {row['segment']}"
        told[name] = {column: rounded(row[column]) for column in kept}
    return told


def _told(values: pl.DataFrame) -> Values:
    return values["value_cents"], values["low_cents"], values["high_cents"]


def _facts(model: ValueModel) -> dict[str, str]:
    renovated = model.renovated
    enough = "enough" if renovated.is_enough else "too few: after-repair values use the upper part of the interval"
    return {
        "Learned from": f"{model.sales:,} sales between free parties",
        "Renovated resales": f"{renovated.sales:,}, {enough}",
    }
