"""Several sources of one ZIP: each pulled once, all of them in one property table, and none that nobody may ask."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets import PULL_NAMES, unasked
from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_RECORDS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import load_settings
from tests.assets.conftest import RECORDS_PER_ZIP, TODAY, AssetRunner, open_simulated_workspace

ZIP = "43206"  # in Franklin County, Ohio, whose open table is known
COUNTY = "county_franklin_oh"
SOURCES = ("attom", "batchdata", "rentcast", "regrid", "zillow", "datatree", "socrata")


@pytest.fixture(scope="module")
def fed(database: Database, vendors: SandboxProcess, home: Path) -> Iterator[AssetRunner]:
    """A runner whose org has keys for every vendor and may ask simulated counties; one ZIP and day are run."""
    settings = load_settings(home=home, **vendors.settings_overrides(*SOURCES), skip_trace_max_per_zip=2)
    vendors.clear_ledger()
    with dg.DagsterInstance.ephemeral() as instance:
        one = AssetRunner(open_simulated_workspace(database, settings, SOURCES), instance)
        assert one.run([ZIP]).failures == ()
        yield one


def test_every_source_becomes_records_of_one_contract(fed: AssetRunner) -> None:
    records = fed.workspace.lake.read(PROPERTY_RECORDS, zips=[ZIP], day=TODAY)
    counts = dict(records.group_by("source").len().iter_rows())
    assert set(counts) == {"attom", "rentcast", "regrid", "zillow", "datatree", COUNTY}
    assert all(count == RECORDS_PER_ZIP for source, count in counts.items() if source != "zillow"), counts
    assert 0 < counts["zillow"] <= RECORDS_PER_ZIP


def test_what_six_sources_say_of_one_home_is_one_property(fed: AssetRunner) -> None:
    properties = fed.workspace.lake.read(PROPERTIES, zips=[ZIP])
    assert properties.height <= RECORDS_PER_ZIP * 1.2
    assert (properties["sources"].list.len() >= 4).mean() > 0.8  # type: ignore[operator]


def test_again_nobody_is_asked(fed: AssetRunner, vendors: SandboxProcess) -> None:
    calls = {name: account["calls"] for name, account in vendors.ledger().items()}
    assert fed.run([ZIP]).failures == ()
    assert {name: account["calls"] for name, account in vendors.ledger().items()} == calls


def test_a_vendor_without_a_key_is_not_worked(home: Path, vendors: SandboxProcess) -> None:
    only = load_settings(home=home, **vendors.settings_overrides("rentcast"))
    assert set(unasked(only, is_simulated=True)) == {*PULL_NAMES, "geocodes"} - {"raw/rentcast"}
    assert "raw/county_tables" not in unasked(load_settings(home=home)), "a real org without any key has free records"
