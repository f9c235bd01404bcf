"""Budgets in Postgres: limits hold under races, every cent is counted once, nothing is forgotten."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import text

from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.errors import BudgetExceeded, InvalidInput
from leadflow_pipelines.spend import budget
from leadflow_pipelines.spend.budget import ALL_PROVIDERS, read_budgets
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import LedgerRow, Origin, append_calls, spend_report
from leadflow_pipelines.spend.plan import Demand, Forecast, plan_pulls
from leadflow_pipelines.spend.price_book import load_price_book

NOW = dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 21)


class Purse:
    """One org's money."""

    def __init__(self, database, org):
        self.database = database
        self.org_id = org.org_id

    def allow(self, *, period="day", **limits):
        with self.database.as_org(self.org_id) as connection:
            for name, cents in limits.items():
                provider = ALL_PROVIDERS if name == "together" else name
                budget.set_limit(
                    connection,
                    self.org_id,
                    provider=provider,
                    limit_cents=Decimal(cents),
                    set_by="test",
                    now=NOW,
                    period=period,
                )

    def reserve(self, cents, provider="attom", now=NOW, day=DAY, run_id="run-1"):
        with self.database.as_org(self.org_id) as connection:
            budget.open_day(connection, self.org_id, provider, day)
            wish = budget.Wish(provider, day, Decimal(cents), "f", now, run_id, "c-1")
            budget.reserve(connection, self.org_id, wish)
            return wish.reservation_id

    def end(self, how, *arguments):
        with self.database.as_org(self.org_id) as connection:
            return how(connection, self.org_id, *arguments, NOW)

    def state(self, provider="attom", period="day", day=DAY):
        with self.database.as_org(self.org_id) as connection:
            states = {(one.period, one.provider): one for one in read_budgets(connection, self.org_id, day)}
        return states[period, provider].spent_cents, states[period, provider].reserved_cents


@pytest.fixture
def purse(database, org):
    return Purse(database, org)


def test_a_call_needs_room_under_both_limits(purse):
    purse.allow(attom=100, batchdata=1000, together=150)
    purse.reserve(100)
    with pytest.raises(BudgetExceeded, match="of the 100 that attom may spend on 2026-11-21, 0 are left"):
        purse.reserve(1)
    with pytest.raises(BudgetExceeded, match="of the 150 that all providers together may spend") as refusal:
        purse.reserve(51, "batchdata")
    assert refusal.value.available_cents == "50"
    assert purse.state("batchdata") == (0, 0), "the half that fitted is undone"
    purse.reserve(50, "batchdata")
    assert purse.state(ALL_PROVIDERS) == (0, 150)


@pytest.mark.parametrize(
    ("limits", "who"), [({}, "attom"), ({"together": 100}, "attom"), ({"attom": 100}, "all providers together")]
)
def test_no_limit_is_a_limit_of_zero(purse, limits, who):
    purse.allow(**limits)
    with pytest.raises(BudgetExceeded, match=f"No daily limit is set for {who}"):
        purse.reserve("0.0001")


def test_a_reservation_ends_once(purse):
    purse.allow(attom=100, together=100)
    reservation = purse.reserve(60)
    assert purse.end(budget.settle, reservation, Decimal("20.5"))
    assert purse.state() == (Decimal("20.5"), 0)
    assert not purse.end(budget.settle, reservation, Decimal("20.5"))
    assert not purse.end(budget.release, reservation)
    assert not purse.end(budget.mark_unknown, reservation)
    assert purse.state() == purse.state(ALL_PROVIDERS) == (Decimal("20.5"), 0)
    assert not purse.end(budget.settle, uuid.uuid4(), Decimal(1)), "nor one that never was"


def test_released_money_can_be_reserved_again_and_unknown_money_not(purse):
    purse.allow(attom=100, together=100)
    assert purse.end(budget.release, purse.reserve(100))
    assert purse.end(budget.mark_unknown, purse.reserve(100))
    assert purse.state() == (100, 0)
    with pytest.raises(BudgetExceeded):
        purse.reserve(1)


