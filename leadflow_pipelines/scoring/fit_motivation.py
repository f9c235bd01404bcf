"""Fitting the motivation model: history → snapshots → terms → recalibration; and what is done where there is little."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import SALE_DATE, History, cut_history
from leadflow_pipelines.scoring.additive_terms import AdditiveModel, Numbers, centred, probability, scaled
from leadflow_pipelines.scoring.allowed_features import ALLOWED, SIGNALS, require_allowed
from leadflow_pipelines.scoring.calibration import fit_line
from leadflow_pipelines.scoring.features import parcel_features
from leadflow_pipelines.scoring.grow_terms import grow
from leadflow_pipelines.scoring.model_version import version_of
from leadflow_pipelines.scoring.motivation_model import MotivationModel
from leadflow_pipelines.scoring.prior_odds import logit, prior_rate
from leadflow_pipelines.scoring.snapshots import Snapshots, take_snapshots
from leadflow_pipelines.scoring.vintage import are_buildings_dated

# Sold homes in the newest closed window below which nothing is learned but a rate.
FEWEST_SOLD: Final = 60
# Homes that the prior rate counts for: a county with fewer closed windows than that stays near the prior.
PRIOR_HOMES: Final = 200
SHORTEST_WINDOW_DAYS: Final = 60
ANCHOR_STEPS: Final = 25
HORIZONS: Final = (7, 1830)


@dataclass(frozen=True)
class _Learned:
    terms: AdditiveModel
    method: str
    held_out: pl.DataFrame


def fit_motivation_model(
    sales: pl.DataFrame | pl.LazyFrame,
    as_of: date | datetime | str,
    horizon_days: int = 365,
    *,
    signals: pl.DataFrame | None = None,
    parent: MotivationModel | None = None,
    extra_features: tuple[str, ...] = (),
) -> MotivationModel:
    """A model of the chance that a home is sold in [as_of, as_of + horizon_days), from `sales` before `as_of` alone.

    sales: the fixed shape (leadflow_pipelines.sales_history), any columns null or absent; rows at or after `as_of`
    change nothing, nor does the order of rows. signals: what was known of parcels on past days (parcel_id, day and
    columns of the allow-list), so that signals are learned rather than assumed. parent: a fitted model of a larger
    market; its terms are what a small county starts from. extra_features must be on the allow-list.
    The model's `method` says what it rests on. Raises InvalidInput for unreadable frames or a feature not allowed.
    """
    require_allowed(extra_features)
    if not HORIZONS[0] <= horizon_days <= HORIZONS[1]:
        raise InvalidInput(f"The horizon is {horizon_days} days; it must lie between {HORIZONS[0]} and {HORIZONS[1]}.")
    history = cut_history(sales, as_of)
    dated = are_buildings_dated(history)
    known_signals = _known_before(signals, history.as_of)
    snapshots = _longest_windows(history, horizon_days, dated, known_signals)
    facts = parcel_features(history, buildings_are_dated=dated)
    base_rate = _base_rate(snapshots, horizon_days, parent)
    learned = _learn(snapshots, facts, horizon_days, base_rate, parent, extra_features)
    if learned is None:
        learned = _Learned(AdditiveModel(logit(base_rate), {}, ()), "base_rate" if facts.height else "prior", _NOTHING)
    unseen_rate = _unseen_rate(learned, facts, base_rate)
    model = MotivationModel(
        as_of=history.as_of,
        horizon_days=horizon_days,
        method=learned.method,
        terms=learned.terms,
        facts=facts,
        base_rate=base_rate,
        unseen_rate=unseen_rate,
        held_out=learned.held_out,
        window=_window(history, snapshots, facts, dated),
        model_version="",
    )
    return replace(model, model_version=version_of(model))


_NOTHING: Final = pl.DataFrame(schema={"chance": pl.Float64, "sold": pl.Int8, "tenure_days": pl.Float64})


def _known_before(signals: pl.DataFrame | None, as_of: date) -> pl.DataFrame | None:
    """Signals observed before `as_of`; the door that sales go through, for signals."""
    if signals is None:
        return None
    missing = [name for name in ("parcel_id", "day") if name not in signals.columns]
    if missing:
        raise InvalidInput(f"Signals need the columns parcel_id and day; missing: {', '.join(missing)}.")
    return signals.filter(pl.col("day").cast(pl.Date) < as_of).with_columns(pl.col("day").cast(pl.Date))


def _longest_windows(history: History, horizon_days: int, dated: bool, signals: pl.DataFrame | None) -> Snapshots:
    """Windows of the horizon; of half or a quarter of it where the history is too short for enough closed sales."""
    best: Snapshots | None = None
    for part in (1, 2, 4):
        days = horizon_days // part
        if best is not None and days < SHORTEST_WINDOW_DAYS:
            break
        taken = take_snapshots(history, days, buildings_are_dated=dated, signals=signals)
        if taken.sales_in_newest >= FEWEST_SOLD:
            return taken
        if best is None or taken.sales_in_newest > best.sales_in_newest:
            best = taken
    assert best is not None
    return best


def _base_rate(snapshots: Snapshots, horizon_days: int, parent: MotivationModel | None) -> float:
    """Share sold in the newest closed window, scaled to the horizon and pulled to the parent's rate or the prior."""
    prior = parent.base_rate if parent and parent.horizon_days == horizon_days else prior_rate(horizon_days)
    newest = snapshots.rows.filter(pl.col("snapshot") == snapshots.newest) if snapshots.newest else snapshots.rows
    short = float(newest["sold"].sum()) / max(1, newest.height)
    sold = newest.height * (1 - (1 - short) ** (horizon_days / snapshots.window_days))
    return float((sold + PRIOR_HOMES * prior) / (newest.height + PRIOR_HOMES))


