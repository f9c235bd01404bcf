"""BatchData's skip trace as it answers, in the older and the newer shape; each matched request is billed."""

from typing import Any

from leadflow_pipelines.providers.sandbox.people import skip_trace, v1_person, v3_entry
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-batchdata-key"
V1, V3 = "/batchdata/api/v1", "/batchdata/api/v3"
MOST_REQUESTS = 100
UNAUTHORIZED = {"status": {"code": 401, "text": "Unauthorized"}}
TOO_MANY = {"status": {"code": 429, "text": "Too Many Requests"}}
WALLET_EMPTY = {"status": {"code": 403, "text": "Forbidden: wallet balance exhausted"}}


def _answer(world: World, request: Request) -> Reply:
    if request.path != "/property/skip-trace" or request.method != "POST":
        return NO_SUCH_PATH
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return Reply(401, UNAUTHORIZED)
    body = request.json() or {}
    requests = body.get("requests") or []
    if not 0 < len(requests) <= MOST_REQUESTS:
        return Reply(400, {"status": {"code": 400, "text": f"1 to {MOST_REQUESTS} requests, please"}})
    zips = {str((one.get("propertyAddress") or {}).get("zip")) for one in requests}
    found = [(one, skip_trace(one, world.seed)) for one in requests]
    hits = sum(person is not None for _, person in found)
    counts = {"requestCount": len(requests), "matchCount": hits, "noMatchCount": len(requests) - hits, "errorCount": 0}
    meta = {"results": counts, "requestId": "sandbox"}
    answer: dict[str, Any] = {"status": {"code": 200, "text": "OK"}}
    if request.prefix == V3:
        answer["result"] = {"data": [v3_entry(*pair) for pair in found], "meta": meta}
    else:
        answer["results"] = {"persons": [v1_person(*pair) for pair in found], "meta": meta}
    return Reply(200, answer, zips.pop() if len(zips) == 1 else "many", billed=hits)


VENDOR = Vendor(
    name="batchdata",
    prefixes=(V1, V3),
    answer=_answer,
    settings=lambda url: {"batchdata_base_url": f"{url}{V1}", "batchdata_api_key": KEY},
    shape=Shape(
        items=("results", "persons"),
        total=("results", "meta", "results", "matchCount"),
        optional=("emails",),
        renamed=("phoneNumbers",),
    ),
    expired=Reply(401, UNAUTHORIZED),
    empty=Reply(403, WALLET_EMPTY),
    too_many=Reply(429, TOO_MANY),
)
