"""`leadflow import`: a county file of any layout into property records."""

from pathlib import Path
from typing import Annotated

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, err, out, print_json, print_table, progress
from leadflow_pipelines.cli.session import open_session


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX or Parquet, plain or .gz.")],
    source: Annotated[str, typer.Option(help="Name of the source, e.g. queens_sales. The same for its next file.")],
    mapping: Annotated[
        Path | None, typer.Option(help="YAML that says which column is what. Default: one is proposed and shown.")
    ] = None,
    show_mapping: Annotated[
        bool, typer.Option("--show-mapping", help="Print the mapping that would be used and stop.")
    ] = False,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a county file. Good rows are kept, broken ones set aside with their reason, nothing is lost.

    The same file twice changes nothing. Print a mapping with --show-mapping, edit it, and give it back with
    --mapping.
    """
    import datetime as dt

    from leadflow_pipelines.county_files import import_county_file, load_mapping, read_county_file
    from leadflow_pipelines.county_files.propose_mapping import propose_mapping

    if show_mapping:
        out.print(propose_mapping(read_county_file(file)).to_yaml(), markup=False, soft_wrap=True)
        return
    progress(f"Importing {file.name}")
    workspace = open_session(org)
    result = import_county_file(
        file,
        source=source,
        mapping=load_mapping(mapping) if mapping else None,
        lake=workspace.lake,
        database=workspace.database,
        org=workspace.org,
        day=dt.datetime.now(workspace.settings.zone).date(),
        now=dt.datetime.now(dt.UTC),
        progress=progress,
    )
    if as_json:
        print_json(result.as_json())
        return
    counts = ["rows_in", "records", "rejected", "unlocated", "properties_new", "properties_total"]
    print_table(
        f"{file.name} as {source}", [c.replace("_", " ") for c in counts], [[getattr(result, c) for c in counts]]
    )
    if result.rejected_because:
        print_table(
            "Rejected", ["rows", "reason"], [(rows, reason) for reason, rows in result.rejected_because.items()]
        )
    for warning in result.warnings:
        err.print(f"Note: {warning}", markup=False)
    org_part = "" if workspace.org.slug == "default" else f" --org {workspace.org.slug}"
    out.print(f"Next: leadflow run{org_part}    scores, clears and publishes the ZIPs of the file")
