"""Where Dagster keeps runs, events and schedules: pooled Postgres with batched event writing.

Here belong the storage class that dagster.yaml names and the making of an instance from our settings.
What runs, and when, does not belong here.
"""

import os
import weakref
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, Field, StringSource
from dagster import __version__ as dagster_release
from dagster._config.config_schema import UserConfigSchema
from dagster._core.events.log import EventLogEntry
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqlEventLogStorageMetadata, SqlEventLogStorageTable
from dagster._core.storage.event_log.schema import AssetEventTagsTable
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.runs import RunStorageSqlMetadata
from dagster._core.storage.schedules import ScheduleStorageSqlMetadata
from dagster._core.storage.sql import stamp_alembic_rev
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage, run_storage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.utils import pg_alembic_config
from sqlalchemy.dialects.postgresql import ARRAY

from leadflow_pipelines.automation.alike_events import AlikeEvents
from leadflow_pipelines.automation.run_liveness import hold_run, is_worked_on, keep_run, let_run_go
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.settings import PROJECT_ROOT, Settings, get_settings

# Dagster reads it at each event, in whichever process writes the event.
EVENT_BATCH_SIZE = ("DAGSTER_EVENT_BATCH_SIZE", "1000")
RUN_ENDS = (DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED)
# An arbitrary number that all processes agree on.
SCHEMA_LOCK = 0x1EADF10
_engines: "weakref.WeakSet[sa.Engine]" = weakref.WeakSet()


class _SharedEngine:
    """Makes one of Dagster's storages use the pool that its siblings use."""

    _engine: sa.Engine
    postgres_url: str

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """Called by the webserver: the pool is there already, only slow queries (ms) are to be cut off."""
        self._engine = _engine(self.postgres_url, statement_timeout)

    def dispose(self) -> None:
        super().dispose()  # type: ignore[misc]
        self._engine.dispose()


class _RunStorage(_SharedEngine, PostgresRunStorage):
    """Marks the runs that this process executes, so that others can tell when it dies."""

    def handle_run_event(self, run_id: str, event: DagsterEvent, update_timestamp: datetime | None = None) -> None:
        # A start is reported by the process that executes; only then may others see the run as started.
        if event.event_type == DagsterEventType.RUN_START:
            hold_run(self._engine, run_id)
        super().handle_run_event(run_id, event, update_timestamp)
        if event.event_type in RUN_ENDS:
            let_run_go(run_id)

    def is_worked_on(self, run_id: str) -> bool:
        """Whether any process, here or elsewhere, executes the run."""
        return is_worked_on(self._engine, run_id)


class _EventLogStorage(_SharedEngine, PostgresEventLogStorage):
    def store_event(self, event: EventLogEntry) -> None:
        keep_run(self._engine, event.run_id)
        super().store_event(event)

    def prepare_insert_event_batch(self, events: Sequence[EventLogEntry]) -> sa.Insert:
        """One array a column; the parent binds each value of each row, and SQLAlchemy then takes as long over
        the statement as Postgres over the rows.
        """
        alike = AlikeEvents(self._event_to_row)
        return _insert_arrays(SqlEventLogStorageTable, [alike.row(event, _instant(event)) for event in events])

    def _store_asset_event_tags(
        self, conn: sa.Connection, events: Sequence[EventLogEntry], event_ids: Sequence[int]
    ) -> None:
        """As the parent does, but in one array a column."""
        rows: list[dict[str, Any]] = []
        for event_id, event in zip(event_ids, events, strict=True):
            about = {"event_id": event_id, "asset_key": _asset_key(event), "event_timestamp": _instant(event)}
            tags = self._tags_for_asset_event(event)
            rows += [{**about, "key": key, "value": value} for key, value in tags.items()]
        if rows:
            conn.execute(_insert_arrays(AssetEventTagsTable, rows))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store what a run plans (one event per asset and partition) at once, as the parent does with what
        it made; the parent would store it one by one, 1600 of them for 200 partitions and 8 assets.
        """
        planned = [event for event in events if event.get_dagster_event().is_asset_materialization_planned]
        others = [event for event in events if not event.get_dagster_event().is_asset_materialization_planned]
        if others:
            super().store_event_batch(others)
        if not planned:
            return
        insert = self.prepare_insert_event_batch(planned).returning(SqlEventLogStorageTable.c.id)
        last_of_asset = {event.get_dagster_event().asset_key: event for event in planned}
        with self.index_transaction() as connection:
            last_id: int = max(connection.execute(insert).scalars())
            for event in last_of_asset.values():
                self._store_asset_event(connection, event, last_id)


class _ScheduleStorage(_SharedEngine, PostgresScheduleStorage):
    pass


class PooledPostgresStorage(DagsterPostgresStorage):
    """Dagster's Postgres storage, with connections kept instead of opened anew for each event.

    One run over 200 partitions and 8 empty assets, 2 cores under other load: stock 75.6 s, pooled 26.4 s,
    pooled and with events written in batches 2.9 s. Without a `postgres_url` in its configuration it uses the
    server that LeadFlow uses, whose port and password are known only once it runs.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        # The parent would look for its tables on three connections of their own; once is enough, below.
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        os.environ.setdefault(*EVENT_BATCH_SIZE)
        self._run_storage = _RunStorage(postgres_url, should_autocreate_tables=False)
        self._event_log_storage = _EventLogStorage(postgres_url, should_autocreate_tables=False)
        self._schedule_storage = _ScheduleStorage(postgres_url, should_autocreate_tables=False)
        engine = _engine(postgres_url)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine
        if should_autocreate_tables:
            self._bring_schema_to_this_release(engine)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {"postgres_url": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledPostgresStorage":
        url = config_value.get("postgres_url") or _database_url(get_settings())
        return cls(url, inst_data=inst_data)

    def _bring_schema_to_this_release(self, engine: sa.Engine) -> None:
        """Create or upgrade Dagster's tables, once per database and release of Dagster.

        The release whose schema stands is noted on the table, last of all: a warm start costs one query,
        and work that a crash cut short is done again.
        """
        with engine.connect() as connection:
            if _noted_release(connection) == dagster_release:
                return
            connection.execute(sa.select(sa.func.pg_advisory_lock(SCHEMA_LOCK)))
            try:
                if _noted_release(connection) != dagster_release:
                    self._create_or_upgrade(engine)
                    connection.execute(sa.text(f"COMMENT ON TABLE alembic_version IS '{dagster_release}'"))
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(SCHEMA_LOCK)))

    def _create_or_upgrade(self, engine: sa.Engine) -> None:
        storages = (self._run_storage, self._event_log_storage, self._schedule_storage)
        if sa.inspect(engine).has_table("runs"):
            for storage in storages:
                storage.upgrade()
        else:
            with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
                for metadata in (
                    RunStorageSqlMetadata,
                    SqlEventLogStorageMetadata,
                    ScheduleStorageSqlMetadata,
                ):
                    metadata.create_all(connection)
                stamp_alembic_rev(pg_alembic_config(run_storage.__file__), connection)
        self._run_storage.migrate()
        self._run_storage.optimize()
        self._event_log_storage.reindex_events()
        self._event_log_storage.reindex_assets()
        self._schedule_storage.migrate()
        self._schedule_storage.optimize()


