"""The tables counties publish, made of the invented world: any county's YAML, read backwards.

A county's mapping says which columns make a parcel number or an owner; here parcel numbers and owners are spread over
those columns again. Not here: how a platform writes them down (`vendors`).
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

from leadflow_pipelines.providers.open_data.county_source import CountySource, load_county_sources
from leadflow_pipelines.providers.sandbox.estates import estates_of
from leadflow_pipelines.providers.sandbox.places import Place, find_place, find_town, first_place
from leadflow_pipelines.providers.sandbox.world import World
from leadflow_pipelines.settings import get_settings
from leadflow_pipelines.source_rows.mapping import ColumnRule
from leadflow_pipelines.source_rows.targets import TARGETS
from leadflow_pipelines.source_rows.transforms import SQFT_PER_ACRE

Row = dict[str, Any]


def county_at(platform: str, address: str, table: str | None = None) -> CountySource | None:
    """The county whose table lies at host and path, or None."""
    return _by_address().get((platform, address.strip("/").lower(), table.lower() if table else None))


@cache
def _by_address() -> dict[tuple[str, str, str | None], CountySource]:
    counties = load_county_sources(get_settings().county_sources).values()
    return {
        (one.platform, f"{url.netloc}{url.path}".strip("/").lower(), one.table.lower() if one.table else None): one
        for one in counties
        if (url := urlsplit(str(one.endpoint)))
    }


def asked_value(county: CountySource, where: str) -> str | None:
    """The ZIP or city that a condition asks for."""
    column = re.escape(county.zip_filter.column)
    said = re.search(rf"{column}\)?\s*(?:=|LIKE|,)\s*'?([^'%)]+)", where, flags=re.IGNORECASE)
    return said.group(1).strip() if said else None


def table_rows(county: CountySource, world: World, value: str | None) -> tuple[Row, ...]:
    """The rows of a ZIP or city, in the order of their id, as numbers, texts, dates and nulls. All columns."""
    return _drawn(_Drawing(county, world.records_per_zip, world.seed, world.today(), value))


def column_values(county: CountySource) -> Row:
    """Some value for each column, by which a platform tells its type."""
    rows = _drawn(_Drawing(county, 40, 1, dt.date(2020, 1, 1), None))
    return {name: next((row[name] for row in rows if row[name] is not None), "") for name in rows[0]}


@dataclass(frozen=True)
class _Drawing:
    """What a table's rows follow from."""

    county: CountySource = field(compare=False)
    count: int
    seed: int
    today: dt.date
    value: str | None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.county.name)


@lru_cache(maxsize=64)
def _drawn(drawing: _Drawing) -> tuple[Row, ...]:
    """The rows, drawn once for all pages of a table's ZIP."""
    county = drawing.county
    return tuple(
        _row(county, place, estate, number)
        for place in _places(county, drawing.value)
        for number, estate in enumerate(estates_of(place, count=drawing.count, today=drawing.today, seed=drawing.seed))
    )


def _places(county: CountySource, value: str | None) -> list[Place]:
    """A table holds its own counties' places only; without a question, the first of them."""
    if value is None:
        return [first_place(county.county_fips)]
    if county.zip_filter.match == "city":
        found = find_town(value, county.state)
    else:
        place = find_place(value[:5])
        found = [place] if place else []
    return [place for place in found if place.county_fips in county.county_fips]


def _row(county: CountySource, place: Place, estate: Mapping[str, Any], number: int) -> Row:
    facts = _facts(place, estate, number)
    if "unit" not in county.columns and facts["unit"]:
        facts["street"] += f" #{facts['unit']}"
    row: Row = {county.row_id: _row_id(county, place, number)}
    for target, rule in county.columns.items():
        row |= _spread(target, rule, facts.get(target))
    chosen = county.zip_filter
    if chosen.match != "city":
        written = f"{place.zip}-{1000 + number:04d}" if chosen.match == "prefix" and number % 3 == 0 else place.zip
        row[chosen.column] = int(place.zip) if chosen.is_number else written
    return row


