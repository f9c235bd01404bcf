"""How well scores rank and how far probabilities can be believed: the one definition, for model cards, for closed
months and for backtests. Arrays in, figures out.

Ties are never broken by chance: homes of one score enter together, and a cut within them takes its share of what they
sold. A constant score therefore has AUC .5 and lift 1 exactly, and the order of the rows is of no account.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.additive_terms import Numbers

Ints = np.ndarray[Any, np.dtype[np.int64]]

BINS = 10
"""Groups of equally many homes in which a probability is held against what was sold."""
CONFIDENCE = 0.90


@dataclass(frozen=True)
class Curve:
    """Cumulated weight and sold weight at the end of each group of equal scores, best first."""

    weight: Numbers
    sold: Numbers

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

    def lift(self, shares: Sequence[float]) -> Numbers:
        """Share sold among the best `shares` of the homes over the share sold among all; nan where none was sold."""
        if self.sold[-1] <= 0:
            return np.full(len(shares), np.nan)
        cuts = np.asarray(shares) * self.weight[-1]
        hits = np.interp(cuts, np.concatenate(([0.0], self.weight)), np.concatenate(([0.0], self.sold)))
        return np.asarray(hits / cuts / (self.sold[-1] / self.weight[-1]))


class Ranking:
    """Homes of one date, ordered by score once. scores, sold (0 or 1), homes: index of each home among all homes that
    are drawn from; without it, each row is a home of its own."""

    def __init__(self, scores: Numbers, sold: Numbers, homes: Ints | None = None) -> None:
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        self._sold = sold[order].astype(np.float64)
        self._homes: Ints = order if homes is None else homes[order]
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def curve(self, home_weights: Numbers | None = None) -> Curve:
        """The cumulated curve; `home_weights`, indexed by home, is how often each was drawn."""
        if home_weights is None:
            return Curve((self._ends + 1).astype(np.float64), np.cumsum(self._sold)[self._ends])
        weights = home_weights[self._homes]
        return Curve(np.cumsum(weights)[self._ends], np.cumsum(weights * self._sold)[self._ends])


def auc(sold: Numbers, scores: Numbers) -> float | None:
    """Chance that a sold home ranks above an unsold one, ties counting half; None where one kind is missing."""
    return _none(Ranking(scores, sold).curve().auc) if len(sold) else None


def lift(sold: Numbers, scores: Numbers, share: float) -> float | None:
    """Sale rate in the top `share` over the rate of all; None where none was sold."""
    return _none(float(Ranking(scores, sold).curve().lift([share])[0])) if len(sold) else None


def calibration(probabilities: Numbers, sold: Numbers, bins: int = BINS) -> pl.DataFrame:
    """bin (1 is the lowest), homes, predicted (mean probability), observed (share sold), of equally many homes each.

    Homes of one probability stay in one bin.
    """
    frame = pl.DataFrame({"probability": probabilities, "sold": sold})
    place = pl.col("probability").rank("average") / (pl.len() + 1) * bins
    return (
        frame.group_by(place.floor().cast(pl.Int32).clip(0, bins - 1).alias("bin"))
        .agg(pl.len().alias("homes"), pl.col("probability").mean().alias("predicted"), pl.col("sold").mean())
        .sort("bin")
        .select(pl.col("bin") + 1, pl.col("homes").cast(pl.Int64), "predicted", pl.col("sold").alias("observed"))
    )


def calibration_table(sold: Numbers, chances: Numbers, bins: int = BINS) -> list[dict[str, float]]:
    """`calibration` as rows of homes, predicted and observed."""
    return calibration(chances, sold, bins).drop("bin").to_dicts()


def expected_calibration_error(table: pl.DataFrame) -> float:
    """How far the probabilities of a `calibration` table lie from what was sold, by home; nan without a home."""
    gap = (pl.col("predicted") - pl.col("observed")).abs()
    return float(table.select((gap * pl.col("homes")).sum() / pl.col("homes").sum()).item())


def calibration_error(sold: Numbers, chances: Numbers, bins: int = BINS) -> float | None:
    """Expected calibration error over equal shares of homes; None without a home."""
    return _none(expected_calibration_error(calibration(chances, sold, bins)))


def brier(probabilities: Numbers, sold: Numbers) -> float:
    """Mean squared distance of the probability from what happened."""
    return float(np.mean((probabilities - sold) ** 2))


def bootstrap_interval(
    statistic: Callable[..., float | None], sold: Numbers, scores: Numbers, draws: int = 200
) -> tuple[float, float] | None:
    """`interval` of `statistic(sold, scores)` over homes of one date drawn anew, seeded; None where none was sold."""
    if not len(sold) or not sold.sum():
        return None
    random = np.random.default_rng(7)
    values = []
    for _ in range(draws):
        drawn = random.integers(0, len(sold), len(sold))
        value = statistic(sold[drawn], scores[drawn])
        if value is not None:
            values.append(value)
    return interval(np.array(values)) if values else None


def interval(rounds: Numbers) -> tuple[float, float]:
    """The middle CONFIDENCE of the rounds; nan where none could be counted."""
    if np.isnan(rounds).all():
        return float("nan"), float("nan")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(rounds, [tail, 1 - tail])
    return float(low), float(high)


def _steps(cumulated: Numbers) -> Numbers:
    """What each place adds."""
    steps = cumulated.copy()
    steps[1:] -= cumulated[:-1]
    return steps


def _none(value: float) -> float | None:
    return None if np.isnan(value) else value
