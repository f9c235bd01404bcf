"""Bodies spoiled as vendors spoil them: fields gone, renamed or in another case, totals that do not add up.

Here: JSON in, JSON or bytes out. Not here: when it happens (`faults`).
"""

from typing import Any

import orjson

from leadflow_pipelines.providers.sandbox.faults import Kind
from leadflow_pipelines.providers.sandbox.vendor import Reply, Shape


def distorted(reply: Reply, kind: Kind, shape: Shape) -> bytes:
    """The body as `kind` leaves it; untouched where the vendor's shape gives the fault nothing to spoil."""
    if kind == "truncated_json":
        return reply.content[: len(reply.content) // 2]
    if kind == "malformed_json":
        return reply.content.replace(b":", b":'", 1) if b":" in reply.content else b"<html>busy</html>"
    if kind == "wrong_shape":
        return orjson.dumps({"unexpected": True})
    if isinstance(reply.body, bytes):
        return reply.body
    body = orjson.loads(orjson.dumps(reply.body))
    match kind:
        case "missing_field" | "renamed_field":
            for record in _records(body, shape):
                for name in shape.optional[:1] if kind == "missing_field" else shape.optional[-1:]:
                    if name in record:
                        value = record.pop(name)
                        if kind == "renamed_field":
                            record[f"{name}New"] = value
        case "key_casing":
            for number, record in enumerate(_records(body, shape)):
                recased = _recased(record, upper=number % 2 == 1)
                record.clear()
                record.update(recased)
        case "wrong_total":
            _miscount(body, shape)
    return orjson.dumps(body)


def _records(body: Any, shape: Shape) -> list[dict[str, Any]]:
    if shape.items is None:
        return []
    for key in shape.items:
        body = body.get(key) if isinstance(body, dict) else None
    return [one for one in body if isinstance(one, dict)] if isinstance(body, list) else []


def _recased(value: Any, *, upper: bool) -> Any:
    """Keys in lower case, or with a capital, as one vendor's endpoints differ among themselves."""
    if isinstance(value, dict):
        return {
            (key[:1].upper() + key[1:] if upper else key.lower()): _recased(item, upper=upper)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_recased(item, upper=upper) for item in value]
    return value


def _miscount(body: Any, shape: Shape) -> None:
    if shape.total is None:
        return
    *way, last = shape.total
    for key in way:
        body = body.get(key) if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(body.get(last), int):
        body[last] = body[last] * 2 + 7
