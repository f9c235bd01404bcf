"""What is taken out of texts and error events before they leave the process."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.errors import InvalidSettings
from leadflow_pipelines.observability import Scrubber, bind_correlation, init_error_reports, report_error
from leadflow_pipelines.observability.error_reports import scrub_event
from leadflow_pipelines.settings import load_settings

SCRUBBER = Scrubber(["t0p-secret-value"])


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("call +12125550123 now", "2125550123"),
        ("call (212) 555-0123", "555-0123"),
        ("call 212.555.0123", "555.0123"),
        ("call 1-212-555-0123", "555-0123"),
        ("call 2125550123.", "2125550123"),
        ("to +442079460123", "442079460123"),
        ("from ann.example+x@mail.example", "ann.example"),
        ("ssn 078-05-1120", "078-05-1120"),
        ("the value t0p-secret-value leaked", "t0p-secret-value"),
        ("apikey=abc123", "abc123"),
        ("headers {'X-Api-Key': 'abc123', 'Accept': '*/*'}", "abc123"),
        ('{"access_token": "abc123"}', "abc123"),
        ("Authorization: Bearer abcdef123", "abcdef123"),
        ("Authorization: Basic YW5uOnB3", "YW5uOnB3"),
        ("password=hunter2; next", "hunter2"),
        ("postgresql://app:hunter2@localhost:5432/leadflow", "hunter2"),
        ("GET https://vendor.example/property?address1=1+Main+St", "Main"),
    ],
)
def test_secrets_and_people_are_taken_out_of_a_text(text: str, gone: str) -> None:
    assert gone not in SCRUBBER.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T10:00:00.123+00:00 pulled 250 records for 12345 at 2.50",
        "run 7f9c24e8-3b12-4fef-91d0-a2b8c5d6e7f8 of day 2026-11-21",
        "postgres listens on 127.0.0.1:55432",
        "took 1700000000.25 s",
        "https://vendor.example/property answered 503",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert SCRUBBER.text(text) == text


@given(st.from_regex(r"[2-9]\d\d555[01]\d{3}", fullmatch=True), st.sampled_from(["", " ", "-", "."]))
def test_no_way_of_writing_a_phone_passes(digits: str, gap: str) -> None:
    phone = gap.join([digits[:3], digits[3:6], digits[6:]])
    assert SCRUBBER.text(f"to {phone}, twice") == "to [phone], twice"


def test_a_private_name_loses_its_value_whatever_it_looks_like() -> None:
    value = {"owner_name": "Ann", "phone": 2125550123, "emails": ["x"], "phones_found": 2, "zip5": "12345"}
    assert SCRUBBER.value(value) == {
        "owner_name": "[removed]",
        "phone": "[removed]",
        "emails": ["[removed]"],
        "phones_found": 2,
        "zip5": "12345",
    }


def test_every_secret_setting_is_known_by_value_and_by_the_password_in_it() -> None:
    settings = load_settings(
        batchdata_api_key="kkkkkkkk",
        database_url="postgresql://a:pw-of-app@h/d",
        database_owner_url="postgresql://o:pw-of-owner@h/d",
        dagster_database_url="postgresql://d:pw-of-dagster@h/d",
    )
    text = Scrubber.from_settings(settings).text("kkkkkkkk pw-of-app pw-of-owner pw-of-dagster")
    assert text == " ".join(["[removed]"] * 4)


def test_an_event_keeps_where_it_happened_and_nothing_of_whom_it_was_about() -> None:
    event = {
        "event_id": "a" * 32,
        "user": {"ip_address": "127.0.0.1"},
        "server_name": "anns-laptop",
        "request": {
            "url": "https://leadflow.example/leads?phone=2125550123",
            "method": "GET",
            "query_string": "phone=2125550123",
            "headers": {"Cookie": "session=abc"},
        },
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "value": "ann@mail.example has t0p-secret-value",
                    "stacktrace": {
                        "frames": [{"function": "pull", "lineno": 7, "vars": {"owner": "Ann"}, "context_line": "x"}]
                    },
                }
            ]
        },
        "breadcrumbs": {"values": [{"message": "texted 212-555-0123", "data": {"http.query": "q=Ann"}}]},
        "extra": {"owner_name": "Ann"},
        "tags": {"process": "cli"},
    }
    with bind_correlation(correlation_id="c1", run_id="r1", org="default"):
        scrubbed = scrub_event(event, {}, scrubber=SCRUBBER)  # type: ignore[arg-type]
    written = json.dumps(scrubbed)
    assert not [
        private
        for private in ("Ann", "ann", "0123", "t0p-secret", "127.0.0.1", "session", "vars")
        if private in written
    ]
    assert scrubbed["request"] == {"url": "https://leadflow.example/leads", "method": "GET"}
    frame = scrubbed["exception"]["values"][0]["stacktrace"]["frames"][0]
    assert (frame["function"], frame["lineno"]) == ("pull", 7)
    assert scrubbed["tags"] == {"process": "cli", "correlation_id": "c1", "run_id": "r1", "org": "default"}
    assert scrubbed["event_id"] == "a" * 32


def test_without_a_dsn_nothing_is_set_up() -> None:
    assert init_error_reports(load_settings(), process="cli") is False
    report_error("nobody hears this")


def test_a_malformed_dsn_is_a_fault_of_the_settings() -> None:
    with pytest.raises(InvalidSettings, match="LEADFLOW_SENTRY_DSN"):
        init_error_reports(load_settings(sentry_dsn="not a dsn"), process="cli")
