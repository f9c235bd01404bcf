"""Socrata's SODA 2 API: rows of a published dataset as a JSON list.

Source of truth: dev.socrata.com/docs (paging, queries, app-tokens, response-codes). GET /resource/<id>.json with
$select, $where, $order, $limit (at most 50,000) and $offset; order by :id keeps pages stable, which the platform asks
for. An X-App-Token (LEADFLOW_SOCRATA_APP_TOKEN) is free and optional: without one callers of an address share a
throttle, answered with 429. Every value is text, a null is a missing key. A bad question is HTTP 400 with `message`
and `errorCode`. The columns come from /api/views/<id>.json. Unconfirmed: SODA 3 portals that demand a token.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from leadflow_pipelines.errors import ProviderError
from leadflow_pipelines.providers.open_data.county_client import HEADERS, CountyClient, Page, condition
from leadflow_pipelines.providers.open_data.county_source import CountySource
from leadflow_pipelines.providers.source import HttpAnswer


class Socrata(CountyClient):
    """The client of one dataset."""

    tells_nulls = False
    offset_key = "$offset"
    rows_key = "$limit"

    def __init__(
        self, county: CountySource, *, base_url: str | None = None, most_rows: int = 50_000, token: str | None = None
    ) -> None:
        super().__init__(county, base_url=base_url, most_rows=most_rows)
        self._headers = {**HEADERS, **({"X-App-Token": token} if token else {})}

    @classmethod
    def parameters(cls, county: CountySource, value: str | None) -> dict[str, Any]:
        """$select, $where, $order, $limit and $offset of the first page."""
        where = condition(county, value, prefix="starts_with({column}, '{value}')")
        return {
            "$select": ",".join(county.wanted_columns),
            **({"$where": where} if where else {}),
            "$order": county.row_id,
            "$limit": county.page_rows,
            "$offset": 0,
        }

    def page_request(self, parameters: Mapping[str, Any]) -> httpx.Request:
        """GET of one page."""
        return httpx.Request("GET", self.url, params=dict(parameters), headers=self._headers)

    def columns_request(self) -> httpx.Request:
        """GET of the dataset's metadata."""
        host, _, resource = self.url.rpartition("/resource/")
        return httpx.Request("GET", f"{host}/api/views/{urlsplit(resource).path}", headers=self._headers)

    def read_columns(self, answer: HttpAnswer) -> dict[str, str]:
        """Field names with their Socrata types."""
        document = self.document(answer)
        columns = document.get("columns") if isinstance(document, dict) else None
        if not isinstance(columns, list):
            raise self.wrong_shape("list of columns")
        return {one["fieldName"]: one["dataTypeName"] for one in columns if "fieldName" in one}

    def _error_in(self, document: Any) -> ProviderError | None:
        told = isinstance(document, dict) and document.get("message")
        return self.said(told) if told else None

    def _page(self, document: Any) -> Page:
        if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
            raise self.wrong_shape("list of rows")
        return Page(document)
