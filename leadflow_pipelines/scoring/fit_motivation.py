"""Fitting the motivation model: history → snapshots → terms → recalibration; and what is done where there is little."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import SALE_DATE, History, cut_history, tell_apart
from leadflow_pipelines.scoring.additive_terms import AdditiveModel, Numbers, centred, probability, scaled
from leadflow_pipelines.scoring.allowed_features import ALLOWED, SIGNALS, require_allowed
from leadflow_pipelines.scoring.calibration import fit_line, shift_to
from leadflow_pipelines.scoring.features import parcel_features
from leadflow_pipelines.scoring.grow_terms import grow
from leadflow_pipelines.scoring.model_version import version_of
from leadflow_pipelines.scoring.motivation_model import MotivationModel
from leadflow_pipelines.scoring.prior_odds import logit, prior_rate
from leadflow_pipelines.scoring.snapshots import MOST_ROWS, Snapshots, take_snapshots
from leadflow_pipelines.scoring.vintage import are_buildings_dated

# Sold homes in the newest closed window below which nothing is learned but a rate.
FEWEST_SOLD: Final = 60
# Homes that the prior rate counts for: a county with fewer closed windows than that stays near the prior.
PRIOR_HOMES: Final = 200
SHORTEST_WINDOW_DAYS: Final = 60
LONGEST_WINDOW_DAYS: Final = 365
# A history needs some months before a snapshot of it knows prices and holders; where it has none to spare, fewer.
BURN_INS_DAYS: Final = (120, 60, 30)
# Weight of the newest window's rate against the model's own mean, in logs. Mean calibration error over dates:
# Nashville (rates rise) .0142 at 0, .0128 at ½, .0113 at 1; Queens (rates fall) .0102, .0108, .0114.
WEIGHT_OF_NEWEST: Final = 0.75
HORIZONS: Final = (7, 1830)


@dataclass(frozen=True)
class Ground:
    """What a market's history gives to learn from. is_dated: whether its building columns are as of each sale."""

    history: History
    is_dated: bool
    snapshots: Snapshots
    facts: pl.DataFrame
    horizon_days: int

    @property
    def periods(self) -> float:
        """How many of the windows learned from make the horizon."""
        return self.horizon_days / self.snapshots.window_days

    @property
    def newest(self) -> pl.DataFrame:
        """Rows of the newest closed window."""
        rows = self.snapshots.rows
        return rows.filter(pl.col("snapshot") == self.snapshots.newest) if self.snapshots.newest else rows


@dataclass(frozen=True)
class Learned:
    """Terms, how they came about, and the newest closed window as scored without having seen it."""

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
    ground = read_ground(sales, as_of, horizon_days, signals)
    is_same = parent is not None and parent.horizon_days == horizon_days
    prior = parent.base_rate if parent and is_same else prior_rate(horizon_days)
    base_rate = rate_of(ground, horizon_days, prior=prior)
    learned = _learn(ground, horizon_days, base_rate, parent, extra_features)
    return model_of(ground, learned or rate_alone(ground, base_rate), base_rate, horizon_days)


def read_ground(
    sales: pl.DataFrame | pl.LazyFrame,
    as_of: date | datetime | str,
    horizon_days: int,
    signals: pl.DataFrame | None,
    most_rows: int = MOST_ROWS,
) -> Ground:
    """One market's history before `as_of`, its past days with their outcomes, and its homes as of that day."""
    history = tell_apart(cut_history(sales, as_of))
    dated = are_buildings_dated(history)
    snapshots = _longest_windows(history, horizon_days, dated, _known_before(signals, history.as_of), most_rows)
    return Ground(history, dated, snapshots, parcel_features(history, buildings_are_dated=dated), horizon_days)


