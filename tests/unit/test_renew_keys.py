"""Address keys of an earlier version: renewed with a map, properties keep their ids and merge, a kill costs nothing."""

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import write_deltalake

from leadflow_pipelines.contracts import (
    ADDRESS_KEY_CHANGES,
    PROPERTIES,
    PROPERTY_LINKS,
    PROPERTY_MATCHES,
    PROPERTY_RECORDS,
    Contract,
)
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.address_keys import ADDRESS_KEY_VERSION
from leadflow_pipelines.properties.addresses.grammar import PARTS
from leadflow_pipelines.properties.migrate_keys import migrate_keys
from leadflow_pipelines.properties.record_store import write_records
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import NO_DECISIONS, pending_zips, refresh_properties
from leadflow_pipelines.properties.renew_keys import old_keys, unsettled_zips

FIRST, SECOND, TODAY = dt.date(2026, 11, 18), dt.date(2026, 11, 19), dt.date(2026, 11, 20)
TABLES = (PROPERTY_RECORDS, PROPERTIES, PROPERTY_LINKS, PROPERTY_MATCHES, ADDRESS_KEY_CHANGES)
ROLL = [("12 QUILLFEATHER ST", "37206"), ("14 QUILLFEATHER ST APT 2", "37206"), ("90 HOLLOWMERE LN", "37013")]
SALES = [("12 Quillfeather Street", "37206"), ("700 LANTERNWOOD AVE", "37206"), ("90 Hollowmere Lane", "37013"),
         ("5 MARLOWE CT", "38103")]  # fmt: skip
MISREAD = ["12 Quillfeather Street", "700 LANTERNWOOD AVE", "90 Hollowmere Lane"]
"""What the earlier version did not understand."""


class Killed(Exception):
    """The process ended here."""


def add_file(lake: Lake, source: str, rows: list[tuple[str, str]], day: dt.date) -> None:
    frame = pl.DataFrame(rows, schema=["address", "zip"], orient="row").with_columns(
        city=pl.lit("NASHVILLE"), state=pl.lit("TN"), row_number=pl.int_range(1, len(rows) + 1)
    )
    records = build_records(frame, source=source, pull_id=source, day=day)
    misread = pl.col("address_raw").is_in(MISREAD)
    records = records.with_columns(pl.when(~misread).then(name).alias(name) for name in (*PARTS, "address_key"))
    write_records(lake, records, source=source, pull_ids=[source], day=day)


def set_version(lake: Lake, version: int | None) -> None:
    def change(present: pl.DataFrame) -> pl.DataFrame:
        return present.with_columns(pl.lit(version, pl.Int32).alias("key_version"))

    for day in (FIRST, SECOND):
        lake.update(PROPERTY_RECORDS, {"day": [day]}, change)


