"""Quantiles of log price by gradient boosting, on top of what attributes and comps already explain.

Fitting, applying and storing the trees, nothing of markets. Same rows in, same trees out, to the bit.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leadflow_pipelines.valuation.homes import Floats


@dataclass(frozen=True)
class Member:
    """One ensemble of trees. `corrects`: fitted to what attributes and comps leave, else to the whole log price."""

    objective: dict[str, float | str]
    rounds: int
    corrects: bool


# The value is the mean of two views of its middle, which err differently: on Queens and Nashville the mean errs 1.5 %
# less than the better of them.
MEMBERS: Final = {
    "correction": Member({"objective": "quantile", "alpha": 0.5}, 160, True),
    "whole": Member({"objective": "huber", "alpha": 0.15}, 200, False),
    "low": Member({"objective": "quantile", "alpha": 0.1}, 150, True),
    "high": Member({"objective": "quantile", "alpha": 0.9}, 150, True),
}
# Fixed seeds and row-wise histograms: LightGBM otherwise chooses by timing.
SETTINGS: Final[dict[str, Any]] = {
    "learning_rate": 0.08,
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
    """Trees by member as LightGBM's own text; `names` are the columns they read, `centre` is where `whole` starts."""

    names: list[str]
    centre: float
    texts: dict[str, str]

    def quantiles(self, matrix: NDArray[np.float32], start: Floats) -> Floats:
        """Log price, one row a home: low, middle, high, never crossing."""
        import lightgbm  # noqa: PLC0415 - every start of a Dagster process would wait for it

        def predict_one(text: str) -> Floats:
            added: Floats = np.asarray(
                lightgbm.Booster(model_str=text).predict(matrix, num_threads=1), dtype=np.float64
            )
            return added

        with ThreadPoolExecutor(WORKERS) as workers:
            added = dict(zip(MEMBERS, workers.map(predict_one, (self.texts[name] for name in MEMBERS)), strict=True))
        low, high = start + added["low"], start + added["high"]
        middle = (start + added["correction"] + self.centre + added["whole"]) / 2.0
        return np.column_stack(
            [np.minimum(low, middle - LEAST_HALF_WIDTH), middle, np.maximum(high, middle + LEAST_HALF_WIDTH)]
        )


def fit_quantile_trees(
    matrix: NDArray[np.float32], names: list[str], start: Floats, log_price: Floats, weight: Floats
) -> QuantileTrees:
    """`start` is corrected by the trees; prices more than a factor of 4.5 away from it count as that far."""
    import lightgbm  # noqa: PLC0415 - every start of a Dagster process would wait for it

    correction = np.clip(log_price - start, -1.5, 1.5)
    centre = float(np.median(log_price))

    def fit_one(member: Member) -> str:
        settings = {**SETTINGS, **member.objective}
        target = correction if member.corrects else start + correction - centre
        data = lightgbm.Dataset(matrix, target, weight=weight, feature_name=names, params=settings)
        return str(lightgbm.train(settings, data, member.rounds).model_to_string())

    with ThreadPoolExecutor(WORKERS) as workers:
        return QuantileTrees(names, centre, dict(zip(MEMBERS, workers.map(fit_one, MEMBERS.values()), strict=True)))
