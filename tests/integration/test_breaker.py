"""A provider that fails often in a row is left alone by everyone, and asked again by one."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from leadflow_pipelines.database.tables import provider_breaker_changes
from leadflow_pipelines.errors import ProviderDown
from leadflow_pipelines.providers.guard import breaker
from leadflow_pipelines.providers.guard.breaker import CLEAN, FIRST_PAUSE, LONGEST_PAUSE, PROBE_LEASE, THRESHOLD

NOW = dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


class Caller:
    """One provider's breaker, as any process meets it."""

    def __init__(self, database):
        self.database = database
        self.line = breaker.Line("vendor", f"{uuid.uuid4().hex[:8]}.example")

    def enter(self, now=NOW):
        with self.database.anonymous() as connection:
            return breaker.enter(connection, self.line, now)

    def fail(self, now=NOW, passed=CLEAN, times=1):
        for _ in range(times):
            with self.database.anonymous() as connection:
                breaker.note_failure(connection, self.line, "HTTP 503", now, passed)

    def succeed(self, now=NOW):
        with self.database.anonymous() as connection:
            breaker.note_success(connection, self.line, now)

    def changes(self):
        told = provider_breaker_changes.c
        with self.database.anonymous() as connection:
            rows = connection.execute(
                select(told.state, told.reason).where(told.host == self.line.host).order_by(told.change_id)
            )
            return [tuple(row) for row in rows]


@pytest.fixture
def line(database):
    return Caller(database)


def test_failures_in_a_row_open_it_once_for_all(line):
    assert line.enter() == CLEAN
    with ThreadPoolExecutor(8) as processes:
        list(processes.map(lambda _: line.fail(), range(3 * THRESHOLD)))
    with pytest.raises(ProviderDown, match=r"failed 30 times in a row and is not asked until 17:00:30 UTC"):
        line.enter()
    assert line.changes() == [("open", "HTTP 503")]


def test_a_success_between_failures_starts_the_count_again(line):
    line.fail(times=THRESHOLD - 1)
    passed = line.enter()
    assert not passed.is_clean
    line.succeed()
    line.fail(times=THRESHOLD - 1)
    assert not line.enter().is_probe
    assert line.changes() == []


def test_after_the_pause_one_probe_asks_and_its_success_closes(line):
    line.fail(times=THRESHOLD)
    with pytest.raises(ProviderDown):
        line.enter(NOW + FIRST_PAUSE - SECOND)

    def probe(_):
        try:
            return line.enter(NOW + FIRST_PAUSE)
        except ProviderDown as refused:
            return refused

    with ThreadPoolExecutor(8) as processes:
        told = list(processes.map(probe, range(16)))
    assert [one.is_probe for one in told if isinstance(one, breaker.Passed)] == [True]
    assert all(one.is_probing for one in told if isinstance(one, ProviderDown)), "the others may wait for the probe"
    line.succeed(NOW + FIRST_PAUSE)
    assert line.enter(NOW + FIRST_PAUSE) == CLEAN
    assert [state for state, _ in line.changes()] == ["open", "half_open", "closed"]


def test_a_failed_probe_doubles_the_pause_up_to_a_bound(line):
    line.fail(times=THRESHOLD)
    now, pause = NOW, FIRST_PAUSE
    for _ in range(8):
        now += pause
        line.fail(now, line.enter(now))
        pause = min(2 * pause, LONGEST_PAUSE)
        with pytest.raises(ProviderDown):
            line.enter(now + pause - SECOND)
    assert pause == LONGEST_PAUSE
    assert line.enter(now + pause).is_probe


def test_a_lost_probe_is_replaced(line):
    line.fail(times=THRESHOLD)
    began = NOW + FIRST_PAUSE
    assert line.enter(began).is_probe
    with pytest.raises(ProviderDown, match="while one probe asks"):
        line.enter(began + PROBE_LEASE - SECOND)
    assert line.enter(began + PROBE_LEASE).is_probe


def test_a_failure_under_way_while_it_opened_opens_it_no_second_time(line):
    line.fail(times=THRESHOLD)
    line.fail(NOW + 5 * SECOND)
    assert [state for state, _ in line.changes()] == ["open"]
    assert line.enter(NOW + FIRST_PAUSE).is_probe
