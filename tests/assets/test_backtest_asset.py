"""The backtest through Dagster: its tables, page and figures; a lake without a history; days that stay settled.

Stand-ins take the place of the models, so that the asset itself is what is tested, in seconds.
"""

import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from assets import BACKTEST_NAMES, MART_NAMES
from assets.backtest import NO_FUTURE, build_backtest_assets
from leadflow_pipelines.automation.backtest_job import BACKTEST_JOB
from leadflow_pipelines.automation.receipts import Receipt
from leadflow_pipelines.backtest.windows import add_months
from leadflow_pipelines.contracts import BACKTEST_TABLES, LAKE_TABLES, PROPERTY_RECORDS
from leadflow_pipelines.contracts.backtest import BACKTEST_SCORES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.properties.refresh_properties import NO_DECISIONS
from leadflow_pipelines.settings import Settings
from resources.clock import ClockResource
from tests.assets.conftest import NOW, TODAY, AssetRunner, FixedWorkspace, open_simulated_workspace
from tests.commands import leadflow_here
from tests.recorded_market import record_market
from tests.stand_in_models import stand_ins

ZIP = "43206"
YESTERDAY = TODAY - dt.timedelta(days=1)
ENDED = dt.datetime(2026, 11, 20, 16, tzinfo=dt.UTC)


@pytest.fixture(scope="module", autouse=True)
def _quick_models() -> Iterator[None]:
    # The package's own name `run_backtest` is the function, so the module is found where Python keeps it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["leadflow_pipelines.backtest.run_backtest"], "product_models", stand_ins)
        yield


def walk(runner: AssetRunner, **asked: Any) -> dg.ExecuteInProcessResult:
    """The three tables without the marts, with this config."""
    return dg.materialize(
        [build_backtest_assets(runner.scope)],
        instance=runner.instance,
        resources={
            "workspace": FixedWorkspace(org=runner.scope.org),
            "clock": ClockResource(fixed_at=NOW.isoformat()),
        },
        run_config={"ops": {f"{runner.scope.org}__backtest": {"config": asked}}},
        raise_on_error=False,
    )


