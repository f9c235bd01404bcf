"""Limits of days, months and runs, and reservations: the statements behind "never a cent over budget".

Every function works inside the caller's transaction (`database.as_org`) and takes `now`. The statements
themselves are in sql/queries. Not here: prices (`price_book`), the record of calls (`ledger`).
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from leadflow_pipelines.database.queries import named_query
from leadflow_pipelines.database.tables import budget_days, budget_limits, budget_months, budget_runs
from leadflow_pipelines.errors import BudgetExceeded, InvalidInput

ALL_PROVIDERS = "*"
ALERT_SHARE = Decimal("0.8")
"""From this share of a daily limit on a person should know."""
Period = Literal["day", "month"]
Ending = Literal["settled", "released", "unknown"]


@dataclass(frozen=True)
class BudgetState:
    """A provider's day or the month around it (`*`: all together), in cents.

    Where a day has no limit, nothing may be spent; a month without one is not limited.
    """

    provider: str
    day: dt.date
    limit_cents: Decimal | None
    spent_cents: Decimal
    reserved_cents: Decimal
    period: Period = "day"

    @property
    def available_cents(self) -> Decimal:
        """What may still be reserved; infinite where nothing limits."""
        if self.limit_cents is None:
            return Decimal(0) if self.period == "day" else Decimal("Infinity")
        return max(Decimal(0), self.limit_cents - self.spent_cents - self.reserved_cents)

    @property
    def is_nearly_used(self) -> bool:
        """Whether ALERT_SHARE of the limit is spent or reserved."""
        return bool(self.limit_cents) and self.spent_cents + self.reserved_cents >= ALERT_SHARE * (
            self.limit_cents or 0
        )


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
    """Makes the rows of a day and its month for a provider and for all together, where they are absent."""
    for table, column, start in ((budget_days, "day", day), (budget_months, "month", day.replace(day=1))):
        rows = [{"org_id": org_id, "provider": name, column: start} for name in (provider, ALL_PROVIDERS)]
        connection.execute(insert(table).values(rows).on_conflict_do_nothing())


def open_run(connection: Connection, org_id: uuid.UUID, run_id: str, limit_cents: Decimal, now: dt.datetime) -> None:
    """Gives a run a limit of its own, within those of its day and month."""
    if limit_cents < 0:
        raise InvalidInput(f"A limit cannot be negative (given: {limit_cents} cents for one run).")
    row = {"org_id": org_id, "run_id": run_id, "limit_cents": limit_cents, "opened_at": now}
    connection.execute(insert(budget_runs).values(row).on_conflict_do_nothing())


def run_use_cents(connection: Connection, org_id: uuid.UUID, run_ids: Collection[str]) -> Decimal:
    """What runs with limits of their own have spent and set aside, together."""
    runs = budget_runs.c
    used = func.coalesce(func.sum(runs.spent_cents + runs.reserved_cents), 0)
    query = select(used).where(runs.org_id == org_id, runs.run_id.in_(list(run_ids)))
    return Decimal(connection.execute(query).scalar_one())


@dataclass(frozen=True)
class Wish:
    """Money to be set aside for one attempt, at its worst case."""

    provider: str
    day: dt.date
    amount_cents: Decimal
    fingerprint: str
    now: dt.datetime
    run_id: str | None = None
    correlation_id: str | None = None
    reservation_id: uuid.UUID = field(default_factory=uuid.uuid4)

    def parameters(
        self, org_id: uuid.UUID, *, host: str | None = None, wanted: Collection[str] = ()
    ) -> dict[str, object]:
        """Those of reserve_budget.sql; with `host` and `wanted`, a shut breaker or a pull that is there forbid it."""
        return {**vars(self), "org_id": org_id, "host": host, "wanted": list(wanted)}


class Room(Protocol):
    """What reserve_budget.sql answers: who had room, and how much is used of which daily limit, this wish included."""

    run_has_room: bool
    provider_day_has_room: bool
    provider_month_has_room: bool
    org_day_has_room: bool
    is_reserved: bool
    provider_used_cents: Decimal
    provider_limit_cents: Decimal
    org_used_cents: Decimal
    org_limit_cents: Decimal


def reserve(connection: Connection, org_id: uuid.UUID, wish: Wish) -> tuple[str, ...]:
    """Sets the wish aside on an opened day; returns a sentence for each daily limit that is nearly used now.

    Raises BudgetExceeded, and then has changed nothing.
    """
    room: Any = connection.execute(named_query("reserve_budget"), wish.parameters(org_id)).one()
    if not room.is_reserved:
        raise exceeded(connection, org_id, wish, room)
    return alerts(wish, room)


def alerts(wish: Wish, room: Room) -> tuple[str, ...]:
    """A sentence for each daily limit of which a reservation that was made passed ALERT_SHARE."""
    return tuple(
        f"{_whose(name)} used {_plain(used)} of the {_plain(limit)} cents allowed on {wish.day}"
        for name, used, limit in (
            (wish.provider, room.provider_used_cents, room.provider_limit_cents),
            (ALL_PROVIDERS, room.org_used_cents, room.org_limit_cents),
        )
        if used - wish.amount_cents < ALERT_SHARE * limit <= used
    )


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
    rows = connection.execute(named_query("stale_reservations"), {"org_id": org_id, "before": before}).mappings()
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
    period: Period = "day",
) -> None:
    """Sets a provider's limit for each day or month; `*` limits all together. A call needs room under all of them."""
    if limit_cents < 0:
        raise InvalidInput(f"A limit cannot be negative (given: {limit_cents} cents for {provider}).")
    values = {"limit_cents": limit_cents, "set_by": set_by, "set_at": now}
    statement = insert(budget_limits).values(org_id=org_id, provider=provider, period=period, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["org_id", "provider", "period"], set_=values))


