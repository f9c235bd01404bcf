"""The motivation models of an org's markets, as one thing to keep, to score with and to look at.

Here: which model a home's market has. Not here: fitting them (`fit_markets`), scoring by one (`motivation_model`).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from leadflow_pipelines.scoring.additive_terms import AdditiveModel
from leadflow_pipelines.scoring.allowed_features import SIGNALS
from leadflow_pipelines.scoring.motivation_model import MotivationModel


@dataclass(frozen=True)
class MarketModels:
    """Market name → its model, sorted by name; at least one."""

    models: dict[str, MotivationModel]

    @property
    def as_of(self) -> date:
        """Day that the newest of them was fitted as of."""
        return max(model.as_of for model in self.models.values())

    def score(self, subjects: pl.DataFrame, markets: pl.Series) -> pl.DataFrame:
        """The rows of MotivationModel.score and the market's base_rate, for the subjects whose market has a model, in
        their order. markets: of each subject, null where it is not known."""
        parts = [pl.DataFrame(schema={"row": pl.UInt32})]
        for market, model in self.models.items():
            is_here = (markets == market).fill_null(False)
            told = model.score(subjects.filter(is_here))
            parts.append(told.with_columns(is_here.arg_true().alias("row"), base_rate=pl.lit(model.base_rate)))
        return pl.concat(parts, how="diagonal").sort("row").drop("row")


def learned_signals(model: MotivationModel) -> tuple[str, ...]:
    """Signals whose terms were learned from past days, not assumed."""
    return tuple(name for term in model.terms.terms for name in term.features if name in SIGNALS)


def without_terms(model: MotivationModel, names: Collection[str]) -> MotivationModel:
    """The model as if these features told nothing: every home counts as the average one there."""
    kept = tuple(term for term in model.terms.terms if not set(term.features) & set(names))
    return replace(model, terms=AdditiveModel(model.terms.intercept, model.terms.binnings, kept))
