"""`leadflow member` and `leadflow attest`: who acts for an org, and for what it looks people up."""

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from leadflow_pipelines.cli.acting import ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, print_table, tell
from leadflow_pipelines.cli.session import in_org
from leadflow_pipelines.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)
attest_app = typer.Typer(no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name the person signs with.")]


@app.command("add")
def add(name: NameArgument, as_name: ActorOption = None, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Let a person act for the org. From the first member on, only members may act."""
    from leadflow_pipelines.clearance.members import add_member

    _change(add_member, name, as_name, org, as_json)


@app.command("remove")
def remove(name: NameArgument, as_name: ActorOption = None, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Take a person's right to act."""
    from leadflow_pipelines.clearance.members import remove_member

    _change(remove_member, name, as_name, org, as_json)


@app.command("list")
def list_all(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """List the people who act for the org."""
    from leadflow_pipelines.clearance.members import list_members

    with in_org(org) as (workspace, connection):
        names = list_members(connection)
    _print_members(workspace.org.slug, names, as_json)


@attest_app.command("purpose")
def purpose(
    purpose: Annotated[str, typer.Argument(help="property_acquisition or property_listing.")],
    agree: Annotated[bool, typer.Option("--agree", help="Agree to the words without being asked.")] = False,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """State for what the org looks people up. Skip tracing buys nothing before.

    The exact words are shown and kept with your name. Deciding about credit, housing, employment or insurance is no
    purpose for which LeadFlow may be used.
    """
    from leadflow_pipelines.clearance.attestations import attest, wording_of

    wording = wording_of(purpose)
    if not agree:
        out.print(wording)
        if as_json or not typer.confirm("Do you state this for your organisation?"):
            raise InvalidInput("Nothing was stated.", remedy="Read the words, then give --agree.")
    with in_org(org) as (workspace, connection):
        made = attest(
            connection, workspace.org.org_id, purpose=purpose, actor=actor(as_name), now=dt.datetime.now(dt.UTC)
        )
    tell(asdict(made), f"{made.attested_by} stated {purpose} for {workspace.org.slug}.", as_json=as_json)


@attest_app.command("withdraw")
def withdraw(
    purpose: Annotated[str, typer.Argument(help="Purpose that no longer holds.")],
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a statement; skip tracing stops with the last one."""
    from leadflow_pipelines.clearance import attestations

    with in_org(org) as (workspace, connection):
        attestations.withdraw(
            connection, workspace.org.org_id, purpose=purpose, actor=actor(as_name), now=dt.datetime.now(dt.UTC)
        )
    line = f"{purpose} no longer stands for {workspace.org.slug}."
    tell({"purpose": purpose, "withdrawn": True}, line, as_json=as_json)


@attest_app.command("list")
def list_attestations(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """List what was stated, by whom, in which words."""
    from leadflow_pipelines.clearance import attestations

    with in_org(org) as (workspace, connection):
        found = attestations.list_attestations(connection)
    if as_json:
        print_json({"attestations": [asdict(one) for one in found]})
        return
    rows = [(one.purpose, one.attested_by, one.attested_at, one.withdrawn_at, one.wording) for one in found]
    print_table(f"Stated for {workspace.org.slug}", ["purpose", "by", "at", "withdrawn", "words"], rows)


def _change(act: Callable[..., None], name: str, as_name: str | None, org: str | None, as_json: bool) -> None:
    from leadflow_pipelines.clearance.members import list_members

    with in_org(org) as (workspace, connection):
        act(connection, workspace.org.org_id, name, actor=actor(as_name), now=dt.datetime.now(dt.UTC))
        names = list_members(connection)
    _print_members(workspace.org.slug, names, as_json)


def _print_members(slug: str, names: list[str], as_json: bool) -> None:
    if as_json:
        print_json({"members": names})
    elif names:
        print_table(f"Members of {slug}", ["name"], [(name,) for name in names])
    else:
        out.print(f"{slug} has no members: anybody may act under the name they give.")
