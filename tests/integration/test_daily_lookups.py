"""The scheduled buying of look-ups: best leads first, no more than the policy and the budget allow, told as it was."""

import datetime as dt
from typing import Any
from uuid import uuid4

import dagster as dg
import polars as pl
import pytest
from sqlalchemy import insert, select

from leadflow_pipelines.automation.lookups_job import LOOKUPS_JOB, build_lookups_job, build_lookups_schedule
from leadflow_pipelines.clearance.daily_lookups import DayLookups, buy_day_lookups, within
from leadflow_pipelines.clearance.needed_lookups import Needed
from leadflow_pipelines.contracts import LEAD_SCORES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.database.tables import number_lookups, outreach_list_entries, provider_pulls
from leadflow_pipelines.definitions import build_defs, build_scope
from leadflow_pipelines.spend.ledger import Origin
from resources.clock import ClockResource
from resources.providers import ProvidersResource
from resources.workspace_resource import WorkspaceResource
from tests.shop import DAY, NOON, Shop, open_shop

CLEAN, LISTED, SECOND, UNSCORED = (f"+121255501{end}" for end in ("01", "12", "02", "03"))
POINTS = {CLEAN: 10, LISTED: 90, SECOND: 50}
ORIGIN = Origin("run-1", None, LOOKUPS_JOB)


@pytest.fixture
def store(database: Database, sandbox: Any, home: Any, tmp_path: Any) -> Shop:
    """Four numbers wait; the lead of the one that turns out to be listed is the best, one lead has no score."""
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    opened = open_shop(database, org, sandbox, home, tmp_path, "dncscrub", "realphonevalidation")
    opened.allow(100_000, provider="dncscrub")
    phones = (CLEAN, LISTED, SECOND, UNSCORED)
    with database.as_org(org.org_id) as connection:
        for phone in phones:
            connection.execute(insert(outreach_list_entries).values(
                org_id=org.org_id, day=DAY, contact_point_id=phone, channel="voice", zip="10001", property_id=phone,
                verdict="blocked", reason_codes=["dnc_unknown"], contact_value=phone, valid_until=NOON,
                rule_version="v", evidence_hash="h",
            ))  # fmt: skip
    scores = pl.DataFrame([
        {"zip": "10001", "day": DAY, "property_id": phone, "points": points, "rank_in_zip": rank, "reasons": [],
         "model_version": "v", "run_id": "r"}
        for rank, (phone, points) in enumerate(POINTS.items(), start=1)
    ])  # fmt: skip
    opened.lake.replace(LEAD_SCORES, LEAD_SCORES.conform(scores), day=DAY)
    return opened


def buy(store: Shop, most: int = 500, **changes: Any) -> DayLookups:
    settings = store.settings.model_copy(update={"lookups_per_day": most})
    with store.guard(**changes) as guard:
        return buy_day_lookups(store.database, store.org, store.lake, guard, provider="dncscrub", day=DAY, now=NOON,
                               settings=settings, origin=ORIGIN)  # fmt: skip


def asked(store: Shop) -> list[str]:
    """The numbers that dncscrub was asked about, but for the canaries."""
    with store.database.as_org(store.org.org_id) as connection:
        found: list[str] = [*connection.execute(select(provider_pulls.c.parameters["phone"].astext)).scalars()]
        return sorted({f"+1{phone}" for phone in found} & {CLEAN, LISTED, SECOND, UNSCORED})


def test_the_best_leads_come_first_and_no_more_than_the_policy_allows_a_day(store: Shop) -> None:
    first = buy(store, most=2)
    assert (first.waiting, first.over_limit, first.is_partial) == (4, 2, True)
    assert (first.bought["dnc"].asked, first.bought["dnc"].yes, first.bought["dnc"].no) == (2, 1, 1)
    second = buy(store, most=2)
    assert (second.waiting, second.over_limit, dict(second.bought)) == (2, 2, {}), "what was bought today counts"
    third = buy(store, most=500)
    assert (third.waiting, third.over_limit, third.bought["dnc"].asked, third.is_partial) == (2, 0, 2, False)
    assert buy(store).plain()["waiting"] == 0


