"""Writing property records into the lake, each source row once.

Here: what counts as known, and the second look at records that no evidence could place. Not here: how a
record is made or placed (`records`, `locate`).
"""

import datetime as dt

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_RECORDS, UNLOCATED
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.locate import KNOWN_COLUMNS, find_place_of_unlocated


def write_records(lake: Lake, records: pl.DataFrame, *, source: str, pull_ids: list[str], day: dt.date) -> int:
    """Store what these pulls said that the source had not said before; returns how many records are new.

    Running it again, or again after being killed, leaves the same table: the day's rows of these pulls are
    replaced, and a record known from another pull or an earlier day is not stored twice.
    """
    of_these_pulls = (pl.col("source") == source) & pl.col("pull_id").is_in(pull_ids)
    known = lake.read(
        PROPERTY_RECORDS,
        where=(pl.col("source") == source)
        & (pl.col("day") <= day)
        & ~((pl.col("day") == day) & pl.col("pull_id").is_in(pull_ids)),
        columns=["record_id"],
    )
    new = records.join(known, on="record_id", how="anti")
    lake.replace(PROPERTY_RECORDS, new, day=day, where=of_these_pulls)
    return new.height


def known_places(lake: Lake, *, county_fips: list[str] | None = None) -> pl.DataFrame:
    """Located records' keys and ZIP, the evidence that may place others."""
    where = pl.col("zip") != UNLOCATED
    if county_fips:
        where &= pl.col("county_fips").is_in(county_fips)
    return lake.read(PROPERTY_RECORDS, where=where, columns=KNOWN_COLUMNS).unique()


def place_unlocated(lake: Lake) -> pl.DataFrame:
    """Look again at every unlocated record; those that newer records place move to their ZIP.

    Returns the moved records (PROPERTY_RECORDS shape). Nothing is lost when killed midway: a day's rows move
    in one commit, and the next call moves the rest.
    """
    waiting = lake.read(PROPERTY_RECORDS, zips=[UNLOCATED])
    if waiting.is_empty():
        return waiting
    moved = find_place_of_unlocated(waiting, known_places(lake))
    for (day,), of_day in moved.partition_by("day", as_dict=True).items():
        lake.replace(
            PROPERTY_RECORDS,
            of_day,
            day=day,
            where=(pl.col("zip") == UNLOCATED) & pl.col("record_id").is_in(of_day["record_id"].to_list()),
        )
    return moved
