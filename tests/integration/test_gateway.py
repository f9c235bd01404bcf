"""The gateway over HTTP: what is believed, what is refused, what it lets on; links and unsubscribes."""

import datetime as dt
import logging
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert, select, update

from leadflow_pipelines.compliance.contact_hash import contact_hash
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.outreach.campaigns.templates import save_template
from leadflow_pipelines.outreach.campaigns.tracked_links import Tracked, make_token
from leadflow_pipelines.outreach.messengers.twilio_webhooks import inbound_path, status_path
from leadflow_pipelines.settings import Settings
from tests.commands import start_leadflow
from tests.gateway_server import PUBLIC, gateway, gateway_settings, post_signed, signature
from tests.integration.test_campaigns import KEYS, NOW

PERSON, OUR_NUMBER, EMAIL = "+15125550100", "+15125550199", "owner@mail.example"
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
TARGETS = ("https://homes.example/offer?a=1&b=2", "https://homes.example/about")
STOP = {"MessageSid": "SM1", "From": PERSON, "To": OUR_NUMBER, "Body": "STOP", "OptOutType": "STOP"}


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


def sent(database: Database, org: Org, *, channel: str = "sms", state: str = "accepted") -> UUID:
    """A message that went out a minute ago, whose text has two tracked links."""
    campaign_id, message_id = uuid4(), uuid4()
    body = f"{{sender_name}} {{link:{TARGETS[0]}}} {{link:{TARGETS[1]}}} "
    required = {"sms": "{opt_out}", "email": "{postal_address} {unsubscribe_link}"}[channel]
    value, kind = (PERSON, "phone") if channel == "sms" else (EMAIL, "email")
    at = NOW - dt.timedelta(minutes=1)
    with database.as_org(org.org_id) as connection:
        template = save_template(
            connection, org.org_id, name=f"t {campaign_id}", channel=channel,
            subject="Hello" if channel == "email" else None, body=body + required, actor="ada", now=at,
        )  # fmt: skip
        connection.execute(
            insert(tables.campaigns).values(
                campaign_id=campaign_id, org_id=org.org_id, name=str(campaign_id), purpose="marketing", state="running",
                created_by="ada", created_at=at, approved_by="bob",
            )
        )  # fmt: skip
        connection.execute(
            insert(tables.campaign_steps).values(
                campaign_id=campaign_id, org_id=org.org_id, step=1, channel=channel, template_name=template.name,
                template_version=1,
            )
        )  # fmt: skip
        connection.execute(
            insert(tables.messages).values(
                message_id=message_id, org_id=org.org_id, campaign_id=campaign_id, step=1, channel=channel,
                contact_point_id="c0", property_id="p0", contact_hash=contact_hash(kind, value, KEYS), state=state,
                due_at=at, attempted_at=at, accepted_at=at, provider_id="SM-out", contact_value=value,
                sender=OUR_NUMBER,
            )
        )  # fmt: skip
    return message_id


def rows(database: Database, org: Org, table: Any) -> list[Any]:
    with database.as_org(org.org_id) as connection:
        return list(connection.execute(select(table)).all())


def tell(door: httpx.Client, org: Org, message_id: UUID, status: str, **fields: str) -> httpx.Response:
    form = {"MessageSid": "SM-out", "MessageStatus": status, "To": PERSON, **fields}
    return post_signed(door, status_path(org.slug, message_id), form)


def state_of(database: Database, org: Org, message_id: UUID) -> str:
    (found,) = [row.state for row in rows(database, org, tables.messages) if row.message_id == message_id]
    return str(found)


@pytest.mark.parametrize(
    ("changed", "public", "signed"),
    [
        ({}, PUBLIC, ""),
        ({}, PUBLIC, "Zm9yZ2VkIGJ5IG5vYm9keSB3aG8ga25vd3M="),
        ({}, "https://evil.example", None),
        ({}, PUBLIC.replace("https", "http"), None),
        ({"AccountSid": "AC" + "0b" * 16}, PUBLIC, None),
    ],
    ids=["unsigned", "forged", "another host", "without TLS", "another account"],
)
def test_what_twilio_did_not_sign_changes_nothing(
    door: httpx.Client, database: Database, org: Org, changed: dict[str, str], public: str, signed: str | None
) -> None:
    answer = post_signed(door, inbound_path(org.slug), {**STOP, **changed}, public=public, signed=signed)
    assert answer.status_code == 403
    message_id = sent(database, org)
    form = {"MessageSid": "SM-out", "MessageStatus": "delivered", **changed}
    path = status_path(org.slug, message_id)
    assert post_signed(door, path, form, public=public, signed=signed).status_code == 403
    assert rows(database, org, tables.inbound_messages) == []
    assert rows(database, org, tables.suppressions) == []
    assert state_of(database, org, message_id) == "accepted"


