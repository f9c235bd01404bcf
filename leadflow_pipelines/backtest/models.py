"""The models under test and the names under which all are told. Here: the seam. Not here: any arithmetic."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

OURS: Final = "leadflow"
PEER: Final = "lightgbm"
SCORE_MODELS: Final = {
    OURS: "LeadFlow",
    PEER: "LightGBM",
    "scorecard": "Scorecard",
    "tenure": "Years owned",
    "base_rate": "Base rate",
}
"""Model to what people read; the scorecard and the years owned rank, they are no probability."""
PROBABILITIES: Final = (OURS, PEER, "base_rate")
VALUE_MODELS: Final = {OURS: "LeadFlow", PEER: "LightGBM", "neighbourhood": "Neighbourhood median"}


class Fitted(Protocol):
    """A motivation model fitted as of a date."""

    def score(self, subjects: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
        """One row per subject, in order, with `probability`."""
        ...


@dataclass(frozen=True)
class Models:
    """The two models under test, as the walk calls them.

    fit_motivation(sales, as_of, horizon_days); estimate_values(subjects, sales, as_of): one row per subject, in order,
    with value_cents, low_cents and high_cents.
    """

    fit_motivation: Callable[[pl.DataFrame, dt.date, int], Fitted]
    estimate_values: Callable[[pl.DataFrame, pl.DataFrame, dt.date], pl.DataFrame]


def product_models() -> Models:
    """The models that LeadFlow ships."""
    from leadflow_pipelines.scoring import fit_motivation_model  # noqa: PLC0415
    from leadflow_pipelines.valuation import estimate_values  # noqa: PLC0415

    return Models(fit_motivation_model, estimate_values)
