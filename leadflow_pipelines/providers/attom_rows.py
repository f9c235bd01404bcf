"""ATTOM's properties as typed rows: one row each, dollars as cents, what is unknown null.

ATTOM writes the same key differently from endpoint to endpoint (saleAmt, saleamt) and puts owner, loan and sale
in different places; keys are therefore compared in lower case and the known places tried in turn. A price,
area or year of 0 is ATTOM's way of not knowing. Not here: fetching them (`attom`).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson
import polars as pl

from leadflow_pipelines.contracts.contract import CENTS, UTC_INSTANT

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
    "sale_date": pl.Date,
    "sale_price_cents": pl.Int64,
    "lat": pl.Float64,
    "lon": pl.Float64,
    "list_codes": pl.List(pl.String),
    "cost_cents": CENTS,
    "observed_at": UTC_INSTANT,
}
"""Columns of the rows; every one may be null but row_number, pull_id and observed_at."""

TEXTS = (
    "source_record_id", "street", "city", "state", "zip", "county_fips", "parcel_number", "owner_name",
    "mailing_address", "occupancy", "owner_status", "land_use", "sale_date", "lat", "lon",
)  # fmt: skip
NUMBERS = (
    "year_built", "living_sqft", "lot_sqft", "beds", "baths", "units", "assessed", "market_value", "mortgage",
    "sale_price", "delinquent_year", "indicator",
)  # fmt: skip
VACANT_LAND_INDICATOR = 80
MOST_DOLLARS = 10**13
OWNERS = ("owner1", "owner2", "owner3", "owner4")
EMPTY: dict[str, Any] = {}


def to_source_rows(raw: pl.DataFrame) -> pl.DataFrame:
    """The properties of raw pulls (RAW_PULLS shape) as rows of `SCHEMA`, in the same order."""
    parsed = [_read(orjson.loads(payload)) for payload in raw["payload"].to_list()]
    texts, numbers = zip(*parsed, strict=True) if parsed else ((), ())
    fields = pl.concat(
        [
            pl.DataFrame(list(texts), schema=dict.fromkeys(TEXTS, pl.String), orient="row"),
            pl.DataFrame(list(numbers), schema=dict.fromkeys(NUMBERS, pl.Float64), orient="row"),
            raw.select("fingerprint", "item_number", "fetched_at", "cost_cents"),
        ],
        how="horizontal",
    )
    return fields.select(expression.cast(SCHEMA[name]).alias(name) for name, expression in _columns().items())


def lower_keys(value: dict[str, Any]) -> dict[str, Any]:
    """The mapping with its keys in lower case; one level deep."""
    return dict(zip(_lowered(tuple(value)), value.values(), strict=True))


def _columns() -> dict[str, pl.Expr]:
    occupancy = pl.col("occupancy").str.to_uppercase()
    price = _within("sale_price", 0.01, MOST_DOLLARS)
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
        "mortgage_cents": _cents(_within("mortgage", 0.01, MOST_DOLLARS)),
        "sale_date": pl.col("sale_date").str.head(10).str.to_date("%Y-%m-%d", strict=False),
        "sale_price_cents": _cents(price),
        "lat": _degrees("lat", 90),
        "lon": _degrees("lon", 180),
        "list_codes": pl.when(pl.col("delinquent_year") > 0).then(pl.lit(["tax_delinquent"])),
        "observed_at": pl.col("fetched_at"),
    }  # fmt: skip
    return {name: made.get(name, pl.col(name)) for name in SCHEMA}


def _read(estate: dict[str, Any]) -> tuple[tuple[str | None, ...], tuple[float | None, ...]]:
    """One property's texts and numbers, in the order of TEXTS and NUMBERS."""
    root = lower_keys(estate)
    identifier, address, summary = _at(root, "identifier"), _at(root, "address"), _at(root, "summary")
    assessment, building, place = _at(root, "assessment"), _at(root, "building"), _at(root, "location")
    owner = _at(assessment, "owner") or _at(root, "owner")
    sale = _at(root, "sale")
    amount = _at(sale, "saleamountdata") or _at(sale, "amount")
    size, rooms = _at(building, "size"), _at(building, "rooms")
    texts = (
        _text(identifier, "attomid", "id"),
        _text(address, "line1"),
        _text(address, "locality"),
        _text(address, "countrysubd"),
        _text(address, "postal1"),
        _text(identifier, "fips"),
        _text(identifier, "apn"),
        _owner_name(owner),
        _text(owner, "mailingaddressoneline"),
        _text(summary, "absenteeind"),
        _text(owner, "absenteeownerstatus"),
        _text(summary, "proplanduse", "proptype", "propclass"),
        _text(sale, "saletransdate") or _text(amount, "salerecdate", "saletransdate") or _text(sale, "salesearchdate"),
        _text(place, "latitude"),
        _text(place, "longitude"),
    )
    numbers = (
        _number(summary, "yearbuilt"),
        _number(size, "livingsize", "universalsize", "bldgsize"),
        _number(_at(root, "lot"), "lotsize2"),
        _number(rooms, "beds"),
        _number(rooms, "bathstotal"),
        _number(_at(building, "summary"), "unitscount"),
        _number(_at(assessment, "assessed"), "assdttlvalue"),
        _number(_at(assessment, "market"), "mktttlvalue"),
        _loans(_at(assessment, "mortgage") or _at(sale, "mortgage") or _at(root, "mortgage")),
        _number(amount, "saleamt"),
        _number(assessment, "delinquentyear"),
        _number(summary, "propindicator"),
    )
    return texts, numbers


