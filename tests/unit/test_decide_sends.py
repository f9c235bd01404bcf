"""Deciding at the instant of sending: hours, caps, registration, registries, reassignment, holds; and replay."""

import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.compliance import (
    CONSENT_COLUMNS,
    EVIDENCE,
    HOLD_COLUMNS,
    SEND_COLUMNS,
    SUPPRESSION_COLUMNS,
    Limits,
    RuleBook,
    check_calling_time,
    decide_contacts,
    decide_sends,
    explain_reason,
    is_passing,
    load_rules,
    replay_decisions,
)
from leadflow_pipelines.compliance.clear_sends import HISTORY_COLUMNS
from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes
from leadflow_pipelines.errors import InvalidInput
from tests.examples import tried

RULES = load_rules()
NOW = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Nashville
KEYS = HashKeys(2, {1: b"a" * 32, 2: b"b" * 32})
HASHES = all_hashes("phone", "+16155550123", KEYS)
DAYS = timedelta(days=1)
NO_RULES: dict[str, RuleBook] = {}

TEXT: dict[str, Any] = {
    "zip": "37203", "day": date(2026, 11, 24), "property_id": "p1", "contact_point_id": "c1", "kind": "phone",
    "person_name": "Pat Example", "phone_e164": "+16155550123", "line_type": "mobile", "email": None,
    "mailing_street": "12 Elm St", "mailing_city": "Nashville", "mailing_state": "TN", "mailing_zip5": "37203",
    "is_on_dnc": False, "is_litigator": False, "is_reachable": True, "fetched_at": NOW - DAYS,
    "source": "simulated", "property_state": "TN", "property_zip": "37203", "is_owner_occupied": True,
    "is_registry_listed": False, "registry_as_of": date(2026, 11, 20), "dnc_answer": None, "dnc_answered_at": None,
    "is_reassigned": None, "reassigned_checked_at": None, "reassigned_asked_about": None, "contact_hashes": HASHES,
    "channel": "sms", "is_registered": True,
}  # fmt: skip
CALL = {**TEXT, "channel": "voice", "is_registered": None}
CONSENT: dict[str, Any] = {
    "contact_value": "(615) 555-0123", "channel": "sms", "kind": "express_written", "purpose": "marketing",
    "given_to": "EXAMPLE HOMES", "captured_at": NOW - 10 * DAYS, "expires_at": None, "revoked_at": None,
}  # fmt: skip


def frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def consents(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame([{**CONSENT, **row} for row in rows], CONSENT_COLUMNS)


def attempts(*ago: timedelta, contact_hash: str = HASHES[0]) -> pl.DataFrame:
    return frame([{"contact_hash": contact_hash, "attempted_at": NOW - one} for one in ago], HISTORY_COLUMNS)


def decide(messages: list[dict[str, Any]], **given_: Any) -> pl.DataFrame:
    asked = {
        "rules": RULES, "instant": NOW, "consents": consents({}), "history": attempts(), "limits": Limits(1, 3),
        "suppressions": frame([], SUPPRESSION_COLUMNS), "org_name": "Example Homes", **given_,
    }  # fmt: skip
    return decide_sends(frame(messages, SEND_COLUMNS), **asked)


def reasons(message: dict[str, Any], **given_: Any) -> list[str]:
    told = decide([message], **given_).row(0, named=True)
    assert (told["verdict"] == "cleared") is (told["reason_codes"] == [])
    for code in told["reason_codes"]:
        assert explain_reason(code).remedy
    return list(told["reason_codes"])


def test_a_clean_text_goes_out_and_its_validity_ends_with_the_opening() -> None:
    told = decide([TEXT]).row(0, named=True)
    assert (told["verdict"], told["next_open_at"], told["cap_ends_at"]) == ("cleared", NOW, None)
    assert told["closes_at"] == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)  # 18:00 in the easternmost zone of Tennessee
    assert told["states"] == ["TN"]


def test_the_hour_blocks_with_the_codes_of_the_calling_time() -> None:
    sunday = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    told = decide([{**TEXT, "fetched_at": sunday - DAYS}], instant=sunday).row(0, named=True)
    checked = check_calling_time(sunday, states=told["states"], zones=told["zones"])
    assert tuple(told["reason_codes"]) == checked.reasons == ("sunday:TN",)
    assert (told["closes_at"], told["next_open_at"]) == (None, checked.next_open_at)
    night = NOW.replace(hour=7)
    assert reasons(TEXT, instant=night) == ["hours:TN:America/Chicago", "hours:TN:America/New_York"]
    assert reasons(CALL, instant=datetime(2026, 11, 26, 17, tzinfo=UTC)) == ["holiday:TN:2026-11-26"]


