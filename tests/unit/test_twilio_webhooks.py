"""Webhooks that say they are Twilio's: the published signature, and all that must not pass for one."""

import base64
import datetime as dt
import hashlib
import hmac
from uuid import UUID

import pytest
from starlette.datastructures import FormData

from leadflow_pipelines.outreach.messengers.twilio_webhooks import (
    inbound_path,
    is_signed,
    reply_of,
    status_of,
    status_path,
    webhook_url,
)

NOW = dt.datetime(2026, 11, 22, 15, tzinfo=dt.UTC)
TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309",
    "To": "+18005551212",
}  # fmt: skip
PUBLISHED = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
"""twilio.com/docs/usage/webhooks/webhooks-security."""


def _signed(text, token=TOKEN):
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def test_the_published_vector_is_accepted():
    assert is_signed(URL, FORM, PUBLISHED, TOKEN)
    assert is_signed(URL.replace(".com/", ".com:443/"), FORM, PUBLISHED, TOKEN)


@pytest.mark.parametrize(
    ("url", "form", "signature", "token"),
    [
        (URL, FORM, PUBLISHED, "12346"),
        (URL, FORM, "", TOKEN),
        (URL, FORM, PUBLISHED, ""),
        (URL, FORM, PUBLISHED[:-2] + "9=", TOKEN),
        (URL, {**FORM, "Digits": "1235"}, PUBLISHED, TOKEN),
        (URL, {**FORM, "OptOutType": "START"}, PUBLISHED, TOKEN),
        (URL, {name: value for name, value in FORM.items() if name != "Caller"}, PUBLISHED, TOKEN),
        (URL, {}, PUBLISHED, TOKEN),
        ("https://mycompany.com/myapp.php?bar=2&foo=1", FORM, PUBLISHED, TOKEN),
        (URL.replace("https", "http"), FORM, PUBLISHED, TOKEN),
        (URL.replace("mycompany.com", "evil.example"), FORM, PUBLISHED, TOKEN),
        (URL.replace("myapp.php", "myapp.php/"), FORM, PUBLISHED, TOKEN),
        (URL.replace("myapp.php", "other.php"), FORM, PUBLISHED, TOKEN),
    ],
    ids=[
        "another token", "no signature", "no token", "a forged signature", "a changed field", "a field more",
        "a field less", "no fields", "the query in another order", "without TLS", "another host", "a slash more",
        "another path",
    ],
)  # fmt: skip
def test_anything_else_is_refused(url, form, signature, token):
    assert not is_signed(url, form, signature, token)


def test_without_a_token_nobody_can_sign():
    url = "https://x.example/"
    assert is_signed(url, {"Body": "STOP"}, _signed(f"{url}BodySTOP"), TOKEN)
    assert not is_signed(url, {"Body": "STOP"}, _signed(f"{url}BodySTOP", token=""), "")


def test_repeated_fields_are_signed_each_once_in_order():
    form = FormData([("To", "b"), ("To", "a"), ("From", "c"), ("To", "a")])
    assert is_signed("https://x.example/", form, _signed("https://x.example/FromcToaTob"), TOKEN)
    assert not is_signed("https://x.example/", form, _signed("https://x.example/FromcTob"), TOKEN)


def test_spaces_at_the_ends_of_a_body_count():
    assert is_signed("https://x.example/", {"Body": " STOP "}, _signed("https://x.example/Body STOP "), TOKEN)
    assert not is_signed("https://x.example/", {"Body": "STOP"}, _signed("https://x.example/Body STOP "), TOKEN)


def test_json_is_signed_by_its_digest():
    body = '{"type":"com.twilio.messaging.reassigned-number.detected"}'
    url = f"https://x.example/events?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    assert is_signed(url, body, _signed(url), TOKEN)
    assert not is_signed(url, body + " ", _signed(url), TOKEN)
    bare = "https://x.example/events"
    assert not is_signed(bare, body, _signed(bare), TOKEN)
    assert not is_signed(bare, "ab", _signed(bare + "".join(one * 2 for one in "ab")), TOKEN)


def test_the_intent_is_part_of_the_address_that_is_signed():
    message = UUID("00000000-0000-4000-8000-000000000001")
    path = status_path("acme", message)
    assert str(message) in path
    assert webhook_url("https://leads.acme.example/", path) == f"https://leads.acme.example{path}"
    assert inbound_path("acme") != inbound_path("other")


def test_a_status_callback_is_read():
    told = status_of({"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30005", "NumSegments": "2"})
    assert (told.provider_id, told.fate, told.error_code, told.segments) == ("SM1", "failed", "30005", 2)
    assert told.behaviour == "do_not_retry_number"
    on_the_way = status_of({"MessageSid": "SM1", "MessageStatus": "sent"})
    assert (on_the_way.fate, on_the_way.error_code, on_the_way.behaviour) == ("accepted", None, None)
    with pytest.raises(KeyError):
        status_of({"Body": "hello"})


def test_a_reply_is_read():
    form = {"MessageSid": "SM2", "From": "+12155550101", "To": "+15005550100", "Body": " Stop ", "OptOutType": "STOP"}
    told = reply_of(form, NOW)
    assert (told.sender, told.received_by, told.body, told.opt_out_type) == (
        "+12155550101", "+15005550100", " Stop ", "STOP",
    )  # fmt: skip
    assert told.received_at == NOW
    assert reply_of({**form, "OptOutType": ""}, NOW).opt_out_type is None
