"""Replies over HTTP: a withdrawal in any words ends everything, START takes back a STOP and nothing else."""

import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import insert, select, update

from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.clearance.suppressions import Suppression, erase_contact, suppress
from leadflow_pipelines.compliance.contact_hash import contact_hash
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.outreach.campaigns.outbox import queue_due_steps
from leadflow_pipelines.outreach.messengers.messenger import Reply
from leadflow_pipelines.outreach.messengers.twilio_webhooks import inbound_path
from leadflow_pipelines.outreach.replies import quiet
from leadflow_pipelines.outreach.replies.receive_reply import Received, receive_reply
from leadflow_pipelines.settings import Settings
from tests.gateway_server import gateway, gateway_settings, post_signed
from tests.integration.test_campaigns import KEYS, NOW, people, phones, running, settle

OUR_NUMBER = "+15125550199"


@pytest.fixture
def org(database: Database) -> Org:
    return create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)


@pytest.fixture
def settings(home: Path, org: Org) -> Settings:
    return gateway_settings(home, org)


@pytest.fixture
def door(settings: Settings, database: Database) -> Iterator[httpx.Client]:
    with gateway(settings, database, lambda: NOW) as client:
        yield client


@pytest.fixture
def texted(database: Database, org: Org) -> list[str]:
    """Two people of a running campaign who got its first text; the second text waits."""
    numbers = phones(2)
    with database.as_org(org.org_id) as connection:
        running(connection, org, people(numbers), steps=(("hello", 0), ("hello", 1)))
        queue_due_steps(connection, org.org_id, now=NOW)
        settle(connection, org, "delivered", NOW - dt.timedelta(hours=3))
        queue_due_steps(connection, org.org_id, now=NOW)
    return numbers


def write(door: httpx.Client, org: Org, sender: str, body: str, **fields: str) -> httpx.Response:
    form = {"MessageSid": f"SM{uuid4().hex}", "From": sender, "To": OUR_NUMBER, "Body": body, **fields}
    return post_signed(door, inbound_path(org.slug), form)


def take(database: Database, org: Org, settings: Settings, sender: str, body: str, **given: Any) -> Received:
    reply = Reply(f"SM{uuid4().hex}", sender, OUR_NUMBER, body, given.pop("at", NOW), given.pop("told", None))
    return receive_reply(database, org, reply, channel="sms", now=NOW, keys=KEYS, settings=settings)


def rows(database: Database, org: Org, table: Any) -> list[Any]:
    with database.as_org(org.org_id) as connection:
        return list(connection.execute(select(table)).all())


def standing(database: Database, org: Org, number: str) -> set[str]:
    hashed = contact_hash("phone", number, KEYS)
    found = rows(database, org, tables.suppressions)
    return {row.origin for row in found if row.contact_hash == hashed and row.lifted_at is None}


def states(database: Database, org: Org, point: str) -> list[str]:
    found = [row for row in rows(database, org, tables.messages) if row.contact_point_id == point]
    return [row.state for row in sorted(found, key=lambda row: row.step)]


def stopped(database: Database, org: Org) -> dict[str, str | None]:
    return {row.contact_point_id: row.stopped_because for row in rows(database, org, tables.campaign_audience)}