def has_limit(connection: Connection, org_id: uuid.UUID, provider: str) -> bool:
    """Whether someone has set the provider's daily limit."""
    found = select(budget_limits.c.provider).where(
        budget_limits.c.org_id == org_id, budget_limits.c.provider == provider, budget_limits.c.period == "day"
    )
    return connection.execute(found).first() is not None


def read_budgets(connection: Connection, org_id: uuid.UUID, day: dt.date) -> list[BudgetState]:
    """Every provider that has a limit or a spend on that day, `*` first; then those of its month."""
    rows = connection.execute(named_query("read_budgets"), {"org_id": org_id, "day": day}).mappings()
    return sorted((BudgetState(day=day, **row) for row in rows), key=lambda state: (state.period, state.provider))


def available_cents(budgets: Iterable[BudgetState], provider: str) -> Decimal:
    """What a provider may still be paid: the smallest room of its own and everyone's day and month."""
    rooms = {(one.period, one.provider): one.available_cents for one in budgets}
    whose = (provider, ALL_PROVIDERS)
    days = [rooms.get(("day", name), Decimal(0)) for name in whose]
    return min(*days, *(rooms.get(("month", name), Decimal("Infinity")) for name in whose))


def _close(connection: Connection, state: Ending, **values: Any) -> bool:
    return connection.execute(named_query("close_reservation"), {"state": state, **values}).scalar() is not None


def exceeded(connection: Connection, org_id: uuid.UUID, wish: Wish, room: Room) -> BudgetExceeded:
    """The error for a wish that found no room: whose limit it was, and what is left of it."""
    period, name = _short(room, wish.provider)
    price = f"{wish.provider}: a call may cost {_plain(wish.amount_cents)} cents, but of the"
    if period == "run":
        runs = budget_runs.c
        run = connection.execute(
            select(runs.limit_cents, (runs.limit_cents - runs.spent_cents - runs.reserved_cents).label("left")).where(
                runs.org_id == org_id, runs.run_id == wish.run_id
            )
        ).one()
        left = run.left
        message = f"{price} {_plain(run.limit_cents)} that this run may spend, {_plain(left)} are left."
    else:
        states = read_budgets(connection, org_id, wish.day)
        state = next(one for one in states if (one.period, one.provider) == (period, name))
        left = state.available_cents
        when = f"on {wish.day}" if period == "day" else f"in {wish.day:%B %Y}"
        message = (
            f"No daily limit is set for {_whose(name)}, so nothing may be spent on {wish.provider}."
            if state.limit_cents is None
            else f"{price} {_plain(state.limit_cents)} that {_whose(name)} may spend {when}, {_plain(left)} are left."
        )
    return BudgetExceeded(
        message,
        provider=wish.provider,
        price_cents=_plain(wish.amount_cents),
        available_cents=_plain(max(left, Decimal(0))),
    )


def _short(room: Room, provider: str) -> tuple[Period | Literal["run"], str]:
    """Which limit had no room."""
    if not room.run_has_room:
        return "run", provider
    if not room.provider_day_has_room:
        return "day", provider
    if not room.provider_month_has_room:
        return "month", provider
    return ("month" if room.org_day_has_room else "day"), ALL_PROVIDERS


def _whose(provider: str) -> str:
    return "all providers together" if provider == ALL_PROVIDERS else provider


def _plain(cents: Decimal) -> str:
    """A sum without idle zeros: 2500, 0.62."""
    return f"{cents.normalize():f}"
