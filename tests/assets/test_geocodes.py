"""Properties that no source places get their coordinates from a geocoder, over HTTP, through Dagster."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from sqlalchemy import func, select

from assets import PULL_NAMES, paid_names, unasked
from leadflow_pipelines.automation.run_day import DayRun
from leadflow_pipelines.contracts import GEOCODES, PROPERTIES
from leadflow_pipelines.county_files import import_county_file
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.tables import provider_pulls
from leadflow_pipelines.leads.plan_run import run_demands
from leadflow_pipelines.providers.sandbox.homes import Home, homes_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.sandbox.vendors.census import ONE_IN_TIES
from leadflow_pipelines.providers.sandbox.world import World
from leadflow_pipelines.settings import load_settings
from leadflow_pipelines.spend.plan import plan_pulls
from leadflow_pipelines.spend.price_book import load_price_book
from tests.assets.conftest import NOW, RECORDS_PER_ZIP, TODAY, AssetRunner, open_simulated_workspace, set_budgets

ZIPS = ["43206", "78704"]
AFTER = ("enriched_leads", "lead_scores", "raw/batchdata", "lead_contacts", "outreach_lists")
NOWHERE = "1 NOWHERE ST"
PRICE = Decimal("0.5")


def homes(zip_code: str) -> list[Home]:
    """The properties the simulated geocoder knows; one address may hold several units."""
    return homes_of(World(RECORDS_PER_ZIP, today=lambda: TODAY), find_place(zip_code), 0, RECORDS_PER_ZIP)


STREETS = {(home.street, home.place.zip): home for zip_code in ZIPS for home in homes(zip_code)}
TIES = [key for key, home in STREETS.items() if home.number % ONE_IN_TIES == ONE_IN_TIES - 1]


class County:
    """An org that imports a county file without coordinates and asks a simulated geocoder."""

    def __init__(self, database: Database, vendors: SandboxProcess, home: Path, at: Path, **settings: Any) -> None:
        geocoder = settings.setdefault("geocoder", "census")
        overrides = vendors.settings_overrides(geocoder)
        loaded = load_settings(home=home, lake_url=str(at / "lake"), **{**overrides, "http_attempts": 1, **settings})
        self.workspace = open_simulated_workspace(database, loaded, ("google",))
        self.vendors, self.at = vendors, at
        self.instance = dg.DagsterInstance.ephemeral()

    def import_file(self, *more: tuple[str, str, str, str]) -> None:
        """Every simulated home's address without its place, one that nobody built, and `more`."""
        rows = [(home.street, home.place.city, home.place.state, zip_) for (_, zip_), home in STREETS.items()]
        file = self.at / "roll.csv"
        lines = [*rows, (NOWHERE, "COLUMBUS", "OH", "43206"), *more]
        pl.DataFrame(lines, schema=["Address", "City", "State", "Zip"], orient="row").write_csv(file)
        workspace = self.workspace
        import_county_file(
            file, source="roll", lake=workspace.lake, database=workspace.database, org=workspace.org, day=TODAY, now=NOW
        )

    def run(self, days_later: int = 0, zips: list[str] = ZIPS) -> DayRun:
        """The chain up to the properties, on that day."""
        now = NOW + dt.timedelta(days=days_later)
        runner = AssetRunner(self.workspace, self.instance, now)
        set_budgets(self.workspace.database, self.workspace.org.org_id, cents=100_000, providers=("google",))
        left_out = [*unasked(self.workspace.settings, is_simulated=True), *AFTER]
        run = runner.run(zips, day=now.date(), without=left_out)
        assert run.failures == ()
        return run

    def placed(self) -> dict[tuple[str, str], tuple[float, float]]:
        """Coordinates of the current properties that have any, by street and ZIP."""
        table = self.workspace.lake.read(PROPERTIES, where=pl.col("valid_to").is_null() & pl.col("lat").is_not_null())
        street = pl.col("address").str.split(",").list.first()
        rows = table.select(street, "zip", "lat", "lon").rows()
        return {(street, zip_code): (lat, lon) for street, zip_code, lat, lon in rows}

    def calls(self, provider: str = "census") -> int:
        """Requests that the simulated geocoder counted."""
        return int(self.vendors.ledger().get(provider, {}).get("calls", 0))


