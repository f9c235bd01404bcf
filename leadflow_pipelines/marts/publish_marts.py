"""Publish an org's marts to Postgres: load beside, then put all of them in place in one transaction.

Each mart is a table partitioned by org. New rows are loaded with ADBC into a table that nobody reads yet,
which then takes the place of the org's partition: readers wait for milliseconds and see the old rows of every
mart or the new rows of every mart. The shape of the tables is in mart_tables.py.
"""

import datetime as dt
from collections.abc import Sequence
from contextlib import closing

import adbc_driver_manager
import polars as pl
import psycopg
from adbc_driver_postgresql import dbapi
from psycopg import sql
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import DatabaseUnavailable, LeadflowError
from leadflow_pipelines.marts import mart_tables

LOCK_MILLISECONDS = 300
"""How long a swap waits for readers before it steps back and lets the queue behind it pass. Below Postgres's
deadlock_timeout of 1 s, so that of a reader and a swap that wait for each other it is the swap that gives way."""
PATIENCE_SECONDS = 60.0
"""How long a swap is tried again while a long report holds a mart."""
PUBLISHER_MILLISECONDS = 300_000
"""How long a publisher waits for another one of the same org."""


def publish_marts(
    database: Database,
    org: Org,
    marts: Sequence[tuple[Contract, pl.DataFrame]],
    *,
    now: dt.datetime,
    run_id: str,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Replace the org's rows of every mart at once. The frames have their contract's shape and no faults.

    Raises LeadflowError where a reader holds a mart for longer than `patience_seconds`, or another publisher of
    the org for longer than five minutes; then, and after a kill at any moment, the rows that were there stay.
    """
    with database.as_org(org.org_id) as connection:
        _run(connection, f"set local role {mart_tables.ROLE}")
        _wait_for_other_publishers(connection, org)
        _load(database, org, marts)
        contracts = [contract for contract, _ in marts]
        retrying = Retrying(
            retry=retry_if_exception(_is_lock_timeout),
            stop=stop_after_delay(patience_seconds),
            wait=wait_random(0.05, 0.5),
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt, connection.begin_nested():
                    _swap(connection, org, contracts, note=f"Published {now.isoformat()} by run {run_id}.")
        except OperationalError as error:
            if not _is_lock_timeout(error):
                raise
            raise LeadflowError(
                f"Readers have held the marts for {patience_seconds:.0f} s: {org.slug}'s new rows are not published.",
                remedy="End the long report (see pg_stat_activity) and materialise the marts again.",
            ) from error


def _wait_for_other_publishers(connection: Connection, org: Org) -> None:
    """One publisher an org at a time: held until the transaction ends, freed by Postgres when its client dies."""
    _run(connection, f"set local lock_timeout = {PUBLISHER_MILLISECONDS}")
    key = sql.Literal(f"publish marts of {org.org_id}").as_string()
    try:
        _run(connection, f"select pg_advisory_xact_lock(hashtextextended({key}, 0))")
    except OperationalError as error:
        if not _is_lock_timeout(error):
            raise
        raise LeadflowError(
            f"Another run has been publishing {org.slug}'s marts for {PUBLISHER_MILLISECONDS // 60_000} minutes.",
            remedy="Wait for it or end it, then materialise the marts again.",
        ) from error


def _load(database: Database, org: Org, marts: Sequence[tuple[Contract, pl.DataFrame]]) -> None:
    """Load each mart into a table of its own, committed before the swap, so that the swap writes no rows."""
    try:
        with closing(dbapi.connect(database.adbc_uri())) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"set role {mart_tables.ROLE}")
            for contract, frame in marts:
                for statement in mart_tables.new_staging(contract, org):
                    cursor.execute(statement)
                cursor.adbc_ingest(
                    mart_tables.staging_name(contract, org),
                    frame.to_arrow(compat_level=pl.CompatLevel.oldest()),
                    mode="append",
                    db_schema_name=mart_tables.SCHEMA,
                )
                for statement in mart_tables.finished_staging(contract, org):
                    cursor.execute(statement)
            connection.commit()
    except adbc_driver_manager.OperationalError as error:
        raise DatabaseUnavailable(
            f"Postgres went away while {org.slug}'s marts were loaded; nothing of it was published.",
            remedy="Run it again; `leadflow doctor` says how the database does.",
        ) from error


def _swap(connection: Connection, org: Org, contracts: Sequence[Contract], *, note: str) -> None:
    """Give each mart the shape of its contract and put the org's new partition into it."""
    _run(connection, f"set local lock_timeout = {LOCK_MILLISECONDS}")
    _run(connection, f"select pg_advisory_xact_lock({mart_tables.SHAPE_LOCK})")
    present = mart_tables.present_marts(connection)
    for contract in contracts:
        if contract.name not in present:
            _run(connection, *mart_tables.new_mart(contract))
    # All locks before any change, always in this order: a reader is served before the swap or after it.
    _run(connection, mart_tables.lock_marts(contracts))
    for contract in contracts:
        mart_tables.put_in_place(connection, contract, org, note=note)


def _run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _is_lock_timeout(error: BaseException) -> bool:
    return isinstance(error, OperationalError) and isinstance(error.orig, psycopg.errors.LockNotAvailable)
