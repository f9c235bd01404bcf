"""The simulated Twilio: texts move and expire, callbacks come badly, replies opt out, and its log tells the truth."""

import datetime as dt
import time
import uuid

import httpx
import jsonschema
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.messengers.messenger import NotProcessed, Outgoing, Refused
from leadflow_pipelines.outreach.messengers.twilio import TwilioMessenger
from leadflow_pipelines.outreach.messengers.twilio_webhooks import is_signed
from leadflow_pipelines.providers.sandbox.faults import OWN_KINDS, FaultSwitch
from leadflow_pipelines.providers.sandbox.texting.inbox import WORDS
from leadflow_pipelines.providers.sandbox.texting.webhooks import Postman
from tests.raw_items import recorded
from tests.webhook_receiver import WebhookReceiver

PERSON, NUMBER, SERVICE = "+12155550101", "+15005550106", "MG" + "0a" * 16
PUBLIC = "https://leads.acme.example"
HTTP = httpx.Client(timeout=30)


@pytest.fixture
def receiver():
    with WebhookReceiver() as one:
        yield one


@pytest.fixture
def sandbox(twilio, receiver):
    twilio.disarm_faults()
    _ask(twilio, "DELETE", "log")
    _configure(twilio, receiver)
    return twilio


@pytest.fixture
def messenger(sandbox):
    given = sandbox.settings_overrides("twilio")
    return TwilioMessenger(
        given["twilio_account_sid"],
        given["twilio_auth_token"],
        base_url=given["twilio_base_url"],
        timeout_seconds=10,
        status_url=lambda known: f"{PUBLIC}/status/{known}?a=1",
    )


def _ask(sandbox, method, path, **told):
    answer = HTTP.request(method, f"{sandbox.url}/sandbox/twilio/{path}", **told)
    return answer.raise_for_status().json()


def _configure(sandbox, receiver, **told):
    wanted = {"inbound_url": f"{PUBLIC}/inbound", "deliver_to": receiver.url, "pace": 0.2}
    _ask(sandbox, "POST", "webhooks", json={**wanted, **told})


def _log(sandbox):
    return _ask(sandbox, "GET", "log")


def _under_way(sandbox):
    return [one for one in _log(sandbox)["messages"] if one["status"] in ("queued", "sent")]


def _until(is_so):
    """Waits for what happens elsewhere; the runner's time limit ends it."""
    while not is_so():
        time.sleep(0.02)


def _to(person=PERSON, sender=NUMBER, **changes):
    return Outgoing(uuid.uuid4(), person, sender, f"Hello {uuid.uuid4()}", **changes)


def _reply(sandbox, body, *, person=PERSON, to=NUMBER):
    return _ask(sandbox, "POST", "inbound", json={"from": person, "to": to, "body": body})


def _people(count):
    return [f"+1215555{number:04}" for number in range(1000, 1000 + count)]


def _told(receiver, sent, count):
    return [one.form["MessageStatus"] for one in receiver.wait_for(count, MessageSid=sent.provider_id)]


def _is_signed(sandbox, webhook):
    token = sandbox.settings_overrides("twilio")["twilio_auth_token"]
    return is_signed(PUBLIC + webhook.path, webhook.form, webhook.headers["x-twilio-signature"], token)


@pytest.mark.parametrize(
    ("sender", "statuses"), [(NUMBER, ["sent", "delivered"]), (SERVICE, ["queued", "sent", "delivered"])]
)
def test_a_text_is_delivered_and_each_status_but_the_first_is_told(sandbox, receiver, messenger, sender, statuses):
    message = _to(sender=sender)
    sent = messenger.send(message)
    assert sorted(_told(receiver, sent, len(statuses))) == sorted(statuses)
    for webhook in receiver.came:
        assert webhook.path == f"/status/{message.message_id}?a=1"
        assert webhook.headers["host"] == "leads.acme.example"
        assert webhook.form["To"] == PERSON
        assert "ErrorCode" not in webhook.form
        assert _is_signed(sandbox, webhook)
    (logged,) = _log(sandbox)["messages"]
    assert (logged["status"], logged["message_id"]) == ("delivered", str(message.message_id))
    assert logged["accepted_at"] < logged["delivered_at"] < logged["expires_at"]


