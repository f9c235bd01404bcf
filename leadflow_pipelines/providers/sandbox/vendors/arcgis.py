"""ArcGIS as it answers: features page by page, never more than the layer's maxRecordCount, errors inside HTTP 200."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from leadflow_pipelines.providers.sandbox.county_tables import Row, asked_value, column_values, county_at, table_rows
from leadflow_pipelines.providers.sandbox.vendor import Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

PREFIX = "/arcgis"
QUERY = "/query"
NO_LAYER = {"error": {"code": 404, "message": "Service not found", "details": []}}
TOO_MANY = {"error": {"code": 429, "message": "Unable to perform query. Too many requests.", "details": []}}
YEARS = ("YEAR_BUILT", "YearBuilt1", "RES_ORIG_YEAR_BUILT", "RESYRBLT", "ACT", "CONST_YEAR")
TOKEN_EXPIRED = {"error": {"code": 498, "message": "Invalid token.", "details": []}}


def _answer(world: World, request: Request) -> Reply:
    county = county_at("arcgis", request.path.removesuffix(QUERY))
    if county is None:
        return Reply(200, NO_LAYER)
    known = column_values(county)
    if not request.path.endswith(QUERY):
        fields = [{"name": name, "type": _kind(name, value, county.row_id)} for name, value in known.items()]
        return Reply(200, {"name": county.title, "maxRecordCount": world.page_cap, "fields": fields})
    wanted = list(known) if request.query.get("outFields") == "*" else request.query.get("outFields", "").split(",")
    for name in wanted:
        if name not in known:
            return Reply(200, _invalid_field(name))
    value = asked_value(county, request.query.get("where", ""))
    offset = int(request.query.get("resultOffset", "0"))
    limit = min(int(request.query.get("resultRecordCount", world.page_cap)), world.page_cap)
    rows = table_rows(county, world, value)
    page = rows[offset : offset + limit]
    body: dict[str, Any] = {"objectIdFieldName": county.row_id, "features": [_feature(row, wanted) for row in page]}
    if offset + limit < len(rows):
        body["exceededTransferLimit"] = True
    return Reply(200, body, value)


def _feature(row: Row, wanted: list[str]) -> dict[str, Any]:
    return {"attributes": {name: _written(row[name]) for name in wanted}}


def _written(value: Any) -> Any:
    """Dates as milliseconds since 1970, anything else as it is."""
    if isinstance(value, dt.date):
        return int(dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC).timestamp()) * 1000
    return value


def _kind(name: str, value: Any, row_id: str) -> str:
    if name == row_id and not isinstance(value, str):
        return "esriFieldTypeOID"
    if isinstance(value, dt.date):
        return "esriFieldTypeDate"
    return "esriFieldTypeString" if isinstance(value, str) else "esriFieldTypeDouble"


def _invalid_field(name: str) -> dict[str, Any]:
    details = [f"'Invalid field: {name}' parameter is invalid"]
    return {"error": {"code": 400, "message": "Cannot perform query. Invalid query parameters.", "details": details}}


def _page_before(query: Mapping[str, str]) -> Mapping[str, str] | None:
    offset = int(query.get("resultOffset", "0"))
    before = max(0, offset - int(query.get("resultRecordCount", "1000")))
    return {**query, "resultOffset": str(before)} if offset else None


VENDOR = Vendor(
    name="arcgis",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"open_data_base_url": url},
    shape=Shape(
        items=("features",),
        fields=("attributes",),
        total=("exceededTransferLimit",),
        optional=YEARS,
        renamed=YEARS,
        page_before=_page_before,
    ),
    expired=Reply(200, TOKEN_EXPIRED),
    too_many=Reply(200, TOO_MANY),
)