def old_lake(folder: Path) -> Lake:
    """Two files, resolved by keys of the version before this one."""
    lake = Lake(str(folder))
    add_file(lake, "roll", ROLL, FIRST)
    refresh_properties(lake, zips=["37206", "37013"], day=FIRST)
    add_file(lake, "sales", SALES, SECOND)
    refresh_properties(lake, zips=["37206", "37013", "38103"], day=SECOND)
    set_version(lake, None)
    return lake


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An old lake to copy; making it takes two seconds."""
    folder = tmp_path_factory.mktemp("old") / "lake"
    old_lake(folder)
    return folder


@pytest.fixture
def lake(old: Path, tmp_path: Path) -> Lake:
    return Lake(shutil.copytree(old, str(tmp_path / "lake")))


def homes(lake: Lake) -> dict[str, str]:
    """address_raw → property_id."""
    links = lake.read(PROPERTY_LINKS, columns=["record_id", "property_id"])
    records = lake.read(PROPERTY_RECORDS, columns=["record_id", "address_raw"])
    return dict(records.join(links, on="record_id").select("address_raw", "property_id").iter_rows())


def current(lake: Lake) -> pl.DataFrame:
    return lake.read(PROPERTIES, where=pl.col("valid_to").is_null())


def digests(lake: Lake) -> list[str]:
    return [lake.digest(table) for table in TABLES]


def test_properties_that_now_share_a_key_merge_and_keep_the_older_id(lake: Lake) -> None:
    before = homes(lake)
    assert before["12 QUILLFEATHER ST"] != before["12 Quillfeather Street"]
    done = migrate_keys(lake, day=TODAY, decisions=NO_DECISIONS)
    after = homes(lake)
    assert (done.records, done.zips, done.merged, done.broken_zips) == (7, 2, 2, ())
    assert after["12 QUILLFEATHER ST"] == after["12 Quillfeather Street"] == before["12 QUILLFEATHER ST"]
    assert after["90 HOLLOWMERE LN"] == after["90 Hollowmere Lane"] == before["90 HOLLOWMERE LN"]
    alone = {name: before[name] for name in ("14 QUILLFEATHER ST APT 2", "700 LANTERNWOOD AVE", "5 MARLOWE CT")}
    assert {name: after[name] for name in alone} == alone
    assert set(current(lake)["property_id"]) == set(after.values())
    assert current(lake)["property_id"].is_unique().all()
    key = current(lake).filter(pl.col("property_id") == after["700 LANTERNWOOD AVE"])["address_key"]
    assert key.to_list() == ["700||LANTERNWOOD|AVE|||37206"]
    assert lake.read(PROPERTY_RECORDS)["key_version"].unique().to_list() == [ADDRESS_KEY_VERSION]
    assert PROPERTY_RECORDS.faults(lake.read(PROPERTY_RECORDS)) == []


def test_the_map_tells_each_change_once(lake: Lake) -> None:
    migrate_keys(lake, day=TODAY, decisions=NO_DECISIONS)
    changes = lake.read(ADDRESS_KEY_CHANGES)
    assert ADDRESS_KEY_CHANGES.faults(changes) == []
    assert set(changes.select("zip", "old_key", "new_key").rows()) == {
        ("37206", None, "12||QUILLFEATHER|ST|||37206"),
        ("37206", None, "700||LANTERNWOOD|AVE|||37206"),
        ("37013", None, "90||HOLLOWMERE|LN|||37013"),
    }
    assert set(changes.select("key_version", "changed_on", "settled_on").rows()) == {
        (ADDRESS_KEY_VERSION, TODAY, TODAY)
    }


def test_a_second_migration_changes_nothing(lake: Lake) -> None:
    migrate_keys(lake, day=TODAY, decisions=NO_DECISIONS)
    before = [*digests(lake), *(lake.version(table) for table in TABLES)]
    done = migrate_keys(lake, day=TODAY + dt.timedelta(days=1), decisions=NO_DECISIONS)
    assert (done.records, done.zips) == (0, 0)
    assert [*digests(lake), *(lake.version(table) for table in TABLES)] == before


@pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_at_any_write_leaves_work_that_the_next_migration_ends(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    whole = Lake(shutil.copytree(old, str(tmp_path / "whole")))
    migrate_keys(whole, day=TODAY, decisions=NO_DECISIONS)
    update = Lake.update
    for at in range(1, 100, stride):
        left = at

        def dying(self: Lake, contract: Contract, partitions: Any, change: Callable[[Any], Any]) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            update(self, contract, partitions, change)

        lake = Lake(shutil.copytree(old, str(tmp_path / str(at))))
        monkeypatch.setattr(Lake, "update", dying)
        try:
            migrate_keys(lake, day=TODAY, decisions=NO_DECISIONS)
        except Killed:
            monkeypatch.undo()
            migrate_keys(lake, day=TODAY, decisions=NO_DECISIONS)
            assert digests(lake) == digests(whole), f"killed at write {at}"
        else:
            break
        finally:
            monkeypatch.undo()
    assert at > 6


def test_a_run_of_one_zip_renews_the_lake_and_leaves_the_other_zips_pending(lake: Lake) -> None:
    refresh_properties(lake, zips=["37013"], day=TODAY)
    assert old_keys(lake).is_empty()
    assert homes(lake)["90 HOLLOWMERE LN"] == homes(lake)["90 Hollowmere Lane"]
    assert homes(lake)["12 QUILLFEATHER ST"] != homes(lake)["12 Quillfeather Street"]
    assert pending_zips(lake) == unsettled_zips(lake) == ["37206"]
    refresh_properties(lake, zips=pending_zips(lake), day=TODAY)
    assert pending_zips(lake) == []
    assert homes(lake)["12 QUILLFEATHER ST"] == homes(lake)["12 Quillfeather Street"]


def test_a_run_of_an_earlier_day_does_not_settle_what_holds_today(lake: Lake) -> None:
    refresh_properties(lake, zips=["37206"], day=FIRST)
    assert "37206" in pending_zips(lake)
    refresh_properties(lake, zips=["37206"], day=TODAY)
    assert "37206" not in pending_zips(lake)


def test_a_lake_from_before_keys_had_versions_is_renewed(lake: Lake) -> None:
    records = lake.read(PROPERTY_RECORDS).drop("key_version")
    write_deltalake(
        lake.path("property_records"), records, mode="overwrite", schema_mode="overwrite", partition_by=["day"]
    )
    assert int(old_keys(lake)["len"].sum()) == records.height
    assert migrate_keys(lake, day=TODAY, decisions=NO_DECISIONS).merged == 2
    assert old_keys(lake).is_empty()


def test_keys_of_a_newer_version_are_not_touched(lake: Lake) -> None:
    set_version(lake, ADDRESS_KEY_VERSION + 1)
    before = digests(lake)
    with pytest.raises(InvalidInput, match="this LeadFlow writes"):
        refresh_properties(lake, zips=["37206"], day=TODAY)
    assert digests(lake) == before
