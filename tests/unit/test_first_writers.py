"""Two first writers of a partition collide, although neither removes anything of the other's."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from leadflow_pipelines.contracts import LEAD_SCORES
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.lake.commit_partitions import commit_partitions
from tests.unit.test_lake import scores

FIRST, SECOND = dt.date(2026, 11, 20), dt.date(2026, 11, 21)


def commit(table: DeltaTable, lake: Lake, day: dt.date, frame: pl.DataFrame) -> None:
    commit_partitions(
        table,
        lake.path("lead_scores"),
        frame,
        {"day": [day]},
        sort_by=LEAD_SCORES.key,
        shape=LEAD_SCORES.schema,
        storage_options=None,
    )


def test_the_second_of_two_first_writers_is_refused(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "demo"))
    lake.replace(LEAD_SCORES, scores(["10001"], day=FIRST), day=FIRST)
    one, other, elsewhere = (DeltaTable(lake.path("lead_scores")) for _ in range(3))
    commit(one, lake, SECOND, scores(["10001"], day=SECOND))
    with pytest.raises(CommitFailedError):
        commit(other, lake, SECOND, scores(["10001"], day=SECOND))
    commit(elsewhere, lake, FIRST, scores(["10002"], day=FIRST))
    assert lake.read(LEAD_SCORES).sort("day")["zip"].to_list() == ["10002", "10001"]
