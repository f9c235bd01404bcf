"""Connections to Postgres, each with the scope it may have: one org, none, or the owner.

Which server that is (managed or embedded) is decided here and nowhere else. Queries belong to the slices.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from select import POLLIN, poll
from typing import Any, Literal, cast
from urllib.parse import quote
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from leadflow_pipelines.database.embedded import (
    DAGSTER_DATABASE,
    DATABASE,
    POLL_SECONDS,
    READY_SECONDS,
    EmbeddedServer,
)
from leadflow_pipelines.database.tables import ORG_SETTING
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.settings import Settings

Role = Literal["app", "dispatcher", "owner", "dagster"]
LOGINS: dict[Role, str] = {
    "app": "leadflow_app",
    "dispatcher": "leadflow_dispatcher",
    "owner": "leadflow_migrator",
    "dagster": "leadflow_dagster",
}
OWNER_ROLE = "leadflow_owner"
BI_LOGIN_PREFIX = "leadflow_bi_"

POOL_SIZE = 5
POOL_OVERFLOW = 10
CONNECT_SECONDS = 10
SET_ORG = f"select set_config('{ORG_SETTING}', %s, true)"
REST_SECONDS = 1.0
"""A pooled connection that rested longer is tried before it is used: the server may have been restarted."""
NOT_READY_YET = "the database system is"
"""Beginning of what a live server says while it starts, recovers or shuts down."""


class Database:
    """LeadFlow's Postgres as the settings name it. Cheap to make: nothing connects before the first use.

    Safe to share between threads, and to carry over a fork: the child opens its own connections.
    """

    def __init__(self, settings: Settings, *, login: Literal["app", "dispatcher"] = "app") -> None:
        self.settings = settings
        self._login: Role = login
        self.embedded = None if settings.database_url else EmbeddedServer(settings.home)
        self._engine: Engine | None = None
        self._engine_pid = 0

    def for_dispatch(self) -> "Database":
        """The same server with the login that may dispatch and nothing else. Dispose of it by itself.

        Raises DatabaseUnavailable, at its first use, on a managed server whose settings do not name that login.
        """
        return Database(self.settings, login="dispatcher")

    @contextmanager
    def as_org(self, org_id: UUID) -> Iterator[Connection]:
        """One transaction as the app, seeing only that org's rows; committed at the end, rolled back on error.

        Raises DatabaseUnavailable where the server cannot be reached or is lost midway.
        """
        with self._transaction(self._app_engine()) as connection:
            connection.exec_driver_sql(SET_ORG, (str(org_id),))
            yield connection

    @contextmanager
    def anonymous(self) -> Iterator[Connection]:
        """One transaction as the app without an org: tenant tables are empty, `leadflow.find_org` works."""
        with self._transaction(self._app_engine()) as connection:
            yield connection

    @contextmanager
    def as_owner(self) -> Iterator[Connection]:
        """One transaction of the login that may migrate and make roles; the connection is closed after it.

        Say `set local role leadflow_owner` before making tables, so that the owner owns them.
        """
        engine = create_engine("postgresql+psycopg://", creator=lambda: self._connect("owner"), poolclass=NullPool)
        with self._transaction(engine) as connection:
            yield connection

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection of the app outside any transaction, for statements that are sent together.

        No org is set: `SET_ORG` belongs into every transaction. What is left open is closed with the connection.
        Raises DatabaseUnavailable where the server cannot be reached or is lost midway.
        """
        pooled = self._app_engine().raw_connection()
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        try:
            connection.autocommit = True
            yield connection
        except psycopg.Error as error:
            if connection.closed or isinstance(error, psycopg.errors.AdminShutdown):
                raise _went_away() from error
            raise
        finally:
            if connection.pgconn.transaction_status == TransactionStatus.IDLE:
                connection.autocommit = False
            else:
                pooled.invalidate()
            pooled.close()

    def url(self, role: Role) -> str:
        """The libpq URL of a role, password included; Dagster's in the form its storage needs (psycopg 2)."""
        if self.embedded is None:
            given = {
                "app": self.settings.database_url,
                "dispatcher": self.settings.dispatcher_database_url,
                "owner": self.settings.database_owner_url,
                "dagster": self.settings.dagster_database_url,
            }[role]
            if given is None:  # the dispatcher's; settings refuse a managed server without the others
                raise DatabaseUnavailable(
                    f"No URL is set for the login {LOGINS[role]}.",
                    remedy="Set LEADFLOW_DISPATCHER_DATABASE_URL to that login of sql/roles.sql.",
                )
            plain = "postgresql://" + given.get_secret_value().split("://", 1)[1]
        else:
            plain = self._embedded_url(LOGINS[role], DAGSTER_DATABASE if role == "dagster" else DATABASE)
        return plain.replace("postgresql://", "postgresql+psycopg2://", 1) if role == "dagster" else plain

    def adbc_uri(self) -> str:
        """The app role's URL for ADBC and other libpq clients."""
        return self.url("app")

    def bi_url(self, slug: str) -> str:
        """The URL with which a BI tool reads one org's marts on the embedded server.

        Raises DatabaseUnavailable on a managed server, whose passwords LeadFlow does not know.
        """
        if self.embedded is None:
            raise DatabaseUnavailable(
                f"The password of {BI_LOGIN_PREFIX}{slug} is not known here: the server is managed.",
                remedy=f"Set one with `\\password {BI_LOGIN_PREFIX}{slug}` in psql.",
            )
        return self._embedded_url(BI_LOGIN_PREFIX + slug, DATABASE)

    def dispose(self) -> None:
        """Close the pooled connections."""
        if self._engine is not None:
            self._engine.dispose(close=self._engine_pid == os.getpid())
            self._engine = None

    def _embedded_url(self, login: str, database: str) -> str:
        assert self.embedded is not None
        address = self.embedded.address()
        secret = quote(self.embedded.password(login), safe="")
        return f"postgresql://{login}:{secret}@{address.host}:{address.port}/{database}"

    def _connect(self, role: Role) -> psycopg.Connection[Any]:
        """A new connection. The address is asked for each time: a restarted server may have moved."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                return psycopg.connect(self.url(role), connect_timeout=CONNECT_SECONDS, application_name="leadflow")
            except psycopg.OperationalError as error:
                if NOT_READY_YET in str(error) and time.monotonic() < deadline:
                    time.sleep(POLL_SECONDS)
                    continue
                raise DatabaseUnavailable(
                    f"Postgres cannot be reached as {role}: {str(error).strip().splitlines()[-1]}.",
                    remedy="Run `leadflow doctor`; on a managed server check LEADFLOW_DATABASE_URL.",
                ) from error

    def _app_engine(self) -> Engine:
        if self._engine is None or self._engine_pid != os.getpid():
            self.dispose()
            self._engine = create_engine(
                "postgresql+psycopg://",
                creator=lambda: self._connect(self._login),
                pool_size=POOL_SIZE,
                max_overflow=POOL_OVERFLOW,
            )
            event.listen(self._engine, "checkin", _note_use)
            event.listen(self._engine, "checkout", _ping_after_rest)
            self._engine_pid = os.getpid()
        return self._engine

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if error.connection_invalidated or isinstance(error.orig, psycopg.errors.AdminShutdown):
                raise _went_away() from error
            raise


def _went_away() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "Postgres went away in the middle of a transaction; nothing of it was kept.",
        remedy="Run the command again; `leadflow doctor` says how the database does.",
    )


def _note_use(_: psycopg.Connection[Any] | None, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _ping_after_rest(connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _: object) -> None:
    """SQLAlchemy's own ping before every use would cost a busy caller a third of its round trips.

    Something to read on an idle connection is the server's farewell.
    """
    rested = time.monotonic() - record.info.get("used_at", time.monotonic())
    try:
        socket = poll()
        socket.register(connection.fileno(), POLLIN)
        if socket.poll(0):
            raise DisconnectionError("the server has closed the connection")
        if rested >= REST_SECONDS:
            connection.execute("select 1")
            connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error
