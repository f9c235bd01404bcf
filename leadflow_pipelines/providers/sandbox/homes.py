"""The invented properties, flat: what every simulated vendor retells in its own words and formats.

Here: one property's facts. Not here: how they are drawn (`estates`) or told (`vendors`).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from leadflow_pipelines.providers.sandbox.estates import estates_of
from leadflow_pipelines.providers.sandbox.places import Place
from leadflow_pipelines.providers.sandbox.world import World


@dataclass(frozen=True)
class Home:
    """One property. Texts in capitals as a county writes them; money in dollars; None: nobody knows."""

    number: int
    id: int
    parcel_number: str
    street: str
    unit: str | None
    place: Place
    lat: float | None
    lon: float | None
    kind: str
    is_land: bool
    owners: list[str]
    is_company: bool
    mailing: tuple[str, str, str, str]
    is_owner_occupied: bool | None
    year_built: int | None
    living_sqft: int | None
    lot_sqft: int | None
    beds: int | None
    baths: float | None
    units: int | None
    assessed: int
    worth: int
    loan: int | None
    loan_on: dt.date | None
    sold_on: dt.date
    sale_price: int | None


def homes_of(world: World, place: Place | None, first: int, count: int) -> list[Home]:
    """`count` properties of the place from number `first`, fewer at its end, none where there is no place."""
    last = min(first + count, world.records_per_zip)
    if place is None or not 0 <= first < last:
        return []
    estates = estates_of(place, count=last, first=first, today=world.today(), seed=world.seed)
    return [_home(first + number, place, estate) for number, estate in enumerate(estates)]


def _home(number: int, place: Place, estate: dict[str, Any]) -> Home:
    street, _, unit = estate["address"]["line1"].partition(" UNIT ")
    summary, assessment, sale = estate["summary"], estate["assessment"], estate["sale"]
    building = estate.get("building", {})
    rooms, location = building.get("rooms", {}), estate.get("location", {})
    owner = assessment["owner"]
    names = [owner[key] for key in ("owner1", "owner2") if owner.get(key)]
    mailing_street, city, state_zip = owner["mailingAddressOneLine"].split(", ")
    state, zip_code = state_zip.split(" ")
    occupancy = summary.get("absenteeInd")
    loan = assessment["mortgage"].get("FirstConcurrent", {})
    return Home(
        number=number,
        id=estate["identifier"]["attomId"],
        parcel_number=estate["identifier"]["apn"],
        street=street,
        unit=unit or None,
        place=place,
        lat=float(location["latitude"]) if location else None,
        lon=float(location["longitude"]) if location else None,
        kind=summary["propType"],
        is_land=summary["propIndicator"] == 80,
        owners=[f"{one.get('firstNameAndMi', '')} {one['lastName']}".strip() for one in names],
        is_company=owner["corporateIndicator"] == "Y",
        mailing=(mailing_street, city, state, zip_code),
        is_owner_occupied=None if occupancy is None else occupancy == "OWNER OCCUPIED",
        year_built=summary["yearBuilt"] or None,
        living_sqft=building.get("size", {}).get("livingSize"),
        lot_sqft=estate["lot"]["lotSize2"] or None,
        beds=rooms.get("beds"),
        baths=rooms.get("bathsTotal"),
        units=building.get("summary", {}).get("unitsCount"),
        assessed=assessment["assessed"]["assdTtlValue"],
        worth=assessment["market"]["mktTtlValue"],
        loan=loan.get("amount") or None,
        loan_on=dt.date.fromisoformat(loan["date"]) if "date" in loan else None,
        sold_on=dt.date.fromisoformat(sale["saleTransDate"]),
        sale_price=sale["saleAmountData"]["saleAmt"] or None,
    )
