"""An erased person is gone from every table and file of the org, however often somebody starts, and stays gone."""

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import polars as pl
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from typer.testing import CliRunner

from leadflow_pipelines.clearance.consents import Consent, consent_case, evidence_folder, record_consents
from leadflow_pipelines.clearance.erasure import Erased, erase_person
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.keep_erased import drop_erased
from leadflow_pipelines.clearance.written_contacts import cut_payload, written_as
from leadflow_pipelines.cli.app import app
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.contracts import (
    ENRICHED_LEADS,
    LEAD_CONTACTS,
    LEAD_SCORES,
    OUTREACH_LISTS,
    RAW_PULLS,
    REJECTED_RECORDS,
    Contract,
)
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.lake import Lake, open_lake
from leadflow_pipelines.marts.build_marts import build_marts
from leadflow_pipelines.settings import Settings, load_settings

NOW = dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)
DAY = NOW.date()
PHONE, OTHER = "+16155550123", "+16155550144"
EMAIL, OTHER_EMAIL = "dana.homeowner@mail.example", "pat@mail.example"
LETTERS = "12 Example St, Nashville, TN 37206"
ANSWER = {
    "request": {"requestId": "p1"},
    "persons": [
        {"name": {"full": "Dana Homeowner"}, "phoneNumbers": [{"number": "(615) 555-0123"}], "emails": []},
        {"name": {"full": "Pat Owner"}, "phoneNumbers": [{"number": "6155550144"}],
         "emails": [{"email": OTHER_EMAIL}]},
    ],
}  # fmt: skip


@dataclass
class Known:
    """An org that knows two people in every place it has."""

    database: Database
    lake: Lake
    org: Org
    settings: Settings
    keys: HashKeys
    folder: Path

    def forget(self, kind: str, value: str) -> Erased:
        return erase_person(
            self.database, self.lake, self.org, kind, value, self.keys, actor="ada", now=NOW
        )  # fmt: skip

    def store(self, contract: Contract, *rows: dict[str, Any]) -> None:
        """Rows of a day; what a test does not care about is null or a plain value."""
        frame = pl.DataFrame([{**plain(contract), **row} for row in rows], infer_schema_length=None)
        self.lake.replace(contract, contract.conform(frame), day=DAY)

    def contact(self, number: int, **columns: Any) -> dict[str, Any]:
        return {"contact_point_id": f"c_{number}", "property_id": f"p{number}", "source": "batchdata", **columns}

    def consent(self, contact: str, evidence: Path) -> int:
        channel = "email" if "@" in contact else "sms"
        given = Consent(contact, channel, "marketing", "express_written", "Example Homes", "I agree.", "form",
                        NOW - dt.timedelta(days=9), None, evidence)  # fmt: skip
        with self.database.as_org(self.org.org_id) as connection:
            return record_consents(
                connection, self.org, [given], self.keys, actor="ada", now=NOW, settings=self.settings
            )  # fmt: skip

    def traces(self, *values: str) -> list[str]:
        """Where any of these stands still: files of the lake and of consents read and raw, tables."""
        found = []
        for file in (*Path(self.lake.root).rglob("*"), *evidence_folder(self.settings, self.org).rglob("*")):
            if file.is_file():
                rows = pl.read_parquet(file).write_ndjson() if file.suffix == ".parquet" else ""
                found += [str(file) for value in values if value.encode() in file.read_bytes() or value in rows]
        with self.database.as_org(self.org.org_id) as connection:
            for table in tables.metadata.sorted_tables:
                if "org_id" in table.c and table.name != "bi_logins":  # another role's
                    rows_of = connection.execute(select(table).where(table.c.org_id == self.org.org_id)).all()
                    found += [table.name for value in values if any(value in str(tuple(row)) for row in rows_of)]
        return found


def plain(contract: Contract) -> dict[str, Any]:
    """One row of a contract that breaks no rule of being there."""
    of_type = {
        pl.String: "x", pl.Date: DAY, pl.Int64: 1, pl.Int32: 1, pl.Boolean: False, pl.List(pl.String): ["x"],
        pl.Datetime("us", "UTC"): NOW,
    }  # fmt: skip
    required = {
        name: of_type.get(kind, []) for name, kind in contract.schema.items() if not contract.columns[name].nullable
    }
    return {**required, "zip": "37206", "day": DAY}


@pytest.fixture
def known(database: Database, home: Path, tmp_path: Path) -> Known:
    settings = load_settings(home=home)
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    made = Known(database, open_lake(settings, org.slug), org, settings, load_hash_keys(settings), tmp_path)
    fill_lake(made)
    for name, people in (("own.txt", [PHONE]), ("both.txt", [EMAIL, OTHER])):
        (tmp_path / name).write_text(f"{name}: {people}")
        for contact in people:
            made.consent(contact, tmp_path / name)
    return made


