"""The middle of log price and how far it may be missed, by gradient boosting on what attributes and comps explain.

Fitting, applying and storing the trees, nothing of markets. Same rows in, same trees out, to the bit.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from leadflow_pipelines.valuation.homes import Floats


@dataclass(frozen=True)
class Member:
    """One ensemble of trees, fitted to what attributes and comps leave, to the log price itself, or to the miss.

    The miss is the logarithm of how far attributes and comps lie from the price, on either side.
    """

    objective: dict[str, float | str]
    rounds: int
    target: Literal["remainder", "price", "miss"]


# The value is the mean of two views of its middle, which err differently: on Queens and Nashville the mean errs 1.5 %
# less than the better of them. One view of the miss serves both sides: trees for the tenth and the ninetieth percent
# took six times as long, and intervals of the same coverage were 4 to 11 % wider.
MEMBERS: Final = {
    "correction": Member({"objective": "quantile", "alpha": 0.5}, 160, "remainder"),
    "whole": Member({"objective": "huber", "alpha": 0.15}, 200, "price"),
    "spread": Member(
        {"objective": "regression", "num_leaves": 15, "min_data_in_leaf": 60, "learning_rate": 0.06}, 120, "miss"
    ),
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
# One member a thread: LightGBM's own threads spin while they wait, and on a busy machine take twenty times as long.
WORKERS: Final = 2
LEAST_HALF_WIDTH: Final = 0.02
# Prices farther than a factor of 4.5 from attributes and comps count as that far; a miss below 2 % as 2 %.
FARTHEST, NEAREST = 1.5, 0.02
# Half an interval of 80 % over the typical miss (its mean logarithm), were misses normal; calibration stretches it.
HALF_WIDTHS_OF_MISS: Final = 2.4


@dataclass(frozen=True)
class PriceTrees:
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
        middle = (start + added["correction"] + self.centre + added["whole"]) / 2.0
        half = np.maximum(HALF_WIDTHS_OF_MISS * np.exp(added["spread"]), LEAST_HALF_WIDTH)
        return np.column_stack([middle - half, middle, middle + half])


def fit_price_trees(
    matrix: NDArray[np.float32], names: list[str], start: Floats, log_price: Floats, weight: Floats
) -> PriceTrees:
    """`start`: log value of attributes and comps, which had not seen the home's own sales."""
    import lightgbm  # noqa: PLC0415 - every start of a Dagster process would wait for it

    remainder = np.clip(log_price - start, -FARTHEST, FARTHEST)
    centre = float(np.median(log_price))
    targets = {
        "remainder": remainder,
        "price": start + remainder - centre,
        "miss": np.log(np.maximum(np.abs(remainder), NEAREST)),
    }

    def fit_one(member: Member) -> str:
        settings = {**SETTINGS, **member.objective}
        data = lightgbm.Dataset(matrix, targets[member.target], weight=weight, feature_name=names, params=settings)
        return str(lightgbm.train(settings, data, member.rounds).model_to_string())

    with ThreadPoolExecutor(WORKERS) as workers:
        return PriceTrees(names, centre, dict(zip(MEMBERS, workers.map(fit_one, MEMBERS.values()), strict=True)))
