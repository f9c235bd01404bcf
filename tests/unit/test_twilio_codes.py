"""Twilio's error codes and statuses: what each asks of us."""

import itertools

import pytest

from leadflow_pipelines.outreach.messengers.error_codes import fate_of, is_later, twilio_code, twilio_codes

EXPECTED = {
    "suppress": [21610],
    "do_not_retry_number": [21211, 21408, 21612, 21614, 30004, 30005, 30006],
    "retry_later": [20429, 21611, 30001, 30022],
    "pause_sender": [21212, 21606, 30023, 30034],
    "pause_campaign": [20003, 30002, 30468],
    "unknown": [30008],
    "failed": [30003, 30007, 30036, 30047],
}


@pytest.mark.parametrize(("behaviour", "code"), [(name, code) for name, codes in EXPECTED.items() for code in codes])
def test_a_known_code_asks_for_its_behaviour(behaviour, code):
    known = twilio_codes()[str(code)]
    assert known.behaviour == behaviour
    assert str(code) in known.source
    assert known.text


def test_an_unknown_code_fails_its_own_message_and_stops_nothing():
    assert twilio_code(99_999).behaviour == "failed"
    assert twilio_code("21610").behaviour == twilio_code(21610).behaviour == "suppress"


def test_statuses_have_fates():
    assert [fate_of(one) for one in ("accepted", "scheduled", "queued", "sending", "sent")] == ["accepted"] * 5
    assert [fate_of(one) for one in ("delivered", "read")] == ["delivered"] * 2
    assert [fate_of(one) for one in ("failed", "undelivered", "canceled")] == ["failed", "failed", "cancelled"]


def test_a_message_never_goes_back_whatever_the_order_of_callbacks():
    for order in itertools.permutations(["queued", "sent", "delivered"]):
        known = None
        for status in order:
            known = status if is_later(status, known) else known
        assert known == "delivered"
    assert not is_later("delivered", "undelivered")
    assert not is_later("sent", "failed")
    assert not is_later("what?", "queued")
