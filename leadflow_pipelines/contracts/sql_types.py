"""How a contract's types are written in SQL: DuckDB for dbt, Postgres for the published marts."""

from typing import Any

import polars as pl

_DUCKDB = {
    pl.String: "varchar",
    pl.Boolean: "boolean",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.Float64: "double",
    pl.Date: "date",
}
_POSTGRES = {
    pl.String: "text",
    pl.Boolean: "boolean",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.Float64: "double precision",
    pl.Date: "date",
}


def duckdb_type(dtype: Any) -> str:
    """The DuckDB type of a polars type. Raises KeyError for a type that no contract uses yet."""
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return "timestamp with time zone"
    if isinstance(dtype, pl.List):
        return f"{duckdb_type(dtype.inner)}[]"
    if isinstance(dtype, pl.Struct):
        fields = (f'"{field.name}" {duckdb_type(field.dtype)}' for field in dtype.fields)
        return f"struct({', '.join(fields)})"
    return _DUCKDB[_class_of(dtype)]


def postgres_type(dtype: Any) -> str:
    """The Postgres type of a polars type, as `format_type` spells it. Raises KeyError as above."""
    if isinstance(dtype, pl.Decimal):
        return f"numeric({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return "timestamp with time zone"
    if isinstance(dtype, pl.List):
        return f"{postgres_type(dtype.inner)}[]"
    return _POSTGRES[_class_of(dtype)]


def _class_of(dtype: Any) -> Any:
    return dtype if isinstance(dtype, type) else type(dtype)
