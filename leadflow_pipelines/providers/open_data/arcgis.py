"""ArcGIS feature layers and map-server layers: the attributes of features, page by page.

Source of truth: developers.arcgis.com/rest/services-reference/enterprise (query of a feature or map service layer).
GET <layer>/query with where, outFields, orderByFields, resultOffset, resultRecordCount and f=json. The server gives at
most its maxRecordCount, whatever was asked; exceededTransferLimit says that more follow, so a page continues where
this one really ended. After a page as long as asked for the next is asked for whatever the flag says, as some servers
leave it out. Layers tell every column asked for, null or not. Dates are milliseconds since 1970, UTC. Errors come as
HTTP 200 with an `error` object. No key.
The columns come from <layer>?f=json.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from leadflow_pipelines.errors import ProviderError
from leadflow_pipelines.providers.open_data.county_client import HEADERS, CountyClient, Page, condition, lower_keys
from leadflow_pipelines.providers.open_data.county_source import CountySource
from leadflow_pipelines.providers.source import HttpAnswer

PASSING = (408, 429, 500, 502, 503, 504)
"""Codes of an error object that another attempt may not meet."""
TOO_MANY = 429
CLOSED = (401, 403, 498, 499)
"""Codes of a layer that wants a token: 498 for one that is not valid, 499 for none."""


class ArcGis(CountyClient):
    """The client of one layer."""

    offset_key = "resultOffset"
    rows_key = "resultRecordCount"

    @classmethod
    def parameters(cls, county: CountySource, value: str | None) -> dict[str, Any]:
        """where, outFields, order and page of the first page; geometry is left out."""
        return {
            "where": condition(county, value, prefix="{column} LIKE '{value}%'") or "1=1",
            "outFields": ",".join(county.wanted_columns),
            "returnGeometry": "false",
            "orderByFields": county.row_id,
            "resultOffset": 0,
            "resultRecordCount": county.page_rows,
            "f": "json",
        }

    def page_request(self, parameters: Mapping[str, Any]) -> httpx.Request:
        """GET of one page."""
        return httpx.Request("GET", f"{self.url}/query", params=dict(parameters), headers=HEADERS)

    def columns_request(self) -> httpx.Request:
        """GET of the layer's description."""
        return httpx.Request("GET", self.url, params={"f": "json"}, headers=HEADERS)

    def read_columns(self, answer: HttpAnswer) -> dict[str, str]:
        """Field names with their Esri types."""
        body = lower_keys(self.document(answer))
        if not isinstance(body.get("fields"), list):
            raise self.wrong_shape("list of fields")
        return {one["name"]: one["type"] for one in body["fields"] if "name" in one}

    def _page(self, document: Any) -> Page:
        body = lower_keys(document)
        features = body.get("features")
        if not isinstance(features, list):
            raise self.wrong_shape("list of features")
        rows: list[dict[str, Any]] = [lower_keys(one).get("attributes") or {} for one in features]
        if not all(rows):
            raise self.wrong_shape("attributes in a feature")
        return Page(rows, has_more=body.get("exceededtransferlimit") is True)

    def _error_in(self, document: Any) -> ProviderError | None:
        error = lower_keys(lower_keys(document).get("error"))
        if not error:
            return None
        words = [error.get("message"), *(error.get("details") or [])]
        message = " ".join(str(word) for word in dict.fromkeys(words) if word)
        code = error.get("code")
        return self.said(
            f"{code} {message}",
            is_passing=code in PASSING,
            is_throttled=code == TOO_MANY,
            remedy=self.remedies[403] if code in CLOSED else None,
        )
