"""From a text to a STOP and back, over HTTP on both sides: dispatcher, simulated Twilio, gateway."""

import datetime as dt
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.dispatch.dispatch_org import dispatch_org, open_messengers
from leadflow_pipelines.outreach.messengers.twilio_webhooks import inbound_path
from leadflow_pipelines.outreach.replies.poll_replies import Polled, ReplyPoll, poll_replies
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings
from tests.gateway_server import PUBLIC, gateway
from tests.outreach_people import HTTP, NUMBER, Texting, people, texting

PATIENCE_SECONDS = 60.0


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    yield from texting(database, settings, twilio, overrides={"public_url": PUBLIC}, most_per_24h=3)


@pytest.fixture
def door(shop: Texting, database: Database) -> Iterator[httpx.Client]:
    own = shop.settings.model_copy(update={"org": shop.org.slug})
    with gateway(own, database, lambda: shop.now) as client:
        configure(shop, client)
        yield client
        configure(shop, None)


def configure(shop: Texting, client: httpx.Client | None, **told: Any) -> None:
    to = (
        {}
        if client is None
        else {"deliver_to": str(client.base_url), "inbound_url": PUBLIC + inbound_path(shop.org.slug)}
    )
    HTTP.post(f"{shop.sandbox_url}/sandbox/twilio/webhooks", json={**to, "pace": 0.2, **told}).raise_for_status()


def write(shop: Texting, person: str, body: str) -> dict[str, Any]:
    told = {"from": person, "to": NUMBER, "body": body}
    answer: dict[str, Any] = (
        HTTP.post(f"{shop.sandbox_url}/sandbox/twilio/inbound", json=told).raise_for_status().json()
    )
    return answer


def replies(shop: Texting) -> list[Any]:
    with shop.database.as_org(shop.org.org_id) as connection:
        return list(connection.execute(select(tables.inbound_messages)).all())


def until(is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_texts_are_followed_and_whoever_says_stop_gets_no_other(shop: Texting, door: httpx.Client) -> None:
    """Twilio is told to forget opt-outs, so that it is ours that counts."""
    configure(shop, door, blocks_opted_out=False)
    frame = people(3, "FL")
    first, second, third = frame["phone_e164"]
    shop.campaign(frame, steps=(0, 1))
    shop.round()
    until(lambda: [row["state"] for row in shop.messages()] == ["delivered"] * 3)
    assert write(shop, first, "STOP")["status"] == 200
    assert write(shop, second, "please dont text me anymore")["status"] == 200
    shop.now += dt.timedelta(hours=2)
    shop.round()
    until(lambda: len(shop.texted()) >= 4)
    shop.round()
    assert sorted(shop.texted()) == sorted([first, second, third, third])
    assert [row.reply_class for row in replies(shop)] == ["revocation"] * 2


@pytest.mark.parametrize("fault", ["duplicate_inbound", "forged_inbound"])
def test_badly_brought_replies_count_once_and_as_written(
    shop: Texting, door: httpx.Client, twilio: SandboxProcess, fault: str
) -> None:
    twilio.arm_fault("twilio", fault, share=1.0)
    assert write(shop, "+12125550101", "STOP")["status"] == 200
    (kept,) = replies(shop)
    assert (kept.reply_class, kept.body) == ("revocation", "STOP")


@pytest.mark.parametrize("fault", ["duplicate_callback", "out_of_order", "forged_callback"])
def test_badly_brought_statuses_end_as_the_carrier_has_them(
    shop: Texting, door: httpx.Client, twilio: SandboxProcess, fault: str
) -> None:
    twilio.arm_fault("twilio", fault, share=1.0)
    shop.campaign(people(4, "FL"))
    shop.round()
    until(lambda: {one["status"] for one in shop.log()["messages"]} == {"delivered"})
    until(lambda: {row["state"] for row in shop.messages()} == {"delivered"})
    time.sleep(0.3)
    assert {row["state"] for row in shop.messages()} == {"delivered"}


def test_replies_whose_webhook_got_lost_are_polled_once(
    shop: Texting, door: httpx.Client, twilio: SandboxProcess
) -> None:
    twilio.arm_fault("twilio", "lost_inbound", share=1.0)
    assert write(shop, "+12125550101", "No más mensajes")["status"] is None
    write(shop, "+12125550102", "yes please call me")
    assert replies(shop) == []
    asked: dict[str, Any] = {"now": shop.now, "since": shop.now, "keys": shop.keys, "settings": shop.settings}
    assert poll_replies(shop.database, shop.org, **asked) == Polled(2, 2, 1, 1)
    assert poll_replies(shop.database, shop.org, **asked) == Polled(2, 0, 0, 0)
    assert sorted(row.reply_class for row in replies(shop)) == ["interested", "revocation"]


def test_a_dispatcher_that_listens_hears_of_a_stop_before_it_sends(
    shop: Texting, door: httpx.Client, twilio: SandboxProcess
) -> None:
    twilio.arm_fault("twilio", "lost_inbound", share=1.0)
    frame = people(3, "FL")
    shop.campaign(frame)
    write(shop, frame["phone_e164"][0], "STOP")
    listen = ReplyPoll(shop.database, shop.org, shop.settings, lambda: shop.now)
    ready = open_messengers(shop.database, shop.org, shop.settings).ready
    stop = threading.Event()
    dispatch_org(
        shop.database, shop.org, ready, shop.settings, lambda: shop.now, stop=stop, only_due=True, listen=listen
    )
    assert sorted(shop.texted()) == sorted(frame["phone_e164"][1:])


def test_without_a_messenger_nothing_is_polled(shop: Texting) -> None:
    bare = shop.settings.model_copy(update={"twilio_account_sid": None, "twilio_auth_token": None})
    with pytest.raises(InvalidInput, match="Twilio is not configured"):
        poll_replies(shop.database, shop.org, since=shop.now, now=shop.now, keys=shop.keys, settings=bare)


def test_nobody_is_texted_after_their_stop_was_acknowledged(shop: Texting, door: httpx.Client) -> None:
    """Two dispatchers send while people write STOP; the simulator's own clock and log are the judge."""
    configure(shop, door, blocks_opted_out=False)
    frame = people(60, "FL")
    shop.campaign(frame)
    stop = threading.Event()
    dispatchers = [shop.dispatcher(batch=4, concurrency=2) for _ in range(2)]
    sending = [threading.Thread(target=one.run, args=(stop,), kwargs={"poll_seconds": 0.05}) for one in dispatchers]
    for thread in sending:
        thread.start()
    people_in_any_order = random.Random(7).sample(frame["phone_e164"].to_list(), frame.height)
    statuses = [write(shop, person, "STOP")["status"] for person in people_in_any_order[:45]]
    until(lambda: not {"queued", "claimed", "sending"} & {row["state"] for row in shop.messages()})
    stop.set()
    for thread in sending:
        thread.join()
    assert statuses == [200] * 45
    log = shop.log()
    acknowledged = {one["from"]: one["acknowledged_at"] for one in log["inbound"]}
    late = [one for one in log["messages"] if one["accepted_at"] > acknowledged.get(one["to"], "9")]
    assert late == []
    texted = [one["to"] for one in log["messages"]]
    assert len(texted) == len(set(texted))
    assert len(texted) < 60, "some said STOP in time"
    with shop.database.as_org(shop.org.org_id) as connection:
        assert verify_chain(connection, shop.org.org_id).fault is None
