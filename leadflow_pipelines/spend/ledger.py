"""The spend ledger: one row for every attempt and every answer from the cache, append-only.

Here: writing rows and summing them. Not here: budgets, which decide before a call (`budget`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select

from leadflow_pipelines.database.tables import provider_calls

Outcome = Literal["ok", "cache_hit", "transient", "terminal", "unknown", "budget"]
MESSAGE_LIMIT = 500
APPEND = insert(provider_calls)


@dataclass(frozen=True)
class Origin:
    """On whose behalf a call is made: ties runs, ledger rows and log lines together."""

    run_id: str | None = None
    correlation_id: str | None = None
    asset_key: str | None = None


@dataclass(frozen=True)
class LedgerRow:
    """One attempt. `day` is the budget day; `zip` is `many` where one request covers several."""

    provider: str
    endpoint: str
    fingerprint: str
    day: dt.date
    outcome: Outcome
    called_at: dt.datetime
    origin: Origin
    zip: str | None = None
    attempt: int = 1
    reservation_id: uuid.UUID | None = None
    http_status: int | None = None
    latency_ms: int | None = None
    items: int = 0
    cost_cents: Decimal = Decimal(0)
    message: str | None = None
    call_id: uuid.UUID = field(default_factory=uuid.uuid4)


LEDGER_COLUMNS = ("org_id", *(name for name in LedgerRow.__dataclass_fields__ if name != "origin"), *vars(Origin()))


def append_calls(connection: Connection, org_id: uuid.UUID, rows: Sequence[LedgerRow]) -> None:
    """Adds the rows to the ledger in one statement batch."""
    if rows:
        connection.execute(APPEND, [call_columns(org_id, row) for row in rows])


def call_columns(org_id: uuid.UUID, row: LedgerRow) -> dict[str, Any]:
    """The row of provider_calls."""
    values = {name: getattr(row, name) for name in LedgerRow.__dataclass_fields__ if name != "origin"}
    message = row.message[:MESSAGE_LIMIT] if row.message else None
    return values | vars(row.origin) | {"org_id": org_id, "message": message}


def spend_report(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    first_day: dt.date,
    last_day: dt.date,
    run_id: str | None = None,
) -> list[dict[str, Any]]:
    """Calls, items and cents per budget day, provider and outcome; `run_id` limits it to one run."""
    calls = provider_calls.c
    query = (
        select(
            calls.day,
            calls.provider,
            calls.outcome,
            func.count().label("calls"),
            func.coalesce(func.sum(calls["items"]), 0).label("items"),
            func.coalesce(func.sum(calls.cost_cents), 0).label("cost_cents"),
        )
        .where(calls.org_id == org_id, calls.day.between(first_day, last_day))
        .group_by(calls.day, calls.provider, calls.outcome)
        .order_by(calls.day, calls.provider, calls.outcome)
    )
    if run_id is not None:
        query = query.where(calls.run_id == run_id)
    return [dict(row) for row in connection.execute(query).mappings()]
