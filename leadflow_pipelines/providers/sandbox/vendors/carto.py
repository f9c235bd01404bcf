"""CARTO's SQL API as it answers: the SELECTs a pager asks, typed values, errors as a list with HTTP 400."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from leadflow_pipelines.providers.sandbox.county_tables import asked_value, column_values, county_at, table_rows
from leadflow_pipelines.providers.sandbox.vendor import Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

PREFIX = "/carto"
TOO_MANY = {"error": ["You are over platform's limits."], "context": "limit", "detail": "rate-limit"}
SELECT = re.compile(
    r"^SELECT (?P<columns>.+?) FROM (?P<table>\w+)(?: WHERE (?P<where>.+?))?(?: ORDER BY (?P<order>\w+))?"
    r" LIMIT (?P<limit>\d+)(?: OFFSET (?P<offset>\d+))?$",
    flags=re.IGNORECASE,
)


def _answer(world: World, request: Request) -> Reply:
    asked = SELECT.match(request.query.get("q", ""))
    if asked is None:
        return Reply(400, {"error": ["syntax error at end of input"]})
    county = county_at("carto", request.path, asked["table"])
    if county is None:
        return Reply(400, {"error": [f'relation "{asked["table"]}" does not exist']})
    known = column_values(county)
    wanted = list(known) if asked["columns"] == "*" else [name.strip() for name in asked["columns"].split(",")]
    for name in wanted:
        if name not in known:
            return Reply(400, {"error": [f'column "{name}" does not exist']})
    offset, limit = int(asked["offset"] or 0), int(asked["limit"])
    value = asked_value(county, asked["where"] or "")
    rows = table_rows(county, world, value)[offset : offset + limit] if limit else []
    body = {
        "rows": [{name: _written(row[name]) for name in wanted} for row in rows],
        "time": 0.01,
        "fields": {name: {"type": _kind(known[name])} for name in wanted},
        "total_rows": len(rows),
    }
    return Reply(200, body, value)


def _written(value: Any) -> Any:
    return f"{value.isoformat()}T00:00:00Z" if isinstance(value, dt.date) else value


def _kind(value: Any) -> str:
    if isinstance(value, dt.date):
        return "date"
    return "string" if isinstance(value, str) else "number"


def _page_before(query: Mapping[str, str]) -> Mapping[str, str] | None:
    asked = SELECT.match(query.get("q", ""))
    if asked is None or not int(asked["offset"] or 0):
        return None
    before = max(0, int(asked["offset"]) - int(asked["limit"]))
    return {**query, "q": re.sub(r"OFFSET \d+$", f"OFFSET {before}", query["q"])}


VENDOR = Vendor(
    name="carto",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"open_data_base_url": url},
    shape=Shape(
        items=("rows",),
        total=("total_rows",),
        optional=("year_built",),
        renamed=("sale_date",),
        page_before=_page_before,
    ),
    expired=Reply(403, {"error": ["permission denied"]}),
    too_many=Reply(429, TOO_MANY),
)
