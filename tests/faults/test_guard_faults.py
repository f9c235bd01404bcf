"""The guard when vendors misbehave and processes die: retried within bounds, counted whatever happens."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time

import httpx
import polars as pl
import pytest
from sqlalchemy import text

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.errors import DatabaseUnavailable, Terminal, Transient
from leadflow_pipelines.providers.configured import configured_sources
from leadflow_pipelines.providers.exchange import exchange
from leadflow_pipelines.providers.guard import STALE_AFTER
from leadflow_pipelines.providers.guard.books import Books
from leadflow_pipelines.providers.retry import RecordedWaits, RetryPolicy
from leadflow_pipelines.providers.sources.attom import property_calls
from tests.shop import DAY, ORIGIN, POLICY, RECORDS_PER_ZIP

ZIP_CENTS = 10 * RECORDS_PER_ZIP


def test_too_many_requests_waits_as_long_as_asked_and_costs_nothing(shop):
    shop.allow(ZIP_CENTS)
    shop.sandbox.arm_fault("attom", "status", status=429, retry_after="7", times=2)
    bought = shop.buy("19103")
    assert not bought.is_partial
    assert bought.provider_calls == 3
    assert [seconds for seconds in shop.waits.seconds if seconds >= 7] == shop.waits.seconds
    assert len(shop.waits.seconds) == 2
    assert shop.outcomes() == ["ok", "transient", "transient"]
    assert sorted(one["state"] for one in shop.reservations()) == ["released", "released", "settled"]
    assert bought.cost_cents == shop.budget().spent_cents == 10 * shop.billed()
    assert [row["attempt"] for row in sorted(shop.ledger(), key=lambda row: row["attempt"])] == [1, 2, 3]


def test_a_longer_wait_than_the_bound_is_not_begun(shop):
    shop.allow(ZIP_CENTS)
    shop.sandbox.arm_fault("attom", "status", status=429, retry_after=str(int(POLICY["total_seconds"]) + 1))
    partial = shop.buy("19103")
    assert [one.reason for one in partial.unmade] == ["transient"]
    assert shop.waits.seconds == []
    assert shop.budget().spent_cents == 0


@pytest.mark.parametrize("kind", ["reset", "cut_off", "truncated_json", "timeout"])
def test_a_lost_answer_counts_in_full_and_is_asked_again(shop, kind):
    shop.allow(2 * ZIP_CENTS)
    shop.sandbox.arm_fault("attom", kind, seconds=5)
    with shop.guard(http_timeout_seconds=0.5) as guard:
        bought = shop.buy("19103", guard=guard)
    assert not bought.is_partial
    assert bought.cost_cents == shop.budget().spent_cents == 2 * ZIP_CENTS == 10 * shop.billed()
    assert shop.outcomes() == ["ok", "unknown"]
    assert sorted(one["state"] for one in shop.reservations()) == ["settled", "unknown"]


def test_lost_answers_use_the_budget_up_and_then_nothing_more_is_sent(shop):
    shop.allow(2 * ZIP_CENTS)
    shop.sandbox.arm_fault("attom", "reset", times=10)
    partial = shop.buy("19103")
    assert [one.reason for one in partial.unmade] == ["budget"]
    assert partial.cost_cents == shop.budget().spent_cents == 2 * ZIP_CENTS == 10 * shop.billed()
    assert shop.sandbox.ledger()["attom"]["calls"] == 2


def test_server_errors_end_after_the_bounded_attempts(shop):
    shop.allow(100_000)
    shop.sandbox.arm_fault("attom", "status", status=500, times=100, zip="19103")
    partial = shop.buy("19103", "19104")
    assert [(one.call.zip, one.reason, one.message) for one in partial.unmade] == [
        ("19103", "transient", "attom: HTTP 500")
    ]
    assert [pull.call.zip for pull in partial.pulls] == ["19104"], "one ZIP's fault does not stop the others"
    assert shop.sandbox.ledger()["attom"]["calls_by_zip"] == {"19103": POLICY["attempts"], "19104": 1}
    assert shop.budget().spent_cents == (POLICY["attempts"] + 1) * ZIP_CENTS, "a 500 may have been billed"


@pytest.mark.parametrize(
    ("status", "remedy"), [(401, "Check LEADFLOW_ATTOM_API_KEY."), (403, "plan does not cover"), (422, "HTTP 422")]
)
def test_a_refusal_is_not_tried_again_and_costs_nothing(shop, status, remedy):
    shop.allow(100_000)
    shop.sandbox.arm_fault("attom", "status", status=status, zip="19103")
    partial = shop.buy("19103", "19104")
    assert [(one.call.zip, one.reason) for one in partial.unmade] == [("19103", "terminal")]
    assert remedy in partial.unmade[0].message
    assert len(partial.pulls) == 1
    assert shop.waits.seconds == []
    assert shop.budget().spent_cents == ZIP_CENTS == 10 * shop.billed()


def test_an_answer_of_the_wrong_shape_was_paid_for_and_is_not_bought_again(shop):
    shop.allow(100_000)
    shop.sandbox.arm_fault("attom", "wrong_shape")
    partial = shop.buy("19103")
    assert [one.reason for one in partial.unmade] == ["terminal"]
    assert shop.budget().spent_cents == ZIP_CENTS == 10 * shop.billed()
    assert shop.outcomes() == ["unknown"]


def test_an_unreachable_vendor_costs_nothing(shop):
    shop.allow(100_000)
    with shop.guard(attom_base_url="http://127.0.0.1:9/v1") as guard:
        partial = shop.buy("19103", guard=guard)
    assert [one.reason for one in partial.unmade] == ["transient"]
    assert "no connection" in partial.unmade[0].message
    assert len(shop.waits.seconds) == POLICY["attempts"] - 1
    assert shop.budget().spent_cents == shop.budget().reserved_cents == 0


class _FullDisk:
    """A lake that cannot be written to."""

    def __init__(self, raw):
        self.raw = raw

    def write_raw(self, *_):
        raise OSError(28, "No space left on device")

    def read_raw(self, paths):
        return self.raw.read_raw(paths)

    def has_raw(self, path):
        return self.raw.has_raw(path)


def test_an_answer_that_cannot_be_stored_is_counted_before_the_error_is_raised(shop):
    shop.allow(100_000)
    with shop.guard(raw=_FullDisk(shop.lake.raw)) as guard, pytest.raises(OSError, match="No space left"):
        shop.buy("19103", guard=guard)
    assert shop.budget().spent_cents == ZIP_CENTS == 10 * shop.billed()
    assert shop.budget().reserved_cents == 0
    assert shop.outcomes() == ["terminal"]


def test_a_file_that_is_gone_is_bought_again_with_a_warning(shop, caplog):
    shop.allow(100_000)
    shop.buy("19103", "19104")
    (gone,) = [path for path in shop.raw_files() if "zip=19103" in str(path)]
    gone.unlink()
    again = shop.buy("19103", "19104")
    assert (again.provider_calls, again.cache_hits) == (1, 1)
    assert [record.path for record in caplog.records if "is gone" in record.message] == [
        str(gone.relative_to(shop.lake.root))
    ]
    assert shop.buy("19103", "19104").cache_hits == 2


DYING = """
import datetime as dt, os, signal, sys
from uuid import UUID
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.lake.raw_pulls import RawPulls
from leadflow_pipelines.providers.guard import purchase
from leadflow_pipelines.providers.guard.books import Books
from leadflow_pipelines.providers.sources.attom import property_calls
from leadflow_pipelines.providers.guard import open_guard
from leadflow_pipelines.settings import load_settings
from leadflow_pipelines.spend.ledger import Origin

