"""Dispatch against the simulated Twilio over HTTP: who gets a text, when, and who does not."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import polars as pl
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from leadflow_pipelines.clearance.holds import lift_hold, place_hold
from leadflow_pipelines.clearance.profile import Sender
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.outreach.campaigns import campaigns
from leadflow_pipelines.outreach.dispatch import dispatcher as dispatcher_module
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings
from tests.outreach_people import (
    BRAND,
    FRIDAY_NOON,
    NUMBER,
    Texting,
    agree,
    introduce,
    people,
    texting,
)

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    yield from texting(database, settings, twilio)


def phones(frame: pl.DataFrame) -> list[str]:
    return frame["phone_e164"].to_list()


def change_profile(shop: Texting, sender: Sender | None = None, **profile: Any) -> None:
    with shop.database.as_org(shop.org.org_id) as connection:
        introduce(connection, shop.org, sender=sender, **profile)


def test_whoever_agreed_gets_one_text_and_every_act_is_proven(shop: Texting) -> None:
    frame = people(20, "TX")
    shop.campaign(frame)
    shop.campaign(people(1, "TX", first=50), agreed=False)
    tally = shop.round()
    assert Counter(shop.texted()) == Counter(phones(frame))
    assert (tally.answers["Sent"], tally.blocked) == (20, 1)
    assert shop.round().claimed == 0
    assert shop.fates() == {("accepted", None): 20, ("blocked", "no_consent"): 1}
    with shop.database.as_org(shop.org.org_id) as connection:
        assert verify_chain(connection, shop.org.org_id).fault is None
        kinds = connection.execute(select(tables.proof_entries.c.kind)).scalars()
        told = Counter(kinds)
    assert (told["send_decision"], told["message"]) == (21, 20)


def test_a_text_may_not_arrive_after_its_window(shop: Texting) -> None:
    """Texas closes at 18:00 Central, that is midnight UTC; half a minute is kept clear."""
    shop.now = FRIDAY_NOON + 5 * HOUR + dt.timedelta(minutes=30)
    shop.campaign(people(2, "TX"))
    shop.round()
    assert [one["validity"] for one in shop.log()["messages"]] == [1770, 1770]


def test_what_could_not_arrive_in_time_waits_for_the_next_window(shop: Texting) -> None:
    shop.now = FRIDAY_NOON + 6 * HOUR - dt.timedelta(seconds=80)
    shop.campaign(people(1, "TX"))
    assert shop.round().postponed == 1
    shop.now += dt.timedelta(seconds=141)
    assert shop.round().postponed == 1
    (row,) = shop.messages()
    assert (row["state"], row["due_at"]) == ("queued", dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC))
    assert shop.texted() == []


def test_outside_its_window_a_message_waits_until_it_opens(shop: Texting) -> None:
    shop.now = FRIDAY_NOON - 6 * HOUR
    shop.campaign(people(3, "CA"))
    assert shop.round().postponed == 3
    assert {(row["state"], row["due_at"]) for row in shop.messages()} == {("queued", FRIDAY_NOON)}
    shop.now = FRIDAY_NOON - dt.timedelta(seconds=1)
    assert shop.round().claimed == 0
    shop.now = FRIDAY_NOON
    assert shop.round().answers["Sent"] == 3


def test_a_hold_stops_what_is_queued_and_lifting_it_lets_it_go(shop: Texting) -> None:
    shop.campaign(people(2, "TX"))
    shop.campaign(people(2, "CA"))
    with shop.database.as_org(shop.org.org_id) as connection:
        hold = place_hold(
            connection, shop.org.org_id, state="TX", channels=["sms"], reason="storm", actor="ada", now=shop.now
        )
    tally = shop.round()
    assert (tally.answers["Sent"], tally.postponed) == (2, 2)
    with shop.database.as_org(shop.org.org_id) as connection:
        lift_hold(connection, shop.org.org_id, hold.hold_id, actor="ada", now=shop.now)
    shop.now += HOUR
    assert shop.round().answers["Sent"] == 2


def test_a_person_in_two_campaigns_gets_one_text_a_day_from_two_dispatchers_at_once(shop: Texting) -> None:
    frame = people(40, "TX")
    shop.campaign(frame)
    shop.campaign(frame)
    both = [shop.dispatcher(batch=10) for _ in range(2)]

    def work(one: Any) -> None:
        for _ in range(8):
            one.round()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, both))
    assert Counter(shop.texted()) == Counter(phones(frame))
    waiting = [row for row in shop.messages() if row["state"] == "queued"]
    assert {row["due_at"] for row in waiting} == {shop.now + dt.timedelta(hours=24)}
    assert len(waiting) == 40


def test_what_became_unknown_counts_towards_the_cap(shop: Texting, twilio: SandboxProcess) -> None:
    shop.campaign(people(1, "TX"))
    twilio.arm_fault("twilio", "error_after")
    shop.round()
    shop.campaign(people(1, "TX"))
    shop.now += HOUR
    assert shop.round().postponed == 1
    assert len(shop.texted()) == 1


def test_the_brands_day_ends_at_midnight_pacific_and_only_what_was_sent_counts(shop: Texting) -> None:
    change_profile(shop, brand_daily_limit=5)
    shop.now = FRIDAY_NOON - HOUR
    shop.campaign(people(8, "CA"))
    assert shop.round().postponed == 5
    assert shop.round().postponed == 3
    shop.now = FRIDAY_NOON
    assert shop.round().answers["Sent"] == 5
    assert shop.round().claimed == 0
    shop.now = dt.datetime(2026, 11, 23, 18, tzinfo=dt.UTC)
    assert shop.round().answers["Sent"] == 3


def test_a_sender_sends_no_faster_than_it_may(shop: Texting) -> None:
    change_profile(shop, Sender(NUMBER, BRAND, "campaign-1", per_second=10))
    shop.campaign(people(25, "TX"))
    assert [shop.round().answers["Sent"] for _ in range(2)] == [10, 0]
    shop.now += dt.timedelta(seconds=0.5)
    assert shop.round().answers["Sent"] == 5
    shop.now += dt.timedelta(seconds=60)
    assert [shop.round().answers["Sent"] for _ in range(2)] == [10, 0]


def test_the_org_sends_no_faster_than_it_says(shop: Texting) -> None:
    change_profile(shop, messages_per_second=4)
    shop.campaign(people(10, "TX"))
    assert [shop.round().answers["Sent"] for _ in range(2)] == [4, 0]


def test_what_a_campaign_did_not_send_in_its_time_expires(shop: Texting) -> None:
    shop.now = FRIDAY_NOON - 6 * HOUR
    shop.campaign(people(3, "CA"), ends_at=FRIDAY_NOON)
    assert shop.round().blocked == 3
    assert shop.fates() == {("blocked", "expired"): 3}


def test_what_still_waits_when_its_campaign_ends_expires(shop: Texting) -> None:
    shop.campaign(people(3, "TX"), ends_at=FRIDAY_NOON + HOUR)
    change_profile(shop, brand_daily_limit=1)
    assert shop.round().answers["Sent"] == 1
    shop.now += HOUR
    assert shop.round().claimed == 0
    assert shop.fates()["blocked", "expired"] == 2


def test_an_answer_stops_the_next_step_even_when_it_is_queued(shop: Texting) -> None:
    frame = people(2, "TX")
    shop.campaign(frame)
    one = shop.dispatcher(batch=1)
    one.round()
    table = tables.campaign_audience
    with shop.database.as_org(shop.org.org_id) as connection:
        connection.execute(update(table).values(stopped_because="replied"))
    shop.round()
    assert len(shop.texted()) == 1
    assert shop.fates()["cancelled", "stopped"] == 1


def test_who_was_suppressed_after_the_claim_gets_nothing(shop: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = people(5, "TX")
    shop.campaign(frame)
    real = dispatcher_module.lock_people

    def stop_meanwhile(connection: Any, hashes: Any) -> None:
        monkeypatch.setattr(dispatcher_module, "lock_people", real)
        wish = Suppression("phone", phones(frame)[2], "stop", "STOP", "a reply")
        with shop.database.as_org(shop.org.org_id) as other:
            suppress(other, shop.org.org_id, [wish], shop.keys, now=shop.now)
        real(connection, hashes)

    monkeypatch.setattr(dispatcher_module, "lock_people", stop_meanwhile)
    tally = shop.round()
    assert (tally.claimed, tally.blocked) == (5, 1)
    assert phones(frame)[2] not in shop.texted()


def test_pausing_after_the_claim_gives_it_back(shop: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    name = shop.campaign(people(5, "TX"))
    real = dispatcher_module.lock_people

    def pause_meanwhile(connection: Any, hashes: Any) -> None:
        with shop.database.as_org(shop.org.org_id) as other:
            campaigns.pause(other, shop.org.org_id, name, actor="ada", now=shop.now, reason="a typo")
        real(connection, hashes)

    monkeypatch.setattr(dispatcher_module, "lock_people", pause_meanwhile)
    shop.round()
    assert shop.texted() == []
    assert {(row["state"], row["claimed_by"]) for row in shop.messages()} == {("queued", None)}


def test_a_stop_gives_claims_back_and_finishes_what_is_under_way(
    shop: Texting, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.campaign(people(30, "TX"))
    stop, real = Event(), dispatcher_module.lock_people
    batches: list[int] = []

    def stop_at_the_second(connection: Any, hashes: Any) -> None:
        batches.append(len(hashes))
        if len(batches) == 2:
            stop.set()
        real(connection, hashes)

    monkeypatch.setattr(dispatcher_module, "lock_people", stop_at_the_second)
    total = shop.dispatcher(batch=10).run(stop)
    assert total.answers["Sent"] == len(shop.texted()) == 10
    assert Counter(row["state"] for row in shop.messages()) == {"accepted": 10, "queued": 20}


def test_a_batch_is_as_large_as_lands_in_time(shop: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a dispatcher that dies leaves few messages unknown, also where everything is slow."""
    shop.campaign(people(90, "TX"))
    batches: list[int] = []
    real = dispatcher_module.lock_people

    def note(connection: Any, hashes: Any) -> None:
        batches.append(len(hashes))
        real(connection, hashes)

    monkeypatch.setattr(dispatcher_module, "lock_people", note)

    def run(pace: float) -> list[int]:
        batches.clear()
        monkeypatch.setattr(dispatcher_module, "LANDS_WITHIN_SECONDS", pace)
        stop = Event()
        shop.dispatcher(concurrency=4).run(
            stop, poll_seconds=0, on_round=lambda _: stop.set() if sum(batches) >= 40 else None
        )
        return batches[:]

    slow = run(0.0)
    assert slow[:4] == [8] * 4
    quick = run(1e6)
    assert quick[0] == 8
    assert max(quick) >= 16


