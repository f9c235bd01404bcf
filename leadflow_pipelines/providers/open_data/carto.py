"""CARTO's SQL API (version 2): any SELECT over a city's public tables.

Source of truth: carto.com/developers/sql-api. GET /api/v2/sql?q=<SQL>, answered with `rows` and `fields`; LIMIT and
OFFSET over an ORDER BY page through a table, and `select … limit 0` tells its columns. Values are typed: numbers,
ISO 8601 instants, null. A bad question, and a question that ran too long, are HTTP 400 with an `error` list; the
latter names its `context` as limit. No key for public tables.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from leadflow_pipelines.errors import ProviderError
from leadflow_pipelines.providers.open_data.county_client import HEADERS, CountyClient, Page, condition
from leadflow_pipelines.providers.open_data.county_source import CountySource
from leadflow_pipelines.providers.source import HttpAnswer


class Carto(CountyClient):
    """The client of one table. The page is written into the SQL when it is sent."""

    offset_key = "offset"
    rows_key = "limit"

    @classmethod
    def parameters(cls, county: CountySource, value: str | None) -> dict[str, Any]:
        """The SELECT in order, and the page."""
        where = condition(county, value, prefix="{column} LIKE '{value}%'")
        query = f"SELECT {', '.join(county.wanted_columns)} FROM {county.table}"  # noqa: S608 names are checked
        return {
            "q": f"{query}{f' WHERE {where}' if where else ''} ORDER BY {county.row_id}",
            "limit": county.page_rows,
            "offset": 0,
        }

    def page_request(self, parameters: Mapping[str, Any]) -> httpx.Request:
        """GET of one page."""
        sql = f"{parameters['q']} LIMIT {parameters['limit']} OFFSET {parameters['offset']}"
        return httpx.Request("GET", self.url, params={"q": sql}, headers=HEADERS)

    def columns_request(self) -> httpx.Request:
        """GET of no row at all, which tells the columns."""
        sql = f"SELECT * FROM {self.county.table} LIMIT 0"  # noqa: S608 the name is checked
        return httpx.Request("GET", self.url, params={"q": sql}, headers=HEADERS)

    def read_columns(self, answer: HttpAnswer) -> dict[str, str]:
        """Columns with CARTO's types."""
        document = self.document(answer)
        fields = document.get("fields") if isinstance(document, dict) else None
        if not isinstance(fields, dict):
            raise self.wrong_shape("description of its fields")
        return {name: str(one.get("type")) for name, one in fields.items()}

    def _page(self, document: Any) -> Page:
        rows = document.get("rows") if isinstance(document, dict) else None
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            raise self.wrong_shape("list of rows")
        return Page(rows)

    def _error_in(self, document: Any) -> ProviderError | None:
        told = isinstance(document, dict) and document.get("error")
        if not told:
            return None
        words = told if isinstance(told, list) else [told]
        return self.said("; ".join(map(str, words)), is_passing=document.get("context") == "limit")
