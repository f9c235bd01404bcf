"""The fitted model as plain tables: each term gives log-odds for the bins of one to three features.

A score is a sum of look-ups, so every reason is exact. Polars and numpy only; growing terms is grow_terms.py.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.binning import Binning, Bins

Numbers = np.ndarray[Any, np.dtype[np.float64]]

# Terms and the features that may act together in one. Price against its surroundings fades with tenure: a bargain
# of last month is a flip in progress, one of five years ago is a home. On Nashville main effects alone reach AUC
# .571 at 2015-10-31, with these groups .608; unrestricted trees on the same features .60 to .62.
GROUPS: Final[tuple[tuple[str, ...], ...]] = (
    ("price_vs_street", "tenure_days", "price_vs_city"),
    ("price_vs_area", "tenure_days", "land_use"),
)


@dataclass(frozen=True)
class Term:
    """Log-odds by the bins of `features`, one axis a feature; `origin` says which market it was learned in."""

    features: tuple[str, ...]
    log_odds: Numbers
    origin: str = "own"

    @property
    def name(self) -> str:
        return self.features[0]


@dataclass(frozen=True)
class AdditiveModel:
    """intercept + sum of terms = log-odds."""

    intercept: float
    binnings: dict[str, Binning]
    terms: tuple[Term, ...]

    def contributions(self, features: pl.DataFrame) -> Numbers:
        """Log-odds of each term for each row: shape (rows, terms)."""
        bins: dict[str, Bins] = {name: binning.bins_of(features) for name, binning in self.binnings.items()}
        result = np.zeros((features.height, len(self.terms)))
        for position, term in enumerate(self.terms):
            result[:, position] = term.log_odds[tuple(bins[name] for name in term.features)]
        return result

    def log_odds(self, features: pl.DataFrame) -> Numbers:
        """Sum of the terms and the intercept, added in the terms' order."""
        total = np.full(features.height, self.intercept)
        result: Numbers = total + self.contributions(features).sum(axis=1)
        return result


def centred(model: AdditiveModel, features: pl.DataFrame) -> AdditiveModel:
    """The same model with every term averaging nothing over `features`: a reason then tells from the average home."""
    if features.is_empty():
        return model
    means = model.contributions(features).mean(axis=0)
    terms = tuple(
        Term(term.features, term.log_odds - mean, term.origin) for term, mean in zip(model.terms, means, strict=True)
    )
    return AdditiveModel(model.intercept + float(means.sum()), model.binnings, terms)


def scaled(model: AdditiveModel, slope: float, shift: float) -> AdditiveModel:
    """shift + slope × log-odds, as an additive model again."""
    terms = tuple(Term(term.features, term.log_odds * slope, term.origin) for term in model.terms)
    return AdditiveModel(shift + slope * model.intercept, model.binnings, terms)


def probability(log_odds: Numbers) -> Numbers:
    """Logistic function."""
    result: Numbers = 1.0 / (1.0 + np.exp(-log_odds))
    return result
