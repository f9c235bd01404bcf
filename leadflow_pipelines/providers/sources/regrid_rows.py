"""Regrid's parcels as source rows, by the names of its parcel schema. Not here: fetching them (`regrid`).

`parval` is a market value or an assessment, as `parvaltype` says. A homestead exemption says that the owner lives
there, its absence says nothing. A vacancy is the mail carrier's word, or the land use.
"""

import polars as pl

from leadflow_pipelines.providers.sources.typed_rows import (
    SQFT_PER_ACRE,
    first_day,
    joined,
    mailing_line,
    read_fields,
    typed_rows,
)


def _field(*names: str) -> list[str]:
    return [f"properties.fields.{name}" for name in names]


TEXTS = {
    "source_record_id": [*_field("ll_uuid"), "id", *_field("ogc_fid")],
    "site": _field("address"),
    "site_unit": _field("sunit"),
    "city": _field("scity", "city"),
    "state": _field("state2"),
    "zip": _field("szip5", "szip"),
    "county_fips": _field("geoid"),
    "parcel_number": _field("parcelnumb", "parcelnumb_no_formatting"),
    "owner_1": _field("owner"),
    "owner_2": _field("owner2"),
    "mail_street": _field("mailadd", "mail_address"),
    "mail_unit": _field("mail_unit"),
    "mail_city": _field("mail_city"),
    "mail_state": _field("mail_state2"),
    "mail_zip": _field("mail_zip"),
    "land_use": _field("usedesc", "usecode"),
    "value_kind": _field("parvaltype"),
    "homestead": _field("homestead_exemption"),
    "vacancy": _field("usps_vacancy"),
    "sold_on": _field("saledate"),
    "lat": _field("lat"),
    "lon": _field("lon"),
}
NUMBERS = {
    "year_built": _field("yearbuilt"),
    "living_sqft": _field("area_building", "recrdareano"),
    "lot": _field("ll_gissqft", "sqft"),
    "acres": _field("ll_gisacre", "gisacre", "deeded_acres"),
    "beds": _field("num_bedrooms"),
    "baths": _field("num_bath"),
    "units": _field("numunits"),
    "value": _field("parval"),
    "sale_price_cents": _field("saleprice"),
}
YES = ("1", "Y", "YES", "TRUE", "T")


def to_source_rows(raw: pl.DataFrame) -> pl.DataFrame:
    """The parcels of raw pulls (RAW_PULLS shape) as rows of `attom_rows.SCHEMA`, in the same order."""
    is_market = pl.col("value_kind").str.to_uppercase().str.contains("MARKET|APPRAIS").fill_null(False)
    site, unit = pl.col("site"), pl.col("site_unit")
    vacancy = pl.col("vacancy").str.to_uppercase()
    return typed_rows(
        read_fields(raw, texts=TEXTS, numbers=NUMBERS, flags={"has_homestead": _field("homestead_exemption")}),
        street=site,
        unit=pl.when(~site.str.ends_with(unit)).then(unit),
        owner_name=joined(["owner_1", "owner_2"], " & "),
        mailing_address=mailing_line(["mail_street", "mail_unit"], "mail_city", "mail_state", "mail_zip"),
        is_owner_occupied=pl.when(pl.col("homestead").str.to_uppercase().is_in(YES) | pl.col("has_homestead")).then(
            True
        ),
        is_vacant=pl.when((vacancy == "Y") | pl.col("land_use").str.to_uppercase().str.contains("VACANT"))
        .then(True)
        .when(vacancy == "N")
        .then(False),
        lot_sqft=pl.coalesce("lot", (pl.col("acres") * SQFT_PER_ACRE).round(0)),
        assessed_cents=pl.when(~is_market).then("value"),
        market_value_cents=pl.when(is_market).then("value"),
        sale_date=first_day(pl.col("sold_on")),
    )
