"""Evidence as nobody should give it: what cannot be read is refused or counts against, and never clears anybody."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from leadflow_pipelines.compliance import (
    CONSENT_COLUMNS,
    HOLD_COLUMNS,
    SEND_COLUMNS,
    SUPPRESSION_COLUMNS,
    Limits,
    decide_contacts,
    decide_sends,
    load_rules,
    replay_decisions,
)
from leadflow_pipelines.compliance.clear_sends import HISTORY_COLUMNS
from leadflow_pipelines.errors import InvalidInput

RULES = load_rules()
NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)  # a Tuesday, 11:00 in Nashville
CALL: dict[str, Any] = {
    "zip": "37203", "day": NOW.date(), "property_id": "p1", "contact_point_id": "c1", "kind": "phone",
    "person_name": "Pat Example", "phone_e164": "+16155550123", "line_type": "landline", "email": None,
    "mailing_street": "12 Elm St", "mailing_city": "Nashville", "mailing_state": "TN", "mailing_zip5": "37203",
    "is_on_dnc": False, "is_litigator": False, "is_reachable": True, "fetched_at": NOW - timedelta(days=1),
    "source": "simulated", "property_state": None, "property_zip": None, "is_owner_occupied": True,
    "channel": "voice", "is_registered": None, "contact_hashes": ["v1:a"],
}  # fmt: skip


def frame(**change: Any) -> pl.DataFrame:
    return pl.DataFrame([{**CALL, **change}], schema={name: SEND_COLUMNS[name] for name in CALL}, orient="row")


def decide(points: pl.DataFrame, **more: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "rules": RULES, "now": NOW, "consents": pl.DataFrame(schema=CONSENT_COLUMNS),
        "suppressions": pl.DataFrame(schema=SUPPRESSION_COLUMNS), **more,
    }  # fmt: skip
    return decide_contacts(points, **asked).row(-1, named=True)


def send(points: pl.DataFrame, *attempts: tuple[Any, Any], **more: Any) -> pl.DataFrame:
    asked: dict[str, Any] = {
        "rules": RULES, "instant": NOW, "consents": pl.DataFrame(schema=CONSENT_COLUMNS),
        "suppressions": pl.DataFrame(schema=SUPPRESSION_COLUMNS), "limits": Limits(1, 3),
        "history": pl.DataFrame(attempts, schema=HISTORY_COLUMNS, orient="row"), **more,
    }  # fmt: skip
    return decide_sends(points, **asked)


def test_the_plain_call_is_cleared() -> None:
    assert decide(frame())["verdict"] == "cleared"
    assert send(frame())["verdict"].item() == "cleared"


@pytest.mark.parametrize(
    ("zip5", "states"),
    [
        ("42223", ["KY", "TN"]),
        ("42223-1234", ["KY", "TN"]),
        ("422231234", ["KY", "TN"]),
        (" 42223 ", ["KY", "TN"]),
        ("2108", ["TN"]),
        ("42", ["TN"]),
    ],
)
def test_a_zip_gives_its_states_however_it_is_written(zip5: str, states: list[str]) -> None:
    """2108 is Boston's 02108 without its zero, and says nothing of Maryland."""
    assert decide(frame(mailing_zip5=zip5))["states"] == states


def test_a_zip_that_names_no_place_is_no_place_to_be_guessed() -> None:
    told = decide(frame(mailing_state=None, mailing_zip5="2108"))
    assert told["reason_codes"] == ["state_unknown", "zone_unknown"]


@pytest.mark.parametrize(
    ("state", "zip5", "area_code"),
    [("PR", "00901", "787"), ("GU", "96910", "671"), ("VI", "00802", "340"), ("AS", "96799", "684"),
     ("MP", "96950", "670"), ("AE", "09012", "615"), ("tn", "37203", "615"), ("Tennessee", "37203", "615"),
     (None, None, "999"), (None, None, "416")],
)  # fmt: skip
def test_where_no_rule_is_known_nobody_is_called(state: str | None, zip5: str | None, area_code: str) -> None:
    told = decide(frame(mailing_state=state, mailing_zip5=zip5, phone_e164=f"+1{area_code}5550123"))
    assert {"state_unknown", "zone_unknown"} <= set(told["reason_codes"])
    assert told["calling_windows"] is None


@pytest.mark.parametrize(
    "phone", ["+442079460123", "+1615555012", "+161555501234", "6155550123", "+1 615 555 0123", "+16155550123;ext=5",
              "+16155550123\n", "＋16155550123", "tel:+16155550123", ""],
)  # fmt: skip
def test_a_number_in_another_form_is_no_number(phone: str) -> None:
    assert "invalid_phone" in decide(frame(phone_e164=phone))["reason_codes"]