def test_a_cost_above_the_reservation_is_counted_in_full(purse):
    purse.allow(attom=100, together=100)
    assert purse.end(budget.settle, purse.reserve(60), Decimal(130))
    assert purse.state() == (130, 0)


def test_a_month_is_the_sum_of_its_days_and_can_be_limited(purse):
    purse.allow(attom=100, together=1000)
    tomorrow = DAY + dt.timedelta(days=1)
    purse.end(budget.settle, purse.reserve(100), Decimal(90))
    purse.allow(attom=150, period="month")
    purse.reserve(60, day=tomorrow)
    with pytest.raises(BudgetExceeded, match="of the 150 that attom may spend in November 2026, 0 are left"):
        purse.reserve(1, day=tomorrow)
    assert purse.state(period="month") == purse.state(ALL_PROVIDERS, "month") == (90, 60)
    assert purse.state(day=tomorrow) == (0, 60), "what did not fit the month is not counted in the day"
    purse.allow(attom=500, period="month")
    purse.allow(together=160, period="month")
    with pytest.raises(BudgetExceeded, match="of the 160 that all providers together may spend in November 2026"):
        purse.reserve(11, day=tomorrow)
    purse.reserve(10, day=tomorrow)
    purse.reserve(100, day=DAY.replace(month=12))


def test_a_run_may_have_a_limit_of_its_own(purse):
    purse.allow(attom=1000, together=1000)
    with purse.database.as_org(purse.org_id) as connection:
        budget.open_run(connection, purse.org_id, "capped", Decimal(50), NOW)
    first = purse.reserve(50, run_id="capped")
    with pytest.raises(BudgetExceeded, match="of the 50 that this run may spend, 0 are left") as refusal:
        purse.reserve(1, run_id="capped")
    assert refusal.value.available_cents == "0"
    purse.reserve(60, run_id="another")
    purse.reserve(60, run_id=None)
    purse.end(budget.settle, first, Decimal(20))
    purse.reserve(30, run_id="capped")
    assert purse.state() == (20, 150)


def test_four_fifths_of_a_limit_are_told_once(purse):
    def alerts(cents):
        with purse.database.as_org(purse.org_id) as connection:
            budget.open_day(connection, purse.org_id, "attom", DAY)
            return budget.reserve(connection, purse.org_id, budget.Wish("attom", DAY, Decimal(cents), "f", NOW))

    purse.allow(attom=100, together=1000)
    assert alerts(79) == ()
    assert alerts(1) == ("attom used 80 of the 100 cents allowed on 2026-11-21",)
    assert alerts(10) == ()


def test_a_wish_without_room_changes_nothing_even_where_the_caller_commits(purse):
    purse.allow(attom=100, together=50)
    with purse.database.as_org(purse.org_id) as connection:
        budget.open_day(connection, purse.org_id, "attom", DAY)
        with pytest.raises(BudgetExceeded):
            budget.reserve(connection, purse.org_id, budget.Wish("attom", DAY, Decimal(60), "f", NOW))
    with purse.database.as_org(purse.org_id) as connection:
        states = budget.read_budgets(connection, purse.org_id, DAY)
    assert {one.reserved_cents for one in states} == {0}
    assert purse.reserve(50)


def test_races_never_pass_the_limit(purse):
    """Without the lock before the verdict some of these 40 would read the same sum and all fit."""
    purse.allow(attom=1000, batchdata=1000, together=700)
    providers = ["attom", "batchdata"] * 20

    def try_one(provider):
        try:
            return purse.reserve(100, provider)
        except BudgetExceeded:
            return None

    with ThreadPoolExecutor(8) as threads:
        got = [one for one in threads.map(try_one, providers) if one]
        assert len(got) == 7
        assert all(threads.map(lambda one: purse.end(budget.settle, one, Decimal(90)), got))
    assert purse.state(ALL_PROVIDERS) == (630, 0)


def test_one_reservation_settled_by_many_is_spent_once(purse):
    purse.allow(attom=100, together=100)
    reservation = purse.reserve(100)
    with ThreadPoolExecutor(8) as threads:
        ended = list(threads.map(lambda _: purse.end(budget.settle, reservation, Decimal(40)), range(8)))
    assert sum(ended) == 1
    assert purse.state() == (40, 0)


