"""Numbers that wait for an answer alone are named and bought; those that no answer would clear are not."""

import datetime as dt
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.needed_lookups import Needed, needed_among, needed_of_lists
from leadflow_pipelines.clearance.number_lookups import look_up_numbers
from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.cli.app import app
from leadflow_pipelines.compliance import decide_contacts
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.database.tables import outreach_list_entries
from tests.outreach_people import agree, introduce, people
from tests.shop import NOON, Shop, open_shop

CLEAN, LISTED, UNREACHABLE, SUPPRESSED = (f"+121255501{end}" for end in ("01", "12", "03", "04"))
PHONES = (CLEAN, LISTED, UNREACHABLE, SUPPRESSED)
AGREED = NOON - dt.timedelta(days=400)


@pytest.fixture
def store(database: Database, sandbox: Any, home: Any, tmp_path: Any) -> Shop:
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    opened = open_shop(database, org, sandbox, home, tmp_path, "dncscrub", "realphonevalidation")
    opened.allow(100_000, provider="dncscrub")
    keys = load_hash_keys(opened.settings)
    with database.as_org(org.org_id) as connection:
        introduce(connection, org)
        agree(connection, PHONES, keys, AGREED)
        wish = Suppression("phone", SUPPRESSED, "operator", "asked", "ada")
        suppress(connection, org.org_id, [wish], keys, now=NOON)
    return opened


def unanswered() -> pl.DataFrame:
    """People of the org's own, of whose numbers nothing is known."""
    return people(4).with_columns(
        phone_e164=pl.Series(PHONES), contact_value=pl.Series(PHONES), is_on_dnc=pl.lit(None, pl.Boolean),
        is_litigator=pl.lit(None, pl.Boolean), is_reachable=pl.Series([True, True, False, True]),
    )  # fmt: skip


def needed(store: Shop) -> Needed:
    with store.database.as_org(store.org.org_id) as connection:
        return needed_among(
            connection, store.org, unanswered(), purpose="marketing", now=NOON, settings=store.settings
        )  # fmt: skip


def buy(store: Shop, found: Needed) -> None:
    asked: dict[str, dict[str, Any]] = {"dnc": {"phones": found.dnc}}
    asked["reassigned"] = {
        "phones": [one for one, _ in found.reassigned],
        "since": [day for _, day in found.reassigned],
    }
    with store.guard() as guard:
        for kind, one in asked.items():
            look_up_numbers(store.database, store.org, guard, store.lake, provider="dncscrub", kind=kind, now=NOON,
                            settings=store.settings, **one)  # fmt: skip


def test_what_waits_for_an_answer_alone_is_asked_and_then_clears(store: Shop) -> None:
    found = needed(store)
    assert found.dnc == (CLEAN, LISTED), "an answer clears neither the unreachable number nor the suppressed one"
    assert found.reassigned == ((CLEAN, AGREED.date()), (LISTED, AGREED.date()))
    assert {kind: len(calls) for kind, calls in found.calls("dncscrub", NOON.date()).items()} == {
        "dnc": 2, "reassigned": 2,
    }  # fmt: skip
    buy(store, found)
    assert needed(store) == Needed(), "what was answered is not asked again, hit or not"
    with store.database.as_org(store.org.org_id) as connection:
        evidence = gather_evidence(connection, store.org, unanswered(), now=NOON, settings=store.settings)
        decided = decide_contacts(evidence.points, now=NOON, purpose="marketing", **evidence.asked)
    texts = decided.filter(pl.col("channel") == "sms")
    assert dict(zip(texts["contact_value"], texts["verdict"], strict=True))[CLEAN] == "cleared"


def test_a_days_lists_tell_it_from_their_reasons(store: Shop) -> None:
    codes = {CLEAN: ["dnc_stale"], LISTED: ["dnc_unknown", "not_reachable"], UNREACHABLE: ["reassigned_unknown"]}
    with store.database.as_org(store.org.org_id) as connection:
        for number, (phone, reasons) in enumerate(codes.items()):
            connection.execute(insert(outreach_list_entries).values(
                org_id=store.org.org_id, day=NOON.date(), contact_point_id=f"c{number}", channel="voice", zip="10001",
                property_id="p", verdict="blocked", reason_codes=reasons, contact_value=phone, valid_until=NOON,
                rule_version="v", evidence_hash="h",
            ))  # fmt: skip
        asked = {"day": NOON.date(), "now": NOON, "settings": store.settings}
        found = needed_of_lists(connection, store.org, zips=[], **asked)
        assert found == Needed((CLEAN,), ((UNREACHABLE, AGREED.date()),))
        assert needed_of_lists(connection, store.org, zips=["10002"], **asked) == Needed()


def test_the_command_tells_that_nothing_waits(database: Database) -> None:
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    found = CliRunner().invoke(app, ["dnc", "needed", "--org", org.slug])
    assert found.exit_code == 0, found.output
    assert "0 numbers wait for a do-not-call answer" in found.stdout
