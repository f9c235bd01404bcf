"""The guard against simulated vendors and a real Postgres: bought once, never over budget, nothing lost."""

import datetime as dt
import json
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import polars as pl
import pytest

from leadflow_pipelines.contracts import RAW_PULLS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.configured import provider_states
from leadflow_pipelines.providers.exchange import retry_after_seconds
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.sources.attom import property_calls
from leadflow_pipelines.providers.sources.attom_rows import to_source_rows
from leadflow_pipelines.providers.sources.batchdata import skip_trace_calls
from leadflow_pipelines.providers.sources.batchdata_rows import to_contact_rows
from leadflow_pipelines.spend.budget import ALL_PROVIDERS
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import Origin
from leadflow_pipelines.spend.plan import Demand, plan_pulls
from leadflow_pipelines.spend.price_book import load_price_book
from tests.shop import DAY, ORIGIN, RECORDS_PER_ZIP

ZIP_CENTS = 10 * RECORDS_PER_ZIP


def _people(count, zip_code="19103"):
    return pl.DataFrame(
        {
            "request_id": [f"lead-{n}" for n in range(count)],
            "zip": zip_code,
            "street": [f"{n} MAPLE ST" for n in range(count)],
            "city": "PHILADELPHIA",
            "state": "PA",
            "zip5": zip_code,
        }
    )


def test_a_pull_is_bought_once_and_then_free(shop):
    shop.allow(100_000)
    bought = shop.buy("19103", "19104")
    assert (bought.provider_calls, bought.cost_cents, bought.items) == (2, 2 * ZIP_CENTS, 2 * RECORDS_PER_ZIP)
    again = shop.buy("19103", "19104")
    assert (again.provider_calls, again.cost_cents, again.cache_hits) == (0, 0, 2)
    assert again.read(shop.lake.raw).equals(bought.read(shop.lake.raw))
    assert shop.billed() == 2 * RECORDS_PER_ZIP
    assert shop.outcomes() == ["cache_hit", "cache_hit", "ok", "ok"]


def test_what_is_stored_is_what_came_in_the_contracts_shape(shop):
    shop.allow(100_000)
    frame = shop.buy("19103").read(shop.lake.raw)
    assert RAW_PULLS.faults(frame) == []
    assert frame["cost_cents"].sum() == ZIP_CENTS
    assert frame["fetched_at"].unique().to_list() == [shop.now]
    rows = to_source_rows(frame)
    assert rows["zip"].unique().to_list() == ["19103"]
    assert rows["parcel_number"].n_unique() == RECORDS_PER_ZIP


def test_the_ledger_the_budget_and_the_vendor_agree(shop):
    shop.allow(100_000)
    shop.buy("19103", "00000", "73301")
    spent = 2 * ZIP_CENTS
    assert shop.budget().spent_cents == shop.budget(ALL_PROVIDERS).spent_cents == spent == 10 * shop.billed()
    assert shop.budget().reserved_cents == 0
    rows = {row["zip"]: row for row in shop.ledger()}
    assert sum(row["cost_cents"] for row in rows.values()) == spent
    assert rows["00000"]["items"] == 0
    assert all(row["run_id"] == "run-1" and row["correlation_id"] == "correlation-1" for row in rows.values())
    assert all(row["asset_key"] == "raw/attom" and row["day"] == DAY for row in rows.values())
    assert {row["reservation_id"] for row in rows.values()} == {one["reservation_id"] for one in shop.reservations()}
    assert {one["state"] for one in shop.reservations()} == {"settled"}


def test_an_empty_zip_is_remembered_too(shop):
    shop.allow(100_000)
    assert shop.buy("00000").pulls[0].items == 0
    again = shop.buy("00000")
    assert (again.provider_calls, again.cache_hits, again.read(shop.lake.raw).height) == (0, 1, 0)


def test_the_budget_stops_buying_in_order_and_the_result_says_so(shop):
    shop.allow(2 * ZIP_CENTS + 1)
    zips = ["19103", "19104", "19106", "19107"]
    partial = shop.buy(*zips)
    assert [pull.call.zip for pull in partial.pulls] == zips[:2]
    assert [(one.call.zip, one.reason) for one in partial.unmade] == [("19106", "budget"), ("19107", "budget")]
    assert "attom may spend on 2026-11-21" in partial.unmade[0].message
    assert partial.is_partial
    assert shop.budget().spent_cents == 2 * ZIP_CENTS
    assert shop.outcomes() == ["budget", "budget", "ok", "ok"]
    shop.allow(100_000)
    rest = shop.buy(*zips)
    assert (rest.provider_calls, rest.cache_hits, rest.is_partial) == (2, 2, False)


def test_without_a_limit_nothing_is_sent(shop):
    partial = shop.buy("19103")
    assert "No daily limit is set for attom" in partial.unmade[0].message
    assert shop.sandbox.ledger() == {}
    assert shop.raw_files() == []


def test_calls_at_once_do_not_starve_each_other_of_budget(shop):
    """Every ZIP costs 50 but reserves 500: at once, two of six would fit into 1,000; one after the other, all do."""
    shop.allow(1000)
    zips = ["19103", "19104", "19106", "19107", "19109", "19111"]
    result = shop.buy(*zips, most_records=50)
    assert not result.is_partial
    assert shop.budget().spent_cents == 6 * ZIP_CENTS


