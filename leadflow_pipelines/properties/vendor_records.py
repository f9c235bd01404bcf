"""A vendor's raw items as property records: what names no property is set aside with its reason."""

import datetime as dt

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_RECORDS, REJECTED_RECORDS, UNLOCATED
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.stable_hash import stable_hash

NO_IDENTITY = "no_identity"


def records_of_pull(
    rows: pl.DataFrame, raw: pl.DataFrame, *, source: str, day: dt.date, now: dt.datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(PROPERTY_RECORDS, REJECTED_RECORDS) of one vendor's items.

    rows: source rows, one per row of `raw` (RAW_PULLS) in the same order. An item without address and without
    parcel number is rejected, because nothing says which property it speaks of.
    """
    placed = rows.with_columns(raw["fingerprint"], raw["zip"].alias("pulled_zip"), raw["payload"])
    has_identity = pl.any_horizontal(pl.col("address", "street", "parcel_number").str.strip_chars().fill_null("") != "")
    good, bad = placed.filter(has_identity), placed.filter(~has_identity)
    records = build_records(good, source=source, pull_id="", day=day).with_columns(good["fingerprint"].alias("pull_id"))
    rejected = bad.select(
        stable_hash([pl.lit(source), pl.col("fingerprint"), pl.col("row_number").cast(pl.String)]).alias(
            "rejection_id"
        ),
        pl.lit(source).alias("source"),
        pl.col("fingerprint").alias("pull_id"),
        pl.col("row_number"),
        pl.col("pulled_zip").fill_null(UNLOCATED).alias("zip"),
        pl.lit(day).alias("day"),
        pl.lit(NO_IDENTITY).alias("reason_code"),
        pl.lit("Neither an address nor a parcel number. Ask the vendor what the item stands for.").alias("reason"),
        pl.col("payload").alias("raw_row"),
        pl.lit(now, pl.Datetime("us", "UTC")).alias("rejected_at"),
    )
    return PROPERTY_RECORDS.conform(records), REJECTED_RECORDS.conform(rejected)
