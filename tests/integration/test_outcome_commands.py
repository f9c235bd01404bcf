"""`leadflow outcome`: add, import, list, withdraw, as a person at a terminal meets them."""

import datetime as dt
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest

from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_RECORDS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from leadflow_pipelines.settings import get_settings
from tests.commands import Finished, leadflow_here

DAY = dt.date(2026, 11, 2)
HERE, THERE = "37206", "37211"


@pytest.fixture(scope="module")
def lead_ids(database: Database) -> tuple[str, list[str]]:
    """An org whose lake knows four properties, the last in another ZIP: its slug, and their ids."""
    slug = f"t{uuid4().hex[:12]}"
    create_org(database, slug, is_simulated=True)
    lake = open_lake(get_settings(), slug)
    streets = ["12 QUILLFEATHER ST", "14 QUILLFEATHER ST", "16 QUILLFEATHER ST", "9 PENNYWHISTLE LN"]
    records = build_records(
        pl.DataFrame({"address": streets, "zip": [HERE] * 3 + [THERE], "row_number": range(1, 5)}),
        source="roll", pull_id="roll", day=DAY,
    )  # fmt: skip
    lake.replace(PROPERTY_RECORDS, records.with_columns(pl.lit(DAY).alias("day")), day=DAY)
    refresh_properties(lake, zips=[HERE, THERE], day=DAY)
    known = lake.read(PROPERTIES).sort("zip", "address")
    assert known["zip"].to_list() == [HERE, HERE, HERE, THERE]
    return slug, known["property_id"].to_list()


@pytest.fixture
def house(database: Database, lead_ids: tuple[str, list[str]]) -> tuple[str, list[str]]:
    """The same, without what an earlier test noted."""
    slug, ids = lead_ids
    listed = outcome(slug, "list", "--top", "1000", "--json").json["outcomes"]
    for one in listed:
        outcome(slug, "withdraw", one["outcome_id"], "--as", "ada")
    return slug, ids


def outcome(slug: str, *arguments: str) -> Finished:
    return leadflow_here("outcome", *arguments, "--org", slug)


def test_a_deal_is_noted_listed_and_withdrawn(house: tuple[str, list[str]]) -> None:
    slug, (first, *_, far) = house
    added = outcome(
        slug, "add", first, "--kind", "deal", "--on", "2026-11-02", "--amount", "$182,000", "--as", "ada", "--note",
        "Closed [bold]early\x1b[31m", "--json",
    ).json  # fmt: skip
    assert (added["new"], added["amount_cents"]) == (1, 18_200_000)
    assert "stands already" in outcome(
        slug, "add", first, "--kind", "deal", "--on", "2026-11-02", "--amount", "182000", "--as", "grace"
    ).out  # fmt: skip
    outcome(slug, "add", far, "--kind", "appointment", "--on", "2026-11-05", "--as", "ada")
    shown = outcome(slug, "list", "--zip", HERE)
    assert "deal  $182,000.00" in shown.out
    assert "“Closed [bold]early [31m”" in shown.out
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    assert "appointment" not in shown.out
    assert [one["kind"] for one in outcome(slug, "list", "--kind", "appointment", "--json").json["outcomes"]] == [
        "appointment"
    ]
    gone = outcome(slug, "withdraw", added["outcome_id"][:8], "--why", "Fell through.", "--as", "grace", "--json").json
    assert (gone["kind"], gone["withdrawn_by"]) == ("deal", "grace")
    assert outcome(slug, "list", "--kind", "deal", "--json").json["matching"] == 0
    assert "No such outcome" in outcome(slug, "list", "--kind", "deal").out


def test_a_list_is_read_page_by_page(house: tuple[str, list[str]]) -> None:
    slug, ids = house
    for day in (2, 2, 3, 4, 4):
        outcome(slug, "add", ids[day % 2], "--kind", "interested", "--on", f"2026-11-0{day}", "--as", "ada")
        outcome(slug, "add", ids[2], "--kind", "offer", "--on", f"2026-11-0{day}", "--as", "ada")
    seen: list[dict[str, str]] = []
    after: list[str] = []
    for _ in range(3):
        page = outcome(slug, "list", "--top", "2", *after, "--json").json
        seen += page["outcomes"]
        after = ["--after", page["next"] or ""]
    assert page["next"] is None
    assert (page["matching"], len({one["outcome_id"] for one in seen})) == (6, 6)
    assert [one["happened_on"] for one in seen] == sorted((one["happened_on"] for one in seen), reverse=True)


