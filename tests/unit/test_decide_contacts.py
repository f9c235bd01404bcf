"""Clearance of contact points: fails closed on every gap, tells every reason, agrees with itself row by row."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.compliance import (
    CONSENT_COLUMNS,
    EVIDENCE,
    SUPPRESSION_COLUMNS,
    check_calling_time,
    decide_contact,
    decide_contacts,
    explain_reason,
    load_rules,
)
from leadflow_pipelines.contracts import OUTREACH_LISTS
from leadflow_pipelines.errors import InvalidInput
from tests.examples import tried

RULES = load_rules()
NOW = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Nashville
NO_CONSENTS = pl.DataFrame(schema=CONSENT_COLUMNS)
NO_SUPPRESSIONS = pl.DataFrame(schema=SUPPRESSION_COLUMNS)

PHONE: dict[str, Any] = {
    "zip": "37203", "day": date(2026, 11, 24), "property_id": "p1", "contact_point_id": "c1", "kind": "phone",
    "person_name": "Pat Example", "phone_e164": "+16155550123", "line_type": "mobile", "email": None,
    "mailing_street": "12 Elm St", "mailing_city": "Nashville", "mailing_state": "TN", "mailing_zip5": "37203",
    "is_on_dnc": False, "is_litigator": False, "is_reachable": True, "fetched_at": NOW - timedelta(days=1),
    "source": "simulated", "property_state": "TN", "property_zip": "37203", "is_owner_occupied": True,
}  # fmt: skip
EMAIL = {**PHONE, "contact_point_id": "c2", "kind": "email", "phone_e164": None, "line_type": None,
         "email": "pat@mail.example", "is_on_dnc": None, "is_litigator": None}  # fmt: skip
MAILING = {**EMAIL, "contact_point_id": "c3", "kind": "mailing", "email": None}
CONSENT: dict[str, Any] = {
    "contact_value": "+16155550123", "channel": "sms", "kind": "express_written", "purpose": "marketing",
    "given_to": "Example Homes LLC", "captured_at": NOW - timedelta(days=10), "expires_at": None, "revoked_at": None,
}  # fmt: skip


def consents(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**CONSENT, **row} for row in rows], schema=CONSENT_COLUMNS, orient="row")


def suppressions(*values: str) -> pl.DataFrame:
    rows = [{"kind": "phone", "contact_value": value, "contact_hash": None} for value in values]
    return pl.DataFrame(rows, schema=SUPPRESSION_COLUMNS)


def decide(contact: dict[str, Any], **given_: Any) -> dict[str, Any]:
    """The decisions on one contact point by channel."""
    asked = {"rules": RULES, "now": NOW, "consents": NO_CONSENTS, "suppressions": NO_SUPPRESSIONS,
             "org_name": "Example Homes, LLC", **given_}  # fmt: skip
    return {decision.channel: decision for decision in decide_contact(contact, **asked)}


def reasons(contact: dict[str, Any], channel: str, **given_: Any) -> list[str]:
    decision = decide(contact, **given_)[channel]
    assert (decision.verdict == "cleared") is (decision.reason_codes == [])
    return list(decision.reason_codes)


def test_a_clean_landline_is_cleared_for_voice_and_not_for_text() -> None:
    landline = {**PHONE, "line_type": "landline"}
    assert reasons(landline, "voice") == []
    assert reasons(landline, "sms") == ["no_consent", "not_mobile"]


def test_a_text_needs_a_signed_consent_and_then_is_cleared() -> None:
    assert reasons(PHONE, "sms") == ["no_consent"]
    assert reasons(PHONE, "sms", consents=consents({})) == []


@pytest.mark.parametrize(
    ("change", "also"),
    [
        ({"channel": "voice"}, []),
        ({"contact_value": "+16155550124"}, []),
        ({"kind": "express"}, ["consent_insufficient"]),
        ({"kind": "a nod"}, ["consent_insufficient"]),
        ({"purpose": "newsletter"}, ["consent_other_purpose"]),
        ({"purpose": None}, ["consent_other_purpose"]),
        ({"expires_at": NOW}, ["consent_expired"]),
        ({"captured_at": NOW + timedelta(seconds=1)}, []),
        ({"captured_at": None}, []),
    ],
)
def test_a_consent_that_does_not_hold_counts_for_nothing(change: dict[str, Any], also: list[str]) -> None:
    assert reasons(PHONE, "sms", consents=consents(change)) == ["no_consent", *also]


def test_a_withdrawal_ends_earlier_consents_on_every_channel() -> None:
    withdrawn = {"channel": "voice", "revoked_at": NOW - timedelta(days=5)}
    log = consents({}, withdrawn)
    assert reasons(PHONE, "sms", consents=log) == ["consent_revoked", "no_consent"]
    assert reasons(PHONE, "voice", consents=log) == ["consent_revoked"]
    again = consents({}, withdrawn, {"captured_at": NOW - timedelta(days=4)})
    assert reasons(PHONE, "sms", consents=again) == []
    assert reasons(PHONE, "voice", consents=again) == ["consent_revoked"]


def test_a_suppression_blocks_however_the_value_is_written() -> None:
    for written in ("+16155550123", "(615) 555-0123", "1-615-555-0123", " 6155550123 "):
        told = decide(PHONE, suppressions=suppressions(written), consents=consents({}))
        assert {channel: row.reason_codes for channel, row in told.items()} == {
            "sms": ["suppressed"], "voice": ["suppressed"],
        }  # fmt: skip
    assert "suppressed" in reasons(EMAIL, "email", suppressions=suppressions("PAT@Mail.Example"))
    assert reasons(MAILING, "mail", suppressions=suppressions("12 ELM ST,  NASHVILLE, tn 37203")) == ["suppressed"]
    assert reasons(PHONE, "voice", suppressions=suppressions("+16155550124")) == []


@pytest.mark.parametrize(
    ("change", "sms", "voice"),
    [
        ({"is_on_dnc": None}, ["dnc_unknown"], ["dnc_unknown"]),
        ({"is_on_dnc": True}, [], ["dnc_listed"]),
        ({"fetched_at": None}, ["dnc_stale"], ["dnc_stale"]),
        ({"fetched_at": NOW - timedelta(days=31)}, [], []),
        ({"fetched_at": NOW - timedelta(days=31, seconds=1)}, ["dnc_stale"], ["dnc_stale"]),
        ({"fetched_at": NOW + timedelta(minutes=5)}, [], []),
        ({"fetched_at": NOW + timedelta(days=3)}, ["dnc_stale"], ["dnc_stale"]),
        ({"is_litigator": True}, ["litigator"], ["litigator"]),
        ({"is_litigator": None}, ["litigator_unknown"], ["litigator_unknown"]),
        ({"is_reachable": False}, ["not_reachable"], ["not_reachable"]),
        ({"is_reachable": None}, [], []),
        ({"line_type": None}, ["line_type_unknown"], []),
        ({"line_type": "voip"}, ["not_mobile"], []),
        ({"phone_e164": None}, ["no_consent", "invalid_phone", "state_unknown", "zone_unknown"],
         ["invalid_phone", "state_unknown", "zone_unknown"]),
        ({"phone_e164": "+16151550123"}, ["no_consent", "invalid_phone"], ["invalid_phone"]),
        ({"phone_e164": "+14165550123"}, ["no_consent", "not_us_number", "state_unknown", "zone_unknown"],
         ["not_us_number", "state_unknown", "zone_unknown"]),
        ({"phone_e164": "+18005550123"}, ["no_consent", "not_geographic", "state_unknown", "zone_unknown"],
         ["not_geographic", "state_unknown", "zone_unknown"]),
        ({"mailing_state": "PR", "mailing_zip5": "00901"}, ["state_unknown", "zone_unknown"],
         ["state_unknown", "zone_unknown"]),
        ({"mailing_state": None, "mailing_zip5": "00000"}, ["state_unknown", "zone_unknown"],
         ["state_unknown", "zone_unknown"]),
        ({"property_state": "XX", "property_zip": None, "is_owner_occupied": None},
         ["state_unknown", "zone_unknown"], ["state_unknown", "zone_unknown"]),
        ({"property_state": "XX", "property_zip": None, "is_owner_occupied": False}, [], []),
        ({"mailing_state": "TX", "mailing_zip5": None}, [], ["wireless_restricted"]),
        ({"mailing_state": "TX", "mailing_zip5": None, "line_type": None}, ["line_type_unknown"],
         ["wireless_restricted"]),
        ({"mailing_state": "TX", "mailing_zip5": None, "line_type": "landline"}, ["not_mobile"], []),
    ],
)  # fmt: skip
def test_each_gap_blocks_with_its_reason(change: dict[str, Any], sms: list[str], voice: list[str]) -> None:
    """The text has a valid consent here, so that only the gap can block it; the call has none."""
    contact = {**PHONE, **change}
    assert reasons(contact, "sms", consents=consents({})) == sms
    assert reasons(contact, "voice", consents=consents({})) == voice


def test_all_reasons_are_told_not_only_the_first() -> None:
    worst = {**PHONE, "line_type": None, "is_on_dnc": None, "is_litigator": None, "fetched_at": None,
             "mailing_state": "PR", "is_reachable": False}  # fmt: skip
    assert reasons(worst, "sms", suppressions=suppressions("+16155550123")) == [
        "suppressed", "no_consent", "line_type_unknown", "not_reachable", "dnc_unknown", "dnc_stale",
        "litigator_unknown", "state_unknown", "zone_unknown",
    ]  # fmt: skip


def test_a_signed_consent_lifts_a_registry_hit_but_no_missing_answer() -> None:
    log = consents({}, {"channel": "voice"})
    listed = {**PHONE, "is_on_dnc": True}
    assert reasons(listed, "voice", consents=log) == []
    spoken = consents({"channel": "voice", "kind": "express"})
    assert reasons(listed, "voice", consents=spoken) == ["dnc_listed"]
    assert reasons({**PHONE, "is_on_dnc": None}, "voice", consents=log) == ["dnc_unknown"]
    assert reasons({**PHONE, "is_litigator": True}, "sms", consents=log) == ["litigator"]


def test_a_consent_lifts_the_wireless_restriction() -> None:
    texan = {**PHONE, "phone_e164": "+12145550123", "mailing_state": "TX", "mailing_zip5": "75201"}
    log = consents({"contact_value": "+12145550123", "channel": "voice", "kind": "express"})
    assert reasons(texan, "voice") == ["wireless_restricted"]
    assert reasons(texan, "voice", consents=log) == []


def test_email_needs_a_consent_and_a_whole_address() -> None:
    asked = {"contact_value": "pat@mail.example", "channel": "email", "kind": "inquiry"}
    assert reasons(EMAIL, "email") == ["no_consent"]
    assert reasons(EMAIL, "email", consents=consents(asked)) == []
    assert reasons(EMAIL, "email", consents=consents({**asked, "captured_at": NOW - timedelta(days=90)})) == [
        "no_consent", "consent_expired",
    ]  # fmt: skip
    for broken in (None, "", "pat", "pat@", "pat@mail", "a b@mail.example", "pat@mail.example, x@y.example"):
        assert reasons({**EMAIL, "email": broken}, "email")[-1] == "invalid_email"


@pytest.mark.parametrize("part", ["mailing_street", "mailing_city", "mailing_state", "mailing_zip5"])
def test_mail_needs_every_part_of_the_address(part: str) -> None:
    assert reasons(MAILING, "mail") == []
    for gap in (None, "", " "):
        assert reasons({**MAILING, part: gap}, "mail") == ["address_incomplete"]


def test_an_address_beyond_the_rules_can_still_be_written_to() -> None:
    assert reasons({**MAILING, "mailing_state": "PR", "mailing_zip5": "00901"}, "mail") == []


@pytest.mark.parametrize(
    ("change", "states", "zones"),
    [
        ({}, ["TN"], ["America/Chicago", "America/New_York"]),
        ({"phone_e164": "+14485550123"}, ["FL", "TN"], ["America/Chicago", "America/New_York"]),
        ({"mailing_state": "AZ", "mailing_zip5": "86515"}, ["AZ", "NM", "TN"],
         ["America/Chicago", "America/Denver", "America/New_York", "America/Phoenix"]),
        ({"mailing_state": "CA", "property_state": "NY", "property_zip": None, "is_owner_occupied": None,
          "mailing_zip5": None}, ["CA", "NY", "TN"], ["America/Chicago", "America/Los_Angeles", "America/New_York"]),
        ({"mailing_state": "CA", "property_state": "NY", "property_zip": None, "is_owner_occupied": False,
          "mailing_zip5": None}, ["CA", "TN"], ["America/Chicago", "America/Los_Angeles", "America/New_York"]),
        ({"mailing_state": "TN", "mailing_zip5": "42223"}, ["KY", "TN"], ["America/Chicago", "America/New_York"]),
    ],
)  # fmt: skip
def test_places_are_the_union_of_everything_plausible(
    change: dict[str, Any], states: list[str], zones: list[str]
) -> None:
    voice = decide({**PHONE, **change})["voice"]
    assert (voice.states, voice.zones) == (states, zones)


def test_windows_and_opening_suit_every_plausible_place() -> None:
    voice = decide({**PHONE, "phone_e164": "+12125550123"})["voice"]
    told = json.loads(voice.calling_windows)
    assert told["zone"] == "America/New_York"
    assert (told["mon"], told["sat"], told["sun"], told["holidays"]) == (
        [["11:00", "18:00"]], [["11:00", "17:00"]], [], "closed",
    )  # fmt: skip
    at_night = NOW.replace(hour=5)
    opens = decide(PHONE, now=at_night)["voice"].next_open_at
    assert opens == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    assert check_calling_time(opens, states=voice.states, zones=voice.zones).allowed
    wide = json.loads(decide(PHONE, widen_to="state_table")["voice"].calling_windows)
    assert wide["mon"] == [["09:00", "21:00"]]
    assert wide["holidays"] == "open"


def test_mail_and_email_have_no_calling_hours() -> None:
    for contact, channel in ((EMAIL, "email"), (MAILING, "mail")):
        decision = decide(contact)[channel]
        assert (decision.calling_windows, decision.next_open_at) == (None, None)


def test_the_verdict_does_not_depend_on_the_hour() -> None:
    noon, night = decide(PHONE)["voice"], decide(PHONE, now=NOW.replace(hour=8))["voice"]
    assert (noon.verdict, noon.calling_windows, noon.reason_codes) == (
        night.verdict, night.calling_windows, night.reason_codes,
    )  # fmt: skip


def test_a_clearance_ends_with_the_first_thing_it_rests_on() -> None:
    assert decide(MAILING)["mail"].valid_until == NOW + timedelta(days=30)
    old = {**PHONE, "fetched_at": NOW - timedelta(days=20)}
    assert decide(old)["voice"].valid_until == NOW + timedelta(days=11)
    short = consents({"expires_at": NOW + timedelta(days=3)})
    assert decide(PHONE, consents=short)["sms"].valid_until == NOW + timedelta(days=3)
    longer = consents({"expires_at": NOW + timedelta(days=3)}, {"expires_at": NOW + timedelta(days=5)})
    assert decide(PHONE, consents=longer)["sms"].valid_until == NOW + timedelta(days=5)
    assert decide(PHONE)["sms"].valid_until == NOW


@pytest.mark.parametrize(
    "change",
    [
        {"is_on_dnc": True}, {"fetched_at": NOW - timedelta(days=2)}, {"line_type": "landline"},
        {"is_litigator": None}, {"mailing_state": "KY"}, {"property_id": "p2"}, {"source": "other"},
    ],
)  # fmt: skip
def test_the_hash_covers_the_evidence(change: dict[str, Any]) -> None:
    assert decide({**PHONE, **change})["voice"].evidence_hash != decide(PHONE)["voice"].evidence_hash


def test_the_hash_covers_consents_suppressions_and_rules_and_repeats() -> None:
    hashes = [
        decide(PHONE)["voice"].evidence_hash,
        decide(PHONE)["sms"].evidence_hash,
        decide(PHONE, consents=consents({}))["voice"].evidence_hash,
        decide(PHONE, suppressions=suppressions("+16155550123"))["voice"].evidence_hash,
        decide(PHONE, rules=RULES.as_of(date(2026, 1, 1)))["voice"].evidence_hash,
        decide(PHONE, widen_to="state_table")["voice"].evidence_hash,
        decide(PHONE, purpose="other")["voice"].evidence_hash,
    ]
    assert len(set(hashes)) == len(hashes)
    assert decide(PHONE)["voice"].evidence_hash == hashes[0]
    order = consents({}, {"channel": "voice"}), consents({"channel": "voice"}, {})
    assert (
        decide(PHONE, consents=order[0])["sms"].evidence_hash == decide(PHONE, consents=order[1])["sms"].evidence_hash
    )


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        decide(PHONE, now=NOW.replace(tzinfo=None))
    with pytest.raises(InvalidInput, match="is_on_dnc"):
        decide({name: value for name, value in PHONE.items() if name != "is_on_dnc"})
    with pytest.raises(InvalidInput, match="suppressions lack the columns kind"):
        decide(PHONE, suppressions=pl.DataFrame({"contact_value": ["x"]}))
    with pytest.raises(InvalidInput, match="unknown kind"):
        decide({**PHONE, "kind": "fax"})


def test_no_contact_points_give_an_empty_list() -> None:
    empty = decide_contacts(
        pl.DataFrame(schema=EVIDENCE), rules=RULES, now=NOW, consents=NO_CONSENTS, suppressions=NO_SUPPRESSIONS
    )
    assert empty.schema == OUTREACH_LISTS.schema
    assert empty.is_empty()


NUMBERS = ["+16155550123", "+14485550123", "+18015550123", "+12145550123", "+19285550123", "+16015550123",
           "+18005550123", "+14165550123", "615-555-0123", None]  # fmt: skip
STATES = ["TN", "AZ", "MS", "TX", "PA", "HI", "PR", None]
ZIPS = ["37203", "42223", "86515", "38601", "00901", "99999", None]
maybe = st.sampled_from([True, False, None])
contacts = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["phone", "phone", "email", "mailing"]),
        "phone_e164": st.sampled_from(NUMBERS),
        "line_type": st.sampled_from(["mobile", "landline", "voip", None]),
        "email": st.sampled_from(["pat@mail.example", "broken", None]),
        "mailing_street": st.sampled_from(["12 Elm St", "", None]),
        "mailing_state": st.sampled_from(STATES),
        "mailing_zip5": st.sampled_from(ZIPS),
        "is_on_dnc": maybe,
        "is_litigator": maybe,
        "is_reachable": maybe,
        "fetched_at": st.sampled_from([NOW, NOW - timedelta(days=30), NOW - timedelta(days=40), None]),
        "property_state": st.sampled_from(STATES),
        "property_zip": st.sampled_from(ZIPS),
        "is_owner_occupied": maybe,
    }
)
consent_rows = st.fixed_dictionaries(
    {
        "contact_value": st.sampled_from(["+16155550123", "pat@mail.example", "+12145550123"]),
        "channel": st.sampled_from(["sms", "voice", "email"]),
        "kind": st.sampled_from(["express_written", "express", "inquiry"]),
        "purpose": st.sampled_from(["marketing", "other"]),
        "captured_at": st.sampled_from([NOW - timedelta(days=9), NOW - timedelta(days=99), None]),
        "expires_at": st.sampled_from([None, NOW + timedelta(days=2), NOW - timedelta(days=2)]),
        "revoked_at": st.sampled_from([None, None, NOW - timedelta(days=50), NOW]),
    }
)


@tried(6)
@given(st.lists(contacts, min_size=1, max_size=8), st.lists(consent_rows, max_size=6))
def test_a_frame_decides_as_its_rows_do(rows: list[dict[str, Any]], log: list[dict[str, Any]]) -> None:
    points = [{**PHONE, **row, "contact_point_id": f"c{number}"} for number, row in enumerate(rows)]
    asked: dict[str, Any] = {
        "rules": RULES, "now": NOW, "consents": consents(*log), "suppressions": suppressions("+16015550123"),
        "org_name": "Example Homes LLC",
    }  # fmt: skip
    together = decide_contacts(pl.DataFrame(points, schema_overrides=EVIDENCE, infer_schema_length=None), **asked)
    assert OUTREACH_LISTS.faults(together) == []
    one_by_one = [asdict(decision) for point in points for decision in decide_contact(point, **asked)]
    assert together.to_dicts() == one_by_one
    for row in one_by_one:
        assert row["valid_until"] >= NOW
        for code in row["reason_codes"]:
            assert explain_reason(code).remedy
        if row["verdict"] == "cleared" and row["channel"] in ("sms", "voice"):
            assert check_calling_time(row["next_open_at"], states=row["states"], zones=row["zones"]).allowed


@tried(16)
@given(contacts, st.sampled_from(["AZ", "MS", "PA", "HI", "PR"]))
def test_one_more_plausible_place_never_clears_what_was_blocked(row: dict[str, Any], state: str) -> None:
    """The property's place is added by learning that the owner may live there."""
    narrow = {**PHONE, **row, "kind": "phone", "property_state": state, "is_owner_occupied": False}
    wide = {**narrow, "is_owner_occupied": None}
    log = consents({}, {"channel": "voice"})
    before, after = decide(narrow, consents=log), decide(wide, consents=log)
    for channel in ("sms", "voice"):
        assert set(before[channel].reason_codes) <= set(after[channel].reason_codes)
        assert set(before[channel].states) <= set(after[channel].states)


def test_every_reason_has_words() -> None:
    assert explain_reason("sunday:AL").text == "No calls to AL on a Sunday."
    assert (
        explain_reason("hours:FL:America/Chicago").text == "It is outside the calling hours of FL in America/Chicago."
    )
    assert "2026-12-25" in explain_reason("holiday:PA:2026-12-25").text
    with pytest.raises(KeyError):
        explain_reason("because")
