"""Invented properties of a real ZIP, in the shape of ATTOM's expanded profile.

Deterministic by seed, ZIP and position; the day decides only which sales have happened by then, so that from
one day to the next a few properties change hands and the rest stay as they are. 64 random bytes make one
property: drawn by `random.Random` calls instead, a ZIP of 250 would take four times as long.
"""

import datetime as dt
import random
from typing import Any

from leadflow_pipelines.providers.sandbox.people import COMPANY_NAMES, person_name
from leadflow_pipelines.providers.sandbox.places import Place

STREETS = (
    "MAPLE ST", "OAK AVE", "CEDAR LN", "ELM ST", "PINE DR", "WALNUT ST", "CHESTNUT AVE", "SPRUCE CT", "N BIRCH ST",
    "S ASH ST", "HICKORY RD", "WILLOW WAY", "JUNIPER PL", "POPLAR BLVD", "LAUREL TER", "MAGNOLIA CIR", "DOGWOOD DR",
    "SYCAMORE ST", "HAZEL AVE", "ALDER LN", "E PARK AVE", "W LAKE ST", "HILLSIDE RD", "MEADOW LN", "ORCHARD ST",
    "PROSPECT AVE", "RIVER RD", "SUMMIT DR", "VALLEY VIEW RD", "2ND ST", "3RD AVE", "14TH ST",
)  # fmt: skip
FAR_PLACES = (
    ("PHOENIX", "AZ", "85004"), ("TAMPA", "FL", "33602"), ("AUSTIN", "TX", "78701"), ("SEATTLE", "WA", "98101"),
    ("DENVER", "CO", "80202"), ("CHICAGO", "IL", "60601"), ("ATLANTA", "GA", "30303"), ("BOISE", "ID", "83702"),
)  # fmt: skip
KINDS = (
    ("SFR", "Single Family Residence / Townhouse", "Residential"),
    ("CONDOMINIUM", "Condominium (residential)", "Residential"),
    ("DUPLEX", "Duplex (2 units, any combination)", "Residential"),
    ("VACANT LAND", "Vacant Land", "Vacant Land"),
)
BYTES_PER_PROPERTY = 64


def estates_of(place: Place, *, count: int, today: dt.date, seed: int, first: int = 0) -> list[dict[str, Any]]:
    """The properties of the place from number `first` up to number `count`, as they stand on `today`."""
    dice = random.Random(f"{seed}:{place.zip}").randbytes(BYTES_PER_PROPERTY * count)  # noqa: S311 simulated
    value_per_sqft = 90 + random.Random(f"{seed}:{place.zip}:value").randrange(330)  # noqa: S311 simulated
    return [
        _estate(place, number, dice[start : start + BYTES_PER_PROPERTY], today, value_per_sqft)
        for number, start in enumerate(range(first * BYTES_PER_PROPERTY, len(dice), BYTES_PER_PROPERTY), start=first)
    ]


