"""The shape of the published marts in Postgres, from their contracts.

Each mart is `marts.<mart>`, partitioned by org: rows of one org are one table `marts.<mart>__<slug>`, replaced
whole. Row-level security lets a BI login and the app see one org each. Loading and timing are in
publish_marts.py.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import DataError, sql
from psycopg.errors import CannotCoerce, DatatypeMismatch
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.contracts.documentation import column_text
from leadflow_pipelines.contracts.sql_types import postgres_type
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import ORG_SETTING

SCHEMA = "marts"
ROLE = "leadflow_marts"
READERS = ("leadflow_bi", "leadflow_app")
SHAPE_LOCK = 7_346_003
"""Key of the advisory lock under which marts are made, altered and swapped, one org at a time."""

_ORG_ID = "org_id"
_ORG_ID_TEXT = "Org that owns the row; row-level security compares it."


def staging_name(mart: Contract, org: Org) -> str:
    """Name of the table into which an org's new rows are loaded."""
    return f"new_{partition_name(mart, org)}"


def partition_name(mart: Contract, org: Org) -> str:
    """Name of the table that holds an org's rows. At most 54 characters: Postgres cuts at 63."""
    return f"{mart.name}__{org.slug}"


def new_staging(mart: Contract, org: Org) -> list[str]:
    """An empty table for the load, in the place of one that a killed run left. Nobody is granted anything on it."""
    table = _table(staging_name(mart, org))
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in _types(mart).items()]
    # COPY skips org_id, which fills itself; the check spares the scan when the table is attached.
    columns[0] = sql.SQL("{} default {} check ({} = {})").format(
        columns[0], sql.Literal(org.org_id), sql.Identifier(_ORG_ID), sql.Literal(org.org_id)
    )
    return _statements(
        sql.SQL("drop table if exists {}").format(table),
        sql.SQL("create table {} ({})").format(table, sql.SQL(", ").join(columns)),
    )


def finished_staging(mart: Contract, org: Org) -> list[str]:
    """Key, statistics and row-level security of a loaded table: COPY does not work once the latter is on."""
    table = _table(staging_name(mart, org))
    key = sql.SQL(", ").join(sql.Identifier(name) for name in (_ORG_ID, *mart.key))
    return _statements(
        sql.SQL("alter table {} add primary key ({})").format(table, key),
        sql.SQL("analyze {}").format(table),
        # Without a policy a partition gives no rows to who reads it past its mart.
        sql.SQL("alter table {} enable row level security, force row level security").format(table),
    )


def present_marts(connection: Connection) -> set[str]:
    """Names of the marts that are published already."""
    found = connection.exec_driver_sql(
        "select relname from pg_class where relkind = 'p' and relnamespace = 'marts'::regnamespace"
    )
    return set(found.scalars())


def new_mart(mart: Contract) -> list[str]:
    """An empty mart with its policies and grants."""
    table = _table(mart.name)
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in _types(mart).items()
    )
    return _statements(
        sql.SQL("create table {} ({}) partition by list (org_id)").format(table, columns),
        sql.SQL("alter table {} enable row level security, force row level security").format(table),
        # The select around each lookup makes it one a query, not one a row.
        sql.SQL("create policy bi on {} for select to leadflow_bi using (org_id = (select leadflow.bi_org()))")
        .format(table),
        sql.SQL(
            "create policy app on {} for select to leadflow_app"
            " using (org_id = (select nullif(current_setting({}, true), '')::uuid))"
        ).format(table, sql.Literal(ORG_SETTING)),
        sql.SQL("grant select on {} to {}").format(
            table, sql.SQL(", ").join(sql.Identifier(role) for role in READERS)
        ),
    )  # fmt: skip


def lock_marts(marts: Iterable[Contract]) -> str:
    """Take every mart alone, in the order given."""
    tables = sql.SQL(", ").join(_table(mart.name) for mart in marts)
    return sql.SQL("lock table {} in access exclusive mode").format(tables).as_string()


def put_in_place(connection: Connection, mart: Contract, org: Org, *, note: str) -> None:
    """Make the loaded table the org's partition, the mart having taken its contract's shape. Milliseconds."""
    partition, staging, table = _table(partition_name(mart, org)), _table(staging_name(mart, org)), _table(mart.name)
    _run(connection, sql.SQL("drop table if exists {}").format(partition))
    _reshape(connection, mart)
    _run(
        connection,
        sql.SQL("alter table {} rename to {}").format(staging, sql.Identifier(partition_name(mart, org))),
        sql.SQL("alter table {} attach partition {} for values in ({})").format(
            table, partition, sql.Literal(org.org_id)
        ),
        sql.SQL("comment on table {} is {}").format(partition, sql.Literal(note)),
    )


def _reshape(connection: Connection, mart: Contract) -> None:
    """Alter a mart whose contract changed since it was made. Other orgs' rows get nulls until they publish."""
    table, wanted, texts = _table(mart.name), _types(mart), _texts(mart)
    found: Sequence[Any] = connection.exec_driver_sql(
        "select attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) from pg_attribute"
        " where attrelid = to_regclass(%(table)s) and attnum > 0 and not attisdropped",
        {"table": table.as_string()},
    ).all()
    present: dict[str, str] = {name: kind for name, kind, _ in found}
    described = {name: text for name, _, text in found}
    for name in present.keys() - wanted.keys():
        _run(connection, sql.SQL("alter table {} drop column {}").format(table, sql.Identifier(name)))
    for name, kind in wanted.items():
        if name not in present:
            _run(connection, _add_column(table, name, kind))
        elif kind != present[name]:
            _change_type(connection, table, name, kind)
    for name, text in texts.items():
        if text != described.get(name):
            comment = sql.SQL("comment on column {}.{} is {}")
            _run(connection, comment.format(table, sql.Identifier(name), sql.Literal(text)))
    _run(connection, sql.SQL("comment on table {} is {}").format(table, sql.Literal(mart.text)))


def _change_type(connection: Connection, table: sql.Composable, name: str, kind: str) -> None:
    column = sql.Identifier(name)
    try:
        with connection.begin_nested():
            _run(
                connection,
                sql.SQL("alter table {} alter column {} type {} using {}::{}").format(
                    table, column, sql.SQL(kind), column, sql.SQL(kind)
                ),
            )
    except DBAPIError as error:
        if not isinstance(error.orig, DataError | CannotCoerce | DatatypeMismatch):
            raise
        # Another org's values do not fit the new type. They are derived: its next publication brings them.
        _run(connection, sql.SQL("alter table {} drop column {}").format(table, column), _add_column(table, name, kind))


def _add_column(table: sql.Composable, name: str, kind: str) -> sql.Composable:
    return sql.SQL("alter table {} add column {} {}").format(table, sql.Identifier(name), sql.SQL(kind))


def _types(mart: Contract) -> dict[str, str]:
    return {_ORG_ID: "uuid", **{name: postgres_type(dtype) for name, dtype in mart.schema.items()}}


def _texts(mart: Contract) -> dict[str, str]:
    return {_ORG_ID: _ORG_ID_TEXT, **{name: column_text(mart, name) for name in mart.columns}}


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)


def _statements(*statements: sql.Composable) -> list[str]:
    return [statement.as_string() for statement in statements]


def _run(connection: Connection, *statements: sql.Composable) -> None:
    for statement in statements:
        # Contract texts hold `%`, which is no placeholder here.
        connection.exec_driver_sql(statement.as_string(), execution_options={"no_parameters": True})