def test_a_skip_trace_shrinks_to_what_the_budget_has_left(shop):
    shop.allow(7 * 30 + 3, provider="batchdata")
    calls = skip_trace_calls(_people(100), DAY)
    with shop.guard() as guard:
        partial = guard.pull_many(calls, origin=ORIGIN)
    bought = [pull.call.item_key for pull in partial.pulls]
    assert bought == [f"lead-{n}" for n in range(len(bought))], "best leads first"
    assert len(bought) >= 30
    assert shop.budget("batchdata").spent_cents == 7 * shop.billed("batchdata") <= 213
    left = shop.budget("batchdata").available_cents
    assert left < 7, "what misses gave back was used too"
    assert len(partial.unmade) == 100 - len(bought)


def test_skip_traces_are_batched_cached_singly_and_tied_to_their_leads(shop):
    shop.allow(100_000, provider="batchdata")
    calls = [*skip_trace_calls(_people(80), DAY), *skip_trace_calls(_people(70, "73301"), DAY)]
    with shop.guard() as guard:
        first = guard.pull_many(calls[:120], origin=ORIGIN)
        again = guard.pull_many(calls, origin=ORIGIN)
    assert (first.provider_calls, again.provider_calls, again.cache_hits) == (2, 1, 120)
    assert [row["zip"] for row in shop.ledger() if row["outcome"] == "ok"].count("many") == 1
    hits = sum(pull.cost_cents > 0 for pull in again.pulls)
    assert hits == shop.billed("batchdata")
    contacts = to_contact_rows(again.read(shop.lake.raw), calls)
    assert contacts["cost_cents"].sum() <= hits * 7
    assert set(contacts["request_id"]) <= {call.item_key for call in calls}
    assert contacts.filter(pl.col("phone_e164").is_not_null())["phone_e164"].str.contains(r"^\+1\d{3}55501\d\d$").all()


def test_pages_are_followed_live_and_from_the_cache(shop, database, org):
    with SandboxProcess(records_per_zip=8, page_cap=3, today=DAY.isoformat()) as small_pages:
        shop.settings = shop.settings.model_copy(
            update={
                "attom_base_url": small_pages.settings_overrides()["attom_base_url"],
                "attom_max_records_per_zip": 9,
            }
        )
        shop.allow(100_000)
        live = shop.buy("19103", "00000", most_records=9)
        assert live.items == 8
        assert [(pull.call.zip, pull.items) for pull in live.pulls] == [
            ("19103", 3),
            ("00000", 0),
            ("19103", 3),
            ("19103", 2),
        ]
        assert small_pages.ledger()["attom"]["billed"] == 8
        cached = shop.buy("19103", "00000", most_records=9)
        assert (cached.provider_calls, cached.items, cached.cache_hits) == (0, 8, 4)
        assert to_source_rows(cached.read(shop.lake.raw))["parcel_number"].n_unique() == 8


def test_a_provider_without_a_key_is_reported_and_skipped(shop):
    shop.allow(100_000)
    with shop.guard(attom_api_key=None) as guard:
        skipped = shop.buy("19103", guard=guard)
    assert [(one.reason, one.message) for one in skipped.unmade] == [
        ("not_configured", "attom is not configured; set LEADFLOW_ATTOM_API_KEY.")
    ]
    assert shop.sandbox.ledger() == {}
    states = {one.provider: one.is_configured for one in provider_states(shop.settings)}
    assert {name for name, is_configured in states.items() if is_configured} == {"attom", "batchdata", "census"}
    without = provider_states(shop.settings.model_copy(update={"batchdata_api_key": None}))
    notes = {one.provider: one.note for one in without if not one.is_configured}
    assert notes["batchdata"] == "not configured, skipped: set LEADFLOW_BATCHDATA_API_KEY"


def test_what_has_no_price_is_never_sent(shop, sandbox):
    shop.allow(100_000)
    call = Call("attom", "property/expandedprofile", {"postalcode": "19103", "page": 1, "pagesize": 5}, "19103", DAY)
    shop.now = dt.datetime(2025, 12, 31, tzinfo=dt.UTC)  # before the price book begins
    with shop.guard() as guard, pytest.raises(InvalidInput, match="No price is known"):
        guard.pull_many([call], origin=ORIGIN)
    assert sandbox.ledger() == {}


def test_who_asks_while_another_is_buying_waits_for_that_answer(shop):
    """Both look the call up before either has bought it; the lock makes the second wait and look again."""
    shop.allow(100_000)
    shop.sandbox.arm_fault("attom", "slow", seconds=1.5)
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: shop.buy("19103"), range(2)))
    assert sorted(result.provider_calls for result in results) == [0, 1]
    assert [pull.items for result in results for pull in result.pulls] == [RECORDS_PER_ZIP] * 2
    assert shop.outcomes() == ["cache_hit", "ok"]
    assert shop.billed() == RECORDS_PER_ZIP