@pytest.mark.parametrize(
    ("body", "origin"),
    [
        ("STOP", "stop"),
        (" stop. ", "stop"),
        ("opt out", "stop"),
        ("Please stop texting me", "revocation"),
        ("No me mande más mensajes", "revocation"),
        ("🛑", "stop"),
        ("wrong number", "wrong_number"),
    ],
)
def test_a_withdrawal_suppresses_cancels_and_stops(
    door: httpx.Client, database: Database, org: Org, texted: list[str], body: str, origin: str
) -> None:
    answer = write(door, org, texted[0], body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert "<Message" not in answer.text
    assert standing(database, org, texted[0]) == {origin}
    assert standing(database, org, texted[1]) == set()
    assert states(database, org, "c0") == ["delivered", "cancelled"]
    assert states(database, org, "c1") == ["delivered", "queued"]
    assert stopped(database, org)["c0"] in ("revocation", "wrong_number")
    (kept,) = rows(database, org, tables.inbound_messages)
    (sent,) = [m for m in rows(database, org, tables.messages) if (m.contact_point_id, m.step) == ("c0", 1)]
    assert (kept.message_id, kept.campaign_id, kept.property_id) == (sent.message_id, sent.campaign_id, "p0")
    assert (kept.body, kept.contact_value) == (body, texted[0])
    with database.as_org(org.org_id) as connection:
        assert verify_chain(connection, org.org_id).fault is None
    last = max(rows(database, org, tables.proof_entries), key=lambda entry: entry.seq)
    assert (last.kind, last.facts["suppressed_as"], last.facts["cancelled"]) == ("inbound", origin, 1)
    assert texted[0] not in str(last.facts)


@pytest.mark.parametrize(
    ("body", "reply_class", "noted", "needs_person"),
    [
        ("Yes, call me tomorrow", "interested", "replied", True),
        ("YES", "interested", "replied", True),
        ("not interested", "not_interested", "not_interested", False),
        ("the grass is green", "other", "replied", True),
        ("HELP", "help", None, False),
    ],
)
def test_other_replies_suppress_nobody(
    door: httpx.Client,
    database: Database,
    org: Org,
    texted: list[str],
    body: str,
    reply_class: str,
    noted: str | None,
    needs_person: bool,
) -> None:
    told = {"OptOutType": "START"} if body == "YES" else {}
    assert write(door, org, texted[0], body, **told).status_code == 200
    assert standing(database, org, texted[0]) == set()
    (kept,) = rows(database, org, tables.inbound_messages)
    assert (kept.reply_class, kept.needs_person) == (reply_class, needs_person)
    assert stopped(database, org) == {"c0": noted, "c1": None}
    assert states(database, org, "c0")[1] == ("cancelled" if noted else "queued")


def test_a_reply_answers_the_newest_text_that_went_out(
    database: Database, org: Org, settings: Settings, texted: list[str]
) -> None:
    table = tables.messages
    with database.as_org(org.org_id) as connection:
        second = update(table).where(table.c.step == 2)
        at = NOW - dt.timedelta(hours=1)
        connection.execute(second.where(table.c.contact_point_id == "c0").values(state="unknown", attempted_at=at))
        connection.execute(second.where(table.c.contact_point_id == "c1").values(state="blocked", attempted_at=at))
    of_message = {row.message_id: row.step for row in rows(database, org, table)}
    answered = [take(database, org, settings, number, "who are you").message_id for number in texted]
    assert [of_message.get(one) for one in answered if one] == [2, 1]


def test_what_speaks_for_the_lead_ends_its_letters_too(database: Database, org: Org, settings: Settings) -> None:
    (number,) = phones(1)
    with database.as_org(org.org_id) as connection:
        running(connection, org, people([number], letters=["p0"]), steps=(("hello", 0), ("letter", 1)))
        queue_due_steps(connection, org.org_id, now=NOW)
        settle(connection, org, "delivered", NOW - dt.timedelta(hours=3))
        queue_due_steps(connection, org.org_id, now=NOW)
    assert states(database, org, "mp0") == ["queued"]
    take(database, org, settings, number, "wrong number")
    assert stopped(database, org) == {"c0": "wrong_number", "mp0": None}
    take(database, org, settings, number, "not interested")
    assert stopped(database, org)["mp0"] == "not_interested"
    assert states(database, org, "mp0") == ["cancelled"]


@pytest.mark.parametrize("body", ["START", "YES", "unstop"])
def test_start_takes_back_a_stop(
    door: httpx.Client, database: Database, org: Org, texted: list[str], body: str
) -> None:
    write(door, org, texted[0], "STOP")
    assert write(door, org, texted[0], body).status_code == 200
    assert standing(database, org, texted[0]) == set()
    assert {row.reply_class for row in rows(database, org, tables.inbound_messages)} == {"revocation", "start"}


@pytest.mark.parametrize("origin", ["operator", "deletion", "revocation", "wrong_number", "bounce"])
def test_start_takes_back_nothing_else(
    database: Database, org: Org, settings: Settings, texted: list[str], origin: str
) -> None:
    with database.as_org(org.org_id) as connection:
        suppress(
            connection, org.org_id, [Suppression("phone", texted[0], origin, "test", "test")], KEYS, now=NOW
        )  # fmt: skip
    received = take(database, org, settings, texted[0], "START", told="START")
    assert (received.lifted, received.needs_person) == (False, True)
    take(database, org, settings, texted[0], "STOP", told="STOP")
    assert take(database, org, settings, texted[0], "START", told="START").lifted
    assert standing(database, org, texted[0]) == {origin}


def test_a_start_that_comes_late_does_not_undo_a_later_stop(
    database: Database, org: Org, settings: Settings, texted: list[str]
) -> None:
    take(database, org, settings, texted[0], "STOP", at=NOW)
    late = take(database, org, settings, texted[0], "START", at=NOW - dt.timedelta(minutes=5))
    assert not late.lifted
    assert standing(database, org, texted[0]) == {"stop"}


def test_a_text_that_withdraws_outranks_what_the_messenger_read(
    database: Database, org: Org, settings: Settings, texted: list[str]
) -> None:
    received = take(database, org, settings, texted[0], "do not text me again", told="START")
    assert (received.suppressed, received.needs_person) == (True, True)


def test_the_same_reply_counts_once_however_often_it_comes(
    door: httpx.Client, database: Database, org: Org, texted: list[str]
) -> None:
    form = {"MessageSid": "SM1", "From": texted[0], "To": OUR_NUMBER, "Body": "STOP", "OptOutType": "STOP"}
    started = {**form, "MessageSid": "SM2", "Body": "START", "OptOutType": "START"}
    path = inbound_path(org.slug)

    def post(told: dict[str, str]) -> int:
        return post_signed(door, path, told).status_code

    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(post(form))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 6
    assert len(rows(database, org, tables.inbound_messages)) == 1
    assert post(started) == 200
    assert standing(database, org, texted[0]) == set()
    assert post(form) == 200, "a replay of the STOP is acknowledged and does nothing"
    assert standing(database, org, texted[0]) == set()
    assert post({**form, "MessageSid": "SM3"}) == 200
    assert post(started) == 200, "nor does a replay of the START"
    assert standing(database, org, texted[0]) == {"stop"}


def test_somebody_unknown_may_withdraw_too(door: httpx.Client, database: Database, org: Org) -> None:
    assert write(door, org, "+12125550177", "Stop it").status_code == 200
    assert standing(database, org, "+12125550177")
    (kept,) = rows(database, org, tables.inbound_messages)
    assert kept.message_id is None


def test_of_who_was_deleted_only_the_hash_is_kept(
    database: Database, org: Org, settings: Settings, texted: list[str]
) -> None:
    with database.as_org(org.org_id) as connection:
        erase_contact(connection, org.org_id, "phone", texted[0], KEYS, now=NOW)
    take(database, org, settings, texted[0], "hello again")
    (kept,) = rows(database, org, tables.inbound_messages)
    assert (kept.body, kept.contact_value) == (None, None)
    assert texted[0] not in str(rows(database, org, tables.proof_evidence))


def _sending(database: Database, org: Org, until: dt.datetime) -> None:
    with database.as_org(org.org_id) as connection:
        connection.execute(
            update(tables.messages)
            .where(tables.messages.c.contact_point_id == "c0", tables.messages.c.step == 2)
            .values(state="sending", attempted_at=NOW, claimed_by="d", claimed_until=until)
        )


def test_a_stop_is_acknowledged_once_nothing_is_being_sent(
    door: httpx.Client, database: Database, org: Org, texted: list[str]
) -> None:
    _sending(database, org, NOW + dt.timedelta(seconds=60))
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(write(door, org, texted[0], "STOP").status_code))
    waiting.start()
    until = time.monotonic() + 20
    while not standing(database, org, texted[0]):
        assert time.monotonic() < until
    time.sleep(0.3)
    assert answers == [], "it is written down and not acknowledged: a text is on its way"
    with database.as_org(org.org_id) as connection:
        settle(connection, org, "accepted", NOW, "c0")
    waiting.join()
    assert answers == [200]


