"""What becomes of a text that was dispatched: refused, lost, told of late or twice, asked about, given up."""

import datetime as dt
import logging
import uuid
from collections import Counter
from collections.abc import Iterator
from threading import Event
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select, update

from leadflow_pipelines.clearance.suppressions import list_suppressions
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.outreach.campaigns import campaigns
from leadflow_pipelines.outreach.dispatch.claim import LEASE, claim
from leadflow_pipelines.outreach.dispatch.fates import record_status
from leadflow_pipelines.outreach.dispatch.reconcile import GIVES_UP, SETTLES, SILENT, reconcile
from leadflow_pipelines.outreach.messengers.messenger import Outgoing, Refused, Sent, Status
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings
from tests.outreach_people import (
    HTTP,
    NUMBER,
    Texting,
    campaign_id_of,
    people,
    texting,
)


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    yield from texting(database, settings, twilio)


def phones(frame: pl.DataFrame) -> list[str]:
    return frame["phone_e164"].to_list()


def reconciled(shop: Texting, later: dt.timedelta) -> Any:
    messengers = shop.dispatcher()._messengers
    return reconcile(shop.sending, shop.org, messengers, shop.settings, now=shop.now + later)


def test_a_throttled_text_goes_later_and_is_no_attempt(shop: Texting, twilio: SandboxProcess) -> None:
    shop.campaign(people(1, "TX"))
    twilio.arm_fault("twilio", "too_many", retry_after="40")
    assert shop.round().answers["NotProcessed"] == 1
    (row,) = shop.messages()
    assert (row["state"], row["attempted_at"], row["body"]) == ("queued", None, None)
    assert row["due_at"] == shop.now + dt.timedelta(seconds=40)
    assert shop.round().claimed == 0
    shop.now += dt.timedelta(seconds=40)
    assert shop.round().answers["Sent"] == 1


@pytest.mark.parametrize("kind", ["reset", "error_after"])
def test_a_lost_answer_is_asked_about_and_never_sent_again(shop: Texting, twilio: SandboxProcess, kind: str) -> None:
    shop.campaign(people(3, "TX"))
    twilio.arm_fault("twilio", kind, times=3)
    assert shop.round().answers["OutcomeUnknown"] == 3
    twilio.disarm_faults()
    assert {row["state"] for row in shop.messages()} == {"unknown"}
    shop.now += LEASE * 3
    assert shop.round().claimed == 0
    found = reconciled(shop, SETTLES)
    assert (found.found, found.open) == (3, 0)
    assert {row["state"] for row in shop.messages()} <= {"accepted", "delivered"}
    assert len(shop.texted()) == 3


def test_what_the_messenger_does_not_know_stays_unknown(shop: Texting, twilio: SandboxProcess) -> None:
    shop.campaign(people(1, "TX"))
    twilio.arm_fault("twilio", "status", status=500)
    assert shop.round().answers["OutcomeUnknown"] == 1
    assert (reconciled(shop, SETTLES * 2).open, reconciled(shop, GIVES_UP * 2).given_up) == (1, 1)
    shop.now += GIVES_UP * 2
    assert shop.round().claimed == 0
    assert shop.fates() == {("unknown", "not_sent_presumed"): 1}


def test_statuses_that_never_came_are_asked_for(shop: Texting) -> None:
    shop.campaign(people(2, "TX"))
    shop.round()
    assert reconciled(shop, SILENT / 2).settled == 0
    wait_for_carriers(shop)
    assert reconciled(shop, SILENT * 2).settled == 2
    assert shop.fates() == {("delivered", None): 2}


def test_a_status_before_its_own_answer_stays(shop: Texting) -> None:
    """The callback may overtake the answer to the request."""
    shop.campaign(people(1, "TX"))
    shop.round(messengers={"sms": Overtaken(shop)})
    (row,) = shop.messages()
    assert (row["state"], row["provider_id"]) == ("delivered", Overtaken.PROVIDER_ID)


@pytest.mark.parametrize("order", [("sent", "delivered"), ("delivered", "sent"), ("delivered", "delivered")])
def test_statuses_count_once_in_any_order(shop: Texting, order: tuple[str, str]) -> None:
    shop.campaign(people(1, "TX"))
    shop.round()
    (row,) = shop.messages()
    news = [told(shop, row["message_id"], row["provider_id"], status) for status in order]
    assert news == [True, order[0] != order[1]]
    assert [one["state"] for one in shop.messages()] == ["delivered"]
    assert not told(shop, row["message_id"], "SM" + "0" * 32, "failed"), "that is another message"


def test_whoever_opted_out_at_the_messenger_is_suppressed_here(shop: Texting) -> None:
    frame = people(2, "TX")
    stopped, other = phones(frame)
    told = {"from": stopped, "to": NUMBER, "body": "STOP"}
    HTTP.post(f"{shop.sandbox_url}/sandbox/twilio/inbound", json=told).raise_for_status()
    shop.campaign(frame)
    shop.campaign(frame, agreed=False)
    assert shop.round(batch=2).answers == {"Sent": 1, "Refused": 1}
    with shop.database.as_org(shop.org.org_id) as connection:
        (row,) = list_suppressions(connection)
    assert (row["contact_value"], row["origin"]) == (stopped, "stop")
    shop.now += dt.timedelta(days=3)
    shop.round()
    assert shop.texted() == [other, other]
    states = Counter(row["state"] for row in shop.messages() if row["contact_point_id"] == "c0")
    assert states["failed"] == 1
    assert states["cancelled"] + states["blocked"] == 1


