"""Calls by hand: whom a caller gets and in which order, that nobody else gets them, and what comes of each call."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.members import add_member
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.by_hand.call_results import CallRecorded, record_call
from leadflow_pipelines.outreach.by_hand.call_sheets import CallSheet, call_sheet
from leadflow_pipelines.outreach.by_hand.take import claim_these
from leadflow_pipelines.outreach.dispatch.claim import settle_unsent
from leadflow_pipelines.outreach.replies.quiet import wait_until_quiet
from leadflow_pipelines.settings import Settings
from tests.by_hand_people import NOON, SCRIPT, fates, phones, run

TEXAS, OHIO, OREGON = "+15125550101", "+16145550101", "+15035550101"
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
WEEKDAYS = (NOON, NOON + 3 * DAY, NOON + 4 * DAY + HOUR)
"""Friday, Monday and Tuesday."""


class Desk:
    """An org whose members call by hand."""

    def __init__(self, database: Database, org: Org, settings: Settings) -> None:
        self.database, self.org, self.settings = database, org, settings
        self.keys = load_hash_keys(settings)

    def campaign(self, *numbers: str, **options: Any) -> str:
        with self.database.as_org(self.org.org_id) as connection:
            asked = {"channel": "voice", "body": SCRIPT, **options}
            return run(connection, self.org, phones(*numbers), self.keys, **asked)

    def sheet(self, name: str, *, at: dt.datetime = NOON, caller: str = "ada", **options: Any) -> CallSheet:
        return call_sheet(
            self.database, self.org, name, caller=caller, settings=self.settings, clock=lambda: at, **options
        )

    def report(self, call: Any, outcome: str, *, at: dt.datetime = NOON, note: str | None = None) -> CallRecorded:
        with self.database.as_org(self.org.org_id) as connection:
            return record_call(
                connection, self.org, getattr(call, "message_id", call), outcome, note=note, actor="ada", now=at,
                keys=self.keys,
            )  # fmt: skip

    def fate(self, number: str) -> tuple[str, str | None]:
        return fates(self.database, self.org)[f"c{number}"]


@pytest.fixture
def desk(database: Database, org: Org, settings: Settings) -> Desk:
    return Desk(database, org, settings)


def numbers(sheet: CallSheet) -> list[str]:
    return [call.phone for call in sheet.calls]


def test_whose_window_closes_first_is_called_first(desk: Desk) -> None:
    name = desk.campaign(OREGON, TEXAS, OHIO)
    sheet = desk.sheet(name, most=2)
    assert numbers(sheet) == [OHIO, TEXAS]
    first = sheet.calls[0]
    assert first.script == "Hello Pat, this is Example Homes about 1 Example St. You reach us at +15125550199."
    assert [one.strftime("%H:%M %Z") for one in first.local_times] == ["13:00 EST"]
    assert first.window_ends_at == dt.datetime(2026, 11, 20, 23, tzinfo=dt.UTC)
    assert first.call_before == NOON + HOUR
    assert numbers(desk.sheet(name, most=3)) == [OHIO, TEXAS, OREGON]
    with desk.database.as_org(desk.org.org_id) as connection:
        assert verify_chain(connection, desk.org.org_id).fault is None


def test_who_may_not_be_called_yet_is_told_without_the_number(desk: Desk) -> None:
    name = desk.campaign(OREGON, OHIO)
    sheet = desk.sheet(name, at=NOON - 2 * HOUR)  # 08:00 in Oregon
    assert numbers(sheet) == [OHIO]
    (later,) = sheet.later
    assert later.opens_at == dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)
    assert OREGON not in repr(later)
    assert numbers(desk.sheet(name, at=NOON)) == [OREGON]


def test_two_callers_never_get_the_same_person(desk: Desk) -> None:
    name = desk.campaign(*(f"+1512555{number:04d}" for number in range(100, 130)))
    with ThreadPoolExecutor(4) as pool:
        sheets = list(pool.map(lambda caller: desk.sheet(name, caller=caller, most=10), "abcd"))
    got = [number for sheet in sheets for number in numbers(sheet)]
    assert len(got) == len(set(got)) == 30
    assert max(len(sheet.calls) for sheet in sheets) == 10
    assert numbers(desk.sheet(name, caller="a", most=10)) == numbers(sheets[0])


def test_what_is_claimed_or_being_called_is_claimed_by_nobody_else(desk: Desk) -> None:
    (call,) = desk.sheet(desk.campaign(TEXAS)).calls
    with desk.database.as_org(desk.org.org_id) as connection:
        assert claim_these(connection, desk.org.org_id, [call.message_id], by="caller:bob", now=NOON) == {}


def test_whoever_is_suppressed_is_on_no_sheet_and_leaves_the_one_they_are_on(desk: Desk) -> None:
    name = desk.campaign(TEXAS, OHIO)
    with desk.database.as_org(desk.org.org_id) as connection:
        wish = Suppression("phone", TEXAS, "operator", "asked", "test")
        suppress(connection, desk.org.org_id, [wish], desk.keys, now=NOON)
    assert numbers(desk.sheet(name)) == [OHIO]
    with desk.database.as_org(desk.org.org_id) as connection:
        wish = Suppression("phone", OHIO, "stop", "STOP", "test")
        suppress(connection, desk.org.org_id, [wish], desk.keys, now=NOON)
    assert numbers(desk.sheet(name)) == []


def test_a_call_that_nobody_reports_is_unknown_and_not_made_again(desk: Desk) -> None:
    name = desk.campaign(TEXAS)
    (call,) = desk.sheet(name, hold=HOUR).calls
    assert numbers(desk.sheet(name, at=NOON + 2 * HOUR, caller="bob")) == []
    assert desk.fate(TEXAS) == ("unknown", "dispatcher_lost")
    assert desk.report(call, "reached", at=NOON + 3 * HOUR).state == "delivered"


def test_a_held_call_does_not_keep_a_stop_waiting(desk: Desk) -> None:
    desk.sheet(desk.campaign(TEXAS))
    with desk.database.as_org(desk.org.org_id) as connection:
        hashes: list[str] = list(connection.execute(select(tables.messages.c.contact_hash)).scalars())
    assert wait_until_quiet(desk.database, desk.org, hashes, now=NOON, until=0.0)


def test_nobody_answers_a_day_later_again_and_at_last_given_up(desk: Desk) -> None:
    name = desk.campaign(TEXAS, most_per_7d=3)
    for at, outcome, state in zip(
        WEEKDAYS, ("busy", "no_answer", "no_answer"), ("queued", "queued", "failed"), strict=True
    ):
        (call,) = desk.sheet(name, at=at).calls
        assert desk.report(call, outcome, at=at).state == state
        assert numbers(desk.sheet(name, at=at + HOUR)) == []
    assert desk.fate(TEXAS) == ("failed", "no_answer")


def test_calls_made_again_count_towards_the_cap(desk: Desk) -> None:
    name = desk.campaign(TEXAS, most_per_7d=2)
    for at in WEEKDAYS[:2]:
        (call,) = desk.sheet(name, at=at).calls
        desk.report(call, "no_answer", at=at)
    assert numbers(desk.sheet(name, at=WEEKDAYS[2])) == []
    assert desk.fate(TEXAS)[0] == "queued"


@pytest.mark.parametrize(
    ("outcome", "state", "stopped", "origin"),
    [
        ("do_not_call", "delivered", "revocation", "revocation"),
        ("wrong_number", "failed", "wrong_number", "wrong_number"),
        ("interested", "delivered", "replied", None),
        ("appointment", "delivered", "replied", None),
        ("not_interested", "delivered", "not_interested", None),
        ("disconnected", "failed", "unreachable:disconnected", None),
        ("voicemail", "delivered", None, None),
        ("reached", "delivered", None, None),
    ],
)
def test_what_a_person_says_is_carried_out(
    desk: Desk, outcome: str, state: str, stopped: str | None, origin: str | None
) -> None:
    name = desk.campaign(TEXAS)
    other = desk.campaign(TEXAS)
    (call,) = desk.sheet(name).calls
    desk.sheet(other)  # queued there, and kept back by the cap
    told = desk.report(call, outcome, note="asked for Pat")
    assert (told.state, told.is_suppressed) == (state, origin is not None)
    assert told.cancelled == (stopped is not None and outcome != "disconnected")
    audience, known, results = (
        tables.campaign_audience.c, tables.suppressions.c, tables.call_results.c,
    )  # fmt: skip
    with desk.database.as_org(desk.org.org_id) as connection:
        noted = connection.execute(
            select(audience.stopped_because)
            .join(tables.campaigns, tables.campaigns.c.campaign_id == audience.campaign_id)
            .where(tables.campaigns.c.name == name)
        )
        assert [row.stopped_because for row in noted] == [stopped]
        found = connection.execute(select(known.contact_value, known.origin)).all()
        assert [tuple(row) for row in found] == ([(TEXAS, origin)] if origin else [])
        (result,) = connection.execute(select(results.outcome, results.note, results.called_by)).all()
        assert tuple(result) == (outcome, "asked for Pat", "ada")
        assert verify_chain(connection, desk.org.org_id).fault is None
    if outcome in ("do_not_call", "wrong_number"):
        assert numbers(desk.sheet(other, at=NOON + 3 * DAY)) == []
    with pytest.raises(InvalidInput, match="its result is known"):
        desk.report(call, "reached")


def test_what_is_no_result_is_refused(desk: Desk) -> None:
    name = desk.campaign(TEXAS)
    (call,) = desk.sheet(name).calls
    with pytest.raises(InvalidInput, match="No call ends"):
        desk.report(call, "fine")
    with pytest.raises(InvalidInput, match="There is no call"):
        desk.report(uuid4(), "reached")
    with pytest.raises(InvalidInput, match="characters"):
        desk.report(call, "reached", note="x" * 3000)
    with desk.database.as_org(desk.org.org_id) as connection:
        add_member(connection, desk.org.org_id, "bob", actor="bob", now=NOON)
    with pytest.raises(InvalidInput, match="no member"):
        desk.report(call, "reached")
    with pytest.raises(InvalidInput, match="no member"):
        desk.sheet(name)


def test_an_org_that_cannot_be_called_back_calls_nobody(desk: Desk) -> None:
    name = desk.campaign(TEXAS, callback_e164=None)
    with pytest.raises(InvalidInput, match="no number"):
        desk.sheet(name)


def test_a_dead_caller_is_swept_by_whoever_settles(desk: Desk) -> None:
    desk.sheet(desk.campaign(TEXAS))
    with desk.database.as_org(desk.org.org_id) as connection:
        connection.execute(update(tables.messages).values(claimed_until=NOON - HOUR))
        settle_unsent(connection, desk.org.org_id, now=NOON)
    assert desk.fate(TEXAS)[0] == "unknown"