@pytest.mark.parametrize(
    ("column", "reason"), [("is_on_dnc", "dnc_unknown"), ("is_litigator", "litigator_unknown"),
                           ("fetched_at", "dnc_stale")],
)  # fmt: skip
def test_not_a_number_is_nothing_known(column: str, reason: str) -> None:
    told = decide(frame().with_columns(pl.lit(float("nan")).alias(column)))
    assert told["reason_codes"] == [reason]


@pytest.mark.parametrize(("column", "value"), [("is_on_dnc", "no"), ("fetched_at", "yesterday")])
def test_values_of_another_type_are_refused(column: str, value: str) -> None:
    with pytest.raises(InvalidInput, match="contact points hold values that cannot be read"):
        decide(frame().with_columns(pl.lit(value).alias(column)))


def test_an_instant_is_the_same_in_any_zone_and_unit() -> None:
    fetched = pl.col("fetched_at")
    as_given = decide(frame())["evidence_hash"]
    for other in (fetched.dt.convert_time_zone("America/Chicago"), fetched.dt.cast_time_unit("ns")):
        assert decide(frame().with_columns(other))["evidence_hash"] == as_given


@pytest.mark.parametrize("hold", [("tn", "voice"), (None, "voice"), ("TN", None), ("TN", "*"), ("TN", "call")])
def test_a_hold_that_would_hold_nobody_is_refused(hold: tuple[str | None, str | None]) -> None:
    with pytest.raises(InvalidInput, match="names no state or no channel"):
        decide(frame(), holds=pl.DataFrame([hold], schema=HOLD_COLUMNS, orient="row"))


def test_a_suppression_that_names_nobody_is_refused() -> None:
    nobody = pl.DataFrame([("phone", None, None)], schema=SUPPRESSION_COLUMNS, orient="row")
    with pytest.raises(InvalidInput, match="names nobody"):
        decide(frame(), suppressions=nobody)


@pytest.mark.parametrize("hashes", [None, [], [None], ["v1:a", None]])
def test_people_without_hashes_are_not_passed_over(hashes: list[str | None] | None) -> None:
    erased = pl.DataFrame([("phone", None, "v1:b")], schema=SUPPRESSION_COLUMNS, orient="row")
    with pytest.raises(InvalidInput, match="hash alone"):
        decide(frame(contact_hashes=hashes), suppressions=erased)
    with pytest.raises(InvalidInput, match="Earlier attempts"):
        send(frame(contact_hashes=hashes), ("v1:b", NOW))


@pytest.mark.parametrize("attempt", [("v1:a", None), (None, NOW)])
def test_an_attempt_that_cannot_be_counted_is_refused(attempt: tuple[Any, Any]) -> None:
    with pytest.raises(InvalidInput, match="lacks its contact or its instant"):
        send(frame(), attempt)


def test_a_decision_needs_an_id_to_be_of() -> None:
    with pytest.raises(InvalidInput, match="without contact_point_id"):
        decide(frame(contact_point_id=None))


def test_local_instants_are_decided_as_the_moment_they_name() -> None:
    """02:30 does not come on 2027-03-14 in New York, 01:30 comes twice on 2027-11-07: night, whichever is meant."""
    eastern = ZoneInfo("America/New_York")
    for local in (datetime(2027, 3, 14, 2, 30, tzinfo=eastern), datetime(2027, 11, 7, 1, 30, tzinfo=eastern, fold=1)):
        told = send(frame(), instant=local, widen_to="state_table").row(0, named=True)
        assert "hours:TN:America/New_York" in told["reason_codes"]
        assert told["next_open_at"] > local


def test_sends_of_many_instants_replay_together_as_each_alone() -> None:
    """At the edges of windows and days, where one instant is open and the next is not."""
    edges = [datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (0, 6, 14, 15, 16, 22, 23)]
    sent = pl.concat(
        send(frame(mailing_state=state), instant=edge + timedelta(microseconds=shift), widen_to=width)
        for edge in edges for shift in (-1, 0, 1)
        for state in ("TN", "FL", "MS") for width in ("default", "state_table")
    )  # fmt: skip
    assert set(sent["verdict"]) == {"cleared", "blocked"}
    again = replay_decisions(sent, {RULES.rule_version: RULES}.__getitem__)
    assert again["agrees"].all()
