"""The sales of an org's market, gathered from every record of its lake: what values and scores learn from.

Here: one row per sale of a property, in the fixed shape of `sales_history`. Not here: judging whether a sale was at
arm's length (`sales_history`), the property's newest sale alone (`survivorship`).
"""

import datetime as dt
from collections.abc import Collection

import polars as pl

from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_LINKS, PROPERTY_RECORDS
from leadflow_pipelines.lake import Lake, holds_on
from leadflow_pipelines.properties.addresses import one_line
from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE, SALES_SCHEMA, read_sales

SAME_SALE_DAYS = 90
"""One source dates a sale by its deed, another by its recording: the same price so soon is the same sale."""
_OF_RECORD = (
    "record_id", "zip", "county_fips", "parcel_number", "land_use", "style", "neighborhood", "year_built",
    "living_sqft", "lot_sqft", "beds", "baths", "units", "assessed_cents", "market_value_cents", "lat", "lon",
    SALE_DATE, PRICE_CENTS,
)  # fmt: skip
_STREET_PARTS = ("house_number", "pre_directional", "street_name", "suffix", "post_directional", "unit_type",
                 "unit_number", "city", "state", "zip5", "zip4")  # fmt: skip


def recorded_sales(
    lake: Lake, *, day: dt.date, zips: Collection[str] | None = None, county_fips: str | None = None
) -> pl.DataFrame:
    """Dated sales that any record stored until `day` tells of, in SALES_SCHEMA plus zip and county_fips.

    parcel_id is the property_id, parcel_number the assessor's. One row per property and sale, sorted by both; of two
    records of one sale the one that has a price counts, then the newest. Place and building are the record's own, where
    it is silent the property's of `day`; assessed_cents is the market value per the source where it gives no
    assessment. `zips`, `county_fips`: only properties there.
    """
    records = lake.read(
        PROPERTY_RECORDS,
        zips=zips,
        where=pl.col(SALE_DATE).is_not_null() & (pl.col("day") <= day),
        columns=[*_OF_RECORD, *_STREET_PARTS, "observed_at"],
    )
    links = lake.read(PROPERTY_LINKS, zips=zips, columns=["record_id", "property_id"])
    sales = _valued(records.join(links, on="record_id")).with_columns(address=one_line())
    sales = _once(sales)
    known = _properties(lake, day=day, zips=zips)
    whole = sales.join(known, left_on="property_id", right_on="parcel_id", how="left", suffix="_of_property")
    whole = whole.with_columns(
        pl.coalesce(name, f"{name}_of_property").alias(name)
        for name in known.columns
        if name != "parcel_id" and name in sales.columns
    )
    if county_fips is not None:
        whole = whole.filter(pl.col("county_fips") == county_fips)
    whole = whole.rename({"property_id": "parcel_id"}).sort("parcel_id", SALE_DATE)
    return read_sales(whole).with_columns(whole["zip"], whole["county_fips"])


def properties_on_record(
    lake: Lake, *, day: dt.date, zips: Collection[str] | None = None, county_fips: str | None = None
) -> pl.DataFrame:
    """The properties that hold on `day`, one row each sorted by property_id, as the models want subjects.

    SALES_SCHEMA (parcel_id is the property_id) plus zip and county_fips; sale columns are null: a model knows sales
    from its history alone.
    """
    known = _properties(lake, day=day, zips=zips)
    if county_fips is not None:
        known = known.filter(pl.col("county_fips") == county_fips)
    known = known.sort("parcel_id")
    return read_sales(known).with_columns(known["zip"], known["county_fips"])


def _properties(lake: Lake, *, day: dt.date, zips: Collection[str] | None) -> pl.DataFrame:
    columns = [name for name in SALES_SCHEMA if name in PROPERTIES.schema and name not in (SALE_DATE, PRICE_CENTS)]
    columns = ["property_id", "zip", "county_fips", "market_value_cents", *columns]
    known = lake.read(PROPERTIES, zips=zips, where=holds_on(day), columns=columns)
    return _valued(known).rename({"property_id": "parcel_id"})


def _valued(rows: pl.DataFrame) -> pl.DataFrame:
    """The assessor's word on the value: some rolls tell the assessed part of it, some the whole."""
    return rows.with_columns(pl.coalesce("assessed_cents", "market_value_cents").alias("assessed_cents")).drop(
        "market_value_cents"
    )


def _once(sales: pl.DataFrame) -> pl.DataFrame:
    """Each sale of a property once: per date the record that has a price, then the newest; then per price."""
    dated = sales.sort(
        "property_id", SALE_DATE, pl.col(PRICE_CENTS).is_null(), "observed_at", "record_id",
        descending=[False, False, False, True, False],
    ).unique(["property_id", SALE_DATE], keep="first", maintain_order=True)  # fmt: skip
    since_last = pl.col(SALE_DATE).diff().over("property_id", PRICE_CENTS, order_by=SALE_DATE)
    is_repeated = pl.col(PRICE_CENTS).is_not_null() & (since_last <= pl.duration(days=SAME_SALE_DAYS))
    return dated.filter(~is_repeated.fill_null(False))