def test_a_lost_dispatcher_holds_an_acknowledgement_no_longer_than_its_claim(
    door: httpx.Client, database: Database, org: Org, texted: list[str]
) -> None:
    _sending(database, org, NOW + dt.timedelta(seconds=0.5))
    began = time.monotonic()
    assert write(door, org, texted[0], "STOP").status_code == 200  # 503 where patience ends before the claim
    assert time.monotonic() - began > 0.4


def test_what_cannot_be_waited_for_is_not_acknowledged(
    door: httpx.Client, database: Database, org: Org, texted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadflow_pipelines.outreach.replies.receive_reply.PATIENCE_SECONDS", 0.3)
    _sending(database, org, NOW + dt.timedelta(seconds=60))
    assert write(door, org, texted[0], "STOP").status_code == 503
    assert standing(database, org, texted[0]) == {"stop"}


def test_nobody_begins_to_send_while_a_stop_is_written_down(
    database: Database, org: Org, settings: Settings, texted: list[str]
) -> None:
    """The dispatcher's lock is the same: who holds it is waited for, before anything is read."""
    hashed = contact_hash("phone", texted[0], KEYS)
    taken: list[Received] = []
    with database.as_org(org.org_id) as connection:
        quiet.lock_contact(connection, [hashed])
        thread = threading.Thread(target=lambda: taken.append(take(database, org, settings, texted[0], "STOP")))
        thread.start()
        time.sleep(0.4)
        assert not standing(database, org, texted[0])
        connection.execute(
            update(tables.messages).where(tables.messages.c.step == 2).values(state="blocked", settled_at=NOW)
        )
    thread.join()
    assert taken[0].suppressed
    assert taken[0].cancelled == 0


def test_a_held_text_is_called_back(
    database: Database, org: Org, settings: Settings, texted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Held:
        def cancel(self, provider_id: str) -> bool:
            asked.append(provider_id)
            return True

    monkeypatch.setattr("leadflow_pipelines.outreach.replies.recall.open_messenger", lambda *_: Held())
    with database.as_org(org.org_id) as connection:
        settle(connection, org, "accepted", NOW, "c0")
        table = tables.messages
        for step in (1, 2):
            connection.execute(
                update(table)
                .where(table.c.contact_point_id == "c0", table.c.step == step)
                .values(provider_id=f"SM-{step}")
            )
        (gone,) = connection.execute(
            select(table.c.message_id).where(table.c.contact_point_id == "c0", table.c.step == 1)
        ).scalars()
        connection.execute(
            insert(tables.message_events).values(
                org_id=org.org_id, message_id=gone, provider_id="SM-1", status="sent", received_at=NOW
            )
        )
    take(database, org, settings, texted[0], "STOP")
    assert asked == ["SM-2"]
    assert states(database, org, "c0") == ["accepted", "cancelled"]
