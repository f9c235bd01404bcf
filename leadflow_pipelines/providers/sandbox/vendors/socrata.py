"""Socrata as it answers: a dataset's rows as a JSON list, every value text, nulls left out."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from leadflow_pipelines.providers.sandbox.county_tables import Row, asked_value, column_values, county_at, table_rows
from leadflow_pipelines.providers.sandbox.vendor import Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

PREFIX = "/socrata"
MOST_PER_PAGE = 50_000
DEFAULT_PAGE = 1000
OPTIONAL = ("yearbuilt", "year_built", "mail_address_full")


def _answer(world: World, request: Request) -> Reply:
    address = request.path.replace("/api/views/", "/resource/")
    county = county_at("socrata", address)
    if county is None:
        return Reply(404, {"code": "dataset.missing", "error": True, "message": "Cannot find view"})
    known = column_values(county)
    if "/api/views/" in request.path:
        columns = [{"fieldName": name, "dataTypeName": _kind(value)} for name, value in known.items() if name != ":id"]
        return Reply(200, {"id": address[-14:-5], "name": county.title, "columns": columns})
    wanted = [name for name in request.query.get("$select", ",".join(known)).split(",") if name]
    for name in wanted:
        if name not in known:
            return Reply(400, _no_such_column(name))
    value = asked_value(county, request.query.get("$where", ""))
    offset = int(request.query.get("$offset", "0"))
    limit = min(int(request.query.get("$limit", DEFAULT_PAGE)), MOST_PER_PAGE)
    rows = table_rows(county, world, value)[offset : offset + limit]
    return Reply(200, [_written(row, wanted) for row in rows], value)


def _written(row: Row, wanted: list[str]) -> dict[str, str]:
    return {name: _text(row[name]) for name in wanted if row[name] is not None}


def _text(value: Any) -> str:
    return f"{value.isoformat()}T00:00:00.000" if isinstance(value, dt.date) else str(value)


def _kind(value: Any) -> str:
    if isinstance(value, dt.date):
        return "calendar_date"
    return "text" if isinstance(value, str) else "number"


def _no_such_column(name: str) -> dict[str, Any]:
    return {
        "message": f"Query coordinator error: query.soql.no-such-column; No such column: {name}; position: Map()",
        "errorCode": "query.soql.no-such-column",
        "data": {"column": name},
    }


def _page_before(query: Mapping[str, str]) -> Mapping[str, str] | None:
    offset = int(query.get("$offset", "0"))
    return {**query, "$offset": str(max(0, offset - int(query.get("$limit", DEFAULT_PAGE))))} if offset else None


VENDOR = Vendor(
    name="socrata",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"open_data_base_url": url},
    shape=Shape(
        items=(),
        optional=OPTIONAL,
        renamed=OPTIONAL,
        page_before=_page_before,
    ),
    expired=Reply(403, {"code": "permission_denied", "error": True, "message": "Invalid app_token specified"}),
    too_many=Reply(429, {"code": "too_many_requests", "error": True, "message": "Too many requests"}),
)
