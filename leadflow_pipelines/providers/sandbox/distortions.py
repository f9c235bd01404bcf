"""Bodies spoiled as vendors spoil them: fields gone, renamed or in another case, totals that do not add up.

Here: JSON in, JSON or bytes out. Not here: when it happens (`faults`).
"""

from dataclasses import replace
from typing import Any

import orjson

from leadflow_pipelines.providers.sandbox.vendor import Reply, Shape


def distorted(reply: Reply, kind: str, shape: Shape) -> bytes:
    """The body as `kind` leaves it; untouched where the vendor's shape gives the fault nothing to spoil."""
    if kind == "truncated_json":
        return reply.content[: len(reply.content) // 2]
    if kind == "malformed_json":
        return reply.content.replace(b":", b":'", 1) if b":" in reply.content else b"<html>busy</html>"
    if kind == "wrong_shape":
        return orjson.dumps({"unexpected": True})
    if isinstance(reply.body, bytes):
        return reply.body
    body = orjson.loads(reply.content)
    match kind:
        case "missing_field" | "renamed_field":
            names = shape.optional if kind == "missing_field" else shape.renamed
            for record in _records(body, shape):
                name = next((one for one in names if one in record), None)
                if name is not None:
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


def miscounted_head(reply: Reply, kind: str, shape: Shape) -> Reply:
    """The reply with a wrong total in its header, where the fault is that and the vendor counts there."""
    name = shape.total_header
    if kind != "wrong_total" or name is None or name not in reply.headers:
        return reply
    return replace(reply, headers={**reply.headers, name: str(int(reply.headers[name]) * 2 + 7)})


def _records(body: Any, shape: Shape) -> list[dict[str, Any]]:
    if shape.items is None:
        return []
    found = _under(body, shape.items)
    fields = [_under(one, shape.fields) for one in found] if isinstance(found, list) else []
    return [one for one in fields if isinstance(one, dict)]


def _under(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


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
    body = _under(body, tuple(way))
    if isinstance(body, dict) and isinstance(body.get(last), bool):
        body[last] = not body[last]
    elif isinstance(body, dict) and isinstance(body.get(last), int):
        body[last] = body[last] * 2 + 7
