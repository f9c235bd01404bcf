"""Texts through Twilio's library over HTTP: every outcome, and never a second request for one message."""

import datetime as dt
import logging
import threading
import time
import traceback
import uuid

import httpx
import jsonschema
import pytest
import requests

from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.outreach.messengers.messenger import NotProcessed, OutcomeUnknown, Outgoing, Refused
from leadflow_pipelines.outreach.messengers.twilio import TwilioMessenger
from tests.raw_items import recorded

PERSON, NUMBER, SERVICE = "+12155550101", "+15005550106", "MG" + "0a" * 16
TIMEOUT = 3.0
HTTP = httpx.Client(timeout=30)
SPEC = recorded("twilio_openapi.json")
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"


@pytest.fixture
def sandbox(twilio):
    twilio.disarm_faults()
    twilio.clear_ledger()
    HTTP.delete(f"{twilio.url}/sandbox/twilio/log").raise_for_status()
    HTTP.post(f"{twilio.url}/sandbox/twilio/webhooks", json={}).raise_for_status()
    return twilio


@pytest.fixture
def messenger(sandbox):
    return _messenger(sandbox)


def _messenger(sandbox, **given):
    settings = sandbox.settings_overrides("twilio")
    account = settings["twilio_account_sid"], given.pop("token", settings["twilio_auth_token"])
    return TwilioMessenger(*account, **{"base_url": settings["twilio_base_url"], "timeout_seconds": TIMEOUT, **given})


def _to(person=PERSON, **changes):
    told = {"message_id": uuid.uuid4(), "to": person, "sender": NUMBER, "body": f"Hello {uuid.uuid4()}"}
    return Outgoing(**{**told, **changes})


def _log(sandbox):
    return HTTP.get(f"{sandbox.url}/sandbox/twilio/log").raise_for_status().json()


def _calls(sandbox):
    return sandbox.ledger().get("twilio", {"calls": 0})["calls"]


def _ago(**delta):
    return dt.datetime.now(dt.UTC) - dt.timedelta(**delta)


@pytest.mark.parametrize(("sender", "status", "segments"), [(NUMBER, "queued", 1), (SERVICE, "accepted", None)])
def test_a_text_is_taken_and_found_again(sandbox, messenger, sender, status, segments):
    message = _to(sender=sender, body="We would like to talk about 12 Main Street.", valid_seconds=900)
    sent = messenger.send(message)
    assert (sent.status, sent.segments) == (status, segments)
    (logged,) = _log(sandbox)["messages"]
    assert (logged["to"], logged["body"], logged["validity"], logged["sender"]) == (
        PERSON, message.body, 900, sender,
    )  # fmt: skip
    assert messenger.find(message, since=_ago(minutes=1)).provider_id == sent.provider_id == logged["sid"]


def test_the_validity_is_one_that_twilio_takes(sandbox, messenger):
    for wanted in (-5, 0, 90_000):
        messenger.send(_to(valid_seconds=wanted))
    assert sorted(one["validity"] for one in _log(sandbox)["messages"]) == [1, 1, 36_000]


def test_the_status_callback_carries_the_intent(sandbox):
    message = _to()
    _messenger(sandbox, status_url=lambda known: f"https://leads.acme.example/status/{known}").send(message)
    assert _log(sandbox)["messages"][0]["message_id"] == str(message.message_id)


@pytest.mark.parametrize(
    ("changes", "code", "behaviour"),
    [
        ({"to": "+15005550001"}, "21211", "do_not_retry_number"),
        ({"to": "12155550101"}, "21211", "do_not_retry_number"),
        ({"to": "+15005550002"}, "21612", "do_not_retry_number"),
        ({"to": "+15005550003"}, "21408", "do_not_retry_number"),
        ({"to": "+15005550004"}, "21610", "suppress"),
        ({"to": "+15005550009"}, "21614", "do_not_retry_number"),
        ({"sender": "+15005550001"}, "21212", "pause_sender"),
        ({"sender": "+15005550007"}, "21606", "pause_sender"),
        ({"sender": "+15005550008"}, "21611", "retry_later"),
        ({"to": "+15005571703"}, "21703", "pause_sender"),
        ({"body": ""}, "21602", "failed"),
        ({"body": "x" * 1601}, "21617", "failed"),
        ({"to": "+15005579999"}, "29999", "failed"),
    ],
)
def test_what_twilio_refuses_is_refused_with_its_behaviour(sandbox, messenger, changes, code, behaviour):
    with pytest.raises(Refused) as caught:
        messenger.send(_to(**changes))
    assert (caught.value.code, caught.value.behaviour) == (code, behaviour)
    assert changes.get("to", PERSON) not in str(caught.value)
    assert _log(sandbox)["messages"] == []
    assert _calls(sandbox) == 1


