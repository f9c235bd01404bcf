"""A candidate motivation model, and whether it may serve: judged on the newest window that the sales close.

Here: the recipe and the bar. Not here: the model (`scoring`), the figures (`backtest`), storing (`train_models`).
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.backtest import score_baselines
from leadflow_pipelines.backtest.judge_scores import EVERY, SEASONED, judge_scores
from leadflow_pipelines.backtest.models import OURS
from leadflow_pipelines.backtest.snapshots import Homes, SalesRecord, known_homes, read_record
from leadflow_pipelines.backtest.walk_forward import ScoredDate
from leadflow_pipelines.sales_history import SALE_DATE, SALES_SCHEMA
from leadflow_pipelines.scoring import MotivationModel, fit_motivation_model
from leadflow_pipelines.training.candidates import LONGEST_LAG, Candidate, Judgement, Rival, Window, newest_window

Recipe = Callable[[pl.DataFrame, dt.date, int], MotivationModel]
HORIZON_DAYS: Final = 365
LEARNED: Final = ("fitted", "fitted_shorter_window", "borrowed")
LEAST_SOLD: Final = 30
"""Homes sold in the window below which an AUC is mostly chance: its 90 % interval is wider than .15."""
AUC_MARGIN: Final = 0.005
"""A new model may be so much worse than the current one: refits on a week's more sales differ as much."""
ROUNDS: Final = 200
SEED: Final = 20261122
Figures = dict[str, float | int | None]


def train_motivation(
    sales: pl.DataFrame,
    *,
    day: dt.date,
    rival: Rival | None = None,
    accept_old_sales: bool = False,
    recipe: Recipe = fit_motivation_model,
) -> Candidate:
    """A model as of the end of the data before `day`, and the verdict on it.

    sales: the fixed shape. accept_old_sales: though they end more than LONGEST_LAG before `day`. The stand-in is fitted
    as of the start of the newest closed window of HORIZON_DAYS. It must beat the base rate (the low end of its AUC's
    90 % interval above .5, a lower Brier score) and years owned, give the same to the bit when the later sales are in
    the file, and be no worse than `rival`'s stand-in, which has not seen the window either.
    """
    record = read_record(sales.filter(pl.col(SALE_DATE) < day))
    longest_lag = None if accept_old_sales else LONGEST_LAG["motivation"]
    window = newest_window(record, day=day, days=HORIZON_DAYS, longest_lag=longest_lag)
    if isinstance(window, str):
        return Candidate(Judgement("no_history", f"No model: {window}."))
    homes = known_homes(record, window.start, horizon_days=HORIZON_DAYS)
    if (sold := int(homes.is_sold.sum())) < LEAST_SOLD:
        why = f"{sold} of {homes.rows.height:,} homes known on {window.start} were sold again in {window}"
        return Candidate(Judgement("no_history", f"No model: {why}; {LEAST_SOLD} are needed to judge one.", window))
    stand_in = recipe(record.before(window.start), window.start, HORIZON_DAYS)
    model = recipe(record.before(window.end), window.end, HORIZON_DAYS)
    if model.method not in LEARNED or stand_in.method not in LEARNED:
        why = "the closed windows hold too few sales to learn from"
        return Candidate(Judgement("no_history", f"No model: {why}.", window))
    figures = _figures(record, homes, stand_in, rival)
    is_leaking = _sees_later_sales(record, homes, stand_in, window, recipe)
    return Candidate(_judge(figures, window, is_leaking, rival), model, stand_in, _facts(model))


