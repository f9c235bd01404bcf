"""One look at the org's models: the months whose outcome is known, and how far today is from the day of the fit.

Here: gathering from the lake, one row a kind, version and month. Not here: keeping and telling (`model_months`).
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import polars as pl

from leadflow_pipelines.backtest.windows import Coverage, add_months, find_coverage
from leadflow_pipelines.contracts import ENRICHED_LEADS
from leadflow_pipelines.contracts.model_months import MODEL_MONTHS
from leadflow_pipelines.contracts.shared_columns import UNLOCATED
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.model_watch.value_months import closed_values, value_alerts, value_months
from leadflow_pipelines.outcomes.closed_scores import HORIZON, closed_scores
from leadflow_pipelines.properties.recorded_sales import recorded_sales
from leadflow_pipelines.sales_history import SALE_DATE, SALES_SCHEMA, sales_of_homes
from leadflow_pipelines.scoring import MotivationModel
from leadflow_pipelines.scoring.decay import (
    Alert,
    Pace,
    drift_alerts,
    facts_of_same_age,
    month_alerts,
    monthly_calibration,
    pace_alerts,
    population_drift,
    sales_pace,
)
from leadflow_pipelines.scoring.market_models import learned_signals
from leadflow_pipelines.training import CurrentModel, model_versions, serving_model
from leadflow_pipelines.training.candidates import market_name

CLOSED_MONTHS: Final = 3
"""So many of the newest closed months are judged at each look; older ones stay as they were judged last."""
SIGNAL_DAYS: Final = dt.timedelta(days=31)
"""So long a ZIP's leads speak for it: some are worked daily, some now and then."""
_KEPT: Final = ("told_codes", "watched_at", "run_id")
_OF_DRIFT: Final = {"feature": pl.String, "psi": pl.Float64, "is_watched": pl.Boolean, "market": pl.String}


@dataclass(frozen=True)
class ModelWatch:
    """What one look found. rows: MODEL_MONTHS without told_codes, watched_at and run_id; drift: market, feature, psi,
    is_watched of the serving motivation model, furthest first."""

    rows: pl.DataFrame
    drift: pl.DataFrame

    def alerts(self, kind: str) -> list[str]:
        """What no longer holds with a kind of model, oldest month first."""
        texts = self.rows.filter(pl.col("kind") == kind).sort("day", "version")["alerts"]
        return list(dict.fromkeys(text for of_row in texts for text in of_row))


def watch_models(lake: Lake, outcomes: pl.DataFrame, *, today: dt.date) -> ModelWatch:
    """Both models as of `today`: newest closed months, and the serving motivation model's drift and pace.

    outcomes: LEAD_OUTCOMES. A month is closed where the recorded sales of the home's county reach to the end of the
    year after its score: a county whose records end early says nothing of the months after. No row where nothing is
    known yet.
    """
    sales = recorded_sales(lake, day=today).filter(pl.col(SALE_DATE) <= today).with_columns(market_name())
    told = _coverages(sales)
    versions = model_versions(lake)
    rows = [
        *_motivation_rows(lake, outcomes, sales, told, versions, today),
        *_value_rows(lake, sales, versions, today),
    ]
    current, _ = serving_model(lake, "motivation", day=today)
    drift = pl.DataFrame(schema=_OF_DRIFT)
    if current is not None:
        homes = sales_of_homes(sales)
        drift = _drift(lake, current, homes, told, today)
        rows.append(_reading(current, drift, _paces(current, homes, told, today), today))
    return ModelWatch(_together(rows), drift)


def _coverages(sales: pl.DataFrame) -> dict[str | None, Coverage]:
    """Market → the span of its recorded sales; None → that of all of them, for homes that no market is known of."""
    parts = sales.drop_nulls("market").group_by("market", maintain_order=True)
    by_market: dict[str | None, Coverage] = {str(market): find_coverage(part[SALE_DATE]) for (market,), part in parts}
    return by_market | ({None: find_coverage(sales[SALE_DATE])} if sales.height else {})