@pytest.mark.parametrize(
    ("behaviour", "left_alone"), [("pause_campaign", "paused"), ("pause_sender", "running"), ("failed", "running")]
)
def test_an_error_that_every_message_would_meet_stops_what_it_is_about(
    shop: Texting, behaviour: str, left_alone: str
) -> None:
    name = shop.campaign(people(6, "TX"))
    messenger = Refusing(behaviour)
    one = shop.dispatcher(messengers={"sms": messenger}, batch=2)
    for _ in range(4):
        one.round()
    with shop.database.as_org(shop.org.org_id) as connection:
        campaign = campaigns.load_campaign(connection, shop.org.org_id, name)
        is_active = connection.execute(select(tables.senders.c.is_active)).scalar_one()
    assert campaign.state == left_alone
    assert is_active == (behaviour != "pause_sender")
    assert messenger.asked == (6 if behaviour == "failed" else 2)
    assert shop.fates()["failed", "21999"] == messenger.asked


def test_a_number_that_takes_no_texts_gets_no_further_step(shop: Texting) -> None:
    shop.campaign(people(1, "TX"), steps=(0, 1))
    shop.round(messengers={"sms": Refusing("do_not_retry_number")})
    shop.now += dt.timedelta(days=3)
    assert shop.round().queued == 0
    assert shop.fates() == {("failed", "21999"): 1}


def test_a_campaign_of_which_too_much_fails_is_paused_once(shop: Texting, twilio: SandboxProcess) -> None:
    name = shop.campaign(people(60, "TX"))
    twilio.arm_fault("twilio", "unreachable", share=0.5)
    shop.round(batch=40)
    wait_for_carriers(shop)
    reconciled(shop, SILENT * 2)
    shop.now += SILENT * 3
    assert shop.round().claimed == 0
    with shop.database.as_org(shop.org.org_id) as connection:
        assert "messages failed; 20% are allowed" in str(
            campaigns.load_campaign(connection, shop.org.org_id, name).paused_because
        )
        campaigns.resume(connection, shop.org.org_id, name, actor="ada", now=shop.now)
    assert shop.round().answers["Sent"] == 20, "who resumed it has seen what failed before"


def test_an_unforeseen_fault_is_unknown_and_its_words_are_logged_nowhere(
    shop: Texting, caplog: pytest.LogCaptureFixture
) -> None:
    """A library may say number, text or token in its own errors, and in their causes."""
    frame = people(2, "TX")
    shop.campaign(frame)

    class Faulty:
        def send(self, message: Outgoing) -> Sent:
            try:
                raise ValueError(f"token-of-ours {message.body}")
            except ValueError as cause:
                raise RuntimeError(f"cannot write to {message.to}") from cause

    caplog.set_level(logging.DEBUG)
    assert shop.round(messengers={"sms": Faulty()}).answers == {"OutcomeUnknown": 2}
    said = caplog.text + "".join(str(vars(one)) + str(one.exc_text) for one in caplog.records)
    assert "RuntimeError" in said
    for secret in (*phones(frame), "token-of-ours", *(row["body"] for row in shop.messages())):
        assert secret not in said
    assert {(row["state"], row["message"]) for row in shop.messages()} == {
        ("unknown", "An unforeseen fault: RuntimeError.")
    }


def test_claims_of_a_dispatcher_that_died_go_back_and_its_requests_are_unknown(shop: Texting) -> None:
    name = shop.campaign(people(4, "TX"))
    one = shop.dispatcher()
    one._chores()
    with shop.database.as_org(shop.org.org_id) as connection:
        profile, senders, _ = one._state(connection)
        claim(
            connection, shop.org.org_id, campaign_id_of(shop, name), channel="sms", sender=senders[0], profile=profile,
            dispatcher="dead", most=4, now=shop.now,
        )  # fmt: skip
        table = tables.messages
        connection.execute(
            update(table).where(table.c.contact_point_id == "c0").values(state="sending", attempted_at=shop.now)
        )
    shop.now += LEASE
    assert shop.round().claimed == 0, "its claim holds so long"
    shop.now += dt.timedelta(seconds=1)
    assert shop.round().answers["Sent"] == 3
    assert shop.fates() == {("accepted", None): 3, ("unknown", "dispatcher_lost"): 1}


def told(shop: Texting, message_id: uuid.UUID, provider_id: str, status: str) -> bool:
    fate: Any = {"sent": "accepted"}.get(status, status)
    with shop.database.as_org(shop.org.org_id) as connection:
        news = Status(provider_id, status, fate, None, None, 1)
        return record_status(connection, shop.org, message_id, news, now=shop.now, keys=shop.keys)


def wait_for_carriers(shop: Texting) -> None:
    """Until every text has its end at the simulated Twilio, which takes a second."""
    for _ in range(300):
        if all(one["status"] in ("delivered", "undelivered", "failed") for one in shop.log()["messages"]):
            return
        Event().wait(0.1)
    raise AssertionError("the carriers are still at it")


class Refusing:
    """A messenger that refuses every message in one way."""

    def __init__(self, behaviour: Any) -> None:
        self.behaviour = behaviour
        self.asked = 0

    def send(self, message: Outgoing) -> Sent:
        """Refuses."""
        self.asked += 1
        raise Refused("no", code="21999", behaviour=self.behaviour)


class Overtaken:
    """A messenger whose status callback arrives before its answer."""

    PROVIDER_ID = "SM" + "1" * 32

    def __init__(self, shop: Texting) -> None:
        self.shop = shop

    def send(self, message: Outgoing) -> Sent:
        """Tells that the message arrived, then that it was taken."""
        assert told(self.shop, message.message_id, self.PROVIDER_ID, "delivered")
        return Sent(self.PROVIDER_ID, "queued", 1)
