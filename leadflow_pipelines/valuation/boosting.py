"""Quantiles of log price by gradient boosting, on top of what attributes and comps already explain.

Fitting, applying and storing the trees, nothing of markets. Same rows in, same trees out, to the bit.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray

from leadflow_pipelines.valuation.homes import Floats

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
ROUNDS: Final = {MIDDLE: 300, LOW: 150, HIGH: 150}
LEARNING_RATE: Final = {LOW: 0.08, MIDDLE: 0.05, HIGH: 0.08}
# Fixed seeds and row-wise histograms: LightGBM otherwise chooses by timing.
SETTINGS: Final[dict[str, Any]] = {
    "objective": "quantile",
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}
# One quantile a thread: LightGBM's own threads spin while they wait, and on a busy machine take twenty times as long.
WORKERS: Final = 2
LEAST_HALF_WIDTH: Final = 0.02


@dataclass(frozen=True)
class QuantileTrees:
    """Trees by quantile as LightGBM's own text; `names` are the columns they read."""

    names: list[str]
    texts: dict[float, str]

    def quantiles(self, matrix: NDArray[np.float32], start: Floats) -> Floats:
        """Log price, one row a home: low, middle, high, never crossing."""

        def predict_one(text: str) -> Floats:
            added: Floats = np.asarray(
                lightgbm.Booster(model_str=text).predict(matrix, num_threads=1), dtype=np.float64
            )
            return start + added

        with ThreadPoolExecutor(WORKERS) as workers:
            low, middle, high = workers.map(predict_one, (self.texts[level] for level in (LOW, MIDDLE, HIGH)))
        return np.column_stack(
            [np.minimum(low, middle - LEAST_HALF_WIDTH), middle, np.maximum(high, middle + LEAST_HALF_WIDTH)]
        )


def fit_quantile_trees(
    matrix: NDArray[np.float32], names: list[str], start: Floats, log_price: Floats, weight: Floats
) -> QuantileTrees:
    """`start` is corrected by the trees; prices more than a factor of 4.5 away from it count as that far."""
    target = np.clip(log_price - start, -1.5, 1.5)

    def fit_one(quantile: float) -> str:
        settings = {**SETTINGS, "alpha": quantile, "learning_rate": LEARNING_RATE[quantile]}
        data = lightgbm.Dataset(matrix, target, weight=weight, feature_name=names, params=settings)
        return str(lightgbm.train(settings, data, ROUNDS[quantile]).model_to_string())

    with ThreadPoolExecutor(WORKERS) as workers:
        return QuantileTrees(names, dict(zip(ROUNDS, workers.map(fit_one, ROUNDS), strict=True)))
