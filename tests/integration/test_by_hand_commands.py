"""The commands for letters and calls as a user runs them."""

import csv
import datetime as dt
from pathlib import Path
from uuid import uuid4

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.settings import Settings
from tests.by_hand_people import LETTER, SCRIPT, addresses, phones, run
from tests.commands import leadflow_here


def test_letters_are_printed_and_taken_back(database: Database, org: Org, settings: Settings, tmp_path: Path) -> None:
    with database.as_org(org.org_id) as connection:
        now = dt.datetime.now(dt.UTC)
        name = run(
            connection, org, addresses(2), load_hash_keys(settings), channel="mail", body=LETTER, now=now
        )  # fmt: skip
    printed = leadflow_here(
        "campaign", "letters", name, "--out", str(tmp_path), "--as", "ada", "--org", org.slug, "--json"
    )
    told = printed.json
    assert (told["letters"], len(told["pdfs"]), "not legal advice" in told["note"]) == (2, 1, True)
    with Path(told["csv"]).open(encoding="utf-8-sig", newline="") as file:
        references = [row["reference"] for row in csv.DictReader(file)]
    back = tmp_path / "back.csv"
    back.write_text(f"reference\n{references[0]}\n{uuid4()}\n")
    taken = leadflow_here("campaign", "returned", str(back), "--as", "ada", "--org", org.slug)
    assert (taken.exit_code, taken.out.strip()) == (1, "1 letters came back.")
    assert "back.csv, row 2" in taken.err
    again = leadflow_here("campaign", "letters", name, "--out", str(tmp_path), "--as", "ada", "--org", org.slug)
    assert "No letter is due." in again.out


def test_a_call_sheet_is_shown_and_an_unknown_call_is_refused(database: Database, org: Org, settings: Settings) -> None:
    with database.as_org(org.org_id) as connection:
        now = dt.datetime.now(dt.UTC)
        keys = load_hash_keys(settings)
        name = run(connection, org, phones("+15125550101"), keys, channel="voice", body=SCRIPT, now=now)
    sheet = leadflow_here("campaign", "call-sheet", name, "--caller", "ada", "--org", org.slug, "--format", "json")
    assert len(sheet.json["calls"]) + len(sheet.json["later"]) + sheet.json["blocked"] == 1
    wrong = leadflow_here(
        "campaign", "call-result", str(uuid4()), "--outcome", "reached", "--as", "ada", "--org", org.slug
    )
    assert wrong.exit_code != 0
    assert "There is no call" in wrong.err