def test_a_signature_holds_for_its_own_fields_and_path_alone(door: httpx.Client, database: Database, org: Org) -> None:
    path, form = inbound_path(org.slug), {"AccountSid": "AC" + "5a" * 16, **STOP}
    good = signature(PUBLIC + path, form)
    assert post_signed(door, path, {**form, "Body": "START"}, signed=good).status_code == 403
    assert post_signed(door, path, {**form, "Body": "STOP "}, signed=good).status_code == 403
    assert post_signed(door, path + "?a=1", form, signed=good).status_code == 403
    queried = signature(f"{PUBLIC}{path}?b=2&a=1", form)
    assert post_signed(door, path + "?a=1&b=2", form, signed=queried).status_code == 403, "the query is reordered"
    assert post_signed(door, status_path(org.slug, uuid4()), form, signed=good).status_code == 403
    assert rows(database, org, tables.inbound_messages) == []
    fields_reordered = dict(reversed(form.items()))
    assert post_signed(door, path, fields_reordered, signed=good).status_code == 200, "fields are sorted when signed"


def test_whatever_a_proxy_says_of_host_and_scheme_is_not_looked_at(door: httpx.Client, org: Org) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    door.headers.update(headers)
    assert post_signed(door, inbound_path(org.slug), STOP).status_code == 200


def test_spaces_and_repeated_fields_are_signed_as_they_come(door: httpx.Client, database: Database, org: Org) -> None:
    form = {**STOP, "Body": "  Stop\n ", "Empty": ""}
    assert post_signed(door, inbound_path(org.slug), form).status_code == 200
    (kept,) = rows(database, org, tables.inbound_messages)
    assert kept.body == "  Stop\n "


def test_a_webhook_of_one_org_does_not_reach_another(
    door: httpx.Client, database: Database, org: Org, settings: Settings
) -> None:
    other = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    theirs = sent(database, other)
    assert post_signed(door, inbound_path(other.slug), STOP).status_code == 404
    form = {"MessageSid": "SM-out", "MessageStatus": "delivered"}
    assert post_signed(door, status_path(other.slug, theirs), form).status_code == 404
    assert tell(door, org, theirs, "delivered").status_code == 204, "signed for us, about a message that is not ours"
    assert state_of(database, other, theirs) == "accepted"
    assert rows(database, other, tables.message_events) == []
    token = make_token(Tracked("link", theirs, 1), KEYS)
    assert door.get(f"/l/{token}", headers={"user-agent": BROWSER}).status_code == 404
    assert rows(database, other, tables.link_clicks) == []
    assert rows(database, other, tables.inbound_messages) == rows(database, org, tables.inbound_messages) == []


def test_statuses_come_in_any_order_and_count_once(door: httpx.Client, database: Database, org: Org) -> None:
    message_id = sent(database, org)
    for status in ("delivered", "sent", "queued", "delivered"):
        assert tell(door, org, message_id, status).status_code == 204
    assert state_of(database, org, message_id) == "delivered"
    events = [row.status for row in rows(database, org, tables.message_events)]
    assert sorted(events) == ["delivered", "queued", "sent"]


def test_an_opt_out_that_only_the_carrier_knows_suppresses(door: httpx.Client, database: Database, org: Org) -> None:
    message_id = sent(database, org)
    assert tell(door, org, message_id, "failed", ErrorCode="21610").status_code == 204
    (kept,) = rows(database, org, tables.suppressions)
    assert (kept.contact_value, kept.origin) == (PERSON, "stop")


def test_a_status_of_another_text_changes_nothing(door: httpx.Client, database: Database, org: Org) -> None:
    message_id = sent(database, org)
    tell(door, org, message_id, "failed", MessageSid="SM-other", ErrorCode="21610")
    assert state_of(database, org, message_id) == "accepted"
    assert rows(database, org, tables.suppressions) == []


