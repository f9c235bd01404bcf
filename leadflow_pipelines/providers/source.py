"""What the guard needs to know of a source: how to ask it, and how to read its answer.

A source knows its vendor's addresses, keys and shapes; it never pays, retries, caches or sleeps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from leadflow_pipelines.spend.call import Call


@dataclass(frozen=True)
class HttpAnswer:
    """A complete answer: status, headers, body and how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: int


@dataclass(frozen=True)
class Item:
    """One returned thing: the vendor's id of it (or our request id), and its JSON as the vendor wrote it."""

    key: str | None
    payload: str


@dataclass(frozen=True)
class Reply:
    """What one call got: its items, how many of them are billed, and the parameters as the vendor took them."""

    items: list[Item]
    billed: int
    parameters: Mapping[str, Any]


class Source(Protocol):
    """One provider. `remedies` says per HTTP status what a person should do."""

    name: str
    batch_size: int
    remedies: Mapping[int, str]

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """The HTTP request that carries these calls, at most `batch_size` of one endpoint."""
        ...

    def accepts(self, answer: HttpAnswer) -> bool:
        """Whether the vendor did its work, so that the answer may have been billed. Where it did not and the body
        says more than the status, the error that this means is raised here: nothing is billed then."""
        ...

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """One reply per call, in their order. Raises Transient for a broken body, Terminal for a wrong shape."""
        ...

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """The call for the next page, given what this one was answered with, or None."""
        ...
