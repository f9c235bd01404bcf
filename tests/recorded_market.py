"""An invented market as records in a lake, for tests of what is learned from a lake. Here: writing it, nothing else."""

import datetime as dt

import polars as pl

from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.record_store import write_records
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from tests.invented_sales import DAYS, FIRST_SALE, invent_sales

LAST_SALE = FIRST_SALE + dt.timedelta(days=DAYS - 1)


def record_market(
    lake: Lake, *, day: dt.date, zip_code: str = "37206", city: str = "NASHVILLE", state: str = "TN",
    parcels: int = 1_000, until: dt.date | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Write the records of four years of sales that end the day before `day`, as one county file pulled on `day`, and
    refresh the properties. until: only sales before it, the same dates as without. Returns what was written."""
    shift = day - dt.timedelta(days=1) - LAST_SALE
    sales = invent_sales(parcels).with_columns(pl.col("sale_date") + pl.lit(shift))
    rows = sales.filter(pl.col("sale_date") < (until or day)).select(
        pl.int_range(1, pl.len() + 1).alias("row_number"), "address", pl.lit(city).alias("city"),
        pl.lit(state).alias("state"), pl.lit(zip_code).alias("zip"), "neighborhood", "land_use", "living_sqft",
        "sale_date", "sale_price_cents", pl.col("parcel_id").alias("parcel_number"),
    )  # fmt: skip
    records = build_records(rows, source="county", pull_id="county", day=day)
    write_records(lake, records, source="county", pull_ids=["county"], day=day)
    refresh_properties(lake, zips=[zip_code], day=day)
    return rows
