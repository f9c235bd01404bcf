"""What a simulated vendor is: a prefix on the sandbox's port, answers to requests, and the shape of its bodies.

Here: requests in, replies out, no sockets (`server`). Each vendor is a module in `vendors`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import orjson

from leadflow_pipelines.providers.sandbox.faults import Fault, FaultSwitch
from leadflow_pipelines.providers.sandbox.world import World


@dataclass(frozen=True)
class Request:
    """A request as the vendor sees it: `path` below its prefix, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    prefix: str = ""

    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def asking(self, query: Mapping[str, str]) -> "Request":
        """The same request with another query."""
        return replace(self, query=query)


@dataclass(frozen=True)
class Reply:
    """A vendor's answer before it is sent. `body`: JSON, or bytes as they are; `zip`: whom it concerned."""

    status: int
    body: Any
    zip: str | None = None
    billed: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def content(self) -> bytes:
        """The body as it goes over the wire."""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


@dataclass(frozen=True)
class Shape:
    """What a fault must know of a body to spoil it as a vendor would.

    `items`: keys that lead to the list of records ((): the body is the list). `total`: keys that lead to the vendor's
    own count; `total_header`: the header that holds it. `fields`: keys that lead from a record to its fields.
    `optional`, `renamed`: fields of a record that may be missing, or bear another name one day; the first that is there
    does. `page_before`: the query of the page before the one asked for, or None for the first.
    """

    items: tuple[str, ...] | None = None
    total: tuple[str, ...] | None = None
    total_header: str | None = None
    fields: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    page_before: Callable[[Mapping[str, str]], Mapping[str, str] | None] | None = None


class Desk(Protocol):
    """A vendor whose calls change something: what is refused must not have been done, so it asks the dial itself."""

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        """The reply, and the fault that it still has to suffer on its way."""
        ...


@dataclass(frozen=True)
class Vendor:
    """One simulated provider.

    `answer` serves what lies under one of the `prefixes`; `settings` points LeadFlow's client at the sandbox listening
    at a URL; `expired`, `empty` and `too_many` are its refusals of an expired key, of an empty wallet and of haste, the
    first two None where it wants no key or no money. `open_desk`: of a vendor that remembers what it was told, one for
    each sandbox, which answers in place of `answer`; its second prefix is for tests, and not in the books.
    `books_paths`: its books count each path and query too, as those of a web site do.
    """

    name: str
    prefixes: tuple[str, ...]
    answer: Callable[[World, Request], Reply]
    settings: Callable[[str], dict[str, str]]
    shape: Shape = Shape()
    books_paths: bool = False
    expired: Reply | None = None
    empty: Reply | None = None
    too_many: Reply = Reply(429, {"error": "too many requests"})
    open_desk: Callable[[World, FaultSwitch], Desk] | None = None

    def can_suffer(self, kind: str) -> bool:
        """Whether a fault changes anything here: some vendors have no pages, no totals or no fields by name."""
        needs: Mapping[str, bool] = {
            "missing_field": bool(self.shape.optional),
            "renamed_field": bool(self.shape.renamed),
            "key_casing": self.shape.items is not None,
            "wrong_total": self.shape.total is not None or self.shape.total_header is not None,
            "duplicate_page": self.shape.page_before is not None,
            "expired_key": self.expired is not None,
            "empty_wallet": self.empty is not None,
        }
        return needs.get(kind, True)


NO_SUCH_PATH = Reply(404, {"error": "no such path"})
