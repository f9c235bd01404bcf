"""The shape of the published marts in Postgres, from their contracts.

Each mart is `marts.<mart>`, partitioned by org: the rows of one org are `marts.<mart>__<slug>`. Row-level
security shows a BI login and the app one org each. Loading rows is in publish_marts.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from adbc_driver_postgresql import dbapi
from psycopg import sql

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.contracts.documentation import column_text
from leadflow_pipelines.contracts.sql_types import postgres_type
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import ORG_SETTING

SCHEMA = "marts"
ROLE = "leadflow_marts"
READERS = ("leadflow_bi", "leadflow_app")
SHAPE_LOCK = 7_346_003
"""Key of the advisory lock under which marts are made and altered."""

_ORG_ID = "org_id"
_ORG_ID_TEXT = "Org that owns the row; row-level security compares it."


@dataclass(frozen=True)
class PresentColumn:
    """A column of a published mart as Postgres has it."""

    kind: str
    text: str | None


def partition_name(mart: Contract, org: Org) -> str:
    """Name of the table that holds an org's rows. At most 54 characters: Postgres cuts at 63."""
    return f"{mart.name}__{org.slug}"


def published_name(mart: Contract, org: Org) -> str:
    """The quoted name of that table, schema included."""
    return _partition(mart, org).as_string()


def lock_org(cursor: dbapi.Cursor, org: Org) -> None:
    """One publisher an org at a time, until the transaction ends; Postgres lets go when its client dies."""
    key = sql.Literal(f"publish marts of {org.org_id}").as_string()
    cursor.execute(f"do $$ begin perform pg_advisory_xact_lock(hashtextextended({key}, 0)); end $$")


def shape_marts(cursor: dbapi.Cursor, org: Org, marts: Sequence[Contract]) -> None:
    """Give every mart the columns of its contract, and the org a partition in it. Mostly there is nothing to do.

    Only a change locks readers out, for milliseconds. Other orgs' rows then keep what fits and get nulls for the
    rest until they publish.
    """
    if all(_is_shaped(cursor, org, mart) for mart in marts):
        return
    cursor.execute(f"do $$ begin perform pg_advisory_xact_lock({SHAPE_LOCK}); end $$")
    for mart in marts:
        if not _columns(cursor, mart):
            _run(cursor, *_new_mart(mart))
        _reshape(cursor, mart)
        if not _has_partition(cursor, org, mart):
            _run(cursor, *_new_partition(mart, org))


def emptied(mart: Contract, org: Org) -> str:
    """Delete the org's rows; readers go on seeing them until the commit."""
    return sql.SQL("delete from {}").format(_partition(mart, org)).as_string()


def finished(mart: Contract, org: Org, note: str) -> list[str]:
    """Statistics of the loaded rows, and which run they are of."""
    table = _partition(mart, org)
    statements = (
        sql.SQL("analyze {}").format(table),
        sql.SQL("comment on table {} is {}").format(table, sql.Literal(note)),
    )
    return [statement.as_string() for statement in statements]


def _is_shaped(cursor: dbapi.Cursor, org: Org, mart: Contract) -> bool:
    present, texts = _columns(cursor, mart), _texts(mart)
    wanted = {name: PresentColumn(kind, texts[name]) for name, kind in _types(mart).items()}
    return present == wanted and _has_partition(cursor, org, mart)


def _columns(cursor: dbapi.Cursor, mart: Contract) -> dict[str, PresentColumn]:
    query = sql.SQL(
        "select attname::text, format_type(atttypid, atttypmod), col_description(attrelid, attnum) from pg_attribute"
        " where attrelid = to_regclass({}) and attnum > 0 and not attisdropped"
    )
    _run(cursor, query.format(sql.Literal(_table(mart.name).as_string())))
    return {name: PresentColumn(kind, text) for name, kind, text in cursor.fetchall()}


def _has_partition(cursor: dbapi.Cursor, org: Org, mart: Contract) -> bool:
    """Whether the org has a partition, and its primary key is the contract's."""
    query = sql.SQL(
        "select pg_get_constraintdef(oid) from pg_constraint where conrelid = to_regclass({}) and contype = 'p'"
    )
    _run(cursor, query.format(sql.Literal(_partition(mart, org).as_string())))
    return bool(cursor.fetchall() == [(f"PRIMARY KEY ({', '.join(_key(mart))})",)])


