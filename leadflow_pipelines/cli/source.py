"""`leadflow source`: the free county tables there are, and whether a county's file fits its table."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from leadflow_pipelines.cli.console import JsonOption, err, out, print_json, print_table, progress

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_sources(as_json: JsonOption = False) -> None:
    """List the county tables: what each covers, how often it is asked again, what confirmed it."""
    from leadflow_pipelines.providers.open_data.county_source import load_county_sources
    from leadflow_pipelines.settings import get_settings

    sources = load_county_sources(get_settings().county_sources).values()
    if as_json:
        print_json({"sources": [one.model_dump(mode="json", exclude={"columns"}) for one in sources]})
        return
    print_table(
        "County open data, free of charge",
        ["name", "what", "owners", "days"],
        [(one.name, one.title, "owner_name" in one.columns, one.refresh_days) for one in sources],
    )
    for one in sources:
        if not one.confirmed:
            out.print(f"{one.name} is not confirmed yet: {one.confirmed_by}", markup=False)
    out.print("Check one: leadflow source test NAME")


@app.command("test")
def check_source(
    name: Annotated[str, typer.Argument(help="Name of a county table, or path of a new county's YAML file.")],
    zip_code: Annotated[str | None, typer.Option("--zip", help="ZIP to ask for. Default: the county's first.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Ask this server instead of the county's, e.g. the simulator's URL.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a county's file against its table: columns, ZIP filter, paging, values; show a few rows.

    Asks for the table's columns and two small pages, nothing is kept. Exits 1 where something does not fit.
    """
    import httpx

    from leadflow_pipelines.providers.open_data.check_county import check_county
    from leadflow_pipelines.providers.open_data.county_calls import county_client
    from leadflow_pipelines.settings import get_settings

    settings = get_settings()
    if base_url:
        settings = settings.model_copy(update={"open_data_base_url": base_url})
    county = _find(name, settings.county_sources)
    chosen, city = _place(zip_code, county.county_fips)
    progress(f"Asking {county.title} for {chosen}")
    with httpx.Client() as http:
        check = check_county(
            county_client(county, settings),
            zip_code=chosen,
            city=city,
            now=lambda: dt.datetime.now(dt.UTC),
            http=http,
            seconds=settings.http_timeout_seconds,
        )
    if as_json:
        print_json({**asdict(check), "preview": check.preview.to_dicts(), "is_right": check.is_right})
    else:
        _show(check)
    if not check.is_right:
        raise typer.Exit(1)


def _find(name: str, own: Path | None) -> Any:
    """The county source of that name, or of that file. Raises InvalidInput with every fault of the file."""
    from leadflow_pipelines.errors import InvalidInput
    from leadflow_pipelines.providers.open_data.county_source import load_county_source, load_county_sources
    from leadflow_pipelines.source_rows.mapping import did_you_mean

    if name.endswith((".yaml", ".yml")):
        return load_county_source(Path(name))
    sources = load_county_sources(own)
    if name not in sources:
        raise InvalidInput(
            f"No county table is called {name!r}.{did_you_mean(name, tuple(sources))}",
            remedy="See leadflow source list, or give the path of a YAML file.",
        )
    return sources[name]


def _place(zip_code: str | None, county_fips: tuple[str, ...]) -> tuple[str, str | None]:
    """The ZIP to ask for and its postal city. Raises InvalidInput for a ZIP that the table does not hold."""
    import polars as pl

    from leadflow_pipelines.errors import InvalidInput
    from leadflow_pipelines.properties.addresses.places import zip_table

    held = zip_table().filter(pl.col("county_fips").is_in(county_fips) & (pl.col("zip_type") == "STANDARD"))
    found = held.filter(pl.col("zip") == zip_code) if zip_code else held.sort("zip").head(1)
    if found.is_empty():
        raise InvalidInput(
            f"{zip_code} lies in none of the table's counties ({', '.join(county_fips)}).",
            remedy=f"Take one of them, e.g. {', '.join(held['zip'].sort().head(3))}.",
        )
    return found["zip"][0], found["city"][0]


def _show(check: Any) -> None:
    for fault in check.faults:
        err.print(f"Fault: {fault}", markup=False, style="red")
    for note in check.notes:
        err.print(f"Note: {note}", markup=False)
    if not check.preview.is_empty():
        rows = [[_shown(name, value) for name, value in row.items()] for row in check.preview.to_dicts()]
        print_table(
            f"{check.name}, {check.asked_for}",
            [name.removesuffix("_cents").replace("_", " ") for name in check.preview.columns],
            rows,
        )
    counts = f"{check.columns} columns, {check.rows} rows on {check.pages} pages"
    verdict = "fits its table" if check.is_right else f"has {len(check.faults)} fault(s)"
    out.print(f"{check.name} {verdict}: {counts}.", markup=False)


def _shown(name: str, value: Any) -> str:
    """A cell: whole dollars, years without a thousands sign."""
    if value is None:
        return "-"
    return f"${value // 100:,}" if name.endswith("_cents") else str(value)
