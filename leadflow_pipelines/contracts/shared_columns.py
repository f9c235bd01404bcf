"""Columns that several tables carry: their text, type and rules are written here once."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts.contract import CENTS, UTC_INSTANT, column

UNLOCATED = "unlocated"
ZIP_OR_UNLOCATED = pa.Check.str_matches(r"^(\d{5}|unlocated)$")
E164 = pa.Check.str_matches(r"^\+1[2-9]\d{9}$")
STATE = pa.Check.str_matches(r"^[A-Z]{2}$")
ZIP5 = pa.Check.str_matches(r"^\d{5}$")

ZIP = column(
    pl.String,
    "ZIP partition: five digits, or `unlocated` where no evidence places the record.",
    ZIP_OR_UNLOCATED,
    required=True,
)
DAY = column(pl.Date, "Partition day, a calendar day in LEADFLOW_TIMEZONE.", required=True)
RECORD_ID = column(pl.String, "Identity of one source row: hash of source, content and occurrence.", required=True)
PROPERTY_ID = column(pl.String, "Stable identity of one real property; never renumbered.", required=True)
SOURCE = column(pl.String, "Name of the source: a provider, or the name given to a county file.", required=True)
OBSERVED_AT = column(pl.Datetime("us", "UTC"), "Instant at which the source said so.", required=True)
ORG = column(pl.String, "Org the row belongs to.", required=True)
RUN_ID = column(pl.String, "Dagster run, or command, that wrote the row.")
COST_CENTS = column(CENTS, "What this row cost to buy.", pa.Check.ge(0), unit="US cents")

ADDRESS_PARTS = {
    "house_number": column(pl.String, "House number as delivered, e.g. 73-04 or 120 1/2."),
    "pre_directional": column(pl.String, "N, S, E, W, NE, NW, SE or SW before the street name."),
    "street_name": column(pl.String, "Street name in USPS Publication 28 form."),
    "suffix": column(pl.String, "Street suffix abbreviation, e.g. ST, AVE."),
    "post_directional": column(pl.String, "Directional after the suffix."),
    "unit_type": column(pl.String, "Secondary unit designator, e.g. APT, UNIT, STE."),
    "unit_number": column(pl.String, "Secondary unit, e.g. 4B."),
    "city": column(pl.String, "Postal city, upper case."),
    "state": column(pl.String, "Two-letter state code.", STATE),
    "zip5": column(pl.String, "Five-digit ZIP of the address.", ZIP5),
    "zip4": column(pl.String, "ZIP+4 add-on.", pa.Check.str_matches(r"^\d{4}$")),
}
ADDRESS_KEY = column(pl.String, "Canonical address as one comparable string; null where nothing identifies.")
KEY_VERSION = column(
    pl.Int32, "Version of LeadFlow's address keys that wrote the key; null before they had one.", pa.Check.ge(1)
)

PARCEL = {
    "county_fips": column(pl.String, "Five-digit county FIPS code.", pa.Check.str_matches(r"^\d{5}$")),
    "parcel_number": column(pl.String, "Parcel number (APN) as the source writes it."),
    "parcel_key": column(pl.String, "county_fips and the parcel number without punctuation."),
}

OWNER = {
    "owner_name": column(pl.String, "Owner of record as the source writes it."),
    "mailing_street": column(pl.String, "Owner's mailing address: street line."),
    "mailing_city": column(pl.String, "Owner's mailing address: city."),
    "mailing_state": column(pl.String, "Owner's mailing address: state.", STATE),
    "mailing_zip5": column(pl.String, "Owner's mailing address: ZIP.", ZIP5),
}

BUILDING = {
    "land_use": column(pl.String, "Land use or building class as the source writes it."),
    "style": column(pl.String, "Style or type of the building as the source writes it: ranch, duplex, cape cod."),
    "year_built": column(pl.Int32, "Year of construction.", pa.Check.in_range(1600, 2100)),
    "living_sqft": column(pl.Int64, "Living area.", pa.Check.gt(0), unit="square feet"),
    "lot_sqft": column(pl.Int64, "Lot area.", pa.Check.gt(0), unit="square feet"),
    "beds": column(pl.Float64, "Bedrooms.", pa.Check.in_range(0, 500)),
    "baths": column(pl.Float64, "Bathrooms, half baths as .5.", pa.Check.in_range(0, 500)),
    "units": column(pl.Int32, "Dwelling and commercial units.", pa.Check.ge(0)),
}

VALUE = {
    "assessed_cents": column(pl.Int64, "Assessed value.", pa.Check.ge(0), unit="US cents"),
    "market_value_cents": column(pl.Int64, "Market value per the source.", pa.Check.ge(0), unit="US cents"),
    "mortgage_cents": column(pl.Int64, "Open loan amount per the source.", pa.Check.ge(0), unit="US cents"),
    "mortgage_date": column(pl.Date, "Date of that loan: when it was made or recorded, per the source."),
    "sale_date": column(pl.Date, "Date of the latest sale or transfer."),
    "sale_price_cents": column(
        pl.Int64, "Price of that sale; null for a transfer without a price.", pa.Check.gt(0), unit="US cents"
    ),
}

NEIGHBORHOOD = column(pl.String, "Market area as the source draws and names it, such as an assessor's neighborhood.")

PLACE = {
    "lat": column(pl.Float64, "Latitude.", pa.Check.in_range(-90, 90), unit="degrees"),
    "lon": column(pl.Float64, "Longitude.", pa.Check.in_range(-180, 180), unit="degrees"),
}

LIST_CODES = column(
    pl.List(pl.String), "Lists that hold the property, e.g. tax_delinquent; null where no list is known."
)
FETCHED_AT = column(UTC_INSTANT, "Instant at which the answer was received.", required=True)
