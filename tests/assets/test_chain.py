"""The chain through Dagster: rows arrive in every table, nothing is bought twice, budgets and contracts hold."""

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from sqlalchemy import func, select, text

from leadflow_pipelines.automation.run_day import DayRun
from leadflow_pipelines.contracts import (
    ENRICHED_LEADS,
    LAKE_TABLES,
    LEAD_CONTACTS,
    LEAD_SCORES,
    OUTREACH_LISTS,
    PROPERTIES,
    PROPERTY_RECORDS,
)
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.tables import outreach_list_entries, provider_calls
from leadflow_pipelines.leads import signals
from leadflow_pipelines.providers.pulls import Pulls, RawStore
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings, load_settings
from resources.workspace import Workspace
from tests.assets.conftest import (
    RECORDS_PER_ZIP,
    TODAY,
    ZIPS,
    AssetRunner,
    open_simulated_workspace,
    set_budgets,
)


def digests(workspace: Workspace) -> dict[str, str]:
    return {table.name: workspace.lake.digest(table) for table in LAKE_TABLES}


def calls_of(workspace: Workspace, outcome: str, provider: str = "attom") -> int:
    calls = provider_calls.c
    query = select(func.count()).where(calls.outcome == outcome, calls.provider == provider)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        return connection.execute(query).scalar_one()


def test_every_table_holds_the_zips_of_the_day(finished: AssetRunner) -> None:
    lake = finished.workspace.lake
    for table in (PROPERTY_RECORDS, ENRICHED_LEADS, LEAD_SCORES):
        rows = lake.read(table, day=TODAY)
        assert dict(rows.group_by("zip").len().iter_rows()) == dict.fromkeys(ZIPS, RECORDS_PER_ZIP), table.name
        assert table.faults(rows) == []
    assert lake.read(PROPERTIES).height == 2 * RECORDS_PER_ZIP


def test_the_best_leads_owners_are_traced_and_no_others(finished: AssetRunner) -> None:
    lake = finished.workspace.lake
    traced = lake.read(LEAD_CONTACTS, where=pl.col("kind") == "phone")
    assert 0 < traced["property_id"].n_unique() <= 2 * 5
    assert traced["phone_e164"].str.contains(r"^\+1\d{3}55501\d{2}$").all()
    best = lake.read(LEAD_SCORES, where=pl.col("rank_in_zip") <= 5)["property_id"]
    assert traced["property_id"].is_in(best.to_list()).all()


def test_the_list_in_postgres_is_the_list_in_the_lake(finished: AssetRunner) -> None:
    key = ["contact_point_id", "channel", "verdict"]
    workspace = finished.workspace
    with workspace.database.as_org(workspace.org.org_id) as connection:
        rows = connection.execute(select(*(outreach_list_entries.c[name] for name in key))).all()
    in_lake = workspace.lake.read(OUTREACH_LISTS).select(key)
    assert sorted(tuple(row) for row in rows) == sorted(in_lake.iter_rows())


def test_without_consent_mail_is_cleared_and_sms_is_not(finished: AssetRunner) -> None:
    lists = finished.workspace.lake.read(OUTREACH_LISTS)
    cleared = lists.filter(pl.col("verdict") == "cleared")["channel"].value_counts()
    channels = dict(cleared.iter_rows())
    assert channels["mail"] > RECORDS_PER_ZIP
    assert "sms" not in channels
    assert lists.filter(pl.col("channel") == "sms")["reason_codes"].list.contains("no_consent").all()


def test_the_marts_are_in_postgres_for_this_org_alone(finished: AssetRunner) -> None:
    workspace = finished.workspace
    with workspace.database.as_org(workspace.org.org_id) as connection:
        orgs = connection.execute(text("select org, count(*) from marts.mart_leads group by org")).all()
    assert [tuple(row) for row in orgs] == [(workspace.org.slug, 2 * RECORDS_PER_ZIP)]


def test_one_correlation_id_runs_from_the_command_to_the_ledger(finished: AssetRunner) -> None:
    workspace = finished.workspace
    with workspace.database.as_org(workspace.org.org_id) as connection:
        ids = set(connection.execute(select(provider_calls.c.correlation_id)).scalars())
        runs = set(connection.execute(select(provider_calls.c.run_id)).scalars())
    assert ids == {finished.correlation_id}
    assert runs == {run.run_id for run in finished.instance.get_runs()}
    tags = [run.tags["leadflow/correlation_id"] for run in finished.instance.get_runs()]
    assert set(tags) == ids


def test_what_a_person_reads_after_a_run(finished: AssetRunner) -> None:
    key = finished.scope.key("lead_scores")
    partition = finished.scope.partition_key(TODAY, "78704")
    event = finished.instance.fetch_materializations(
        dg.AssetRecordsFilter(key, asset_partitions=[partition]), limit=1
    ).records[0]
    assert event.asset_materialization is not None
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert metadata["dagster/partition_row_count"] == RECORDS_PER_ZIP
    assert metadata["run_rows_in"] == 2 * RECORDS_PER_ZIP
    assert metadata["run_rejected"] == 0
    assert metadata["run_cost_cents"] == 0
    assert "points" in str(metadata["preview"])
    assert "█" in str(metadata["chart"])


def test_a_second_run_buys_nothing_and_changes_nothing(runner: AssetRunner, vendors: SandboxProcess) -> None:
    assert runner.run(ZIPS).failures == ()
    before, billed = digests(runner.workspace), vendors.ledger()
    assert runner.run(ZIPS).failures == ()
    assert digests(runner.workspace) == before
    assert vendors.ledger() == billed


