"""`leadflow models fairness`: who is selected, cleared and contacted by census tract, and that no score hears of it."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import polars as pl
import pytest
from sqlalchemy import insert

from leadflow_pipelines.contracts import (
    DAY_TABLES,
    LEAD_SCORES,
    OUTREACH_LISTS,
    PROPERTIES,
    PROPERTY_RECORDS,
    RAW_PULLS,
)
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.lake import Lake, open_lake
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from leadflow_pipelines.settings import get_settings
from tests.commands import Finished, leadflow_here

DAY = dt.date(2026, 11, 2)
AT = dt.datetime(2026, 11, 2, 15, tzinfo=dt.UTC)
ZIP = "37206"
HOMES = 400
TRACTS = [f"470370{number:05d}" for number in (10100, 10200, 10300, 10400)]
"""A hundred homes each, in order of their number; of the fifth tract nobody tells a share."""


@pytest.fixture(scope="module")
def reached(database: Database) -> tuple[Org, Lake, list[str]]:
    """An org with four hundred leads: the best forty lie in the first two tracts; the last tract is hardly cleared and
    half of the first was written to."""
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    lake = open_lake(get_settings(), org.slug)
    frame = pl.DataFrame(
        {
            "address": [f"{number + 1} QUILLFEATHER ST" for number in range(HOMES)],
            "zip": ZIP,
            "county_fips": "47037",
            "parcel_number": [f"083-05-0-{number:03d}.00" for number in range(HOMES)],
            "row_number": range(1, HOMES + 1),
        }
    )
    records = build_records(frame, source="roll", pull_id="roll", day=DAY)
    lake.replace(PROPERTY_RECORDS, records.with_columns(pl.lit(DAY).alias("day")), day=DAY)
    refresh_properties(lake, zips=[ZIP], day=DAY)
    known = lake.read(PROPERTIES).with_columns(number=pl.col("house_number").cast(pl.Int64)).sort("number")
    ids = known["property_id"].to_list()
    leads = pl.DataFrame({"property_id": ids, "zip": ZIP, "day": DAY}).with_columns(number=pl.int_range(pl.len()))
    best = pl.when(pl.col("number") < 30).then(60).when(pl.col("number").is_between(100, 109)).then(60).otherwise(10)
    scores = leads.with_columns(
        points=best, rank_in_zip=1, model_version=pl.lit("scorecard"), reasons=pl.lit([], LEAD_SCORES.schema["reasons"])
    )
    lake.replace(LEAD_SCORES, LEAD_SCORES.conform(scores), day=DAY)
    verdict = pl.when((pl.col("number") < 300) | (pl.col("number") % 10 == 0)).then(pl.lit("cleared"))
    lists = leads.with_columns(verdict=verdict.otherwise(pl.lit("blocked")), contact_point_id=pl.col("property_id"))
    lake.replace(OUTREACH_LISTS, OUTREACH_LISTS.conform(lists), day=DAY)
    with database.as_org(org.org_id) as connection:
        write_to(connection, org, ids[:50])
    return org, lake, ids


def write_to(connection: Any, org: Org, ids: list[str]) -> None:
    """A campaign that ran and wrote to these leads."""
    campaign = {"campaign_id": uuid4(), "org_id": org.org_id}
    connection.execute(insert(tables.campaigns).values(
        **campaign, name="autumn", state="running", created_by="ada", created_at=AT, approved_by="grace",
    ))  # fmt: skip
    connection.execute(insert(tables.campaign_changes).values(
        **campaign, to_state="running", changed_by="ada", changed_at=AT
    ))  # fmt: skip
    people = [
        {**campaign, "contact_point_id": f"c{one}", "property_id": one, "contact_hash": f"v1:{one}"} for one in ids
    ]
    connection.execute(
        insert(tables.campaign_audience), [{**one, "kind": "phone", "is_holdout": False} for one in people]
    )
    connection.execute(insert(tables.messages), [
        {**one, "message_id": uuid4(), "step": 1, "channel": "sms", "due_at": AT, "attempted_at": AT,
         "state": "delivered"} for one in people
    ])  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """tracts.csv and homes.csv: homes by parcel number."""
    tracts, homes = tmp_path / "tracts.csv", tmp_path / "homes.csv"
    shares = [f"{tract},{share}" for tract, share in zip(TRACTS, (0.1, 0.2, 0.3, 0.4), strict=True)]
    tracts.write_text("\n".join(["tract,renters", *shares]) + "\n")
    lines = [f"083 05 0 {number:03d}.00,{TRACTS[number // 100]}" for number in range(HOMES)]
    homes.write_text("\n".join(["parcel_number,tract", *lines]) + "\n")
    return tracts, homes


def fairness(org: Org, tracts: Path, *arguments: str, share: str = "renters") -> Finished:
    given = ("--tracts", str(tracts), "--share", share, "--day", str(DAY), "--org", org.slug)
    return leadflow_here("models", "fairness", *given, *arguments)


def test_rates_of_each_quarter_and_who_deserves_a_look(
    reached: tuple[Org, Lake, list[str]], files: tuple[Path, Path]
) -> None:
    org, _, _ = reached
    tracts, homes = files
    told = fairness(org, tracts, "--homes", str(homes), "--top", "0.1", "--json").json
    assert told["leads"] == HOMES
    assert told["unknown"] is None
    quarters = told["quarters"]
    assert [one["homes"] for one in quarters] == [100] * 4
    assert [round(one["selection_rate"], 3) for one in quarters] == [0.3, 0.1, 0.0, 0.0]
    assert [round(one["clearance_rate"], 3) for one in quarters] == [1.0, 1.0, 1.0, 0.1]
    assert [round(one["contact_rate"], 3) for one in quarters] == [0.5, 0.0, 0.0, 0.0]
    assert [one["deserves_a_look"] for one in quarters] == [False, True, True, True]
    assert "no ruling" in told["note"]


def test_the_table_fits_a_terminal_and_says_what_it_is(
    reached: tuple[Org, Lake, list[str]], files: tuple[Path, Path]
) -> None:
    org, _, _ = reached
    tracts, homes = files
    told = fairness(org, tracts, "--homes", str(homes))
    assert told.exit_code == 0
    assert max(len(line.rstrip()) for line in told.out.splitlines()) <= 80
    assert "1 (least)" in told.out
    assert "deserves a look" in told.out
    assert "This is no ruling" in told.out


def test_leads_alike_at_the_border_count_in_proportion(
    reached: tuple[Org, Lake, list[str]], files: tuple[Path, Path]
) -> None:
    org, _, _ = reached
    tracts, homes = files
    quarters = fairness(org, tracts, "--homes", str(homes), "--top", "0.05", "--json").json["quarters"]
    assert [round(one["selection_rate"], 3) for one in quarters] == [0.15, 0.05, 0.0, 0.0]


def test_homes_by_id_and_address_and_what_nobody_places(
    reached: tuple[Org, Lake, list[str]], files: tuple[Path, Path], tmp_path: Path
) -> None:
    org, _, ids = reached
    tracts, _ = files
    homes = tmp_path / "mixed.csv"
    rows = [
        *(f"{one},,,{TRACTS[0]}" for one in ids[:100]),
        *(f",{number + 1} Quillfeather Street,{ZIP},{TRACTS[1]}" for number in range(100, 200)),
        f"{ids[200]},,,47037999999",
        f"{ids[201]},,,",
        f"p_nowhere,,,{TRACTS[0]}",
    ]
    homes.write_text("\n".join(["property_id,address,zip,tract", *rows]))
    done = fairness(org, tracts, "--homes", str(homes), "--json")
    assert sum(one["homes"] for one in done.json["quarters"]) == 200
    assert done.json["unknown"]["homes"] == 200
    assert done.json["unknown_rows"] == 1
    assert "1 rows of mixed.csv name no home" in " ".join(done.err.split())
    assert "unknown" in fairness(org, tracts, "--homes", str(homes)).out


def test_tracts_may_come_as_parquet_without_leading_zeros_or_with_the_bureaus_prefix(
    reached: tuple[Org, Lake, list[str]], tmp_path: Path
) -> None:
    org, _, ids = reached
    tracts, homes = tmp_path / "tracts.parquet", tmp_path / "homes.parquet"
    pl.DataFrame({"tract": [1001020100, 1001020200], "renters": [0.1, 0.9]}).write_parquet(tracts)
    named = ["1400000US01001020100", "01001020200"]
    pl.DataFrame({"property_id": ids, "tract": [named[place % 2] for place in range(HOMES)]}).write_parquet(homes)
    told = fairness(org, tracts, "--homes", str(homes), "--json").json
    assert sum(one["homes"] for one in told["quarters"]) == HOMES
    assert told["unknown"] is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("tract,renters\n47037010100,52.1\n", "row 1, renters: '52.1' is no share. Write it from 0 to 1"),
        ("tract,renters\n47037010100,.5\n,.5\n", "row 2, tract: It is blank."),
        ("tract,renters\n47037010100,.5\n47037010100,.4\n", "row 2, tract: 47037010100 stands in row 1, too."),
        ("tract,owners\n47037010100,.5\n", "tracts.csv lacks the columns renters"),
    ],
)
def test_a_faulty_file_is_refused_with_row_and_column(
    reached: tuple[Org, Lake, list[str]], tmp_path: Path, content: str, said: str
) -> None:
    tracts = tmp_path / "tracts.csv"
    tracts.write_text(content)
    done = fairness(reached[0], tracts)
    assert done.exit_code == 1
    assert said in " ".join(done.err.split())


def test_without_homes_the_geocoders_answers_count_and_else_the_remedy_is_said(
    reached: tuple[Org, Lake, list[str]], files: tuple[Path, Path]
) -> None:
    org, lake, ids = reached
    tracts, _ = files
    bare = fairness(org, tracts)
    assert bare.exit_code == 1
    assert "--homes FILE" in " ".join(bare.err.split())
    keys = lake.read(PROPERTIES).filter(pl.col("property_id").is_in(ids[:2]))["address_key"].to_list()
    place = {"match": "Match", "state": "47", "county": "037", "tract": "010100", "block": "1001"}
    row = {"provider": "census", "endpoint": "geographies/addressbatch", "item_key": "\n".join(keys), "zip": ZIP,
           "day": DAY, "payload": orjson.dumps(place).decode(), "fetched_at": AT}  # fmt: skip
    path = lake.raw.write_raw("census", DAY, ZIP, "f" * 64, RAW_PULLS.conform(pl.DataFrame([row])))
    try:
        told = fairness(org, tracts, "--json").json
    finally:
        lake.raw.remove_raw(path)
    assert [one["homes"] for one in told["quarters"]] == [2]
    assert told["unknown"]["homes"] == HOMES - 2


def test_nothing_of_the_files_is_kept_and_no_score_changes(
    reached: tuple[Org, Lake, list[str]], files: tuple[Path, Path]
) -> None:
    org, lake, _ = reached
    tracts, homes = files
    before = {table.name: lake.digest(table) for table in DAY_TABLES}
    assert fairness(org, tracts, "--homes", str(homes)).exit_code == 0
    assert {table.name: lake.digest(table) for table in DAY_TABLES} == before


def test_an_org_without_leads_is_told_what_to_do(database: Database, files: tuple[Path, Path]) -> None:
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    done = fairness(org, files[0], "--homes", str(files[1]))
    assert done.exit_code == 0
    assert "There are no leads yet" in done.err
    assert fairness(org, files[0], "--json").json["quarters"] == []
