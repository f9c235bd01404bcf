"""ATTOM's properties as typed rows: one row each, dollars as cents, what is unknown null.

ATTOM writes the same key differently from endpoint to endpoint (saleAmt, saleamt) and puts owner, loan and sale
in different places; keys are therefore compared in lower case and the known places tried in turn. A price,
area or year of 0 is ATTOM's way of not knowing. Not here: fetching them (`attom`).
"""

from collections import defaultdict
from itertools import chain
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

VACANT_LAND_INDICATOR = 80
MOST_DOLLARS = 10**13
KEPT = ("fingerprint", "item_number", "fetched_at", "cost_cents")
PROPERTIES_AT_ONCE = 10_000
"""Parsed JSON takes 8 KB a property: 125,000 at once would hold 1 GB, and keep the garbage collector busy."""
OWNERS = ("owner1", "owner2", "owner3", "owner4")


def to_source_rows(raw: pl.DataFrame) -> pl.DataFrame:
    """The properties of raw pulls (RAW_PULLS shape) as rows of `SCHEMA`, in the same order."""
    parts = [_fields(part["payload"]).hstack(part.select(KEPT)) for part in raw.iter_slices(PROPERTIES_AT_ONCE)]
    frame = pl.concat(parts) if parts else _fields(raw["payload"]).hstack(raw.select(KEPT))
    return frame.select(expression.cast(SCHEMA[name]).alias(name) for name, expression in _columns().items())


class _Objects:
    """One JSON object for each property, all found at the same place; keys are compared in lower case.

    Whole columns are taken at once: with a lookup per property and field, 125,000 properties took three times
    as long. Values go to `columns`, shared by all places; the expressions returned here refer to them.
    """

    def __init__(self, objects: list[dict[str, Any]], columns: dict[str, pl.Series]) -> None:
        self._objects = objects
        self._columns = columns
        self._spellings: defaultdict[str, list[str]] = defaultdict(list)
        for key in sorted(set(chain.from_iterable(objects))):
            self._spellings[key.lower()].append(key)

    def at(self, name: str) -> "_Objects":
        """The objects under that key; an empty one where there is none."""
        return _Objects([value if isinstance(value, dict) else {} for value in self._values(name)], self._columns)

    def otherwise(self, other: "_Objects") -> "_Objects":
        """These objects, and those of `other` where these are empty."""
        both = zip(self._objects, other._objects, strict=True)
        return _Objects([mine or theirs for mine, theirs in both], self._columns)

    def text(self, *names: str) -> pl.Expr:
        """The first of the keys that holds a text or number, trimmed; null where none does."""
        return pl.coalesce(self._column(name) for name in names)

    def number(self, *names: str) -> pl.Expr:
        """The first of the keys that holds a number other than 0; null where none does."""
        numbers = [self._column(name).str.replace_all("[,$]", "").cast(pl.Float64, strict=False) for name in names]
        return pl.coalesce(pl.when(number != 0).then(number) for number in numbers)

    def _column(self, name: str) -> pl.Expr:
        key = str(len(self._columns))
        self._columns[key] = pl.Series(key, self._values(name), dtype=pl.String, strict=False)
        texts = pl.col(key).str.strip_chars()
        return pl.when(~texts.str.contains(r"^([\[{]|$)")).then(texts)

    def _values(self, name: str) -> list[Any]:
        spellings = self._spellings.get(name, ())
        if not spellings:
            return [None] * len(self._objects)
        if len(spellings) == 1:
            key = spellings[0]
            return [one.get(key) for one in self._objects]
        return [next((one[key] for key in spellings if key in one), None) for one in self._objects]


