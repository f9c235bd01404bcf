"""What an org keeps for its clearances: rules, holds, suppressions, consents, members, attestations, profile."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy import Connection, text

from leadflow_pipelines.clearance import attestations, holds, members, profile, rule_store
from leadflow_pipelines.clearance.consent_files import read_consents
from leadflow_pipelines.clearance.consents import Consent, consent_case, end_consents, record_consents
from leadflow_pipelines.clearance.evidence import Evidence, gather_evidence
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.clearance.suppressions import (
    Suppression,
    erase_contact,
    list_suppressions,
    start_again,
    suppress,
)
from leadflow_pipelines.compliance import EVIDENCE, decide_contacts, decide_sends, load_rules
from leadflow_pipelines.compliance.clear_sends import HISTORY_COLUMNS
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.compliance.stricter_rules import Change
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.leads.trace_owners import why_not_trace
from leadflow_pipelines.settings import Settings, load_settings

NOW = dt.datetime(2026, 11, 24, 17, 0, tzinfo=dt.UTC)
PHONE = "+16155550123"
POINT: dict[str, Any] = {
    "zip": "37203", "day": NOW.date(), "property_id": "p1", "contact_point_id": "c1", "kind": "phone",
    "person_name": "Pat Example", "phone_e164": PHONE, "line_type": "mobile", "email": None,
    "mailing_street": "12 Elm St", "mailing_city": "Nashville", "mailing_state": "TN", "mailing_zip5": "37203",
    "is_on_dnc": False, "is_litigator": False, "is_reachable": True, "fetched_at": NOW - dt.timedelta(days=1),
    "source": "simulated", "property_state": "TN", "property_zip": "37203", "is_owner_occupied": True,
}  # fmt: skip
CONSENT = Consent(
    contact="(615) 555-0123", channel="sms", purpose="marketing", kind="express_written", given_to="Example Homes",
    wording="I agree to texts from Example Homes.", source="form", captured_at=NOW - dt.timedelta(days=5),
)  # fmt: skip


@pytest.fixture
def connection(database: Database, org: Org) -> Iterator[Connection]:
    with database.as_org(org.org_id) as opened:
        yield opened
        assert verify_chain(opened, org.org_id).fault is None


@pytest.fixture
def keys(settings: Settings) -> HashKeys:
    return load_hash_keys(settings)


def gather(connection: Connection, org: Org, settings: Settings, **change: Any) -> Evidence:
    points = pl.DataFrame([{**POINT, **change}], schema_overrides=EVIDENCE)
    return gather_evidence(connection, org, points, now=NOW, settings=settings)


def reasons(connection: Connection, org: Org, settings: Settings, channel: str = "sms", **change: Any) -> list[str]:
    gathered = gather(connection, org, settings, **change)
    decided = decide_contacts(gathered.points, now=NOW, **gathered.asked)
    return list(decided.filter(channel=channel)["reason_codes"].item())


def chain_kinds(connection: Connection) -> list[str]:
    return list(connection.execute(text("select kind from leadflow.proof_entries order by seq")).scalars())


def test_a_recorded_consent_clears_and_a_withdrawal_ends_it(
    connection: Connection, org: Org, settings: Settings, keys: HashKeys
) -> None:
    assert reasons(connection, org, settings) == ["no_consent"]
    profile.set_profile(connection, org, {"sender_name": "Example Homes"}, actor="pat", now=NOW)
    assert record_consents(connection, org, [CONSENT], keys, actor="pat", now=NOW, settings=settings) == 1
    assert reasons(connection, org, settings) == []
    again = [replace(CONSENT, contact=PHONE), replace(CONSENT, contact=PHONE, channel="voice")]
    assert record_consents(connection, org, again, keys, actor="pat", now=NOW, settings=settings) == 1
    assert end_consents(connection, org.org_id, {("phone", "615-555-0123"): "pat"}, keys, now=NOW) == 2
    assert reasons(connection, org, settings) == ["consent_revoked", "no_consent"]
    assert end_consents(connection, org.org_id, {("phone", PHONE): "pat"}, keys, now=NOW) == 0
    assert chain_kinds(connection) == ["org_change", "consent", "consent", "consent", "consent"]
    case = consent_case(connection, org, "phone", PHONE, keys)
    assert (len(case["consents"]), len(case["proof"])) == (2, 4)
    assert PHONE not in str(case["proof"])


def test_addresses_alone_are_cleared_for_mail(connection: Connection, org: Org, settings: Settings) -> None:
    letter = {**POINT, "kind": "mailing", "phone_e164": None}
    points = pl.DataFrame([letter, {**letter, "contact_point_id": "c2"}], schema_overrides=EVIDENCE)
    gathered = gather_evidence(connection, org, points, now=NOW, settings=settings)
    decided = decide_contacts(gathered.points, now=NOW, **gathered.asked)
    assert decided["verdict"].to_list() == ["cleared", "cleared"]
    nobody = gather_evidence(connection, org, points.clear(), now=NOW, settings=settings)
    assert decide_contacts(nobody.points, now=NOW, **nobody.asked).is_empty()


def test_consents_under_another_name_count_for_nothing(
    connection: Connection, org: Org, settings: Settings, keys: HashKeys
) -> None:
    record_consents(connection, org, [CONSENT], keys, actor="pat", now=NOW, settings=settings)
    assert reasons(connection, org, settings) == ["no_consent", "consent_other_org"]


def test_stop_is_lifted_by_start_and_nothing_else_is(
    connection: Connection, org: Org, settings: Settings, keys: HashKeys
) -> None:
    stop = Suppression("phone", PHONE, "stop", "STOP", "message 1")
    assert suppress(connection, org.org_id, [stop, stop], keys, now=NOW) == 1
    assert suppress(connection, org.org_id, [replace(stop, contact_value="615 555 0123")], keys, now=NOW) == 0
    assert reasons(connection, org, settings, "voice") == ["suppressed"]
    assert start_again(connection, org.org_id, "phone", PHONE, keys, now=NOW)
    assert reasons(connection, org, settings, "voice") == []
    assert suppress(connection, org.org_id, [stop], keys, now=NOW) == 1
    for origin in ("operator", "revocation"):
        suppress(connection, org.org_id, [replace(stop, origin=origin)], keys, now=NOW)
    assert start_again(connection, org.org_id, "phone", PHONE, keys, now=NOW)
    assert not start_again(connection, org.org_id, "phone", PHONE, keys, now=NOW)
    assert reasons(connection, org, settings, "voice") == ["suppressed"]
    assert {row["origin"] for row in list_suppressions(connection)} == {"operator", "revocation"}


def test_an_erased_contact_stays_suppressed_when_it_comes_again(
    connection: Connection, org: Org, settings: Settings, keys: HashKeys
) -> None:
    suppress(connection, org.org_id, [Suppression("phone", PHONE, "operator", "asked", "pat")], keys, now=NOW)
    erase_contact(connection, org.org_id, "phone", "(615) 555-0123", keys, now=NOW)
    listed = list_suppressions(connection)
    assert [row["contact_value"] for row in listed] == [None, None]
    assert reasons(connection, org, settings, "voice") == ["suppressed"]
    newer = HashKeys(2, {**keys.keys, 2: b"n" * 32})
    spelled = ",".join(f"{version}:{key.hex()}" for version, key in sorted(newer.keys.items()))
    rotated = load_settings(home=settings.home, contact_hash_keys=spelled)
    assert reasons(connection, org, rotated, "voice") == ["suppressed"]


def test_a_hold_counts_at_once_and_until_lifted(connection: Connection, org: Org, settings: Settings) -> None:
    placed: dict[str, Any] = {"reason": "declared emergency", "actor": "pat", "now": NOW}
    hold = holds.place_hold(connection, org.org_id, state="tn", channels=["voice"], **placed)
    assert reasons(connection, org, settings, "voice") == ["jurisdiction_hold"]
    holds.lift_hold(connection, org.org_id, hold.hold_id, actor="pat", now=NOW)
    assert reasons(connection, org, settings, "voice") == []
    assert [found.lifted_by for found in holds.list_holds(connection, with_lifted=True)] == ["pat"]
    wrong: list[dict[str, Any]] = [
        {"state": "XX", "channels": ["voice"]},
        {"state": "TN", "channels": []},
        {"state": "TN", "channels": ["fax"]},
    ]
    for bad in wrong:
        with pytest.raises(InvalidInput):
            holds.place_hold(connection, org.org_id, **bad, **placed)
    with pytest.raises(InvalidInput, match="No hold"):
        holds.lift_hold(connection, org.org_id, hold.hold_id, actor="pat", now=NOW)


def test_once_an_org_has_members_only_they_act(connection: Connection, org: Org) -> None:
    members.add_member(connection, org.org_id, "pat", actor="pat", now=NOW)
    with pytest.raises(InvalidInput, match="no member"):
        members.add_member(connection, org.org_id, "sam", actor="sam", now=NOW)
    with pytest.raises(InvalidInput, match="last member"):
        members.remove_member(connection, org.org_id, "pat", actor="pat", now=NOW)
    members.add_member(connection, org.org_id, "sam", actor="pat", now=NOW)
    members.remove_member(connection, org.org_id, "pat", actor="sam", now=NOW)
    assert members.list_members(connection) == ["sam"]
    with pytest.raises(InvalidInput, match="no member"):
        members.require_member(connection, "pat")


def test_an_attestation_is_in_exact_words_and_eligibility_is_refused(connection: Connection, org: Org) -> None:
    assert not attestations.has_attested(connection)
    made = attestations.attest(connection, org.org_id, purpose="property_acquisition", actor="pat", now=NOW)
    assert made.wording == attestations.wording_of("property_acquisition")
    assert attestations.has_attested(connection)
    attestations.withdraw(connection, org.org_id, purpose="property_acquisition", actor="pat", now=NOW)
    assert not attestations.has_attested(connection)
    for purpose in ("credit", "tenant_housing", "employment", "insurance"):
        with pytest.raises(InvalidInput, match="must not decide"):
            attestations.attest(connection, org.org_id, purpose=purpose, actor="pat", now=NOW)


def test_nobody_is_looked_up_before_somebody_attested_why(database: Database, org: Org) -> None:
    refusal = why_not_trace(database, org)
    assert refusal
    assert "leadflow attest purpose" in refusal
    with database.as_org(org.org_id) as opened:
        attestations.attest(opened, org.org_id, purpose="property_acquisition", actor="pat", now=NOW)
    assert why_not_trace(database, org) is None
    assert why_not_trace(database, create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)) is None


def tighten(connection: Connection, org: Org, table: str, row: str, **values: str) -> rule_store.RuleChange:
    asked: dict[str, Any] = {"effective_from": NOW.date(), "reason": "own counsel", "actor": "pat", "now": NOW}
    return rule_store.tighten(connection, org.org_id, Change(table, row, values), **asked)


def test_rules_become_only_stricter_and_every_version_stays(
    connection: Connection, org: Org, settings: Settings
) -> None:
    packaged = rule_store.org_rules(connection, org.org_id, NOW.date(), now=NOW)
    assert packaged is load_rules()
    tighten(connection, org, "state_calling_rules", "TN", weekday_start="12:00", weekday_end="15:00")
    tighten(connection, org, "state_calling_rules", "FL", max_per_24h="1")
    tighten(connection, org, "holidays", "founders_day", date="2026-11-27")
    tighten(connection, org, "wireless_restricted_states", "TN")
    tighten(connection, org, "parameters", "dnc_max_age_days", value="20")
    own = rule_store.org_rules(connection, org.org_id, NOW.date(), now=NOW)
    assert own.rule_version != packaged.rule_version
    assert own.is_holiday(dt.date(2026, 11, 27))
    assert not own.is_holiday(dt.date(2027, 11, 27))
    assert own.dnc_max_age == dt.timedelta(days=20)
    assert reasons(connection, org, settings, "voice") == ["wireless_restricted"]
    gathered = gather(connection, org, settings)
    voice = decide_contacts(gathered.points, now=NOW, **gathered.asked).filter(channel="voice").row(0, named=True)
    assert voice["next_open_at"] == dt.datetime(2026, 11, 24, 18, 0, tzinfo=dt.UTC)  # noon in the west of the state
    before = rule_store.org_rules(connection, org.org_id, NOW.date() - dt.timedelta(days=1), now=NOW)
    assert before.rule_version == packaged.rule_version
    for version in (own.rule_version, packaged.rule_version):
        kept = rule_store.rules_of_version(connection, version)
        assert (kept.rule_version, kept.dnc_max_age) == (
            version,
            (own if version == own.rule_version else packaged).dnc_max_age,
        )
    with pytest.raises(InvalidInput, match="not known"):
        rule_store.rules_of_version(connection, "2020-01-01.0")


@pytest.mark.parametrize(
    ("table", "row", "values", "told"),
    [
        ("state_calling_rules", "FL", {"weekday_start": "07:00"}, "wider"),
        ("state_calling_rules", "FL", {"sat_end": "21:00"}, "wider"),
        ("state_calling_rules", "AL", {"sun_start": "12:00", "sun_end": "18:00"}, "wider"),
        ("state_calling_rules", "FL", {"max_per_24h": "4"}, "cap"),
        ("state_calling_rules", "FL", {"max_per_24h": ""}, "cap"),
        ("state_calling_rules", "PA", {"holiday_ban": "no"}, "holidays"),
        ("parameters", "dnc_max_age_days", {"value": "32"}, "longer"),
        ("parameters", "reassigned_after_days", {"value": "60"}, "longer"),
        ("parameters", "default_sunday", {"value": "12:00-13:00"}, "default window"),
        ("parameters", "published_on", {"value": "2026-11-21"}, "already"),
        ("state_calling_rules", "FL", {"weekday_start": "midnight"}, "not valid"),
        ("state_calling_rules", "XX", {"weekday_start": "09:00"}, "no row"),
        ("state_calling_rules", "FL", {"confidence": "high"}, "no column"),
        ("consent_kinds", "express", {}, "cannot be made stricter"),
        ("holidays", "x", {"month": "13", "day": "1"}, "no date"),
    ],
)
def test_anything_looser_is_refused(
    connection: Connection, org: Org, table: str, row: str, values: dict[str, str], told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        tighten(connection, org, table, row, **values)
    assert rule_store.list_changes(connection) == []


def test_doubtful_hours_are_widened_to_only_once_somebody_answers_for_them(connection: Connection, org: Org) -> None:
    profile.set_profile(connection, org, {"calling_width": "state_table"}, actor="pat", now=NOW)
    narrowed = rule_store.org_rules(connection, org.org_id, NOW.date(), now=NOW)
    nevada, florida = narrowed.calling_rule("NV", NOW.date()), narrowed.calling_rule("FL", NOW.date())
    assert nevada
    assert florida
    assert (nevada.weekly[0], nevada.weekly[6], nevada.is_closed_on_holidays) == ((600, 1080), None, True)
    assert florida.weekly[0] == (480, 1200)
    accepted: dict[str, Any] = {"reason": "statute read", "actor": "pat", "now": NOW}
    rule_store.accept_low_confidence(connection, org.org_id, "NV", **accepted)
    widened = rule_store.org_rules(connection, org.org_id, NOW.date(), now=NOW).calling_rule("NV", NOW.date())
    assert widened
    assert widened.weekly[0] == (540, 1200)
    with pytest.raises(InvalidInput, match="not doubtful"):
        rule_store.accept_low_confidence(connection, org.org_id, "FL", **accepted)


def test_a_profile_and_its_senders_are_checked(connection: Connection, org: Org) -> None:
    assert profile.read_profile(connection, org).sender_name == org.name
    for change in (
        {"most_per_24h": 4}, {"from_email": "pat@"}, {"link_domain": "bit.ly/x"}, {"callback_e164": "615"},
        {"calling_width": "all"}, {"colour": "red"},
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            profile.set_profile(connection, org, change, actor="pat", now=NOW)
    profile.set_profile(connection, org, {"most_per_7d": 5}, actor="pat", now=NOW)
    profile.set_profile(connection, org, {"link_domain": "go.homes.example"}, actor="pat", now=NOW)
    kept = profile.read_profile(connection, org)
    assert (kept.most_per_7d, kept.link_domain) == (5, "go.homes.example")
    sender = profile.Sender(PHONE, "B1", "C1")
    profile.save_sender(connection, org.org_id, sender, actor="pat", now=NOW)
    profile.save_sender(connection, org.org_id, replace(sender, is_active=False), actor="pat", now=NOW)
    assert profile.list_senders(connection) == [replace(sender, is_active=False)]
    with pytest.raises(InvalidInput, match="brand"):
        profile.save_sender(connection, org.org_id, replace(sender, brand=" "), actor="pat", now=NOW)


def test_a_send_decides_by_the_same_evidence(
    connection: Connection, org: Org, settings: Settings, keys: HashKeys
) -> None:
    profile.set_profile(connection, org, {"sender_name": "Example Homes"}, actor="pat", now=NOW)
    record_consents(connection, org, [CONSENT], keys, actor="pat", now=NOW, settings=settings)
    gathered = gather(connection, org, settings)
    message = gathered.points.with_columns(channel=pl.lit("sms"), is_registered=pl.lit(True))
    hashed = message["contact_hashes"].item()[0]
    history = pl.DataFrame({"contact_hash": [hashed], "attempted_at": [NOW - dt.timedelta(hours=2)]}, HISTORY_COLUMNS)
    told = [
        decide_sends(message, instant=NOW, history=past, limits=gathered.limits, **gathered.asked)[
            "reason_codes"
        ].item()
        for past in (history.clear(), history)
    ]
    assert [list(codes) for codes in told] == [[], ["cap_24h"]]


GOOD = "(615) 555-0123,sms,marketing,express_written,Example Homes,I agree.,form,2026-11-01T10:00:00-05:00,,proof.txt"
HEADER = "contact,channel,purpose,kind,given_to,wording,source,captured_at,expires_at,evidence_file"


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("(615) 555-0123", "615", "contact"), (",sms,", ",fax,", "channel"), ("express_written", "nod", "kind"),
        ("I agree.", "", "wording"), ("Example Homes", " ", "given_to"),
        ("2026-11-01T10", "2027-11-01T10", "captured_at"),
        ("2026-11-01T10:00:00-05:00", "yesterday", "captured_at"),
        ("10:00:00-05:00", "10:00:00", "captured_at"), (",,proof", ",2020-01-01,proof", "expires_at"),
        ("proof.txt", "gone.txt", "evidence_file"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_the_good_ones_survive(tmp_path: Path, old: str, new: str, column: str) -> None:
    (tmp_path / "proof.txt").write_text("signed")
    path = tmp_path / "consents.csv"
    path.write_text("\n".join([HEADER, GOOD, GOOD.replace(old, new)]))
    consents, faults = read_consents(path, zone=dt.UTC, now=NOW)  # type: ignore[arg-type]
    assert len(consents) == 1
    assert [(fault.file, fault.row, fault.column) for fault in faults] == [("consents.csv", 2, column)]
    assert faults[0].remedy


def test_the_evidence_file_is_kept_by_its_content(
    connection: Connection, org: Org, settings: Settings, keys: HashKeys, tmp_path: Path
) -> None:
    (tmp_path / "proof.txt").write_text("signed")
    path = tmp_path / "consents.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n")
    consents, _ = read_consents(path, zone=settings.zone, now=NOW)
    home = settings.model_copy(update={"home": tmp_path / uuid4().hex})
    assert record_consents(connection, org, consents, keys, actor="pat", now=NOW, settings=home) == 1
    kept = consent_case(connection, org, "phone", PHONE, keys)["consents"][0]
    copy = home.home / "evidence" / org.slug / kept["evidence_path"]
    assert copy.read_text() == "signed"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert kept["evidence_sha256"] in copy.name