def _new_mart(mart: Contract) -> list[sql.Composable]:
    table = _table(mart.name)
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in _types(mart).items()]
    readers = sql.SQL(", ").join(sql.Identifier(role) for role in READERS)
    return [
        sql.SQL("create table {} ({}) partition by list (org_id)").format(table, sql.SQL(", ").join(columns)),
        sql.SQL("alter table {} enable row level security, force row level security").format(table),
        # The select around each lookup makes it one a query, not one a row.
        sql.SQL("create policy bi on {} for select to leadflow_bi using (org_id = (select leadflow.bi_org()))").format(
            table
        ),
        sql.SQL(
            "create policy app on {} for select to leadflow_app"
            " using (org_id = (select nullif(current_setting({}, true), '')::uuid))"
        ).format(table, sql.Literal(ORG_SETTING)),
        sql.SQL("grant select on {} to {}").format(table, readers),
    ]


def _new_partition(mart: Contract, org: Org) -> list[sql.Composable]:
    """An empty partition of the org. Attached, not made in place, because that leaves readers alone.

    Nobody is granted anything on it, and without a policy it shows no rows to any but its owner, who loads it:
    COPY does not work where row-level security applies.
    """
    partition, table, org_id = _partition(mart, org), _table(mart.name), sql.Literal(org.org_id)
    key = sql.SQL(", ").join(sql.Identifier(name) for name in _key(mart))
    return [
        sql.SQL("drop table if exists {}").format(partition),
        sql.SQL("create table {} (like {})").format(partition, table),
        sql.SQL("alter table {} alter org_id set default {}").format(partition, org_id),
        sql.SQL("alter table {} add primary key ({})").format(partition, key),
        sql.SQL("alter table {} enable row level security").format(partition),
        sql.SQL("alter table {} attach partition {} for values in ({})").format(table, partition, org_id),
    ]


def _reshape(cursor: dbapi.Cursor, mart: Contract) -> None:
    table, wanted, present = _table(mart.name), _types(mart), _columns(cursor, mart)
    for name in present.keys() - wanted.keys():
        _run(cursor, sql.SQL("alter table {} drop column {}").format(table, sql.Identifier(name)))
    for name, kind in wanted.items():
        if name not in present:
            _run(cursor, _add_column(table, name, kind))
        elif kind != present[name].kind:
            _run(cursor, _change_type(table, name, kind))
    for name, text in _texts(mart).items():
        if name not in present or text != present[name].text:
            comment = sql.SQL("comment on column {}.{} is {}")
            _run(cursor, comment.format(table, sql.Identifier(name), sql.Literal(text)))
    _run(cursor, sql.SQL("comment on table {} is {}").format(table, sql.Literal(mart.text)))


def _change_type(table: sql.Composable, name: str, kind: str) -> sql.Composable:
    """Another org's values that do not fit the new type give way: they are derived, it will publish them again."""
    column = sql.Identifier(name)
    cast = sql.SQL("alter table {} alter column {} type {} using {}::{}")
    drop = sql.SQL("alter table {} drop column {}").format(table, column)
    return sql.SQL(
        "do $$ begin {}; exception when data_exception or cannot_coerce or datatype_mismatch then {}; {}; end $$"
    ).format(cast.format(table, column, sql.SQL(kind), column, sql.SQL(kind)), drop, _add_column(table, name, kind))


def _add_column(table: sql.Composable, name: str, kind: str) -> sql.Composable:
    return sql.SQL("alter table {} add column {} {}").format(table, sql.Identifier(name), sql.SQL(kind))


def _types(mart: Contract) -> dict[str, str]:
    return {_ORG_ID: "uuid", **{name: postgres_type(dtype) for name, dtype in mart.schema.items()}}


def _texts(mart: Contract) -> dict[str, str]:
    return {_ORG_ID: _ORG_ID_TEXT, **{name: column_text(mart, name) for name in mart.columns}}


def _key(mart: Contract) -> list[str]:
    """Within a partition the org is always the same."""
    return [name for name in mart.key if name != "org"]


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)


def _partition(mart: Contract, org: Org) -> sql.Identifier:
    return _table(partition_name(mart, org))


def _run(cursor: dbapi.Cursor, *statements: sql.Composable) -> None:
    for statement in statements:
        cursor.execute(statement.as_string())
