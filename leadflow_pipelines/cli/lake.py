"""`leadflow lake ...`."""

from typing import Annotated

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, print_json, print_table
from leadflow_pipelines.cli.session import open_session

app = typer.Typer(no_args_is_help=True)


@app.command("digest")
def digest(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Print a digest of every table's content, without run ids and timestamps: equal digests, equal tables."""
    from leadflow_pipelines.contracts import LAKE_TABLES

    lake = open_session(org).lake
    digests = {table.name: lake.digest(table) for table in LAKE_TABLES}
    if as_json:
        print_json(digests)
    else:
        print_table("Content digests", ["table", "sha256"], digests.items())


@app.command("compact")
def compact(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Merge small files and write a checkpoint of each table's log."""
    from leadflow_pipelines.contracts import LAKE_TABLES

    lake = open_session(org).lake
    merged = {table.name: lake.compact(table) for table in LAKE_TABLES}
    if as_json:
        print_json(merged)
    else:
        print_table("Compacted", ["table", "files merged"], merged.items())


@app.command("vacuum")
def vacuum(
    org: OrgOption = None,
    keep_hours: Annotated[int, typer.Option(min=168, help="Keep files that a version younger than this needs.")] = 168,
    as_json: JsonOption = False,
) -> None:
    """Delete files that no recent version of a table needs."""
    from leadflow_pipelines.contracts import LAKE_TABLES

    lake = open_session(org).lake
    deleted = {table.name: lake.vacuum(table, keep_hours=keep_hours) for table in LAKE_TABLES}
    if as_json:
        print_json(deleted)
    else:
        print_table("Vacuumed", ["table", "files deleted"], deleted.items())