def test_without_a_public_address_no_webhook_is_believed(settings: Settings, database: Database, org: Org) -> None:
    with gateway(settings.model_copy(update={"public_url": None}), database, lambda: NOW) as client:
        port = client.base_url.port
        assert post_signed(client, inbound_path(org.slug), STOP, public=f"http://127.0.0.1:{port}").status_code == 403


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"Body=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415),
        (b"Body=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=1" for _ in range(500)), "application/x-www-form-urlencoded", 400),
    ],
    ids=["long", "json", "multipart", "no UTF-8", "many fields"],
)
def test_bodies_are_bounded_and_forms(
    door: httpx.Client, org: Org, content: bytes, kind: str, status: int
) -> None:  # fmt: skip
    answer = door.post(inbound_path(org.slug), content=content, headers={"content-type": kind})
    assert answer.status_code == status
    chunks = door.post(inbound_path(org.slug), content=iter([content]), headers={"content-type": kind})
    assert chunks.status_code == status, "also where no length is told"


def test_an_address_that_is_none_says_nothing(door: httpx.Client, org: Org) -> None:
    answer = post_signed(door, f"/webhooks/twilio/{org.slug}/status/no-uuid", {"MessageStatus": "sent"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    for path in ("/", "/docs", "/openapi.json", f"/webhooks/twilio/{org.slug}/inbound/"):
        assert door.get(path).status_code == 404
    assert door.get(inbound_path(org.slug)).status_code == 405


def test_every_answer_has_its_id_and_security_headers(door: httpx.Client) -> None:
    first, second = door.get("/healthz"), door.get("/nowhere", headers={"X-Correlation-Id": "mine"})
    assert (first.status_code, first.json()) == (200, {"status": "ok"})
    for answer in (first, second):
        assert len(answer.headers["x-correlation-id"]) == 32
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert first.headers["x-correlation-id"] != second.headers["x-correlation-id"]


def test_a_fault_is_told_without_its_insides(
    settings: Settings, database: Database, org: Org, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"duplicate key ({PERSON})")

    def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("Postgres cannot be reached at /secret/path.")

    routes = "leadflow_pipelines.gateway.twilio_routes.receive_reply"
    with gateway(settings, database, lambda: NOW) as client, caplog.at_level(logging.INFO, "leadflow_pipelines"):
        monkeypatch.setattr(routes, fail)
        broken = post_signed(client, inbound_path(org.slug), STOP)
        monkeypatch.setattr(routes, away)
        unavailable = post_signed(client, inbound_path(org.slug), STOP)
    assert (broken.status_code, broken.json()["error"]) == (500, "internal")
    assert broken.json()["correlation_id"] == broken.headers["x-correlation-id"]
    assert (unavailable.status_code, unavailable.json()["error"]) == (503, "unavailable")
    lines = [str(vars(record)) for record in caplog.records if record.name.startswith("leadflow_pipelines.gateway")]
    assert any("ValueError" in line for line in lines)
    assert any("/webhooks/twilio/{org}/inbound" in line for line in lines)
    told = broken.text + unavailable.text + "".join(lines)
    assert not any(secret in told for secret in (PERSON, "STOP", "duplicate key", "/secret/path"))


def test_a_link_leads_where_the_text_says_and_counts(door: httpx.Client, database: Database, org: Org) -> None:
    message_id = sent(database, org)
    for number, target in enumerate(TARGETS, start=1):
        token = make_token(Tracked("link", message_id, number), KEYS)
        answer = door.get(f"/l/{token}?next=https://evil.example", headers={"user-agent": BROWSER})
        assert (answer.status_code, answer.headers["location"]) == (302, target)
    clicks = rows(database, org, tables.link_clicks)
    assert [(row.message_id, row.link, row.is_counted) for row in clicks] == [
        (message_id, 1, True), (message_id, 2, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": "Mozilla/5.0 facebookexternalhit/1.1 Facebot Twitterbot/1.0"},
        {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"user-agent": "WhatsApp/2.23"},
        {"user-agent": "python-requests/2.32"},
        {"user-agent": ""},
        {"user-agent": BROWSER, "sec-purpose": "prefetch;prerender"},
        {"user-agent": BROWSER, "purpose": "prefetch"},
        {"user-agent": BROWSER, "x-purpose": "preview"},
        {"user-agent": BROWSER, "x-moz": "prefetch"},
    ],
)
def test_previews_and_programs_get_there_and_do_not_count(
    door: httpx.Client, database: Database, org: Org, headers: dict[str, str]
) -> None:
    token = make_token(Tracked("link", sent(database, org), 1), KEYS)
    assert door.get(f"/l/{token}", headers=headers).headers["location"] == TARGETS[0]
    assert [row.is_counted for row in rows(database, org, tables.link_clicks)] == [False]


def test_who_only_asks_where_a_link_leads_is_not_noted(door: httpx.Client, database: Database, org: Org) -> None:
    token = make_token(Tracked("link", sent(database, org), 1), KEYS)
    answer = door.head(f"/l/{token}", headers={"user-agent": BROWSER})
    assert (answer.status_code, answer.headers["location"]) == (302, TARGETS[0])
    assert rows(database, org, tables.link_clicks) == []


def test_nobody_clicks_within_a_second_of_sending(door: httpx.Client, database: Database, org: Org) -> None:
    message_id = sent(database, org)
    with database.as_org(org.org_id) as connection:
        connection.execute(update(tables.messages).values(accepted_at=NOW - dt.timedelta(seconds=1)))
    door.get(f"/l/{make_token(Tracked('link', message_id, 1), KEYS)}", headers={"user-agent": BROWSER})
    assert [row.is_counted for row in rows(database, org, tables.link_clicks)] == [False]


def test_a_token_that_is_not_ours_leads_nowhere(door: httpx.Client, database: Database, org: Org) -> None:
    message_id = sent(database, org)
    good = make_token(Tracked("link", message_id, 1), KEYS)
    middle = len(good) // 2
    forged = good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :]
    other_use = make_token(Tracked("unsubscribe", message_id, 1), KEYS)
    unknown = make_token(Tracked("link", uuid4(), 1), KEYS)
    no_such_link = make_token(Tracked("link", message_id, 3), KEYS)
    for token in (forged, other_use, unknown, no_such_link, "x", "é" * 10, "A" * 5000, "..%2f"):
        assert door.get(f"/l/{token}", headers={"user-agent": BROWSER}).status_code == 404
        assert door.get(f"/u/{token}").status_code == (404)
    assert rows(database, org, tables.link_clicks) == []


def test_one_click_stops_the_e_mails(settings: Settings, database: Database, org: Org) -> None:
    message_id = sent(database, org, channel="email")
    path = f"/u/{make_token(Tracked('unsubscribe', message_id, 0), KEYS)}"
    began = time.monotonic()
    with gateway(settings, database, lambda: NOW + dt.timedelta(seconds=time.monotonic() - began)) as door:
        page = door.get(path)
        assert (page.status_code, '<form method="post">' in page.text) == (200, True)
        assert EMAIL not in page.text
        assert rows(database, org, tables.suppressions) == [], "looking at the page unsubscribes nobody"
        done = door.post(path, data={"List-Unsubscribe": "One-Click"})
        assert (done.status_code, "unsubscribed" in done.text) == (200, True)
        (kept,) = rows(database, org, tables.suppressions)
        assert (kept.kind, kept.contact_value, kept.lifted_at) == ("email", EMAIL, None)
        assert door.post(path).status_code == 200
    (inbound,) = rows(database, org, tables.inbound_messages)
    assert (inbound.channel, inbound.reply_class, inbound.message_id) == ("email", "revocation", message_id)


def test_nobody_unsubscribes_with_a_token_that_is_not_ours(door: httpx.Client, database: Database, org: Org) -> None:
    texted = sent(database, org)
    for token in (
        make_token(Tracked("link", texted, 0), KEYS),
        make_token(Tracked("unsubscribe", texted, 0), KEYS),
        make_token(Tracked("unsubscribe", uuid4(), 0), KEYS),
        "x",
    ):
        assert door.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert rows(database, org, tables.suppressions) == []


def test_the_command_serves_and_ends_when_asked(org: Org) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start_leadflow("gateway", "--port", str(port), "--org", org.slug)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                assert httpx.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "ok"}
                break
            except httpx.TransportError:
                assert time.monotonic() < until
                assert process.poll() is None
                time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "LEADFLOW_PUBLIC_URL is not set" in said
    assert "Traceback" not in said