def _judge(figures: dict[str, Figures], window: Window, is_leaking: bool, rival: Rival | None) -> Judgement:
    ours, tenure, base = figures["candidate"], figures["tenure"], figures.get("base_rate", {})
    auc, low, tenure_auc = _number(ours["auc"]), _number(ours["auc_low"]), _number(tenure["auc"])
    faults = []
    if is_leaking:
        faults.append("its scores change when later sales are in the file: it looks ahead")
    if not low > 0.5:
        faults.append(f"it ranks no better than the base rate (AUC {auc:.3f}, low end {low:.3f})")
    if base and _number(ours["brier"]) > _number(base["brier"]):
        faults.append(f"its probabilities are worse than the base rate's (Brier {ours['brier']:.4f})")
    if not auc > tenure_auc:
        faults.append(f"it ranks no better than years owned (AUC {auc:.3f} against {tenure_auc:.3f})")
    if "current" in figures and auc < _number(figures["current"]["auc"]) - AUC_MARGIN:
        faults.append(f"it ranks worse than the current model (AUC {auc:.3f} against {figures['current']['auc']:.3f})")
    if rival is not None and "current" not in figures:
        faults.append(f"the current model {rival.version} has seen part of the window, so they cannot be compared")
    if faults:
        return Judgement("kept_back", f"On {window}: {'; '.join(faults)}.", window, figures)
    current = f", current model {figures['current']['auc']:.3f}" if "current" in figures else ""
    because = f"On {window}: AUC {auc:.3f} ({low:.3f} or more), years owned {tenure_auc:.3f}{current}, chance .500."
    return Judgement("promoted", because, window, figures)


def _figures(record: SalesRecord, homes: Homes, stand_in: MotivationModel, rival: Rival | None) -> dict[str, Figures]:
    """Figures of the candidate, of the candidate on owners of a year or more, and of what it is held against."""
    base_rate = score_baselines.by_base_rate(record, homes, horizon_days=HORIZON_DAYS)
    scores = {OURS: _chances(stand_in, homes.rows, homes), "tenure": score_baselines.by_tenure(homes)}
    scores |= {} if base_rate is None else {"base_rate": base_rate}
    judged = _judged(ScoredDate(homes=homes, scores=scores, seconds=0.0))
    told = {"candidate": judged[EVERY, OURS], "tenure": judged[EVERY, "tenure"]}
    told |= {"base_rate": judged[EVERY, "base_rate"]} if base_rate is not None else {}
    if (SEASONED, OURS) in judged:
        told["seasoned"] = judged[SEASONED, OURS]
    if rival is not None and rival.stand_in.as_of <= homes.as_of:
        theirs = _chances(rival.stand_in, homes.rows, homes)
        told["current"] = _judged(ScoredDate(homes=homes, scores={OURS: theirs}, seconds=0.0))[EVERY, OURS]
    return told


def _judged(scored: ScoredDate) -> dict[tuple[str, str], Figures]:
    metrics = judge_scores([scored], markets=[], seed=SEED, rounds=ROUNDS).metrics
    of_date = metrics.filter(pl.col("as_of").is_not_null())
    kept = [name for name in of_date.columns if name not in ("as_of", "segment", "model", "dates")]
    return {
        (row["segment"], row["model"]): {name: _rounded(row[name]) for name in kept}
        for row in of_date.iter_rows(named=True)
    }


def _sees_later_sales(
    record: SalesRecord, homes: Homes, stand_in: MotivationModel, window: Window, recipe: Recipe
) -> bool:
    """Whether the recipe's scores of the window's start change once the window's sales are in the file."""
    whole = record.rows.select(*SALES_SCHEMA)
    again = recipe(whole, window.start, HORIZON_DAYS)
    latest = whole.unique("parcel_id", keep="last", maintain_order=True)
    later = homes.rows.select("parcel_id").join(latest, on="parcel_id", how="left", maintain_order="left")
    return not np.array_equal(
        _chances(again, later.select(*SALES_SCHEMA), homes), _chances(stand_in, homes.rows, homes)
    )


def _chances(model: MotivationModel, rows: pl.DataFrame, homes: Homes) -> Any:
    return model.score(rows, homes.as_of)["probability"].cast(pl.Float64).to_numpy()


def _facts(model: MotivationModel) -> dict[str, str]:
    window = model.window
    return {
        "How it came about": model.method.replace("_", " "),
        "Learned from": f"{window['rows']:,} homes on {window['snapshots']} past days, {window['sold']:,} of them sold "
        f"within {window['window_days']} days",
        "Base rate": f"{model.base_rate:.2%} of known homes sell within {model.horizon_days} days",
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _number(value: float | int | None) -> float:
    return float("nan") if value is None else float(value)
