"""`leadflow org ...`."""

from typing import Annotated

import typer

from leadflow_pipelines.cli.console import JsonOption, out, print_json, print_table
from leadflow_pipelines.cli.session import start

app = typer.Typer(no_args_is_help=True)


@app.command("create")
def create(
    slug: Annotated[str, typer.Argument(help="Short name: lower-case letters, digits, underscores.")],
    name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Only simulated vendors and contacts; cannot be changed later.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make an org. Its data, budgets and lists are its own; whether it is simulated is fixed now."""
    from leadflow_pipelines.database.orgs import create_org
    from leadflow_pipelines.database.prepare import open_database

    org = create_org(open_database(start()), slug, name=name, is_simulated=simulated)
    if as_json:
        print_json({"slug": org.slug, "name": org.name, "is_simulated": org.is_simulated})
    else:
        kind = "simulated org" if org.is_simulated else "org"
        out.print(f"The {kind} {org.slug} is ready. Work in it with --org {org.slug} or LEADFLOW_ORG={org.slug}.")


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the orgs."""
    from leadflow_pipelines.database.orgs import list_orgs
    from leadflow_pipelines.database.prepare import open_database

    orgs = list_orgs(open_database(start()))
    if as_json:
        print_json({"orgs": [{"slug": o.slug, "name": o.name, "is_simulated": o.is_simulated} for o in orgs]})
    else:
        print_table("Orgs", ["slug", "name", "simulated"], [(o.slug, o.name, o.is_simulated) for o in orgs])
