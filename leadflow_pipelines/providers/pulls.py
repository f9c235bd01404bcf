"""What was asked and what came of it: pulls that exist, calls that were not made, and the rows in Postgres
that are the authority on what is cached.

Not here: deciding what to buy (`guard`) or buying it (`purchase`).
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Protocol

import polars as pl
import pyarrow as pa
from sqlalchemy import Connection, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from leadflow_pipelines.contracts import RAW_PULLS, UNLOCATED
from leadflow_pipelines.database.tables import provider_pulls
from leadflow_pipelines.providers.source import Reply
from leadflow_pipelines.providers.sources.pages import ABSENT
from leadflow_pipelines.spend.call import Call, fingerprint_of, zip_of
from leadflow_pipelines.spend.ledger import LedgerRow, Origin, Outcome
from leadflow_pipelines.spend.price_book import split_cents

Reason = Literal["not_configured", "budget", "provider_down", "transient", "terminal"]

_COLUMNS = provider_pulls.c
LOOK_UP = select(
    _COLUMNS.fingerprint,
    _COLUMNS.path,
    _COLUMNS["items"].label("item_count"),
    _COLUMNS.cost_cents,
    _COLUMNS.fetched_at,
    _COLUMNS.parameters,
).where(_COLUMNS.org_id == bindparam("org"), _COLUMNS.fingerprint == any_(bindparam("wanted", type_=ARRAY(Text))))
_INSERT = insert(provider_pulls)
RECORD = _INSERT.on_conflict_do_update(
    index_elements=["org_id", "fingerprint"],
    set_={name: _INSERT.excluded[name] for name in ("parameters", "path", "items", "cost_cents", "fetched_at")},
)
"""Statements made once: making them anew took a fifth of the time a call costs us."""


class RawStore(Protocol):
    """Where raw answers lie: the lake's raw pulls."""

    def write_raw(
        self, provider: str, day: dt.date, zip_code: str, fingerprint: str, rows: pl.DataFrame | pa.Table
    ) -> str:
        """Publishes the rows (RAW_PULLS shape) whole or not at all, and on disk; returns their path."""
        ...

    def read_raw(self, paths: list[str]) -> pl.DataFrame:
        """The rows of several pulls."""
        ...

    def has_raw(self, path: str) -> bool:
        """Whether the file is there."""
        ...


@dataclass(frozen=True)
class Pull:
    """An answer that lies in the lake. `parameters` are as the vendor took them; `cost_cents` is what it cost once."""

    call: Call
    path: str
    items: int
    cost_cents: Decimal
    fetched_at: dt.datetime
    parameters: Mapping[str, Any]
    is_cached: bool


@dataclass(frozen=True)
class Unmade:
    """A call without an answer, and why."""

    call: Call
    reason: Reason
    message: str


@dataclass(frozen=True)
class Pulls:
    """The outcome of a bulk pull: partial where `unmade` is not empty.

    `provider_calls` counts attempts that were sent; `cost_cents` is what they cost this time, lost answers at
    their worst case, answers from the cache nothing.
    """

    pulls: tuple[Pull, ...]
    unmade: tuple[Unmade, ...]
    provider_calls: int
    cost_cents: Decimal

    @property
    def is_partial(self) -> bool:
        """Whether some calls have no answer."""
        return bool(self.unmade)

    @property
    def cache_hits(self) -> int:
        """Calls that were answered without asking anyone."""
        return sum(pull.is_cached for pull in self.pulls)

    @property
    def absent_fields(self) -> tuple[str, ...]:
        """What whole pages lack although their vendor's records used to have it, as `provider: field`."""
        found = {f"{pull.call.provider}: {name}" for pull in self.pulls for name in pull.parameters.get(ABSENT, ())}
        return tuple(sorted(found))

    @property
    def items(self) -> int:
        """Items in all answers."""
        return sum(pull.items for pull in self.pulls)

    def read(self, raw: RawStore) -> pl.DataFrame:
        """The items of all pulls (RAW_PULLS shape), in the order of the calls. One file may hold several pulls."""
        frame = raw.read_raw(list(dict.fromkeys(pull.path for pull in self.pulls)))
        wanted = [pull.call.fingerprint for pull in self.pulls]
        return frame.filter(pl.col("fingerprint").is_in(wanted))


@dataclass(frozen=True)
class Found:
    """Cached answers by fingerprint, and the paths of those whose file is gone: they are no answers."""

    pulls: dict[str, Pull]
    gone: tuple[str, ...]


