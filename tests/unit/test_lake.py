"""The lake: a day's rows are replaced whole, writers do not lose each other's work, reads keep the contract."""

import datetime as dt
import threading
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.contracts import LEAD_SCORES, PROPERTIES, RAW_PULLS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake, store_zips

DAY = dt.date(2026, 11, 21)


def scores(zips: list[str], points: int = 10, day: dt.date = DAY) -> pl.DataFrame:
    return LEAD_SCORES.conform(
        pl.DataFrame(
            {
                "zip": zips,
                "day": [day] * len(zips),
                "property_id": [f"p_{zip_code}_{place}" for place, zip_code in enumerate(zips)],
                "points": [points] * len(zips),
                "rank_in_zip": [1] * len(zips),
                "reasons": [[{"signal": "absentee", "points": points, "text": "Owner's mail goes elsewhere"}]]
                * len(zips),
                "model_version": ["test"] * len(zips),
            }
        )
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "demo"))


def test_a_table_that_was_never_written_reads_empty_in_its_contract(lake: Lake) -> None:
    assert lake.read(PROPERTIES).schema == PROPERTIES.schema
    assert lake.file_list(PROPERTIES) == []


def test_replacing_some_zips_leaves_the_others(lake: Lake) -> None:
    lake.replace(LEAD_SCORES, scores(["10001", "10002"]), day=DAY)
    lake.replace(LEAD_SCORES, scores(["10002", "10002"], points=50), day=DAY, where=pl.col("zip") == "10002")
    table = lake.read(LEAD_SCORES, day=DAY)
    assert table.group_by("zip").agg(pl.len(), pl.col("points").max()).sort("zip").rows() == [
        ("10001", 1, 10),
        ("10002", 2, 50),
    ]
    assert table.schema == LEAD_SCORES.schema


def test_an_emptied_zip_is_gone(lake: Lake) -> None:
    lake.replace(LEAD_SCORES, scores(["10001", "10002"]), day=DAY)
    lake.replace(LEAD_SCORES, LEAD_SCORES.empty(), day=DAY, where=pl.col("zip") == "10001")
    assert lake.read(LEAD_SCORES)["zip"].to_list() == ["10002"]


def test_a_day_is_one_file(lake: Lake) -> None:
    for place in range(5):
        lake.replace(LEAD_SCORES, scores([f"1000{place}"]), day=DAY, where=pl.col("zip") == f"1000{place}")
    assert len(lake.file_list(LEAD_SCORES)) == 1


def test_rows_of_another_day_are_refused(lake: Lake) -> None:
    with pytest.raises(InvalidInput, match="1 rows are not of 2026-11-20"):
        lake.replace(LEAD_SCORES, scores(["10001"]), day=dt.date(2026, 11, 20))


def test_concurrent_writers_of_one_day_lose_nothing(lake: Lake) -> None:
    lake.replace(LEAD_SCORES, LEAD_SCORES.empty(), day=DAY)
    failures: list[BaseException] = []

    def write(zip_code: str) -> None:
        try:
            lake.replace(LEAD_SCORES, scores([zip_code]), day=DAY, where=pl.col("zip") == zip_code)
        except BaseException as error:
            failures.append(error)

    zips = [f"1000{place}" for place in range(6)]
    writers = [threading.Thread(target=write, args=(zip_code,)) for zip_code in zips]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert sorted(lake.read(LEAD_SCORES)["zip"]) == zips


def test_a_zip_that_breaks_the_contract_is_left_out_and_named(lake: Lake) -> None:
    broken = scores(["10001", "10002"]).with_columns(
        pl.when(pl.col("zip") == "10002").then(101).otherwise("points").cast(pl.Int32).alias("points")
    )
    stored = store_zips(lake, LEAD_SCORES, broken, zips=["10001", "10002"], day=DAY)
    assert stored.rows == {"10001": 1, "10002": 0}
    assert [(fault.zip, fault.column, fault.rows) for fault in stored.faults] == [("10002", "points", 1)]
    assert lake.read(LEAD_SCORES)["zip"].to_list() == ["10001"]


def test_the_digest_ignores_run_ids_and_row_order(tmp_path: Path) -> None:
    one, other = Lake(str(tmp_path / "one")), Lake(str(tmp_path / "other"))
    table = scores(["10001", "10002", "10003"])
    one.replace(LEAD_SCORES, table.with_columns(pl.lit("run-1").alias("run_id")), day=DAY)
    other.replace(LEAD_SCORES, table.reverse().with_columns(pl.lit("run-2").alias("run_id")), day=DAY)
    assert one.digest(LEAD_SCORES) == other.digest(LEAD_SCORES)
    other.replace(LEAD_SCORES, table.with_columns(pl.lit(11, pl.Int32).alias("points")), day=DAY)
    assert one.digest(LEAD_SCORES) != other.digest(LEAD_SCORES)


def test_a_raw_pull_is_whole_or_absent(lake: Lake, tmp_path: Path) -> None:
    pull = RAW_PULLS.conform(
        pl.DataFrame(
            {
                "source": ["attom"], "zip": ["10001"], "day": [DAY], "fingerprint": ["abc"], "item_number": [0],
                "payload": ["{}"], "fetched_at": [dt.datetime(2026, 11, 21, tzinfo=dt.UTC)], "cost_cents": [10],
            }
        )
    )  # fmt: skip
    path = lake.raw.write_raw("attom", DAY, "10001", "abc", pull)
    assert lake.raw.read_raw([path]).equals(pull)
    assert lake.raw.has_raw(path)
    assert not lake.raw.has_raw(path.replace("abc", "def"))
    assert not [file for file in (tmp_path / "demo").rglob(".*") if file.is_file()]
