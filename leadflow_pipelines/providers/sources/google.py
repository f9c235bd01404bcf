"""Google's geocoder: where an address lies, down to the roof.

Source of truth: the vendor's description of `GET /maps/api/geocode/json` (`address`, `components`; the key is a query
parameter) and its recorded answers. `status` in the body decides, not the HTTP code: OK and ZERO_RESULTS are answers
and billed, OVER_QUERY_LIMIT is haste and unbilled, UNKNOWN_ERROR is worth another try, all others need a person.
Billing: each answered request. The vendor's terms let coordinates be kept for 30 days at most (`KEEP_DAYS`).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import orjson
import polars as pl

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.json_fields import pick_fields
from leadflow_pipelines.providers.source import HttpAnswer, Item, Reply
from leadflow_pipelines.providers.sources.coordinates import addresses_to_ask, coordinates_of
from leadflow_pipelines.providers.sources.pages import read_json, shape_changed, value_of
from leadflow_pipelines.providers.sources.secret_query import get_quietly
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "google"
ENDPOINT = "maps/api/geocode/json"
KEEP_DAYS = 29
"""The terms say 30 consecutive calendar days. A day less, because what drops them runs once a day."""
ANSWERS = {"OK", "ZERO_RESULTS"}
REFUSALS = {
    "OVER_DAILY_LIMIT": "The key has no billing, or its daily cap is reached: see the project's console at Google.",
    "REQUEST_DENIED": "Check LEADFLOW_GOOGLE_API_KEY and that the Geocoding API is enabled for it.",
    "INVALID_REQUEST": "The address is missing or not valid; see providers/sources/google.py.",
}
QUALITY = {"ROOFTOP": "rooftop", "RANGE_INTERPOLATED": "interpolated"}
FIRST = "results[0]"
LAT, LON = f"{FIRST}.geometry.location.lat", f"{FIRST}.geometry.location.lng"
KIND, PARTIAL = f"{FIRST}.geometry.location_type", f"{FIRST}.partial_match"
MATCHED = f"{FIRST}.formatted_address"


def geocode_calls(frame: pl.DataFrame, day: dt.date) -> list[Call]:
    """One call for each address of `frame` (see `coordinates.addresses_to_ask`)."""
    return [_call(day, address) for address in addresses_to_ask(frame)]


def to_coordinates(raw: pl.DataFrame) -> pl.DataFrame:
    """COORDINATES of raw pulls (RAW_PULLS shape): the first result. One that matches in part is approximate."""
    told = pick_fields(raw["payload"], [LAT, LON, KIND, PARTIAL, MATCHED], flags=[PARTIAL])
    quality = (
        pl.when(pl.col(PARTIAL) == "true")
        .then(pl.lit("approximate"))
        .otherwise(pl.col(KIND).replace_strict(QUALITY, default="approximate"))
    )
    found = told.select(lat=pl.col(LAT), lon=pl.col(LON), matched_address=pl.col(MATCHED), quality=quality)
    return coordinates_of(raw, found)


class Google:
    """The client."""

    name = NAME
    batch_size = 1
    remedies: Mapping[int, str] = {
        403: "Check LEADFLOW_GOOGLE_API_KEY.",
        404: "Check LEADFLOW_GOOGLE_BASE_URL.",
    }

    def __init__(self, *, base_url: str, api_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._secret = {"key": api_key}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Google | None":
        """The client these settings describe, or None without a key."""
        if settings.google_api_key is None:
            return None
        return cls(base_url=str(settings.google_base_url), api_key=settings.google_api_key.get_secret_value())

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """GET of one address; the key is in the request and in no text made of it."""
        (call,) = calls
        return get_quietly(f"{self._base_url}/{call.endpoint}", call.parameters, self._secret)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Whether `status` is an answer; a body without one is judged by its HTTP code. Raises what a refusal means.

        The vendor's own error message is not repeated: it names who asked.
        """
        status = _status(answer)
        if status == "OVER_QUERY_LIMIT":
            told = "OVER_QUERY_LIMIT, too many requests"
            raise Transient(told, provider=NAME, may_be_billed=False, is_throttled=True)
        if status == "UNKNOWN_ERROR":
            raise Transient("UNKNOWN_ERROR", provider=NAME)
        if status in REFUSALS:
            raise Terminal(status, provider=NAME, remedy=REFUSALS[status])
        return answer.status == 200 or status in ANSWERS

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The answer as it is; that nothing was found is an answer too."""
        (call,) = calls
        body = read_json(answer, NAME)
        if value_of(body, "status") not in ANSWERS or not isinstance(value_of(body, "results"), list):
            raise Terminal("the answer has no status or results", provider=NAME, remedy=shape_changed(call))
        places = [value_of(one, "geometry", "location") for one in value_of(body, "results")[:1]]
        if any(value_of(one, name) is None for one in places for name in ("lat", "lng")):
            told = "the result has no geometry.location with lat and lng"
            raise Terminal(told, provider=NAME, remedy=shape_changed(call))
        return [Reply([Item(call.item_key, orjson.dumps(body).decode())], billed=1, parameters=call.parameters)]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """None: an address is answered whole."""
        return None


def _call(day: dt.date, address: Mapping[str, str | None]) -> Call:
    place = " ".join(part for part in (address["state"], address["zip5"]) if part)
    line = ", ".join(part for part in (address["street"], address["city"], place) if part)
    parameters = {"address": line, "components": "country:US"}
    return Call(NAME, ENDPOINT, parameters, address["zip"], day, item_key=address["keys"])


def _status(answer: HttpAnswer) -> str | None:
    try:
        status = value_of(orjson.loads(answer.body), "status")
    except orjson.JSONDecodeError:
        return None
    return status if isinstance(status, str) else None