def fill_lake(known: Known) -> None:
    """Two people in two versions of the tables, compacted between, as well as in what vendors answered."""
    for _ in range(2):
        known.store(
            LEAD_CONTACTS,
            known.contact(1, kind="phone", phone_e164=PHONE, person_name="Dana Homeowner"),
            known.contact(2, kind="phone", phone_e164=OTHER), known.contact(3, kind="email", email=EMAIL),
            known.contact(4, kind="mailing", mailing_street="12 Example St", mailing_city="Nashville",
                          mailing_state="TN", mailing_zip5="37206"),
        )  # fmt: skip
        known.store(
            OUTREACH_LISTS,
            *(known.contact(number, channel="sms", verdict="blocked", contact_value=value)
              for number, value in enumerate((PHONE, OTHER, EMAIL, LETTERS), start=1)),
        )  # fmt: skip
        known.lake.compact(LEAD_CONTACTS)
    known.store(REJECTED_RECORDS, {"raw_row": '{"tel": "615.555.0123"}'})
    known.store(
        ENRICHED_LEADS,
        {"property_id": "p4", "owner_name": "Dana Homeowner", "owner_type": "person", "mailing_state": "TN",
         "mailing_street": "12 EXAMPLE ST", "mailing_city": "Nashville", "mailing_zip5": "37206"},
        {"property_id": "p5", "owner_name": "Pat Owner", "owner_type": "person", "mailing_street": "9 Example St"},
    )  # fmt: skip
    pull(known, "batchdata", {"propertyAddress": {"street": "12 Example St"}}, "p1", ANSWER)
    pull(known, "dncscrub", {"phone": PHONE[2:]}, PHONE, {"Phone": PHONE[2:], "ResultCode": "D"})


def pull(known: Known, provider: str, asked: dict[str, Any], item_key: str, answer: dict[str, Any]) -> None:
    """An answer that was bought, as the guard keeps it."""
    row = {**plain(RAW_PULLS), "source": provider, "fingerprint": provider, "item_number": 0, "item_key": item_key,
           "payload": orjson.dumps(answer).decode()}  # fmt: skip
    path = known.lake.raw.write_raw(provider, DAY, "37206", provider, pl.DataFrame([row]))
    with known.database.as_org(known.org.org_id) as connection:
        connection.execute(insert(tables.provider_pulls).values(
            org_id=known.org.org_id, fingerprint=provider, provider=provider, endpoint="x", day=DAY, parameters=asked,
            path=path, items=1, fetched_at=NOW,
        ))  # fmt: skip


def test_a_number_is_gone_from_every_file_and_table(known: Known) -> None:
    written = (PHONE, PHONE[2:], "(615) 555-0123", "615.555.0123")
    assert len(set(known.traces(*written))) > 8, "the number must stand in many places first"
    found = known.forget("phone", PHONE)
    assert known.traces(*written) == []
    assert (found.lead_contacts, found.outreach_lists, found.rejected_records) == (1, 1, 1)
    assert (found.raw_answers, found.pulls, found.consents, found.consent_files) == (2, 1, 1, 1)
    assert found.old_files > 3
    assert known.traces(OTHER), "nobody else's goes"
    (answer,) = known.lake.raw.read_raw([f"raw/batchdata/day={DAY}/zip=37206/batchdata.parquet"])["payload"]
    assert "Pat Owner" in answer
    assert "Dana" not in answer
    assert known.lake.read(REJECTED_RECORDS)["raw_row"][0] == '{"tel": "erased"}'
    assert known.lake.read(LEAD_CONTACTS).height == 3
    again = known.forget("phone", PHONE)
    assert (again.lead_contacts, again.raw_answers, again.consents) == (0, 0, 0)


def test_an_e_mail_is_gone_and_a_file_that_shows_others_too_is_left_and_told(known: Known) -> None:
    found = known.forget("email", EMAIL.upper())
    assert (found.lead_contacts, found.outreach_lists, found.consent_files, found.shared_files) == (1, 1, 0, 1)
    left = {Path(one).suffix for one in known.traces(EMAIL)}
    assert left == {".txt"}
    assert known.forget("phone", OTHER).consent_files == 1, "the last whom the file shows"
    assert known.traces(EMAIL, OTHER) == []


def test_a_mailing_address_takes_the_owners_name_along(known: Known) -> None:
    found = known.forget("mailing", LETTERS)
    assert (found.owners, found.lead_contacts, found.outreach_lists) == (1, 1, 1)
    leads = known.lake.read(ENRICHED_LEADS).sort("property_id")
    assert leads["owner_name"].to_list() == [None, "Pat Owner"]
    assert leads["mailing_street"].to_list() == [None, "9 Example St"]


