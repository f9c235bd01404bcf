"""Importing county files: counted in full, once, and the same after any interruption."""

import datetime as dt
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest

from leadflow_pipelines.contracts import (
    PROPERTIES,
    PROPERTY_LINKS,
    PROPERTY_RECORDS,
    REJECTED_RECORDS,
    UNLOCATED,
)
from leadflow_pipelines.county_files import ImportResult, import_county_file, parse_mapping
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.settings import get_settings

DAY = dt.date(2026, 11, 21)
NOW = dt.datetime(2026, 11, 21, 15, 0, tzinfo=dt.UTC)
TABLES = (PROPERTY_RECORDS, REJECTED_RECORDS, PROPERTIES, PROPERTY_LINKS)

Importer = Callable[..., ImportResult]

SALES = "\n".join(
    [
        "Example County sales",
        "Parcel ID,Property Address,City,State,Zip,Owner Name,Sale Date,Sale Price",
        "001-01,12 OAK DR,NASHVILLE,TN,37201,ADA EXAMPLE,4/5/2019,\"$240,000\"",
        "001-02,14 OAK DR APT 2,NASHVILLE,TN,37201,BO EXAMPLE,5/5/2019,0",
        "001-03,16 ELM ST,NASHVILLE,TN,37203,CY EXAMPLE,6/5/2019,100000",
        "001-03,16 Elm Street,Nashville,TN,37203,CY EXAMPLE,7/5/2020,120000",
        "001-04,18 ELM ST,NASHVILLE,TN,,DI EXAMPLE,8/5/2019,130000",
        ",,NASHVILLE,TN,37201,NOBODY EXAMPLE,9/5/2019,1",
        "001-05,20 ELM ST,NASHVILLE,TN",
        "Total,,,,,,,590000",
    ]
)  # fmt: skip
DELINQUENT = "\n".join(
    [
        "parcel_id,owner_name,amount_owed",
        "001-03,CY EXAMPLE,$12.50",
        "001-04,DI EXAMPLE,$8.00",
        "001-09,X EXAMPLE,$1.00",
    ]
)
LIST_MAPPING = parse_mapping("county_fips: 47037\nlist_code: tax_delinquent\ncolumns: {parcel_number: parcel_id}")
ROLL_MAPPING = parse_mapping("columns: {address: Property Address, city: City, state: State, zip: Zip}")
LOCATION = "\n".join(["Parcel ID,Property Address,City,State,Zip", "001-04,18 ELM ST,NASHVILLE,TN,37203"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def importer(lake: Lake, database: Database, org: Org) -> Importer:
    def run(path: Path, source: str = "sales", **given: Any) -> ImportResult:
        where = {"lake": lake, "database": database, "org": org, "day": DAY, "now": NOW, **given}
        return import_county_file(path, source=source, **where)

    return run


def _digests(lake: Lake) -> dict[str, str]:
    return {table.name: lake.digest(table) for table in TABLES}


def test_every_row_is_a_record_or_a_reject_with_its_reason(
    lake: Lake, importer: Importer, write: Callable[[str, str], Path]
) -> None:
    said: list[str] = []
    result = importer(write("sales.csv", SALES), progress=said.append)
    assert (result.rows_in, result.records, result.rejected, result.unlocated) == (8, 5, 3, 1)
    assert (result.properties_new, result.properties_total) == (4, 4)
    assert result.rejected_because == {"footer": 1, "no_identity": 1, "too_few_fields": 1}
    assert result.zips == {"37201": 2, "37203": 2, UNLOCATED: 1}
    rejected = lake.read(REJECTED_RECORDS).sort("row_number")
    assert rejected["row_number"].to_list() == [6, 7, 8]
    assert rejected["file_name"].unique().to_list() == ["sales.csv"]
    assert "line 8" in rejected["reason"][0]
    assert REJECTED_RECORDS.faults(rejected) == []
    assert PROPERTY_RECORDS.faults(lake.read(PROPERTY_RECORDS)) == []
    assert any(re.search(r"sale_price_cents +<- Sale Price", text) for text in said)
    assert {item.column for item in result.proposed} >= {"Parcel ID", "Owner Name"}


def test_the_report_holds_the_promised_counts_and_no_cell_of_the_file(
    importer: Importer, write: Callable[[str, str], Path]
) -> None:
    report = importer(write("sales.csv", SALES)).as_json()
    counts = ("rows_in", "records", "rejected", "unlocated", "properties_new", "properties_total")
    assert [report[name] for name in counts] == [8, 5, 3, 1, 4, 4]
    assert "EXAMPLE" not in str(report)


def test_the_same_file_again_changes_nothing(lake: Lake, importer: Importer, write: Callable[[str, str], Path]) -> None:
    path = write("sales.csv", SALES)
    first = importer(path)
    before = _digests(lake)
    again = importer(path, now=NOW + dt.timedelta(hours=1), day=DAY + dt.timedelta(days=1))
    assert _digests(lake) == before
    assert again.already_imported
    same = ("rows_in", "records", "rejected", "unlocated", "properties_total", "rejected_because", "zips", "mapping")
    assert [getattr(again, name) for name in same] == [getattr(first, name) for name in same]
    assert again.properties_new == 0


def test_the_same_rows_in_a_new_file_are_records_but_no_new_properties(
    lake: Lake, importer: Importer, write: Callable[[str, str], Path]
) -> None:
    importer(write("sales.csv", SALES))
    records = lake.digest(PROPERTY_RECORDS)
    result = importer(write("sales_next_month.csv", SALES + "\n"))
    assert (result.records, result.properties_new, result.unlocated) == (5, 0, 1)
    assert lake.digest(PROPERTY_RECORDS) == records


def test_a_list_is_stacked_on_the_properties_it_names_and_later_evidence_places_the_unlocated(
    lake: Lake, importer: Importer, write: Callable[[str, str], Path]
) -> None:
    importer(write("sales.csv", SALES), mapping=None)
    listed = importer(write("delinquent.csv", DELINQUENT), "tax_list", mapping=LIST_MAPPING)
    assert (listed.records, listed.unlocated, listed.properties_new) == (3, 2, 1)
    placed = importer(write("location.csv", LOCATION), "roll")
    assert placed.properties_new == 0
    properties = lake.read(PROPERTIES, where=pl.col("valid_to").is_null())
    stacked = properties.filter(pl.col("list_codes").list.contains("tax_delinquent")).sort("parcel_key")
    assert stacked["parcel_key"].to_list() == ["47037:00103", "47037:00104", "47037:00109"]
    assert stacked["zip"].to_list() == ["37203", "37203", UNLOCATED]
    assert stacked["sources"].to_list()[:2] == [["sales", "tax_list"], ["roll", "sales", "tax_list"]]


def test_another_mapping_replaces_the_file_s_records(
    lake: Lake, importer: Importer, write: Callable[[str, str], Path]
) -> None:
    path = write("sales.csv", SALES)
    importer(path)
    mended = importer(
        path, mapping=parse_mapping("columns: {address: Property Address, city: City, state: State, zip: Zip}")
    )
    assert not mended.already_imported
    records = lake.read(PROPERTY_RECORDS)
    assert (records.height, records["parcel_number"].null_count()) == (mended.records, mended.records)


def test_orgs_do_not_share_what_they_imported(
    importer: Importer, write: Callable[[str, str], Path], database: Database, org: Org, tmp_path: Path
) -> None:
    path = write("sales.csv", SALES)
    importer(path)
    other = create_org(database, f"{org.slug}b")
    result = importer(path, org=other, lake=Lake(str(tmp_path / "other_lake")))
    assert (result.already_imported, result.properties_new) == (False, 4)


@pytest.mark.parametrize(
    ("text", "mapping", "says"),
    [
        (SALES, "columns: {address: Address}", "'Property Address'"),
        ("Address,Owner\nN/A,A\nN/A,B\n", "columns: {address: Address}", "No row"),
        ("Color,Size\nred,big\n", None, "looks like an address"),
    ],
)
def test_what_cannot_be_imported_says_so_and_writes_nothing(
    lake: Lake, importer: Importer, write: Callable[[str, str], Path], text: str, mapping: str | None, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        importer(write("county.csv", text), mapping=parse_mapping(mapping) if mapping else None)
    assert not any(lake.exists(table) for table in TABLES)


class _Killed(BaseException):
    """Not an Exception: nothing on the way may catch it, as nothing catches SIGKILL."""


def _kill_at_commit(monkeypatch: pytest.MonkeyPatch, number: int, *, after: bool) -> None:
    """Stop the process at its n-th commit to the lake, just before it or just after."""
    count = 0
    commit = Lake._rewrite

    def interrupted(self: Lake, *given: Any) -> None:
        nonlocal count
        count += 1
        if count == number and not after:
            raise _Killed
        commit(self, *given)
        if count == number:
            raise _Killed

    monkeypatch.setattr(Lake, "_rewrite", interrupted)


@dataclass(frozen=True)
class _Undisturbed:
    """A lake with a roll and a list, the file that follows, and what its import came to when nothing disturbed it."""

    before: Path
    sales: Path
    result: ImportResult
    digests: dict[str, str]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, database: Database) -> _Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    where: dict[str, Any] = {"database": database, "org": create_org(database, f"u{uuid4().hex[:12]}")}
    where |= {"day": DAY, "now": NOW}
    listed, roll, sales = folder / "delinquent.csv", folder / "roll.csv", folder / "sales.csv"
    listed.write_text(DELINQUENT)
    roll.write_text(LOCATION)
    # The row of 001-04 is placed by the roll's address. Had it been seen placed before, its own parcel would place it.
    sales.write_text(SALES)
    import_county_file(roll, source="roll", mapping=ROLL_MAPPING, lake=Lake(str(folder / "a")), **where)
    import_county_file(listed, source="tax_list", mapping=LIST_MAPPING, lake=Lake(str(folder / "a")), **where)
    shutil.copytree(folder / "a", folder / "before")
    lake = Lake(str(folder / "a"))
    result = import_county_file(sales, source="sales", lake=lake, **where)
    return _Undisturbed(folder / "before", sales, result, _digests(lake))


# Just after a commit is just before the next, but for the registration, which stands between the second and third.
@pytest.mark.parametrize(("commit", "after"), [(1, True), (2, True), (3, False), (3, True), (4, True), (5, True)])
def test_an_import_killed_at_any_commit_ends_in_the_same_tables(
    lake: Lake, importer: Importer, monkeypatch: pytest.MonkeyPatch, undisturbed: _Undisturbed, commit: int, after: bool
) -> None:
    shutil.copytree(undisturbed.before, lake.root)
    with monkeypatch.context() as patch:
        _kill_at_commit(patch, commit, after=after)
        with pytest.raises(_Killed):
            importer(undisturbed.sales)
    again = importer(undisturbed.sales, now=NOW + dt.timedelta(hours=2))
    assert _digests(lake) == undisturbed.digests
    counts = ("records", "rejected", "unlocated", "properties_total", "zips")
    assert [getattr(again, name) for name in counts] == [getattr(undisturbed.result, name) for name in counts]


@pytest.mark.accuracy
def test_the_overlap_of_two_real_files_adds_no_property(importer: Importer, lake: Lake) -> None:
    folder = get_settings().test_data
    if folder is None:
        pytest.skip("LEADFLOW_TEST_DATA is not set")
    first = importer(folder / "queens/annual_2019.xlsx", "queens_annual")
    assert (first.rows_in, first.records + first.rejected) == (26_421, 26_421)
    second = importer(folder / "queens/rolling_2019-11_2020-10.xlsx", "queens_rolling")
    assert second.rows_in == second.records + second.rejected == 20_265
    links = lake.read(PROPERTY_LINKS, columns=["record_id", "property_id"])
    records = lake.read(PROPERTY_RECORDS, columns=["record_id", "source", "sale_date"]).join(links, on="record_id")
    overlap = records.filter(pl.col("sale_date").is_between(dt.date(2019, 11, 1), dt.date(2019, 12, 31)))
    annual, rolling = (overlap.filter(pl.col("source") == f"queens_{name}") for name in ("annual", "rolling"))
    strangers = rolling.join(annual, on="property_id", how="anti")
    assert strangers.height < 0.03 * rolling.height
