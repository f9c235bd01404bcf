"""What the sales around a home say of its place: price levels from the city down to the building.

Tables over codes, each level leaning on the wider one where its sales are few. No neighbours, no trees.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from leadflow_pipelines.valuation.evidence import FOLDS, PLACES, Evidence
from leadflow_pipelines.valuation.hedonic import FittedHedonic, sale_weights
from leadflow_pipelines.valuation.homes import Floats, Ints

# A place's own sales count in full against two of the wider place's level.
SHRINK: Final = 2.0
AREA_CHOICES: Final = ("neighborhood", "zip5", "wide_block", "city", "street")
LEAST_AREAS: Final = 3
LEAST_SALES_OF_AREA: Final = 8


@dataclass(frozen=True)
class PlaceLevels:
    """Weighted sums of residuals by place, whole (last column) and without each fold (the others)."""

    weights: dict[str, Floats]
    sums: dict[str, Floats]

    def levels(self, codes: dict[str, Ints], fold: Ints | None) -> dict[str, Floats]:
        """`level_<place>` and `sales_<place>` by row. `fold`: leave out what each row's own tenth of parcels sold for.

        Leaving out only the row itself would not do: the remainder then gives its own price away to the digit.
        """
        found: dict[str, Floats] = {}
        rows = len(codes["parcel"])
        column = np.full(rows, FOLDS) if fold is None else fold
        wider = np.zeros(rows)
        for place in PLACES:
            code = codes[place]
            if not len(self.weights[place]):
                weight, total = np.zeros(rows), np.zeros(rows)
            else:
                at = np.maximum(code, 0)
                weight = np.where(code >= 0, self.weights[place][at, column], 0.0)
                total = np.where(code >= 0, self.sums[place][at, column], 0.0)
            wider = (total + SHRINK * wider) / (weight + SHRINK)
            found[f"level_{place}"], found[f"sales_{place}"] = wider, weight
        return found


def fit_place_levels(evidence: Evidence, fitted: FittedHedonic) -> PlaceLevels:
    weight = sale_weights(evidence) * fitted.trust
    weights, sums = {}, {}
    for place in PLACES:
        code = evidence.codes[place]
        known, places = code >= 0, int(code.max(initial=-1)) + 1
        cell = code[known] * FOLDS + evidence.fold[known]
        weights[place] = _without_each_fold(cell, weight[known], places)
        sums[place] = _without_each_fold(cell, (weight * fitted.residual)[known], places)
    return PlaceLevels(weights, sums)


def _without_each_fold(cell: Ints, amount: Floats, places: int) -> Floats:
    by_fold = np.bincount(cell, amount, minlength=places * FOLDS).astype(np.float64).reshape(-1, FOLDS)
    whole = by_fold.sum(axis=1, keepdims=True)
    return np.hstack([whole - by_fold, whole])


def choose_area(evidence: Evidence) -> str:
    """The named place that makes areas with sales enough: neighborhood, else ZIP, else parcel blocks, else the city."""
    for place in AREA_CHOICES:
        code = evidence.codes[place]
        areas = len(np.unique(code[code >= 0]))
        if areas >= LEAST_AREAS and (code >= 0).sum() >= max(LEAST_SALES_OF_AREA * areas, len(evidence) // 2):
            return place
    return ""
