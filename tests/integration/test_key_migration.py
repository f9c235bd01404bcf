"""`leadflow migrate` on a lake whose address keys an earlier version wrote, as an operator meets it."""

import datetime as dt
from uuid import uuid4

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_RECORDS
from leadflow_pipelines.database.embedded import EmbeddedServer
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from leadflow_pipelines.settings import load_settings
from tests.commands import leadflow_here

DAY = dt.date(2026, 11, 2)


def test_migrate_renews_every_orgs_keys_and_doctor_says_so_before(own_server: EmbeddedServer) -> None:
    """In a home of its own: every org's keys are other tests' business."""
    own = {"LEADFLOW_HOME": str(own_server.cluster.home)}
    settings = load_settings(home=own_server.cluster.home)
    slug = f"t{uuid4().hex[:12]}"
    database = open_database(settings)
    create_org(database, slug, is_simulated=True)
    database.dispose()
    lake = open_lake(settings, slug)
    rows = pl.DataFrame({"address": ["12 QUILLFEATHER ST", "14 QUILLFEATHER ST"], "zip": "37206", "row_number": [1, 2]})
    records = build_records(rows, source="roll", pull_id="f", day=DAY)
    old = pl.when(pl.col("row_number") == 1).then(pl.lit("12||QUILFEATHER|STR|||37206")).otherwise("address_key")
    lake.replace(PROPERTY_RECORDS, records.with_columns(address_key=old), day=DAY)
    refresh_properties(lake, zips=["37206"], day=DAY)
    lake.update(
        PROPERTY_RECORDS, {"day": [DAY]}, lambda present: present.with_columns(key_version=pl.lit(None, pl.Int32))
    )

    assert "wrote the address keys of 2 records" in leadflow_here("doctor", "--org", slug, environment=own).out
    migrated = leadflow_here("migrate", "--json", environment=own)
    assert migrated.exit_code == 0, migrated.err
    assert migrated.json["address_keys"][slug] == {"records": 2, "zips": 1, "merged": 0, "broken_zips": []}
    assert "address keys of" not in leadflow_here("doctor", "--org", slug, environment=own).out
    again = leadflow_here("migrate", environment=own)
    assert "The address keys are up to date." in again.out