def _at(parent: dict[str, Any], key: str) -> dict[str, Any]:
    child = parent.get(key)
    return lower_keys(child) if child and isinstance(child, dict) else EMPTY


@lru_cache(maxsize=4096)
def _lowered(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key.lower() for key in keys)


def _text(parent: dict[str, Any], *keys: str) -> str | None:
    for key in keys:
        value = parent.get(key)
        if value is not None and not isinstance(value, dict | list):
            text = str(value).strip()
            if text:
                return text
    return None


def _number(parent: dict[str, Any], *keys: str) -> float | None:
    """The first of the keys that holds a number other than 0."""
    for key in keys:
        value = parent.get(key)
        if isinstance(value, str):
            try:
                value = float(value.replace(",", "").replace("$", ""))
            except ValueError:
                continue
        if value and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def _loans(mortgage: dict[str, Any]) -> float | None:
    """First and second loan together; null where neither is stated."""
    amounts: Iterable[float | None] = (
        _number(_at(mortgage, "firstconcurrent"), "amount"),
        _number(_at(mortgage, "secondconcurrent"), "amount"),
        _number(mortgage, "amount"),
    )
    stated = [amount for amount in amounts if amount is not None]
    return sum(stated) if stated else None


def _owner_name(owner: dict[str, Any]) -> str | None:
    """All owners, first name first, joined by `&`."""
    names = []
    for key in OWNERS:
        one = _at(owner, key)
        if one:
            first, last = _text(one, "firstnameandmi"), _text(one, "lastname")
            name = " ".join(part for part in (first, last) if part) or _text(one, "fullname")
            if name:
                names.append(name)
    return " & ".join(names) or None


def _within(name: str, low: float, high: float) -> pl.Expr:
    return pl.when(pl.col(name).is_between(low, high)).then(pl.col(name))


def _cents(dollars: pl.Expr) -> pl.Expr:
    return (dollars * 100).round(0)


def _degrees(name: str, limit: float) -> pl.Expr:
    value = pl.col(name).cast(pl.Float64, strict=False)
    return pl.when(value.is_between(-limit, limit) & (value != 0)).then(value)


def _matching(text: pl.Expr, pattern: str) -> pl.Expr:
    return pl.when(text.str.contains(pattern)).then(text)
