"""`leadflow campaign`: from a draft to its end. What it would do and how it stands is in `campaign_views`."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from leadflow_pipelines.cli.acting import NOT_ADVICE, ActorOption, actor
from leadflow_pipelines.cli.campaign_views import list_all, preview, status, trial_send
from leadflow_pipelines.cli.console import DayOption, JsonOption, OrgOption, err, out, print_json, print_table, progress
from leadflow_pipelines.cli.session import open_session, parse_day
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    from leadflow_pipelines.outreach.campaigns.campaigns import Campaign

app = typer.Typer(
    no_args_is_help=True,
    help="Campaigns: draft → reviewed → approved → running → completed.",
    epilog="""A whole life, for people of your own file who agreed to texts:

leadflow campaign template hello --channel sms --body "{sender_name} here about {street}. {opt_out}"

leadflow campaign create spring

leadflow campaign step spring --template hello

leadflow campaign step spring --template letter --after-hours 72

leadflow campaign preview spring --people consented.csv

leadflow campaign review spring --people consented.csv

leadflow campaign test-send spring --to +15125550123 --i-own-this-number

leadflow campaign approve spring --as bob

leadflow campaign start spring; leadflow dispatch

leadflow campaign status spring""",
)
NameArgument = Annotated[str, typer.Argument(help="Name of the campaign.")]
ZipOption = Annotated[
    list[str] | None, typer.Option("--zip", help="ZIP whose outreach list it is for; repeat for more.")
]
PeopleOption = Annotated[
    Path | None,
    typer.Option("--people", help="CSV of your own contacts: kind, phone, email, mailing_street, … (see --help)."),
]

app.command("preview")(preview)
app.command("status")(status)
app.command("list")(list_all)
app.command("test-send")(trial_send)


@app.command("template")
def template(
    name: Annotated[str, typer.Argument(help="Name of the template.")],
    channel: Annotated[Literal["sms", "voice", "mail", "email"], typer.Option(help="What it is for.")],
    body: Annotated[str | None, typer.Option(help="The text, with merge fields in {braces}.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="File with the text instead.")] = None,
    subject: Annotated[str | None, typer.Option(help="Subject of an e-mail, heading of a letter.")] = None,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a text as a template. Saving another text under the name makes its next version.

    Merge fields: {first_name}, {full_name}, {street}, {city}, {state}, {zip}, {sender_name}, {sender_phone},
    {postal_address}, {opt_out}, {unsubscribe_link}. {first_name|neighbour} has a word for those whose name is unknown;
    {link:https://homes.example/offer} is a link on your own domain whose clicks are counted.
    """
    from leadflow_pipelines.clearance.members import require_member
    from leadflow_pipelines.outreach.campaigns.merge_fields import FIELD, OPT_OUT_TEXT, links_of
    from leadflow_pipelines.outreach.campaigns.templates import save_template
    from leadflow_pipelines.outreach.rehearsal.trial_send import INVENTED
    from leadflow_pipelines.outreach.segments import segments

    if (body is None) == (file is None):
        raise InvalidInput("Give the text, once.", remedy="Use --body TEXT or --file FILE.")
    text = body if body is not None else _text_of(file)
    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        require_member(connection, actor(by))
        saved = save_template(
            connection, workspace.org.org_id, name=name, channel=channel, subject=subject, body=text, actor=actor(by),
            now=dt.datetime.now(dt.UTC),
        )  # fmt: skip
    used = list(dict.fromkeys(found.group(1) for found in FIELD.finditer(f"{subject or ''}\n{text}")))
    values = {**INVENTED, "sender_name": workspace.org.name, "opt_out": OPT_OUT_TEXT}
    filled = FIELD.sub(lambda found: values.get(found.group(1)) or found.group(2) or "", text)
    size = segments(filled) if channel == "sms" else None
    if as_json:
        print_json({"name": name, "version": saved.version, "channel": channel, "fields": used, "links": links_of(text),
                    "segments": size and {"count": size.count, "encoding": size.encoding, "units": size.units,
                                          "units_left": size.units_left}})  # fmt: skip
        return
    out.print(f"{name}, version {saved.version}, for {channel}. Fields: {', '.join(used) or 'none'}.", markup=False)
    if size:
        many = "segment" if size.count == 1 else "segments"
        out.print(
            f"With invented values it is {size.count} {many} ({size.encoding}, {size.units} units, "
            f"{size.units_left} left); longer names and tracked links may make it more.",
            markup=False,
        )
        if size.encoding == "UCS-2":
            odd = sorted({character for character in filled if segments(character).encoding == "UCS-2"})
            out.print(f"These characters make it cost more: {' '.join(odd)}", markup=False)