def test_messages_of_any_kind_are_decided_together_in_any_order() -> None:
    letter = {**TEXT, "kind": "mailing", "channel": "mail", "phone_e164": None}
    mail = {**TEXT, "kind": "email", "channel": "email", "email": "pat@mail.example", "phone_e164": None}
    messages = [letter, TEXT, mail, CALL]
    history = attempts(timedelta(hours=1), timedelta(hours=2))
    alone = [decide([message], history=history) for message in messages]
    assert decide(messages, history=history).rows() == [row for one in alone for row in one.rows()]
    assert decide(messages[::-1], history=history).rows() == [row for one in alone[::-1] for row in one.rows()]


def test_mail_and_email_have_no_hours() -> None:
    letter = {**TEXT, "kind": "mailing", "channel": "mail", "phone_e164": None}
    wish = {**CONSENT, "contact_value": "pat@mail.example", "channel": "email", "kind": "express"}
    mail = {**TEXT, "kind": "email", "channel": "email", "email": "pat@mail.example", "phone_e164": None}
    night = NOW.replace(hour=7)
    assert reasons(letter, instant=night, history=attempts(timedelta(hours=1))) == []
    assert reasons(mail, instant=night, consents=consents(wish)) == []
    assert decide([letter], instant=night)["closes_at"].to_list() == [None]


@pytest.mark.parametrize(
    ("message", "ago", "limits", "expected"),
    [
        (TEXT, [timedelta(hours=23, minutes=59)], Limits(1, 3), ["cap_24h"]),
        (TEXT, [timedelta(hours=24)], Limits(1, 3), []),
        (TEXT, [2 * DAYS, 3 * DAYS, 6 * DAYS], Limits(1, 3), ["cap_7d"]),
        (TEXT, [2 * DAYS, 3 * DAYS, 7 * DAYS], Limits(1, 3), []),
        (TEXT, [], Limits(0, 3), ["cap_24h"]),
        (CALL, [timedelta(hours=1)], Limits(1, 3), ["cap_24h"]),
        (CALL, [-timedelta(minutes=1)], Limits(1, 3), ["cap_24h"]),
        ({**TEXT, "mailing_state": "FL", "mailing_zip5": "32501"}, [timedelta(hours=n) for n in (1, 2, 3)],
         Limits(9, 21), ["cap_state"]),
        ({**TEXT, "mailing_state": "FL", "mailing_zip5": "32501"}, [timedelta(hours=n) for n in (1, 2)],
         Limits(9, 21), []),
    ],
)  # fmt: skip
def test_caps_count_every_attempt(
    message: dict[str, Any], ago: list[timedelta], limits: Limits, expected: list[str]
) -> None:
    assert reasons(message, history=attempts(*ago), limits=limits) == expected
    assert reasons(message, history=attempts(*ago, contact_hash=HASHES[1]), limits=limits) == expected
    assert reasons(message, history=attempts(*ago, contact_hash="v2:other"), limits=Limits(1, 3)) == []


def test_the_end_of_a_cap_is_told() -> None:
    hours = [timedelta(hours=20), timedelta(hours=5), timedelta(hours=2)]
    told = decide([TEXT], history=attempts(*hours), limits=Limits(2, 3)).row(0, named=True)
    assert told["reason_codes"] == ["cap_24h", "cap_7d"]
    assert told["cap_ends_at"] == NOW - timedelta(hours=20) + 7 * DAYS
    told = decide([TEXT], history=attempts(*hours), limits=Limits(2, 9)).row(0, named=True)
    assert told["cap_ends_at"] == NOW - timedelta(hours=5) + DAYS


@pytest.mark.parametrize("is_registered", [False, None])
def test_a_text_needs_a_registered_sender(is_registered: bool | None) -> None:
    assert reasons({**TEXT, "is_registered": is_registered}) == ["campaign_unregistered"]


LISTED = {"is_registry_listed": True}
OLD = {"registry_as_of": NOW.date() - timedelta(days=32)}


