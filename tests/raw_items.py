"""Vendors' items as raw pulls, and answers without a wire, for tests of sources."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from leadflow_pipelines.contracts import RAW_PULLS
from leadflow_pipelines.providers.source import HttpAnswer

DAY = dt.date(2026, 11, 21)
FETCHED_AT = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
FIXTURES = Path(__file__).parent / "fixtures" / "providers"


def recorded(name: str) -> Any:
    """A recorded shape with invented values."""
    return json.loads((FIXTURES / name).read_text())


def raw_items(*payloads: Any, source: str, keys: list[str | None] | None = None) -> pl.DataFrame:
    """The payloads as one pull (RAW_PULLS shape) of 80212, each at 10 cents."""
    rows = {
        "item_number": range(len(payloads)),
        "item_key": keys or [None] * len(payloads),
        "payload": [json.dumps(one) for one in payloads],
    }
    schema = {"item_number": pl.Int64, "item_key": pl.String, "payload": pl.String}
    return RAW_PULLS.conform(
        pl.DataFrame(rows, schema=schema).with_columns(
            pl.lit(source).alias("source"),
            pl.lit("80212").alias("zip"),
            pl.lit(DAY).alias("day"),
            pl.lit("f1").alias("fingerprint"),
            pl.lit(FETCHED_AT).alias("fetched_at"),
            pl.lit(10).alias("cost_cents"),
        )
    )


def answer(body: Any, status: int = 200, **headers: str) -> HttpAnswer:
    """A whole answer; a body that is no bytes goes as JSON."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content, 1)


def said(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says: the columns that are not null."""
    return {name: value for name, value in row.items() if value is not None}
