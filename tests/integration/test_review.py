"""Reviewing matches on the command line: the evidence, the queue, an operator's word and what becomes of it."""

import datetime as dt
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy.exc import ProgrammingError

from leadflow_pipelines.contracts import PROPERTY_LINKS, PROPERTY_RECORDS
from leadflow_pipelines.county_files import import_county_file
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.database.property_decisions import Decision, record_decision
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.settings import load_settings
from tests.commands import Finished, leadflow, leadflow_here

DAY = dt.date(2026, 11, 21)
NOW = dt.datetime(2026, 11, 21, 15, 0, tzinfo=dt.UTC)

ROLL = "\n".join(
    [
        "Parcel ID,Property Address,City,State,Zip,Owner Name",
        "90000000100,412 QUILLFEATHER ST,NASHVILLE,TN,37207,ADA ARDENT",
        "90000000200,900 QUILLFEATHER ST,NASHVILLE,TN,37207,BO BRISK",
        "90000000300,500 LANTERNWOOD ST,NASHVILLE,TN,37206,CY CALM",
        "90000000400,500 LANTERNWOOD AVE,NASHVILLE,TN,37206,DI DEFT",
    ]
)
LIST = "\n".join(
    [
        "Parcel ID,Property Address,City,State,Zip,Owner Name",
        ",412 QUILLFETHER ST,NASHVILLE,TN,37207,ADA ARDENT",  # a letter is missing
        "900-000-002 00,,,,,BO BRISK",  # the parcel number alone
        ",500 LANTERNWOOD,NASHVILLE,TN,37206,",  # ST or AVE?
    ]
)


class County:
    """An org with the roll and the list imported, seen through the command line."""

    def __init__(self, folder: Path, database: Database, home: Path) -> None:
        self.folder, self.database = folder, database
        self.org = create_org(database, f"t{uuid4().hex[:12]}")
        self.slug = self.org.slug
        self._lake = open_lake(load_settings(home=home), self.slug)
        self.import_files()

    def run(self, *arguments: str) -> Finished:
        command = leadflow if arguments[0] == "run" else leadflow_here
        return command(*arguments, "--org", self.slug)

    def import_files(self, *, list_source: str = "list") -> None:
        for name, source, text in (("roll", "roll", ROLL), ("list", list_source, LIST)):
            path = self.folder / f"{name}.csv"
            path.write_text(text)
            import_county_file(
                path, source=source, lake=self._lake, database=self.database, org=self.org, day=DAY, now=NOW
            )

    def record(self, source: str, row: int) -> str:
        """The record_id of a row of a file, from 1."""
        rows = self._lake.read(PROPERTY_RECORDS, where=pl.col("source") == source).sort("row_number")
        return str(rows["record_id"][row - 1])

    def homes(self) -> dict[str, str]:
        """record_id → property_id."""
        return dict(self._lake.read(PROPERTY_LINKS, columns=["record_id", "property_id"]).iter_rows())


@pytest.fixture
def county(database: Database, home: Path, tmp_path: Path) -> County:
    """A county of the test's own."""
    return County(tmp_path, database, home)


@pytest.fixture(scope="module")
def seen(database: Database, home: Path, tmp_path_factory: pytest.TempPathFactory) -> County:
    """A county that nobody decides on; shared by tests that only look."""
    return County(tmp_path_factory.mktemp("seen"), database, home)


def test_a_typo_match_says_what_agreed_and_how_surely(seen: County) -> None:
    asked = seen.record("list", 1)
    case = seen.run("explain", "merge", asked, "--json").json
    assert {record["source"] for record in case["records"]} == {"roll", "list"}
    (link,) = (record for record in case["records"] if record["matched_by"] != "first")
    assert link["matched_by"] == "similar"
    assert 0.6 < link["score"] < 1
    told = seen.run("explain", "merge", asked[:10])
    assert "one letter apart" in told.out
    assert "412 QUILLFETHER ST" in told.out
    assert max(len(line) for line in told.out.splitlines() if "leadflow" not in line) <= 80  # commands are copied


def test_a_parcel_match_says_the_parcel_number(seen: County) -> None:
    property_id = seen.homes()[seen.record("roll", 2)]
    told = seen.run("explain", "merge", property_id)
    assert "linked by the same parcel number" in told.out
    assert "47037:90000000200" in told.out
    assert "None." in told.out  # decisions


def test_a_refused_match_stands_with_its_rival(seen: County) -> None:
    case = seen.run("explain", "merge", seen.record("list", 3), "--json").json
    assert len(case["records"]) == 1
    others = {pair["other_address"].split(",")[0]: pair["verdict"] for pair in case["compared"]}
    assert others == {"500 LANTERNWOOD ST": "refused", "500 LANTERNWOOD AVE": "refused"}
    assert all(pair["evidence"] for pair in case["compared"])
    told = seen.run("explain", "merge", seen.record("list", 3))
    assert "contradicts a match at least as likely" in " ".join(told.out.split())
    assert f"leadflow review join {seen.record('list', 3)[:12]}" in told.out


