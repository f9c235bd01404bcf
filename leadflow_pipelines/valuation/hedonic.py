"""The additive value: what size, age, kind and place add to a home's price, and how the market moved by month.

A robust ridge regression on log prices, alternated with area levels and a price index. Additive on purpose: the
difference between two homes is the adjustment of a comparable sale, term by term. No trees, no intervals here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.homes import ATTRIBUTES, KINDS, Bools, Floats, Homes, Ints

MONTH_DAYS: Final = 30
SEASON_DAYS: Final = 180
ROUNDS: Final = 6
KNOTS: Final = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
LEAST_KNOWN: Final = 30
LEAST_OF_KIND: Final = 20
# Sales lose half their weight in two years: the market's taste moves as well as its level.
HALF_LIFE_DAYS: Final = 730
AREAS: Final = {"city": 20.0, "zip5": 8.0, "neighborhood": 5.0, "wide_block": 5.0, "narrow_block": 5.0, "street": 5.0}
# A price trend of one area counts against this many sales of the market's trend.
TREND_SHRINK: Final = 40.0


@dataclass(frozen=True)
class Hedonic:
    """`knots` and `kinds` make the columns, `weights` price them; `index` is log price by month before `as_of`."""

    knots: dict[str, list[float]]
    kinds: dict[str, list[str]]
    level: float
    weights: list[float]
    index: list[float]
    spread: float

    def value(self, homes: Homes) -> Floats:
        """Log price today of what is known of each home, its place left out."""
        return np.asarray(self.level + _design(homes, self.knots, self.kinds) @ np.asarray(self.weights))


@dataclass(frozen=True)
class FittedHedonic:
    """The hedonic and what it makes of its own sales: `residual` is log price today less its attributes' value."""

    hedonic: Hedonic
    time_shift: Floats
    value: Floats
    residual: Floats
    trust: Floats


def sale_weights(evidence: Evidence) -> Floats:
    return np.asarray(0.5 ** ((evidence.today - evidence.day) / HALF_LIFE_DAYS))