def test_reservations_of_dead_processes_become_unknown(purse):
    purse.allow(attom=100, together=100)
    purse.reserve(30, now=NOW - dt.timedelta(minutes=20))
    purse.reserve(50, now=NOW - dt.timedelta(minutes=5))
    with purse.database.as_org(purse.org_id) as connection:
        stale = budget.mark_stale_unknown(connection, purse.org_id, before=NOW - dt.timedelta(minutes=15), now=NOW)
    assert [(one.amount_cents, one.run_id) for one in stale] == [(30, "run-1")]
    assert purse.state() == (30, 50)


def test_a_limit_can_be_changed_but_not_below_zero(purse):
    purse.allow(attom=10, together=100)
    purse.allow(attom=20)
    purse.reserve(20)
    with pytest.raises(InvalidInput, match="negative"):
        purse.allow(attom=-1)


def test_another_org_sees_and_spends_nothing_of_it(purse, database):
    purse.allow(attom=100, together=100)
    other = Purse(database, create_org(database, f"t{uuid.uuid4().hex[:12]}"))
    with pytest.raises(BudgetExceeded, match="No daily limit"):
        other.reserve(1)
    with database.as_org(other.org_id) as connection:
        assert read_budgets(connection, purse.org_id, DAY) == []
        assert connection.execute(text("select count(*) from leadflow.budget_limits")).scalar() == 0


def test_the_report_sums_by_day_provider_and_outcome(purse):
    def row(outcome, cents, run_id="run-1"):
        return LedgerRow(
            "attom", "e", "f", DAY, outcome, NOW, Origin(run_id), items=2, cost_cents=Decimal(cents), message="x" * 900
        )

    with purse.database.as_org(purse.org_id) as connection:
        append_calls(connection, purse.org_id, [])
        append_calls(connection, purse.org_id, [row("ok", "1.5"), row("ok", 2, "run-2"), row("unknown", 9)])
        week = {"first_day": DAY - dt.timedelta(days=7), "last_day": DAY}
        report = spend_report(connection, purse.org_id, **week)
        assert [(one["outcome"], one["calls"], one["items"], one["cost_cents"]) for one in report] == [
            ("ok", 2, 4, Decimal("3.5")),
            ("unknown", 1, 2, 9),
        ]
        assert spend_report(connection, purse.org_id, **week, run_id="run-2")[0]["cost_cents"] == 2
        assert spend_report(connection, purse.org_id, first_day=NOW.date(), last_day=DAY - dt.timedelta(days=1)) == []


def test_a_plan_prices_what_is_not_cached(purse):
    purse.allow(attom=5000, batchdata=100, together=100_000)
    calls = [Call("attom", "property/expandedprofile", {"n": n}, "19103", DAY, most_items=250) for n in range(3)]
    skip_traces = Demand(
        calls=[],
        like=Call("batchdata", "property/skip-trace", {}, None, DAY),
        about_things=True,
        forecasts=[Forecast("19103", 25)],
        unknown_zips=["19103"],
    )
    with purse.database.as_org(purse.org_id) as connection:
        plan = plan_pulls(
            connection, purse.org_id, load_price_book(), [Demand(calls, like=calls[0]), skip_traces], budget_day=DAY
        )
    attom, batchdata = plan.lines
    assert (attom.calls, attom.cached, attom.to_call) == (3, 0, 3)
    assert (attom.lowest_cents, attom.expected_cents, attom.worst_cents) == (0, None, 7500)
    assert (attom.day_left_cents, attom.month_left_cents, attom.affordable_calls) == (5000, None, 2)
    assert (batchdata.to_call, batchdata.worst_cents, batchdata.affordable_calls) == (25, 175, 14)
    assert attom.cut_zips == batchdata.cut_zips == batchdata.zips_without_past == ("19103",)
    assert plan.totals["worst_cents"] == 7675
    assert plan.totals["expected_cents"] is None
