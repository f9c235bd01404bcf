"""What is assumed where a market has no history to learn from. Assumptions, labelled as such; nothing here is fitted.

Odds are centred on how common a signal is, so that a county's mean stays at its base rate.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.additive_terms import Numbers

# About one home in twenty changes hands in a year in the United States.
SALES_PER_HOME_AND_YEAR: Final = 0.05
YEAR_DAYS: Final = 365


@dataclass(frozen=True)
class AssumedOdds:
    """Log-odds that holding a signal adds, and the share of homes that hold it."""

    log_odds: float
    share: float


# Deliberately small: the order of the scorecard's points, kept below what any one study reports.
ASSUMED: Final[dict[str, AssumedOdds]] = {
    "is_pre_foreclosure": AssumedOdds(0.8, 0.01),
    "is_probate": AssumedOdds(0.4, 0.01),
    "is_tax_delinquent": AssumedOdds(0.4, 0.05),
    "is_vacant": AssumedOdds(0.4, 0.04),
    "has_code_violation": AssumedOdds(0.2, 0.03),
    "is_absentee": AssumedOdds(0.2, 0.25),
    "is_out_of_state": AssumedOdds(0.15, 0.07),
}


def prior_rate(horizon_days: int) -> float:
    """Assumed share of homes sold within the horizon."""
    return float(1 - (1 - SALES_PER_HOME_AND_YEAR) ** (horizon_days / YEAR_DAYS))


def logit(rate: float) -> float:
    """Log-odds of a rate, kept within one in a hundred thousand of certainty."""
    bounded = min(max(rate, 1e-5), 1 - 1e-5)
    return float(np.log(bounded / (1 - bounded)))


def assumed_contributions(features: pl.DataFrame) -> Numbers:
    """Shape (rows, signals of ASSUMED): log-odds that the known signals add; an unknown signal adds nothing."""
    result = np.zeros((features.height, len(ASSUMED)))
    for position, (name, odds) in enumerate(ASSUMED.items()):
        if name in features.columns:
            held = (features[name].cast(pl.Float64) - odds.share) * odds.log_odds
            result[:, position] = held.fill_null(0.0).to_numpy()
    return result
