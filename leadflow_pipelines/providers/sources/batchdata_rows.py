"""BatchData's people as rows, one per phone and per e-mail, from either recorded shape.

A flag that the vendor leaves out, or answers with `?`, is null: unknown is never "no". People reported dead are
left out. Not here: fetching them (`batchdata`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import polars as pl

from leadflow_pipelines.contracts.contract import CENTS, UTC_INSTANT
from leadflow_pipelines.spend.call import Call

SCHEMA: dict[str, Any] = {
    "request_id": pl.String,
    "kind": pl.String,
    "person_name": pl.String,
    "phone_e164": pl.String,
    "line_type": pl.String,
    "email": pl.String,
    "is_on_dnc": pl.Boolean,
    "is_litigator": pl.Boolean,
    "is_reachable": pl.Boolean,
    "rank": pl.Int32,
    "fetched_at": UTC_INSTANT,
    "cost_cents": CENTS,
}
LINE_TYPES = {"mobile": "mobile", "wireless": "mobile", "landline": "landline", "voip": "voip"}
FLAGS = {"true": True, "false": False, "yes": True, "no": False, "y": True, "n": False}
NOT_DIGITS = re.compile(r"\D")
NORTH_AMERICAN = re.compile(r"^1?([2-9]\d{9})$")
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


def to_contact_rows(raw: pl.DataFrame, calls: Sequence[Call]) -> pl.DataFrame:
    """Contact points in raw pulls (RAW_PULLS shape) as rows of `SCHEMA`, best first within a request.

    `calls` say which request each pull answers; a pull that several of them share gives rows to each. What a
    hit cost stands on its first row.
    """
    found = [
        {"fingerprint": fingerprint, "item_number": number, **row}
        for fingerprint, number, payload in raw.select("fingerprint", "item_number", "payload").iter_rows()
        for row in _points(_lower_keys(orjson.loads(payload)))
    ]
    point_schema = {
        name: dtype for name, dtype in SCHEMA.items() if name not in ("request_id", "fetched_at", "cost_cents")
    }
    points = pl.DataFrame(found, schema={"fingerprint": pl.String, "item_number": pl.Int64, **point_schema})
    asked = pl.DataFrame(
        [(call.fingerprint, call.item_key) for call in calls],
        schema={"fingerprint": pl.String, "request_id": pl.String},
        orient="row",
    )
    costs = raw.group_by("fingerprint").agg(pl.col("cost_cents").sum(), pl.col("fetched_at").max())
    is_first = pl.int_range(pl.len()).over("request_id") == 0
    return (
        asked.join(points, on="fingerprint", how="inner", maintain_order="left")
        .unique(["request_id", "kind", "phone_e164", "email"], keep="first", maintain_order=True)
        .join(costs, on="fingerprint", how="left", maintain_order="left")
        .with_columns(pl.when(is_first).then("cost_cents").otherwise(0).cast(CENTS).alias("cost_cents"))
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    )


def _points(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for person in entry["persons"] if isinstance(entry.get("persons"), list) else [entry]:
        if _flag((person.get("death") or {}).get("deceased")) or _flag(person.get("deceased")):
            continue
        name = _full_name(person.get("name") or {})
        litigator = _flag(person.get("litigator"))
        blacklisted = _flag((person.get("dnc") or {}).get("tcpa"))
        for rank, phone in enumerate(person.get("phones") or person.get("phonenumbers") or [], start=1):
            number = NORTH_AMERICAN.match(NOT_DIGITS.sub("", str(phone.get("number") or "")))
            if number:
                is_known_suer = True in (litigator, blacklisted, _flag(phone.get("tcpa")))
                yield {
                    "kind": "phone",
                    "person_name": name,
                    "phone_e164": f"+1{number[1]}",
                    "line_type": LINE_TYPES.get(str(phone.get("type")).lower().replace(" ", "")),
                    "is_on_dnc": _flag(phone.get("dnc")),
                    "is_litigator": True if is_known_suer else litigator,
                    "is_reachable": _flag(phone.get("reachable")),
                    "rank": phone.get("rank") if isinstance(phone.get("rank"), int) else rank,
                }
        for rank, email in enumerate(person.get("emails") or [], start=1):
            address = str(email.get("email") or "").strip().lower()
            if EMAIL.match(address):
                is_known_suer = True in (litigator, blacklisted)
                yield {
                    "kind": "email",
                    "person_name": name,
                    "email": address,
                    "is_litigator": True if is_known_suer else litigator,
                    "rank": email.get("rank") if isinstance(email.get("rank"), int) else rank,
                }


def _lower_keys(value: Any) -> Any:
    """The entry with its keys in lower case, at every depth."""
    if isinstance(value, dict):
        return {key.lower(): _lower_keys(one) for key, one in value.items()}
    return [_lower_keys(one) for one in value] if isinstance(value, list) else value


def _full_name(name: dict[str, Any]) -> str | None:
    parts = (name.get("first"), name.get("middle"), name.get("last"))
    return str(name.get("full") or "").strip() or " ".join(str(part) for part in parts if part) or None


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
