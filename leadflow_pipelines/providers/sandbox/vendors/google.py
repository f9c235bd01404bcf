"""Google's geocoder as it answers: HTTP 200 for nearly everything, `status` says what it is."""

import re
from typing import Any

from leadflow_pipelines.providers.sandbox.homes import Home
from leadflow_pipelines.providers.sandbox.streets import find_home
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-google-key"
PREFIX = "/google"
ADDRESS = re.compile(r"^([^,]+),.*\b(\d{5})(?:-\d{4})?$")
KINDS = ("ROOFTOP", "ROOFTOP", "RANGE_INTERPOLATED", "GEOMETRIC_CENTER")


def _said(status: str, results: list[dict[str, Any]] | None = None, **more: str) -> dict[str, Any]:
    return {"results": results or [], "status": status, **more}


DENIED = Reply(200, _said("REQUEST_DENIED", error_message="The provided API key is invalid."))
NO_BILLING = Reply(200, _said("OVER_DAILY_LIMIT", error_message="You have exceeded your daily request quota."))
TOO_MANY = Reply(200, _said("OVER_QUERY_LIMIT", error_message="You have exceeded your rate-limit for this API."))


def _answer(world: World, request: Request) -> Reply:
    if request.path != "/maps/api/geocode/json":
        return NO_SUCH_PATH
    if request.query.get("key") != KEY:
        return DENIED
    if not request.query.get("address"):
        return Reply(200, _said("INVALID_REQUEST"))
    parts = ADDRESS.match(request.query["address"])
    home = find_home(world, parts[1], parts[2]) if parts else None
    zip_code = parts[2] if parts else None
    if home is None:
        return Reply(200, _said("ZERO_RESULTS"), zip_code, billed=1)
    return Reply(200, _said("OK", [_result(home)]), zip_code, billed=1)


def _result(home: Home) -> dict[str, Any]:
    place, (number, _, route) = home.place, home.street.partition(" ")
    names = ((number, "street_number"), (route.title(), "route"), (place.city.title(), "locality"),
             (place.state, "administrative_area_level_1"), (place.zip, "postal_code"))  # fmt: skip
    return {
        "address_components": [{"long_name": name, "short_name": name, "types": [kind]} for name, kind in names],
        "formatted_address": f"{home.street.title()}, {place.city.title()}, {place.state} {place.zip}, USA",
        "geometry": {"location": {"lat": home.lat, "lng": home.lon}, "location_type": KINDS[home.number % len(KINDS)]},
        "place_id": f"sandbox-{home.id}",
        "types": ["premise"],
    } | ({"partial_match": True} if home.number % 9 == 8 else {})


VENDOR = Vendor(
    name="google",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"google_base_url": f"{url}{PREFIX}", "google_api_key": KEY},
    shape=Shape(items=("results",), optional=("formatted_address",), renamed=("geometry",)),
    expired=DENIED,
    empty=NO_BILLING,
    too_many=TOO_MANY,
)
