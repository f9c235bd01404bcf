"""A vendor that is down, throttles or is nearly paid out: nobody runs against the wall, and the result says so."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from leadflow_pipelines.providers.guard import AHEAD, CONCURRENCY, purchase
from leadflow_pipelines.providers.guard.breaker import FIRST_PAUSE, THRESHOLD, read_breakers
from leadflow_pipelines.providers.guard.rate_limit import Rate
from leadflow_pipelines.providers.sources.attom import property_calls
from leadflow_pipelines.providers.sources.batchdata import skip_trace_calls
from leadflow_pipelines.spend import budget
from tests.shop import DAY, ORIGIN, RECORDS_PER_ZIP

ZIP_CENTS = 10 * RECORDS_PER_ZIP
ZIPS = [f"191{number:02d}" for number in (1, 2, 3, 4, 6, 7, 11, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27)]


def trace(person="1"):
    rows = {"request_id": [person], "zip": "19103", "street": f"{person} MAPLE ST", "city": "PHILADELPHIA",
            "state": "PA", "zip5": "19103"}  # fmt: skip
    return skip_trace_calls(pl.DataFrame(rows), DAY)


def test_a_vendor_that_is_down_is_soon_left_alone_and_others_go_on(shop):
    shop.allow(100_000)
    shop.allow(100_000, provider="batchdata")
    shop.sandbox.arm_fault("attom", "status", status=503, share=1.0)
    with shop.guard() as guard:
        partial = guard.pull_many([*property_calls(ZIPS, DAY, most_records=5), *trace()], origin=ORIGIN)
    at_once = CONCURRENCY + AHEAD
    assert THRESHOLD <= shop.sandbox.ledger()["attom"]["calls"] < THRESHOLD + at_once
    assert len(partial.unmade) == len(ZIPS)
    assert {one.reason for one in partial.unmade} <= {"provider_down", "transient"}
    assert sum(one.reason == "provider_down" for one in partial.unmade) >= len(ZIPS) - at_once
    assert [pull.call.provider for pull in partial.pulls] == ["batchdata"]
    with shop.guard() as another:
        refused = another.pull_many(property_calls(ZIPS[:1], DAY, most_records=5), origin=ORIGIN)
    assert [(one.reason, refused.provider_calls) for one in refused.unmade] == [("provider_down", 0)]
    assert "is not asked until" in refused.unmade[0].message


def test_after_the_pause_one_probe_closes_the_breaker_and_the_rest_is_bought(shop):
    shop.allow(100_000)
    shop.sandbox.arm_fault("attom", "status", status=503, share=1.0)
    shop.buy(*ZIPS)
    shop.sandbox.disarm_faults()
    shop.sandbox.clear_ledger()
    shop.now += FIRST_PAUSE
    assert not shop.buy(*ZIPS[:3]).is_partial
    assert not shop.buy(*ZIPS).is_partial
    assert shop.sandbox.ledger()["attom"]["calls_by_zip"] == dict.fromkeys(ZIPS, 1)
    with shop.database.anonymous() as connection:
        host = shop.sandbox.url.removeprefix("http://")
        assert [one["state"] for one in read_breakers(connection) if one["host"] == host] == ["closed"]


def test_a_vendor_that_throttles_is_not_down(shop):
    shop.allow(100_000)
    shop.sandbox.arm_fault("attom", "status", status=429, retry_after="1", times=2 * THRESHOLD)
    shop.buy(*ZIPS[:8])
    assert not shop.buy(*ZIPS).is_partial


def test_no_call_starts_before_its_slot(shop):
    shop.allow(100_000)
    with shop.guard(concurrency=1) as guard:
        guard._buyer._rates = {"attom": Rate(per_second=0.01, burst=2)}
        assert not shop.buy(*ZIPS[:4], guard=guard).is_partial
    assert shop.waits.seconds == pytest.approx([100, 200], abs=20)


def test_every_attempt_at_a_paid_post_bears_one_key_of_its_own_purchase(shop, monkeypatch):
    shop.allow(100_000, provider="batchdata")
    seen = []
    real = purchase.exchange

    def watched(client, request, **options):
        seen.append(request.headers.get("idempotency-key"))
        return real(client, request, **options)

    monkeypatch.setattr(purchase, "exchange", watched)
    shop.sandbox.arm_fault("batchdata", "reset")
    with shop.guard() as guard:
        assert guard.pull_many(trace("1"), origin=ORIGIN).provider_calls == 2
        guard.pull_many(trace("2"), origin=ORIGIN)
    assert seen[0] is not None
    assert seen[0] == seen[1] != seen[2]


def test_the_months_and_the_runs_limits_end_a_pull_like_the_days(shop):
    shop.allow(100_000)
    with shop.database.as_org(shop.org.org_id) as connection:
        budget.open_run(connection, shop.org.org_id, ORIGIN.run_id, Decimal(3 * ZIP_CENTS), shop.now)
    capped = shop.buy(*ZIPS[:5])
    assert (len(capped.pulls), {one.reason for one in capped.unmade}) == (3, {"budget"})
    assert "this run may spend" in capped.unmade[0].message
    with shop.database.as_org(shop.org.org_id) as connection:
        budget.set_limit(
            connection, shop.org.org_id, provider="attom", limit_cents=Decimal(4 * ZIP_CENTS), set_by="test",
            now=shop.now, period="month",
        )  # fmt: skip
    with shop.guard() as guard:
        calls = property_calls(ZIPS[:6], DAY, most_records=RECORDS_PER_ZIP)
        monthly = guard.pull_many(calls, origin=type(ORIGIN)(run_id="run-2"))
    assert (monthly.provider_calls, len(monthly.pulls)) == (1, 4)
    assert "in November 2026" in monthly.unmade[0].message


def test_a_nearly_used_budget_is_told(shop, caplog):
    shop.allow(5 * ZIP_CENTS)
    shop.buy(*ZIPS[:5], guard=None)
    told = [record.message for record in caplog.records if "nearly used" in record.message]
    assert told == [f"a budget is nearly used: attom used 200 of the 250 cents allowed on {dt.date(2026, 11, 21)}"]
