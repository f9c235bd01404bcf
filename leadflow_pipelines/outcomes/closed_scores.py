"""Scores whose year is over beside what became of their leads.

Here: the labels, from recorded sales and outcomes. Not here: what they say of a model (`model_watch`).
"""

import datetime as dt
from typing import Final

import polars as pl

from leadflow_pipelines.contracts import LEAD_SCORES, PROPERTY_LINKS, PROPERTY_RECORDS
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.outcomes.first_of_months import first_of_months
from leadflow_pipelines.properties.present_ids import under_present_ids
from leadflow_pipelines.sales_history.arms_length import NOMINAL_CENTS

HORIZON: Final = dt.timedelta(days=365)
"""A score is the chance of a sale in so many days from its own."""
SOLD_KINDS: Final = ("deal", "sold_elsewhere")
CLOSED: Final = {
    "model_version": pl.String(),
    "property_id": pl.String(),
    "day": pl.Date(),
    "month": pl.Date(),
    "probability": pl.Float64(),
    "sold": pl.Int32(),
}


def closed_scores(lake: Lake, outcomes: pl.DataFrame, *, today: dt.date, since: dt.date = dt.date.min) -> pl.DataFrame:
    """model_version, property_id, day, month, probability, sold: each lead's first score of a month, its year over.

    First is the first day of the month on which its ZIP had chances. outcomes: LEAD_OUTCOMES. sold: 1 where a sale on
    record, for more than a nominal price or an untold one, or a noted deal or sale lies within the year from the
    score's day. model_version is the model's alone, without the scorecard beside it. Scorecard scores have no
    probability and are left out, as are scores before `since`.
    """
    told = first_of_months(
        lake, LEAD_SCORES, since=since, until=today - HORIZON, where=pl.col("probability").is_not_null(),
        columns=["property_id", "day", "probability", "model_version"],
    )  # fmt: skip
    if told.is_empty():
        return pl.DataFrame(schema=CLOSED)
    scores = under_present_ids(lake, told).with_columns(pl.col("model_version").str.split("+").list.last())
    ordered = scores.sort("day", "property_id", "probability", descending=[False, False, True])
    first = ordered.unique(["property_id", "month"], keep="first", maintain_order=True)
    noted = outcomes.filter(pl.col("kind").is_in(SOLD_KINDS)).select("property_id", sold_on="happened_on")
    sales = pl.concat([_recorded_sales(lake), under_present_ids(lake, noted)]).unique()
    within = (pl.col("sold_on") >= pl.col("day")) & (pl.col("sold_on") < pl.col("day") + HORIZON)
    sold = first.join(sales, on="property_id").filter(within).select("property_id", "day").unique()
    return (
        first.join(sold.with_columns(sold=pl.lit(1)), on=["property_id", "day"], how="left")
        .with_columns(pl.col("sold").fill_null(0))
        .select(*CLOSED)
        .sort("model_version", "day", "property_id")
    )


def _recorded_sales(lake: Lake) -> pl.DataFrame:
    """property_id, sold_on: every sale that any record tells, but deeds for a nominal price."""
    price = pl.col("sale_price_cents")
    told = lake.read(
        PROPERTY_RECORDS,
        where=pl.col("sale_date").is_not_null() & (price.is_null() | (price >= NOMINAL_CENTS)),
        columns=["record_id", "sale_date"],
    )
    links = lake.read(PROPERTY_LINKS, columns=["record_id", "property_id"])
    return told.unique().join(links, on="record_id").select("property_id", sold_on="sale_date")