@pytest.mark.parametrize(
    ("asked", "why", "remedy"),
    [
        (("{id}", "--kind", "sale"), "--kind: No outcome is 'sale'", "deal"),
        (("{id}", "--kind", "deal", "--on", "2099-01-01"), "--on: 2099-01-01 lies in the future", "Today is"),
        (("{id}", "--kind", "deal", "--on", "11/02/2026"), "--on '11/02/2026' is no date", "2026-11-02"),
        (("{id}", "--kind", "deal", "--amount", "-5"), "--amount '-5' is no amount", "182000"),
        (("{id}", "--kind", "deal", "--amount", "0"), "--amount: It is no price", "above zero"),
        (("{id}", "--kind", "interested", "--amount", "5"), "--amount: interested has no amount", "offer, contract or"),
        (("{id}", "--kind", "deal", "--campaign", "spring"), "There is no campaign 'spring'", "campaign list"),
        (("{id}x", "--kind", "deal"), "No property has the id", "Did you mean {id}?"),
        (("p_", "--kind", "deal"), "No property has the id 'p_'", "leadflow leads"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_noted_is_refused_with_what_to_do(
    house: tuple[str, list[str]], asked: tuple[str, ...], why: str, remedy: str
) -> None:
    slug, ids = house
    done = outcome(slug, "add", *(word.format(id=ids[0]) for word in asked), "--as", "ada")
    said = " ".join(done.err.split())
    assert done.exit_code != 0
    assert why in said
    assert remedy.format(id=ids[0]) in said
    assert outcome(slug, "list", "--json").json["matching"] == 0


def test_a_beginning_that_names_one_property_will_do(house: tuple[str, list[str]]) -> None:
    slug, ids = house
    told = outcome(slug, "add", ids[0][:12], "--kind", "interested", "--as", "ada", "--json").json
    assert told["property_id"] == ids[0]


def test_good_rows_of_a_file_survive_bad_ones(house: tuple[str, list[str]], tmp_path: Path) -> None:
    slug, ids = house
    file = tmp_path / "crm.csv"
    rows = [
        f"{ids[0]},Deal,2026-10-02,\"$182,000.00\",,Closed",
        f"{ids[1]},appointment,2026-10-03,,,",
        f"{ids[0][:-1]}!,deal,2026-10-02,,,",
        f"{ids[2]},not interested,10/03/2026,,,",
        f"{ids[2]},sold-elsewhere,2026-10-03,5,,",
        f"{ids[2]},deal,2026-10-03,5,autumn,",
        ",deal,2026-10-03,,,",
        f"{ids[0]},deal,2026-10-02,170000,,",
        f"{ids[0]},deal,2026-10-02,182000,,Once more",
    ]  # fmt: skip
    file.write_text("property_id,kind,happened_on,amount,campaign,note\n" + "\n".join(rows) + "\n")
    done = outcome(slug, "import", str(file), "--as", "ada", "--json")
    told = done.json
    assert done.exit_code == 1
    assert (told["rows_in"], told["new"], told["known"], told["rejected"]) == (9, 2, 1, 6)
    assert [(fault["file"], fault["row"], fault["column"]) for fault in told["faults"]] == [
        ("crm.csv", 3, "property_id"), ("crm.csv", 4, "happened_on"), ("crm.csv", 5, "amount"),
        ("crm.csv", 6, "campaign"), ("crm.csv", 7, "property_id"), ("crm.csv", 8, "amount"),
    ]  # fmt: skip
    assert ids[0] in told["faults"][0]["remedy"]
    again = outcome(slug, "import", str(file), "--as", "ada", "--json").json
    assert (again["new"], again["known"]) == (0, 3)
    shown = outcome(slug, "import", str(file), "--as", "ada")
    assert "0 outcomes noted, 3 known already, 6 left out." in " ".join(shown.out.split())
    assert max(len(line) for line in shown.out.splitlines()) <= 80


def test_a_file_does_not_bring_back_what_was_withdrawn(house: tuple[str, list[str]], tmp_path: Path) -> None:
    slug, ids = house
    file = tmp_path / "crm.csv"
    file.write_text(f"property_id,kind,happened_on\n{ids[3]},contract,2026-10-30\n")
    outcome(slug, "import", str(file), "--as", "ada")
    (noted,) = outcome(slug, "list", "--json").json["outcomes"]
    assert noted["origin"] == "file"
    outcome(slug, "withdraw", noted["outcome_id"], "--as", "ada")
    again = outcome(slug, "import", str(file), "--as", "ada", "--json").json
    assert (again["new"], again["withdrawn"]) == (0, 1)
    assert outcome(slug, "list", "--json").json["matching"] == 0


def test_a_file_without_its_columns_is_refused(house: tuple[str, list[str]], tmp_path: Path) -> None:
    slug, _ = house
    file = tmp_path / "crm.csv"
    file.write_text("id,kind\n1,deal\n")
    done = outcome(slug, "import", str(file), "--as", "ada")
    assert done.exit_code != 0
    assert "crm.csv lacks the columns property_id, happened_on" in " ".join(done.err.split())
