"""Feature values → small integers: what terms are grown on, and what a score is looked up by. Polars and numpy only."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.allowed_features import ALLOWED

# Bin 0 is "not known" in every feature; a category that the fit did not see counts as not known too.
UNKNOWN_BIN: Final = 0
MOST_CATEGORIES: Final = 24
FEWEST_OF_CATEGORY: Final = 100

Bins = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Binning:
    """Edges of one number (bin k ends below edge k), or the categories of one word; bins are 1-based."""

    feature: str
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bins, the unknown one among them."""
        return 2 + len(self.edges) if ALLOWED[self.feature].kind != "category" else 1 + len(self.categories)

    def bins_of(self, frame: pl.DataFrame) -> Bins:
        """Bin of each row; 0 where the column is absent or null."""
        if self.feature not in frame.columns:
            return np.zeros(frame.height, dtype=np.uint8)
        values = frame[self.feature]
        if ALLOWED[self.feature].kind == "category":
            codes = {word: code for code, word in enumerate(self.categories, start=1)}
            return values.replace_strict(codes, default=UNKNOWN_BIN, return_dtype=pl.UInt8).fill_null(0).to_numpy()
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        found = np.searchsorted(np.asarray(self.edges), numbers, side="right") + 1
        return np.where(np.isnan(numbers), UNKNOWN_BIN, found).astype(np.uint8)

    def label(self, code: int) -> str:
        """The bin in words, for tables of a model card."""
        if code == UNKNOWN_BIN:
            return "not known"
        if ALLOWED[self.feature].kind == "category":
            return self.categories[code - 1]
        low = f"{self.edges[code - 2]:.3g}" if code > 1 else "…"
        high = f"{self.edges[code - 1]:.3g}" if code <= len(self.edges) else "…"
        return f"{low} to {high}"


def learn_binning(feature: str, values: pl.Series) -> Binning | None:
    """Quantile bins of `values`, or its commoner categories; None where there is nothing to tell apart."""
    if ALLOWED[feature].kind == "category":
        counts = values.drop_nulls().value_counts(name="rows").filter(pl.col("rows") >= FEWEST_OF_CATEGORY)
        common = counts.sort("rows", values.name, descending=[True, False]).head(MOST_CATEGORIES)
        words = tuple(sorted(common[values.name].to_list()))
        return Binning(feature, categories=words) if words else None
    numbers = values.cast(pl.Float64).drop_nulls().to_numpy()
    if numbers.size == 0 or numbers.min() == numbers.max():
        return None
    levels = np.linspace(0, 1, ALLOWED[feature].most_bins)[1:-1]
    edges = np.unique(np.quantile(numbers, levels, method="inverted_cdf"))
    kept = edges[edges > numbers.min()]
    if kept.size == 0:
        kept = np.asarray([(numbers.min() + numbers.max()) / 2])
    return Binning(feature, edges=tuple(float(edge) for edge in kept))
