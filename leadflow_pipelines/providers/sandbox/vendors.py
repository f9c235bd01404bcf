"""The simulated vendors' answers, and the books of what they billed.

Here: requests in, bodies out, no sockets (`server`). What is billed follows the real vendors: ATTOM each
property returned, BatchData each request that was matched.
"""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadflow_pipelines.providers.sandbox.estates import estates_of
from leadflow_pipelines.providers.sandbox.people import skip_trace, v1_person, v3_entry
from leadflow_pipelines.providers.sandbox.places import find_place

ATTOM_KEY = "sandbox-attom-key"
BATCHDATA_KEY = "sandbox-batchdata-key"
ATTOM_PATH = "/attom/propertyapi/v1.0.0"
BATCHDATA_PATH = "/batchdata/api/v1"
BATCHDATA_V3_PATH = "/batchdata/api/v3"
MOST_REQUESTS = 100
DEFAULT_PAGE_SIZE = 10


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


@dataclass(frozen=True)
class World:
    """What is simulated: how many properties a ZIP has, which seed drew them, how many a page may hold."""

    records_per_zip: int = 250
    seed: int = 1
    page_cap: int = 1000
    today: Callable[[], dt.date] = _today


@dataclass
class Account:
    """A vendor's own books: calls received, answers refused, items billed."""

    calls: int = 0
    refused: int = 0
    billed: int = 0
    billed_by_zip: Counter[str] = field(default_factory=Counter)
    calls_by_zip: Counter[str] = field(default_factory=Counter)


@dataclass
class Books:
    """The accounts of all vendors, by provider."""

    accounts: dict[str, Account] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, provider: str, zip_code: str | None, *, billed: int = 0, is_refused: bool = False) -> None:
        """Books one call."""
        with self.lock:
            account = self.accounts.setdefault(provider, Account())
            account.calls += 1
            account.refused += is_refused
            account.billed += billed
            account.calls_by_zip[zip_code or "none"] += 1
            if billed:
                account.billed_by_zip[zip_code or "none"] += billed

    def as_json(self) -> dict[str, Any]:
        """Every account as JSON can hold it."""
        with self.lock:
            return {
                name: {**vars(one), "billed_by_zip": dict(one.billed_by_zip), "calls_by_zip": dict(one.calls_by_zip)}
                for name, one in self.accounts.items()
            }

    def clear(self) -> None:
        """Begins new books."""
        with self.lock:
            self.accounts.clear()


@dataclass(frozen=True)
class Reply:
    """A vendor's answer before it is sent: status, body, whom it concerned, what it billed."""

    provider: str
    status: int
    body: dict[str, Any]
    zip: str | None = None
    billed: int = 0


def answer_attom(world: World, headers: Mapping[str, str], query: Mapping[str, str]) -> Reply:
    """One page of the properties of `postalcode`. No result is HTTP 400 with a success message, as ATTOM does."""
    zip_code = query.get("postalcode")
    if headers.get("apikey") != ATTOM_KEY:
        status = {"version": "1.0.0", "code": 401, "msg": "Unauthorized", "total": 0}
        return Reply("attom", 401, {"status": status}, zip_code)
    page = int(query.get("page", "1"))
    page_size = min(int(query.get("pagesize", DEFAULT_PAGE_SIZE)), world.page_cap)
    place = find_place(zip_code or "")
    total = world.records_per_zip if place else 0
    status = {"version": "1.0.0", "code": 0, "total": total, "page": page, "pagesize": page_size}
    last = min(page * page_size, total)
    first = (page - 1) * page_size
    if place is None or first >= last:
        return Reply("attom", 400, {"status": status | {"msg": "SuccessWithoutResult"}, "property": []}, zip_code)
    estates = estates_of(place, count=last, today=world.today(), seed=world.seed)[first:]
    body = {"status": status | {"msg": "SuccessWithResult"}, "property": estates}
    return Reply("attom", 200, body, zip_code, billed=len(estates))


def answer_batchdata(world: World, headers: Mapping[str, str], body: dict[str, Any], *, is_v3: bool) -> Reply:
    """The people found at up to 100 addresses, in the older or the newer shape."""
    if headers.get("authorization") != f"Bearer {BATCHDATA_KEY}":
        return Reply("batchdata", 401, {"status": {"code": 401, "text": "Unauthorized"}})
    requests = body.get("requests") or []
    if not 0 < len(requests) <= MOST_REQUESTS:
        return Reply("batchdata", 400, {"status": {"code": 400, "text": f"1 to {MOST_REQUESTS} requests, please"}})
    zips = {str((request.get("propertyAddress") or {}).get("zip")) for request in requests}
    found = [(request, skip_trace(request, world.seed)) for request in requests]
    hits = sum(person is not None for _, person in found)
    counts = {"requestCount": len(requests), "matchCount": hits, "noMatchCount": len(requests) - hits, "errorCount": 0}
    meta = {"results": counts, "requestId": "sandbox"}
    answer: dict[str, Any] = {"status": {"code": 200, "text": "OK"}}
    if is_v3:
        answer["result"] = {"data": [v3_entry(*pair) for pair in found], "meta": meta}
    else:
        answer["results"] = {"persons": [v1_person(*pair) for pair in found], "meta": meta}
    return Reply("batchdata", 200, answer, zips.pop() if len(zips) == 1 else "many", billed=hits)
