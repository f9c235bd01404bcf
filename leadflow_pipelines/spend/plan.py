"""What a run will cost before it is made, from the price book and from past pulls alone.

Nothing here calls a provider or reserves money. Prices assume that each call is answered; an answer that gets lost
counts at its worst case and is asked for again, which only the budget bounds.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from leadflow_pipelines.spend.budget import ALL_PROVIDERS, BudgetState, read_budgets
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.past_pulls import cached_answers, mean_cost, past_costs
from leadflow_pipelines.spend.price_book import FOUR_DECIMALS, PriceBook

FollowUp = Callable[[Call, Mapping[str, Any], int], Call | None]
"""The call for the page after an answered one: its call, its parameters as the vendor took them, its items."""
THIS_RUN = "run"


@dataclass(frozen=True)
class Forecast:
    """Calls about things of a ZIP that are known only once other providers have answered: at most `most_calls`."""

    zip: str
    most_calls: int


@dataclass(frozen=True)
class Demand:
    """What a run will ask of one endpoint, in its order of buying.

    `calls` are those known by now. Where a ZIP has a forecast, the calls that are made may turn out to be others, but
    no more than it says; of `unknown_zips` no call is known yet. `follow_up` tells the further pages of cached
    answers, `most_pages` the requests that one call becomes where every page is full. `like` is any call of the
    endpoint. Calls are `about_things` (one owner each) or about whole ZIPs. `refusal` says why the run
    would ask none of it, whatever the budget; there are no calls then.
    """

    calls: Sequence[Call]
    like: Call
    forecasts: Sequence[Forecast] = ()
    unknown_zips: Sequence[str] = ()
    follow_up: FollowUp | None = None
    most_pages: Callable[[Call], Iterable[Call]] = lambda call: (call,)
    about_things: bool = False
    refusal: str | None = None


@dataclass(frozen=True)
class PlannedPull:
    """Calls of one provider and endpoint: what is cached, what would be bought, at which price in cents.

    `most_calls` bounds `to_call` where the things to ask about are not known yet. `expected_cents` is null where no
    past pull tells; `zips_without_past` were never pulled, for them the provider's mean is expected.
    `within_budget_cents` is what is left of the expectation once `cut_zips` are cut for want of budget.
    `affordable_calls` fit the budget even if every call costs its worst; then `cut_zips_at_worst` would be cut.
    `month_left_cents` is null where no month is limited; `refusal` where nothing but the budget decides.
    """

    provider: str
    endpoint: str
    calls: int
    cached: int
    to_call: int
    most_calls: int
    lowest_cents: Decimal
    expected_cents: Decimal | None
    worst_cents: Decimal
    day_left_cents: Decimal
    month_left_cents: Decimal | None
    affordable_calls: int
    within_budget_cents: Decimal | None
    cut_zips: tuple[str, ...]
    cut_zips_at_worst: tuple[str, ...]
    zips_without_past: tuple[str, ...]
    refusal: str | None


@dataclass(frozen=True)
class Plan:
    """A line per provider and endpoint, and their sums; an expectation is null where one of its parts is."""

    lines: tuple[PlannedPull, ...]

    @property
    def totals(self) -> dict[str, Decimal | None]:
        """lowest_cents, expected_cents, within_budget_cents and worst_cents over all providers."""
        return {
            "lowest_cents": sum((line.lowest_cents for line in self.lines), Decimal(0)),
            "expected_cents": _sum(line.expected_cents for line in self.lines),
            "within_budget_cents": _sum(line.within_budget_cents for line in self.lines),
            "worst_cents": sum((line.worst_cents for line in self.lines), Decimal(0)),
        }

    def as_json(self) -> dict[str, Any]:
        """`providers`, a line each, and `totals`."""
        return {"providers": [asdict(line) for line in self.lines], "totals": self.totals}


@dataclass(frozen=True)
class _Purchase:
    """One call that would be bought. `expected` is null where no past tells; `is_likely` is false for calls that are
    made only if others than those known turn out to be wanted."""

    zip: str
    lowest: Decimal
    expected: Decimal | None
    worst: Decimal
    has_own_past: bool
    is_likely: bool = True


@dataclass
class _Purse:
    """What may still be spent; null limits nothing."""

    rooms: dict[str, Decimal]

    def pay(self, purchases: Iterable[_Purchase], provider: str, *, at_worst: bool) -> tuple[int, Decimal | None]:
        """How many are bought, in order, until one's worst case does not fit; what they cost, null: nobody knows."""
        names = [name for name in self.rooms if name in (provider, ALL_PROVIDERS, THIS_RUN)]
        bought, total, is_known = 0, Decimal(0), True
        for one in purchases:
            if any(one.worst > self.rooms[name] for name in names):
                break
            paid = one.worst if at_worst or one.expected is None else one.expected
            is_known = is_known and one.expected is not None
            for name in names:
                self.rooms[name] -= paid
            bought, total = bought + 1, total + paid
        return bought, total if is_known else None


def plan_pulls(
    connection: Connection,
    org_id: uuid.UUID,
    price_book: PriceBook,
    demands: Sequence[Demand],
    *,
    budget_day: dt.date,
    run_limit_cents: Decimal | None = None,
) -> Plan:
    """A line per demand, in their order, which is the order of buying.

    `budget_day` is the day that would pay; `run_limit_cents` a limit of the run's own, within those of day and month.
    """
    budgets = read_budgets(connection, org_id, budget_day)
    providers = {demand.like.provider for demand in demands}
    likely, worst = (_Purse(_rooms(budgets, providers, run_limit_cents)) for _ in range(2))
    lines = []
    for demand in demands:
        cached, wanted = _cached_and_wanted(connection, org_id, demand)
        purchases = _purchases(connection, org_id, price_book, demand, wanted, budget_day)
        lines.append(_line(demand, cached, purchases, budgets, likely, worst))
    return Plan(tuple(lines))


