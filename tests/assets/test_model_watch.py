"""The watch over models through Dagster: a check on each model that warns, a table by month, an alert told once."""

import datetime as dt
import logging
from collections.abc import Iterator

import dagster as dg
import polars as pl
import pytest

from leadflow_pipelines.automation.train_job import TRAIN_JOB
from leadflow_pipelines.automation.watch_job import WATCH_JOB
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_SCORES, MODEL_MONTHS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.model_watch import months_of
from leadflow_pipelines.properties.recorded_sales import recorded_sales
from leadflow_pipelines.sales_history import SALE_DATE
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.training.model_registry import add_version
from tests.assets.conftest import NOW, TODAY, AssetRunner, open_simulated_workspace
from tests.recorded_market import record_market

ZIP = "43206"
SCORED = TODAY - dt.timedelta(days=380)
VALUED = (TODAY - dt.timedelta(days=40)).replace(day=1)
VERSION = "value-20260101-invented"
FEW = 60


@pytest.fixture(scope="module")
def runner(database: Database, sandbox_settings: Settings) -> Iterator[AssetRunner]:
    """An org that knows the sales of one ZIP, has scored its homes a year ago and valued them lately."""
    with dg.DagsterInstance.ephemeral() as instance:
        one = AssetRunner(open_simulated_workspace(database, sandbox_settings), instance)
        record_market(one.workspace.lake, day=TODAY, zip_code=ZIP, city="COLUMBUS", state="OH", parcels=3_000)
        yield one


def test_models_that_hold_raise_nothing(runner: AssetRunner, caplog: pytest.LogCaptureFixture) -> None:
    lake = runner.workspace.lake
    tell_scores(lake, times=1.0)
    tell_values(lake, times=1.0)
    passed = watch(runner)
    assert set(passed) == {"motivation_model", "value_model"}
    assert all(check.passed for check in passed.values())
    assert not [record for record in caplog.records if "decays" in record.message]
    months = lake.read(MODEL_MONTHS)
    assert MODEL_MONTHS.faults(months) == []
    scored = months.filter(pl.col("kind") == "motivation").row(0, named=True)
    assert scored["day"] == SCORED.replace(day=1)
    assert scored["version"] == "motivation-1"
    assert scored["observed"] == pytest.approx(scored["predicted"], rel=0.01)
    assert scored["auc"] is not None
    values = months.filter(pl.col("kind") == "value")
    assert values["homes"].sum() >= FEW
    assert values["coverage"].to_list() == [1.0] * values.height


def test_a_model_that_decays_warns_and_is_told_once_a_month(
    runner: AssetRunner, caplog: pytest.LogCaptureFixture
) -> None:
    lake = runner.workspace.lake
    tell_scores(lake, times=2.0)
    tell_values(lake, times=1.3)
    with caplog.at_level(logging.ERROR, "leadflow_pipelines"):
        checks = watch(runner)
        again = watch(runner)
    for model, alert in (("motivation_model", "were sold where"), ("value_model", "above the prices paid")):
        for told in (checks[model], again[model]):
            assert not told.passed
            assert told.severity is dg.AssetCheckSeverity.WARN
            assert alert in str(told.description)
            assert alert in str(told.metadata["alerts"].value)
            assert "| month | version |" in str(told.metadata["months"].value)
    messages = [record.getMessage() for record in caplog.records if "decays" in record.message]
    assert len(messages) == len(set(messages))
    assert sum("were sold where" in message for message in messages) == 1
    assert months_of(lake, "motivation").row(0, named=True)["told_codes"] == ["calibration"]


def test_a_model_that_holds_again_passes_again(runner: AssetRunner) -> None:
    lake = runner.workspace.lake
    tell_scores(lake, times=2.0)
    assert not watch(runner)["motivation_model"].passed
    tell_scores(lake, times=1.0)
    assert watch(runner)["motivation_model"].passed