def _instant(event: EventLogEntry) -> datetime:
    """When it happened, as Dagster's columns hold it: UTC without saying so."""
    return datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None)


def _asset_key(event: EventLogEntry) -> str:
    key = event.get_dagster_event().asset_key
    assert key is not None
    return key.to_string()


def _insert_arrays(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> sa.Insert:
    """Insert rows that name the same columns, given as one array a column."""
    columns = [column for column in table.c if column.name in rows[0]]
    arrays = [sa.literal([row[column.name] for row in rows], ARRAY(column.type)) for column in columns]
    given = sa.func.unnest(*arrays).table_valued(*(column.name for column in columns)).render_derived()
    return sa.insert(table).from_select(columns, sa.select(given))


def _noted_release(connection: sa.Connection) -> str | None:
    noted = sa.func.obj_description(sa.func.to_regclass("alembic_version"), "pg_class")
    return connection.execute(sa.select(noted)).scalar()


@cache
def _engine(postgres_url: str, statement_timeout_ms: int = 0) -> sa.Engine:
    """One pool per process and URL: Dagster makes several instances in a process, each with three storages.

    A connection is tried before use, so that a restarted server costs a reconnect and not an error.
    """
    engine = sa.create_engine(
        sa.make_url(postgres_url).set(drivername="postgresql+psycopg2"),
        isolation_level="AUTOCOMMIT",
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=20,
        connect_args={
            "application_name": "leadflow dagster",
            # A server that crashes may forget the last fraction of a second of the log; what it told of stays.
            "options": f"-c statement_timeout={statement_timeout_ms} -c synchronous_commit=off",
        },
    )
    _engines.add(engine)
    return engine


def _forget_parents_connections() -> None:
    # Two processes that write to one socket corrupt both; the parent closes its own.
    for engine in _engines:
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget_parents_connections)


def dagster_home(settings: Settings) -> Path:
    """The folder DAGSTER_HOME names, with the checkout's dagster.yaml in it."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    wanted = (PROJECT_ROOT / "dagster.yaml").read_bytes()
    copy = home / "dagster.yaml"
    if not copy.exists() or copy.read_bytes() != wanted:
        draft = home / f".dagster.yaml.{os.getpid()}"
        draft.write_bytes(wanted)
        draft.replace(copy)
    return home


def dagster_instance(settings: Settings) -> DagsterInstance:
    """Dagster's instance for runs inside this process; close it with `with` or `dispose()`.

    It starts the embedded server if need be and makes Dagster's tables on first use. What a run prints is
    left on the terminal: catching it in files, as for runs of the UI, takes two more processes a step.
    """
    overrides = {
        "storage": _custom(PooledPostgresStorage, postgres_url=_database_url(settings)),
        "compute_logs": _custom(NoOpComputeLogManager)["custom"],
    }
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(dagster_home(settings)), overrides=overrides))


def _custom(kind: type, **config: str) -> dict[str, dict[str, object]]:
    return {"custom": {"module": kind.__module__, "class": kind.__name__, "config": config}}


def _database_url(settings: Settings) -> str:
    """Dagster's database; the embedded server is started where no other is set."""
    database = Database(settings)
    if database.embedded:
        database.embedded.start()
    return database.url("dagster")
