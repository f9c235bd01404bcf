"""The DuckDB file in which dbt works: the lake's tables, the ledger and policies as `lake.*`, `ledger.*`
and `policy.*`, evidence gathered from the lake as `evidence.*`.

Made anew for each build, because a view over a Delta table's files breaks once a vacuum removes old ones.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from leadflow_pipelines.contracts import LAKE_TABLES, Contract
from leadflow_pipelines.contracts.sql_types import duckdb_type
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.marts.run_dbt import DUCKDB_OPTIONS


@contextmanager
def new_duckdb_file(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new file at `path` in the place of the last one, open until the block ends; left there to be explored."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in (path, path.with_name(f"{path.name}.wal")):
        stale.unlink(missing_ok=True)
    with open_duckdb_file(path) as duck:
        yield duck


def open_duckdb_file(path: Path) -> duckdb.DuckDBPyConnection:
    """The file, as dbt's process opens it; only one process at a time can."""
    return duckdb.connect(str(path), config=DUCKDB_OPTIONS)


def add_lake(duck: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Every table of the lake as `lake.<table>`; one not written yet is there without rows."""
    duck.execute("create schema lake")
    for contract in LAKE_TABLES:
        files = lake.file_list(contract) if lake.is_local else []
        if files:
            rows = table_rows(contract, files)
            columns = _columns(contract, duck.sql(f"from {rows}").columns)
            duck.execute(f'create view lake."{contract.name}" as select {columns} from {rows}')  # noqa: S608
        else:
            # DuckDB reads s3:// through an extension that it would download; the lake itself needs none.
            _add_table(duck, "lake", contract, contract.empty() if lake.is_local else lake.read(contract))


def add_ledger(
    duck: duckdb.DuckDBPyConnection, ledger: Iterable[tuple[Contract, pl.DataFrame]], *, org_slug: str
) -> None:
    """The spend ledger's tables as `ledger.<table>`, and whose it is as `ledger.org_slug()`."""
    duck.execute("create schema ledger")
    duck.execute(f"create macro ledger.org_slug() as {_quoted(org_slug)}")
    for contract, frame in ledger:
        _add_table(duck, "ledger", contract, frame)


def add_policy(duck: duckdb.DuckDBPyConnection, policy: Iterable[tuple[Contract, pl.DataFrame]]) -> None:
    """Rules that are data files in the code as `policy.<table>`."""
    duck.execute("create schema policy")
    for contract, frame in policy:
        _add_table(duck, "policy", contract, frame)


def add_evidence(duck: duckdb.DuckDBPyConnection, evidence: Iterable[tuple[Contract, pl.DataFrame]]) -> None:
    """What was gathered from the lake's tables as `evidence.<table>`."""
    duck.execute("create schema evidence")
    for contract, frame in evidence:
        _add_table(duck, "evidence", contract, frame)


def add_outreach(duck: duckdb.DuckDBPyConnection, counts: Iterable[tuple[Contract, pl.DataFrame]]) -> None:
    """What campaigns did and what became of leads as `outreach.<table>`."""
    duck.execute("create schema outreach")
    for contract, frame in counts:
        _add_table(duck, "outreach", contract, frame)


def read_mart(duck: duckdb.DuckDBPyConnection, mart: Contract) -> pl.DataFrame:
    """A mart that dbt built, in the order of its key, so that the same rows make the same file."""
    key = ", ".join(f'"{name}"' for name in mart.key)
    rows = duck.sql(f'select * from marts."{mart.name}" order by {key}').to_arrow_table()  # noqa: S608
    frame = pl.from_arrow(rows, schema=mart.schema)
    assert isinstance(frame, pl.DataFrame)
    return frame


def table_rows(contract: Contract, files: list[str]) -> str:
    """What to say after `from` for the files' rows.

    Partition columns stand in the paths; files written before a column was added lack it.
    """
    listed = ", ".join(_quoted(file.removeprefix("file://")) for file in files)
    types = ", ".join(f"{name}: {duckdb_type(contract.schema.get(name, pl.String))}" for name in contract.partition_by)
    return f"read_parquet([{listed}], hive_partitioning = true, hive_types = {{{types}}}, union_by_name = true)"


def _add_table(duck: duckdb.DuckDBPyConnection, schema: str, contract: Contract, frame: pl.DataFrame) -> None:
    columns = _columns(contract, frame.columns)
    duck.register("given", frame.to_arrow())
    duck.execute(f'create table {schema}."{contract.name}" as select {columns} from given')  # noqa: S608
    duck.unregister("given")


def _columns(contract: Contract, present: Iterable[str]) -> str:
    """Exactly the contract's columns in its types; a column that no file has yet is null."""
    known = set(present)
    return ", ".join(
        f"cast({_name(name) if name in known else 'null'} as {duckdb_type(dtype)}) as {_name(name)}"
        for name, dtype in contract.schema.items()
    )


def _name(name: str) -> str:
    return f'"{name}"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
