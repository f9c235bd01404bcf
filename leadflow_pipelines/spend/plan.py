"""What a pull will cost before it is made, from the price book and from past pulls alone.

Nothing here calls a provider or reserves money.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from sqlalchemy import Connection, Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from leadflow_pipelines.database.tables import provider_pulls
from leadflow_pipelines.spend.budget import available_cents, read_budgets
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.price_book import FOUR_DECIMALS, PriceBook


@dataclass(frozen=True)
class PlannedPull:
    """Calls of one provider and endpoint: what is cached, what would be bought, and at which price in cents.

    `expected_cents` is null where no past pull tells; `affordable_calls` are those whose worst case fits what
    the budget has left, taken in order.
    """

    provider: str
    endpoint: str
    calls: int
    cached: int
    to_call: int
    lowest_cents: Decimal
    expected_cents: Decimal | None
    worst_cents: Decimal
    available_cents: Decimal
    affordable_calls: int


@dataclass(frozen=True)
class Forecast:
    """Calls that a later step may make, before it is known which: at most so many, one item each."""

    provider: str
    endpoint: str
    most_calls: int


def plan_pulls(
    connection: Connection,
    org_id: uuid.UUID,
    price_book: PriceBook,
    calls: Sequence[Call],
    *,
    budget_day: dt.date,
    forecasts: Sequence[Forecast] = (),
) -> list[PlannedPull]:
    """One line per provider and endpoint, forecasts last. `budget_day` is the day that would pay."""
    foreseen = [
        Call(one.provider, one.endpoint, {"forecast": number}, None, budget_day)
        for one in forecasts
        for number in range(one.most_calls)
    ]
    cached = _cached_fingerprints(connection, org_id, calls)
    budgets = read_budgets(connection, org_id, budget_day)
    plan = []
    for (provider, endpoint), group in groupby([*sorted(calls, key=_target), *foreseen], key=_target):
        asked = list(group)
        wanted = [call for call in asked if call.fingerprint not in cached]
        worst = [price_book.worst_case([call], budget_day) for call in wanted]
        room = available_cents(budgets, provider)
        plan.append(
            PlannedPull(
                provider=provider,
                endpoint=endpoint,
                calls=len(asked),
                cached=len(asked) - len(wanted),
                to_call=len(wanted),
                lowest_cents=sum((price_book.actual([call], 0, budget_day) for call in wanted), Decimal(0)),
                expected_cents=_expected(_mean_cost(connection, org_id, provider, endpoint), worst),
                worst_cents=sum(worst, Decimal(0)),
                available_cents=room,
                affordable_calls=_affordable(worst, room),
            )
        )
    return plan


def _target(call: Call) -> tuple[str, str]:
    return call.provider, call.endpoint


def _cached_fingerprints(connection: Connection, org_id: uuid.UUID, calls: Iterable[Call]) -> set[str]:
    wanted = literal([call.fingerprint for call in calls], ARRAY(Text))
    known = select(provider_pulls.c.fingerprint).where(
        provider_pulls.c.org_id == org_id, provider_pulls.c.fingerprint == any_(wanted)
    )
    return set(connection.execute(known).scalars())


def _mean_cost(connection: Connection, org_id: uuid.UUID, provider: str, endpoint: str) -> Decimal | None:
    past = provider_pulls.c
    mean: Decimal | None = connection.execute(
        select(func.avg(past.cost_cents)).where(
            past.org_id == org_id, past.provider == provider, past.endpoint == endpoint
        )
    ).scalar()
    return mean


def _expected(mean: Decimal | None, worst: Sequence[Decimal]) -> Decimal | None:
    """What past pulls did cost on average, never above the worst case; null without a past."""
    if not worst:
        return Decimal(0)
    if mean is None:
        return None
    return sum((min(mean, price) for price in worst), Decimal(0)).quantize(FOUR_DECIMALS)


def _affordable(worst: Iterable[Decimal], room: Decimal) -> int:
    count = 0
    for price in worst:
        room -= price
        if room < 0:
            break
        count += 1
    return count
