"""Source rows as property records: one contract for every source.

Here: typed rows in, PROPERTY_RECORDS out. Not here: reading and typing a file (`county_files`) or a vendor's answer
(`providers`), merging (`resolve`).
"""

from datetime import UTC, date, datetime, time

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_RECORDS
from leadflow_pipelines.properties.address_keys import ADDRESS_KEY_VERSION
from leadflow_pipelines.properties.addresses import normalize_addresses, places, street_line
from leadflow_pipelines.properties.infer_place import infer_place
from leadflow_pipelines.properties.locate import locate_records
from leadflow_pipelines.properties.parcels import parcel_key
from leadflow_pipelines.properties.stable_hash import stable_hash, stable_hash_of_present

_TEXT = (
    "source_record_id", "address", "street", "unit", "city", "state", "zip", "county_fips", "parcel_number",
    "owner_name", "mailing_address", "mailing_street", "mailing_city", "mailing_state", "mailing_zip", "land_use",
)  # fmt: skip
_TYPED = (
    "is_owner_occupied", "is_vacant", "year_built", "living_sqft", "lot_sqft", "beds", "baths", "units",
    "assessed_cents", "market_value_cents", "mortgage_cents", "mortgage_date", "sale_date", "sale_price_cents", "lat",
    "lon",
)  # fmt: skip
CONTENT_COLUMNS = (*_TEXT, *_TYPED, "list_codes")
"""What makes a source row itself. Row number, day, instant and cost do not: the same row has one id for good."""
_AREA = ("style", "neighborhood")
"""Read since a later version, and no part of a row's content: rows that were read before keep their ids."""


def build_records(
    rows: pl.DataFrame, *, source: str, pull_id: str, day: date, known: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Source rows as PROPERTY_RECORDS, one record a row in the same order.

    `rows` holds row_number and any of CONTENT_COLUMNS, style, neighborhood, cost_cents and observed_at (UTC; else the
    day's midnight), already typed. A row with a ZIP and no city gets the ZIP's postal city: mail and skip tracing need
    one. `known` is evidence of earlier records, as in `locate_records`.
    """
    rows = _complete(rows)
    record_id = _record_ids(rows, source)
    rows = rows.with_columns(
        pl.col(name).str.strip_chars().replace("", None) for name in ("parcel_number", "owner_name", "land_use", *_AREA)
    )
    address_raw = pl.coalesce(
        "address", pl.concat_str("street", "unit", separator=" ", ignore_nulls=True).replace("", None)
    )
    records = pl.concat(
        [
            normalize_addresses(rows.select("address", "street", "unit", "city", "state", "zip")).drop(
                "address", "street", "unit", "zip"
            ),
            _mailing(rows),
            rows.select("row_number", "source_record_id", "county_fips", "parcel_number", "owner_name", "land_use",
                        *_TYPED, *_AREA, "list_codes", "cost_cents", "observed_at", address_raw=address_raw),
            pl.DataFrame({"record_id": record_id}),
        ],
        how="horizontal",
    )  # fmt: skip
    records = infer_place(records).with_columns(
        pl.lit(source).alias("source"),
        pl.lit(pull_id).alias("pull_id"),
        pl.lit(day).alias("day"),
        pl.col("observed_at").fill_null(datetime.combine(day, time(), UTC)),
        parcel_key(pl.col("county_fips"), pl.col("parcel_number")).alias("parcel_key"),
    )
    located = locate_records(records, known)
    postal_city = places.lookup(located["zip5"], places.zips(), "city")
    return PROPERTY_RECORDS.conform(
        located.with_columns(city=pl.coalesce("city", postal_city), key_version=pl.lit(ADDRESS_KEY_VERSION))
    )


def _complete(rows: pl.DataFrame) -> pl.DataFrame:
    """All columns a source row can have, absent ones null, each in its contract's type."""
    types = {**dict.fromkeys((*_TEXT, *_AREA), pl.String), **{name: PROPERTY_RECORDS.schema[name] for name in _TYPED}}
    for name in ("list_codes", "cost_cents", "observed_at", "row_number"):
        types[name] = PROPERTY_RECORDS.schema[name]
    return rows.select(
        (pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype=dtype)).alias(name)
        for name, dtype in types.items()
    )


def _record_ids(rows: pl.DataFrame, source: str) -> pl.Series:
    """Hash of source, content and the how-manieth row of that content it is."""
    present = [name for name in CONTENT_COLUMNS if rows[name].null_count() < rows.height]
    content = {name: pl.col(name) for name in present}
    content |= {name: pl.col(name).str.strip_chars().replace("", None) for name in present if name in _TEXT}
    if "list_codes" in content:
        content["list_codes"] = pl.col("list_codes").list.sort().list.join(",")
    hashed = rows.with_columns(stable_hash_of_present({"source": pl.lit(source), **content}).alias("content")).select(
        "content"
    )
    again = hashed.select(pl.int_range(pl.len()).over("content").alias("again"))["again"]
    repeated = stable_hash([pl.col("content"), pl.col("again")])
    return hashed.with_columns(again).select(
        pl.when(pl.col("again") == 0).then("content").otherwise(repeated).alias("record_id")
    )["record_id"]


def _mailing(rows: pl.DataFrame) -> pl.DataFrame:
    """Mailing address parts in the same canonical form as the situs address, so that the two can be compared."""
    parts = normalize_addresses(
        rows.select(
            pl.col("mailing_address").alias("address"), pl.col("mailing_street").alias("street"),
            pl.col("mailing_city").alias("city"), pl.col("mailing_state").alias("state"),
            pl.col("mailing_zip").alias("zip"),
        )
    )  # fmt: skip
    written = pl.coalesce("street", "address").str.to_uppercase().str.replace_all(r"\s+", " ").str.strip_chars()
    zip_state = places.lookup(parts["zip5"], places.zips(), "state")
    return parts.select(
        pl.coalesce(street_line(), written.replace("", None)).alias("mailing_street"),
        pl.col("city").alias("mailing_city"),
        pl.coalesce("state", zip_state).alias("mailing_state"),
        pl.col("zip5").alias("mailing_zip5"),
    )