@pytest.mark.parametrize(
    ("change", "sms", "voice"),
    [
        ({"is_on_dnc": None}, [], []),
        ({"is_on_dnc": None, **OLD}, ["dnc_stale"], ["dnc_stale"]),
        ({"is_on_dnc": None, "registry_as_of": NOW.date() - timedelta(days=31)}, [], []),
        ({"is_on_dnc": None, "registry_as_of": None}, ["dnc_stale"], ["dnc_stale"]),
        ({"fetched_at": NOW - 32 * DAYS, **OLD}, ["dnc_stale"], ["dnc_stale"]),
        ({"is_on_dnc": None, "is_registry_listed": None}, ["dnc_unknown"], ["dnc_unknown"]),
        ({"fetched_at": NOW - 32 * DAYS}, [], []),
        (LISTED, [], ["dnc_listed"]),
        ({**LISTED, **OLD}, [], ["dnc_listed"]),
        ({"dnc_answer": "unknown", "dnc_answered_at": NOW}, ["dnc_unknown"], ["dnc_unknown"]),
        ({"dnc_answer": "?", "dnc_answered_at": NOW}, ["dnc_unknown"], ["dnc_unknown"]),
        ({"dnc_answer": "yes", "dnc_answered_at": NOW - 99 * DAYS}, [], ["dnc_listed"]),
        ({"is_on_dnc": None, "is_registry_listed": None, "dnc_answer": "no", "dnc_answered_at": NOW}, [], []),
        ({"is_on_dnc": None, "is_registry_listed": None, "dnc_answer": "no", "dnc_answered_at": NOW - 32 * DAYS,
          "fetched_at": None}, ["dnc_stale"], ["dnc_stale"]),
        ({"is_reassigned": True}, ["reassigned"], ["reassigned"]),
    ],
)  # fmt: skip
def test_one_fresh_answer_is_needed_and_none_may_say_listed(
    change: dict[str, Any], sms: list[str], voice: list[str]
) -> None:
    assert reasons({**TEXT, **change}) == sms
    assert reasons({**CALL, **change}) == voice


RND = {"is_reassigned": False, "reassigned_checked_at": NOW - DAYS, "reassigned_asked_about": date(2026, 9, 1)}


@pytest.mark.parametrize(
    ("change", "given_ago", "expected"),
    [
        ({}, 30, []),
        ({}, 31, ["reassigned_unknown"]),
        (RND, 60, []),
        ({**RND, "reassigned_checked_at": NOW - 32 * DAYS}, 60, ["reassigned_unknown"]),
        ({**RND, "reassigned_checked_at": None}, 60, ["reassigned_unknown"]),
        ({**RND, "reassigned_asked_about": date(2026, 10, 20)}, 60, ["reassigned_unknown"]),
        ({**RND, "is_reassigned": None}, 60, ["reassigned_unknown"]),
        ({**RND, "is_reassigned": True}, 60, ["reassigned"]),
    ],
)
def test_an_old_consent_needs_an_answer_that_the_number_is_still_theirs(
    change: dict[str, Any], given_ago: int, expected: list[str]
) -> None:
    log = consents({"captured_at": NOW - given_ago * DAYS})
    assert reasons({**TEXT, **change}, consents=log) == expected
    lifting = consents({"channel": "voice", "captured_at": NOW - given_ago * DAYS})
    assert reasons({**CALL, **LISTED, **change}, consents=lifting) == expected
    assert reasons({**CALL, **change}, consents=lifting) == (["reassigned"] if change.get("is_reassigned") else [])


def test_a_consent_to_another_org_is_worth_nothing() -> None:
    others = consents({"given_to": "Other Homes"}, {"given_to": None}, {"given_to": ""})
    assert reasons(TEXT, consents=others) == ["no_consent", "consent_other_org"]
    assert reasons(TEXT, org_name=None) == ["no_consent", "consent_other_org"]
    assert reasons(TEXT, org_name="") == ["no_consent", "consent_other_org"]


def test_an_erased_contact_stays_suppressed_under_every_key() -> None:
    for known in HASHES:
        gone = frame([{"kind": "phone", "contact_value": None, "contact_hash": known}], SUPPRESSION_COLUMNS)
        assert reasons(TEXT, suppressions=gone) == ["suppressed"]
        with pytest.raises(InvalidInput, match="hash alone"):
            reasons({**TEXT, "contact_hashes": None}, suppressions=gone)
    with pytest.raises(InvalidInput, match="Earlier attempts"):
        reasons({**TEXT, "contact_hashes": None}, history=attempts(DAYS))


