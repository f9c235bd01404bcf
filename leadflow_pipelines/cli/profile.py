"""`leadflow profile` and `leadflow sender`: how an org presents itself, and the numbers it texts from."""

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any

import typer

from leadflow_pipelines.cli.acting import ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, print_table, show
from leadflow_pipelines.cli.session import open_session
from leadflow_pipelines.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)
sender_app = typer.Typer(no_args_is_help=True)


@app.command("show")
def show_profile(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """How the org presents itself, and the limits it keeps."""
    from leadflow_pipelines.clearance.profile import read_profile

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        profile = asdict(read_profile(connection, workspace.org))
    _print(workspace.org.slug, profile, as_json)


@app.command("set")
def set_profile(
    sender_name: Annotated[str | None, typer.Option(help="Name under which the org writes; consents name it.")] = None,
    postal_address: Annotated[
        str | None, typer.Option(help="Valid postal address; letters and e-mails need it.")
    ] = None,
    callback: Annotated[str | None, typer.Option(help="Number that letters and calls give, like +16155550123.")] = None,
    from_email: Annotated[str | None, typer.Option(help="Address that e-mails come from.")] = None,
    link_domain: Annotated[str | None, typer.Option(help="The org's own domain for tracked links.")] = None,
    calling_width: Annotated[
        str | None, typer.Option(help="default (narrow), or state_table: up to each state's own limits.")
    ] = None,
    most_per_24h: Annotated[int | None, typer.Option(help="Messages to one person in 24 hours, 0 to 3.")] = None,
    most_per_7d: Annotated[int | None, typer.Option(help="Messages to one person in 7 days, 0 to 21.")] = None,
    messages_per_second: Annotated[int | None, typer.Option(help="Most that all dispatchers send together.")] = None,
    brand_daily_limit: Annotated[int | None, typer.Option(help="Texts of the brand a day.")] = None,
    second_person: Annotated[
        bool | None, typer.Option("--second-person/--no-second-person", help="Another than the author approves.")
    ] = None,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is given, and leave the rest."""
    from leadflow_pipelines.clearance import profile

    given = {
        "sender_name": sender_name, "postal_address": postal_address, "callback_e164": callback,
        "from_email": from_email, "link_domain": link_domain, "calling_width": calling_width,
        "most_per_24h": most_per_24h, "most_per_7d": most_per_7d, "messages_per_second": messages_per_second,
        "brand_daily_limit": brand_daily_limit, "needs_second_person": second_person,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise InvalidInput("Nothing to change was given.", remedy="See `leadflow profile set --help`.")
    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        kept = profile.set_profile(
            connection, workspace.org, changes, actor=actor(as_name), now=dt.datetime.now(dt.UTC)
        )
    _print(workspace.org.slug, asdict(kept), as_json)


@sender_app.command("add")
def add(
    sender: Annotated[str, typer.Argument(help="Number like +16155550123, or a Messaging Service MG….")],
    brand: Annotated[str, typer.Option(help="Registered brand; its daily limit counts over all its senders.")],
    registration: Annotated[str, typer.Option(help="Registered campaign use case at the carriers.")],
    per_second: Annotated[int, typer.Option(min=1, help="Messages a second that carriers allow it.")] = 1,
    inactive: Annotated[bool, typer.Option("--inactive", help="Keep it, and send nothing from it.")] = False,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a number or service that texts come from, or change one."""
    from leadflow_pipelines.clearance.profile import Sender, save_sender

    made = Sender(sender, brand, registration, per_second, not inactive)
    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        save_sender(connection, workspace.org.org_id, made, actor=actor(as_name), now=dt.datetime.now(dt.UTC))
    if as_json:
        print_json(asdict(made))
    else:
        out.print(f"{workspace.org.slug} texts from {sender}.")


@sender_app.command("list")
def list_all(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """List the numbers and services that texts come from."""
    from leadflow_pipelines.clearance.profile import list_senders

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        found = [asdict(sender) for sender in list_senders(connection)]
    if as_json:
        print_json({"senders": found})
        return
    columns = ["sender", "brand", "campaign_registration", "per_second", "is_active"]
    print_table(f"Senders of {workspace.org.slug}", columns, [[row[name] for name in columns] for row in found])


def _print(slug: str, profile: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({"org": slug, **profile})
        return
    print_table(f"Profile of {slug}", ["field", "value"], [(name, show(value)) for name, value in profile.items()])