def find_pulls(connection: Connection, org_id: uuid.UUID, calls: Sequence[Call], raw: RawStore) -> dict[str, Pull]:
    """Cached answers by fingerprint."""
    return look_up(connection, org_id, calls, raw).pulls


def look_up(connection: Connection, org_id: uuid.UUID, calls: Sequence[Call], raw: RawStore) -> Found:
    """What is cached of the calls, in one query."""
    wanted = [call.fingerprint for call in calls]
    return found_pulls(connection.execute(LOOK_UP, {"org": org_id, "wanted": wanted}).all(), calls, raw)


def found_pulls(rows: Sequence[Any], calls: Sequence[Call], raw: RawStore) -> Found:
    """What the rows of LOOK_UP mean for the calls."""
    by_fingerprint = {call.fingerprint: call for call in calls}
    gone = {path for path in {row.path for row in rows} if not raw.has_raw(path)}
    pulls = {
        row.fingerprint: Pull(
            call=by_fingerprint[row.fingerprint],
            path=row.path,
            items=row.item_count,
            cost_cents=row.cost_cents,
            fetched_at=row.fetched_at,
            parameters=row.parameters,
            is_cached=True,
        )
        for row in rows
        if row.path not in gone
    }
    return Found(pulls, tuple(sorted(gone)))


def record_pulls(connection: Connection, org_id: uuid.UUID, pulls: Iterable[Pull]) -> None:
    """Makes the pulls the cached answers of their calls. Their files must be published already."""
    connection.execute(RECORD, [pull_columns(org_id, pull) for pull in pulls])


def pull_columns(org_id: uuid.UUID, pull: Pull) -> dict[str, Any]:
    """The row of provider_pulls."""
    return {
        "org_id": org_id,
        "fingerprint": pull.call.fingerprint,
        "provider": pull.call.provider,
        "endpoint": pull.call.endpoint,
        "zip": pull.call.zip,
        "day": pull.call.day,
        "parameters": dict(pull.parameters),
        "path": pull.path,
        "items": pull.items,
        "cost_cents": pull.cost_cents,
        "fetched_at": pull.fetched_at,
    }


def raw_frame(
    calls: Sequence[Call], replies: Sequence[Reply], costs: Sequence[Decimal], fetched_at: dt.datetime
) -> pl.DataFrame:
    """The items of one request in RAW_PULLS shape; each call's cost is spread over its items."""
    return RAW_PULLS.conform(pl.DataFrame(raw_table(calls, replies, costs, fetched_at)))


@cache
def _raw_shape() -> pa.Schema:
    """Asked for when a table is made: Polars' threads, once started by an import, are missing in every fork."""
    shape: pa.Schema = RAW_PULLS.empty().to_arrow().schema
    return shape


def raw_table(
    calls: Sequence[Call], replies: Sequence[Reply], costs: Sequence[Decimal], fetched_at: dt.datetime
) -> pa.Table:
    """The same for those who only store it: of a small answer, a Polars frame takes three times as long to make."""
    columns: dict[str, list[Any]] = {name: [] for name in RAW_PULLS.schema}
    for call, reply, cost in zip(calls, replies, costs, strict=True):
        count = len(reply.items)
        columns["source"] += [call.provider] * count
        columns["zip"] += [call.zip or UNLOCATED] * count
        columns["day"] += [call.day] * count
        columns["fingerprint"] += [call.fingerprint] * count
        columns["item_number"] += range(count)
        columns["item_key"] += [item.key for item in reply.items]
        columns["payload"] += [item.payload for item in reply.items]
        columns["fetched_at"] += [fetched_at] * count
        columns["cost_cents"] += split_cents(cost, [1] * count)
    return pa.Table.from_pydict(columns, schema=_raw_shape())


def unsent_row(
    answers: Sequence[Pull] | Sequence[Call],
    outcome: Outcome,
    *,
    day: dt.date,
    now: dt.datetime,
    origin: Origin,
    message: str | None = None,
) -> LedgerRow:
    """The ledger row of one request that was not sent: answered from the cache, or refused by the budget."""
    calls = [one.call if isinstance(one, Pull) else one for one in answers]
    return LedgerRow(
        provider=calls[0].provider,
        endpoint=calls[0].endpoint,
        fingerprint=fingerprint_of(calls),
        day=day,
        outcome=outcome,
        called_at=now,
        origin=origin,
        zip=zip_of(calls),
        items=sum(one.items for one in answers if isinstance(one, Pull)),
        message=message,
    )