def _motivation_rows(
    lake: Lake, outcomes: pl.DataFrame, sales: pl.DataFrame, told: Mapping[str | None, Coverage],
    versions: pl.DataFrame, today: dt.date,
) -> list[dict[str, Any]]:  # fmt: skip
    """The newest closed months of the scores, one row a version and month."""
    ends = [coverage.last + dt.timedelta(days=1) for coverage in told.values()]
    newest = min(today, max(ends, default=today)) - HORIZON
    since = add_months(newest.replace(day=1), 1 - CLOSED_MONTHS)
    closed = _in_closed_windows(closed_scores(lake, outcomes, today=today, since=since), sales, told)
    auc_at_fit = _at_fit(versions, "motivation", "auc")
    rows = []
    for (version,), group in closed.group_by("model_version", maintain_order=True):
        months = monthly_calibration(group)
        alerts = month_alerts(months, auc_at_fit.get(str(version)))
        rows += [_row("motivation", str(version), one, alerts) for one in months.iter_rows(named=True)]
    return rows


def _in_closed_windows(closed: pl.DataFrame, sales: pl.DataFrame, told: Mapping[str | None, Coverage]) -> pl.DataFrame:
    """The scores whose year the sales of their market cover without a gap."""
    markets = sales.select(pl.col("parcel_id").alias("property_id"), "market").unique("property_id", keep="last")
    placed = closed.join(markets, on="property_id", how="left", maintain_order="left")
    spans = placed.select("market", "day").unique()
    is_closed = [
        market in told and told[market].why_open(day, day + HORIZON) is None for market, day in spans.iter_rows()
    ]
    kept = spans.filter(pl.Series(is_closed, dtype=pl.Boolean))
    return placed.join(kept, on=["market", "day"], how="semi", nulls_equal=True, maintain_order="left")


def _value_rows(lake: Lake, sales: pl.DataFrame, versions: pl.DataFrame, today: dt.date) -> list[dict[str, Any]]:
    """The newest months of sale, one row a version and month."""
    since = add_months(today.replace(day=1), -CLOSED_MONTHS)
    months = value_months(closed_values(lake, sales, since=since))
    error_at_fit = _at_fit(versions, "value", "median_error")
    rows = []
    for (version,), group in months.group_by("version", maintain_order=True):
        alerts = value_alerts(group, error_at_fit.get(str(version)))
        rows += [_row("value", str(version), one, alerts) for one in group.iter_rows(named=True)]
    return rows


def _drift(
    lake: Lake, current: CurrentModel, sales: pl.DataFrame, told: Mapping[str | None, Coverage], today: dt.date
) -> pl.DataFrame:
    """Of each market's features and of the signals: feature, psi, is_watched, market; furthest first."""
    parts = []
    for market, model in _models(current, told):
        of_market = sales.filter(pl.col("market") == market).select(*SALES_SCHEMA)
        now = facts_of_same_age(model, of_market, _end(today, told[market].last))
        signals = learned_signals(model)
        at_both = _signals(lake, (current.trained_on, today), signals)
        of_deeds = population_drift(model.terms, model.facts.drop(signals, strict=False), now)
        both = pl.concat([of_deeds, population_drift(model.terms, *at_both)])
        parts.append(both.with_columns(pl.lit(market, pl.String).alias("market")))
    whole = pl.concat(parts) if parts else pl.DataFrame(schema=_OF_DRIFT)
    return whole.sort("psi", "market", "feature", descending=[True, False, False])


def _paces(
    current: CurrentModel, sales: pl.DataFrame, told: Mapping[str | None, Coverage], today: dt.date
) -> dict[str, Pace]:
    """Market → its pace, the most changed first."""
    paces = {
        market: sales_pace(
            sales.filter(pl.col("market") == market), fitted_on=model.as_of, day=_end(today, told[market].last)
        )
        for market, model in _models(current, told)
    }
    known = [(market, pace) for market, pace in paces.items() if pace is not None]
    return dict(sorted(known, key=lambda one: (not pace_alerts(one[1]), -abs(math.log(max(one[1].ratio, 0.01))))))


