"""How well scores rank and how far probabilities can be believed. Pure numpy.

Here: AUC, average precision, lift, their bootstrap, calibration. Not here: which scores (`walk_forward`).

Ties are never broken by chance: homes of one score enter together, and a cut within them takes its share of what they
sold. A constant score therefore has AUC .5 and lift 1 exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOP_SHARES = (0.05, 0.1, 0.2)
"""Shares of the homes, best first, at which lift is told."""
CURVE_SHARES = tuple(percent / 100 for percent in (*range(1, 10), *range(10, 101, 5)))
SHARES = tuple(sorted({*TOP_SHARES, *CURVE_SHARES}))
BINS = 10
"""Groups of equally many homes in which a probability is held against what was sold."""
CONFIDENCE = 0.90


@dataclass(frozen=True)
class Curve:
    """Cumulated weight and sold weight at the end of each group of equal scores, best first."""

    weight: Floats
    sold: Floats

    @property
    def auc(self) -> float:
        """Chance that a sold home stands above an unsold one; nan where there are not both."""
        pairs = self.sold[-1] * (self.weight[-1] - self.sold[-1])
        above = self.sold - _steps(self.sold) / 2
        return float(_steps(self.weight - self.sold) @ above / pairs) if pairs > 0 else float("nan")

    @property
    def average_precision(self) -> float:
        """Mean share of sold homes above each sold home; nan where none was sold."""
        if self.sold[-1] <= 0:
            return float("nan")
        precision = np.divide(self.sold, self.weight, out=np.zeros_like(self.sold), where=self.weight > 0)
        return float(precision @ _steps(self.sold) / self.sold[-1])

    def lift(self, shares: Sequence[float]) -> Floats:
        """Share sold among the best `shares` of the homes over the share sold among all; nan where none was sold."""
        if self.sold[-1] <= 0:
            return np.full(len(shares), np.nan)
        cuts = np.asarray(shares) * self.weight[-1]
        hits = np.interp(cuts, np.concatenate(([0.0], self.weight)), np.concatenate(([0.0], self.sold)))
        return np.asarray(hits / cuts / (self.sold[-1] / self.weight[-1]))


class Ranking:
    """Homes of one date, ordered by score once. scores, sold (0 or 1), homes: index of each home among all homes."""

    def __init__(self, scores: Floats, sold: Floats, homes: Ints) -> None:
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        self._sold = sold[order].astype(np.float64)
        self._homes = homes[order]
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def curve(self, home_weights: Floats | None = None) -> Curve:
        """The cumulated curve; `home_weights`, indexed by home, is how often each was drawn."""
        if home_weights is None:
            return Curve((self._ends + 1).astype(np.float64), np.cumsum(self._sold)[self._ends])
        weights = home_weights[self._homes]
        return Curve(np.cumsum(weights)[self._ends], np.cumsum(weights * self._sold)[self._ends])


@dataclass(frozen=True)
class Draws:
    """What each round of the bootstrap came to. auc: rounds x dates. lift: rounds x dates x SHARES. nan where a date
    has no score of the model, or nothing sold."""

    auc: Floats
    lift: Floats

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


def _steps(cumulated: Floats) -> Floats:
    """What each place adds."""
    steps = cumulated.copy()
    steps[1:] -= cumulated[:-1]
    return steps


def interval(rounds: Floats) -> tuple[float, float]:
    """The middle CONFIDENCE of the rounds; nan where none could be counted."""
    if np.isnan(rounds).all():
        return float("nan"), float("nan")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(rounds, [tail, 1 - tail])
    return float(low), float(high)


def mean(values: Sequence[float]) -> float:
    """The mean of what could be counted; nan where nothing could."""
    counted = [value for value in values if not np.isnan(value)]
    return float(np.mean(counted)) if counted else float("nan")


def _over_dates(rounds: Floats) -> Floats:
    """The mean over dates of each round; nan where no date could be counted."""
    counted = ~np.isnan(rounds)
    sums = np.where(counted, rounds, 0.0).sum(axis=1)
    return np.asarray(np.divide(sums, counted.sum(axis=1), out=np.full(len(rounds), np.nan), where=counted.any(axis=1)))


def calibration(probabilities: Floats, sold: Floats, bins: int = BINS) -> pl.DataFrame:
    """bin (1 is the lowest), homes, predicted (mean probability), observed (share sold), of equally many homes each.

    Homes of one probability stay in one bin, so that the order of the rows is of no account.
    """
    frame = pl.DataFrame({"probability": probabilities, "sold": sold})
    place = pl.col("probability").rank("average") / (pl.len() + 1) * bins
    return (
        frame.group_by(place.floor().cast(pl.Int32).clip(0, bins - 1).alias("bin"))
        .agg(pl.len().alias("homes"), pl.col("probability").mean().alias("predicted"), pl.col("sold").mean())
        .sort("bin")
        .select(pl.col("bin") + 1, pl.col("homes").cast(pl.Int64), "predicted", pl.col("sold").alias("observed"))
    )


def expected_calibration_error(table: pl.DataFrame) -> float:
    """How far the probabilities of a `calibration` table lie from what was sold, by home."""
    gap = (pl.col("predicted") - pl.col("observed")).abs()
    return float(table.select((gap * pl.col("homes")).sum() / pl.col("homes").sum()).item())


def brier(probabilities: Floats, sold: Floats) -> float:
    """Mean squared distance of the probability from what happened."""
    return float(np.mean((probabilities - sold) ** 2))
