"""The asset graph as written down: a change of any asset's spec shows up here, without a database or a network.

After an intended change: `python -m tests.assets.test_asset_specs` writes the snapshot anew.
"""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from leadflow_pipelines.contracts import LAKE_TABLES, MARTS, MODEL_VERSIONS
from leadflow_pipelines.definitions import build_defs

SNAPSHOT = Path(__file__).with_name("asset_specs.json")
DAY = dt.date(2026, 11, 21)


def describe(definitions: dg.Definitions) -> dict[str, Any]:
    """Everything about the assets, checks, jobs, schedules and sensors that a user of the UI depends on."""
    repository = definitions.get_repository_def()
    specs = sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key)
    return {
        "assets": {
            spec.key.to_user_string(): {
                "description": spec.description,
                "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
                "group": spec.group_name,
                "owners": list(spec.owners),
                "kinds": sorted(spec.kinds),
                "tags": {name: value for name, value in spec.tags.items() if name.startswith("leadflow/")},
                "partitions": type(spec.partitions_def).__name__ if spec.partitions_def else None,
                "automation": str(spec.automation_condition) if spec.automation_condition else None,
                "columns": [column.name for column in spec.metadata["dagster/column_schema"].columns],
            }
            for spec in specs
        },
        "checks": sorted(str(key) for key in repository.asset_graph.asset_check_keys),
        "jobs": sorted(name for name in repository.job_names if not name.startswith("__")),
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    }


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return describe(build_defs(org="default", today=DAY))


def test_the_graph_is_the_one_written_down(described: dict[str, Any]) -> None:
    assert described == json.loads(SNAPSHOT.read_text())


def test_the_jobs_stand_side_by_side_in_one_code_location() -> None:
    """Two that name an operation or a graph alike are each fine, and leave the UI without any."""
    jobs = build_defs(org="default", today=DAY).get_repository_def().get_all_jobs()
    assert {"buy_lookups", "train_models", "backtest_models"} <= {job.name for job in jobs}


def test_every_asset_can_be_read_by_a_person(described: dict[str, Any]) -> None:
    for name, spec in described["assets"].items():
        for field in ("description", "group", "owners", "kinds", "columns"):
            assert spec[field], f"{name} has no {field}"


def test_every_table_is_an_asset_of_its_name(described: dict[str, Any]) -> None:
    names = {table.name for table in (*LAKE_TABLES, *MARTS)}
    assert names - set(described["assets"]) == {MODEL_VERSIONS.name}, "each model is an asset and adds its rows there"


def test_nothing_that_costs_money_starts_by_itself(described: dict[str, Any]) -> None:
    paid = {
        name: spec for name, spec in described["assets"].items() if spec["tags"].get("leadflow/cost_class") == "paid"
    }
    assert set(paid) == {f"raw/{name}" for name in ("attom", "batchdata", "datatree", "regrid", "rentcast", "zillow")}
    assert all(spec["automation"] is None for spec in paid.values())


def test_another_orgs_assets_and_zips_are_its_own() -> None:
    definitions = build_defs(org="acme", today=DAY)
    specs = list(definitions.resolve_all_asset_specs())
    assert all(spec.key.path[0] == "acme" for spec in specs)
    zips = {
        spec.partitions_def.get_partitions_def_for_dimension("zip").name  # type: ignore[union-attr]
        for spec in specs
        if isinstance(spec.partitions_def, dg.MultiPartitionsDefinition)
    }
    assert zips == {"zips_acme"}


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(describe(build_defs(org="default", today=DAY)), indent=1) + "\n")
