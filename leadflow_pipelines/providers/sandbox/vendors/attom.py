"""ATTOM as it answers: pages of a ZIP's properties, each billed. No result is HTTP 400 with a success message."""

from collections.abc import Mapping
from typing import Any

from leadflow_pipelines.providers.sandbox.estates import estates_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-attom-key"
PREFIX = "/attom/propertyapi/v1.0.0"
DEFAULT_PAGE_SIZE = 10
UNAUTHORIZED = {"status": {"version": "1.0.0", "code": 401, "msg": "Unauthorized", "total": 0}}
TOO_MANY = {"status": {"version": "1.0.0", "code": 429, "msg": "Too Many Requests", "total": 0}}
NOT_COVERED = {"status": {"version": "1.0.0", "code": 403, "msg": "Forbidden", "total": 0}}


def _answer(world: World, request: Request) -> Reply:
    if request.path != "/property/expandedprofile":
        return NO_SUCH_PATH
    zip_code = request.query.get("postalcode")
    if request.headers.get("apikey") != KEY:
        return Reply(401, UNAUTHORIZED, zip_code)
    page = int(request.query.get("page", "1"))
    page_size = min(int(request.query.get("pagesize", DEFAULT_PAGE_SIZE)), world.page_cap)
    place = find_place(zip_code or "")
    total = world.records_per_zip if place else 0
    status: dict[str, Any] = {"version": "1.0.0", "code": 0, "total": total, "page": page, "pagesize": page_size}
    last = min(page * page_size, total)
    first = (page - 1) * page_size
    if place is None or first >= last:
        return Reply(400, {"status": status | {"msg": "SuccessWithoutResult"}, "property": []}, zip_code)
    estates = estates_of(place, count=last, first=first, today=world.today(), seed=world.seed)
    body = {"status": status | {"msg": "SuccessWithResult"}, "property": estates}
    return Reply(200, body, zip_code, billed=len(estates))


def _page_before(query: Mapping[str, str]) -> Mapping[str, str] | None:
    page = int(query.get("page", "1"))
    return {**query, "page": str(page - 1)} if page > 1 else None


VENDOR = Vendor(
    name="attom",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"attom_base_url": f"{url}{PREFIX}", "attom_api_key": KEY},
    shape=Shape(
        items=("property",),
        total=("status", "total"),
        optional=("sale",),
        renamed=("assessment",),
        page_before=_page_before,
    ),
    expired=Reply(401, UNAUTHORIZED),
    empty=Reply(403, NOT_COVERED),
    too_many=Reply(429, TOO_MANY),
)
