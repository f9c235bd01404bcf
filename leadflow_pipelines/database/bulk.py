"""Load a frame of any size into a table under row-level security, in the caller's transaction.

COPY does not work into such tables: rows go to a temporary table first, then INSERT … SELECT checks each
against the policy. Marts are loaded elsewhere, by ADBC into tables that are not yet under any policy.
"""

import io
from typing import Literal
from uuid import uuid4

import polars as pl
from sqlalchemy import Connection, Table, text

from leadflow_pipelines.database.tables import ORG_SETTING

SLICE_ROWS = 100_000
NULL = r"\N"

Conflict = Literal["error", "do nothing", "replace"]


def copy_into(connection: Connection, table: Table, frame: pl.DataFrame, *, conflict: Conflict = "error") -> int:
    """Insert the rows of `frame`, whose columns are named as the table's; return how many were written.

    An absent `org_id` is the transaction's org; other absent columns get their defaults. Lists become arrays;
    text goes into jsonb as it is. A row whose key is there already fails, is left as it is, or takes the
    frame's values, as `conflict` says. Raises sqlalchemy's ProgrammingError for a row of another org.
    """
    if frame.is_empty():
        return 0
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    target = f'"{table.schema}"."{table.name}"'
    staging = f'"staging_{uuid4().hex}"'
    run = connection.exec_driver_sql
    run(f"create temp table {staging} on commit drop as select {columns} from {target} with no data")  # noqa: S608
    _copy(connection, f"copy {staging} ({columns}) from stdin (format csv, null '{NULL}')", frame)
    names, values = columns, columns
    if "org_id" in table.columns and "org_id" not in frame.columns:
        names += ", org_id"
        values += f", nullif(current_setting('{ORG_SETTING}', true), '')::uuid"
    written = connection.execute(
        text(f"insert into {target} ({names}) select {values} from {staging} {_on_conflict(table, frame, conflict)}")  # noqa: S608
    )
    run(f"drop table {staging}")
    return written.rowcount


def _on_conflict(table: Table, frame: pl.DataFrame, conflict: Conflict) -> str:
    if conflict == "error":
        return ""
    if conflict == "do nothing":
        return "on conflict do nothing"
    key = [column.name for column in table.primary_key]
    others = [name for name in frame.columns if name not in key]
    updates = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
    return f"on conflict ({', '.join(key)}) do " + (f"update set {updates}" if updates else "nothing")


def _copy(connection: Connection, statement: str, frame: pl.DataFrame) -> None:
    """Send the frame as CSV, slice by slice: 100 k rows at a time bound the memory."""
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for rows in frame.iter_slices(SLICE_ROWS):
            buffer = io.BytesIO()
            rows.select(_as_text(name, kind) for name, kind in rows.schema.items()).write_csv(
                buffer, include_header=False, null_value=NULL, quote_style="non_numeric"
            )
            copy.write(buffer.getvalue())


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """The column as Postgres reads it in CSV: arrays in braces, instants in UTC."""
    value = pl.col(name)
    if isinstance(kind, pl.List):
        quoted = (
            pl.element().cast(pl.String).str.replace_all("\\", "\\\\", literal=True)
            .str.replace_all('"', '\\"', literal=True)
        )  # fmt: skip
        items = value.list.eval(pl.format('"{}"', quoted).fill_null("NULL")).list.join(",")
        return pl.when(value.is_not_null()).then(pl.format("{{{}}}", items)).alias(name)
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return value.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f+00").alias(name)
    return value
