"""How sure a ranking over many dates is: draws of homes, means over dates. Pure numpy.

Here: the bootstrap, whose homes are the same on every date and for every model. Not here: AUC, lift, calibration
(`scoring.ranking_metrics`), which scores (`walk_forward`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leadflow_pipelines.scoring.additive_terms import Numbers
from leadflow_pipelines.scoring.ranking_metrics import Ranking, interval

TOP_SHARES = (0.05, 0.1, 0.2)
"""Shares of the homes, best first, at which lift is told."""
CURVE_SHARES = tuple(percent / 100 for percent in (*range(1, 10), *range(10, 101, 5)))
SHARES = tuple(sorted({*TOP_SHARES, *CURVE_SHARES}))


@dataclass(frozen=True)
class Draws:
    """What each round of the bootstrap came to. auc: rounds x dates. lift: rounds x dates x SHARES. nan where a date
    has no score of the model, or nothing sold."""

    auc: Numbers
    lift: Numbers

    def auc_interval(self, date: int | None = None) -> tuple[float, float]:
        """Of one date, or of the mean over all."""
        return interval(_over_dates(self.auc) if date is None else self.auc[:, date])

    def lift_interval(self, share: float, date: int | None = None) -> tuple[float, float]:
        """Of one date, or of the mean over all; `share` is one of SHARES."""
        of_share = self.lift[:, :, SHARES.index(share)]
        return interval(_over_dates(of_share) if date is None else of_share[:, date])

    def auc_over(self, other: "Draws") -> tuple[float, float]:
        """Interval of the mean difference of AUC to another model's, home by home drawn alike."""
        return interval(_over_dates(self.auc - other.auc))


def bootstrap(
    rankings: Mapping[str, Sequence[Ranking | None]], *, home_count: int, seed: int, rounds: int
) -> dict[str, Draws]:
    """Rounds of the bootstrap for each model's rankings, one a date. Homes are drawn, not rows: a home known on many
    dates is in all of them or in none. Every model gets the same draws, so that differences are paired."""
    random = np.random.default_rng(seed)
    dates = max((len(of_model) for of_model in rankings.values()), default=0)
    draws = {
        model: Draws(np.full((rounds, dates), np.nan), np.full((rounds, dates, len(SHARES)), np.nan))
        for model in rankings
    }
    for number in range(rounds):
        weights = random.poisson(1.0, home_count).astype(np.float64)
        for model, of_model in rankings.items():
            for date, ranking in enumerate(of_model):
                if ranking is not None:
                    curve = ranking.curve(weights)
                    draws[model].auc[number, date] = curve.auc
                    draws[model].lift[number, date] = curve.lift(SHARES)
    return draws


def mean(values: Sequence[float]) -> float:
    """The mean of what could be counted; nan where nothing could."""
    counted = [value for value in values if not np.isnan(value)]
    return float(np.mean(counted)) if counted else float("nan")


def _over_dates(rounds: Numbers) -> Numbers:
    """The mean over dates of each round; nan where no date could be counted."""
    counted = ~np.isnan(rounds)
    sums = np.where(counted, rounds, 0.0).sum(axis=1)
    return np.asarray(np.divide(sums, counted.sum(axis=1), out=np.full(len(rounds), np.nan), where=counted.any(axis=1)))
