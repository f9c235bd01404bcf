"""`leadflow db ...` and `leadflow migrate`."""

import typer

from leadflow_pipelines.cli.console import JsonOption, out, print_json
from leadflow_pipelines.cli.session import start

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


def _report(as_json: bool) -> None:
    from leadflow_pipelines.database.connections import Database
    from leadflow_pipelines.settings import get_settings

    settings = get_settings()
    database = Database(settings)
    if database.embedded is None:
        result = {"kind": "managed", "running": None}
    else:
        status = database.embedded.status()
        result = {"kind": "embedded", **status.as_dict()}
    if as_json:
        print_json(result)
        return
    for name, value in result.items():
        out.print(f"{name:>12}  {value}")