def _learn(
    snapshots: Snapshots,
    facts: pl.DataFrame,
    horizon_days: int,
    base_rate: float,
    parent: MotivationModel | None,
    extra_features: tuple[str, ...],
) -> _Learned | None:
    rows = snapshots.rows
    is_parent_good = parent is not None and bool(parent.terms.terms)
    if snapshots.sales_in_newest < FEWEST_SOLD:
        return _borrow(snapshots, facts, base_rate, parent) if parent is not None and is_parent_good else None
    names = tuple(
        dict.fromkeys((*(name for name in ALLOWED if name not in SIGNALS), *_learnable(rows), *extra_features))
    )
    offset = np.full(rows.height, logit(float(rows["sold"].mean() or 0.0)))  # type: ignore[arg-type]
    grown = grow(rows, names, offset)
    if grown is None:
        return None
    is_newest = (rows["snapshot"] == snapshots.newest).to_numpy()
    sold = rows["sold"].to_numpy().astype(np.float64)
    slope, shift = fit_line(grown.held_out[is_newest], sold[is_newest])
    raw = AdditiveModel(float(offset[0]), grown.model.binnings, grown.model.terms)
    newest = rows.filter(pl.Series(is_newest))
    held_out_odds = shift + slope * grown.held_out[is_newest]
    terms = centred(_anchored(scaled(raw, slope, shift), facts, base_rate), facts)
    method = "fitted" if snapshots.window_days == horizon_days else "fitted_shorter_window"
    return _Learned(terms, method, _held_out(probability(held_out_odds), newest))


def _borrow(snapshots: Snapshots, facts: pl.DataFrame, base_rate: float, parent: MotivationModel) -> _Learned:
    """The parent's terms; slope and shift from this market as far as its few sales carry."""
    newest = snapshots.rows.filter(pl.col("snapshot") == snapshots.newest) if snapshots.newest else snapshots.rows
    odds = parent.terms.log_odds(newest)
    slope, shift = fit_line(odds, newest["sold"].to_numpy().astype(np.float64))
    own = _anchored(scaled(parent.terms, slope, shift), facts, base_rate) if facts.height else parent.terms
    chances = probability(shift + slope * odds)
    return _Learned(centred(own, facts), "borrowed", _held_out(chances, newest) if newest.height else _NOTHING)


def _learnable(rows: pl.DataFrame) -> list[str]:
    """Signals that past days give: known for a share of homes that can teach anything."""
    return [name for name in SIGNALS if name in rows.columns and rows[name].null_count() < rows.height]


def _anchored(model: AdditiveModel, facts: pl.DataFrame, rate: float) -> AdditiveModel:
    """Shifted so that the mean chance over the homes known today lies halfway from the model's own to `rate`.

    A file that starts a few years back knows only recent buyers at first and more and more holders later; taken at
    its word, the model would lower the rate year by year (Nashville 2014-10-31: .048 where .073 were sold). Yet
    some of the change is real (Queens 2020-04-30: .052, newest window .062, sold .040).
    """
    odds = model.log_odds(facts)
    own = float(probability(odds).mean())
    shift, rate = 0.0, (own * rate) ** 0.5
    for _ in range(ANCHOR_STEPS):
        shift += logit(rate) - logit(float(probability(odds + shift).mean()))
    return AdditiveModel(model.intercept + shift, model.binnings, model.terms)


def _held_out(chances: Numbers, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.Series("chance", chances), "sold", "tenure_days")


def _unseen_rate(learned: _Learned, facts: pl.DataFrame, base_rate: float) -> float:
    """Mean chance of the longest-held half of the known homes: the nearest to a home without a sale on record."""
    if learned.method in ("base_rate", "prior") or facts.is_empty():
        return base_rate
    held_long = facts.filter(pl.col("tenure_days") >= pl.col("tenure_days").median())
    return float(probability(learned.terms.log_odds(held_long)).mean())


def _window(history: History, snapshots: Snapshots, facts: pl.DataFrame, dated: bool) -> dict[str, Any]:
    return {
        "first_sale": str(history.sales[SALE_DATE].min() or ""),
        "last_sale": str(history.sales[SALE_DATE].max() or ""),
        "sales": history.sales.height,
        "parcels": facts.height,
        "snapshots": snapshots.rows["snapshot"].n_unique(),
        "newest_snapshot": str(snapshots.newest or ""),
        "window_days": snapshots.window_days,
        "rows": snapshots.rows.height,
        "sold": int(snapshots.rows["sold"].sum() or 0),
        "buildings_are_dated": dated,
    }
