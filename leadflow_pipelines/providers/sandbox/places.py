"""Where a ZIP lies: city, state, county, coordinates and area codes of every real US ZIP, offline.

Source: the packages `zipcodes` and `addfips`. Not here: who or what is at the place.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import zipcodes
from addfips import AddFIPS


@dataclass(frozen=True)
class Place:
    """One ZIP. `county_fips` is None where the county has no code under its name, coordinates where unknown."""

    zip: str
    city: str
    state: str
    county_name: str
    county_fips: str | None
    lat: float | None
    lon: float | None
    area_codes: tuple[str, ...]


@cache
def find_place(zip_code: str) -> Place | None:
    """The place of a ZIP, or None where there is no such ZIP."""
    row = _rows().get(zip_code)
    if row is None:
        return None
    county = (row["county"] or "").removesuffix(" County")
    return Place(
        zip=zip_code,
        city=row["city"].upper(),
        state=row["state"],
        county_name=county,
        county_fips=_counties().get_county_fips(row["county"], state=row["state"]) if county else None,
        lat=float(row["lat"]) if row["lat"] else None,
        lon=float(row["long"]) if row["long"] else None,
        area_codes=tuple(row["area_codes"]),
    )


@cache
def find_town(city: str, state: str) -> list[Place]:
    """The places of a postal city, in the order of their ZIPs."""
    zips = sorted(row["zip_code"] for row in _rows().values() if row["city"].upper() == city and row["state"] == state)
    return [place for zip_code in zips if (place := find_place(zip_code))]


@cache
def first_place(county_fips: tuple[str, ...]) -> Place:
    """The first place by ZIP in one of the counties. Raises LookupError where they have none."""
    codes = {row["state"] for row in _rows().values()}
    states = {code for code in codes if str(_counties().get_state_fips(code)) in {one[:2] for one in county_fips}}
    zips = sorted(row["zip_code"] for row in _rows().values() if row["state"] in states)
    for zip_code in zips:
        place = find_place(zip_code)
        if place is not None and place.county_fips in county_fips:
            return place
    raise LookupError(f"no ZIP lies in {', '.join(county_fips)}")


@cache
def _rows() -> dict[str, dict[str, Any]]:
    return {row["zip_code"]: row for row in zipcodes.list_all()}  # type: ignore[no-untyped-call]


@cache
def _counties() -> AddFIPS:
    return AddFIPS()
