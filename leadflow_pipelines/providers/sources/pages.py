"""Pages of a ZIP's listing: whole JSON or not, ids in any casing, a record twice, a page that came before.

A page that repeats the one before is no page: it is asked for again, and where it keeps coming the call stays without
an answer and is reported as such. Not here: what a record says (`typed_rows`).
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.source import HttpAnswer, Item
from leadflow_pipelines.spend.call import Call

logger = logging.getLogger(__name__)
Expected = Mapping[str, Sequence[Sequence[str]]]
"""Fields by their usual name, each with the places (keys in lower case) where it may stand."""
NOTHING: Expected = {}
ABSENT = "@absent"
FEWEST = 10


@dataclass(frozen=True)
class Page:
    """One page. `items`: each record once; `returned`: how many the vendor sent; `digest`: its records' mark; `told`:
    what is kept of it with the pull.
    """

    items: list[Item]
    returned: int
    digest: str
    told: Mapping[str, Any]


def read_json(answer: HttpAnswer, provider: str) -> Any:
    """The answer's JSON. Raises Transient where it is not whole."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise Transient("the answer is not whole JSON", provider=provider) from error


def value_of(record: Any, *path: str) -> Any:
    """What stands under the keys (lower case) of a record, whatever their casing there; None where nothing does."""
    for key in path:
        if not isinstance(record, dict):
            return None
        if key in record:
            record = record[key]
        else:
            record = next((value for name, value in record.items() if name.lower() == key), None)
    return record


def id_of(record: Any, places: Iterable[Sequence[str]]) -> str | None:
    """The vendor's id of a record: the first of the places that holds a text or a number."""
    found = (value_of(record, *place) for place in places)
    return next((str(one) for one in found if isinstance(one, str | int) and not isinstance(one, bool) and one), None)


def absent_fields(records: Sequence[Any], expected: Expected, provider: str) -> dict[str, list[str]]:
    """What to keep with a pull of these records: under `ABSENT`, the expected fields that not one of them holds.

    Vendors leave out what they do not know, so a few records without a field say nothing, and `FEWEST` do. What is
    there was paid for and is kept; the field is null, and the result says so.
    """
    if len(records) < FEWEST:
        return {}
    absent = [
        name
        for name, places in expected.items()
        if all(value_of(one, *place) is None for one in records for place in places)
    ]
    if absent:
        told = "a vendor's records lack fields they used to have; the API may have changed"
        logger.warning(told, extra={"provider": provider, "fields": absent, "items": len(records)})
    return {ABSENT: absent} if absent else {}


def read_page(
    records: Any, call: Call, *, ids: Sequence[Sequence[str]], where: str, expected: Expected = NOTHING
) -> Page:
    """The records of an answer to `call`. `call.item_key` is the digest of the page before, where there was one.
    `expected`: fields that nearly every record holds (see `absent_fields`).

    Raises Terminal where `records` is no list of objects, Transient where they are those of the page before.
    """
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise Terminal(f"the answer has no list of {where}", provider=call.provider, remedy=shape_changed(call))
    items: dict[str, Item] = {}
    for number, record in enumerate(records):
        key = id_of(record, ids)
        items.setdefault(key or f"no id:{number}", Item(key, orjson.dumps(record).decode()))
    mark = "\n".join(key if one.key else one.payload for key, one in items.items())
    digest = hashlib.blake2b(mark.encode(), digest_size=12).hexdigest()
    if records and digest == call.item_key:
        raise Transient("the page before came again", provider=call.provider)
    told = {"returned": len(records), "digest": digest, **absent_fields(records, expected, call.provider)}
    return Page([*items.values()], len(records), digest, told)


def shape_changed(call: Call) -> str:
    """What to do about an answer of another shape."""
    return f"The API changed; see providers/sources/{call.provider}.py."


def distinct_items(raw: pl.DataFrame) -> pl.DataFrame:
    """Raw items (RAW_PULLS shape) with each vendor id once per source, ZIP and day, in order; the first one stays.

    A record that moved from one page to the next between two requests, or that stands on both, arrives twice.
    Items without an id are all kept.
    """
    identity = pl.struct("source", "zip", "day", "item_key")
    return raw.filter(pl.col("item_key").is_null() | identity.is_first_distinct())
