"""Scores against what was sold: a table of metrics by date, segment and model; lift curve and calibration.

Here: which homes make a segment, means over dates, intervals. Not here: the metrics themselves (`ranking`).
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow_pipelines.backtest.models import OURS, PEER, PROBABILITIES, SCORE_MODELS
from leadflow_pipelines.backtest.ranking import SHARES, TOP_SHARES, Draws, bootstrap, mean
from leadflow_pipelines.backtest.snapshots import SEASONED_DAYS
from leadflow_pipelines.backtest.walk_forward import ScoredDate
from leadflow_pipelines.scoring.additive_terms import Numbers
from leadflow_pipelines.scoring.ranking_metrics import Ints, Ranking, brier, calibration, expected_calibration_error

EVERY: Final = "all"
SEASONED: Final = "owned a year or more"
WITH_INTERVAL: Final = (OURS, PEER)
DEVIATIONS: Final = 1.645
"""Standard errors on either side that hold 90 %."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ScoreFigures:
    """metrics: one row per as_of (null: mean over the dates), segment and model. curves: points of the lift curve
    (kind lift: x share of homes, y lift) and of calibration (kind calibration: x predicted, y observed).
    difference: interval of the mean AUC over LightGBM's, and the mean itself, by segment; absent without the peer."""

    metrics: pl.DataFrame
    curves: pl.DataFrame
    difference: dict[str, tuple[float, float, float]]


def judge_scores(dates: Sequence[ScoredDate], *, markets: Sequence[str], seed: int, rounds: int) -> ScoreFigures:
    """Every figure of the scored dates: over all homes, over seasoned owners, and over each market apart."""
    homes = _home_numbers(dates)
    metrics: list[dict[str, Any]] = []
    curves: list[pl.DataFrame] = []
    difference = {}
    for segment, masks in _segments(dates, markets):
        one = _Segment(segment, dates, masks, homes)
        draws = bootstrap(
            {model: one.rankings(model) for model in WITH_INTERVAL}, home_count=_count(homes), seed=seed, rounds=rounds
        )
        for model in SCORE_MODELS:
            metrics += one.metrics(model, draws.get(model))
            curves += one.curves(model, draws.get(model))
        over = draws[OURS].auc_over(draws[PEER])
        if not np.isnan(over).any():
            difference[segment] = (one.mean_difference(), *over)
    return ScoreFigures(pl.DataFrame(metrics, infer_schema_length=None), pl.concat(curves), difference)


def _home_numbers(dates: Sequence[ScoredDate]) -> list[Ints]:
    """Each date's homes as numbers that the same parcel keeps over all dates."""
    parcels = pl.concat([one.homes.rows["parcel_id"] for one in dates])
    numbers = parcels.rank("dense").cast(pl.Int64).to_numpy() - 1
    ends = np.cumsum([one.homes.rows.height for one in dates])
    return [np.asarray(part) for part in np.split(numbers, ends[:-1])]


def _count(homes: Sequence[Ints]) -> int:
    return int(max(numbers.max() for numbers in homes if len(numbers))) + 1


def _segments(dates: Sequence[ScoredDate], markets: Sequence[str]) -> Iterator[tuple[str, list[Mask]]]:
    yield EVERY, [np.ones(one.homes.rows.height, dtype=bool) for one in dates]
    yield SEASONED, [one.homes.tenure_days.to_numpy() >= SEASONED_DAYS for one in dates]
    if len(markets) > 1:
        for market in markets:
            yield f"market {market}", [(one.homes.market == market).to_numpy() for one in dates]