@pytest.mark.parametrize(("kind", "code"), [("filtered", 30007), ("unreachable", 30003), ("carrier_unknown", 30008)])
def test_carriers_lose_texts(sandbox, receiver, messenger, kind, code):
    sandbox.arm_fault("twilio", kind)
    sent = messenger.send(_to())
    assert sorted(_told(receiver, sent, 2)) == ["sent", "undelivered"]  # callbacks are under way side by side
    assert receiver.having(MessageStatus="undelivered")[0].form["ErrorCode"] == str(code)
    (logged,) = _log(sandbox)["messages"]
    assert (logged["status"], logged["error_code"], logged["delivered_at"]) == ("undelivered", code, None)


def test_a_late_text_expires_at_the_end_of_its_validity(sandbox, receiver, messenger):
    sandbox.arm_fault("twilio", "late", share=1.0)
    for person in _people(40):
        messenger.send(_to(person, valid_seconds=18_000))
    expired = receiver.wait_for(1, MessageStatus="failed")
    assert {one.form["ErrorCode"] for one in expired} == {"30036"}
    _until(lambda: not _under_way(sandbox))
    logged = _log(sandbox)["messages"]
    arrived = [one for one in logged if one["status"] == "delivered"]
    assert 8 <= len(arrived) <= 32
    assert all(one["delivered_at"] <= one["expires_at"] for one in arrived)
    hours = [_instant(one["delivered_at"]) - _instant(one["accepted_at"]) for one in arrived]
    assert max(hours) > dt.timedelta(hours=1)
    assert {one["status"] for one in logged} == {"delivered", "failed"}


def _instant(text):
    return dt.datetime.fromisoformat(text)


def test_callbacks_come_twice_under_one_token(sandbox, receiver, messenger):
    sandbox.arm_fault("twilio", "duplicate_callback")
    sent = messenger.send(_to())
    assert sorted(_told(receiver, sent, 4)) == ["delivered", "delivered", "sent", "sent"]
    tokens = [one.headers["i-twilio-idempotency-token"] for one in receiver.having(MessageStatus="sent")]
    assert len(set(tokens)) == 1


def test_callbacks_come_out_of_order(sandbox, receiver, messenger):
    _configure(sandbox, receiver, pace=10)  # so far apart that none overtakes another on its way
    sandbox.arm_fault("twilio", "out_of_order")
    assert _told(receiver, messenger.send(_to(sender=SERVICE)), 3) == ["delivered", "sent", "queued"]


def test_callbacks_get_lost_and_the_status_can_be_asked_for(sandbox, receiver, messenger):
    sandbox.arm_fault("twilio", "lost_callback")
    lost = messenger.send(_to())
    _told(receiver, messenger.send(_to("+12155550102")), 2)
    _until(lambda: messenger.fetch(lost.provider_id).fate == "delivered")
    assert receiver.having(MessageSid=lost.provider_id) == []


def test_a_forged_callback_comes_first_and_is_not_signed(sandbox, receiver, messenger):
    sandbox.arm_fault("twilio", "forged_callback")
    receiver.status = 403
    told = _told(receiver, messenger.send(_to()), 3)
    told.remove("sent")  # under way at the same time: it may come before, between or after
    assert told == ["undelivered", "delivered"]
    assert {one.form["MessageStatus"]: _is_signed(sandbox, one) for one in receiver.came} == {
        "undelivered": False, "sent": True, "delivered": True,
    }  # fmt: skip
    assert _log(sandbox)["callbacks"]["forged_refused"] == 1


def test_nobody_is_called_beyond_this_machine(sandbox, receiver, messenger):
    _configure(sandbox, receiver, deliver_to=None)
    messenger.send(_to())
    assert _reply(sandbox, "hello")["status"] is None
    _until(lambda: _log(sandbox)["callbacks"].get("unanswered", 0) == 2)
    assert receiver.came == []


def test_no_connection_is_made_to_another_machine(monkeypatch):
    called = []
    monkeypatch.setattr("http.client.HTTPConnection.connect", lambda self: called.append(self.host))
    for deliver_to in (None, "http://192.0.2.1:80"):
        postman = Postman()
        postman.deliver_to = deliver_to
        assert postman.post(f"{PUBLIC}/status", {"MessageSid": "SM1"}, token="SM1") is None
    assert called == []


def test_what_was_forgotten_is_not_told_of(sandbox, receiver, messenger):
    _configure(sandbox, receiver, pace=5)
    forgotten, kept = _to(), _to()
    first = messenger.send(forgotten)
    _ask(sandbox, "DELETE", "log")
    assert messenger.send(kept).provider_id == first.provider_id
    assert {one.path for one in receiver.wait_for(2)} == {f"/status/{kept.message_id}?a=1"}