def test_a_wrong_token_pauses_everything(sandbox):
    with pytest.raises(Refused) as caught:
        _messenger(sandbox, token="not-the-token").send(_to())
    assert (caught.value.code, caught.value.behaviour) == ("20003", "pause_campaign")
    assert "not-the-token" not in str(caught.value)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), (None, None), ("soon", None)])
def test_too_many_requests_were_not_processed(sandbox, messenger, header, seconds):
    sandbox.arm_fault("twilio", "too_many", retry_after=header)
    message = _to()
    with pytest.raises(NotProcessed) as caught:
        messenger.send(message)
    assert caught.value.retry_after == seconds
    assert _log(sandbox)["messages"] == []
    assert messenger.send(message).status == "queued"
    assert _calls(sandbox) == 2


@pytest.mark.parametrize(
    ("kind", "details", "why", "is_taken"),
    [
        ("reset", {}, "connection_lost", True),
        ("reset_midway", {}, "connection_lost", True),
        ("cut_off", {}, "connection_lost", True),
        ("timeout", {"seconds": TIMEOUT + 2}, "no_answer", True),
        ("slow_drip", {"seconds": TIMEOUT * 4}, "no_answer", True),
        ("error_after", {}, "server_error", True),
        ("status", {"status": 500}, "server_error", False),
        ("status", {"status": 503}, "server_error", False),
        ("status", {"status": 408}, "server_error", False),
        ("status", {"status": 302}, "unexpected_status", False),
        ("truncated_json", {}, "unreadable_answer", True),
        ("malformed_json", {}, "unreadable_answer", True),
        ("wrong_shape", {}, "unreadable_answer", True),
    ],
)
def test_a_lost_answer_is_unknown_asked_once_and_found_later(sandbox, messenger, kind, details, why, is_taken):
    sandbox.arm_fault("twilio", kind, **details)
    message = _to()
    with pytest.raises(OutcomeUnknown) as caught:
        messenger.send(message)
    assert caught.value.why == why
    assert PERSON not in str(caught.value)
    assert _calls(sandbox) == 1
    logged = _log(sandbox)["messages"]
    assert len(logged) == is_taken
    found = messenger.find(message, since=_ago(minutes=1))
    assert ([found.provider_id] if found else []) == [one["sid"] for one in logged]


def test_an_answer_that_drips_past_the_deadline_is_unknown_and_one_within_it_is_taken(sandbox, messenger):
    """No single wait for bytes is long; together they are. The message may be on its way, and is."""
    sandbox.arm_fault("twilio", "slow_drip", seconds=TIMEOUT * 4)
    late, began = _to(), time.monotonic()
    with pytest.raises(OutcomeUnknown) as caught:
        messenger.send(late)
    assert time.monotonic() - began < TIMEOUT * 3, "the whole answer takes four times the limit"
    assert caught.value.why == "no_answer"
    sandbox.arm_fault("twilio", "slow_drip", seconds=TIMEOUT * 4)
    with pytest.raises(NotProcessed):
        messenger.find(late, since=_ago(minutes=1))
    sandbox.arm_fault("twilio", "slow_drip", seconds=TIMEOUT / 6)
    assert messenger.send(_to()).provider_id
    assert messenger.find(late, since=_ago(minutes=1)).provider_id == _log(sandbox)["messages"][0]["sid"]


def test_only_our_own_message_is_found(sandbox, messenger):
    message = _to()
    for other in (_to(), _to(body=message.body, sender="+15005550199"), _to("+12155550102", body=message.body)):
        messenger.send(other)
    assert messenger.find(message, since=_ago(minutes=1)) is None
    first = messenger.send(message)
    messenger.send(message)
    assert messenger.find(message, since=_ago(minutes=1)).provider_id == first.provider_id
    assert messenger.find(message, since=_ago(minutes=-10)) is None