def _models(current: CurrentModel, told: Mapping[str | None, Coverage]) -> Sequence[tuple[str, MotivationModel]]:
    """The models of markets that may use one and still have sales on record."""
    return [(name, one) for name, one in current.model.models.items() if name in current.markets and name in told]


def _end(today: dt.date, last: dt.date) -> dt.date:
    """The day until which a market's records tell everything."""
    return min(today, last + dt.timedelta(days=1))


def _signals(lake: Lake, days: Sequence[dt.date], signals: Sequence[str]) -> list[pl.DataFrame]:
    """What the leads said of these signals on each of `days`, of the ZIPs that were worked at both times."""
    told = [_signals_by(lake, day, signals) for day in days]
    both = set.intersection(*(set(one["zip"]) for one in told))
    return [one.filter(pl.col("zip").is_in(list(both))).drop("zip") for one in told]


def _signals_by(lake: Lake, day: dt.date, signals: Sequence[str]) -> pl.DataFrame:
    """zip and the signals of each ZIP's leads as last worked in the SIGNAL_DAYS until `day`."""
    columns = ["zip", *(name for name in signals if name in ENRICHED_LEADS.schema)]
    parts = [ENRICHED_LEADS.empty().select(columns)]
    worked = [one for one in lake.days(ENRICHED_LEADS) if day - SIGNAL_DAYS < one <= day] if signals else []
    for one in reversed(worked):
        seen = pl.concat(parts)["zip"].unique()
        parts.append(lake.read(ENRICHED_LEADS, day=one, where=~pl.col("zip").is_in(seen.implode()), columns=columns))
    return pl.concat(parts)


def _reading(current: CurrentModel, drift: pl.DataFrame, paces: Mapping[str, Pace], today: dt.date) -> dict[str, Any]:
    """The row of what was read of the serving model today: what moved furthest, and every alert with its market."""
    watched, day = drift.filter("is_watched"), today.replace(day=1)
    feature, index = watched.select("feature", "psi").row(0) if watched.height else (None, None)
    pace = next((one.ratio for one in paces.values()), None)
    month = {"month": day, "drift_feature": feature, "drift_index": index, "pace": pace}
    by_market = watched.group_by("market", maintain_order=True)
    found = [(market, alert) for (market,), part in by_market for alert in drift_alerts(part)]
    found += [(market, alert) for market, one in paces.items() for alert in pace_alerts(one)]
    alerts = [Alert(one.code, f"{market}: {one.text}", day) for market, one in found]
    return _row("motivation", current.version, month, alerts)


def _at_fit(versions: pl.DataFrame, kind: str, figure: str) -> dict[str, float]:
    """Version → the candidate's figure on the window it was judged on."""
    rows = versions.filter(pl.col("kind") == kind).select("version", "metrics").iter_rows()
    judged = ((version, orjson.loads(metrics).get("candidate", {}).get(figure)) for version, metrics in rows)
    return {version: float(value) for version, value in judged if value is not None}


def _row(kind: str, version: str, month: Mapping[str, Any], alerts: Sequence[Alert]) -> dict[str, Any]:
    mine = [one for one in alerts if one.month == month["month"]]
    return {
        **{name: value for name, value in month.items() if name in MODEL_MONTHS.schema},
        "zip": UNLOCATED,
        "day": month["month"],
        "kind": kind,
        "version": version,
        "alert_codes": list(dict.fromkeys(one.code for one in mine)),
        "alerts": [one.text for one in mine],
    }


def _together(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """One row a kind, version and month: a month's scores and its reading of drift may fall together."""
    schema = {name: dtype for name, dtype in MODEL_MONTHS.schema.items() if name not in _KEPT}
    frame = pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)
    figures = [name for name in schema if name not in (*MODEL_MONTHS.key, "alert_codes", "alerts")]
    return (
        frame.group_by(*MODEL_MONTHS.key, maintain_order=True)
        .agg(
            *(pl.col(name).drop_nulls().first() for name in figures),
            *(pl.col(name).explode(empty_as_null=False) for name in ("alert_codes", "alerts")),
        )
        .select(*schema)
        .sort(MODEL_MONTHS.key)
    )
