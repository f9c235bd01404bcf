"""The DuckDB file in which dbt works: the lake's tables and the ledger as `lake.*` and `ledger.*`.

Made anew for each build, because a view over a Delta table's files breaks once a vacuum removes old ones.
"""

from pathlib import Path

import duckdb
import polars as pl

from leadflow_pipelines.contracts import LAKE_TABLES, Contract
from leadflow_pipelines.contracts.sql_types import duckdb_type
from leadflow_pipelines.lake import Lake

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Nothing is fetched. As in dbt's profile: DuckDB refuses a second connection with other options."""


def make_duckdb_file(path: Path, lake: Lake, ledger: list[tuple[Contract, pl.DataFrame]]) -> None:
    """Put every source of the marts into a new file at `path`. A table not written yet is an empty source."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in (path, path.with_name(f"{path.name}.wal")):
        stale.unlink(missing_ok=True)
    with duckdb.connect(str(path), config=CONFIG) as duck:
        duck.execute("create schema lake; create schema ledger; create schema marts")
        for contract in LAKE_TABLES:
            if lake.is_local:
                _add_view(duck, contract, lake.file_list(contract))
            else:
                # DuckDB reads s3:// through an extension that it downloads; deltalake needs none.
                _add_table(duck, "lake", contract, lake.read(contract))
        for contract, frame in ledger:
            _add_table(duck, "ledger", contract, frame)


def _add_view(duck: duckdb.DuckDBPyConnection, contract: Contract, files: list[str]) -> None:
    if not files:
        _add_table(duck, "lake", contract, contract.empty())
        return
    listed = ", ".join(_quoted(file.removeprefix("file://")) for file in files)
    types = ", ".join(f"{name}: {duckdb_type(contract.schema.get(name, pl.String))}" for name in contract.partition_by)
    rows = f"read_parquet([{listed}], hive_partitioning = true, hive_types = {{{types}}}, union_by_name = true)"
    present = {row[0] for row in duck.execute(f"describe select * from {rows}").fetchall()}
    duck.execute(f'create view lake."{contract.name}" as select {_columns(contract, present)} from {rows}')


def _add_table(duck: duckdb.DuckDBPyConnection, schema: str, contract: Contract, frame: pl.DataFrame) -> None:
    duck.register("given", frame.to_arrow())
    columns = _columns(contract, set(frame.columns))
    duck.execute(f'create table {schema}."{contract.name}" as select {columns} from given')
    duck.unregister("given")


def _columns(contract: Contract, present: set[str]) -> str:
    """Exactly the contract's columns and types; a column that no file has yet is null."""
    return ", ".join(
        f"""cast({f'"{name}"' if name in present else "null"} as {duckdb_type(dtype)}) as "{name}\""""
        for name, dtype in contract.schema.items()
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