def test_a_message_lies_on_a_later_page(sandbox, monkeypatch):
    monkeypatch.setattr("leadflow_pipelines.outreach.messengers.twilio.PAGE", 3)
    messenger = _messenger(sandbox)
    message = _to()
    sent = messenger.send(message)
    for _ in range(7):
        messenger.send(_to())
    assert messenger.find(message, since=_ago(minutes=1)).provider_id == sent.provider_id


@pytest.mark.parametrize("kind", ["too_many", "status", "reset", "malformed_json"])
def test_questions_may_be_asked_again(sandbox, messenger, kind):
    message = _to()
    sent = messenger.send(message)
    scheduled = _schedule(sandbox)
    for ask in (
        lambda: messenger.find(message, since=_ago(minutes=1)),
        lambda: messenger.fetch(sent.provider_id),
        lambda: messenger.cancel(scheduled),
        lambda: messenger.replies(to=NUMBER, since=_ago(minutes=1)),
    ):
        sandbox.arm_fault("twilio", kind)
        with pytest.raises(NotProcessed):
            ask()
        ask()
    assert messenger.cancel(scheduled)


def test_a_wrong_token_refuses_lists_as_well(sandbox):
    with pytest.raises(Refused) as caught:
        _messenger(sandbox, token="wrong").find(_to(), since=_ago(minutes=1))
    assert (caught.value.code, caught.value.behaviour) == ("20003", "pause_campaign")


def test_a_message_nobody_knows_is_refused(messenger):
    with pytest.raises(Refused) as caught:
        messenger.fetch("SM" + "0" * 32)
    assert caught.value.code == "20404"


@pytest.mark.parametrize(
    ("code", "behaviour"), [(30003, "failed"), (30005, "do_not_retry_number"), (30007, "failed"), (30008, "unknown")]
)
def test_what_became_of_a_text_is_told(sandbox, messenger, code, behaviour):
    HTTP.post(f"{sandbox.url}/sandbox/twilio/webhooks", json={"pace": 0}).raise_for_status()
    sent = messenger.send(_to(f"+1500556{code % 10_000:04}"))
    told = _settled(messenger, sent.provider_id)
    assert (told.status, told.fate, told.error_code, told.behaviour) == (
        "undelivered", "failed", str(code), behaviour,
    )  # fmt: skip
    delivered = _settled(messenger, messenger.send(_to()).provider_id)
    assert (delivered.fate, delivered.error_code, delivered.behaviour) == ("delivered", None, None)


def _settled(messenger, provider_id):
    while (told := messenger.fetch(provider_id)).fate == "accepted":
        time.sleep(0.02)
    return told


def test_what_is_scheduled_can_be_cancelled_and_what_went_can_not(sandbox, messenger):
    scheduled = _schedule(sandbox)
    assert messenger.cancel(scheduled)
    assert messenger.fetch(scheduled).fate == "cancelled"
    sent = messenger.send(_to()).provider_id
    _settled(messenger, sent)
    assert not messenger.cancel(sent)
    with pytest.raises(Refused):
        _messenger(sandbox, token="not-the-token").cancel(sent)


def _schedule(sandbox):
    settings = sandbox.settings_overrides("twilio")
    account = settings["twilio_account_sid"], settings["twilio_auth_token"]
    form = {
        "To": PERSON, "MessagingServiceSid": SERVICE, "Body": "Tomorrow", "ScheduleType": "fixed",
        "SendAt": "2030-01-01T15:00:00Z",
    }  # fmt: skip
    url = settings["twilio_base_url"] + MESSAGES.format(AccountSid=account[0])
    return HTTP.post(url, data=form, auth=account).raise_for_status().json()["sid"]


