"""Zillow on RapidAPI as it answers: pages it cuts itself, addresses in one line, estimates and units as they come.

Every property of the invented ZIP is on its market.
"""

from collections.abc import Mapping
from typing import Any

from leadflow_pipelines.providers.sandbox.homes import Home, homes_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-zillow-key"
PREFIX = "/zillow"
PAGE, MOST_PAGES = 41, 20
PLAN = 1_000_000
KINDS = {"SFR": "SINGLE_FAMILY", "CONDOMINIUM": "CONDO", "DUPLEX": "MULTI_FAMILY", "VACANT LAND": "LOT"}
STATUS = {"ForSale": "FOR_SALE", "RecentlySold": "RECENTLY_SOLD", "ForRent": "FOR_RENT"}
LARGE_LOT = 8_000
QUOTA = {"X-RateLimit-Requests-Limit": str(PLAN), "X-RateLimit-Requests-Remaining": str(PLAN // 2)}
NO_KEY = Reply(401, {"message": "Invalid API key. Go to https://docs.rapidapi.com/docs/keys for more info."})
NOT_SUBSCRIBED = Reply(403, {"message": "You are not subscribed to this API."})
TOO_MANY = Reply(429, {"message": "Too many requests"}, headers=QUOTA)


def _answer(world: World, request: Request) -> Reply:
    if request.path != "/propertyExtendedSearch":
        return NO_SUCH_PATH
    if request.headers.get("x-rapidapi-key") != KEY or not request.headers.get("x-rapidapi-host"):
        return NO_KEY
    zip_code, page = request.query.get("location", ""), request.query.get("page", "1")
    status = STATUS.get(request.query.get("status_type", "ForSale"))
    if status is None or not page.isdecimal() or not 1 <= int(page) <= MOST_PAGES:
        return Reply(400, {"message": "status_type or page (1 to 20) is not valid"}, zip_code)
    place, size = find_place(zip_code), min(PAGE, world.page_cap)
    total = world.records_per_zip if place else 0
    homes = homes_of(world, place, (int(page) - 1) * size, size)
    body = {
        "props": [_prop(home, status) for home in homes],
        "resultsPerPage": size,
        "totalPages": min(-(-total // size), MOST_PAGES),
        "totalResultCount": total,
        "currentPage": int(page),
    }
    return Reply(200, body, zip_code, billed=1, headers=QUOTA)


def _prop(home: Home, status: str) -> dict[str, Any]:
    place = home.place
    street = f"{home.street} UNIT {home.unit}" if home.unit else home.street
    tells_acres = home.lot_sqft is not None and home.lot_sqft >= LARGE_LOT
    told = {
        "zpid": str(home.id),
        "address": f"{street.title()}, {place.city.title()}, {place.state} {place.zip}",
        "propertyType": KINDS[home.kind],
        "listingStatus": status,
        "price": home.worth * (95 + home.number % 16) // 100,
        "currency": "USD",
        "country": "USA",
        "livingArea": home.living_sqft,
        "lotAreaValue": round(home.lot_sqft / 43_560, 4) if tells_acres and home.lot_sqft else home.lot_sqft,
        "lotAreaUnit": ("acres" if tells_acres else "sqft") if home.lot_sqft else None,
        "bedrooms": home.beds,
        "bathrooms": home.baths,
        "daysOnZillow": -1 if home.number % 4 == 0 else home.number % 90,
        "latitude": home.lat,
        "longitude": home.lon,
        "listingSubType": {"is_FSBA": True},
        "hasImage": True,
    }
    if home.number % 5:
        told |= {"zestimate": home.worth, "rentZestimate": home.worth // 180}
    if status == "RECENTLY_SOLD":
        told |= {"dateSold": (home.sold_on.toordinal() - 719_163) * 86_400_000, "price": home.sale_price}
    return {name: value for name, value in told.items() if value is not None}


def _page_before(query: Mapping[str, str]) -> Mapping[str, str] | None:
    page = int(query.get("page", "1"))
    return {**query, "page": str(page - 1)} if page > 1 else None


VENDOR = Vendor(
    name="zillow",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"zillow_base_url": f"{url}{PREFIX}", "zillow_api_key": KEY},
    shape=Shape(
        items=("props",),
        total=("totalPages",),
        optional=("zestimate",),
        renamed=("propertyType",),
        page_before=_page_before,
    ),
    expired=NO_KEY,
    empty=NOT_SUBSCRIBED,
    too_many=TOO_MANY,
)
