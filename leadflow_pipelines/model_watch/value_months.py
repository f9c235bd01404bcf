"""Values beside the prices then paid, by month of sale, and what they say against the model that gave them.

Here: reading both, the figures, the alerts. Not here: values (`valuation`).
"""

import datetime as dt
from typing import Final

import polars as pl

from leadflow_pipelines.contracts import ENRICHED_LEADS
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.outcomes.first_of_months import first_of_months
from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE, SALES_SCHEMA, market_sales
from leadflow_pipelines.scoring.decay import Alert
from leadflow_pipelines.training import model_versions
from leadflow_pipelines.training.apply_models import NO_HISTORY

FEWEST_SOLD: Final = 30
LEAST_COVERAGE: Final = 0.70
MEANT_COVERAGE: Final = 0.80
ERROR_ALERT: Final = 1.5
"""So many times the median error by which the model was judged."""
ERROR_OF_MEDIAN: Final = 1.44
"""Standard error of a median of errors, as a share of it, times the root of their number; as of exponential ones."""
BIAS_ALERT: Final = 0.10
"""Prices that moved a tenth while the values stood still."""
ERRORS_ALERT: Final = 3.0
CLOSED: Final = {
    "version": pl.String(),
    "property_id": pl.String(),
    "month": pl.Date(),
    "value_cents": pl.Int64(),
    "low_cents": pl.Int64(),
    "high_cents": pl.Int64(),
    "price_cents": pl.Int64(),
}
MONTHS: Final = {
    "version": pl.String(),
    "month": pl.Date(),
    "homes": pl.Int64(),
    "refused": pl.Int64(),
    "median_error": pl.Float64(),
    "bias": pl.Float64(),
    "coverage": pl.Float64(),
    "width": pl.Float64(),
    "above": pl.Float64(),
}


def closed_values(lake: Lake, sales: pl.DataFrame, *, since: dt.date) -> pl.DataFrame:
    """version, property_id, month (of the sale), value, interval and price of each home sold from `since` on.

    sales: `recorded_sales`; only those between free parties count. The value is the newest among the first of each
    month that was told before the sale; null where the model refused. Homes outside its markets are left out.
    """
    sold = market_sales(sales.select(*SALES_SCHEMA)).filter(pl.col(SALE_DATE) >= since)
    sold = sold.select(pl.col("parcel_id").alias("property_id"), pl.col(SALE_DATE), pl.col(PRICE_CENTS))
    told = _told_values(lake, sold["property_id"].unique(), since=since)
    versions = model_versions(lake, "value").filter(pl.col("verdict") == "promoted")
    if sold.is_empty() or told.is_empty() or versions.is_empty():
        return pl.DataFrame(schema=CLOSED)
    newest = versions.sort("day", "trained_at").select(pl.col("day").alias("trained_on"), "version")
    told = told.sort("day").join_asof(newest, left_on="day", right_on="trained_on", strategy="backward")
    before = sold.join(told.drop_nulls("version"), on="property_id").filter(pl.col("day") < pl.col(SALE_DATE))
    return (
        before.sort("day")
        .unique(["property_id", SALE_DATE], keep="last", maintain_order=True)
        .with_columns(
            pl.col(SALE_DATE).dt.month_start().alias("month"),
            pl.col("estimated_value_cents").alias("value_cents"),
            pl.col("value_low_cents").alias("low_cents"),
            pl.col("value_high_cents").alias("high_cents"),
            pl.col(PRICE_CENTS).alias("price_cents"),
        )
        .select(*CLOSED)
        .sort("version", "month", "property_id")
    )


def value_months(closed: pl.DataFrame) -> pl.DataFrame:
    """By version and month of `closed_values`: homes, refused, median_error (a refusal is 1), bias, coverage, width.

    above: share of the valued homes that were valued above the price.
    """
    value, price = pl.col("value_cents"), pl.col("price_cents")
    off = value / price - 1
    return (
        closed.group_by("version", "month")
        .agg(
            pl.len().cast(pl.Int64).alias("homes"),
            value.is_null().sum().cast(pl.Int64).alias("refused"),
            off.abs().fill_null(1.0).median().alias("median_error"),
            off.median().alias("bias"),
            price.is_between("low_cents", "high_cents").mean().alias("coverage"),
            ((pl.col("high_cents") - pl.col("low_cents")) / value).median().alias("width"),
            (off > 0).mean().alias("above"),
        )
        .select(*MONTHS)
        .sort("version", "month")
    )


def value_alerts(months: pl.DataFrame, error_at_fit: float | None) -> list[Alert]:
    """What the months of one version say against it, beyond chance. error_at_fit: of the window it was judged on."""
    alerts = []
    for row in months.filter(pl.col("homes") - pl.col("refused") >= FEWEST_SOLD).iter_rows(named=True):
        valued, month = row["homes"] - row["refused"], row["month"]
        chance = ERRORS_ALERT * (MEANT_COVERAGE * (1 - MEANT_COVERAGE) / valued) ** 0.5
        if row["coverage"] < min(LEAST_COVERAGE, MEANT_COVERAGE - chance):
            text = f"{month:%Y-%m}: {row['coverage']:.0%} of the prices lay in the interval of 80 %."
            alerts.append(Alert("coverage", text, month))
        # Half of the values are too high while the model holds; so many more or fewer are no chance.
        is_one_sided = abs(row["above"] - 0.5) > ERRORS_ALERT * 0.5 / valued**0.5
        if is_one_sided and abs(row["bias"]) > BIAS_ALERT:
            side = "above" if row["bias"] > 0 else "below"
            text = f"{month:%Y-%m}: the values lay {abs(row['bias']):.0%} {side} the prices paid; prices have moved."
            alerts.append(Alert("bias", text, month))
        too_far = max(ERROR_ALERT, 1 + ERRORS_ALERT * ERROR_OF_MEDIAN / row["homes"] ** 0.5)
        if error_at_fit and row["median_error"] > too_far * error_at_fit:
            text = f"{month:%Y-%m}: half of the values missed by {row['median_error']:.1%} or more, {error_at_fit:.1%} "
            alerts.append(Alert("error", f"{text}when it was judged.", month))
    return alerts


def _told_values(lake: Lake, property_ids: pl.Series, *, since: dt.date) -> pl.DataFrame:
    """What was first told of these homes in each month, value or refusal, from the month before `since` on."""
    month_before = (since.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    is_told = pl.col("value_method").is_not_null() & (pl.col("value_method") != NO_HISTORY)
    return first_of_months(
        lake,
        ENRICHED_LEADS,
        since=month_before,
        until=dt.date.max,
        where=is_told & pl.col("property_id").is_in(property_ids.implode()),
        columns=["property_id", "day", "estimated_value_cents", "value_low_cents", "value_high_cents"],
    ).drop("month")
