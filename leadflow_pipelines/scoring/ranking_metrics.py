"""How well scores rank and how true their probabilities are. Arrays in, figures out."""

from typing import Any

import numpy as np

from leadflow_pipelines.scoring.additive_terms import Numbers


def auc(sold: Numbers, scores: Numbers) -> float | None:
    """Chance that a sold home ranks above an unsold one, ties counting half; None where one kind is missing."""
    ranks = _mean_ranks(scores)
    positives = float(sold.sum())
    negatives = len(sold) - positives
    if not positives or not negatives:
        return None
    return float((ranks[sold > 0].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def lift(sold: Numbers, scores: Numbers, share: float) -> float | None:
    """Sale rate in the top `share` over the rate of all. Homes tied at the border count in proportion."""
    if not len(sold) or not sold.sum():
        return None
    wanted = max(1.0, share * len(sold))
    border = np.sort(scores)[::-1][int(np.ceil(wanted)) - 1]
    above, tied = scores > border, scores == border
    taken = sold[above].sum() + (wanted - above.sum()) * sold[tied].mean()
    return float(taken / wanted / sold.mean())


def calibration_table(sold: Numbers, chances: Numbers, bins: int = 10) -> list[dict[str, float]]:
    """Equal shares of homes by probability: homes, predicted and observed rate."""
    order = np.argsort(chances, kind="stable")
    parts = [part for part in np.array_split(order, bins) if part.size]
    return [
        {"homes": float(part.size), "predicted": float(chances[part].mean()), "observed": float(sold[part].mean())}
        for part in parts
    ]


def calibration_error(sold: Numbers, chances: Numbers, bins: int = 10) -> float | None:
    """Expected calibration error over equal shares of homes."""
    table = calibration_table(sold, chances, bins)
    if not table:
        return None
    return float(sum(row["homes"] * abs(row["predicted"] - row["observed"]) for row in table) / len(sold))


def bootstrap_interval(statistic: Any, sold: Numbers, scores: Numbers, draws: int = 200) -> tuple[float, float] | None:
    """Middle 90 % of `statistic(sold, scores)` over homes drawn anew, with a fixed seed."""
    if not len(sold) or not sold.sum():
        return None
    random = np.random.default_rng(7)
    values = []
    for _ in range(draws):
        drawn = random.integers(0, len(sold), len(sold))
        value = statistic(sold[drawn], scores[drawn])
        if value is not None:
            values.append(value)
    return (float(np.quantile(values, 0.05)), float(np.quantile(values, 0.95))) if values else None


def _mean_ranks(scores: Numbers) -> Numbers:
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Numbers = (last - (counts - 1) / 2)[inverse]
    return ranks