@pytest.mark.parametrize(
    ("hold", "expected"),
    [
        (("TN", "sms"), ["jurisdiction_hold"]), (("*", "sms"), ["jurisdiction_hold"]), (("TN", "voice"), []),
        (("LA", "sms"), []),
    ],
)  # fmt: skip
def test_a_hold_stops_its_state_and_channel(hold: tuple[str, str], expected: list[str]) -> None:
    held = pl.DataFrame([hold], schema=HOLD_COLUMNS, orient="row")
    assert reasons(TEXT, holds=held) == expected


def test_where_no_state_is_known_any_hold_may_be_meant() -> None:
    held = frame([{"state": "LA", "channel": "email"}], HOLD_COLUMNS)
    mail = {**TEXT, "kind": "email", "channel": "email", "email": "pat@mail.example", "phone_e164": None,
            "mailing_state": None, "mailing_zip5": None, "property_state": None, "property_zip": None}  # fmt: skip
    wish = consents({"contact_value": "pat@mail.example", "channel": "email", "kind": "express"})
    assert reasons(mail, holds=held, consents=wish) == ["jurisdiction_hold"]
    assert reasons({**mail, "mailing_state": "TN"}, holds=held, consents=wish) == []


def test_only_what_passes_lets_a_message_wait() -> None:
    waits = ["jurisdiction_hold", "cap_24h", "hours:FL:America/Chicago", "sunday:AL", "holiday:PA:2026-12-25"]
    assert all(is_passing(code) for code in waits)
    assert not any(is_passing(code) for code in ("suppressed", "no_consent", "dnc_listed", "campaign_unregistered"))


@pytest.mark.parametrize("purpose", ["credit", "tenant housing screening", "Employment", "insurance"])
def test_eligibility_is_no_purpose(purpose: str) -> None:
    with pytest.raises(InvalidInput, match="must not decide"):
        reasons(TEXT, purpose=purpose)


def test_a_channel_must_fit_its_contact() -> None:
    with pytest.raises(InvalidInput, match="No such messages"):
        reasons({**TEXT, "channel": "mail"})


def test_the_document_is_canonical_and_its_digest_is_the_hash() -> None:
    odd = {**TEXT, "mailing_street": '12 "Elm"\\St\n\x01 – ü\x7f', "source": None}
    told = decide([odd], history=attempts(DAYS * 2), holds=frame([{"state": "LA", "channel": "sms"}], HOLD_COLUMNS))
    document = told["evidence"].item()
    assert orjson.dumps(json.loads(document), option=orjson.OPT_SORT_KEYS).decode() == document
    assert sha256(document.encode()).hexdigest() == told["evidence_hash"].item()
    held = json.loads(document)
    assert held["attempts"] == ["2026-11-22T17:00:00.000000Z"]
    assert held["point"]["mailing_street"] == odd["mailing_street"]
    assert "source" not in held["point"]
    assert "person_name" not in held["point"]
    assert [consent["kind"] for consent in held["consents"]] == ["express_written"]


maybe = st.sampled_from([True, False, None])
instants = st.sampled_from([NOW - DAYS, NOW - 40 * DAYS, None])
messages = st.fixed_dictionaries(
    {
        "kind": st.just("phone"),
        "channel": st.sampled_from(["sms", "voice"]),
        "phone_e164": st.sampled_from(["+16155550123", "+14485550123", "+12125550123", "+18005550123", None]),
        "line_type": st.sampled_from(["mobile", "landline", None]),
        "mailing_state": st.sampled_from(["TN", "MS", "PA", "PR", None]),
        "mailing_street": st.text(max_size=6),
        "is_on_dnc": maybe, "is_registry_listed": maybe, "is_reassigned": maybe, "is_registered": maybe,
        "is_owner_occupied": maybe, "is_litigator": maybe,
        "registry_as_of": st.sampled_from([date(2026, 11, 1), date(2026, 9, 1), None]),
        "dnc_answer": st.sampled_from(["yes", "no", "unknown", None]),
        "dnc_answered_at": instants, "fetched_at": instants, "reassigned_checked_at": instants,
        "reassigned_asked_about": st.sampled_from([date(2026, 8, 1), None]),
    }
)  # fmt: skip
consent_rows = st.fixed_dictionaries(
    {
        "contact_value": st.sampled_from(["+16155550123", "+14485550123"]),
        "channel": st.sampled_from(["sms", "voice"]),
        "given_to": st.sampled_from(["Example Homes", "Other"]),
        "captured_at": st.sampled_from([NOW - 9 * DAYS, NOW - 99 * DAYS, None]),
        "revoked_at": st.sampled_from([None, None, NOW - 50 * DAYS]),
    }
)
logs = st.lists(consent_rows, max_size=4)
pasts = st.lists(st.integers(0, 9 * 24), max_size=4)
moments = st.sampled_from([NOW, NOW.replace(hour=3), datetime(2026, 11, 29, 17, tzinfo=UTC)])


