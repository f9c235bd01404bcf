"""Models through Dagster: trained by their job, used by the day's run where they may be, and nowhere else."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import orjson
import polars as pl
import pytest

from assets import LIST_NAMES, MODEL_NAMES
from leadflow_pipelines.automation.train_job import TRAIN_JOB
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_SCORES, MODEL_MONTHS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.scoring import SCORECARD_VERSION
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.training import current_model, model_versions
from tests.assets.conftest import TODAY, AssetRunner, open_simulated_workspace
from tests.recorded_market import record_market

pytestmark = pytest.mark.timeout(600)
ZIP, BARE_ZIP = "43206", "78704"


def run_day_of(runner: AssetRunner, *, day: dt.date = TODAY) -> None:
    assert runner.run([ZIP, BARE_ZIP], day=day, without=(*LIST_NAMES, "lead_contacts", "raw/batchdata")).failures == ()


def train(runner: AssetRunner) -> dg.ExecuteInProcessResult:
    return runner.definitions.resolve_job_def(TRAIN_JOB).execute_in_process(instance=runner.instance)


@pytest.fixture(scope="module")
def with_models(database: Database, sandbox_settings: Settings) -> Iterator[tuple[AssetRunner, dict[str, str], str]]:
    """A runner whose org knows the sales of one ZIP, ran a day without models, trained, and ran the day again.
    Beside it the tables' digests before training, and the model cards' text in the run's metadata."""
    with dg.DagsterInstance.ephemeral() as instance:
        runner = AssetRunner(open_simulated_workspace(database, sandbox_settings), instance)
        lake = runner.workspace.lake
        yesterday = TODAY - dt.timedelta(days=1)
        record_market(lake, day=yesterday, zip_code=ZIP, city="COLUMBUS", state="OH", parcels=1_000)
        run_day_of(runner)
        before = {table.name: lake.digest(table) for table in (ENRICHED_LEADS, LEAD_SCORES)}
        assert lake.read(LEAD_SCORES, day=TODAY)["model_version"].unique().to_list() == [SCORECARD_VERSION]
        trained = train(runner)
        made = [event.step_materialization_data.materialization for event in trained.get_asset_materialization_events()]
        cards = "\n".join(str(one.metadata["card"].value) for one in made if "card" in one.metadata)
        run_day_of(runner)
        yield runner, before, cards


def test_the_job_trains_both_models_and_tells_their_cards(with_models: tuple[AssetRunner, dict[str, str], str]) -> None:
    runner, _, cards = with_models
    rows = model_versions(runner.workspace.lake)
    assert dict(rows.select("kind", "verdict").rows()) == {"motivation": "promoted", "value": "promoted"}
    assert all(orjson.loads(metrics)["candidate"] for metrics in rows["metrics"])
    assert "# Motivation model" in cards
    assert "# Value model" in cards


def test_the_training_looks_whether_the_models_hold(with_models: tuple[AssetRunner, dict[str, str], str]) -> None:
    runner, _, _ = with_models
    lake = runner.workspace.lake
    version = model_versions(lake, "motivation").row(0, named=True)["version"]
    read = lake.read(MODEL_MONTHS, where=pl.col("version") == version).row(0, named=True)
    assert read["day"] == TODAY.replace(day=1)
    assert read["drift_feature"] is not None
    assert 0 <= read["drift_index"] < 0.1
    assert read["alerts"] == []


def test_the_days_run_does_not_train(with_models: tuple[AssetRunner, dict[str, str], str]) -> None:
    runner, _, _ = with_models
    daily = runner.definitions.resolve_job_def("daily_leads").asset_layer.selected_asset_keys
    assert not {runner.scope.key(name) for name in MODEL_NAMES} & set(daily)


def test_homes_of_the_market_have_values_with_comps(with_models: tuple[AssetRunner, dict[str, str], str]) -> None:
    runner, _, _ = with_models
    leads = runner.workspace.lake.read(ENRICHED_LEADS, day=TODAY)
    valued = leads.filter(pl.col("estimated_value_cents").is_not_null())
    assert valued.height > 500
    assert valued["zip"].unique().to_list() == [ZIP]
    inside = pl.col("estimated_value_cents").is_between("value_low_cents", "value_high_cents")
    assert valued.select(inside.all()).item()
    assert valued.filter(pl.col("value_method") == "comps+model")["value_comps"].list.len().min() >= 1  # type: ignore[operator]
    elsewhere = leads.filter(pl.col("zip") == BARE_ZIP)
    assert elsewhere["value_method"].unique().to_list() == ["refused: no sales history in this market"]


def test_chances_stand_beside_points_and_the_scorecard_where_there_is_no_history(
    with_models: tuple[AssetRunner, dict[str, str], str],
) -> None:
    runner, _, _ = with_models
    scores = runner.workspace.lake.read(LEAD_SCORES, day=TODAY)
    current = current_model(runner.workspace.lake, "motivation")
    assert current is not None
    assert LEAD_SCORES.faults(scores) == []
    chances = scores.filter(pl.col("probability").is_not_null())
    assert chances.height > 500
    assert chances["model_version"].unique().to_list() == [f"{SCORECARD_VERSION}+{current.version}"]
    bare = scores.filter(pl.col("zip") == BARE_ZIP)
    assert bare["probability"].null_count() == bare.height
    assert bare["model_version"].unique().to_list() == [SCORECARD_VERSION]
    best = chances.sort("rank_in_zip").filter(pl.col("reasons").list.first().struct.field("signal") == "model")
    assert best["reasons"][0][0]["points"] > 0
    assert "times the market's" in best["reasons"][0][0]["text"]
    assert scores.filter(pl.col("deal_score").is_not_null()).height > 500


def test_points_are_the_sum_of_their_reasons_and_ranks_follow_them(
    with_models: tuple[AssetRunner, dict[str, str], str],
) -> None:
    runner, _, _ = with_models
    scores = runner.workspace.lake.read(LEAD_SCORES, day=TODAY)
    summed = pl.col("reasons").list.eval(pl.element().struct.field("points")).list.sum().clip(upper_bound=100)
    assert scores.select((pl.col("points") == summed).all()).item()
    ordered = scores.sort("zip", "rank_in_zip")
    for of_zip in ordered.partition_by("zip"):
        keys = of_zip.select("points", pl.col("probability").fill_null(-1)).rows()
        assert keys == sorted(keys, reverse=True)
        assert of_zip["rank_in_zip"].to_list() == list(range(1, of_zip.height + 1))


def test_a_run_without_a_promoted_model_is_as_it_was_before(
    with_models: tuple[AssetRunner, dict[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, before, _ = with_models
    lake = runner.workspace.lake
    assert {table.name: lake.digest(table) for table in (ENRICHED_LEADS, LEAD_SCORES)} != before
    monkeypatch.setattr("assets.leads.serving_model", lambda *_, **__: (None, "none promoted"))
    run_day_of(runner)
    assert {table.name: lake.digest(table) for table in (ENRICHED_LEADS, LEAD_SCORES)} == before


def test_another_org_has_no_model(
    with_models: tuple[AssetRunner, dict[str, str], str], database: Database, sandbox_settings: Settings
) -> None:
    other = open_simulated_workspace(database, sandbox_settings)
    assert current_model(other.lake, "value") is None
    assert model_versions(other.lake).is_empty()
