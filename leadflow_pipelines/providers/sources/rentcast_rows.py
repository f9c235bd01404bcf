"""RentCast's property records as source rows. Not here: fetching them (`rentcast`).

Assessments stand under their year; the newest that says anything is taken. RentCast knows no market value and no loan
of a property record.
"""

import polars as pl

from leadflow_pipelines.providers.sources.typed_rows import (
    first_day,
    joined,
    mailing_line,
    matching,
    read_fields,
    typed_rows,
)

YEARS = range(2040, 1999, -1)
OWNERS = [f"owner_{number}" for number in range(4)]
TEXTS = {
    "source_record_id": ["id"],
    "line_1": ["addressline1"],
    "unit": ["addressline2"],
    "one_line": ["formattedaddress"],
    "city": ["city"],
    "state": ["state"],
    "zip": ["zipcode"],
    "state_fips": ["statefips"],
    "county_part": ["countyfips"],
    "parcel_number": ["assessorid"],
    "owner_0": ["owner.names[0]", "owner.names"],
    **{name: [f"owner.names[{number}]"] for number, name in enumerate(OWNERS) if number},
    "mailing_one_line": ["owner.mailingaddress.formattedaddress"],
    "mailing_1": ["owner.mailingaddress.addressline1"],
    "mailing_2": ["owner.mailingaddress.addressline2"],
    "mailing_city": ["owner.mailingaddress.city"],
    "mailing_state": ["owner.mailingaddress.state"],
    "mailing_zip": ["owner.mailingaddress.zipcode"],
    "land_use": ["propertytype"],
    "sold_on": ["lastsaledate"],
    "lat": ["latitude"],
    "lon": ["longitude"],
}
NUMBERS = {
    "year_built": ["yearbuilt"],
    "living_sqft": ["squarefootage"],
    "lot_sqft": ["lotsize"],
    "beds": ["bedrooms"],
    "baths": ["bathrooms"],
    "units": ["features.unitcount"],
    "assessed_cents": [f"taxassessments.{year}.value" for year in YEARS],
    "sale_price_cents": ["lastsaleprice"],
}
FLAGS = {"is_owner_occupied": ["owneroccupied"]}


def to_source_rows(raw: pl.DataFrame) -> pl.DataFrame:
    """The records of raw pulls (RAW_PULLS shape) as rows of `attom_rows.SCHEMA`, in the same order."""
    written = mailing_line(["mailing_1", "mailing_2"], "mailing_city", "mailing_state", "mailing_zip")
    county = pl.col("state_fips").str.zfill(2) + pl.col("county_part").str.zfill(3)
    return typed_rows(
        read_fields(raw, texts=TEXTS, numbers=NUMBERS, flags=FLAGS),
        street=pl.col("line_1"),
        address=pl.when(pl.col("line_1").is_null()).then("one_line"),
        county_fips=pl.coalesce(matching(pl.col("county_part"), r"^\d{5}$"), county),
        owner_name=joined(OWNERS, " & "),
        mailing_address=pl.coalesce("mailing_one_line", written),
        is_vacant=pl.when(pl.col("land_use").str.to_lowercase() == "land").then(True),
        sale_date=first_day(pl.col("sold_on")),
    )
