"""RentCast as it answers: up to 500 records a request, names in title case, what it does not know left out."""

from collections.abc import Mapping
from typing import Any

from leadflow_pipelines.providers.sandbox.homes import Home, homes_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-rentcast-key"
PREFIX = "/rentcast/v1"
DEFAULT_LIMIT, MOST = 50, 500
TOTAL = "X-Total-Count"
KINDS = {"SFR": "Single Family", "CONDOMINIUM": "Condo", "DUPLEX": "Multi-Family", "VACANT LAND": "Land"}


def _error(status: int, code: str, message: str, zip_code: str | None = None, *, billed: int = 0) -> Reply:
    return Reply(status, {"status": status, "error": code, "message": message}, zip_code, billed=billed)


NO_KEY = _error(401, "auth/api-key-invalid", "No API key provided in request, or it is not valid")
INACTIVE = _error(403, "billing/subscription-inactive", "There is no active subscription for this key")
TOO_MANY = _error(429, "auth/rate-limit-exceeded", "More than 20 requests per second")


def _answer(world: World, request: Request) -> Reply:
    if request.path != "/properties":
        return NO_SUCH_PATH
    if request.headers.get("x-api-key") != KEY:
        return NO_KEY
    zip_code = request.query.get("zipCode", "")
    limit, offset = request.query.get("limit", str(DEFAULT_LIMIT)), request.query.get("offset", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST or not offset.isdecimal():
        return _error(400, "request/invalid-parameters", "limit is 1 to 500, offset at least 0", zip_code)
    place = find_place(zip_code)
    if place is None or not world.records_per_zip:
        return _error(404, "resource/not-found", "No records match the query", zip_code, billed=1)
    records = [_record(world, home) for home in homes_of(world, place, int(offset), int(limit))]
    wants_total = request.query.get("includeTotalCount", "").lower() == "true"
    headers = {TOTAL: str(world.records_per_zip)} if wants_total else {}
    return Reply(200, records, zip_code, billed=1, headers=headers)


def _record(world: World, home: Home) -> dict[str, Any]:
    place = home.place
    here = _address(home.street, home.unit, place.city, place.state, place.zip)
    year = world.today().year - 1
    told: dict[str, Any] = {
        **here,
        "county": place.county_name,
        "stateFips": place.county_fips and place.county_fips[:2],
        "countyFips": place.county_fips and place.county_fips[2:],
        "latitude": home.lat,
        "longitude": home.lon,
        "propertyType": KINDS[home.kind],
        "bedrooms": home.beds,
        "bathrooms": home.baths and int(home.baths),
        "squareFootage": home.living_sqft,
        "lotSize": home.lot_sqft,
        "yearBuilt": home.year_built,
        "assessorID": home.parcel_number,
        "lastSaleDate": f"{home.sold_on}T00:00:00.000Z",
        "lastSalePrice": home.sale_price,
        "features": {"unitCount": home.units} if home.units else None,
        "taxAssessments": {
            str(past): {"year": past, "value": home.assessed * (100 - 4 * (year - past)) // 100}
            for past in (year - 1, year)
        },
        "propertyTaxes": {str(year): {"year": year, "total": home.worth // 90}},
        "history": {str(home.sold_on): {"event": "Sale", "date": f"{home.sold_on}T00:00:00.000Z"}},
        "owner": _owner(home),
        "ownerOccupied": home.is_owner_occupied,
    }
    return {name: value for name, value in told.items() if value is not None}


def _owner(home: Home) -> dict[str, Any]:
    street, city, state, zip_code = home.mailing
    owner: dict[str, Any] = {"type": "Organization" if home.is_company else "Individual"}
    if home.owners:
        owner["names"] = [name.title() for name in home.owners]
    return owner | {"mailingAddress": _address(*_unit_apart(street), city, state, zip_code)}


def _unit_apart(street: str) -> tuple[str, str | None]:
    line, _, unit = street.partition(" UNIT ")
    return line, unit or None


def _address(street: str, unit: str | None, city: str, state: str, zip_code: str) -> dict[str, Any]:
    line_1, line_2, town = street.title(), f"Unit {unit}" if unit else None, city.title()
    formatted = ", ".join([*filter(None, (line_1, line_2)), town, f"{state} {zip_code}"])
    parts = {"addressLine1": line_1, "city": town, "state": state, "zipCode": zip_code}
    apart = {"addressLine2": line_2} if line_2 else {}
    return {"id": formatted.replace(" ", "-"), "formattedAddress": formatted, **parts, **apart}


def _page_before(query: Mapping[str, str]) -> Mapping[str, str] | None:
    offset, limit = int(query.get("offset", "0")), int(query.get("limit", DEFAULT_LIMIT))
    return {**query, "offset": str(max(0, offset - limit))} if offset else None


VENDOR = Vendor(
    name="rentcast",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"rentcast_base_url": f"{url}{PREFIX}", "rentcast_api_key": KEY},
    shape=Shape(
        items=(),
        total_header=TOTAL,
        optional=("owner",),
        renamed=("lastSaleDate",),
        page_before=_page_before,
    ),
    expired=NO_KEY,
    empty=INACTIVE,
    too_many=TOO_MANY,
)
