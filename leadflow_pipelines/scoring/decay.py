"""Whether a model still holds: calibration and ranking by month of closed scores, drift of its inputs, pace of sales.

Frames in, figures and alerts out. Labels come from the caller (sales, deals); nothing here fetches or decides.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE, cut_history, tell_apart
from leadflow_pipelines.sales_history.arms_length import NOMINAL_CENTS
from leadflow_pipelines.scoring.additive_terms import AdditiveModel, Numbers
from leadflow_pipelines.scoring.features import parcel_features
from leadflow_pipelines.scoring.motivation_model import MotivationModel
from leadflow_pipelines.scoring.ranking_metrics import auc, calibration_error, lift

PSI_ALERT: Final = 0.25
"""Usual reading of a population stability index: below .1 stable, above .25 another population."""
RATIO_ALERT: Final = 1.5
"""Half as many again, or a third fewer. Markets swing by a fifth from year to year, and a record of sales that begins
late makes it more: Nashville sold 1.4 times what a sound model of 2014 said."""
ERRORS_ALERT: Final = 3.0
AUC_ALERT: Final = 0.05
FEWEST_SOLD: Final = 30
FEWEST_SALES_OF_SPAN: Final = 50
NOT_WATCHED: Final = frozenset(
    ("tenure_days", "purchase_month", "area_turnover", "area_flip_share", "area_price_trend")
)
"""Features whose index says nothing of the homes. Tenure and the month of purchase move with the calendar: what is left
of them is how many homes sold lately, which `sales_pace` tells with the season taken out. Figures of an area are
measured against the city, so that they cannot move as a whole, and few areas share each bin: on the same market they
reach .42 by chance and season alone."""
LATE_DAYS: Final = 45
"""Counties record sales so many days late and more: the newest weeks look empty, and are left out of the pace."""
PACE_DAYS: Final = 182
YEAR: Final = dt.timedelta(days=365)
_FLOOR: Final = 1e-4


@dataclass(frozen=True)
class Alert:
    """One thing that no longer holds. code: calibration, ranking, drift or pace; month: of the scores, else None."""

    code: str
    text: str
    month: dt.date | None = None


@dataclass(frozen=True)
class DecayReport:
    """`months`: one row a month. `drift`: one row a feature. `alerts`: empty while the model holds."""

    months: pl.DataFrame
    drift: pl.DataFrame
    alerts: list[Alert]


@dataclass(frozen=True)
class Pace:
    """Sales of a half-year, and of the same half-year before the fit."""

    now: int
    then: int

    @property
    def ratio(self) -> float:
        """1 where nothing changed."""
        return self.now / self.then


def watch_decay(
    scored: pl.DataFrame, *, terms: AdditiveModel, then: pl.DataFrame, now: pl.DataFrame, auc_at_fit: float | None
) -> DecayReport:
    """Months and drift together with the alerts they raise.

    scored: month (date), probability, sold (0/1) of scores whose windows have closed. then, now: feature frames of
    the homes at the fit and today. auc_at_fit: of the model card, None where it was not measured.
    """
    months, drift = monthly_calibration(scored), population_drift(terms, then, now)
    return DecayReport(months, drift, [*month_alerts(months, auc_at_fit), *drift_alerts(drift)])


def monthly_calibration(scored: pl.DataFrame) -> pl.DataFrame:
    """By month: homes, sold, predicted and observed rate, auc, lift_5, calibration_error (null with too few sales)."""
    missing = [name for name in ("month", "probability", "sold") if name not in scored.columns]
    if missing:
        raise InvalidInput(f"Closed scores lack the columns {', '.join(missing)}.")
    rows = []
    closed = scored.drop_nulls(["month", "probability", "sold"]).with_columns(pl.col("month").dt.month_start())
    for (month,), group in closed.sort("month").group_by("month", maintain_order=True):
        sold, chances = group["sold"].cast(pl.Float64).to_numpy(), group["probability"].to_numpy()
        ranked = min(sold.sum(), len(sold) - sold.sum()) >= FEWEST_SOLD
        rows.append(
            {
                "month": month,
                "homes": len(sold),
                "sold": int(sold.sum()),
                "predicted": float(chances.mean()),
                "observed": float(sold.mean()),
                "standard_error": float(np.sqrt((chances * (1 - chances)).sum()) / len(sold)),
                "auc": (area := auc(sold, chances)) if ranked else None,
                "auc_error": _auc_error(area, sold) if ranked and area is not None else None,
                "lift_5": lift(sold, chances, 0.05) if ranked else None,
                "calibration_error": calibration_error(sold, chances) if ranked else None,
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
    "auc_error": pl.Float64,
    "lift_5": pl.Float64,
    "calibration_error": pl.Float64,
}


def population_drift(terms: AdditiveModel, then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """feature, psi, is_watched: how far today's homes lie from those of the fit, over the bins that the model looks at.

    Features that neither frame has are left out.
    """
    rows = []
    for name, binning in sorted(terms.binnings.items()):
        if then.is_empty() or now.is_empty() or not (name in then.columns or name in now.columns):
            continue
        before = np.bincount(binning.bins_of(then), minlength=binning.size) / then.height
        after = np.bincount(binning.bins_of(now), minlength=binning.size) / now.height
        old, new = np.maximum(before, _FLOOR), np.maximum(after, _FLOOR)
        index = float(((new - old) * np.log(new / old)).sum())
        rows.append({"feature": name, "psi": index, "is_watched": name not in NOT_WATCHED})
    return pl.DataFrame(rows, schema={"feature": pl.String, "psi": pl.Float64, "is_watched": pl.Boolean})


def facts_of_same_age(model: MotivationModel, sales: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """The model's features of the homes on `day`, from a record of sales as long as the one it was fitted on.

    A record that grows longer holds longer tenures and more earlier sales, although nothing has changed. sales: of the
    model's market, in the fixed shape.
    """
    first = model.window.get("first_sale")
    if first is not None:
        sales = sales.filter(pl.col(SALE_DATE) >= day - (model.as_of - dt.date.fromisoformat(str(first))))
    return parcel_features(
        tell_apart(cut_history(sales, day)), buildings_are_dated=bool(model.window["buildings_are_dated"])
    )


def sales_pace(sales: pl.DataFrame, *, fitted_on: dt.date, day: dt.date) -> Pace | None:
    """Sales of the half-year before `day` beside those of the same half-year before the fit.

    The newest LATE_DAYS are left out. None where nothing newer than the fit is told, or the record does not reach back.
    """
    end = day - dt.timedelta(days=LATE_DAYS)
    if end <= fitted_on:
        return None
    back = YEAR * -(-(end - fitted_on).days // YEAR.days)
    dates = sales.filter(pl.col(PRICE_CENTS) >= NOMINAL_CENTS)[SALE_DATE].drop_nulls()
    start = end - dt.timedelta(days=PACE_DAYS)
    if dates.is_empty() or dates.min() > start - back:  # type: ignore[operator]
        return None
    now = int(dates.is_between(start, end, closed="left").sum())
    then = int(dates.is_between(start - back, end - back, closed="left").sum())
    return Pace(now, then) if then >= FEWEST_SALES_OF_SPAN else None


def month_alerts(months: pl.DataFrame, auc_at_fit: float | None) -> list[Alert]:
    """What the months of `monthly_calibration` say against the model, beyond chance."""
    alerts = []
    for row in months.iter_rows(named=True):
        gap = abs(row["observed"] - row["predicted"])
        ratio = max(row["observed"], _FLOOR) / max(row["predicted"], _FLOOR)
        if gap > ERRORS_ALERT * row["standard_error"] and not 1 / RATIO_ALERT < ratio < RATIO_ALERT:
            text = f"{row['month']:%Y-%m}: {row['observed']:.1%} were sold where {row['predicted']:.1%} were predicted."
            alerts.append(Alert("calibration", text, row["month"]))
        if auc_at_fit is None or row["auc"] is None:
            continue
        if auc_at_fit - row["auc"] > max(AUC_ALERT, ERRORS_ALERT * row["auc_error"]):
            text = f"{row['month']:%Y-%m}: AUC {row['auc']:.3f}, where it was judged by {auc_at_fit:.3f}."
            alerts.append(Alert("ranking", text, row["month"]))
    return alerts


def drift_alerts(drift: pl.DataFrame) -> list[Alert]:
    """What `population_drift` says against the model: the watched features that moved, furthest first."""
    moved = drift.filter((pl.col("psi") > PSI_ALERT) & pl.col("is_watched")).sort("psi", "feature", descending=True)
    return [
        Alert("drift", f"{name} has moved (stability index {psi:.2f}): these are not the homes of the fit.")
        for name, psi in moved.select("feature", "psi").iter_rows()
    ]


def pace_alerts(pace: Pace | None) -> list[Alert]:
    """What `sales_pace` says against the model, beyond chance."""
    if pace is None or 1 / RATIO_ALERT < pace.ratio < RATIO_ALERT:
        return []
    if abs(np.log(max(pace.ratio, _FLOOR))) < ERRORS_ALERT * np.sqrt(1 / max(pace.now, 1) + 1 / pace.then):
        return []
    text = f"{pace.now:,} homes were sold in half a year, {pace.then:,} in the same months before the fit."
    return [Alert("pace", text)]


def _auc_error(area: float, sold: Numbers) -> float:
    """Standard error of an AUC (Hanley and McNeil, 1982)."""
    yes = float(sold.sum())
    no = len(sold) - yes
    both_above, both_below = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (yes - 1) * (both_above - area**2) + (no - 1) * (both_below - area**2)
    return float(np.sqrt(max(spread, 0.0) / (yes * no)))
