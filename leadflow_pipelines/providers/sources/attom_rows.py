"""ATTOM's properties as typed rows: one row each, dollars as cents, what is unknown null.

ATTOM writes the same key differently from endpoint to endpoint (saleAmt, saleamt) and puts owner, loan and sale
in different places; keys are therefore compared in lower case and the known places tried in turn. A price,
area or year of 0 is ATTOM's way of not knowing. Not here: fetching them (`attom`).
"""

from typing import Any

import polars as pl

from leadflow_pipelines.contracts.contract import CENTS, UTC_INSTANT
from leadflow_pipelines.providers.json_fields import pick_fields

SCHEMA: dict[str, Any] = {
    "row_number": pl.Int64,
    "pull_id": pl.String,
    "source_record_id": pl.String,
    "street": pl.String,
    "unit": pl.String,
    "address": pl.String,
    "city": pl.String,
    "state": pl.String,
    "zip": pl.String,
    "county_fips": pl.String,
    "parcel_number": pl.String,
    "owner_name": pl.String,
    "mailing_address": pl.String,
    "is_owner_occupied": pl.Boolean,
    "is_vacant": pl.Boolean,
    "land_use": pl.String,
    "year_built": pl.Int32,
    "living_sqft": pl.Int64,
    "lot_sqft": pl.Int64,
    "beds": pl.Float64,
    "baths": pl.Float64,
    "units": pl.Int32,
    "assessed_cents": pl.Int64,
    "market_value_cents": pl.Int64,
    "mortgage_cents": pl.Int64,
    "mortgage_date": pl.Date,
    "sale_date": pl.Date,
    "sale_price_cents": pl.Int64,
    "lat": pl.Float64,
    "lon": pl.Float64,
    "list_codes": pl.List(pl.String),
    "cost_cents": CENTS,
    "observed_at": UTC_INSTANT,
}
"""Columns of the rows; every one may be null but row_number, pull_id and observed_at."""

TEXTS: dict[str, tuple[str, ...]] = {
    "source_record_id": ("identifier.attomid", "identifier.id"),
    "street": ("address.line1",),
    "city": ("address.locality",),
    "state": ("address.countrysubd",),
    "zip": ("address.postal1",),
    "county_fips": ("identifier.fips",),
    "parcel_number": ("identifier.apn",),
    "mailing_address": ("@owner.mailingaddressoneline",),
    "occupancy": ("summary.absenteeind",),
    "owner_status": ("@owner.absenteeownerstatus",),
    "land_use": ("summary.proplanduse", "summary.proptype", "summary.propclass"),
    "sale_date": ("sale.saletransdate", "@sold.salerecdate", "@sold.saletransdate", "sale.salesearchdate"),
    "loan_date": ("@loans.firstconcurrent.date", "@loans.date"),
    "lat": ("location.latitude",),
    "lon": ("location.longitude",),
}
"""Where texts stand, in lower case; the first place that holds one wins."""

NUMBERS: dict[str, tuple[str, ...]] = {
    "year_built": ("summary.yearbuilt",),
    "living_sqft": ("building.size.livingsize", "building.size.universalsize", "building.size.bldgsize"),
    "lot_sqft": ("lot.lotsize2",),
    "beds": ("building.rooms.beds",),
    "baths": ("building.rooms.bathstotal",),
    "units": ("building.summary.unitscount",),
    "assessed": ("assessment.assessed.assdttlvalue",),
    "market_value": ("assessment.market.mktttlvalue",),
    "first_loan": ("@loans.firstconcurrent.amount", "@loans.amount"),
    "second_loan": ("@loans.secondconcurrent.amount",),
    "sale_price": ("@sold.saleamt",),
    "delinquent_year": ("assessment.delinquentyear",),
    "indicator": ("summary.propindicator",),
}
"""Where numbers stand; 0 is passed over."""

MOVED: dict[str, tuple[str, ...]] = {
    "@owner": ("assessment.owner", "owner"),
    "@sold": ("sale.saleamountdata", "sale.amount"),
    "@loans": ("assessment.mortgage", "sale.mortgage", "mortgage"),
}
"""Objects that stand in different places from endpoint to endpoint."""

OWNERS = tuple(
    tuple(f"@owner.owner{number}.{part}" for part in ("firstnameandmi", "lastname", "fullname"))
    for number in range(1, 5)
)
PATHS = tuple(dict.fromkeys(path for places in (*TEXTS.values(), *NUMBERS.values(), *OWNERS) for path in places))
MOVED_FIELDS = {moved: [path for path in PATHS if path.startswith(f"{moved}.")] for moved in MOVED}
PLACES = [path for path in PATHS if not path.startswith("@")] + [
    path.replace(moved, place) for moved, fields in MOVED_FIELDS.items() for path in fields for place in MOVED[moved]
]
VACANT_LAND_INDICATOR = 80
MOST_DOLLARS = 10**13
KEPT = ("fingerprint", "item_number", "fetched_at", "cost_cents")


