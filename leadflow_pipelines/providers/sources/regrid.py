"""Regrid: the parcels of a ZIP, with owner, mailing address, value and last sale.

Source of truth: the vendor's description of `GET /api/v2/parcels/query` (`fields[szip][eq]`, `limit` 1 to 1,000,
`offset_id` to go on behind a parcel, `return_geometry`; the token is a query parameter) and of its parcel schema. At
most 200 requests a minute. Billing: each parcel record returned, a parcel told twice twice. Unconfirmed: that
`offset_id` is the `id` of the page's last feature (its `ogc_fid` where it has none), as third parties page. Matched
buildings, addresses and zoning are not asked for. Reading parcels into rows: `regrid_rows`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.source import HttpAnswer, Reply
from leadflow_pipelines.providers.sources.pages import id_of, read_json, read_page, shape_changed, value_of
from leadflow_pipelines.providers.sources.secret_query import get_quietly
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "regrid"
ENDPOINT = "parcels/query"
MOST_PER_PAGE = 1000
ZIP_FILTER = "fields[szip][eq]"
FIELDS = ("properties", "fields")
IDS = ((*FIELDS, "ll_uuid"), ("id",), (*FIELDS, "ogc_fid"))
EXPECTED = {name: [(*FIELDS, name)] for name in ("parcelnumb", "address", "owner", "parval", "saledate")}
CURSORS = (("id",), (*FIELDS, "ogc_fid"))
LEFT_OUT = {
    f"return_{name}": "false"
    for name in ("geometry", "matched_buildings", "matched_addresses", "enhanced_ownership", "zoning")
}


def property_calls(zips: Sequence[str], day: dt.date, *, settings: Settings) -> list[Call]:
    """The first page of each ZIP's parcels."""
    return [_page(zip_code, day, settings.regrid_max_records_per_zip) for zip_code in zips]


class Regrid:
    """The client. At most `most_records` of a ZIP are asked for."""

    name = NAME
    batch_size = 1
    remedies: Mapping[int, str] = {
        400: "The query is not valid; see providers/sources/regrid.py.",
        401: "Check LEADFLOW_REGRID_API_KEY.",
        402: "The plan's parcels are used up; ask Regrid.",
        403: "The token's plan does not cover this endpoint or county; ask Regrid.",
        404: "Check LEADFLOW_REGRID_BASE_URL.",
        429: "Regrid takes 200 requests a minute.",
    }

    def __init__(self, *, base_url: str, token: str, most_records: int) -> None:
        self._base_url = base_url.rstrip("/")
        self._secret = {"token": token}
        self._most_records = most_records

    @classmethod
    def from_settings(cls, settings: Settings) -> "Regrid | None":
        """The client these settings describe, or None without a token."""
        if settings.regrid_api_key is None:
            return None
        return cls(
            base_url=str(settings.regrid_base_url),
            token=settings.regrid_api_key.get_secret_value(),
            most_records=settings.regrid_max_records_per_zip,
        )

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """GET of one page; the token is in the request and in no text made of it."""
        (call,) = calls
        return get_quietly(f"{self._base_url}/{call.endpoint}", call.parameters, self._secret)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Only 200 carries parcels."""
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The parcels of the page, each billed as often as it is there."""
        (call,) = calls
        features = value_of(read_json(answer, NAME), "parcels", "features")
        page = read_page(features, call, ids=IDS, where="parcels", expected=EXPECTED)
        limit = call.parameters["limit"]
        if page.returned > limit:
            raise Terminal(f"{page.returned} parcels came where {limit} were asked for", provider=NAME)
        cursors = [id_of(feature, CURSORS) for feature in features]
        after = call.parameters.get("offset_id")
        if after is not None and after in cursors:
            raise Transient("the page before came again", provider=NAME)
        if page.returned == limit and cursors[-1] is None:
            raise Terminal("the last parcel has no id to go on from", provider=NAME, remedy=shape_changed(call))
        taken = {**call.parameters, **page.told, "last_id": cursors[-1] if cursors else None}
        return [Reply(page.items, billed=page.returned, parameters=taken)]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """The parcels behind the last of a full page, no more than are still asked for.

        `Call.item_key` says how many came before: a cursor does not tell.
        """
        seen = int(call.item_key or 0) + parameters["returned"]
        if parameters["returned"] < call.parameters["limit"] or seen >= self._most_records or call.zip is None:
            return None
        return _page(call.zip, call.day, self._most_records - seen, behind=parameters["last_id"], seen=seen)


def _page(zip_code: str, day: dt.date, wanted: int, *, behind: str | None = None, seen: int = 0) -> Call:
    limit = min(wanted, MOST_PER_PAGE)
    parameters = {ZIP_FILTER: zip_code, "limit": limit, **LEFT_OUT, "offset_id": behind}
    given = {name: value for name, value in parameters.items() if value is not None}
    return Call(NAME, ENDPOINT, given, zip_code, day, most_items=limit, item_key=str(seen))
