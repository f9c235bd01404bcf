"""Invented owners and the contact points a skip trace finds for them, in BatchData's two shapes.

Deterministic: the same question always gets the same answer. Names are plainly made up.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from leadflow_pipelines.providers.sandbox.places import find_place

FIRST_NAMES = (
    "ALMA", "BASIL", "CELIA", "DORIAN", "EDITH", "FELIX", "GRETA", "HUGO", "IRIS", "JONAS", "KIRA", "LIONEL",
    "MABEL", "NESTOR", "OLIVE", "PERCY", "QUINN", "ROSA", "SILAS", "THEA", "URSULA", "VICTOR", "WILMA", "XAVIER",
    "YVETTE", "ZENO", "AMBROSE", "BEATRIX", "CONRAD", "DELIA", "ELMER", "FLORA",
)  # fmt: skip
LAST_NAMES = (
    "SAMPLEFORD", "TESTWELL", "DEMOREST", "MOCKRIDGE", "EXAMPLETON", "FICTLEY", "PLACEHOLM", "SPECIMAN",
    "TRIALTON", "DUMMERSON", "PROTOTYPE", "INVENTLY", "MADEUP", "PRETENDER", "STANDIN", "NOBODY", "IMAGINARY",
    "TEMPLATE", "SIMULANT", "MODELMAN", "FAUXFIELD", "NOTREAL", "UNPERSON", "DRYRUN", "SANDBOX", "ANYONE",
    "WHOEVER", "SOMEBODY", "LOREMAN", "IPSUMSON", "FOOBARTH", "BAZWORTH",
)  # fmt: skip
COMPANY_NAMES = (
    "EXAMPLE HOLDINGS", "SAMPLE HOMES", "PLACEHOLDER PROPERTIES", "TEST CASE RENTALS", "DEMO STREET CAPITAL",
    "FICTION ROW INVESTMENTS", "MOCK HARBOR REALTY", "LOREM IPSUM ESTATES",
)  # fmt: skip
LINE_TYPES = ("Mobile", "Mobile", "Mobile", "Land Line", "Land Line", "Voip")

HIT_SHARE = 0.8


@dataclass(frozen=True)
class Found:
    """One person a skip trace found. A flag absent from a phone is one the vendor does not know."""

    first: str
    last: str
    phones: list[dict[str, Any]]
    emails: list[str]
    is_litigator: bool | None
    is_tcpa: bool


def person_name(number: int) -> tuple[str, str]:
    """The `number`-th invented person: first and last name."""
    return FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]


def skip_trace(request: dict[str, Any], seed: int) -> Found | None:
    """Whom the vendor finds at an address; about four in five requests are hits."""
    address = request.get("propertyAddress") or {}
    place = find_place(str(address.get("zip", ""))[:5])
    if place is None or not address.get("street"):
        return None
    asked = request.get("name") or {}
    question = "|".join(
        str(part or "").strip().upper()
        for part in (seed, address["street"], place.zip, asked.get("first"), asked.get("last"))
    )
    dice = hashlib.blake2b(question.encode(), digest_size=32).digest()
    if dice[0] >= 256 * HIT_SHARE:
        return None
    first, last = person_name(int.from_bytes(dice[1:3], "little"))
    if asked.get("first") and asked.get("last"):
        first, last = str(asked["first"]).upper(), str(asked["last"]).upper()
    codes = place.area_codes or ()
    return Found(
        first=first,
        last=last,
        phones=[_phone(dice[8 + 6 * n : 14 + 6 * n], codes, n + 1) for n in range(dice[3] % 4 if codes else 0)],
        emails=[
            f"{first}.{last}.{dice[5] + 256 * n}@mail{n + 1}.example".lower().replace(" ", "")
            for n in range(dice[4] % 3)
        ],
        is_litigator=None if dice[6] < 26 else dice[6] >= 248,
        is_tcpa=dice[6] >= 248,
    )


def v1_person(request: dict[str, Any], found: Found | None) -> dict[str, Any]:
    """One entry of `results.persons`, the older shape."""
    person: dict[str, Any] = {
        "request": {"requestId": request.get("requestId")},
        "propertyAddress": request.get("propertyAddress") or {},
        "meta": {"matched": found is not None, "error": False},
    }
    if found is None:
        return person
    phones = [{name: value for name, value in p.items() if name not in ("rank", "tcpa")} for p in found.phones]
    person |= {
        "name": {"first": found.first, "middle": "", "last": found.last, "full": f"{found.first} {found.last}"},
        "mailingAddress": {},
        "phoneNumbers": phones,
        "emails": [{"email": email, "tested": True} for email in found.emails],
        "death": {"deceased": False},
        "dnc": {"tcpa": found.is_tcpa},
    }
    return person | ({} if found.is_litigator is None else {"litigator": found.is_litigator})


def v3_entry(request: dict[str, Any], found: Found | None) -> dict[str, Any]:
    """One entry of `result.data`, the newer shape."""
    entry: dict[str, Any] = {
        "input": {"propertyAddress": request.get("propertyAddress") or {}, "requestId": request.get("requestId")},
        "property": {},
        "persons": [],
        "meta": {"matched": found is not None, "error": False},
    }
    if found is None:
        return entry
    person: dict[str, Any] = {
        "propertyOwner": True,
        "name": {"first": found.first, "middle": "", "last": found.last, "full": f"{found.first} {found.last}"},
        "phones": found.phones,
        "emails": [{"rank": rank, "email": email, "tested": True} for rank, email in enumerate(found.emails, start=1)],
        "deceased": False,
    }
    if found.is_litigator is not None:
        person["litigator"] = found.is_litigator
    return entry | {"persons": [person]}


def _phone(dice: bytes, area_codes: tuple[str, ...], rank: int) -> dict[str, Any]:
    phone: dict[str, Any] = {
        "rank": rank,
        "number": f"{area_codes[dice[0] % len(area_codes)]}55501{dice[1] % 100:02d}",
        "type": LINE_TYPES[dice[2] % len(LINE_TYPES)],
        "carrier": "EXAMPLE TELECOM",
        "tested": True,
        "score": str(100 - 10 * rank),
    }
    if dice[3] < 205:
        phone["dnc"] = dice[3] < 50
    if dice[4] < 230:
        phone["reachable"] = dice[4] < 200
    if dice[5] < 230:
        phone["tcpa"] = dice[5] < 5
    return phone
