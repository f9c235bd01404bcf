"""One purchasable question to a source, and the fingerprint under which its answer is cached.

Here: identity only. Not here: how the question is sent (`providers`) or what it costs (`price_book`).
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson


@dataclass(frozen=True)
class Call:
    """What is asked of a source for one ZIP and partition day.

    `parameters` is what goes over the wire, filters included, secrets left out; a null parameter equals an
    absent one. `most_items` bounds the billable items of the answer. `item_key` is the asker's own name for
    the thing asked about; it is not part of the question's identity.
    """

    provider: str
    endpoint: str
    parameters: Mapping[str, Any]
    zip: str | None
    day: dt.date
    most_items: int = 1
    item_key: str | None = None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of provider, endpoint, parameters, ZIP and day; the order of the parameters is nothing."""
        identity = {
            "provider": self.provider,
            "endpoint": self.endpoint,
            "parameters": _without_nulls(self.parameters),
            "zip": self.zip,
            "day": self.day,
        }
        return hashlib.sha256(orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)).hexdigest()


def fingerprint_of(calls: Iterable[Call]) -> str:
    """The fingerprint of one request that carries these calls: that of the call, where it is only one."""
    fingerprints = [call.fingerprint for call in calls]
    if len(fingerprints) == 1:
        return fingerprints[0]
    return hashlib.sha256("\n".join(fingerprints).encode()).hexdigest()


def zip_of(calls: Iterable[Call]) -> str | None:
    """The ZIP that all calls of a request share, else `many`."""
    zips = {call.zip for call in calls}
    return zips.pop() if len(zips) == 1 else "many"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(item) for item in value]
    return value
