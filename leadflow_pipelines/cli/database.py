"""`leadflow db ...` and `leadflow migrate`."""

from typing import Any

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, show
from leadflow_pipelines.cli.session import open_session, start

app = typer.Typer(no_args_is_help=True)


@app.command("start")
def start_server(as_json: JsonOption = False) -> None:
    """Start the embedded Postgres (it also starts by itself when a command needs it)."""
    from leadflow_pipelines.database.connections import Database
    from leadflow_pipelines.errors import InvalidInput

    server = Database(start()).embedded
    if server is None:
        raise InvalidInput("LEADFLOW_DATABASE_URL names a managed Postgres; there is no embedded one to start.")
    server.start()
    _report(as_json)


@app.command("stop")
def stop_server(as_json: JsonOption = False) -> None:
    """Stop the embedded Postgres."""
    from leadflow_pipelines.database.connections import Database

    server = Database(start()).embedded
    if server is not None:
        server.stop()
    _report(as_json)


@app.command("status")
def status(as_json: JsonOption = False) -> None:
    """Say whether Postgres runs, where it listens, and how BI connects."""
    start()
    _report(as_json)


def migrate(as_json: JsonOption = False) -> None:
    """Bring the database to the newest schema. Safe to run twice, and from several machines at once."""
    from leadflow_pipelines.database.connections import Database
    from leadflow_pipelines.database.migrate import migrate as apply_migrations

    database = Database(start())
    if database.embedded:
        database.embedded.start()
    applied = apply_migrations(database)
    if as_json:
        print_json({"applied": applied})
    else:
        out.print(f"Applied {', '.join(applied)}." if applied else "The schema is up to date.")


@app.command("bi-url")
def bi_url(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Print the URL, password included, with which psql or a BI tool reads an org's marts and nothing else."""
    session = open_session(org)
    url = session.database.bi_url(session.org.slug)
    if as_json:
        print_json({"org": session.org.slug, "url": url})
    else:
        out.print(url, soft_wrap=True)


def _report(as_json: bool) -> None:
    from leadflow_pipelines.database.connections import Database
    from leadflow_pipelines.settings import get_settings

    server = Database(get_settings()).embedded
    result: dict[str, Any]
    if server is None:
        result = {"kind": "managed", "running": None}
    else:
        status = server.status()
        result = {"kind": "embedded", "running": status.is_running, "ready": status.is_ready}
        if status.address:
            address = status.address
            result |= {"host": address.host, "port": address.port, "data": address.data_dir}
        result["log"] = status.log_file
    if as_json:
        print_json(result)
        return
    for name, value in result.items():
        out.print(f"{name:>8}  {show(value if isinstance(value, bool) else str(value))}", soft_wrap=True)
    out.print("      BI  leadflow db bi-url --org NAME prints the login that reads an org's marts")
