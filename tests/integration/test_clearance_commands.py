"""The commands of consents, suppressions, rules, holds, members, attestations, profile and senders."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from leadflow_pipelines.cli.app import app
from leadflow_pipelines.cli.console import print_error
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.settings import get_settings, use_settings


@pytest.fixture
def slug(org: Org) -> Iterator[str]:
    before = get_settings()
    yield org.slug
    use_settings(before)


def run(slug: str, *arguments: str, fails: bool = False) -> Any:
    """The JSON a command prints; where it must fail, its error."""
    done = CliRunner().invoke(app, [*arguments, "--org", slug, "--json"])
    if fails:
        assert isinstance(done.exception, LeadflowError | SystemExit), done.output
        if isinstance(done.exception, LeadflowError):
            print_error(done.exception)
            assert done.exception.remedy
            return str(done.exception)
    else:
        assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_a_consent_is_imported_revoked_and_handed_out(slug: str, tmp_path: Path) -> None:
    file = tmp_path / "consents.csv"
    file.write_text(
        "contact,channel,purpose,kind,given_to,wording,source,captured_at\n"
        "(615) 555-0123,sms,marketing,express_written,Example Homes,I agree.,form,2026-11-01\n"
        "(615) 555-0124,fax,marketing,express_written,Example Homes,I agree.,form,2026-11-01\n"
    )
    told = run(slug, "consent", "import", str(file), "--as", "pat", fails=True)
    assert (told["rows_in"], told["new"], told["rejected"]) == (2, 1, 1)
    assert (told["faults"][0]["row"], told["faults"][0]["column"]) == (2, "channel")
    recorded = ("consent", "record", "615-555-0123", "--channel", "sms", "--wording", "Yes.", "--source", "call")
    given = ("--given-to", "Example Homes", "--captured-at", "2026-11-02T10:00-06:00")
    assert run(slug, *recorded, *given) == {"new": 1}
    assert run(slug, *recorded, *given) == {"new": 0}
    naive = (*given[:-1], "2026-11-02T10:00")
    assert "such as 2026-11-02T10:00" in run(slug, *recorded, *naive, fails=True)
    assert run(slug, "consent", "revoke", "6155550123", "--reason", "by phone") == {"revoked": 2, "suppressed": True}
    case = tmp_path / "case.json"
    done = CliRunner().invoke(app, ["consent", "export", "+16155550123", "--to", str(case), "--org", slug])
    assert done.exit_code == 0
    shown = json.loads(case.read_text())
    assert [consent["wording"] for consent in shown["consents"]] == ["I agree.", "Yes."]
    assert [row["origin"] for row in shown["suppressions"]] == ["revocation"]
    assert len(shown["proof"]) == 5


def test_suppressions_are_added_once_and_listed(slug: str) -> None:
    contacts = ("+16155550123", "Pat@mail.example", "12 Elm St, Nashville TN 37203")
    assert run(slug, "suppress", "add", *contacts, "--reason", "asked") == {"suppressed": 3, "new": 3}
    assert run(slug, "suppress", "add", "615 555 0123", "--reason", "asked")["new"] == 0
    listed = run(slug, "suppress", "list")["suppressions"]
    assert {row["kind"] for row in listed} == {"phone", "email", "mailing"}


def test_rules_are_shown_and_made_stricter_never_looser(slug: str) -> None:
    shown = run(slug, "rules", "show", "--state", "fl")
    assert shown["states"][0]["weekdays"] == "08:00-20:00"
    assert "not legal advice" in shown["note"]
    reason = ("--reason", "own counsel")
    run(slug, "rules", "tighten", "state_calling_rules", "FL", "weekday_start=09:00", *reason)
    assert run(slug, "rules", "show", "--state", "FL")["states"][0]["weekdays"] == "09:00-20:00"
    looser = run(slug, "rules", "tighten", "state_calling_rules", "FL", "weekday_start=08:00", *reason, fails=True)
    assert "only be made stricter" in looser
    run(slug, "rules", "accept", "nv", *reason)
    told = run(slug, "rules", "list")
    assert [change["kind"] for change in told["changes"]] == ["tighten", "accept_low_confidence"]
    assert told["current"] in {version["rule_version"] for version in told["versions"]}


def test_a_hold_is_placed_and_lifted(slug: str) -> None:
    hold = run(slug, "hold", "place", "LA", "--reason", "declared emergency")
    assert hold["channels"] == ["sms", "voice", "mail", "email"]
    assert run(slug, "hold", "lift", hold["hold_id"])["lifted"]
    assert run(slug, "hold", "list") == {"holds": []}
    assert "no state" in run(slug, "hold", "place", "ZZ", "--reason", "x", fails=True)


def test_members_attest_and_strangers_do_not(slug: str) -> None:
    words = ("attest", "purpose", "property_acquisition")
    assert "Nothing was stated" in run(slug, *words, fails=True)
    assert run(slug, "member", "add", "pat", "--as", "pat") == {"members": ["pat"]}
    assert "no member" in run(slug, *words, "--agree", "--as", "sam", fails=True)
    assert run(slug, *words, "--agree", "--as", "pat")["attested_by"] == "pat"
    assert "must not decide" in run(slug, "attest", "purpose", "tenant housing", "--agree", "--as", "pat", fails=True)
    assert len(run(slug, "attest", "list")["attestations"]) == 1
    run(slug, "attest", "withdraw", "property_acquisition", "--as", "pat")


def test_profile_and_senders_are_set_and_shown(slug: str) -> None:
    assert run(slug, "profile", "show")["sender_name"] == slug
    run(slug, "profile", "set", "--sender-name", "Example Homes", "--no-second-person")
    told = run(slug, "profile", "set", "--most-per-7d", "2")
    assert (told["sender_name"], told["needs_second_person"], told["most_per_7d"]) == ("Example Homes", False, 2)
    assert "most_per_24h" in run(slug, "profile", "set", "--most-per-24h", "9", fails=True)
    run(slug, "sender", "add", "+16155550100", "--brand", "B1", "--registration", "C1")
    assert [row["sender"] for row in run(slug, "sender", "list")["senders"]] == ["+16155550100"]
