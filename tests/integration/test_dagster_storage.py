"""Dagster on our Postgres: few connections, events in batches, tables made once, forks and restarts survived."""

import datetime as dt
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
from dagster._core.events.log import EventLogEntry
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._serdes import deserialize_value, serialize_value
from dagster_postgres.event_log import PostgresEventLogStorage

from leadflow_pipelines.automation.dagster_storage import (
    PooledPostgresStorage,
    dagster_home,
    dagster_instance,
)
from leadflow_pipelines.automation.run_liveness import hold_run, is_worked_on, keep_run, let_run_go
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.settings import Settings

ZIPS = [f"{10_000 + number}" for number in range(20)]


@pytest.fixture
def empty_database(database: Database) -> Iterator[str]:
    """The URL of a database of the test's own, as Dagster's role."""
    name = f"dagster_{uuid4().hex[:12]}"
    assert database.embedded
    address = database.embedded.address()
    superuser = f"host=127.0.0.1 port={address.port} user=postgres dbname=postgres"
    with psycopg.connect(superuser, password=database.embedded.password("postgres"), autocommit=True) as admin:
        admin.execute(f"create database {name} owner leadflow_dagster".encode())
        yield str(sa.make_url(database.url("dagster")).set(database=name).render_as_string(hide_password=False))
        admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def storage(empty_database: str) -> PooledPostgresStorage:
    return PooledPostgresStorage(empty_database)