def test_numbers_without_a_better_lead_wait(store: Shop) -> None:
    buy(store, most=2)
    assert asked(store) == sorted([LISTED, SECOND])


def test_where_the_budget_ends_the_rest_stays_unknown_and_is_told(store: Shop) -> None:
    store.allow(0, provider="dncscrub")
    none = buy(store)
    assert (none.waiting, dict(none.bought), none.is_partial) == (4, {}, True)
    assert "dncscrub (dnc) is not asked" in none.notes[0]
    assert asked(store) == []
    store.allow(100_000, provider="dncscrub")
    buy(store, most=1)
    spent = store.budget("dncscrub").spent_cents
    price = min(row["cost_cents"] for row in store.ledger() if row["cost_cents"])  # of one number; canaries were two
    store.allow(int(spent + price), provider="dncscrub")
    some = buy(store)
    assert (some.bought["dnc"].asked, some.bought["dnc"].unanswered) == (3, 2)
    assert some.is_partial
    assert some.notes
    with store.database.as_org(store.org.org_id) as connection:
        kept: list[str] = [*connection.execute(select(number_lookups.c.answer)).scalars()]
    assert len(kept) == 2, "nothing is written of what was not asked: unknown blocks as before"


def test_one_answer_of_two_is_not_bought() -> None:
    day = dt.date(2025, 1, 1)
    needed = Needed(("a", "b"), (("b", day), ("c", day)))
    assert within(needed, ["b", "a", "c"], 1) == Needed()
    assert within(needed, ["b", "a", "c"], 3) == Needed(("b", "a"), (("b", day),))
    assert within(needed, ["b", "a", "c"], 4) == Needed(("b", "a"), (("b", day), ("c", day)))


def test_the_job_tells_counts_and_spend_and_its_schedule_is_stopped(
    store: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.workspace_resource.get_settings", lambda: store.settings)
    scope = build_scope(org=store.org.slug, today=DAY)
    ran = build_lookups_job(scope).execute_in_process(
        resources={
            "workspace": WorkspaceResource(org=store.org.slug),
            "providers": ProvidersResource(),
            "clock": ClockResource(fixed_at=NOON.isoformat()),
        },
    )
    assert ran.success
    (step,) = [event for event in ran.all_node_events if event.is_successful_output]
    told: dict[str, Any] = {name: value.value for name, value in step.step_output_data.metadata.items()}
    assert (told["waiting"], told["asked"], told["yes"], told["no"]) == (4, 4, 1, 3)
    assert told["cost_cents"] > 0
    assert told["provider"] == "dncscrub"
    schedule = build_lookups_schedule(scope)
    assert (schedule.job_name, schedule.default_status) == (LOOKUPS_JOB, dg.DefaultScheduleStatus.STOPPED)
    repository = build_defs(org=store.org.slug, today=DAY).get_repository_def()
    assert LOOKUPS_JOB in repository.job_names


def test_without_a_vendor_nothing_is_bought_and_the_run_says_so(store: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = store.settings.model_copy(update={"dncscrub_api_key": None, "realphonevalidation_api_key": None})
    monkeypatch.setattr("resources.workspace_resource.get_settings", lambda: bare)
    ran = build_lookups_job(build_scope(org=store.org.slug, today=DAY)).execute_in_process(
        resources={
            "workspace": WorkspaceResource(org=store.org.slug),
            "providers": ProvidersResource(),
            "clock": ClockResource(fixed_at=NOON.isoformat()),
        },
    )
    (step,) = [event for event in ran.all_node_events if event.is_successful_output]
    assert step.step_output_data.metadata["is_partial"].value is True
    assert asked(store) == []