def _fields(payloads: pl.Series) -> pl.DataFrame:
    """Every field by its place, as text or number, before ranges are applied."""
    columns: dict[str, pl.Series] = {}
    root = _Objects([orjson.loads(payload) for payload in payloads.to_list()], columns)
    identifier, address, summary = root.at("identifier"), root.at("address"), root.at("summary")
    assessment, building, place = root.at("assessment"), root.at("building"), root.at("location")
    owner = assessment.at("owner").otherwise(root.at("owner"))
    sale = root.at("sale")
    amount = sale.at("saleamountdata").otherwise(sale.at("amount"))
    loans = assessment.at("mortgage").otherwise(sale.at("mortgage")).otherwise(root.at("mortgage"))
    size, rooms = building.at("size"), building.at("rooms")
    sold_on = (sale.text("saletransdate"), amount.text("salerecdate", "saletransdate"), sale.text("salesearchdate"))
    lent = (
        loans.at("firstconcurrent").number("amount"),
        loans.at("secondconcurrent").number("amount"),
        loans.number("amount"),
    )
    fields = {
        "source_record_id": identifier.text("attomid", "id"),
        "street": address.text("line1"),
        "city": address.text("locality"),
        "state": address.text("countrysubd"),
        "zip": address.text("postal1"),
        "county_fips": identifier.text("fips"),
        "parcel_number": identifier.text("apn"),
        "owner_name": _owner_names(owner),
        "mailing_address": owner.text("mailingaddressoneline"),
        "occupancy": summary.text("absenteeind"),
        "owner_status": owner.text("absenteeownerstatus"),
        "land_use": summary.text("proplanduse", "proptype", "propclass"),
        "sale_date": pl.coalesce(sold_on),
        "lat": place.text("latitude"),
        "lon": place.text("longitude"),
        "year_built": summary.number("yearbuilt"),
        "living_sqft": size.number("livingsize", "universalsize", "bldgsize"),
        "lot_sqft": root.at("lot").number("lotsize2"),
        "beds": rooms.number("beds"),
        "baths": rooms.number("bathstotal"),
        "units": building.at("summary").number("unitscount"),
        "assessed": assessment.at("assessed").number("assdttlvalue"),
        "market_value": assessment.at("market").number("mktttlvalue"),
        "mortgage": pl.when(pl.any_horizontal(one.is_not_null() for one in lent)).then(pl.sum_horizontal(lent)),
        "sale_price": amount.number("saleamt"),
        "delinquent_year": assessment.number("delinquentyear"),
        "indicator": summary.number("propindicator"),
    }
    return pl.DataFrame(columns).select(**fields)


def _owner_names(owner: _Objects) -> pl.Expr:
    """All owners, first name first, joined by `&`."""
    names = []
    for one in (owner.at(key) for key in OWNERS):
        in_parts = pl.concat_str(one.text("firstnameandmi"), one.text("lastname"), separator=" ", ignore_nulls=True)
        names.append(pl.coalesce(pl.when(in_parts != "").then(in_parts), one.text("fullname")))
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
        "mortgage_cents": _cents(_within("mortgage", 0.01, MOST_DOLLARS)),
        "sale_date": pl.col("sale_date").str.head(10).str.to_date("%Y-%m-%d", strict=False),
        "sale_price_cents": _cents(_within("sale_price", 0.01, MOST_DOLLARS)),
        "lat": _degrees("lat", 90),
        "lon": _degrees("lon", 180),
        "list_codes": pl.when(pl.col("delinquent_year") > 0).then(pl.lit(["tax_delinquent"])),
        "observed_at": pl.col("fetched_at"),
    }  # fmt: skip
    return {name: made.get(name, pl.col(name)) for name in SCHEMA}


def _within(name: str, low: float, high: float) -> pl.Expr:
    return pl.when(pl.col(name).is_between(low, high)).then(pl.col(name))


def _cents(dollars: pl.Expr) -> pl.Expr:
    return (dollars * 100).round(0)


def _degrees(name: str, limit: float) -> pl.Expr:
    value = pl.col(name).cast(pl.Float64, strict=False)
    return pl.when(value.is_between(-limit, limit) & (value != 0)).then(value)


def _matching(text: pl.Expr, pattern: str) -> pl.Expr:
    return pl.when(text.str.contains(pattern)).then(text)