def _row_id(county: CountySource, place: Place, number: int) -> str | int:
    return f"row-{place.zip}-{number:05d}" if county.row_id == ":id" else int(place.zip) * 10_000 + number


def _facts(place: Place, estate: Mapping[str, Any], number: int) -> Row:
    """What the world knows of the estate, by target. 0 stays 0: counties write it too."""
    assessment, sale = estate["assessment"], estate["sale"]["saleAmountData"]
    loan = assessment["mortgage"].get("FirstConcurrent", {})
    building = estate.get("building", {})
    rooms, location = building.get("rooms", {}), estate.get("location", {})
    line, _, unit = estate["address"]["line1"].partition(" UNIT ")
    mailing = assessment["owner"]["mailingAddressOneLine"]
    street, city, end = mailing.rsplit(", ", 2)
    return {
        "source_record_id": f"{2020 + number % 5} {number}",
        "parcel_number": estate["identifier"]["apn"],
        "address": estate["address"]["oneLine"],
        "street": line,
        "unit": unit or None,
        "city": place.city.title(),
        "zip": place.zip,
        "owner_name": _owners(assessment["owner"]),
        "mailing_address": mailing,
        "mailing_street": street,
        "mailing_city": city,
        "mailing_state": end[:2],
        "mailing_zip": end[3:],
        "land_use": estate["summary"]["propLandUse"].upper(),
        "year_built": estate["summary"]["yearBuilt"],
        "living_sqft": building.get("size", {}).get("livingSize", 0),
        "lot_sqft": estate["lot"]["lotSize2"],
        "beds": rooms.get("beds", 0),
        "baths": rooms.get("bathsTotal", 0),
        "units": building.get("summary", {}).get("unitsCount", 0),
        "assessed_cents": assessment["assessed"]["assdTtlValue"],
        "market_value_cents": assessment["market"]["mktTtlValue"],
        "mortgage_cents": loan.get("amount", 0),
        "mortgage_date": dt.date.fromisoformat(loan["date"]) if "date" in loan else None,
        "sale_date": dt.date.fromisoformat(sale["saleRecDate"]),
        "sale_price_cents": sale["saleAmt"],
        "lat": float(location["latitude"]) if location else None,
        "lon": float(location["longitude"]) if location else None,
    }


def _owners(owner: Mapping[str, Any]) -> str | None:
    """Last name first, as rolls have it, owners joined by `&`."""
    names = [
        f"{one['lastName']} {one.get('firstNameAndMi', '')}".strip()
        for one in (owner.get("owner1"), owner.get("owner2"))
        if one
    ]
    return " & ".join(names) or None


def _spread(target: str, rule: ColumnRule, value: Any) -> Row:
    """The fact over the columns that its rule reads."""
    transform = rule.transform or TARGETS[target].transforms[0]
    if transform == "full_half":
        return dict(zip(rule.columns, (int(value), int(value % 1 * 2)), strict=True))
    if transform == "acres":
        return {rule.columns[0]: round(value / SQFT_PER_ACRE, 4)}
    if rule.pad:
        return dict(zip(rule.columns, _digits(str(value), rule.pad), strict=True))
    if len(rule.columns) == 1 or value is None:
        return {name: value if place == 0 else None for place, name in enumerate(rule.columns)}
    first, *others = str(value).split(rule.join, len(rule.columns) - 1)
    parts: list[str | None] = [first, *others]
    return dict(zip(rule.columns, parts + [None] * (len(rule.columns) - len(parts)), strict=True))


def _digits(text: str, widths: tuple[int, ...]) -> list[int]:
    """The number cut into pieces of these widths, as numbers without their leading zeros."""
    digits = re.sub(r"\D", "", text).zfill(sum(widths))
    starts = [sum(widths[:place]) for place in range(len(widths))]
    return [int(digits[start : start + width]) for start, width in zip(starts, widths, strict=True)]