def told(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """What each asset's materialization tells in the UI, by table."""
    made = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {one.asset_key.path[-1]: {name: value.value for name, value in one.metadata.items()} for one in made}


@pytest.fixture(scope="module")
def walked(database: Database, sandbox_settings: Settings) -> Iterator[tuple[AssetRunner, dg.ExecuteInProcessResult]]:
    """A runner whose org knows the sales of four years, and its first backtest; tests only look."""
    with dg.DagsterInstance.ephemeral() as instance:
        runner = AssetRunner(open_simulated_workspace(database, sandbox_settings), instance)
        record_market(runner.workspace.lake, day=YESTERDAY, zip_code=ZIP, city="COLUMBUS", state="OH", parcels=700)
        yield runner, walk(runner)


def test_the_newest_year_is_judged_and_its_figures_stand_in_the_lake(
    walked: tuple[AssetRunner, dg.ExecuteInProcessResult],
) -> None:
    runner, result = walked
    assert result.success
    lake = runner.workspace.lake
    figures = told(result)
    for table in BACKTEST_TABLES:
        rows = lake.read(table, day=TODAY)
        assert table.faults(rows) == []
        assert rows.height == figures[table.name]["dagster/row_count"] > 10
    last = lake.read(PROPERTY_RECORDS)["sale_date"].max()
    assert isinstance(last, dt.date)
    newest = last + dt.timedelta(days=1 - 365)
    dates = lake.read(BACKTEST_SCORES)["as_of"].drop_nulls().unique().sort()
    assert dates.to_list() == [add_months(newest, months) for months in (-9, -6, -3, 0)]


def test_what_the_ui_draws_over_time_is_numbers(walked: tuple[AssetRunner, dg.ExecuteInProcessResult]) -> None:
    figures = told(walked[1])
    for name in ("auc", "lift_5", "ece", "auc_lightgbm", "auc_over_lightgbm", "auc_seasoned", "base_rate"):
        assert isinstance(figures["backtest_scores"][name], float), name
    for name in ("median_error", "coverage", "width", "median_error_cheapest_third", "median_error_lightgbm"):
        assert isinstance(figures["backtest_values"][name], float), name


def test_the_page_lies_in_the_lake_and_tables_and_charts_in_the_metadata(
    walked: tuple[AssetRunner, dg.ExecuteInProcessResult],
) -> None:
    runner, result = walked
    figures = told(result)
    page = Path(figures["backtest_scores"]["report"])
    assert page.is_relative_to(runner.workspace.lake.path("reports"))
    assert figures["backtest_scores"]["headline"] in page.read_text()
    assert "| LeadFlow |" in figures["backtest_scores"]["summary"]
    assert "What this cannot say" in figures["backtest_scores"]["summary"]
    charts = [figures[name]["charts"].count("](data:image/svg+xml;base64,") for name in BACKTEST_NAMES[1:]]
    assert charts == [3, 2]


def test_the_check_says_that_no_model_saw_the_future(
    walked: tuple[AssetRunner, dg.ExecuteInProcessResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, result = walked
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == (NO_FUTURE, True)
    module = sys.modules["leadflow_pipelines.backtest.run_backtest"]
    monkeypatch.setattr(module, "product_models", lambda: stand_ins(peeks=True))
    (check,) = walk(runner, market=ZIP, first="2025-06-30", last="2025-06-30").get_asset_check_evaluations()
    assert not check.passed
    assert "believe no figure" in str(check.metadata["said"].value)


def test_a_question_of_ones_own_stands_beside_the_first(
    walked: tuple[AssetRunner, dg.ExecuteInProcessResult],
) -> None:
    runner, _ = walked
    lake = runner.workspace.lake
    figures = told(walk(runner, market=ZIP, first="2025-03", last="2025-06", horizon_days=180, without=["land_use"]))
    assert figures["backtest_scores"]["without"] == "land_use"
    rows = lake.read(BACKTEST_SCORES, where=pl.col("horizon_days") == 180)
    assert set(rows["market"]) == {ZIP}
    assert set(rows["as_of"].drop_nulls()) == {dt.date(2025, 3, 1), dt.date(2025, 6, 1)}
    assert lake.read(BACKTEST_SCORES, where=pl.col("market") == "all").height


def test_the_job_publishes_the_marts_and_takes_a_question(
    walked: tuple[AssetRunner, dg.ExecuteInProcessResult],
) -> None:
    runner, _ = walked
    job = runner.definitions.resolve_job_def(BACKTEST_JOB)
    selected = job.asset_layer.selected_asset_keys
    assert selected == {runner.scope.key(name) for name in (*BACKTEST_NAMES, *MART_NAMES)}
    asked = {"ops": {f"{runner.scope.org}__backtest": {"config": {"market": ZIP, "without": ["land_use"]}}}}
    taken = dg.validate_run_config(job, asked)
    config = taken["ops"][f"{runner.scope.org}__backtest"]["config"]
    assert (config["market"], config["without"], config["horizon_days"]) == (ZIP, ["land_use"], 365)


def test_a_lake_without_a_history_is_told_what_to_do_and_nothing_is_written(runner: AssetRunner) -> None:
    result = walk(runner)
    assert not result.success
    assert told(result) == {}
    (failure,) = result.get_step_failure_events()
    said = failure.step_failure_data.user_failure_data
    assert said is not None
    assert said.description == "The lake holds no sale: no record has a sale date."
    assert "leadflow import" in str(said.metadata["remedy"].value)
    assert not any(runner.workspace.lake.exists(table) for table in BACKTEST_TABLES)
    assert not Path(runner.workspace.lake.path("reports")).exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"market": "Atlantis"}, "names no market"),
        ({"first": "last summer"}, "is not a date"),
        ({"without": ["owner_name"]}, "There is no column owner_name"),
        ({"horizon_days": 3_000}, "No date has a closed window of 3000 days"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(
    walked: tuple[AssetRunner, dg.ExecuteInProcessResult], asked: dict[str, Any], said: str
) -> None:
    runner, _ = walked
    before = {table.name: runner.workspace.lake.version(table) for table in BACKTEST_TABLES}
    (failure,) = walk(runner, **asked).get_step_failure_events()
    assert failure.step_failure_data.user_failure_data is not None
    assert said in str(failure.step_failure_data.user_failure_data.description)
    assert {table.name: runner.workspace.lake.version(table) for table in BACKTEST_TABLES} == before


def test_a_backtest_leaves_a_settled_day_settled(walked: tuple[AssetRunner, dg.ExecuteInProcessResult]) -> None:
    runner, _ = walked
    workspace = runner.workspace
    receipt = Receipt(workspace.settings, workspace.lake, zips=[ZIP], day=TODAY, without=(), decisions=NO_DECISIONS)
    receipt.leave(ENDED)
    assert walk(runner, market=ZIP, first="2025-06-30", last="2025-06-30").success
    assert receipt.settled_at() == ENDED


def test_the_lakes_upkeep_knows_the_tables(walked: tuple[AssetRunner, dg.ExecuteInProcessResult]) -> None:
    slug = walked[0].workspace.org.slug
    names = [table.name for table in LAKE_TABLES]
    for command in (("digest",), ("compact",), ("vacuum", "--keep-hours", "168")):
        assert list(leadflow_here("lake", *command, "--org", slug, "--json").json) == names
    assert {"model_versions", *BACKTEST_NAMES} <= set(names)