class _Segment:
    """One segment over all dates."""

    def __init__(self, name: str, dates: Sequence[ScoredDate], masks: Sequence[Mask], homes: Sequence[Ints]) -> None:
        self.name = name
        self._days = [one.homes.as_of for one in dates]
        self._homes = [numbers[mask] for numbers, mask in zip(homes, masks, strict=True)]
        sold = [one.homes.is_sold.to_numpy().astype(np.float64) for one in dates]
        self._sold = [of_date[mask] for of_date, mask in zip(sold, masks, strict=True)]
        self._scores: dict[str, list[Numbers | None]] = {
            model: [self._of(one.scores, model, mask) for one, mask in zip(dates, masks, strict=True)]
            for model in SCORE_MODELS
        }

    @staticmethod
    def _of(scores: Mapping[str, Numbers], model: str, mask: Mask) -> Numbers | None:
        return scores[model][mask] if model in scores and mask.any() else None

    def rankings(self, model: str) -> list[Ranking | None]:
        """One a date; None where the model gave no score."""
        return [
            None if scores is None else Ranking(scores, sold, homes)
            for scores, sold, homes in zip(self._scores[model], self._sold, self._homes, strict=True)
        ]

    def mean_difference(self) -> float:
        """Mean AUC over the peer's, on the dates that both scored."""
        pairs = zip(self.rankings(OURS), self.rankings(PEER), strict=True)
        return mean([ours.curve().auc - peer.curve().auc for ours, peer in pairs if ours and peer])

    def metrics(self, model: str, draws: Draws | None) -> list[dict[str, Any]]:
        """A row per date that the model scored and on which a home of the segment sold, then their mean."""
        rows = [
            self._metrics_of(model, place, ranking, draws)
            for place, ranking in enumerate(self.rankings(model))
            if ranking is not None and self._sold[place].any()
        ]
        if not rows:
            return []
        kept = ("homes", "sold")
        numbers = [name for name, value in rows[0].items() if isinstance(value, float) or value is None]
        average = {name: mean([_nan(row[name]) for row in rows]) for name in numbers if name != "as_of"}
        total: dict[str, Any] = {
            **self._head(model, None), "dates": len(rows), **{name: sum(row[name] for row in rows) for name in kept},
            **{name: _null(value) for name, value in average.items()},
        }  # fmt: skip
        return [*rows, {**total, **_intervals(draws, None)}]

    def _head(self, model: str, as_of: dt.date | None) -> dict[str, Any]:
        return {"as_of": as_of, "segment": self.name, "model": model}

    def _metrics_of(self, model: str, place: int, ranking: Ranking, draws: Draws | None) -> dict[str, Any]:
        curve, sold = ranking.curve(), self._sold[place]
        lift = curve.lift(TOP_SHARES)
        scores = self._scores[model][place] if model in PROBABILITIES else None
        return {
            **self._head(model, self._days[place]),
            "dates": 1,
            "homes": len(sold),
            "sold": int(sold.sum()),
            "base_rate": float(sold.mean()),
            "auc": _null(curve.auc),
            "average_precision": _null(curve.average_precision),
            **{f"lift_{_percent(share)}": _null(float(value)) for share, value in zip(TOP_SHARES, lift, strict=True)},
            "ece": None if scores is None else expected_calibration_error(calibration(scores, sold)),
            "brier": None if scores is None else brier(scores, sold),
            **_intervals(draws, place),
        }

    def curves(self, model: str, draws: Draws | None) -> list[pl.DataFrame]:
        """Lift at each share, mean over the dates; calibration of the homes of all dates together."""
        drawn = [ranking.curve().lift(SHARES) for ranking in self.rankings(model) if ranking is not None]
        drawn = [lift for lift in drawn if not np.isnan(lift).any()]
        if not drawn:
            return []
        unknown: tuple[float | None, float | None] = (None, None)
        ends = [draws.lift_interval(share) if draws else unknown for share in SHARES]
        lift = pl.DataFrame(
            {"x": SHARES, "y": np.mean(drawn, axis=0), "low": [e[0] for e in ends], "high": [e[1] for e in ends]},
            schema_overrides={"low": pl.Float64, "high": pl.Float64},
        ).with_columns(pl.lit("lift").alias("kind"), pl.lit(None, pl.Int64).alias("homes"))
        return [self._named(model, frame) for frame in (lift, *self._calibration(model))]

    def _calibration(self, model: str) -> list[pl.DataFrame]:
        if model not in PROBABILITIES or model == "base_rate":
            return []
        pairs = [pair for pair in zip(self._scores[model], self._sold, strict=True) if pair[0] is not None]
        scores = np.concatenate([scores for scores, _ in pairs if scores is not None])
        table = calibration(scores, np.concatenate([sold for _, sold in pairs]))
        error = DEVIATIONS * (pl.col("observed") * (1 - pl.col("observed")) / pl.col("homes")).sqrt()
        return [
            table.select(
                pl.col("predicted").alias("x"), pl.col("observed").alias("y"),
                (pl.col("observed") - error).clip(0).alias("low"),
                (pl.col("observed") + error).clip(0, 1).alias("high"),
                pl.lit("calibration").alias("kind"), "homes",
            )
        ]  # fmt: skip

    def _named(self, model: str, frame: pl.DataFrame) -> pl.DataFrame:
        named = frame.with_columns(pl.lit(self.name).alias("segment"), pl.lit(model).alias("model"))
        return named.select("segment", "model", "kind", "x", "y", "low", "high", "homes")


def _intervals(draws: Draws | None, place: int | None) -> dict[str, float | None]:
    empty = (float("nan"), float("nan"))
    found = {"auc": draws.auc_interval(place) if draws else empty}
    found |= {f"lift_{_percent(share)}": draws.lift_interval(share, place) if draws else empty for share in TOP_SHARES}
    return {f"{name}_{end}": _null(pair[at]) for name, pair in found.items() for at, end in enumerate(("low", "high"))}


def _percent(share: float) -> int:
    return round(share * 100)


def _null(value: float) -> float | None:
    return None if np.isnan(value) else value


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
