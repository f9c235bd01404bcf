"""`leadflow migrate` on a lake whose address keys an earlier version wrote, as an operator meets it."""

import datetime as dt
from uuid import uuid4

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_RECORDS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from leadflow_pipelines.settings import get_settings
from tests.commands import leadflow

DAY = dt.date(2026, 11, 2)


def test_migrate_renews_every_orgs_keys_and_doctor_says_so_before(database: Database) -> None:
    slug = f"t{uuid4().hex[:12]}"
    create_org(database, slug, is_simulated=True)
    lake = open_lake(get_settings(), slug)
    rows = pl.DataFrame({"address": ["12 QUILLFEATHER ST", "14 QUILLFEATHER ST"], "zip": "37206", "row_number": [1, 2]})
    records = build_records(rows, source="roll", pull_id="f", day=DAY)
    old = pl.when(pl.col("row_number") == 1).then(pl.lit("12||QUILFEATHER|STR|||37206")).otherwise("address_key")
    lake.replace(PROPERTY_RECORDS, records.with_columns(address_key=old), day=DAY)
    refresh_properties(lake, zips=["37206"], day=DAY)
    lake.update(
        PROPERTY_RECORDS, {"day": [DAY]}, lambda present: present.with_columns(key_version=pl.lit(None, pl.Int32))
    )

    assert "wrote the address keys of 2 records" in leadflow("doctor", "--org", slug).out
    migrated = leadflow("migrate", "--json")
    assert migrated.exit_code == 0, migrated.err
    assert migrated.json["address_keys"][slug] == {"records": 2, "zips": 1, "merged": 0, "broken_zips": []}
    assert "address keys of" not in leadflow("doctor", "--org", slug).out
    again = leadflow("migrate")
    assert "The address keys are up to date." in again.out