def test_an_owner_traced_recently_is_not_bought_again(runner: AssetRunner) -> None:
    yesterday = TODAY - dt.timedelta(days=1)
    assert runner.run(["78704"], day=yesterday).failures == ()
    traced = calls_of(runner.workspace, "ok", "batchdata")
    assert runner.run(["78704"]).failures == ()
    assert calls_of(runner.workspace, "ok", "batchdata") == traced == 1
    assert calls_of(runner.workspace, "ok", "attom") == 2
    phones = runner.workspace.lake.read(LEAD_CONTACTS, where=pl.col("kind") == "phone")
    assert set(phones["day"]) == {yesterday, TODAY}


def test_only_the_asked_zips_are_bought(runner: AssetRunner) -> None:
    assert runner.run(["32801"]).failures == ()
    assert runner.run(["43206"]).failures == ()
    run = runner.run(["32801", "78704"])
    assert run.failures == ()
    assert len(run.run_ids) == 2, "43206 stands between them in the calendar, so one range would buy it too"
    assert calls_of(runner.workspace, "ok") == 3


def test_a_budget_that_runs_out_gives_a_partial_result_that_says_so(runner: AssetRunner) -> None:
    one_zip = runner.workspace.settings.attom_max_records_per_zip * 10
    set_budgets(runner.workspace.database, runner.workspace.org.org_id, cents=one_zip)
    assert runner.run(ZIPS).failures == ()
    assert len(set(runner.workspace.lake.read(PROPERTY_RECORDS)["zip"])) == 1
    event = runner.instance.get_latest_materialization_event(runner.scope.key("raw/attom"))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata["is_partial"].value is True
    assert metadata["not_pulled_budget"].value == 1


def test_without_keys_the_vendors_are_skipped_and_the_run_succeeds(
    database: Database, home: Path, vendors: SandboxProcess
) -> None:
    workspace = open_simulated_workspace(database, load_settings(home=home))
    billed = vendors.ledger()
    with dg.DagsterInstance.ephemeral() as instance:
        assert AssetRunner(workspace, instance).run(ZIPS).failures == ()
    assert workspace.lake.read(PROPERTY_RECORDS).is_empty()
    assert vendors.ledger() == billed


def test_a_zip_that_breaks_a_contract_neither_passes_nor_stops_the_others(
    runner: AssetRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = signals.derive_signals

    def break_one_zip(properties: pl.DataFrame, **told: Any) -> pl.DataFrame:
        tenure = pl.when(pl.col("zip") == "78704").then(-1.0).otherwise("tenure_years")
        return whole(properties, **told).with_columns(tenure.alias("tenure_years"))

    monkeypatch.setattr("assets.leads.derive_signals", break_one_zip)
    run = runner.run(ZIPS)
    assert run.failures == ()
    for table in (ENRICHED_LEADS, LEAD_SCORES, OUTREACH_LISTS):
        assert set(runner.workspace.lake.read(table, day=TODAY)["zip"]) == {"43206"}, table.name
    broken = [evaluation for evaluation in _check_evaluations(runner, run) if not evaluation.passed]
    assert [evaluation.asset_key.path[-1] for evaluation in broken] == ["enriched_leads"]
    assert "78704" in str(broken[0].metadata["broken"].value)


def test_leads_are_derived_with_the_states_of_the_setting(runner: AssetRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, asked = signals.derive_signals, []

    def note(properties: pl.DataFrame, **told: Any) -> pl.DataFrame:
        asked.append(told["probate_states"])
        return whole(properties, **told)

    monkeypatch.setattr("assets.leads.derive_signals", note)
    monkeypatch.setattr(Settings, "probate_lists_count_in", property(lambda _: frozenset({"OH"})))
    assert runner.run(ZIPS).failures == ()
    assert asked == [frozenset({"OH"})]


def test_a_run_without_one_whole_zip_stops_at_the_check(runner: AssetRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = signals.derive_signals
    monkeypatch.setattr(
        "assets.leads.derive_signals",
        lambda properties, **told: whole(properties, **told).with_columns(pl.lit(-1.0).alias("tenure_years")),
    )
    assert runner.run(ZIPS).failures
    assert runner.workspace.lake.read(LEAD_SCORES).is_empty()


def _check_evaluations(runner: AssetRunner, run: DayRun) -> list[dg.AssetCheckEvaluation]:
    entries = runner.instance.all_logs(run.run_ids[0], of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    events = [entry.dagster_event for entry in entries if entry.dagster_event]
    return [event.asset_check_evaluation_data for event in events]


def test_a_pull_that_breaks_its_contract_is_named_and_left_out(
    runner: AssetRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Pulls.read

    def read_with_a_negative_cost(pulls: Pulls, raw: RawStore) -> pl.DataFrame:
        frame = read(pulls, raw)
        cost = pl.when(pl.col("zip") == "78704").then(-1).otherwise("cost_cents")
        return frame.with_columns(cost.cast(frame.schema["cost_cents"]).alias("cost_cents"))

    monkeypatch.setattr(Pulls, "read", read_with_a_negative_cost)
    run = runner.run(ZIPS)
    assert run.failures == ()
    broken = [evaluation for evaluation in _check_evaluations(runner, run) if not evaluation.passed]
    assert [evaluation.asset_key.path[-1] for evaluation in broken] == ["attom"]
    assert set(runner.workspace.lake.read(PROPERTY_RECORDS)["zip"]) == {"43206"}