def fit_hedonic(evidence: Evidence, trend_place: str) -> FittedHedonic:
    """Six rounds of attributes, area levels, robust weights, month index; then the trends of each `trend_place`."""
    knots, kinds = _columns(evidence)
    design = _design(evidence.homes, knots, kinds)
    month = ((evidence.today - 1 - evidence.day) // MONTH_DAYS).astype(np.int64)
    index = np.zeros(int(month.max()) + 1)
    recency, area = sale_weights(evidence), np.zeros(len(evidence))
    level, weight, trust = float(np.median(evidence.log_price)), recency, np.ones(len(evidence))
    for _ in range(ROUNDS):
        target = evidence.log_price - level - index[month] - area
        beta = _ridge(design, target, weight)
        unexplained = evidence.log_price - level - index[month] - design @ beta
        area = _area_levels(evidence, unexplained, weight)
        error = unexplained - area
        spread = 1.4826 * float(np.median(np.abs(error - np.median(error)))) + 1e-6
        trust = np.minimum(1.0, 2.0 * spread / np.maximum(np.abs(error), 1e-9))
        weight = recency * trust
        index = _month_index(index, month, error)
    shift = index[month]
    value = level + design @ beta
    shift = shift + _area_trends(evidence, trend_place, evidence.log_price - shift - value - area, weight)
    hedonic = Hedonic(knots, kinds, level, beta.tolist(), index.tolist(), spread)
    return FittedHedonic(hedonic, shift, value, evidence.log_price - shift - value, trust)


def _columns(evidence: Evidence) -> tuple[dict[str, list[float]], dict[str, list[str]]]:
    """Knots where an attribute is known often enough; kinds that occur often enough to be priced."""
    knots = {}
    for name in ATTRIBUTES:
        value = evidence.homes.numbers[name]
        known = value[np.isfinite(value)]
        if len(known) >= LEAST_KNOWN:
            knots[name] = np.unique(np.quantile(known, KNOTS)).tolist()
    kinds = {}
    for kind in KINDS:
        counts = np.bincount(evidence.codes[kind][evidence.codes[kind] >= 0], minlength=len(evidence.names[kind]))
        kinds[kind] = [evidence.names[kind][int(code)] for code in np.flatnonzero(counts >= LEAST_OF_KIND)]
    return knots, kinds


def _design(homes: Homes, knots: dict[str, list[float]], kinds: dict[str, list[str]]) -> Floats:
    """Constant; per attribute: not known, a line, its bends; one column per kind. Beyond the outer knots: flat."""
    columns = [np.ones(len(homes))]
    for name, places in knots.items():
        value, middle = homes.numbers[name], places[len(places) // 2]
        width = max(places[-1] - places[0], 1e-9)
        is_unknown = ~np.isfinite(value)
        value = np.where(is_unknown, middle, np.clip(value, places[0], places[-1]))
        columns += [is_unknown.astype(np.float64), (value - middle) / width]
        columns += [np.where(is_unknown, 0.0, np.maximum(value - knot, 0.0) / width) for knot in places[1:-1]]
    for kind, known in kinds.items():
        columns += [(homes.names[kind] == name).fill_null(False).to_numpy().astype(np.float64) for name in known]
    return np.column_stack(columns)


def _ridge(design: Floats, target: Floats, weight: Floats) -> Floats:
    weighted = design * weight[:, None]
    normal = design.T @ weighted
    normal[np.diag_indices_from(normal)] += np.r_[1e-9, np.full(len(normal) - 1, 2.0)]
    return np.asarray(np.linalg.solve(normal, weighted.T @ target))


def _area_levels(evidence: Evidence, unexplained: Floats, weight: Floats) -> Floats:
    """Level of each sale's place above the wider one around it, summed; shrunk to nothing where sales are few."""
    area = np.zeros(len(evidence))
    for place, shrink in AREAS.items():
        code, is_known = evidence.codes[place], evidence.codes[place] >= 0
        if not is_known.any():
            continue
        rows = code[is_known]
        total = np.bincount(rows, weight[is_known] * (unexplained - area)[is_known])
        level = total / (np.bincount(rows, weight[is_known]) + shrink)
        area = area + np.where(is_known, level[code], 0.0)
    return area


def _month_index(index: Floats, month: Ints, error: Floats) -> Floats:
    """Medians by month, smoothed by their neighbours in proportion to sales; today's month is zero."""
    order = np.argsort(month, kind="stable")
    counts = np.bincount(month, minlength=len(index)).astype(np.float64)
    ends = np.cumsum(counts).astype(np.int64)
    parts = np.split(error[order], ends[:-1])
    raised = index + np.array([np.median(part) if len(part) else 0.0 for part in parts])
    step = np.arange(len(index))
    near = np.exp(-0.5 * ((step[:, None] - step[None, :]) / 0.8) ** 2) * (counts[None, :] + 1e-6)
    smooth = (near @ raised) / near.sum(axis=1)
    return np.asarray(smooth - smooth[0])


def _area_trends(evidence: Evidence, place: str, error: Floats, weight: Floats) -> Floats:
    """How far the sale's half-year stood off the market's trend in its area, against the area's latest half-year."""
    code = evidence.codes.get(place, np.full(len(evidence), -1))
    is_known: Bools = code >= 0
    season = ((evidence.today - 1 - evidence.day) // SEASON_DAYS).astype(np.int64)
    seasons, areas = int(season.max()) + 1, int(code.max()) + 1
    if not areas:
        return np.zeros(len(evidence))
    cell = np.where(is_known, code, 0) * seasons + season
    bounded = np.clip(error, -0.5, 0.5) * weight * is_known
    total = np.bincount(cell, bounded, minlength=areas * seasons)
    count = np.bincount(cell, weight * is_known, minlength=areas * seasons)
    level = (total / (count + TREND_SHRINK)).reshape(areas, seasons)
    trend = (level - level[:, :1]).reshape(-1)
    return np.where(is_known, trend[cell], 0.0)
