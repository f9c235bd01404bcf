"""The property table beside decisions and matches: a property across ZIPs stays one row, matches stand as judged."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_LINKS, PROPERTY_MATCHES, PROPERTY_RECORDS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.merge_case import merge_case
from leadflow_pipelines.properties.record_lookup import find_record
from leadflow_pipelines.properties.record_store import write_records
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import NO_DECISIONS, pending_zips, refresh_properties
from leadflow_pipelines.properties.review_queue import after_pair, review_queue

DAY = dt.date(2026, 11, 20)
ROWS = [
    ("12 QUILLFEATHER ST", "37206"),
    ("14 QUILLFEATHER ST", "37206"),
    ("500 LANTERNWOOD ST", "37206"),
    ("500 LANTERNWOOD AVE", "37206"),
    ("500 LANTERNWOOD", "37206"),
    ("90 HOLLOWMERE LN", "37013"),
    ("92 HOLLOWMERE LN", "37013"),
]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with ROWS as records, not yet resolved."""
    lake = Lake(str(tmp_path / "lake"))
    rows = pl.DataFrame(ROWS, schema=["address", "zip"], orient="row").with_columns(
        city=pl.lit("NASHVILLE"), state=pl.lit("TN"), row_number=pl.int_range(1, len(ROWS) + 1)
    )
    records = build_records(rows, source="roll", pull_id="f", day=DAY)
    write_records(lake, records, source="roll", pull_ids=["f"], day=DAY)
    return lake


def record(lake: Lake, row: int) -> str:
    return str(lake.read(PROPERTY_RECORDS, where=pl.col("row_number") == row)["record_id"][0])


def decide(lake: Lake, decision: str, left: int, right: int) -> pl.DataFrame:
    return pl.DataFrame([(record(lake, left), record(lake, right), decision)], schema=NO_DECISIONS.schema, orient="row")


def home(lake: Lake, row: int) -> str:
    return str(lake.read(PROPERTY_LINKS, where=pl.col("record_id") == record(lake, row))["property_id"][0])


def current(lake: Lake) -> pl.DataFrame:
    return lake.read(PROPERTIES, where=pl.col("valid_to").is_null())


def digests(lake: Lake) -> list[str]:
    return [lake.digest(table) for table in (PROPERTIES, PROPERTY_LINKS, PROPERTY_MATCHES)]


def test_a_decision_is_pending_until_it_is_heeded(lake: Lake) -> None:
    said = decide(lake, "together", 1, 2)
    assert pending_zips(lake, said) == ["37013", "37206"]
    refresh_properties(lake, zips=["37206", "37013"], day=DAY)
    assert pending_zips(lake) == []
    assert pending_zips(lake, said) == ["37206"]
    refresh_properties(lake, zips=["37206"], day=DAY, decisions=said)
    assert home(lake, 1) == home(lake, 2)
    assert pending_zips(lake, said) == []
    assert pending_zips(lake, decide(lake, "apart", 1, 2)) == ["37206"]


@pytest.mark.parametrize("order", [["37206", "37013"], ["37013", "37206"]])
def test_a_property_across_zips_is_one_row_whichever_zip_is_worked(lake: Lake, order: list[str]) -> None:
    refresh_properties(lake, zips=order, day=DAY)
    said = decide(lake, "together", 1, 6)
    for zip_code in order:
        refresh_properties(lake, zips=[zip_code], day=DAY, decisions=said)
        assert home(lake, 1) == home(lake, 6)
        assert current(lake)["property_id"].is_unique().all()
        assert set(current(lake)["property_id"]) == set(lake.read(PROPERTY_LINKS)["property_id"])
        assert current(lake).filter(pl.col("property_id") == home(lake, 1))["record_count"].to_list() == [2]
    parted = decide(lake, "apart", 1, 6)
    refresh_properties(lake, zips=order[:1], day=DAY, decisions=parted)
    assert home(lake, 1) != home(lake, 6)
    assert set(current(lake)["property_id"]) == set(lake.read(PROPERTY_LINKS)["property_id"])
    assert current(lake)["property_id"].is_unique().all()
    assert current(lake)["record_count"].to_list() == [1] * len(ROWS)


def test_matches_are_kept_as_first_judged(lake: Lake) -> None:
    refresh_properties(lake, zips=["37206", "37013"], day=DAY)
    before, version = digests(lake), lake.version(PROPERTY_MATCHES)
    matches = lake.read(PROPERTY_MATCHES)
    assert matches.height == 2
    assert PROPERTY_MATCHES.faults(matches) == []
    assert (matches["left_record_id"] < matches["right_record_id"]).all()
    for zips in (["37206", "37013"], ["37013"], ["37206"]):
        refresh_properties(lake, zips=zips, day=DAY + dt.timedelta(days=1))
    assert (digests(lake), lake.version(PROPERTY_MATCHES)) == (before, version)


def test_a_match_leaves_with_its_record(lake: Lake) -> None:
    refresh_properties(lake, zips=["37206"], day=DAY)
    lake.replace(PROPERTY_RECORDS, PROPERTY_RECORDS.empty(), day=DAY, where=pl.col("row_number") == 5)
    assert review_queue(lake, NO_DECISIONS).is_empty()
    refresh_properties(lake, zips=["37206"], day=DAY)
    assert lake.read(PROPERTY_MATCHES).is_empty()


def test_a_decided_pair_leaves_the_queue_and_stays_a_mark_in_it(lake: Lake) -> None:
    refresh_properties(lake, zips=["37206"], day=DAY)
    queue = review_queue(lake, NO_DECISIONS)
    assert queue.height == 2
    assert review_queue(lake, NO_DECISIONS, zips=["37013"]).is_empty()
    first = queue.row(0, named=True)
    said = pl.DataFrame(
        [(first["left_record_id"], first["right_record_id"], "apart")], schema=NO_DECISIONS.schema, orient="row"
    )
    rest = review_queue(lake, said)
    assert rest.height == 1
    cursor = f"{first['left_record_id'][:10]}:{first['right_record_id'][:10]}"
    assert after_pair(rest, lake, cursor).equals(rest)
    assert after_pair(queue, lake, cursor).height == 1
    for wrong in ("", "0:0", "nothing"):
        with pytest.raises(InvalidInput, match="names no pair"):
            after_pair(queue, lake, wrong)


def test_an_unknown_id_is_refused_with_what_to_do(lake: Lake) -> None:
    refresh_properties(lake, zips=["37206"], day=DAY)
    for given, message in (("p_0", "No property"), ("zzzz", "No record"), ("ab", "too short")):
        with pytest.raises(InvalidInput, match=message):
            merge_case(lake, given, NO_DECISIONS)
    with pytest.raises(InvalidInput, match="not resolved"):
        merge_case(lake, record(lake, 6), NO_DECISIONS)
    assert find_record(lake, record(lake, 1)[:12].upper()) == record(lake, 1)
