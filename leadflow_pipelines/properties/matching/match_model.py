"""The match model: what each level of agreement weighs, and how likely two addresses are one property.

A logistic model over the levels of `compare`: the weights add up to log odds, so that every match can be told in
words. The weights are data (`match_model.json`), versioned, with what they were learned from. To learn anew:

    python -m leadflow_pipelines.properties.train_match_model LABELLED.parquet

where the file holds records as `resolve_properties` takes them, and `truth`, the property that each really is.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from leadflow_pipelines.properties.matching.compare import FIELDS

MODEL_FILE = Path(__file__).with_name("match_model.json")
VERSION = 1
RIDGE = 0.5
"""Keeps the weight of a level that few pairs show near nothing."""
REFERENCE = {
    "street": "same", "suffix": "same", "directional": "none", "unit": "none", "place": "same_zip", "parcel": "missing",
    "owner": "missing", "distance": "missing",
}  # fmt: skip
"""The level of each field that weighs nothing: the others weigh as against it."""
UNSEEN = {
    "distance": {"near": 1.5, "around": -0.5, "far": -5.0}, "parcel": {"shared": 1.0, "listed_apart": -6.0},
    "place": {"both_zips_told": -6.0},
}  # fmt: skip
"""What a level weighs that the sample does not show."""
ROUNDS, STEP = 1000, 0.5
AT_MOST = {
    "street": {"one_slip": -1.0, "two_slips": -4.0, "other": -4.0},
    "suffix": {"other": -2.0},
    "unit": {"missing": -4.0},
    "place": {
        "no_zip_no_city": -2.0, "near_zip_no_city": -6.5, "near_zip_other_city": -7.0, "far_zip_same_city": -6.0,
        "far_zip_no_city": -8.0, "far_zip_other_city": -9.0,
        "both_zips_told": -6.0,
    },
    "parcel": {"other": -1.0, "listed_apart": -6.0},
    "owner": {"other": -0.3},
    "distance": {"around": -0.5, "far": -5.0},
}  # fmt: skip
"""What disagreement weighs at most, whatever a sample of few counties seems to teach."""


@dataclass(frozen=True)
class MatchModel:
    """weights: field → level → log odds; a level it does not know weighs nothing."""

    version: int
    bias: float
    weights: dict[str, dict[str, float]]

    def probabilities(self, levels: pl.DataFrame) -> pl.Series:
        """How likely each pair is one property, 0 to 1. `levels`: FIELDS."""
        total = pl.lit(self.bias)
        for field in FIELDS:
            known = self.weights.get(field, {})
            total += pl.col(field).replace_strict(
                list(known), list(known.values()), default=0.0, return_dtype=pl.Float64
            )
        return levels.select((1 / (1 + (-total).exp())).alias("probability"))["probability"]


@cache
def load_match_model() -> MatchModel:
    """The model that is shipped."""
    given = json.loads(MODEL_FILE.read_text())
    return MatchModel(given["version"], given["bias"], given["weights"])


def fit_match_model(levels: pl.DataFrame, is_match: pl.Series) -> MatchModel:
    """Learn the weights from pairs (FIELDS) whose truth is known. Deterministic.

    Gradient ascent of the ridge-penalised likelihood over the distinct combinations of levels, each counted.
    """
    kinds = (
        levels.select(FIELDS).with_columns(is_match.alias("match"))
        .group_by(FIELDS).agg(pl.col("match").sum().alias("matches"), pl.len().alias("pairs")).sort(FIELDS)
    )  # fmt: skip
    names = sorted({(field, level) for field in FIELDS for level in kinds[field].unique() if level != REFERENCE[field]})
    place = {name: at for at, name in enumerate(names)}
    rows = [
        ([place[field, row[field]] for field in FIELDS if (field, row[field]) in place], row["matches"], row["pairs"])
        for row in kinds.iter_rows(named=True)
    ]
    bias, weights = 0.0, [0.0] * len(names)
    bounds = [AT_MOST.get(field, {}).get(level, math.inf) for field, level in names]
    slopes = [1e-9] * (len(names) + 1)
    for _ in range(ROUNDS):
        ascent, curve = [-RIDGE * weight for weight in weights], 0.0
        for at, matches, pairs in rows:
            chance = 1 / (1 + math.exp(-max(-35.0, min(35.0, bias + sum(weights[one] for one in at)))))
            error = matches - pairs * chance
            curve += error
            for one in at:
                ascent[one] += error
        # Each weight's own step, smaller the more it has moved.
        for one, slope in enumerate([*ascent, curve]):
            slopes[one] += slope * slope
        moved = [
            w + STEP * up / math.sqrt(slopes[one]) for one, (w, up) in enumerate(zip(weights, ascent, strict=True))
        ]
        weights = [min(weight, bound) for weight, bound in zip(moved, bounds, strict=True)]
        bias += STEP * curve / math.sqrt(slopes[-1])
    learned = {field: {REFERENCE[field]: 0.0, **UNSEEN.get(field, {})} for field in FIELDS}
    for (field, level), weight in zip(names, weights, strict=True):
        learned[field][level] = round(weight, 3)
    return MatchModel(VERSION, round(bias, 3), learned)