def test_the_command_builds_the_marts_without_them(known: Known) -> None:
    leads = known.lake.read(ENRICHED_LEADS)
    scores = [{**plain(LEAD_SCORES), "property_id": one} for one in leads["property_id"]]
    known.lake.replace(LEAD_SCORES, LEAD_SCORES.conform(pl.DataFrame(scores)), day=DAY)
    build_marts(known.lake, known.database, known.org, now=NOW, run_id="run")
    assert "Dana Homeowner" in str(mart_leads(known))
    found = CliRunner().invoke(app, ["forget", "--address", LETTERS, "--as", "ada", "--org", known.org.slug, "--json"])
    told = orjson.loads(found.stdout)
    assert (found.exit_code, told["marts_rebuilt"], told["forgotten"][0]["owners"]) == (0, True, 1)
    assert "Dana Homeowner" not in str(mart_leads(known))
    assert "Pat Owner" in str(mart_leads(known))


def mart_leads(known: Known) -> list[Any]:
    with known.database.as_org(known.org.org_id) as connection:
        return list(connection.execute(text("select org, owner_name from marts.mart_leads where org = :org"),
                                       {"org": known.org.slug}).all())  # fmt: skip


@pytest.mark.parametrize("dies_in", ["change_rows", "forget_versions"])
def test_killed_midway_the_next_call_finishes(known: Known, monkeypatch: pytest.MonkeyPatch, dies_in: str) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(known.lake, dies_in, die)
        with pytest.raises(Killed):
            known.forget("phone", PHONE)
    assert known.traces(PHONE), "it was killed"
    with known.database.as_org(known.org.org_id) as connection:
        stands = select(func.count()).select_from(tables.suppressions).where(tables.suppressions.c.origin == "deletion")
        assert connection.execute(stands).scalar_one() == 1, "suppressed before anything else"
    known.forget("phone", PHONE)
    assert known.traces(PHONE, "(615) 555-0123") == []


def test_whoever_was_erased_is_dropped_when_they_come_in_again(known: Known) -> None:
    known.forget("phone", PHONE)
    pull(known, "batchdata2", {}, "p1", ANSWER)
    contacts = LEAD_CONTACTS.conform(pl.DataFrame([
        {**plain(LEAD_CONTACTS), **known.contact(1, kind="phone", phone_e164=PHONE)},
        {**plain(LEAD_CONTACTS), **known.contact(2, kind="phone", phone_e164=OTHER)},
    ]))  # fmt: skip
    kept = drop_erased(known.database, known.lake, known.org, contacts)
    assert kept["phone_e164"].to_list() == [OTHER]
    assert kept.columns == list(LEAD_CONTACTS.columns)
    assert known.consent(PHONE, known.folder / "own.txt") == 0
    assert known.traces(PHONE, "(615) 555-0123") == []


def test_a_withdrawn_consent_says_so(known: Known) -> None:
    known.forget("phone", PHONE)
    with known.database.as_org(known.org.org_id) as connection:
        (consent,) = consent_case(connection, known.org, "phone", PHONE, known.keys)["consents"]
    assert (consent["revoked_by"], consent["revoked_at"], consent["contact_value"]) == ("deletion", NOW, None)
    assert consent["evidence_sha256"], "what was shown is known by its digest"


@pytest.mark.parametrize(
    "text",
    ["6155550123", "+1 (615) 555-0123", "call 1-615-555-0123.", "615.555.0123", "tel:+16155550123", "615 555 0123"],
)
def test_a_number_is_found_however_written(text: str) -> None:
    assert re.search(written_as("phone", PHONE) or "", text)


@pytest.mark.parametrize("text", ["96155550123", "61555501234", "0615-555-01230", "615-555-0124", "615 55501 23"])
def test_another_number_is_not_taken_for_it(text: str) -> None:
    assert not re.search(written_as("phone", PHONE) or "", text)


@pytest.mark.parametrize(
    ("text", "is_theirs"),
    [("DANA.homeowner@mail.example", True), ("write to dana.homeowner@mail.example.", True),
     ("<dana.homeowner@mail.example>", True), ("x.dana.homeowner@mail.example", False),
     ("dana.homeowner@mail.example.org", False), ("danaXhomeowner@mail.example", False)],
)  # fmt: skip
def test_an_e_mail_is_found_and_no_other(text: str, is_theirs: bool) -> None:
    assert bool(re.search(written_as("email", EMAIL) or "", text)) is is_theirs


def test_of_an_answer_the_person_goes_and_the_others_stay() -> None:
    pattern = written_as("phone", PHONE) or ""
    (left,) = orjson.loads(cut_payload(orjson.dumps(ANSWER).decode(), pattern))["persons"]
    assert left["name"]["full"] == "Pat Owner"
    assert cut_payload('{"a": "615-555-0123", "b": 6155550123, "c": 1}', pattern) == '{"a":null,"b":null,"c":1}'
    assert cut_payload("<p>615-555-0123</p>", pattern) == "<p>erased</p>"
