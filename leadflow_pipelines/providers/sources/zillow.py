"""Zillow through RapidAPI: the homes of a ZIP that are on the market, with asking price and Zillow's own estimate.

No official specification: parameters and shape are those that users of `zillow-com1` and its siblings recorded.
`GET /propertyExtendedSearch` with `location` (a ZIP), `status_type`, `page`; headers `X-RapidAPI-Key` and
`X-RapidAPI-Host`. The vendor makes its pages (`resultsPerPage`, about 41) and shows 20 of them at most. Billing: each
request, out of the plan's quota, whose rest stands in `X-RateLimit-Requests-Remaining`; a 429 with nothing left is no
haste but the end of the plan's month, and is not tried again. Unconfirmed: all of it, by a contract; both names of
the list (`props`, `results`) are read. Reading homes into rows: `zillow_rows`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from leadflow_pipelines.errors import Terminal
from leadflow_pipelines.providers.source import HttpAnswer, Reply
from leadflow_pipelines.providers.sources.pages import read_json, read_page, value_of
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "zillow"
ENDPOINT = "propertyExtendedSearch"
EXPECTED = {
    "address": [["address"], ["streetaddress"]],
    "price": [["price"]],
    "propertyType": [["propertytype"], ["hometype"]],
    "zestimate": [["zestimate"]],
}
MOST_PAGES = 20
USUAL_PAGE = 41
QUOTA_LEFT, QUOTA_RESET = "x-ratelimit-requests-remaining", "x-ratelimit-requests-reset"


def property_calls(zips: Sequence[str], day: dt.date, *, settings: Settings) -> list[Call]:
    """The first page of each ZIP's homes."""
    return [_page(zip_code, day, settings.zillow_status_type, 1) for zip_code in zips]


class Zillow:
    """The client. Pages of a ZIP are asked for until `most_records` are there; pages are whole."""

    name = NAME
    batch_size = 1
    remedies: Mapping[int, str] = {
        401: "Check LEADFLOW_ZILLOW_API_KEY.",
        403: "The key is not subscribed to this API: subscribe at RapidAPI.",
        404: "Check LEADFLOW_ZILLOW_BASE_URL.",
        429: "The plan takes fewer requests a second.",
    }

    def __init__(self, *, base_url: str, api_key: str, most_records: int) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"x-rapidapi-key": api_key, "x-rapidapi-host": httpx.URL(base_url).host}
        self._most_records = most_records

    @classmethod
    def from_settings(cls, settings: Settings) -> "Zillow | None":
        """The client these settings describe, or None without a key."""
        if settings.zillow_api_key is None:
            return None
        return cls(
            base_url=str(settings.zillow_base_url),
            api_key=settings.zillow_api_key.get_secret_value(),
            most_records=settings.zillow_max_records_per_zip,
        )

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """GET of one page."""
        (call,) = calls
        url = f"{self._base_url}/{call.endpoint}"
        return httpx.Request("GET", url, params=dict(call.parameters), headers=self._headers)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Only 200 carries homes. Raises Terminal where the plan's quota is used up."""
        if answer.status == httpx.codes.TOO_MANY_REQUESTS and answer.headers.get(QUOTA_LEFT) == "0":
            reset = answer.headers.get(QUOTA_RESET, "")
            until = f" for another {int(reset) / 86_400:.1f} days" if reset.isdecimal() else ""
            raise Terminal(
                f"the plan's quota of requests is used up{until}",
                provider=NAME,
                remedy="Take a larger plan at RapidAPI, or wait until it begins anew.",
            )
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The homes of the page. What is left of the plan's quota is kept with the pull."""
        (call,) = calls
        body = read_json(answer, NAME)
        homes = value_of(body, "props")
        listed = value_of(body, "results") if homes is None else homes
        page = read_page(listed, call, ids=[("zpid",)], where="homes", expected=EXPECTED)
        left = answer.headers.get(QUOTA_LEFT, "")
        taken = {
            **call.parameters,
            **page.told,
            "page_size": _count(value_of(body, "resultsperpage")) or USUAL_PAGE,
            "pages": _count(value_of(body, "totalpages")),
            "quota_left": int(left) if left.isdecimal() else None,
        }
        return [Reply(page.items, billed=1, parameters=taken)]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """The next page, until one is empty, or short with the vendor agreeing that it was the last."""
        page, size, returned = call.parameters["page"], parameters["page_size"], parameters["returned"]
        is_last = returned < size and page >= (parameters["pages"] or 0)
        if not returned or is_last or page >= MOST_PAGES or page * size >= self._most_records or call.zip is None:
            return None
        return _page(call.zip, call.day, call.parameters["status_type"], page + 1, after=parameters["digest"])


def _page(zip_code: str, day: dt.date, status_type: str, page: int, after: str | None = None) -> Call:
    parameters = {"location": zip_code, "status_type": status_type, "page": page}
    return Call(NAME, ENDPOINT, parameters, zip_code, day, most_items=USUAL_PAGE, item_key=after)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