def test_before_anything_is_known_nothing_is_said(database: Database, sandbox_settings: Settings) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        bare = AssetRunner(open_simulated_workspace(database, sandbox_settings), instance)
        checks = watch(bare)
    assert all(check.passed for check in checks.values())
    assert "No month is told yet" in str(checks["value_model"].metadata["months"].value)


def test_the_training_looks_and_the_watch_does_not_train(runner: AssetRunner) -> None:
    def assets_of(job: str) -> set[str]:
        keys = runner.definitions.resolve_job_def(job).asset_layer.selected_asset_keys
        return {key.path[-1] for key in keys}

    assert assets_of(WATCH_JOB) == {"model_months"}
    assert assets_of(TRAIN_JOB) == {"motivation_model", "value_model", "model_months"}


def watch(runner: AssetRunner) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks of one run of the job, by model."""
    done = runner.definitions.resolve_job_def(WATCH_JOB).execute_in_process(instance=runner.instance)
    return {check.asset_key.path[-1]: check for check in done.get_asset_check_evaluations()}


def tell_scores(lake: Lake, *, times: float) -> None:
    """Scores of SCORED, `times` as high as what came of them: of homes that sold in the year, most are put on top."""
    sales = recorded_sales(lake, day=TODAY)
    known = sales.filter(pl.col(SALE_DATE) < SCORED)["parcel_id"].unique().sort()
    until = SCORED + dt.timedelta(days=365)
    sold = sales.filter(pl.col(SALE_DATE).is_between(SCORED, until, closed="left"))["parcel_id"].unique()
    homes = pl.DataFrame({"property_id": known}).with_columns(is_sold=pl.col("property_id").is_in(sold.implode()))
    rate = homes["is_sold"].sum() / homes.height
    assert homes["is_sold"].sum() >= FEW
    is_low = pl.int_range(pl.len()) % 4 == 0
    chance = rate * times * pl.when(pl.col("is_sold") & ~is_low).then(1.2).otherwise(1.0)
    scores = homes.with_columns(chance.alias("chance")).with_columns(
        probability=pl.col("chance") * rate * times / pl.col("chance").mean(), zip=pl.lit(ZIP), day=pl.lit(SCORED),
        points=0, rank_in_zip=1, reasons=pl.lit([], LEAD_SCORES.schema["reasons"]),
        model_version=pl.lit("scorecard-2026.1+motivation-1"),
    )  # fmt: skip
    lake.replace(LEAD_SCORES, LEAD_SCORES.conform(scores), day=SCORED)


def tell_values(lake: Lake, *, times: float) -> None:
    """Values of VALUED, `times` the prices that were then paid, 30 % wide to each side."""
    row = {
        "day": TODAY - dt.timedelta(days=200), "kind": "value", "version": VERSION, "verdict": "promoted",
        "because": "invented", "first_sale": None, "last_sale": None, "sales": 0, "markets": [], "window_start": None,
        "window_end": None, "metrics": '{"candidate": {"median_error": 0.12}}', "card": "", "sha256": None,
        "trained_at": NOW, "run_id": None,
    }  # fmt: skip
    add_version(lake, row)
    sold = recorded_sales(lake, day=TODAY).filter(pl.col(SALE_DATE) > VALUED).unique("parcel_id", keep="first")
    assert sold.height >= FEW
    value = (pl.col("sale_price_cents") * times * (1 + (pl.int_range(pl.len()) % 3 - 1) * 0.01)).cast(pl.Int64)
    leads = sold.select(
        pl.col("parcel_id").alias("property_id"), pl.lit(ZIP).alias("zip"), pl.lit(VALUED).alias("day"),
        value.alias("estimated_value_cents"), (value * 0.7).cast(pl.Int64).alias("value_low_cents"),
        (value * 1.3).cast(pl.Int64).alias("value_high_cents"), pl.lit("comps+model").alias("value_method"),
    )  # fmt: skip
    lake.replace(ENRICHED_LEADS, ENRICHED_LEADS.conform(leads), day=VALUED)
