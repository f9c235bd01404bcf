"""`leadflow db ...` and `leadflow migrate`."""

from typing import TYPE_CHECKING, Any

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, show
from leadflow_pipelines.cli.session import open_session, start

if TYPE_CHECKING:
    from leadflow_pipelines.database.connections import Database
    from leadflow_pipelines.database.orgs import Org

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
    """Bring the database to the newest schema and every org's lake to the newest address keys.

    Safe to run twice, after a kill, and from several machines at once. A run or an import would do it as well, for what
    it touches.
    """
    from leadflow_pipelines.database.connections import Database
    from leadflow_pipelines.database.migrate import migrate as apply_migrations
    from leadflow_pipelines.database.orgs import list_orgs

    database = Database(start())
    if database.embedded:
        database.embedded.start()
    applied = apply_migrations(database)
    keys = {org.slug: _migrate_keys(database, org) for org in list_orgs(database)}
    changed = {slug: done for slug, done in keys.items() if done["records"] or done["zips"] or done["broken_zips"]}
    if as_json:
        print_json({"applied": applied, "address_keys": changed})
        return
    out.print(f"Applied {', '.join(applied)}." if applied else "The schema is up to date.")
    if not changed:
        out.print("The address keys are up to date.")
    for slug, done in changed.items():
        out.print(
            f"{slug}: read {done['records']:,} addresses anew, resolved {done['zips']:,} ZIPs whose keys changed; "
            f"{done['merged']:,} records moved to a property that turned out to be theirs.",
            soft_wrap=True,
        )
        if done["broken_zips"]:
            out.print(f"  Not resolved, see leadflow run --zip: {', '.join(done['broken_zips'])}", soft_wrap=True)


def _migrate_keys(database: "Database", org: "Org") -> dict[str, Any]:
    import datetime as dt
    from dataclasses import asdict

    from leadflow_pipelines.database.property_decisions import read_decisions
    from leadflow_pipelines.lake import open_lake
    from leadflow_pipelines.properties.migrate_keys import migrate_keys
    from leadflow_pipelines.settings import get_settings

    settings = get_settings()
    with database.as_org(org.org_id) as connection:
        decisions = read_decisions(connection, org.org_id)
    today = dt.datetime.now(settings.zone).date()
    return asdict(migrate_keys(open_lake(settings, org.slug), day=today, decisions=decisions))


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