def test_a_person_is_in_the_outbox_once_a_step(shop: Texting) -> None:
    shop.campaign(people(1, "TX"))
    shop.round()
    (row,) = shop.messages()
    again = {**row, "message_id": uuid.uuid4(), "contact_point_id": "another"}
    with pytest.raises(IntegrityError, match="once_a_step"), shop.database.as_org(shop.org.org_id) as connection:
        connection.execute(insert(tables.messages).values(**again))


def test_a_text_with_a_gap_is_not_sent(shop: Texting) -> None:
    frame = people(2, "TX").with_columns(
        first_name=pl.when(pl.col("contact_point_id") == "c1").then(pl.lit("Pat")).otherwise(None)
    )
    shop.campaign(frame, body="Hi {first_name}, {sender_name} here. {opt_out}")
    shop.round()
    assert shop.fates() == {("blocked", "missing_field:first_name"): 1, ("accepted", None): 1}
    (one,) = shop.log()["messages"]
    assert one["body"] == "Hi Pat, Example Homes here. Reply STOP to opt out."


STALE = pl.lit(FRIDAY_NOON - dt.timedelta(days=32), pl.Datetime("us", "UTC"))


@pytest.mark.parametrize(
    ("changed", "consent", "reason"),
    [
        ({"fetched_at": STALE}, {}, "dnc_stale"),
        ({"is_on_dnc": pl.lit(None, pl.Boolean)}, {}, "dnc_unknown"),
        ({"is_litigator": pl.lit(value=True)}, {}, "litigator"),
        ({"line_type": pl.lit("landline")}, {}, "not_mobile"),
        ({}, {"given_to": "Other Homes"}, "no_consent,consent_other_org"),
        ({}, {"purpose": "newsletter"}, "no_consent,consent_other_purpose"),
        ({}, {"captured_at": FRIDAY_NOON - dt.timedelta(days=60)}, "reassigned_unknown"),
        ({}, {"expires_at": FRIDAY_NOON - HOUR}, "no_consent,consent_expired"),
    ],
)
def test_what_is_not_known_or_not_agreed_is_not_sent(
    shop: Texting, changed: dict[str, pl.Expr], consent: dict[str, Any], reason: str
) -> None:
    frame = people(1, "TX").with_columns(**changed)
    with shop.database.as_org(shop.org.org_id) as connection:
        given_at = consent.pop("captured_at", shop.now - dt.timedelta(days=5))
        agree(connection, phones(frame), shop.keys, given_at, **consent)
    shop.campaign(frame, agreed=False)
    shop.round()
    assert shop.texted() == []
    assert [(row["state"], row["error_code"]) for row in shop.messages()] == [("blocked", reason)]


def test_nothing_is_texted_from_a_sender_that_is_switched_off(shop: Texting) -> None:
    change_profile(shop, Sender(NUMBER, BRAND, "campaign-1", is_active=False))
    shop.campaign(people(1, "TX"))
    assert shop.round().claimed == 0
    assert shop.fates() == {("queued", None): 1}
