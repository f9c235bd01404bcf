"""`leadflow suppress`: whom nobody of the org contacts."""

import datetime as dt
from typing import Annotated

import typer

from leadflow_pipelines.cli.acting import ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, print_table
from leadflow_pipelines.cli.session import open_session

app = typer.Typer(no_args_is_help=True)


@app.command("add")
def add(
    contacts: Annotated[list[str], typer.Argument(help="Phone numbers, e-mail addresses or mailing lines.")],
    reason: Annotated[str, typer.Option(help="Why nobody may write or call there.")],
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Suppress contacts, org-wide, on every channel, for ever. Queued messages to them are not sent any more."""
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.clearance.members import require_member
    from leadflow_pipelines.clearance.suppressions import Suppression, kind_of, suppress

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        name = require_member(connection, actor(as_name))
        wishes = [Suppression(kind_of(contact), contact, "operator", reason, name) for contact in contacts]
        keys = load_hash_keys(workspace.settings)
        new = suppress(connection, workspace.org.org_id, wishes, keys, now=dt.datetime.now(dt.UTC))
    if as_json:
        print_json({"suppressed": len(wishes), "new": new})
    else:
        out.print(f"{new} contacts suppressed, {len(wishes) - new} were already.")


@app.command("list")
def list_all(
    top: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    with_lifted: Annotated[bool, typer.Option("--with-lifted", help="Those that START lifted, too.")] = False,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """List suppressions. An erased person's shows its keyed hash alone."""
    from leadflow_pipelines.clearance.suppressions import list_suppressions

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        rows = list_suppressions(connection, with_lifted=with_lifted, most=top)
    if as_json:
        print_json({"suppressions": rows})
        return
    columns = ["kind", "contact_value", "origin", "reason", "source", "suppressed_at"]
    print_table(f"Suppressed by {workspace.org.slug}", columns, [[row[name] for name in columns] for row in rows])