def model_of(ground: Ground, learned: Learned, base_rate: float, horizon_days: int) -> MotivationModel:
    """The model that what was learned makes of the homes of `ground`."""
    model = MotivationModel(
        as_of=ground.history.as_of,
        horizon_days=horizon_days,
        method=learned.method,
        terms=learned.terms,
        facts=ground.facts,
        base_rate=base_rate,
        unseen_rate=_unseen_rate(learned, ground.facts, base_rate),
        held_out=learned.held_out,
        window=_window(ground),
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


def _longest_windows(
    history: History, horizon_days: int, dated: bool, signals: pl.DataFrame | None, most_rows: int
) -> Snapshots:
    """Windows of the horizon; where they close with too few sales, shorter ones, and for short horizons longer ones.

    Shorter windows come before snapshots that know fewer months: as of 2014-03-31 Nashville is ranked for a year with
    AUC .637 from half-year windows, with .588 from one whole year behind 60 days of history.
    """
    best: Snapshots | None = None
    for days, burn_in in _window_choices(horizon_days):
        taken = take_snapshots(
            history, days, buildings_are_dated=dated, signals=signals, most_rows=most_rows, burn_in_days=burn_in
        )
        if taken.sales_in_newest >= FEWEST_SOLD:
            return taken
        if best is None or (taken.sales_in_newest and not best.sales_in_newest):
            best = taken
    assert best is not None
    return best


def _window_choices(horizon_days: int) -> list[tuple[int, int]]:
    """(window, burn-in) in days, the best first."""
    shorter = [days for days in (horizon_days // 2, horizon_days // 4) if days >= SHORTEST_WINDOW_DAYS]
    longer = [days for days in (horizon_days * 2, horizon_days * 4, LONGEST_WINDOW_DAYS) if days <= LONGEST_WINDOW_DAYS]
    near = [(days, burn_in) for burn_in in BURN_INS_DAYS for days in (horizon_days, *shorter)]
    return [*near, *((days, BURN_INS_DAYS[0]) for days in longer if days > horizon_days)]


def rate_of(ground: Ground, horizon_days: int, *, prior: float) -> float:
    """Share sold in the newest closed window, scaled to the horizon and pulled to `prior`."""
    newest = ground.newest
    short = float(newest["sold"].sum()) / max(1, newest.height)
    sold = newest.height * _over_periods(short, horizon_days / ground.snapshots.window_days)
    return float((sold + PRIOR_HOMES * prior) / (newest.height + PRIOR_HOMES))


def _over_periods(rate: float, periods: float) -> float:
    """Share sold over `periods` windows, in each of which `rate` of those left is sold."""
    return float(1 - (1 - rate) ** periods)


def rate_alone(ground: Ground, base_rate: float) -> Learned:
    """A rate, where nothing else can be learned."""
    terms = AdditiveModel(logit(base_rate), {}, ())
    return Learned(terms, "base_rate" if ground.facts.height else "prior", _NOTHING)


def _learn(
    ground: Ground,
    horizon_days: int,
    base_rate: float,
    parent: MotivationModel | None,
    extra_features: tuple[str, ...],
) -> Learned | None:
    rows = ground.snapshots.rows
    if ground.snapshots.sales_in_newest < FEWEST_SOLD:
        if parent is None or not parent.terms.terms:
            return None
        return settled(ground, parent.terms, parent.terms.log_odds(ground.newest), base_rate, "borrowed")
    offset = np.full(rows.height, logit(float(rows["sold"].mean() or 0.0)))  # type: ignore[arg-type]
    grown = grow(rows, names_to_learn(rows, extra_features), offset)
    if grown is None:
        return None
    is_newest = (rows["snapshot"] == ground.snapshots.newest).to_numpy()
    raw = AdditiveModel(float(offset[0]), grown.model.binnings, grown.model.terms)
    return settled(ground, raw, grown.held_out[is_newest], base_rate, own_method(ground, horizon_days))


def settled(ground: Ground, raw: AdditiveModel, odds: Numbers, base_rate: float, method: str) -> Learned:
    """`raw` recalibrated on the newest closed window, anchored and centred on the homes of today.

    odds: log-odds of the newest window's rows by terms that had not seen them.
    """
    newest, facts = ground.newest, ground.facts
    slope, shift = fit_line(odds, newest["sold"].to_numpy().astype(np.float64))
    line = scaled(raw, slope, shift)
    terms = centred(_anchored(line, facts, base_rate, ground.periods), facts) if facts.height else line
    return Learned(terms, method, _held_out(probability(shift + slope * odds), newest) if newest.height else _NOTHING)


def own_method(ground: Ground, horizon_days: int) -> str:
    """What a market's own fit is called."""
    days = ground.snapshots.window_days
    if days == horizon_days:
        return "fitted"
    return "fitted_shorter_window" if days < horizon_days else "fitted_longer_window"


def names_to_learn(rows: pl.DataFrame, extra_features: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Every feature of deeds, the signals that past days give, and what the caller adds."""
    deeds = (name for name in ALLOWED if name not in SIGNALS)
    return tuple(dict.fromkeys((*deeds, *_learnable(rows), *extra_features)))


def _learnable(rows: pl.DataFrame) -> list[str]:
    """Signals that past days give: known for a share of homes that can teach anything."""
    return [name for name in SIGNALS if name in rows.columns and rows[name].null_count() < rows.height]


def _anchored(model: AdditiveModel, facts: pl.DataFrame, rate: float, periods: float) -> AdditiveModel:
    """Shifted so that the mean chance over today's homes lies between the model's own, over `periods`, and `rate`.

    A file that starts a few years back knows only recent buyers at first and more and more holders later; taken at
    its word, the model would lower the rate year by year (Nashville 2014-10-31: .051 where .073 were sold). Yet some
    of the change is real (Queens 2020-01-31: .039, newest window .040, sold .029).
    """
    odds = model.log_odds(facts)
    own = _over_periods(float(probability(odds).mean()), periods)
    shift = shift_to(odds, own ** (1 - WEIGHT_OF_NEWEST) * rate**WEIGHT_OF_NEWEST)
    return AdditiveModel(model.intercept + shift, model.binnings, model.terms)


def _held_out(chances: Numbers, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.Series("chance", chances), "sold", "tenure_days")


def _unseen_rate(learned: Learned, facts: pl.DataFrame, base_rate: float) -> float:
    """Mean chance of the longest-held half of the known homes: the nearest to a home without a sale on record."""
    if learned.method in ("base_rate", "prior") or facts.is_empty():
        return base_rate
    held_long = facts.filter(pl.col("tenure_days") >= pl.col("tenure_days").median())
    return float(probability(learned.terms.log_odds(held_long)).mean())


def _window(ground: Ground) -> dict[str, Any]:
    dates, snapshots = ground.history.sales[SALE_DATE], ground.snapshots
    return {
        "first_sale": str(dates.min() or ""),
        "last_sale": str(dates.max() or ""),
        "sales": len(dates),
        "parcels": ground.facts.height,
        "snapshots": snapshots.rows["snapshot"].n_unique(),
        "newest_snapshot": str(snapshots.newest or ""),
        "window_days": snapshots.window_days,
        "rows": snapshots.rows.height,
        "sold": int(snapshots.rows["sold"].sum() or 0),
        "buildings_are_dated": ground.is_dated,
    }