@pytest.fixture
def sandbox(vendors: SandboxProcess) -> Iterator[SandboxProcess]:
    vendors.clear_ledger()
    yield vendors
    vendors.disarm_faults()


@pytest.fixture
def county(database: Database, sandbox: SandboxProcess, home: Path, tmp_path: Path) -> County:
    return County(database, sandbox, home, tmp_path)


@pytest.fixture
def google(database: Database, sandbox: SandboxProcess, home: Path, tmp_path: Path) -> County:
    return County(database, sandbox, home, tmp_path, geocoder="google")


def expected(*without: tuple[str, str]) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    return {key: (home.lat, home.lon) for key, home in STREETS.items() if key not in without}


def test_a_county_file_without_coordinates_has_them_after_the_next_run(county: County) -> None:
    county.import_file()
    assert county.placed() == {}
    run = county.run()
    assert run.is_whole
    assert county.placed() == expected(*TIES)
    table = county.workspace.lake.read(PROPERTIES, where=pl.col("valid_to").is_null())
    words = table.explode("provenance").unnest("provenance").filter(pl.col("field") == "lat")
    assert set(words["source"]) == {"census"}
    answers = county.workspace.lake.read(GEOCODES)
    assert GEOCODES.faults(answers) == []
    assert answers.filter(pl.col("quality") == "none").height == len(TIES) + 1, "misses are kept too"
    assert county.calls() == 1, "all addresses of both ZIPs in one file"


def test_nothing_is_asked_twice_and_misses_after_their_time(county: County) -> None:
    county.import_file()
    county.run()
    before = [county.workspace.lake.digest(table) for table in (GEOCODES, PROPERTIES)]
    county.run()
    county.run(days_later=1)
    county.run(days_later=89)
    assert county.calls() == 1
    assert [county.workspace.lake.digest(table) for table in (GEOCODES, PROPERTIES)] == before
    county.run(days_later=90)
    assert county.calls() == 2
    asked_again = county.workspace.lake.read(GEOCODES, where=pl.col("geocoded_at") > NOW)
    assert set(asked_again["quality"]) == {"none"}
    assert asked_again.height == len(TIES) + 1


def test_only_new_addresses_are_asked(county: County) -> None:
    county.import_file()
    county.run()
    county.import_file(("2 NOWHERE ST", "COLUMBUS", "OH", "43206"))
    county.run()
    assert county.calls() == 2
    assert county.workspace.lake.read(GEOCODES).height == len(STREETS) + 2


def test_a_geocoder_that_is_down_fails_no_run_and_is_asked_again(county: County) -> None:
    county.import_file()
    county.vendors.arm_fault("census", "status", share=1.0, status=503)
    run = county.run()
    assert not run.is_whole
    (shortfall,) = run.shortfalls
    assert shortfall.asset.endswith("geocodes")
    assert shortfall.calls == {"transient": len(STREETS) + 1}
    assert set(shortfall.zips) == set(ZIPS)
    assert county.placed() == {}
    county.vendors.disarm_faults()
    assert county.run().is_whole
    assert county.placed() == expected(*TIES)


def test_sources_that_place_their_properties_cause_no_call(
    database: Database, sandbox: SandboxProcess, home: Path, tmp_path: Path
) -> None:
    settings = sandbox.settings_overrides("attom", "census")
    loaded = load_settings(home=home, lake_url=str(tmp_path / "lake"), **settings)
    workspace = open_simulated_workspace(database, loaded)
    with dg.DagsterInstance.ephemeral() as instance:
        left_out = [*unasked(loaded, is_simulated=True), *AFTER]
        assert "geocodes" not in left_out
        run = AssetRunner(workspace, instance).run(ZIPS, without=left_out)
    assert run.failures == ()
    table = workspace.lake.read(PROPERTIES)
    assert (table.height, table["lat"].null_count()) == (2 * RECORDS_PER_ZIP, 0)
    assert "census" not in sandbox.ledger()