moment = sys.argv[3]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if moment == "before_the_call":
    purchase.exchange = die
if moment == "after_the_answer":
    RawPulls.write_raw = die
if moment == "after_the_file":
    Books.end = die
settings = load_settings()
now = dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
guard = open_guard(
    database=Database(settings), org_id=UUID(sys.argv[1]), raw=Lake(sys.argv[2]).raw, settings=settings,
    clock=lambda: now,
)
guard.pull_many(property_calls(["19103"], now.date(), most_records=5), origin=Origin("doomed", "c-doomed"))
"""


@pytest.mark.parametrize(("moment", "billed"), [("before_the_call", 0), ("after_the_answer", 1), ("after_the_file", 1)])
def test_a_process_killed_in_the_middle_leaves_its_money_counted(shop, moment, billed):
    shop.allow(2 * ZIP_CENTS)
    dead = subprocess.run(
        [sys.executable, "-c", DYING, str(shop.org.org_id), shop.lake.root, moment],
        env={**os.environ, **shop.sandbox.environment()},
        check=False,
    )
    assert dead.returncode == -signal.SIGKILL
    assert shop.billed() == billed * RECORDS_PER_ZIP
    assert (shop.budget().spent_cents, shop.budget().reserved_cents) == (0, ZIP_CENTS)

    shop.now += STALE_AFTER - dt.timedelta(seconds=1)
    bought = shop.buy("19103")
    assert (bought.provider_calls, bought.is_partial) == (1, False)
    assert shop.budget().available_cents == 0, "what the dead process reserved still counts"
    assert [pull.items for pull in bought.pulls] == [RECORDS_PER_ZIP]

    shop.now += dt.timedelta(seconds=2)
    shop.buy("19103")
    assert (shop.budget().spent_cents, shop.budget().reserved_cents) == (2 * ZIP_CENTS, 0)
    (row,) = [row for row in shop.ledger() if row["outcome"] == "unknown"]
    assert (row["run_id"], row["correlation_id"], row["cost_cents"]) == ("doomed", "c-doomed", ZIP_CENTS)
    assert sum(row["cost_cents"] for row in shop.ledger()) == shop.budget().spent_cents
    assert bought.read(shop.lake.raw).height == RECORDS_PER_ZIP


def test_a_database_lost_in_the_middle_leaves_its_money_counted(shop, monkeypatch):
    """The settling transaction fails after the answer is stored: the reservation stays until it is given up."""

    def lose(*_):
        raise DatabaseUnavailable("gone")

    shop.allow(2 * ZIP_CENTS)
    monkeypatch.setattr(Books, "end", lose)
    with pytest.raises(DatabaseUnavailable):
        shop.buy("19103")
    monkeypatch.undo()
    assert (shop.budget().spent_cents, shop.budget().reserved_cents) == (0, ZIP_CENTS)
    assert shop.buy("19103").provider_calls == 1
    assert shop.budget().spent_cents + shop.budget().reserved_cents == 10 * shop.billed() == 2 * ZIP_CENTS


def test_whatever_happens_to_a_call_its_lock_is_given_back(shop):
    """Refused by the vendor, refused by the budget, bought: nobody else waits for any of them afterwards."""
    shop.allow(2 * ZIP_CENTS)
    shop.sandbox.arm_fault("attom", "status", status=404)
    zips = ["19103", "19104", "19106", "19107"]
    with shop.guard(concurrency=1) as guard:
        shop.buy(*zips, guard=guard)
    names = [f"{shop.org.org_id}:{call.fingerprint}" for call in property_calls(zips, DAY, most_records=5)]
    other = Database(shop.database.settings)
    with other.anonymous() as connection:
        free = text(
            "select bool_and(pg_try_advisory_xact_lock(hashtextextended(name, 0)))"
            " from unnest(cast(:names as text[])) as names(name)"
        )
        assert connection.execute(free, {"names": names}).scalar_one()
    other.dispose()
    assert set(shop.outcomes()) == {"terminal", "ok", "budget"}


def test_a_late_settlement_changes_nothing_that_was_given_up(shop):
    shop.allow(ZIP_CENTS)
    calls = property_calls(["19103"], DAY, most_records=5)
    with shop.guard() as slow:
        source = configured_sources(shop.settings)["attom"]
        attempt = slow._buyer._reserve(slow._buyer._prepare(source, calls, ORIGIN, 1))
        shop.now += STALE_AFTER + dt.timedelta(seconds=1)
        with shop.guard() as other:
            assert other.pull_many([], origin=ORIGIN).provider_calls == 0
        assert shop.budget().spent_cents == ZIP_CENTS
        slow._buyer._close(attempt, ORIGIN, "transient", 0, answer=None, message="late")
    assert (shop.budget().spent_cents, shop.budget().reserved_cents) == (ZIP_CENTS, 0)


def test_attempts_and_time_are_both_bounded():
    waits = RecordedWaits()
    tries = []

    def fail():
        tries.append(1)
        raise Transient("no", provider="vendor", retry_after_seconds=10)

    with pytest.raises(Transient):
        RetryPolicy(attempts=100, total_seconds=35, sleep=waits).retrying()(fail)
    assert (len(tries), len(waits.seconds)) == (4, 3)
    with pytest.raises(Transient):
        RetryPolicy(attempts=2, total_seconds=1000, sleep=waits).retrying()(fail)
    assert len(tries) == 6


def test_waits_grow_and_are_jittered():
    def waits_of():
        waits = RecordedWaits()

        def fail():
            raise Transient("no", provider="vendor")

        with pytest.raises(Transient):
            RetryPolicy(attempts=8, total_seconds=1000, first_wait_seconds=1, sleep=waits).retrying()(fail)
        return waits.seconds

    seconds = [waits_of() for _ in range(30)]
    assert len({tuple(one) for one in seconds}) == 30
    assert all(one <= 2**number for waits in seconds for number, one in enumerate(waits))
    assert max(waits[-1] for waits in seconds) > max(waits[0] for waits in seconds)


def test_only_transient_faults_are_tried_again():
    tries = []

    def fail():
        tries.append(1)
        raise Terminal("no", provider="vendor")

    with pytest.raises(Terminal):
        RetryPolicy(sleep=RecordedWaits()).retrying()(fail)
    assert len(tries) == 1


def test_a_dripping_answer_ends_with_the_attempts_time():
    dripped = []

    def drip():
        for number in range(1000):
            time.sleep(0.02)
            dripped.append(number)
            yield b"x"

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=drip()))
    with httpx.Client(transport=transport) as client, pytest.raises(Transient, match="did not end in time"):
        exchange(client, httpx.Request("GET", "http://127.0.0.1/"), provider="vendor", seconds=0.2)
    assert len(dripped) <= 0.2 / 0.02 + 1


def test_two_workers_never_leave_unfinished_files(shop):
    shop.allow(100_000)
    shop.buy("19103", "19104", "19106")
    assert [path.suffix for path in shop.raw_files()] == [".parquet"] * 3
    assert all(pl.read_parquet(path).height == RECORDS_PER_ZIP for path in shop.raw_files())
