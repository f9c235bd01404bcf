"""Intervals that keep their promise: quantiles moved and stretched by how the newest sales fell around them.

Conformal calibration on sales that the calibrated model had not seen, by price tercile and area. No trees.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from leadflow_pipelines.valuation.homes import Floats, Ints

# Each tail holds a tenth of an interval of 80 %; a little less here, because the market moves on after calibration:
# with a tenth, later sales fell inside 78 times of 100.
TAIL: Final = 0.095
TERCILES: Final = 3
# A tercile's own quantile counts in full against this many sales of all; an area's own spread likewise.
TERCILE_SHRINK: Final = 400.0
AREA_SHRINK: Final = 60.0
RECENTRE_SHRINK: Final = 100.0
# What the last quarter missed by is not all repeated in the next: seven tenths of it were, on Nashville and Queens.
RECENTRE_SHARE: Final = 0.7
# A value 20 % too high is a larger relative error than one 20 % too low, and costs an investor more: the value stands
# a little below the median of what the home may fetch. On Queens and Nashville that leaves the median error where it
# was (.124 for .120, .135 for .137) and takes .015 and .010 off the cheapest third's.
MIDDLE: Final = 0.45
LEAST_STRETCH: Final = 0.05


@dataclass(frozen=True)
class Calibration:
    """`shift` recentres log values; `cuts` part them into terciles, each with a stretch below and above the middle."""

    shift: float
    cuts: list[float]
    below: list[float]
    above: list[float]
    areas: dict[str, float]
    sales: int

    def apply(self, quantiles: Floats, area: list[str]) -> Floats:
        """Low, middle, high of log value, one row a home; `area`: its name, "" where unknown."""
        middle = quantiles[:, 1] + self.shift
        tercile = np.searchsorted(self.cuts, middle)
        stretch = np.array([self.areas.get(name, 1.0) for name in area]).reshape(-1)
        below = (quantiles[:, 1] - quantiles[:, 0]) * np.asarray(self.below)[tercile] * stretch
        above = (quantiles[:, 2] - quantiles[:, 1]) * np.asarray(self.above)[tercile] * stretch
        return np.column_stack([middle - below, middle, middle + above])


def calibrate(quantiles: Floats, log_price: Floats, area: list[str]) -> Calibration:
    """`quantiles`: low, middle, high that a model gave homes before they sold; `log_price`: what they sold for."""
    sales = len(log_price)
    off = log_price - quantiles[:, 1]
    shift = _recentred(off)
    off = off - shift
    middle = quantiles[:, 1] + shift
    down = -off / (quantiles[:, 1] - quantiles[:, 0])
    up = off / (quantiles[:, 2] - quantiles[:, 1])
    areas = _area_spreads(np.maximum(down, up), area)
    stretch = np.array([areas[name] for name in area])
    cuts = np.quantile(middle, np.arange(1, TERCILES) / TERCILES)
    tercile = np.searchsorted(cuts, middle)
    return Calibration(
        shift=shift,
        cuts=cuts.tolist(),
        below=_stretches(down / stretch, tercile),
        above=_stretches(up / stretch, tercile),
        areas=areas,
        sales=sales,
    )


def _recentred(off: Floats) -> float:
    """What to move log values by: most of the newest sales' median miss, and the step from median to MIDDLE."""
    median = float(np.median(off))
    seen = RECENTRE_SHARE * len(off) / (len(off) + RECENTRE_SHRINK)
    return seen * median + float(np.quantile(off, MIDDLE)) - median


def _stretches(score: Floats, tercile: Ints) -> list[float]:
    """What the model's half width must be multiplied by in each tercile, so that a tenth lies beyond."""
    overall, stretches = _upper(score), []
    for part in range(TERCILES):
        own = score[tercile == part]
        share = len(own) / (len(own) + TERCILE_SHRINK)
        stretch = share * _upper(own) + (1 - share) * overall if len(own) else overall
        stretches.append(max(float(stretch), LEAST_STRETCH))
    return stretches


def _upper(score: Floats) -> float:
    """The finite-sample conformal quantile: the one of n sold homes plus the home to come."""
    level = min(1.0, np.ceil((len(score) + 1) * (1 - TAIL)) / max(len(score), 1))
    return float(np.quantile(score, level, method="higher"))


def _area_spreads(score: Floats, area: list[str]) -> dict[str, float]:
    """How much wider than the market an area's sales fall around their values."""
    names, code = np.unique(np.array(area, dtype=str), return_inverse=True)
    bounded = np.clip(score, 1e-3, 4.0)
    spread = (np.bincount(code, bounded) + AREA_SHRINK * bounded.mean()) / (np.bincount(code) + AREA_SHRINK)
    return {str(name): float(value) for name, value in zip(names, spread / bounded.mean(), strict=True)}
