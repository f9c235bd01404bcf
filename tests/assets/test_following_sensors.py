"""Sensors that work on after a finished run, ticked as Dagster's daemon does: after an import, after look-ups."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData
from sqlalchemy import func, select, update

from leadflow_pipelines.automation.import_job import IMPORT_JOB
from leadflow_pipelines.automation.jobs import FREE_JOB, LISTS_JOB
from leadflow_pipelines.automation.lookups_job import LOOKUPS_JOB
from leadflow_pipelines.contracts import LEAD_SCORES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.tables import outreach_list_entries
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import load_settings
from tests.assets.conftest import TODAY, ZIPS, AssetRunner, open_simulated_workspace, set_budgets

table = outreach_list_entries.c
COUNTY_FILE = """Parcel Number,Property Address,City,State,Zip,Owner Name
10-001,12 QUILLFEATHER ST,COLUMBUS,OH,43206,Fictional Holdings LLC
10-002,14 QUILLFEATHER ST,COLUMBUS,OH,43206,Imogen Fictional
"""


def tick(runner: AssetRunner, name: str, cursor: str | None = None) -> SensorExecutionData:
    """One evaluation by the daemon's own method, which refuses runs that the sensor may not ask for."""
    repository = runner.definitions.get_repository_def()
    context = dg.build_sensor_context(instance=runner.instance, cursor=cursor, repository_def=repository)
    return repository.get_sensor_def(name).evaluate_tick(context)


def follow(runner: AssetRunner, asked: SensorExecutionData, job: str) -> None:
    """Work the one run that was asked for."""
    (request,) = asked.run_requests or []
    made = runner.definitions.resolve_job_def(job).execute_in_process(instance=runner.instance, tags=request.tags)
    assert made.success


def test_an_import_has_its_zips_scored_again(runner: AssetRunner, tmp_path: Path) -> None:
    began = tick(runner, "refresh_imported_zips")
    assert not began.run_requests
    file = tmp_path / "roll.csv"
    file.write_text(COUNTY_FILE)
    config = {"ops": {"import_file": {"config": {"path": str(file), "source": "roll"}}}}
    job = runner.definitions.resolve_job_def(IMPORT_JOB)
    assert job.execute_in_process(instance=runner.instance, run_config=config).success
    asked = tick(runner, "refresh_imported_zips", began.cursor)
    assert not tick(runner, "clear_after_lookups", began.cursor).run_requests, "an import buys no look-ups"
    follow(runner, asked, FREE_JOB)
    scores = runner.workspace.lake.read(LEAD_SCORES, day=TODAY)
    assert (scores.height, scores["zip"].unique().to_list()) == (2, ["43206"])


@pytest.fixture
def listed(database: Database, home: Path, vendors: SandboxProcess) -> AssetRunner:
    """An org whose lists wait for do-not-call answers that it may buy."""
    asked = ("attom", "batchdata", "dncscrub")
    settings = load_settings(home=home, **vendors.settings_overrides(*asked), skip_trace_max_per_zip=5)
    workspace = open_simulated_workspace(database, settings, providers=asked)
    runner = AssetRunner(workspace, dg.DagsterInstance.ephemeral())
    assert runner.run(ZIPS[:1]).failures == ()
    waiting = {"verdict": "blocked", "reason_codes": ["dnc_unknown"]}
    with workspace.database.as_org(workspace.org.org_id) as connection:
        connection.execute(update(outreach_list_entries).where(table.channel == "voice").values(waiting))
    return runner


def test_bought_look_ups_have_their_lists_decided_again_and_where_none_could_be_bought_nothing_is(
    listed: AssetRunner,
) -> None:
    org = listed.workspace.org.org_id
    began = tick(listed, "clear_after_lookups")
    waiting = unknown(listed)
    assert waiting > 0
    set_budgets(listed.workspace.database, org, cents=0, providers=("dncscrub",))
    buy(listed)
    unasked = tick(listed, "clear_after_lookups", began.cursor)
    assert not unasked.run_requests
    set_budgets(listed.workspace.database, org, cents=1_000_000, providers=("dncscrub",))
    buy(listed)
    assert unknown(listed) == waiting, "the lists are as they were"
    follow(listed, tick(listed, "clear_after_lookups", unasked.cursor), LISTS_JOB)
    assert unknown(listed) == 0


def buy(runner: AssetRunner) -> None:
    """Run the job that buys look-ups."""
    config = {"ops": {"ask_vendor": {"config": {"provider": "dncscrub"}}}}
    job = runner.definitions.resolve_job_def(LOOKUPS_JOB)
    assert job.execute_in_process(instance=runner.instance, run_config=config).success


def unknown(runner: AssetRunner) -> int:
    """Numbers on the day's lists that wait for a do-not-call answer."""
    waits = table.reason_codes.contains(["dnc_unknown"])
    with runner.workspace.database.as_org(runner.workspace.org.org_id) as connection:
        return connection.execute(select(func.count()).where(table.day == TODAY, waits)).scalar_one()
