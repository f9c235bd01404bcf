"""Whether a model still holds: calibration and ranking by month of closed scores, drift of its inputs, alerts.

Labels come from the caller (sales, replies, deals); nothing here fetches or decides.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.scoring.additive_terms import AdditiveModel
from leadflow_pipelines.scoring.ranking_metrics import auc, calibration_error, lift

# Usual reading of a population stability index: below .1 stable, above .25 another population.
PSI_ALERT: Final = 0.25
# A month's rate is told from the predicted one beyond three standard errors and a fifth of it.
ERRORS_ALERT: Final = 3.0
RATIO_ALERT: Final = 1.2
AUC_ALERT: Final = 0.05
FEWEST_SOLD: Final = 30
_FLOOR: Final = 1e-4


@dataclass(frozen=True)
class DecayReport:
    """`months`: one row a month. `drift`: one row a feature. `alerts`: sentences, empty while the model holds."""

    months: pl.DataFrame
    drift: pl.DataFrame
    alerts: list[str]


def watch_decay(
    scored: pl.DataFrame, *, terms: AdditiveModel, then: pl.DataFrame, now: pl.DataFrame, auc_at_fit: float | None
) -> DecayReport:
    """Months and drift together with the alerts they raise.

    scored: month (date), probability, sold (0/1) of scores whose windows have closed. then, now: feature frames of
    the homes at the fit and today. auc_at_fit: of the model card, None where it was not measured.
    """
    months, drift = monthly_calibration(scored), population_drift(terms, then, now)
    return DecayReport(months, drift, [*_month_alerts(months, auc_at_fit), *_drift_alerts(drift)])


def monthly_calibration(scored: pl.DataFrame) -> pl.DataFrame:
    """By month: homes, sold, predicted and observed rate, auc, lift_5, calibration_error (null with too few sales)."""
    missing = [name for name in ("month", "probability", "sold") if name not in scored.columns]
    if missing:
        raise InvalidInput(f"Closed scores lack the columns {', '.join(missing)}.")
    rows = []
    closed = scored.drop_nulls(["month", "probability", "sold"]).with_columns(pl.col("month").dt.month_start())
    for (month,), group in closed.sort("month").group_by("month", maintain_order=True):
        sold, chances = group["sold"].cast(pl.Float64).to_numpy(), group["probability"].to_numpy()
        enough = sold.sum() >= FEWEST_SOLD
        rows.append(
            {
                "month": month,
                "homes": len(sold),
                "sold": int(sold.sum()),
                "predicted": float(chances.mean()),
                "observed": float(sold.mean()),
                "standard_error": float(np.sqrt((chances * (1 - chances)).sum()) / len(sold)),
                "auc": auc(sold, chances) if enough else None,
                "lift_5": lift(sold, chances, 0.05) if enough else None,
                "calibration_error": calibration_error(sold, chances) if enough else None,
            }
        )
    return pl.DataFrame(rows, schema=_MONTHS)


_MONTHS: Final = {
    "month": pl.Date,
    "homes": pl.Int64,
    "sold": pl.Int64,
    "predicted": pl.Float64,
    "observed": pl.Float64,
    "standard_error": pl.Float64,
    "auc": pl.Float64,
    "lift_5": pl.Float64,
    "calibration_error": pl.Float64,
}


def population_drift(terms: AdditiveModel, then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """feature, psi: how far today's homes lie from those of the fit, over the bins that the model looks at."""
    rows = []
    for name, binning in sorted(terms.binnings.items()):
        if then.is_empty() or now.is_empty():
            break
        before = np.bincount(binning.bins_of(then), minlength=binning.size) / then.height
        after = np.bincount(binning.bins_of(now), minlength=binning.size) / now.height
        old, new = np.maximum(before, _FLOOR), np.maximum(after, _FLOOR)
        rows.append({"feature": name, "psi": float(((new - old) * np.log(new / old)).sum())})
    return pl.DataFrame(rows, schema={"feature": pl.String, "psi": pl.Float64})


def _month_alerts(months: pl.DataFrame, auc_at_fit: float | None) -> list[str]:
    alerts = []
    for row in months.iter_rows(named=True):
        gap = abs(row["observed"] - row["predicted"])
        ratio = max(row["observed"], _FLOOR) / max(row["predicted"], _FLOOR)
        if gap > ERRORS_ALERT * row["standard_error"] and not 1 / RATIO_ALERT < ratio < RATIO_ALERT:
            alerts.append(
                f"{row['month']:%Y-%m}: {row['observed']:.1%} were sold where {row['predicted']:.1%} were predicted; "
                "recalibrate on the newest closed window."
            )
        if auc_at_fit is not None and row["auc"] is not None and row["auc"] < auc_at_fit - AUC_ALERT:
            alerts.append(f"{row['month']:%Y-%m}: AUC {row['auc']:.3f}, {auc_at_fit:.3f} at the fit; fit anew.")
    return alerts


def _drift_alerts(drift: pl.DataFrame) -> list[str]:
    moved = drift.filter(pl.col("psi") > PSI_ALERT)
    return [
        f"{row['feature']} has moved (stability index {row['psi']:.2f}): these are not the homes of the fit."
        for row in moved.iter_rows(named=True)
    ]