def test_googles_coordinates_are_bought_once_and_kept_no_longer_than_its_terms_allow(google: County) -> None:
    google.import_file()
    google.run()
    count = len(STREETS) + 1
    assert google.calls("google") == count
    table = google.workspace.lake.read(GEOCODES)
    assert table["cost_cents"].sum() == PRICE * count
    google.run(days_later=28)
    assert google.calls("google") == count
    first = google.placed()
    assert first == expected()
    google.run(days_later=30)
    assert google.calls("google") == 2 * count - 1, "the miss still stands"
    assert google.placed() == first
    until = NOW + dt.timedelta(days=29)
    held = google.workspace.lake.read(PROPERTIES).explode("provenance").unnest("provenance")
    assert held.filter((pl.col("field") == "lat") & (pl.col("observed_at") < until)).is_empty(), "in no version"
    pulls = provider_pulls.c
    with google.workspace.database.as_org(google.workspace.org.org_id) as connection:
        kept = connection.execute(select(func.count()).where(pulls.fetched_at < until)).scalar_one()
    assert kept == 0
    raw = list((Path(google.workspace.lake.root) / "raw" / "google").rglob("*.parquet"))
    assert len(raw) == count - 1


def test_who_turns_the_geocoder_off_keeps_nothing_too_long(google: County) -> None:
    google.import_file()
    google.run()
    settings = google.workspace.settings.model_copy(update={"google_api_key": None})
    google.workspace = replace(google.workspace, settings=settings)
    now = NOW + dt.timedelta(days=30)
    run = AssetRunner(google.workspace, google.instance, now).run(ZIPS, day=now.date(), without=[*PULL_NAMES, *AFTER])
    assert (run.failures, run.is_whole) == ((), True)
    assert google.placed() == {}
    assert google.workspace.lake.read(PROPERTIES)["lat"].drop_nulls().is_empty()


def test_a_budget_that_ends_gives_a_part_and_the_next_run_the_rest(google: County) -> None:
    google.import_file()
    runner = AssetRunner(google.workspace, google.instance)
    set_budgets(google.workspace.database, google.workspace.org.org_id, cents=10, providers=("google",))
    left_out = [*unasked(google.workspace.settings, is_simulated=True), *AFTER]
    (shortfall,) = runner.run(ZIPS, without=left_out).shortfalls
    assert shortfall.calls == {"budget": len(STREETS) + 1 - 20}
    assert google.calls("google") == 20
    google.run()
    assert google.calls("google") == len(STREETS) + 1


def test_a_plan_tells_what_geocoding_asks_and_costs(county: County, google: County) -> None:
    for one, cents in ((county, 0), (google, PRICE * (len(STREETS) + 1))):
        one.import_file()
        workspace = one.workspace
        lake, database, org, settings = workspace.lake, workspace.database, workspace.org, workspace.settings
        demands = run_demands(lake, database, org, settings, zips=ZIPS, day=TODAY, now=NOW)
        with database.as_org(org.org_id) as connection:
            planned = plan_pulls(connection, org.org_id, load_price_book(), demands, budget_day=TODAY)
        (line,) = [line for line in planned.lines if line.provider == settings.geocoder]
        assert line.to_call == len(STREETS) + 1
        assert line.lowest_cents == line.worst_cents == cents


def test_a_simulated_org_without_a_simulated_geocoder_leaves_it_out(
    database: Database, sandbox: SandboxProcess, home: Path, tmp_path: Path
) -> None:
    real = load_settings(home=home)
    assert "geocodes" in unasked(real, is_simulated=True)
    assert "geocodes" not in unasked(real, is_simulated=False), "the Census Bureau is the free default"
    one = County(database, sandbox, home, tmp_path)
    settings = one.workspace.settings.model_copy(update={"census_base_url": real.census_base_url})
    one.workspace = replace(one.workspace, settings=settings)
    one.import_file()
    runner = AssetRunner(one.workspace, one.instance)
    without = [*PULL_NAMES, *AFTER]
    assert runner.run(ZIPS, without=without).is_whole, "worked by itself it asks nobody either"
    assert one.workspace.lake.read(GEOCODES).is_empty()


def test_a_geocoder_that_bills_is_no_free_asset() -> None:
    assert "geocodes" not in paid_names(load_settings())
    assert "geocodes" in paid_names(load_settings(geocoder="google"))