@pytest.mark.parametrize("sender", [NUMBER, SERVICE])
def test_stop_ends_texts_from_that_sender_and_start_lets_them_again(sandbox, receiver, messenger, sender):
    messenger.send(_to(sender=sender))
    told = _reply(sandbox, " Stop ", to=sender)
    assert (told["opt_out_type"], told["status"]) == ("STOP", 204)
    assert _instant(told["received_at"]) <= _instant(told["acknowledged_at"])
    with pytest.raises(Refused) as caught:
        messenger.send(_to(sender=sender))
    assert caught.value.code == "21610"
    messenger.send(_to(sender="+15005550199"))
    messenger.send(_to("+12155550102", sender=sender))
    log = _log(sandbox)
    assert [one["code"] for one in log["refused"]] == [21610]
    assert [one["acknowledged_at"] for one in log["inbound"]] == [told["acknowledged_at"]]
    _reply(sandbox, "start", to=sender)
    messenger.send(_to(sender=sender))


def test_replies_are_signed_webhooks(sandbox, receiver):
    for body, kind in {**dict.fromkeys(("stop by tomorrow", "NO", ""), None), **WORDS}.items():
        _reply(sandbox, body)
        webhook = receiver.came[-1]
        assert (webhook.path, webhook.form["Body"], webhook.form.get("OptOutType")) == ("/inbound", body, kind)
        assert _is_signed(sandbox, webhook)


def test_a_refused_webhook_is_not_acknowledged(sandbox, receiver):
    receiver.status = 500
    assert _reply(sandbox, "STOP")["acknowledged_at"] is None
    assert _log(sandbox)["inbound"][0]["acknowledged_at"] is None


def test_twilio_may_be_told_to_let_those_through_who_opted_out(sandbox, receiver, messenger):
    _configure(sandbox, receiver, blocks_opted_out=False)
    _reply(sandbox, "STOP")
    messenger.send(_to())
    log = _log(sandbox)
    assert log["messages"][0]["accepted_at"] > log["inbound"][0]["acknowledged_at"]


@pytest.mark.parametrize(
    ("kind", "signed"),
    [("duplicate_inbound", [True, True]), ("forged_inbound", [False, True]), ("lost_inbound", [])],
)
def test_replies_come_badly(sandbox, receiver, messenger, kind, signed):
    sandbox.arm_fault("twilio", kind)
    _reply(sandbox, "STOP")
    assert [_is_signed(sandbox, one) for one in receiver.came] == signed
    assert len({one.headers["i-twilio-idempotency-token"] for one in receiver.came}) <= 1
    polled = messenger.replies(to=NUMBER, since=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1))
    assert [one.body for one in polled] == ["STOP"]


def test_a_share_of_all_suffers_and_the_same_ones_each_time(sandbox, receiver, messenger):
    def filtered():
        _ask(sandbox, "DELETE", "log")
        sandbox.disarm_faults()
        sandbox.arm_fault("twilio", "filtered", share=0.3)
        sandbox.arm_fault("twilio", "too_many", share=0.2)
        refused = []
        for person in _people(100):
            try:
                messenger.send(_to(person))
            except NotProcessed:
                refused.append(person)
        _until(lambda: not _under_way(sandbox))
        logged = _log(sandbox)["messages"]
        return refused, {one["to"] for one in logged if one["error_code"] == 30007}, [one["sid"] for one in logged]

    refused, lost, sids = filtered()
    assert 8 <= len(refused) <= 35
    assert 12 <= len(lost) <= 40
    assert filtered() == (refused, lost, sids)


def test_every_fault_of_its_own_may_be_written_on_the_command_line():
    switch = FaultSwitch()
    for kind in OWN_KINDS["twilio"]:
        switch.arm_share(f"twilio.{kind}=0.1")
    assert [one.share for one in switch.armed] == [0.1] * len(OWN_KINDS["twilio"])
    for wrong in ("twilio.filtered", "twilio.filtered=2", "attom.filtered=0.1", "twilio.filterd=0.1", "*.filtered=0.1"):
        with pytest.raises(InvalidInput):
            switch.arm_share(wrong)


def test_pages_of_a_list_do_not_shift_when_texts_come(sandbox, messenger):
    for _ in range(5):
        messenger.send(_to())
    given = sandbox.settings_overrides("twilio")
    account = given["twilio_account_sid"], given["twilio_auth_token"]
    base = given["twilio_base_url"]
    uri, seen = f"/2010-04-01/Accounts/{account[0]}/Messages.json?PageSize=2", []
    while uri:
        page = HTTP.get(base + uri, auth=account).raise_for_status().json()
        seen += [one["sid"] for one in page["messages"]]
        uri = page["next_page_uri"]
        messenger.send(_to())
    assert seen == [one["sid"] for one in _log(sandbox)["messages"][:5]][::-1]