def test_eight_buyers_at_once_never_pass_the_budget(shop):
    shop.allow(5 * ZIP_CENTS)
    lists = [[f"191{n}", f"191{n + 1}"] for n in range(18, 34, 2)]

    def buy(zips):
        with shop.guard(concurrency=1) as guard:
            return shop.buy(*zips, guard=guard)

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(buy, lists))
    assert sum(len(result.pulls) for result in results) == 5
    assert sum(len(result.unmade) for result in results) == 11
    assert shop.budget().spent_cents == 10 * shop.billed() == 5 * ZIP_CENTS


RACER = """
import datetime as dt, json, sys
from uuid import UUID
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.sources.attom import property_calls
from leadflow_pipelines.providers.guard import open_guard
from leadflow_pipelines.settings import load_settings
from leadflow_pipelines.spend.ledger import Origin

org_id, lake_root, zips = UUID(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
settings = load_settings()
now = dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
with open_guard(
    database=Database(settings), org_id=org_id, raw=Lake(lake_root).raw, settings=settings, clock=lambda: now
) as guard:
    sys.stdin.readline()
    result = guard.pull_many(property_calls(zips, now.date(), most_records=5), origin=Origin("race"))
print(json.dumps({"bought": result.provider_calls, "pulls": len(result.pulls), "unmade": len(result.unmade)}))
"""


def _race(shop, zip_lists):
    environment = {**os.environ, **shop.sandbox.environment()}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(shop.org.org_id), shop.lake.root, ",".join(zips)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for zips in zip_lists
    ]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    results = [json.loads(racer.communicate(timeout=120)[0]) for racer in racers]
    assert all(racer.returncode == 0 for racer in racers)
    return results


def test_processes_that_want_the_same_buy_it_once(shop):
    shop.allow(100_000)
    zips = ["19103", "19104", "19106", "19107", "19109", "19111"]
    results = _race(shop, [zips, zips])
    assert sum(result["bought"] for result in results) == 6
    assert all(result["pulls"] == 6 for result in results)
    assert shop.sandbox.ledger()["attom"]["calls_by_zip"] == dict.fromkeys(zips, 1)
    assert shop.budget().spent_cents == 6 * ZIP_CENTS


def test_processes_that_share_a_budget_never_pass_it(shop):
    shop.allow(7 * ZIP_CENTS)
    lists = [[f"191{n}" for n in range(first, first + 6)] for first in (18, 24)]
    results = _race(shop, lists)
    assert sum(result["bought"] for result in results) == 7
    assert sum(result["unmade"] for result in results) == 5
    assert shop.budget().spent_cents == 10 * shop.billed() == 7 * ZIP_CENTS


def test_log_lines_carry_who_asked_and_neither_key_nor_person(shop, caplog):
    shop.allow(100_000)
    shop.sandbox.arm_fault("batchdata", "status", status=401)
    with caplog.at_level(logging.INFO), shop.guard() as guard:
        guard.pull_many(property_calls(["19103"], DAY, most_records=5), origin=Origin("run-9", "c-9", "raw/attom"))
        shop.allow(100_000, provider="batchdata")
        refused = guard.pull_many(skip_trace_calls(_people(1), DAY), origin=ORIGIN)
    lines = [record for record in caplog.records if record.message == "provider call"]
    assert (lines[0].run_id, lines[0].correlation_id, lines[0].asset_key, lines[0].outcome) == (
        "run-9", "c-9", "raw/attom", "ok",
    )  # fmt: skip
    written = json.dumps([vars(record) for record in caplog.records], default=str)
    written += json.dumps(shop.ledger(), default=str) + refused.unmade[0].message
    for secret in ("sandbox-attom-key", "sandbox-batchdata-key", "MAPLE ST"):
        assert secret not in written
    assert "Check LEADFLOW_BATCHDATA_API_KEY." in refused.unmade[0].message


def test_progress_is_told(shop):
    shop.allow(100_000)
    told = []
    with shop.guard() as guard:
        calls = property_calls(["19103", "19104", "19106"], DAY, most_records=5)
        guard.pull_many(calls, origin=ORIGIN, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)
    assert all(total == 3 for _, total in told)


def test_a_plan_knows_what_is_cached_and_what_such_pulls_cost(shop):
    shop.allow(100_000)
    shop.buy("19103", "00000")
    calls = property_calls(["19103", "19104", "19106"], DAY, most_records=5)
    with shop.database.as_org(shop.org.org_id) as connection:
        demands = [Demand(calls, like=calls[0])]
        (plan,) = plan_pulls(connection, shop.org.org_id, load_price_book(), demands, budget_day=DAY).lines
    assert (plan.cached, plan.to_call, plan.worst_cents) == (1, 2, 2 * ZIP_CENTS)
    assert plan.expected_cents == Decimal(ZIP_CENTS), "two calls at the mean of 50 and 0"
    assert plan.zips_without_past == ("19104", "19106")
    assert plan.day_left_cents == 100_000 - ZIP_CENTS


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), (None, None), ("soon", None), ("Sat, 21 Nov 2026 17:00:30 GMT", 30.0)],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after_seconds(header, dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)) == seconds
