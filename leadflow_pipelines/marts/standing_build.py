"""Whether the marts that stand are those that a build would make: what went into them, and whether they are whole.

A build notes its inputs: the files of the lake's tables, the ledger, the policies with
the day they ask about, the models. Outreach lists are made anew each
time, because the clock moves, so they are compared by the rows themselves, without the columns that only say when;
no model reads those. A lost note costs one build. Not here: building (`build_marts`).
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import duckdb
import polars as pl
from sqlalchemy import text

from leadflow_pipelines.contracts import LAKE_TABLES, MARTS, OUTREACH_LISTS, Contract
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.marts.duckdb_file import table_rows
from leadflow_pipelines.marts.mart_tables import published_name
from leadflow_pipelines.marts.run_dbt import DUCKDB_OPTIONS
from leadflow_pipelines.marts.shared_parse import project_sources
from leadflow_pipelines.marts.work_folder import build_note

COMPARED_BY_ROWS = (OUTREACH_LISTS,)
NOTES_IN_POSTGRES = text(
    "select obj_description(to_regclass(name), 'pg_class') as note from unnest(cast(:names as text[])) as names(name)"
)


@dataclass(frozen=True)
class StandingBuild:
    """What a build had, what it reports, and the note it left on its tables in Postgres."""

    inputs: dict[str, str]
    rows: dict[str, int]
    parquet: dict[str, str]
    models: int
    tests: int
    warnings: tuple[str, ...]
    note: str


def leave_note(work: Path, build: StandingBuild) -> None:
    """Notes a build that has just been published in its held work folder."""
    note = build_note(work)
    draft = note.with_name(f".{note.name}.{uuid.uuid4().hex}")
    draft.write_text(json.dumps({"build": asdict(build), "files": _stats(build.parquet.values())}))
    draft.replace(note)


def standing_build(work: Path, inputs: dict[str, str], database: Database, org: Org) -> StandingBuild | None:
    """The last build, if it had these inputs and all it published is still there as it left it."""
    try:
        noted = json.loads(build_note(work).read_text())
        build = StandingBuild(**{**noted["build"], "warnings": tuple(noted["build"]["warnings"])})
        is_whole = build.inputs == inputs and noted["files"] == _stats(build.parquet.values())
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return None
    return build if is_whole and _published_notes(database, org) == {build.note} else None


def mart_inputs(lake: Lake, others: Iterable[tuple[Contract, pl.DataFrame]]) -> dict[str, str]:
    """A digest of everything marts are made of, by name: the lake, which must be local, and `others` beside it."""
    with duckdb.connect(config=DUCKDB_OPTIONS) as duck:
        inputs = {contract.name: _table_digest(duck, lake, contract) for contract in LAKE_TABLES}
        for contract, frame in others:
            duck.register("given", frame.to_arrow())
            inputs[f"others.{contract.name}"] = _row_digest(duck, "given", frame.columns)
            duck.unregister("given")
    return {**inputs, "lake": lake.root, "models": _model_digest()}


def _table_digest(duck: duckdb.DuckDBPyConnection, lake: Lake, contract: Contract) -> str:
    files = lake.file_list(contract)
    if not files or contract not in COMPARED_BY_ROWS:
        return _digest(sorted(files))
    told = [name for name in contract.schema if name not in contract.volatile]
    return _row_digest(duck, table_rows(contract, files), told)


def _row_digest(duck: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[str]) -> str:
    """Rows as a set: their number, and two sums over 64 bits of each."""
    listed = ", ".join(f'"{name}"' for name in columns)
    query = f"select count(*), sum(hash({listed})), sum(hash('again', {listed})) from {rows}"  # noqa: S608
    return " ".join(str(value) for value in duck.sql(query).fetchall()[0])


def _model_digest() -> str:
    """The models, the columns marts are published with, and what builds them."""
    shapes = [
        f"{mart.name} {name} {mart.schema[name]} {told.description}"
        for mart in MARTS
        for name, told in mart.columns.items()
    ]
    builders = [f"{package} {version(package)}" for package in ("dbt-core", "dbt-duckdb", "duckdb", "polars")]
    return _digest([*(f"{path}\n{path.read_text()}" for path in project_sources()), *shapes, *builders])


def _published_notes(database: Database, org: Org) -> set[str | None]:
    names = [published_name(mart, org) for mart in MARTS]
    with database.as_org(org.org_id) as connection:
        return {row.note for row in connection.execute(NOTES_IN_POSTGRES, {"names": names})}


def _stats(paths: Iterable[str]) -> dict[str, list[int]]:
    """Size and time of each file. Raises FileNotFoundError where one is gone."""
    stats = {path: Path(path).stat() for path in paths}
    return {path: [stat.st_size, stat.st_mtime_ns] for path, stat in stats.items()}


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