@tried(6)
@given(st.lists(messages, min_size=1, max_size=6), logs, pasts, moments)
def test_a_frame_decides_as_its_rows_do_and_replays_bit_for_bit(
    rows: list[dict[str, Any]], log: list[dict[str, Any]], past: list[int], instant: datetime
) -> None:
    asked: dict[str, Any] = {
        "consents": consents(*log), "history": attempts(*(timedelta(hours=hours) for hours in past)),
        "instant": instant, "holds": frame([{"state": "MS", "channel": "voice"}], HOLD_COLUMNS),
    }  # fmt: skip
    full = [{**TEXT, **row, "contact_point_id": f"c{number}"} for number, row in enumerate(rows)]
    together = decide(full, **asked)
    assert together.to_dicts() == [decide([row], **asked).row(0, named=True) for row in full]
    for row in together.filter(verdict="cleared").iter_rows(named=True):
        assert check_calling_time(instant, states=row["states"], zones=row["zones"]).allowed
        assert instant < row["closes_at"]
        before = row["closes_at"] - timedelta(seconds=1)
        assert check_calling_time(before, states=row["states"], zones=row["zones"]).allowed
        assert not check_calling_time(row["closes_at"], states=row["states"], zones=row["zones"]).allowed
    again = replay_decisions(together, {RULES.rule_version: RULES}.__getitem__)
    assert again["agrees"].all()
    assert again["replayed_hash"].to_list() == together["evidence_hash"].to_list()


@tried(6)
@given(messages, logs)
def test_worse_evidence_never_clears_what_was_blocked(row: dict[str, Any], log: list[dict[str, Any]]) -> None:
    message = {**TEXT, **row}
    before = set(decide([message], consents=consents(*log))["reason_codes"].item())
    for worse in (
        {"is_on_dnc": True}, {"is_registry_listed": True}, {"dnc_answer": "unknown"}, {"dnc_answer": "yes"},
        {"is_reassigned": True}, {"is_litigator": True}, {"is_registered": None},
        {"is_owner_occupied": None, "property_state": "PA", "property_zip": None},
    ):  # fmt: skip
        after = decide([{**message, **worse}], consents=consents(*log))["reason_codes"].item()
        assert not (before and not len(after)), worse
    suppressed = [{"kind": "phone", "contact_value": message["phone_e164"] or "+16155550123", "contact_hash": None}]
    more = {"history": attempts(timedelta(hours=1)), "suppressions": frame(suppressed, SUPPRESSION_COLUMNS)}
    assert before <= set(decide([message], consents=consents(*log), **more)["reason_codes"].item())


def test_a_list_replays_too_and_other_rules_can_be_asked() -> None:
    points = frame([{name: TEXT[name] for name in EVIDENCE}], EVIDENCE)
    asked: dict[str, Any] = {"now": NOW, "consents": consents({}), "org_name": "Example Homes",
                             "suppressions": frame([], SUPPRESSION_COLUMNS)}  # fmt: skip
    told = decide_contacts(points, rules=RULES, with_evidence=True, **asked)
    again = replay_decisions(told, {RULES.rule_version: RULES}.__getitem__)
    assert (again["agrees"].to_list(), again["verdict"].to_list()) == ([True, True], ["cleared", "cleared"])
    broken = told.with_columns(pl.col("evidence").str.replace('"is_on_dnc":false', '"is_on_dnc":true'))
    found = replay_decisions(broken, {RULES.rule_version: RULES}.__getitem__)
    assert found["agrees"].to_list() == [False, False]
    assert found["replayed_reasons"].to_list() == [[], ["dnc_listed"]]
    past = replay_decisions(told, NO_RULES.__getitem__, instead=RULES.as_of(date(2020, 1, 1)))
    assert past["agrees"].to_list() == [True, True]
    erased = told.with_columns(evidence=pl.lit(None, pl.String))
    assert replay_decisions(erased, NO_RULES.__getitem__)["agrees"].to_list() == [None, None]