def _estate(place: Place, number: int, dice: bytes, today: dt.date, value_per_sqft: int) -> dict[str, Any]:
    kind = 0 if dice[0] < 184 else 1 if dice[0] < 220 else 2 if dice[0] < 242 else 3
    prop_type, prop_class, sub_type = KINDS[kind]
    is_land = kind == 3
    street = STREETS[number % len(STREETS)]
    line1 = f"{100 * (number // len(STREETS) + 1) + 2 * (dice[1] % 50)} {street}"
    if kind == 1:
        line1 += f" UNIT {1 + dice[2] % 9}{'ABCD'[dice[2] % 4]}"
    situs_end = f"{place.city}, {place.state} {place.zip}"
    living = 0 if is_land else 680 + 12 * dice[3]
    lot = 0 if kind == 1 else 2400 + 40 * dice[4]
    worth = (living or 300) * value_per_sqft * (80 + dice[5] % 41) // 100
    sale, owner_number = _sale(dice, today, worth)
    owner = _owner(place, dice, owner_number, f"{line1}, {situs_end}")
    estate: dict[str, Any] = {
        "identifier": {
            "Id": int(place.zip) * 10_000 + number,
            "fips": place.county_fips,
            "apn": f"{place.zip[1:]}-{number // 100:02d}-{number % 100:03d}",
            "attomId": int(place.zip) * 10_000 + number,
        },
        "lot": {"lotSize1": round(lot / 43_560, 4), "lotSize2": lot},
        "area": {"countrySecSubd": place.county_name},
        "address": {
            "country": "US",
            "countrySubd": place.state,
            "line1": line1,
            "line2": situs_end,
            "locality": place.city,
            "matchCode": "ExaStr",
            "oneLine": f"{line1}, {situs_end}",
            "postal1": place.zip,
            "postal2": f"{1000 + number:04d}",
        },
        "summary": {
            "propClass": prop_class,
            "propSubType": sub_type,
            "propType": prop_type,
            "yearBuilt": 0 if is_land else 1900 + dice[8] % 122,
            "propLandUse": prop_type,
            "propIndicator": 80 if is_land else 10,
        },
        "sale": sale,
        "assessment": {
            "assessed": {"assdTtlValue": worth * (30 + dice[9] % 60) // 100},
            "market": {"mktTtlValue": worth},
            "tax": {"taxAmt": round(worth * 0.011, 2), "taxYear": today.year - 1},
            "owner": owner,
            "mortgage": _mortgage(dice, worth, dt.date.fromisoformat(sale["saleTransDate"]), today),
        },
        "vintage": {"lastModified": sale.get("saleTransDate"), "pubDate": today.replace(day=1).isoformat()},
    }
    if place.lat is not None and place.lon is not None:
        estate["location"] = {
            "accuracy": "Rooftop",
            "latitude": f"{place.lat + (dice[6] - 128) / 9000:.6f}",
            "longitude": f"{place.lon + (dice[7] - 128) / 9000:.6f}",
        }
    if not is_land:
        estate["building"] = _building(kind, living, dice)
    if dice[10] < 246:
        mails_home = owner["absenteeOwnerStatus"] == "O"
        estate["summary"]["absenteeInd"] = "OWNER OCCUPIED" if mails_home else "ABSENTEE(MAIL AND SITUS NOT =)"
    if dice[11] < 13:
        estate["assessment"]["delinquentyear"] = today.year - 1 - dice[11] % 3
    return estate


def _building(kind: int, living: int, dice: bytes) -> dict[str, Any]:
    baths = 1 + dice[13] % 3
    return {
        "size": {"bldgSize": living, "livingSize": living, "universalSize": living, "sizeInd": "LIVING SQFT"},
        "rooms": {"bathsFull": baths, "bathsTotal": baths + (dice[14] % 2) / 2, "beds": 1 + dice[12] % 5},
        "summary": {"levels": 1 + dice[15] % 2, "unitsCount": 2 if kind == 2 else 1},
    }


def _sale(dice: bytes, today: dt.date, worth: int) -> tuple[dict[str, Any], int]:
    """The latest sale by `today`, and the number of the owner it brought in."""
    period = 900 + int.from_bytes(dice[16:18], "little") % 13_000
    phase = int.from_bytes(dice[18:20], "little") % period
    sold_before, days_ago = divmod(today.toordinal() + phase, period)
    sold_on = today - dt.timedelta(days=days_ago)
    price = 0 if dice[20] < 31 else int(worth * 0.97 ** (days_ago / 365)) // 500 * 500
    owner_number = int.from_bytes(dice[21:23], "little") + 7919 * sold_before
    return {
        "saleSearchDate": sold_on.isoformat(),
        "saleTransDate": sold_on.isoformat(),
        "saleAmountData": {
            "saleAmt": price,
            "saleRecDate": sold_on.isoformat(),
            "saleTransType": "Resale" if price else "Nominal - Non/Arms Length Sale",
        },
    }, owner_number


def _owner(place: Place, dice: bytes, number: int, situs: str) -> dict[str, Any]:
    first, last = person_name(number)
    mails_home = dice[23] < 184
    owner: dict[str, Any] = {"corporateIndicator": "N", "owner1": {"lastName": last, "firstNameAndMi": first}}
    if dice[24] < 36:
        name = f"{COMPANY_NAMES[number % len(COMPANY_NAMES)]} {number % 40} LLC"
        owner = {"corporateIndicator": "Y", "owner1": {"lastName": name}}
        mails_home = False
    elif dice[24] < 52:
        owner = {"corporateIndicator": "Y", "owner1": {"lastName": f"THE {last} FAMILY TRUST"}}
    elif dice[24] < 110:
        owner["owner2"] = {"lastName": last, "firstNameAndMi": person_name(number + 11)[0]}
    elif dice[24] >= 250:
        owner["owner1"] = {}
    if mails_home:
        mailing = situs
    elif dice[25] < 130:
        street = f"PO BOX {100 + dice[26]}" if dice[27] < 60 else f"{200 + 3 * dice[26]} {STREETS[dice[28] % 32]}"
        mailing = f"{street}, {place.city}, {place.state} {place.zip}"
    else:
        city, state, far_zip = FAR_PLACES[dice[29] % len(FAR_PLACES)]
        mailing = f"{200 + 3 * dice[26]} {STREETS[dice[28] % 32]}, {city}, {state} {far_zip}"
    return owner | {"absenteeOwnerStatus": "O" if mails_home else "A", "mailingAddressOneLine": mailing}


def _mortgage(dice: bytes, worth: int, sold_on: dt.date, today: dt.date) -> dict[str, Any]:
    """The open loan: made to buy the home, or in one of three some years later. A few are told without their date."""
    if dice[30] < 50:
        return {}
    second = {"SecondConcurrent": {"amount": 0}}
    if dice[30] < 110:
        return {"FirstConcurrent": {"amount": 0}} | second
    refinanced_on = sold_on + dt.timedelta(days=500 + 14 * dice[33])
    made_on = refinanced_on if dice[32] < 85 and refinanced_on <= today else sold_on
    first: dict[str, Any] = {"amount": worth * (15 + dice[31] % 66) // 100 // 100 * 100}
    if dice[32] < 240:
        first["date"] = made_on.isoformat()
    return {"FirstConcurrent": first} | second
