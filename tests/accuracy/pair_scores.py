"""How well predicted clusters agree with the truth, pair by pair, counted without making the pairs.

Here: counts from a contingency table. Not here: what is clustered or why it fails (`test_identity_accuracy`).
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class PairScores:
    """Over pairs of records. largest_wrong: the records of the largest cluster that holds several truths, else 0."""

    precision: float
    recall: float
    f1: float
    largest_wrong: int

    def __str__(self) -> str:
        return f"P {self.precision:.4f}  R {self.recall:.4f}  F1 {self.f1:.4f}  largest wrong {self.largest_wrong}"


def pair_scores(predicted: pl.Series, truth: pl.Series) -> PairScores:
    """Scores of cluster labels against true labels of the same records. A null prediction is a cluster of its own.

    A pair is two records under one label. No predicted pair counts as precision 1, no true pair as recall 1.
    """
    cells = (
        pl.DataFrame({"predicted": predicted, "truth": truth})
        .with_columns(alone=pl.when(pl.col("predicted").is_null()).then(pl.int_range(pl.len())))
        .group_by("predicted", "alone", "truth")
        .agg(n=pl.len().cast(pl.Int64))
    )
    clusters = cells.group_by("predicted", "alone").agg(pl.col("n").sum(), truths=pl.len())
    both = _pairs(cells["n"])
    of_clusters = _pairs(clusters["n"])
    of_truths = _pairs(cells.group_by("truth").agg(pl.col("n").sum())["n"])
    precision = both / of_clusters if of_clusters else 1.0
    recall = both / of_truths if of_truths else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    wrong = clusters.filter(pl.col("truths") > 1)["n"].max()
    return PairScores(precision, recall, f1, int(wrong) if isinstance(wrong, int) else 0)


def _pairs(sizes: pl.Series) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