@pytest.mark.parametrize("sender", [NUMBER, SERVICE])
def test_replies_are_polled_oldest_first(sandbox, messenger, sender):
    messenger.send(_to(sender=sender))
    began = _ago(seconds=2)
    for body in ("Who is this?", "STOP"):
        told = {"from": PERSON, "to": sender, "body": body}
        HTTP.post(f"{sandbox.url}/sandbox/twilio/inbound", json=told).raise_for_status()
    HTTP.post(f"{sandbox.url}/sandbox/twilio/inbound", json={"from": PERSON, "to": "+15005550177", "body": "?"})
    replies = messenger.replies(to=sender, since=began)
    assert [one.body for one in replies] == ["Who is this?", "STOP"]
    assert {one.sender for one in replies} == {PERSON}
    assert messenger.replies(to=sender, since=_ago(minutes=-1)) == []


def test_many_threads_may_send(sandbox, messenger):
    messages = [_to(f"+1215555{number:04}") for number in range(100, 160)]
    threads = [
        threading.Thread(target=lambda part=part: [messenger.send(one) for one in messages[part::6]])
        for part in range(6)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one["body"] for one in _log(sandbox)["messages"]) == sorted(one.body for one in messages)


FAULTS = (
    None, "reset", "reset_midway", "cut_off", "error_after", "status", "too_many", "truncated_json", "malformed_json",
    "wrong_shape", "expired_key",
)  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_neither_log_lines_nor_errors_tell_number_text_or_token(sandbox, messenger, caplog, kind):
    """Whatever goes wrong, the whole chain of causes included."""
    caplog.set_level(logging.DEBUG)
    message = _to(body="About your house on Main Street")
    errors = []
    for call in (lambda: messenger.send(message), lambda: messenger.find(message, since=_ago(minutes=1))):
        if kind is not None:
            sandbox.arm_fault("twilio", kind)
        try:
            call()
        except LeadflowError as error:
            errors.append("".join(traceback.format_exception(error)) + repr(error) + str(vars(error)))
    assert kind is None or errors
    token = sandbox.settings_overrides("twilio")["twilio_auth_token"]
    said = "\n".join([caplog.text, *(str(vars(one)) for one in caplog.records), *errors, repr(message)])
    for secret in (PERSON, PERSON[1:], PERSON[2:], "Main Street", "Main+Street", token):
        assert secret not in said


def test_requests_and_answers_are_those_the_openapi_description_allows(sandbox, messenger, monkeypatch):
    asked = []

    def record(session, prepared, **_given):
        asked.append(prepared)
        return original(session, prepared, **_given)

    original = requests.Session.send
    monkeypatch.setattr("requests.Session.send", record)
    url = "https://leads.acme.example/webhooks/twilio/acme/status/"
    described = SPEC["paths"][MESSAGES]
    for sender in (NUMBER, SERVICE):
        _messenger(sandbox, status_url=lambda known: f"{url}{known}").send(_to(sender=sender))
        form = dict(httpx.QueryParams(asked[-1].body))
        schema = described["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        _validate({**form, "ValidityPeriod": int(form["ValidityPeriod"])}, schema)
        assert form.keys() <= schema["properties"].keys()
    messenger.find(_to(), since=_ago(minutes=1))
    messenger.replies(to=NUMBER, since=_ago(minutes=1))
    known = {one["name"]: one["schema"] for one in described["get"]["parameters"]}
    for prepared in asked[-2:]:
        for name, text in httpx.URL(prepared.url).params.items():
            _validate(int(text) if known[name]["type"] == "integer" else text, known[name])
        answer = HTTP.send(httpx.Request("GET", prepared.url, headers=dict(prepared.headers))).json()
        _validate(answer, described["get"]["responses"]["200"]["content"]["application/json"]["schema"])
    taken = HTTP.post(asked[0].url, content=asked[0].body, headers=dict(asked[0].headers)).json()
    message = described["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    _validate(taken, message)
    assert taken.keys() == SPEC["components"]["schemas"]["api.v2010.account.message"]["properties"].keys()


def _validate(value, schema):
    """Against the description; OpenAPI 3.0 says `nullable` where JSON Schema says null."""
    jsonschema.validate(value, {**_nullable(schema), "components": _nullable(SPEC["components"])})


def _nullable(node):
    if isinstance(node, list):
        return [_nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    told = {name: _nullable(value) for name, value in node.items()}
    if told.get("nullable") is True:
        told["type"] = [told["type"], "null"]
    return told