@app.command("templates")
def templates(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """List the templates, each in its newest version."""
    from leadflow_pipelines.outreach.campaigns.templates import list_templates

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        kept = list_templates(connection, workspace.org.org_id)
    if as_json:
        print_json({"templates": [vars(one) for one in kept]})
    elif not kept:
        err.print("There is no template yet. Make one: leadflow campaign template --help")
    else:
        rows = [(one.name, one.version, one.channel, one.created_by, one.body) for one in kept]
        print_table("Templates", ["name", "version", "channel", "by", "text"], rows)


@app.command("create")
def create(
    name: NameArgument,
    holdout: Annotated[
        float, typer.Option("--holdout", min=0, max=0.99, help="Share left alone, to measure what it changes.")
    ] = 0,
    pause_above: Annotated[
        float, typer.Option("--pause-above", min=0.01, max=1, help="Share of failures that pauses it.")
    ] = 0.2,
    ends: Annotated[
        str | None, typer.Option("--ends", metavar="YYYY-MM-DD", help="Last day on which it sends.")
    ] = None,
    purpose: Annotated[str, typer.Option(help="Purpose that consents must cover.")] = "marketing",
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin a draft. It must not serve credit, housing, employment or insurance decisions."""
    from leadflow_pipelines.outreach.campaigns.campaigns import create_campaign

    workspace = open_session(org)
    ends_at = None
    if ends:
        last = _day(ends)
        midnight = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), workspace.settings.zone)
        ends_at = midnight.astimezone(dt.UTC)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        made = create_campaign(
            connection, workspace.org.org_id, name=name, actor=actor(by), now=dt.datetime.now(dt.UTC), purpose=purpose,
            holdout_share=Decimal(str(holdout)), error_threshold=Decimal(str(pause_above)), ends_at=ends_at,
        )  # fmt: skip
    _told(made, as_json, f"Add steps: leadflow campaign step {name} --template NAME")


@app.command("step")
def step(
    name: NameArgument,
    template: Annotated[str, typer.Option(help="Template of the step; it says the channel.")],
    after_hours: Annotated[int, typer.Option("--after-hours", min=0, help="Hours after the step before it.")] = 0,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a step to a draft, with the template as it is now. Whoever answers gets no further step."""
    from leadflow_pipelines.outreach.campaigns.campaigns import add_step

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        made = add_step(
            connection, workspace.org.org_id, name, template_name=template, delay_hours=after_hours, actor=actor(by)
        )
    _told(made, as_json, f"See whom it would reach: leadflow campaign preview {name} --help")


@app.command("review")
def review(
    name: NameArgument,
    zip_codes: ZipOption = None,
    day: DayOption = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Only so many leads, best first.")] = None,
    people: PeopleOption = None,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fix texts and audience: the cleared people of some ZIPs and a day, or those of your own file.

    A file has the columns kind (phone, email, mailing) and phone, email or mailing_street, mailing_city, mailing_state,
    mailing_zip; and where you have them line_type (mobile, landline, voip), full_name, first_name, street, city, state,
    zip, property_id. Rows that cannot be used are named; the others are taken. Texts need consents on record:
    `leadflow consent import`.
    """
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.outreach.campaigns import campaigns
    from leadflow_pipelines.outreach.campaigns.audience import take_audience, take_own_people
    from leadflow_pipelines.outreach.campaigns.own_people import read_own_people

    workspace = open_session(org)
    now, of_day, who = dt.datetime.now(dt.UTC), parse_day(day, workspace.settings), actor(by)
    keys = load_hash_keys(workspace.settings)
    _one_source(zip_codes, people)
    faults: list[Any] = []
    with workspace.database.as_org(workspace.org.org_id) as connection:
        campaign = campaigns.load_campaign(connection, workspace.org.org_id, name, lock=True)
        if campaign.state != "draft":
            raise InvalidInput(
                f"{name} is {campaign.state}; only a draft is reviewed.", remedy=f"leadflow campaign reopen {name}"
            )
        progress("Taking the audience")
        if people is not None:
            frame, faults = read_own_people(people, keys, day=of_day, now=now)
            taken = take_own_people(connection, workspace.org.org_id, campaign, frame, keys, source=people.name)
        else:
            taken = take_audience(
                connection, workspace.lake, workspace.org.org_id, campaign, keys, zips=zip_codes or (), day=of_day,
                most=top,
            )  # fmt: skip
        made = campaigns.review(connection, workspace.org.org_id, name, audience=taken, actor=who, now=now)
    if as_json:
        print_json({**_shown(made), "faults": [vars(fault) for fault in faults]})
        return
    for fault in faults:
        err.print(f"Left out: row {fault.row}, {fault.column}: {fault.message} {fault.remedy}", markup=False)
    out.print(
        f"{name} is reviewed: {taken['people']:,} people of {taken['leads']:,} leads, {taken['held_out']:,} held out.",
        markup=False,
    )
    out.print(f"{NOT_ADVICE} Each is decided anew when it is sent to.")
    out.print(f"Next, by another member where there is one: leadflow campaign approve {name} --as NAME", markup=False)


@app.command("approve")
def approve(name: NameArgument, by: ActorOption = None, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Allow a reviewed campaign to start; by another than its author where the org has a second person."""
    _act("approve", name, by, org, as_json, f"leadflow campaign start {name}")


@app.command("start")
def start(name: NameArgument, by: ActorOption = None, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Run an approved campaign. `leadflow dispatch` sends what it owes."""
    _act("start", name, by, org, as_json, "leadflow dispatch")


@app.command("pause")
def pause(
    name: NameArgument,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks at it later.")] = "paused by a member",
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send nothing more of it until it is resumed."""
    _act("pause", name, by, org, as_json, f"leadflow campaign resume {name}", reason=reason)


@app.command("resume")
def resume(name: NameArgument, by: ActorOption = None, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Go on where it stood."""
    _act("resume", name, by, org, as_json, "leadflow dispatch")


@app.command("complete")
def complete(name: NameArgument, by: ActorOption = None, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """End a campaign of which nothing waits."""
    _act("complete", name, by, org, as_json, f"leadflow campaign status {name}")


@app.command("cancel")
def cancel(
    name: NameArgument,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a campaign for good and cancel what waits. What a messenger has is on its way."""
    _act("cancel", name, by, org, as_json, f"leadflow campaign status {name}", reason=reason)


@app.command("reopen")
def reopen(name: NameArgument, by: ActorOption = None, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Make a reviewed or approved campaign a draft again; its audience is forgotten."""
    _act("reopen", name, by, org, as_json, f"leadflow campaign review {name}")


def _act(
    verb: str, name: str, by: str | None, org: str | None, as_json: bool, follows: str, **asked: Any
) -> None:  # fmt: skip
    from leadflow_pipelines.outreach.campaigns import campaigns

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        made = getattr(campaigns, verb)(
            connection, workspace.org.org_id, name, actor=actor(by), now=dt.datetime.now(dt.UTC), **asked
        )
    _told(made, as_json, f"Next: {follows}")


def _told(campaign: "Campaign", as_json: bool, follows: str) -> None:
    if as_json:
        print_json(_shown(campaign))
        return
    steps = ", ".join(f"{one.step} {one.channel} ({one.template_name})" for one in campaign.steps) or "no steps yet"
    out.print(f"{campaign.name} is {campaign.state}: {steps}.", markup=False)
    out.print(follows, markup=False)


def _shown(campaign: "Campaign") -> dict[str, Any]:
    return {**vars(campaign), "steps": [vars(one) for one in campaign.steps]}


def _one_source(zips: list[str] | None, people: Path | None) -> None:
    if bool(zips) == (people is not None):
        raise InvalidInput(
            "Say whom it is for, in one way.", remedy="Give --zip ZIP (and --day), or --people FILE.csv."
        )


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"--ends {text!r} is not a date.", remedy="Write it like 2026-12-31.") from error


def _text_of(file: Path | None) -> str:
    assert file is not None
    try:
        return file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.", remedy="Give a text file in UTF-8.") from error
