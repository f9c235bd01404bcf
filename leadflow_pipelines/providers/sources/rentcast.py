"""RentCast: the property records of a ZIP, with owner, assessments and last sale.

Source of truth: the vendor's OpenAPI description of `GET /properties` (header `X-Api-Key`; `zipCode`, `limit` 1 to 500,
`offset`, `includeTotalCount`, answered in the header `X-Total-Count`). At most 20 requests a second and key; a 429 says
`auth/rate-limit-exceeded`. Billing: each request, whatever it holds. Unconfirmed: that a ZIP without records is
answered with HTTP 404 and `resource/not-found` (an empty list is read too), and whether that one is billed; it is
counted as billed. Reading the records into rows: `rentcast_rows`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from leadflow_pipelines.providers.source import HttpAnswer, Reply
from leadflow_pipelines.providers.sources.pages import read_json, read_page
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "rentcast"
ENDPOINT = "properties"
MOST_PER_PAGE = 500
EXPECTED = {name: [[name.lower()]] for name in ("addressLine1", "propertyType", "owner", "lastSaleDate")}
NO_RESULT = b"resource/not-found"
TOTAL_HEADER = "x-total-count"


def property_calls(zips: Sequence[str], day: dt.date, *, settings: Settings) -> list[Call]:
    """The first page of each ZIP's records."""
    limit = min(settings.rentcast_max_records_per_zip, MOST_PER_PAGE)
    return [_page(zip_code, day, 0, limit) for zip_code in zips]


class RentCast:
    """The client. Pages of a ZIP are asked for until `most_records` are there; pages are whole."""

    name = NAME
    batch_size = 1
    remedies: Mapping[int, str] = {
        401: "Check LEADFLOW_RENTCAST_API_KEY and that its subscription is active.",
        403: "The key's plan does not cover this endpoint; ask RentCast.",
        404: "Check LEADFLOW_RENTCAST_BASE_URL.",
        429: "RentCast takes 20 requests a second and key.",
    }

    def __init__(self, *, base_url: str, api_key: str, most_records: int) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"x-api-key": api_key, "accept": "application/json"}
        self._most_records = most_records

    @classmethod
    def from_settings(cls, settings: Settings) -> "RentCast | None":
        """The client these settings describe, or None without a key."""
        if settings.rentcast_api_key is None:
            return None
        return cls(
            base_url=str(settings.rentcast_base_url),
            api_key=settings.rentcast_api_key.get_secret_value(),
            most_records=settings.rentcast_max_records_per_zip,
        )

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """GET of one page."""
        call = calls[0]
        url = f"{self._base_url}/{call.endpoint}"
        return httpx.Request("GET", url, params=dict(call.parameters), headers=self._headers)

    def accepts(self, answer: HttpAnswer) -> bool:
        """200, or the 404 that only says that there is nothing."""
        return answer.status == 200 or _says_nothing_is_there(answer)

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The records of the page. The vendor's total is kept for the reader, paging does not rest on it."""
        (call,) = calls
        records = [] if _says_nothing_is_there(answer) else read_json(answer, NAME)
        page = read_page(records, call, ids=[("id",)], where="records", expected=EXPECTED)
        total = answer.headers.get(TOTAL_HEADER, "")
        taken = {
            **call.parameters,
            **page.told,
            "total": int(total) if total.isdecimal() else None,
        }
        return [Reply(page.items, billed=1, parameters=taken)]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """The next page after a full one, of the same size, until the records asked for are there."""
        limit = call.parameters["limit"]
        seen = call.parameters["offset"] + limit
        if parameters["returned"] < limit or seen >= self._most_records or call.zip is None:
            return None
        return _page(call.zip, call.day, seen, limit, after=parameters["digest"])


def _page(zip_code: str, day: dt.date, offset: int, limit: int, after: str | None = None) -> Call:
    parameters = {"zipCode": zip_code, "limit": limit, "offset": offset, "includeTotalCount": "true"}
    return Call(NAME, ENDPOINT, parameters, zip_code, day, most_items=limit, item_key=after)


def _says_nothing_is_there(answer: HttpAnswer) -> bool:
    return answer.status == 404 and NO_RESULT in answer.body[:2000]
