"""ATTOM's property API: the properties of a ZIP, with owner, value, sale and loan.

Source of truth: the vendor's documentation of `/property/expandedprofile` (header `apikey`; parameters
`postalcode`, `page`, `pagesize`; at most 1,000 properties a page). Billing: one report for each property
returned, so the page size bounds the price. A ZIP without properties is answered with HTTP 400 and the message
SuccessWithoutResult. Reading the properties into rows: `attom_rows`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import orjson

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.source import HttpAnswer, Reply
from leadflow_pipelines.providers.sources.pages import read_page
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "attom"
ENDPOINT = "property/expandedprofile"
MOST_PER_PAGE = 1000
SHAPE_CHANGED = "The API changed; see providers/sources/attom.py."
IDS = (("identifier", "attomid"), ("identifier", "id"))
EXPECTED = {name: [[name]] for name in ("address", "summary", "lot", "sale", "assessment")}
NO_RESULT = "successwithoutresult"


def property_calls(zips: Sequence[str], day: dt.date, *, most_records: int) -> list[Call]:
    """Each ZIP's properties, at most `most_records` (and 1,000) of them, all on one page where the vendor agrees."""
    return [_page(zip_code, day, 1, min(most_records, MOST_PER_PAGE)) for zip_code in zips]


class Attom:
    """The client."""

    name = NAME
    batch_size = 1
    remedies: Mapping[int, str] = {
        401: "Check LEADFLOW_ATTOM_API_KEY.",
        403: "The key's plan does not cover this endpoint; ask ATTOM, or take another key.",
        404: "Check LEADFLOW_ATTOM_BASE_URL.",
    }

    def __init__(self, *, base_url: str, api_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"apikey": api_key, "accept": "application/json"}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Attom | None":
        """The client these settings describe, or None without a key."""
        if settings.attom_api_key is None:
            return None
        return cls(base_url=str(settings.attom_base_url), api_key=settings.attom_api_key.get_secret_value())

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """GET of one page."""
        call = calls[0]
        return httpx.Request(
            "GET", f"{self._base_url}/{call.endpoint}", params=dict(call.parameters), headers=self._headers
        )

    def accepts(self, answer: HttpAnswer) -> bool:
        """200, or the 400 that only says that there is nothing."""
        return answer.status == 200 or (
            answer.status == 400 and NO_RESULT in answer.body[:2000].decode(errors="replace").lower()
        )

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The properties of the page, each billed."""
        try:
            document = orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise Transient("the answer is not whole JSON", provider=NAME) from error
        body = _lower_keys(document) if isinstance(document, dict) else {}
        status = body.get("status")
        if not isinstance(status, dict):
            raise Terminal("the answer has no status", provider=NAME, remedy=SHAPE_CHANGED)
        status = _lower_keys(status)
        properties = body.get("property") or []
        if str(status.get("msg", "")).lower() == NO_RESULT:
            properties = []
        elif "property" not in body or not all(isinstance(one, dict) for one in properties):
            raise Terminal(
                "the answer has no list of properties",
                provider=NAME,
                remedy=SHAPE_CHANGED,
            )
        page = read_page(properties, calls[0], ids=IDS, where="properties", expected=EXPECTED)
        asked = calls[0].parameters
        taken = {**asked, **page.told, "pagesize": min(_positive(status.get("pagesize")), asked["pagesize"])}
        return [Reply(page.items, billed=page.returned, parameters=taken)]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """The next page, where the vendor made its pages smaller than asked and this one was full.

        The page size asked for is the bound per ZIP: a page that could pass it is not asked for.
        """
        page, size, bound = parameters["page"], parameters["pagesize"], call.parameters["pagesize"]
        if parameters.get("returned", items) < size or (page + 1) * size > bound or call.zip is None:
            return None
        return _page(call.zip, call.day, page + 1, bound, after=parameters.get("digest"))


def _page(zip_code: str, day: dt.date, page: int, size: int, after: str | None = None) -> Call:
    parameters = {"postalcode": zip_code, "page": page, "pagesize": size}
    return Call(NAME, ENDPOINT, parameters, zip_code, day, most_items=size, item_key=after)


def _lower_keys(value: dict[str, Any]) -> dict[str, Any]:
    """The object with its keys in lower case, one level deep: their casing varies between endpoints."""
    return {key.lower(): item for key, item in value.items()}


def _positive(value: Any) -> int:
    """The vendor's page size, or no bound where it does not tell."""
    return value if isinstance(value, int) and value > 0 else MOST_PER_PAGE