def test_a_list_is_filtered_by_day_sender_and_recipient(sandbox, messenger):
    _reply(sandbox, "hello")
    given = sandbox.settings_overrides("twilio")
    account = given["twilio_account_sid"], given["twilio_auth_token"]
    url = f"{given['twilio_base_url']}/2010-04-01/Accounts/{account[0]}/Messages.json"
    later = {"ScheduleType": "fixed", "SendAt": "2030-01-01T15:00:00Z", "MessagingServiceSid": SERVICE}
    HTTP.post(url, data={"To": "+12155550102", "Body": "not sent yet", **later}, auth=account).raise_for_status()
    assert len(HTTP.get(url, auth=account).json()["messages"]) == 2
    today = dt.datetime.now(dt.UTC).date()
    days = {name: (today + dt.timedelta(days=delta)).isoformat() for name, delta in (("yesterday", -1), ("later", 1))}
    for query, count in (
        ({"DateSent": today.isoformat()}, 1), ({"DateSent": days["yesterday"]}, 0),
        ({"DateSent>": days["yesterday"]}, 1), ({"DateSent>": days["later"]}, 0), ({"DateSent<": days["later"]}, 1),
        ({"DateSent<": days["yesterday"]}, 0), ({"From": PERSON}, 1), ({"From": NUMBER}, 0), ({"To": NUMBER}, 1),
        ({"To": PERSON}, 0),
    ):  # fmt: skip
        found = HTTP.get(url, params=query, auth=account).raise_for_status().json()["messages"]
        assert len(found) == count, query


@pytest.mark.parametrize(
    ("number", "line_type", "has_new_owner"),
    [
        ("+15005558001", "mobile", "yes"),
        ("+15005558002", "mobile", "no_data_available"),
        ("+15005558003", "landline", "no"),
        ("+15005558005", None, None),
    ],
)
def test_a_lookup_tells_line_type_and_new_owner(sandbox, number, line_type, has_new_owner):
    query = {"Fields": "line_type_intelligence,reassigned_number", "LastVerifiedDate": "20250102"}
    told = _lookup(sandbox, number, query)
    assert told["line_type_intelligence"]["type"] == line_type
    assert told["reassigned_number"]["is_number_reassigned"] == has_new_owner
    assert told["reassigned_number"]["last_verified_date"] == "2025-01-02"
    assert (told["line_type_intelligence"]["error_code"] is None) == (line_type is not None)
    assert _lookup(sandbox, number, {})["line_type_intelligence"] is None


def test_lookups_differ_by_number_and_are_as_described(sandbox):
    query = {"Fields": "line_type_intelligence,reassigned_number"}
    told = [_lookup(sandbox, number, query) for number in _people(60)]
    assert {one["line_type_intelligence"]["type"] for one in told} >= {"mobile", "landline"}
    assert {one["reassigned_number"]["is_number_reassigned"] for one in told} == {"no_data_available"}
    schemas = recorded("twilio_openapi.json")["components"]["schemas"]
    assert told[0].keys() == schemas["LookupResponse"]["properties"].keys()
    for field, name in (
        ("line_type_intelligence", "LineTypeIntelligenceInfo"),
        ("reassigned_number", "ReassignedNumberInfo"),
    ):
        assert told[0][field].keys() == schemas[name]["properties"].keys()
        filled = {key: value for key, value in told[0][field].items() if value is not None}
        jsonschema.validate(filled, schemas[name])
    assert _lookup(sandbox, "+1215", query)["valid"] is False


def _lookup(sandbox, number, query):
    given = sandbox.settings_overrides("twilio")
    account = given["twilio_account_sid"], given["twilio_auth_token"]
    url = f"{given['twilio_base_url']}/v2/PhoneNumbers/{number}"
    return HTTP.get(url, params=query, auth=account).raise_for_status().json()


def test_without_the_token_nothing_is_answered(sandbox):
    given = sandbox.settings_overrides("twilio")
    for path in ("/v2/PhoneNumbers/+12155550101", f"/2010-04-01/Accounts/{given['twilio_account_sid']}/Messages.json"):
        assert HTTP.get(given["twilio_base_url"] + path).status_code == 401