def to_source_rows(raw: pl.DataFrame) -> pl.DataFrame:
    """The properties of raw pulls (RAW_PULLS shape) as rows of `SCHEMA`, in the same order."""
    fields = _from_one_place(pick_fields(raw["payload"], PLACES)).select(
        *(pl.coalesce(map(_text, places)).alias(name) for name, places in TEXTS.items()),
        *(pl.coalesce(map(_number, places)).alias(name) for name, places in NUMBERS.items()),
        _owner_names().alias("owner_name"),
    )
    frame = fields.hstack(raw.select(KEPT))
    return frame.select(expression.cast(SCHEMA[name]).alias(name) for name, expression in _columns().items())


def _from_one_place(found: pl.DataFrame) -> pl.DataFrame:
    """The fields of each moved object, all from the first of its places where the property says anything."""
    chosen = []
    for moved, fields in MOVED_FIELDS.items():
        at_places = [[pl.col(path.replace(moved, place)).alias(path) for path in fields] for place in MOVED[moved]]
        says = [pl.when(pl.any_horizontal(one.is_not_null() for one in at)).then(pl.struct(at)) for at in at_places]
        chosen.append(pl.coalesce(says).struct.unnest())
    return found.with_columns(chosen)


def _text(path: str) -> pl.Expr:
    trimmed = pl.col(path).str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _number(path: str) -> pl.Expr:
    value = pl.col(path).str.replace_all("[,$]", "").cast(pl.Float64, strict=False)
    return pl.when(value != 0).then(value)


def _owner_names() -> pl.Expr:
    """All owners, first name first, joined by `&`."""
    names = []
    for first, last, full in OWNERS:
        in_parts = pl.concat_str(_text(first), _text(last), separator=" ", ignore_nulls=True)
        names.append(pl.coalesce(pl.when(in_parts != "").then(in_parts), _text(full)))
    together = pl.concat_str(names, separator=" & ", ignore_nulls=True)
    return pl.when(together != "").then(together)


def _columns() -> dict[str, pl.Expr]:
    occupancy = pl.col("occupancy").str.to_uppercase()
    land_use = pl.col("land_use").str.to_uppercase()
    made = {
        "row_number": pl.col("item_number") + 1,
        "pull_id": pl.col("fingerprint"),
        "unit": pl.lit(None, pl.String),
        "address": pl.lit(None, pl.String),
        "state": _matching(pl.col("state").str.to_uppercase(), r"^[A-Z]{2}$"),
        "zip": pl.col("zip").str.extract(r"^(\d{5})(?:-?\d{4})?$"),
        "county_fips": _matching(pl.col("county_fips").str.zfill(5), r"^\d{5}$"),
        "is_owner_occupied": pl.when(occupancy == "OWNER OCCUPIED").then(True)
        .when(occupancy.str.starts_with("ABSENTEE")).then(False)
        .when(pl.col("owner_status") == "O").then(True)
        .when(pl.col("owner_status") == "A").then(False),
        "is_vacant": pl.when(
            (pl.col("indicator") == VACANT_LAND_INDICATOR) | land_use.str.contains("VACANT")
        ).then(True),
        "year_built": _within("year_built", 1600, 2100),
        "living_sqft": _within("living_sqft", 1, 10**9),
        "lot_sqft": _within("lot_sqft", 1, 10**11),
        "beds": _within("beds", 0.5, 500),
        "baths": _within("baths", 0.5, 500),
        "units": _within("units", 1, 10**6),
        "assessed_cents": _cents(_within("assessed", 0.01, MOST_DOLLARS)),
        "market_value_cents": _cents(_within("market_value", 0.01, MOST_DOLLARS)),
        "mortgage_cents": _cents(_loans()),
        "mortgage_date": _day("loan_date"),
        "sale_date": _day("sale_date"),
        "sale_price_cents": _cents(_within("sale_price", 0.01, MOST_DOLLARS)),
        "lat": _degrees("lat", 90),
        "lon": _degrees("lon", 180),
        "list_codes": pl.when(pl.col("delinquent_year") > 0).then(pl.lit(["tax_delinquent"])),
        "observed_at": pl.col("fetched_at"),
    }  # fmt: skip
    return {name: made.get(name, pl.col(name)) for name in SCHEMA}


def _loans() -> pl.Expr:
    """First and second loan together; null where neither is stated."""
    loans = [_within(name, 0.01, MOST_DOLLARS) for name in ("first_loan", "second_loan")]
    return pl.when(pl.any_horizontal(loan.is_not_null() for loan in loans)).then(pl.sum_horizontal(loans))


def _day(name: str) -> pl.Expr:
    return pl.col(name).str.head(10).str.to_date("%Y-%m-%d", strict=False)


def _within(name: str, low: float, high: float) -> pl.Expr:
    return pl.when(pl.col(name).is_between(low, high)).then(pl.col(name))


def _cents(dollars: pl.Expr) -> pl.Expr:
    return (dollars * 100).round(0)


def _degrees(name: str, limit: float) -> pl.Expr:
    value = pl.col(name).cast(pl.Float64, strict=False)
    return pl.when(value.is_between(-limit, limit) & (value != 0)).then(value)


def _matching(text: pl.Expr, pattern: str) -> pl.Expr:
    return pl.when(text.str.contains(pattern)).then(text)