@pytest.fixture
def instance(settings: Settings, database: Database, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dagster_instance(settings) as opened:
        yield opened


@pytest.fixture
def job(instance: dg.DagsterInstance) -> dg.JobDefinition:
    """Two assets over ZIP x day in one run; the ZIPs' name is the test's own."""
    zips = dg.DynamicPartitionsDefinition(name=f"zip_{uuid4().hex[:8]}")
    partitions = dg.MultiPartitionsDefinition(
        {"zip": zips, "day": dg.DailyPartitionsDefinition(start_date="2026-01-01", end_date="2026-01-03")}
    )

    @dg.asset(partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def first(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"rows": 1})

    @dg.asset(deps=[first], partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def second(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"rows": 1})

    instance.add_dynamic_partitions(str(zips.name), ZIPS)
    made = dg.define_asset_job("both", [first, second], executor_def=dg.in_process_executor)
    return dg.Definitions(assets=[first, second], jobs=[made]).resolve_job_def("both")


def run(job: dg.JobDefinition, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    tags = {
        ASSET_PARTITION_RANGE_START_TAG: f"2026-01-01|{ZIPS[0]}",
        ASSET_PARTITION_RANGE_END_TAG: f"2026-01-01|{ZIPS[-1]}",
    }
    return job.execute_in_process(instance=instance, tags=tags)


def test_a_range_run_writes_its_events_in_batches_over_a_pool(
    job: dg.JobDefinition, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    singly: Counter[str] = Counter()
    store_event = PostgresEventLogStorage.store_event

    def count(self: PostgresEventLogStorage, event: EventLogEntry) -> None:
        singly[event.dagster_event.event_type_value if event.dagster_event else "log"] += 1
        store_event(self, event)

    monkeypatch.setattr(PostgresEventLogStorage, "store_event", count)
    connects: list[object] = []
    engine = instance.event_log_storage._engine  # type: ignore[attr-defined]
    sa.event.listen(engine, "connect", lambda *_: connects.append(1))

    result = run(job, instance)

    assert result.success
    assert singly["ASSET_MATERIALIZATION"] == singly["ASSET_MATERIALIZATION_PLANNED"] == 0
    assert len(connects) <= 4
    for asset in ("first", "second"):
        key = dg.AssetKey(asset)
        stored = instance.fetch_materializations(key, limit=1000).records
        of_run = {record.partition_key for record in stored if record.run_id == result.run_id}
        assert of_run == {f"2026-01-01|{zip5}" for zip5 in ZIPS}


def test_what_a_run_plans_is_stored_as_the_parent_would(
    job: dg.JobDefinition, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[list[tuple[str, str | None]]] = []
    for batch_size in ("1000", "0"):
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch_size)
        result = run(job, instance)
        planned = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
        events = [entry.get_dagster_event() for entry in planned]
        stored.append(sorted((str(event.asset_key), event.partition) for event in events))
        (record,) = instance.get_asset_records([dg.AssetKey("second")])
        assert record.asset_entry.last_run_id == result.run_id
    assert len(stored[0]) == 2 * len(ZIPS)
    assert stored[0] == stored[1]


def test_events_of_many_partitions_say_what_each_would_say_alone(
    job: dg.JobDefinition, instance: dg.DagsterInstance
) -> None:
    result = run(job, instance)
    query = sa.text(
        "select event, partition, timestamp, array(select (key, value)::text from asset_event_tags"
        " where event_id = e.id and key like 'dagster/partition/%')"
        " from event_logs as e where run_id = :run and partition is not null"
    )
    with instance.event_log_storage._engine.connect() as connection:  # type: ignore[attr-defined]
        rows = connection.execute(query, {"run": result.run_id}).all()
    assert len(rows) == 2 * 2 * len(ZIPS)
    for text, partition, timestamp, indexed in rows:
        entry = deserialize_value(text, EventLogEntry)
        assert serialize_value(entry) == text
        assert entry.get_dagster_event().partition == partition
        assert abs(timestamp.replace(tzinfo=dt.UTC).timestamp() - entry.timestamp) < 0.001
        if made := entry.asset_materialization:
            day, zip_code = partition.split("|")
            assert made.tags["dagster/partition/zip"] == zip_code
            assert set(indexed) == {f"(dagster/partition/zip,{zip_code})", f"(dagster/partition/day,{day})"}


def test_what_one_partition_alone_says_stands_with_it_alone(instance: dg.DagsterInstance) -> None:
    days = dg.StaticPartitionsDefinition([f"day {number}" for number in range(6)])

    @dg.asset(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run(), name=f"one_{uuid4().hex[:8]}")
    def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        context.add_asset_metadata({"odd": 3}, context.assets_def.key, "day 3")
        return dg.MaterializeResult(metadata={"rows": 1})

    tags = {ASSET_PARTITION_RANGE_START_TAG: "day 0", ASSET_PARTITION_RANGE_END_TAG: "day 5"}
    assert dg.materialize([asset], instance=instance, tags=tags).success
    stored = instance.fetch_materializations(asset.key, limit=10).records
    said = {record.partition_key: record.asset_materialization.metadata for record in stored if record.partition_key}
    assert len(said) == 6
    assert {key for key, metadata in said.items() if "odd" in metadata} == {"day 3"}
    assert all(metadata["rows"].value == 1 for metadata in said.values())


def test_the_tables_are_made_once_and_noted(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    make = PooledPostgresStorage._create_or_upgrade

    def count(self: PooledPostgresStorage, engine: sa.Engine) -> None:
        calls.append("made")
        make(self, engine)

    monkeypatch.setattr(PooledPostgresStorage, "_create_or_upgrade", count)
    PooledPostgresStorage(empty_database)
    PooledPostgresStorage(empty_database)
    assert calls == ["made"]


def test_a_crash_while_the_tables_are_made_is_made_good(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: object, *args: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("dagster_postgres.event_log.PostgresEventLogStorage.reindex_assets", crash)
        with pytest.raises(RuntimeError):
            PooledPostgresStorage(empty_database)
    storage = PooledPostgresStorage(empty_database)
    assert storage.event_log_storage.has_secondary_index("asset_key_index_columns")  # type: ignore[attr-defined]
    revision, head = storage.run_storage.alembic_version() or (None, None)
    assert revision == head


def test_tables_of_an_older_release_are_upgraded(empty_database: str) -> None:
    engine = PooledPostgresStorage(empty_database).run_storage._engine  # type: ignore[attr-defined]
    with engine.connect() as connection:
        connection.execute(sa.text("comment on table alembic_version is '1.0.0'"))
        head = connection.execute(sa.text("select version_num from alembic_version")).scalar()
    PooledPostgresStorage(empty_database)
    with engine.connect() as connection:
        noted = sa.text("select obj_description('alembic_version'::regclass, 'pg_class')")
        assert connection.execute(noted).scalar() == dg.__version__
        assert connection.execute(sa.text("select version_num from alembic_version")).scalar() == head


def test_a_lost_connection_costs_a_reconnect_not_an_error(storage: PooledPostgresStorage, empty_database: str) -> None:
    assert storage.run_storage.get_runs_count() == 0
    with sa.create_engine(empty_database, isolation_level="AUTOCOMMIT").connect() as other:
        killed = other.execute(
            sa.text(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        ).scalar()
    assert killed
    assert storage.run_storage.get_runs_count() == 0


def test_a_fork_opens_connections_of_its_own(storage: PooledPostgresStorage) -> None:
    engine = storage.run_storage._engine  # type: ignore[attr-defined]
    in_use = sa.text("select pid from pg_stat_activity where datname = current_database()")
    with engine.connect() as connection:
        parents = set(connection.execute(in_use).scalars())
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        with engine.connect() as connection:
            os.write(writer, str(connection.execute(sa.text("select pg_backend_pid()")).scalar()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reader, 32)) not in parents
    with engine.connect() as connection:
        assert set(connection.execute(in_use).scalars()) >= parents


def test_the_webserver_keeps_the_pool_and_gets_its_time_limit(storage: PooledPostgresStorage) -> None:
    parts = (storage.run_storage, storage.event_log_storage, storage.schedule_storage)
    for part in parts:
        part.optimize_for_webserver(statement_timeout=1234, pool_recycle=3600, max_overflow=20)
    engines = {id(part._engine) for part in parts}  # type: ignore[attr-defined]
    assert len(engines) == 1
    with storage.run_storage.connect() as connection:  # type: ignore[attr-defined]
        assert connection.execute(sa.text("show statement_timeout")).scalar() == "1234ms"


def test_dagsters_own_tools_find_the_storage_by_dagster_yaml(settings: Settings, database: Database) -> None:
    """A process that Dagster starts knows DAGSTER_HOME and the settings, nothing else."""
    program = (
        "import os, dagster as dg\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    print(type(instance.run_storage).__mro__[1].__name__, os.environ['DAGSTER_EVENT_BATCH_SIZE'],\n"
        "          instance.telemetry_enabled, instance.run_monitoring_enabled,\n"
        "          instance.run_retries_enabled, instance.run_retries_max_retries)\n"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DAGSTER_EVENT_BATCH_SIZE"},
        "DAGSTER_HOME": str(dagster_home(settings)),
        "LEADFLOW_HOME": str(settings.home),
    }
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        check=True,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stdout.split() == ["_SharedEngine", "1000", "False", "True", "True", "2"], ended.stderr


def test_the_copy_of_dagster_yaml_follows_the_checkout(settings: Settings) -> None:
    copy = dagster_home(settings) / "dagster.yaml"
    content = copy.read_bytes()
    copy.write_text("telemetry:\n  enabled: true\n")
    assert (dagster_home(settings) / "dagster.yaml").read_bytes() == content


def test_a_run_is_worked_on_while_it_goes_on_and_not_after(settings: Settings, instance: dg.DagsterInstance) -> None:
    seen: list[WorkerStatus] = []

    @dg.op
    def look(context: dg.OpExecutionContext) -> None:
        seen.append(context.instance.run_launcher.check_run_worker_health(context.run).status)

    @dg.job(executor_def=dg.in_process_executor)
    def looking() -> None:
        look()

    result = looking.execute_in_process(instance=instance)
    ended = instance.run_launcher.check_run_worker_health(result.dagster_run)
    assert (seen, ended.status) == ([WorkerStatus.RUNNING], WorkerStatus.FAILED)


def test_a_lock_that_the_server_lost_is_taken_again(storage: PooledPostgresStorage, empty_database: str) -> None:
    engine = storage.run_storage._engine  # type: ignore[attr-defined]
    hold_run(engine, "run-1")
    with sa.create_engine(empty_database, isolation_level="AUTOCOMMIT").connect() as other:
        other.execute(
            sa.text(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        )
    assert not is_worked_on(engine, "run-1")
    keep_run(engine, "run-1")
    assert is_worked_on(engine, "run-1")
    let_run_go("run-1")
    assert not is_worked_on(engine, "run-1")


def test_a_killed_process_no_longer_holds_its_run(storage: PooledPostgresStorage, empty_database: str) -> None:
    program = (
        "import sys, time, sqlalchemy as sa\n"
        "from leadflow_pipelines.automation.run_liveness import hold_run\n"
        f"hold_run(sa.create_engine({empty_database!r}, isolation_level='AUTOCOMMIT'), 'run-2')\n"
        "print('held', flush=True)\n"
        "time.sleep(600)\n"
    )
    engine = storage.run_storage._engine  # type: ignore[attr-defined]
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"held\n"
        assert is_worked_on(engine, "run-2")
        child.kill()
    with engine.connect() as connection:  # waits for the server to notice, no longer than this
        connection.execute(sa.text("set lock_timeout = '20s'"))
        connection.execute(sa.text("select pg_advisory_lock(hashtextextended('run-2', 0))"))
        connection.execute(sa.text("select pg_advisory_unlock(hashtextextended('run-2', 0))"))
    assert not is_worked_on(engine, "run-2")