def test_the_queue_shows_both_sides_page_by_page(seen: County) -> None:
    whole = seen.run("review", "--json").json
    assert (whole["waiting"], len(whole["pairs"]), whole["next"]) == (2, 2, None)
    first = seen.run("review", "--top", "1", "--json").json
    second = seen.run("review", "--top", "1", "--after", first["next"], "--json").json
    assert [*first["pairs"], *second["pairs"]] == whole["pairs"]
    assert second["next"] is None
    told = seen.run("review", "--zip", "37206", "--top", "1")
    assert "500 LANTERNWOOD" in told.out
    assert "1 to 1 of 2 that wait in 37206." in told.out
    assert "leadflow review --zip 37206 --after" in told.out
    elsewhere = seen.run("review", "--zip", "37207")
    assert "No pair of addresses waits for a decision in 37207." in elsewhere.out


def test_what_cannot_be_decided_is_refused_with_a_remedy(seen: County) -> None:
    left, right = seen.record("list", 3), seen.record("roll", 3)
    for arguments, message in (
        (("join", left, "0000000000", "--as", "ada"), "No record has an id that begins with '0000000000'"),
        (("part", left, left[:8], "--as", "ada"), "are one record"),
        (("part", left, right, "--as", " "), "--as is empty"),
    ):
        finished = seen.run("review", *arguments)
        assert finished.exit_code == 1
        assert message in " ".join(finished.err.split())
        assert "What to do" in finished.err
    assert "Nobody has decided anything yet" in seen.run("review", "decisions").out


def test_a_decision_is_obeyed_and_outlives_every_import(county: County, home: Path) -> None:
    before = county.homes()
    typo, good = county.record("list", 1), county.record("roll", 1)
    bare, street = county.record("list", 3), county.record("roll", 3)
    assert before[typo] == before[good]

    parted = county.run("review", "part", good, typo, "--as", "ada", "--note", "Two houses, I was there")
    assert "are two properties" in parted.out
    assert f"leadflow run --zip 37207 --org {county.slug}" in parted.out
    county.run("review", "join", bare, street, "--as", "bo")
    assert county.run("review", "--json").json["waiting"] == 1
    assert county.homes() == before
    assert "the next run obeys it" in county.run("explain", "merge", typo).out

    county.import_files()
    after = county.homes()
    assert after[typo] != after[good]
    assert before[good] in (after[typo], after[good])
    kept, given_up = sorted((before[bare], before[street]))
    assert after[bare] == after[street] == kept
    decided = (typo, good, bare, street)
    assert {name: home for name, home in after.items() if name not in decided} == {
        name: home for name, home in before.items() if name not in decided
    }
    case = county.run("explain", "merge", given_up, "--json").json
    assert (case["property_id"], case["given_up_ids"]) == (kept, [given_up])
    assert [decision["decided_by"] for decision in case["decisions"]] == ["bo"]
    assert "Two houses, I was there" in county.run("explain", "merge", after[typo]).out

    county.import_files(list_source="another list")
    again = county.homes()
    assert {name: again[name] for name in after} == after

    taken_back = county.run("review", "join", typo, good, "--as", "cy")
    assert "replaces what ada said" in taken_back.out
    county.import_files()
    assert county.homes()[typo] == county.homes()[good]
    assert "QUILLF" not in (home / "logs" / "leadflow.jsonl").read_text()


def test_a_run_obeys_too(county: County) -> None:
    typo, good = county.record("list", 1), county.record("roll", 1)
    county.run("review", "part", typo, good, "--as", "ada")
    assert county.run("run", "--json").exit_code == 0
    assert county.homes()[typo] != county.homes()[good]


def test_another_org_neither_sees_nor_changes_decisions(county: County, seen: County) -> None:
    """Two orgs that imported the same files have the same record ids."""
    left, right = county.record("list", 3), county.record("roll", 3)
    assert seen.record("list", 3) == left
    county.run("review", "part", left, right, "--as", "ada")
    assert seen.run("review", "decisions", "--json").json == {"decisions": []}
    with seen.database.as_org(seen.org.org_id) as connection:
        said = Decision(left, right, "together", "eve", NOW)
        assert record_decision(connection, seen.org.org_id, said) is None
        with pytest.raises(ProgrammingError, match="row-level security"), connection.begin_nested():
            record_decision(connection, county.org.org_id, said)
        connection.rollback()
    (kept,) = county.run("review", "decisions", "--json").json["decisions"]
    assert (kept["decision"], kept["decided_by"]) == ("apart", "ada")
