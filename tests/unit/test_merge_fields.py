"""Merge fields: what a text must say, and what becomes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.outreach.campaigns.merge_fields import (
    FIELDS,
    REQUIRED,
    MissingFields,
    faults_in,
    links_of,
    render,
)

VALUES = {"first_name": "Ada", "sender_name": "Example Homes", "street": "1 Example St"}


def test_fields_are_filled_in_and_words_stand_in_for_the_unknown() -> None:
    assert render("Hi {first_name|neighbour}, {sender_name} here", VALUES) == "Hi Ada, Example Homes here"
    assert render("Hi {full_name|neighbour}", VALUES) == "Hi neighbour"
    assert render("Hi{full_name|}!", VALUES) == "Hi!"


def test_every_gap_is_named() -> None:
    with pytest.raises(MissingFields, match="city, state") as told:
        render("{city} {state} {city} {first_name}", VALUES)
    assert told.value.fields == ["city", "state"]


@pytest.mark.parametrize("channel", REQUIRED)
def test_who_writes_and_how_to_stop_it_must_be_said(channel: str) -> None:
    whole = " ".join(f"{{{name}}}" for name in REQUIRED[channel])
    assert faults_in(channel, "Subject", whole) == []
    for name in REQUIRED[channel]:
        told = faults_in(channel, "Subject", whole.replace(f"{{{name}}}", ""))
        assert [f"{{{name}}}" in fault for fault in told] == [True]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("{sender_name} {opt_out} {firstname}", "{firstname}"),
        ("{sender_name} {opt_out} {First}", "brace"),
        ("{sender_name} {opt_out} {link:javascript:alert(1)}", "brace"),
        ("{sender_name} {opt_out}" + "x" * 1600, "1600"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused(body: str, named: str) -> None:
    assert any(named in fault for fault in faults_in("sms", None, body))


def test_an_email_needs_a_subject_and_a_channel_must_be_known() -> None:
    assert any("subject" in fault for fault in faults_in("email", " ", "{sender_name}"))
    assert faults_in("fax", None, "") == ["There is no channel 'fax'; use sms, voice, mail, email."]


def test_links_are_numbered_by_their_place() -> None:
    body = "See {link:https://example.com/a?b=1} or {link:http://example.com}"
    assert links_of(body) == ["https://example.com/a?b=1", "http://example.com"]


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(min_size=1)))
def test_a_value_is_never_read_as_a_field(values: dict[str, str]) -> None:
    text = "".join(f"[{{{name}}}]" for name in values)
    assert render(text, values) == "".join(f"[{value}]" for value in values.values())
