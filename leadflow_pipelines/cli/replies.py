"""`leadflow replies`: what people answered, and what somebody has dealt with."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from leadflow_pipelines.cli.acting import ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, err, out, print_json
from leadflow_pipelines.cli.session import open_session

app = typer.Typer(no_args_is_help=True)

SHORT_ID = 8
OPEN_HELP = "Also those that need nobody or were handled."


@app.command("list")
def list_all(
    everything: Annotated[bool, typer.Option("--all", help=OPEN_HELP)] = False,
    reply_class: Annotated[
        str | None,
        typer.Option(
            "--class",
            help="Only interested, not_interested, wrong_number, revocation, start, help or other; of all replies.",
        ),
    ] = None,
    campaign: Annotated[str | None, typer.Option(help="Only replies to this campaign.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Only what comes behind this reply.")] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """List replies that a person has to read, the newest first.

    Opt-outs are obeyed when they arrive, before anybody reads them; here wait those of people who want to talk, and
    those that the rules are not sure of. Tick them off with `leadflow replies handle ID`.
    """
    from leadflow_pipelines.database.tables.outbox import REPLY_CLASSES
    from leadflow_pipelines.errors import InvalidInput
    from leadflow_pipelines.outreach.replies.inbox import list_replies

    if reply_class is not None and reply_class not in REPLY_CLASSES:
        raise InvalidInput(f"No reply is {reply_class}.", remedy=f"Give one of {', '.join(REPLY_CLASSES)}.")
    workspace = open_session(org)
    is_open = None if everything or reply_class else True
    with workspace.database.as_org(workspace.org.org_id) as connection:
        page = list_replies(
            connection, workspace.org.org_id, is_open=is_open, reply_class=reply_class, campaign=campaign,
            most=top, after=after,
        )  # fmt: skip
    if as_json:
        print_json(
            {"org": workspace.org.slug, "matching": page.matching, "replies": page.replies, "next": page.following}
        )
        return
    if not page.replies:
        out.print(_nothing(page.matching, is_open=bool(is_open)), soft_wrap=True)
        return
    for reply in page.replies:
        _print_reply(reply, workspace.settings.zone)
    out.print(
        f"{len(page.replies)} of {page.matching:,}. Tick one off: leadflow replies handle ID --as NAME", soft_wrap=True
    )
    if page.following:
        asked = [
            *(["--all"] if everything else []),
            *(["--class", reply_class] if reply_class else []),
            *(["--campaign", f'"{campaign}"'] if campaign else []),
            *(["--org", org] if org else []),
        ]
        words = " ".join(["leadflow replies list", *asked, "--after", page.following[:SHORT_ID]])
        out.print(f"More: {words}", markup=False, soft_wrap=True)


@app.command("handle")
def handle(
    reply_id: Annotated[str, typer.Argument(metavar="ID", help="The reply's id, or its beginning.")],
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that you read a reply and dealt with it.

    That ends no suppression and starts no campaign again. Who asks to be left alone in a way the rules did not see:
    `leadflow suppress add`.
    """
    from leadflow_pipelines.outreach.replies.inbox import handle_reply

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        handled = handle_reply(
            connection, workspace.org.org_id, reply_id, actor=actor(by), now=dt.datetime.now(dt.UTC)
        )  # fmt: skip
    if as_json:
        print_json({"org": workspace.org.slug, **handled})
        return
    out.print(
        f"{handled['handled_by']} handled the reply {str(handled['inbound_id'])[:SHORT_ID]} "
        f"({handled['reply_class']}).",
        markup=False,
    )


@app.command("poll")
def poll(
    hours: Annotated[int, typer.Option(min=1, max=24 * 30, help="Ask for the replies of so many hours.")] = 48,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the messenger for replies now. A sensor does so every minute where no public URL is set.

    Use it after the gateway was down: a reply that is known already changes nothing.
    """
    from dataclasses import asdict

    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.outreach.replies.poll_replies import poll_replies

    workspace = open_session(org)
    now = dt.datetime.now(dt.UTC)
    polled = poll_replies(
        workspace.database,
        workspace.org,
        since=now - dt.timedelta(hours=hours),
        now=now,
        keys=load_hash_keys(workspace.settings),
        settings=workspace.settings,
    )
    if as_json:
        print_json({"org": workspace.org.slug, **asdict(polled)})
        return
    out.print(
        f"{polled.listed:,} replies, {polled.new:,} new: {polled.suppressed:,} opted out, {polled.needs_person:,} "
        "wait for a person."
    )


@app.command("import")
def import_files(
    paths: Annotated[list[Path], typer.Argument(help=".eml files, mbox files, or folders of them.")],
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take what came to your mailbox: replies by e-mail, bounces, spam complaints. Exits 1 where a mail is unreadable.

    Save the mailbox's messages, or export it as mbox; importing a mail again changes nothing. A reply is matched to the
    message it answers and obeyed at once: an opt-out suppresses the address it was sent to and the one it came from.
    Mail of people you wrote no e-mail to is left alone, and so are answers of machines.
    """
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.outreach.replies.import_mail import import_mail
    from leadflow_pipelines.outreach.replies.mail_files import read_mails

    workspace = open_session(org)
    tally = import_mail(
        workspace.database, workspace.org, read_mails(paths), actor=actor(by), now=dt.datetime.now(dt.UTC),
        keys=load_hash_keys(workspace.settings), settings=workspace.settings,
    )  # fmt: skip
    faults = (*tally.faults, *tally.bounces.faults)
    if as_json:
        print_json({"org": workspace.org.slug, **tally.plain()})
    else:
        out.print(
            f"{tally.mails:,} mails: {tally.replies:,} new replies, {tally.known:,} known, "
            f"{tally.bounces.returned:,} bounces, {tally.complaints:,} complaints. {tally.suppressed:,} opted out, "
            f"{tally.needs_person:,} wait for a person (leadflow replies list)."
        )
        out.print(
            f"Not kept: {tally.automatic:,} answers of machines, {tally.strangers:,} of people you wrote no e-mail to, "
            f"{tally.own:,} of your own."
        )
        for fault in faults:
            err.print(f"Left out: {fault.file}, mail {fault.row}: {fault.message}", markup=False)
    if faults:
        raise typer.Exit(1)


def _print_reply(reply: dict[str, Any], zone: dt.tzinfo) -> None:
    """One reply in full: what people write may be long, and may hold any sign."""
    when = f"{reply['received_at'].astimezone(zone):%Y-%m-%d %H:%M}"
    to_whom = f", campaign {reply['campaign']}, property {reply['property_id']}" if reply["campaign"] else ""
    state = f", handled by {reply['handled_by']}" if reply["handled_by"] else ""
    out.print(
        f"{str(reply['inbound_id'])[:SHORT_ID]}  {when}  {reply['reply_class']}{state}", style="bold", markup=False
    )
    out.print(f"  {reply['contact_value'] or 'erased'} by {reply['channel']}{to_whom}", markup=False)
    text = "(erased)" if reply["body"] is None else "".join(
        sign if sign.isprintable() else " " for sign in reply["body"]
    )  # fmt: skip
    out.print(f"  “{text}”", markup=False)
    out.print()


def _nothing(matching: int, *, is_open: bool) -> str:
    if matching:
        return "No reply comes behind that one. Start at the top: leadflow replies list"
    if is_open:
        return "No reply waits for a person. All of them: leadflow replies list --all"
    return "No such reply has come. Where no webhook reaches you, ask for them: leadflow replies poll"
