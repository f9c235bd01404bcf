"""Daily limits and reservations: the statements behind "never a cent over budget".

Every function works inside the caller's transaction (`database.as_org`) and takes `now`. The statements
themselves are in sql/queries. Not here: prices (`price_book`), the record of calls (`ledger`).
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from sqlalchemy import Connection, TextClause, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from leadflow_pipelines.database.tables import CENTS, budget_days, budget_limits
from leadflow_pipelines.errors import BudgetExceeded, InvalidInput
from leadflow_pipelines.settings import PROJECT_ROOT

ALL_PROVIDERS = "*"
Ending = Literal["settled", "released", "unknown"]
TYPED: dict[str, TypeEngine[Any]] = {
    "org_id": Uuid(),
    "reservation_id": Uuid(),
    "amount_cents": CENTS,
    "cost_cents": CENTS,
}


@dataclass(frozen=True)
class BudgetState:
    """One provider's day (`*`: all together), in cents. Where `limit_cents` is null, nothing may be spent."""

    provider: str
    day: dt.date
    limit_cents: Decimal | None
    spent_cents: Decimal
    reserved_cents: Decimal

    @property
    def available_cents(self) -> Decimal:
        """What may still be reserved."""
        return max(Decimal(0), (self.limit_cents or Decimal(0)) - self.spent_cents - self.reserved_cents)


@dataclass(frozen=True)
class StaleReservation:
    """A reservation that outlived its process."""

    reservation_id: uuid.UUID
    provider: str
    day: dt.date
    amount_cents: Decimal
    fingerprint: str
    run_id: str | None
    correlation_id: str | None


def open_day(connection: Connection, org_id: uuid.UUID, provider: str, day: dt.date) -> None:
    """Makes the day's rows for a provider and for all together, where they are absent."""
    rows = [{"org_id": org_id, "provider": name, "day": day} for name in (provider, ALL_PROVIDERS)]
    connection.execute(insert(budget_days).values(rows).on_conflict_do_nothing())


def reserve(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    provider: str,
    day: dt.date,
    amount_cents: Decimal,
    fingerprint: str,
    now: dt.datetime,
    run_id: str | None = None,
    correlation_id: str | None = None,
) -> uuid.UUID:
    """Sets `amount_cents` aside on an opened day and returns the reservation.

    Raises BudgetExceeded, which must end the transaction: the rollback undoes the half that fitted.
    """
    reservation_id = uuid.uuid4()
    room = connection.execute(
        _query("reserve_budget"),
        {
            "org_id": org_id,
            "provider": provider,
            "day": day,
            "amount_cents": amount_cents,
            "reservation_id": reservation_id,
            "fingerprint": fingerprint,
            "run_id": run_id,
            "correlation_id": correlation_id,
            "now": now,
        },
    ).one()
    if not room.reserved:
        short = ALL_PROVIDERS if room.provider_has_room else provider
        budgets = {state.provider: state for state in read_budgets(connection, org_id, day)}
        raise _exceeded(provider, amount_cents, budgets[short])
    return reservation_id


def settle(
    connection: Connection,
    org_id: uuid.UUID,
    reservation_id: uuid.UUID,
    cost_cents: Decimal,
    now: dt.datetime,
) -> bool:
    """Turns a reservation into spend. False where it was closed before: its money is counted already."""
    return _close(connection, "settled", org_id=org_id, reservation_id=reservation_id, cost_cents=cost_cents, now=now)


def release(connection: Connection, org_id: uuid.UUID, reservation_id: uuid.UUID, now: dt.datetime) -> bool:
    """Gives a reservation back: nothing was billed. False where it was closed before."""
    return _close(connection, "released", org_id=org_id, reservation_id=reservation_id, cost_cents=Decimal(0), now=now)


def mark_unknown(connection: Connection, org_id: uuid.UUID, reservation_id: uuid.UUID, now: dt.datetime) -> bool:
    """Counts a reservation as spent in full: nobody knows what was billed. False where it was closed before."""
    return _close(connection, "unknown", org_id=org_id, reservation_id=reservation_id, cost_cents=Decimal(0), now=now)


def mark_stale_unknown(
    connection: Connection, org_id: uuid.UUID, *, before: dt.datetime, now: dt.datetime
) -> list[StaleReservation]:
    """Counts as spent what was reserved before `before` and never closed, and returns it."""
    rows = connection.execute(_query("stale_reservations"), {"org_id": org_id, "before": before}).mappings()
    stale = [StaleReservation(**row) for row in rows.all()]
    return [one for one in stale if mark_unknown(connection, org_id, one.reservation_id, now)]


def set_limit(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    provider: str,
    limit_cents: Decimal,
    set_by: str,
    now: dt.datetime,
) -> None:
    """Sets a provider's daily limit; `*` limits all providers together. Both must have room for a call."""
    if limit_cents < 0:
        raise InvalidInput(f"A limit cannot be negative (given: {limit_cents} cents for {provider}).")
    values = {"limit_cents": limit_cents, "set_by": set_by, "set_at": now}
    statement = insert(budget_limits).values(org_id=org_id, provider=provider, period="day", **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["org_id", "provider", "period"], set_=values))


def has_limit(connection: Connection, org_id: uuid.UUID, provider: str) -> bool:
    """Whether someone has set the provider's daily limit."""
    found = select(budget_limits.c.provider).where(
        budget_limits.c.org_id == org_id, budget_limits.c.provider == provider, budget_limits.c.period == "day"
    )
    return connection.execute(found).first() is not None


def read_budgets(connection: Connection, org_id: uuid.UUID, day: dt.date) -> list[BudgetState]:
    """Every provider that has a limit or a spend on that day, `*` first."""
    rows = connection.execute(_query("read_budgets"), {"org_id": org_id, "day": day}).mappings()
    return sorted((BudgetState(day=day, **row) for row in rows), key=lambda state: state.provider)


def available_cents(budgets: Mapping[str, BudgetState], provider: str) -> Decimal:
    """What a provider may still be paid: the smaller of its own room and everyone's."""
    rooms = [budgets[name].available_cents if name in budgets else Decimal(0) for name in (provider, ALL_PROVIDERS)]
    return min(rooms)


def _close(connection: Connection, state: Ending, **values: Any) -> bool:
    return connection.execute(_query("close_reservation"), {"state": state, **values}).scalar() is not None


def _exceeded(provider: str, amount_cents: Decimal, state: BudgetState) -> BudgetExceeded:
    who = "all providers together" if state.provider == ALL_PROVIDERS else state.provider
    if state.limit_cents is None:
        message = f"No daily limit is set for {who}, so nothing may be spent on {provider}."
    else:
        message = (
            f"{provider}: a call may cost {_plain(amount_cents)} cents, but of the {_plain(state.limit_cents)} that "
            f"{who} may spend on {state.day}, {_plain(state.available_cents)} are left."
        )
    return BudgetExceeded(
        message,
        provider=provider,
        price_cents=_plain(amount_cents),
        available_cents=_plain(state.available_cents),
    )


def _plain(cents: Decimal) -> str:
    """A sum without idle zeros: 2500, 0.62."""
    return f"{cents.normalize():f}"


@cache
def _query(name: str) -> TextClause:
    statement = text((PROJECT_ROOT / "sql" / "queries" / f"{name}.sql").read_text())
    return statement.bindparams(
        *(bindparam(key, type_=kind) for key, kind in TYPED.items() if f":{key}" in statement.text)
    )