def _line(
    demand: Demand,
    cached: int,
    purchases: Sequence[_Purchase],
    budgets: Sequence[BudgetState],
    likely_purse: _Purse,
    worst_purse: _Purse,
) -> PlannedPull:
    provider = demand.like.provider
    likely = [one for one in purchases if one.is_likely]
    bought, within_budget = likely_purse.pay(likely, provider, at_worst=False)
    affordable, _ = worst_purse.pay(purchases, provider, at_worst=True)
    day_left, month_left = _left(budgets, provider)
    return PlannedPull(
        provider=provider,
        endpoint=demand.like.endpoint,
        calls=cached + len(likely),
        cached=cached,
        to_call=len(likely),
        most_calls=len(purchases),
        lowest_cents=sum((one.lowest for one in purchases), Decimal(0)),
        expected_cents=_sum(one.expected for one in likely),
        worst_cents=sum((one.worst for one in purchases), Decimal(0)),
        day_left_cents=day_left,
        month_left_cents=month_left,
        affordable_calls=affordable,
        within_budget_cents=within_budget,
        cut_zips=_zips(likely[bought:]),
        cut_zips_at_worst=_zips(purchases[affordable:]),
        zips_without_past=_zips(one for one in likely if not one.has_own_past),
        refusal=demand.refusal,
    )


def _purchases(
    connection: Connection,
    org_id: uuid.UUID,
    price_book: PriceBook,
    demand: Demand,
    wanted: Sequence[Call],
    budget_day: dt.date,
) -> list[_Purchase]:
    """The calls to buy in order, then those that would only come in other calls' place.

    What a ZIP did cost is shared by the calls that ask for it.
    """
    about_things = demand.about_things
    past = past_costs(connection, org_id, price_book, wanted, about_things=about_things, budget_day=budget_day)
    mean = mean_cost(connection, org_id, price_book, demand.like, about_things=about_things, budget_day=budget_day)
    calls_of_zip = Counter(call.zip for call in demand.calls) if not about_things else Counter()

    def purchase(call: Call) -> _Purchase:
        lowest = price_book.actual([call], 0, budget_day)
        worst = sum((price_book.worst_case([page], budget_day) for page in demand.most_pages(call)), Decimal(0))
        cents = past.get(call.fingerprint, mean)
        if cents is not None:
            cents = min(worst, max(lowest, cents / (calls_of_zip[call.zip] or 1))).quantize(FOUR_DECIMALS)
        return _Purchase(call.zip or "", lowest, cents, worst, call.fingerprint in past)

    known = [purchase(call) for call in wanted]
    open_calls = {one.zip: one.most_calls for one in demand.forecasts}
    for one in known:
        if one.zip in open_calls:
            open_calls[one.zip] -= 1
    foreseen = [
        replace(
            purchase(replace(demand.like, zip=zip_code)),
            lowest=Decimal(0),
            is_likely=zip_code in demand.unknown_zips,
        )
        for zip_code, count in open_calls.items()
        for _ in range(count)
    ]
    return [*known, *sorted(foreseen, key=lambda one: not one.is_likely)]


def _cached_and_wanted(connection: Connection, org_id: uuid.UUID, demand: Demand) -> tuple[int, list[Call]]:
    """How many answers lie there, further pages included, and the calls without one, in order."""
    cached, wanted = 0, []
    calls = list(demand.calls)
    while calls:
        found = cached_answers(connection, org_id, calls)
        cached += len(found)
        wanted += [call for call in calls if call.fingerprint not in found]
        pages = (
            demand.follow_up(call, *found[call.fingerprint])
            for call in calls
            if demand.follow_up and call.fingerprint in found
        )
        calls = [page for page in pages if page]
    return cached, wanted


def _rooms(
    budgets: Sequence[BudgetState], providers: Iterable[str], run_limit_cents: Decimal | None
) -> dict[str, Decimal]:
    """What each limit leaves, by whose it is."""
    rooms = {name: _room(budgets, name) for name in (*providers, ALL_PROVIDERS)}
    return rooms if run_limit_cents is None else {**rooms, THIS_RUN: run_limit_cents}


def _room(budgets: Sequence[BudgetState], name: str) -> Decimal:
    """What a provider's own day and month leave; nothing where no day is limited."""
    rooms = {one.period: one.available_cents for one in budgets if one.provider == name}
    return min(rooms.get("day", Decimal(0)), rooms.get("month", Decimal("Infinity")))


def _left(budgets: Sequence[BudgetState], provider: str) -> tuple[Decimal, Decimal | None]:
    """What the day and the month leave a provider, under its own limits and under those of all together."""
    left = {(one.provider, one.period): one.available_cents for one in budgets}
    whose = (provider, ALL_PROVIDERS)
    months = [left.get((name, "month"), Decimal("Infinity")) for name in whose]
    return min(left.get((name, "day"), Decimal(0)) for name in whose), min(months) if min(months).is_finite() else None


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, null where a part is."""
    listed = list(amounts)
    known = [amount for amount in listed if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(listed) else None


def _zips(purchases: Iterable[_Purchase]) -> tuple[str, ...]:
    """The ZIPs of these calls, each once, in order."""
    return tuple(dict.fromkeys(one.zip for one in purchases))
