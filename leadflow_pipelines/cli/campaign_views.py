"""Looking at campaigns: whom one would reach and with what, how it stands, and a text to one's own phone."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.acting import NOT_ADVICE, ActorOption, actor
from leadflow_pipelines.cli.console import DayOption, JsonOption, OrgOption, err, out, print_json, print_table, progress
from leadflow_pipelines.cli.session import open_session, parse_day
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    from leadflow_pipelines.outreach.campaigns.audience import Split
    from leadflow_pipelines.outreach.rehearsal.preview import Flag, Sample

LOOKED_UP = ("dnc_unknown", "dnc_stale", "reassigned_unknown")
NameArgument = Annotated[str, typer.Argument(help="Name of the campaign.")]


def preview(
    name: NameArgument,
    zip_codes: Annotated[list[str] | None, typer.Option("--zip", help="ZIP of the outreach lists; repeat.")] = None,
    day: DayOption = None,
    people: Annotated[Path | None, typer.Option("--people", help="CSV of your own contacts, as for review.")] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how many are cleared and blocked per channel, why, and three messages as people would get them.

    Nothing is kept. A draft says whom to look at (--zip, or --people); a reviewed campaign shows its own audience.
    """
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.outreach.campaigns.audience import preview_audience, take_audience, take_own_people
    from leadflow_pipelines.outreach.campaigns.campaigns import load_campaign
    from leadflow_pipelines.outreach.campaigns.own_people import read_own_people
    from leadflow_pipelines.outreach.rehearsal import preview as rehearsal

    workspace = open_session(org)
    now, of_day, org_id = dt.datetime.now(dt.UTC), parse_day(day, workspace.settings), workspace.org.org_id
    keys, lake = load_hash_keys(workspace.settings), workspace.lake
    looking: dict[str, Any] = {"now": now, "settings": workspace.settings}
    faults: list[Any] = []
    with workspace.database.as_org(org_id) as connection:
        campaign = load_campaign(connection, org_id, name)
        if not campaign.steps:
            raise InvalidInput(f"{name} has no step.", remedy=f"leadflow campaign step {name} --template NAME")
        given_up = connection.begin_nested()
        zips = list(zip_codes or ())
        if campaign.state != "draft":
            split = rehearsal.split_people(
                connection, workspace.org, campaign, rehearsal.audience_people(connection, org_id, campaign), **looking
            )
            zips = list(campaign.audience.get("zips", ()))
            of_day = dt.date.fromisoformat(campaign.audience.get("day", of_day.isoformat()))
        elif people is not None:
            frame, faults = read_own_people(people, keys, day=of_day, now=now)
            take_own_people(connection, org_id, campaign, frame, keys, source=people.name)
            split = rehearsal.split_people(connection, workspace.org, campaign, frame, **looking)
        elif zips:
            channels = list(dict.fromkeys(one.channel for one in campaign.steps))
            split = preview_audience(connection, org_id, channels=channels, zips=zips, day=of_day)
            take_audience(connection, lake, org_id, campaign, keys, zips=zips, day=of_day)
        else:
            raise InvalidInput("Say whom it would be for.", remedy="Give --zip ZIP (and --day), or --people FILE.csv.")
        samples = rehearsal.render_samples(connection, workspace.org, campaign, **looking)
        leads = rehearsal.audience_properties(connection, org_id, campaign)
        given_up.rollback()
    flags = rehearsal.foreclosure_flags(lake, zips=zips, day=of_day, property_ids=leads) if zips else []
    if as_json:
        print_json({"name": name, "state": campaign.state, **asdict(split), "samples": [asdict(one) for one in samples],
                    "pre_foreclosure": [asdict(one) for one in flags], "faults": [asdict(one) for one in faults],
                    "note": NOT_ADVICE})  # fmt: skip
        return
    for fault in faults:
        err.print(f"Left out: row {fault.row}, {fault.column}: {fault.message} {fault.remedy}", markup=False)
    _print_split(split)
    if any(code in LOOKED_UP for told in split.reasons.values() for code in told):
        of_whom = "" if zips else f" --campaign {name}, once it is reviewed"
        out.print(f"Some wait for a look-up; which, and at what price: leadflow dnc needed{of_whom}\n", markup=False)
    _print_flags(flags)
    _print_samples(samples)
    out.print(NOT_ADVICE)


def status(name: NameArgument, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Show where a campaign stands: messages by state, what blocked or failed, replies, clicks, and what waits."""
    from leadflow_pipelines.outreach.campaigns.campaign_status import campaign_status
    from leadflow_pipelines.outreach.campaigns.campaigns import load_campaign

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        campaign = load_campaign(connection, workspace.org.org_id, name)
        told = campaign_status(connection, workspace.org.org_id, campaign)
    if as_json:
        print_json({"name": name, "state": campaign.state, "paused_because": campaign.paused_because, **asdict(told)})
        return
    because = f" because {campaign.paused_because}" if campaign.paused_because else ""
    out.print(f"[bold]{name}[/bold] is {campaign.state}{because}.", highlight=False)
    out.print(f"{told.people:,} people, {told.held_out:,} held out; {sum(told.stopped.values()):,} get nothing more.")
    if not told.states:
        err.print("It has queued no message yet. A running campaign queues when `leadflow dispatch` looks.")
        return
    print_table("Messages", ["step", "channel", "state", "messages"],
                [(str(one["step"]), *list(one.values())[1:]) for one in told.steps])  # fmt: skip
    if told.failure_share is not None:
        out.print(f"Failed: {told.failure_share:.1%} of those whose fate is known.\n")
    if told.blocked:
        print_table("Blocked", ["reason", "messages", "in words"], _in_words(told.blocked))
    if told.failed:
        print_table("Failed", ["code", "messages"], told.failed.items())
    if told.waiting:
        rows = [
            (", ".join(one.reason_codes) or "its turn", one.messages, f"{one.until:%Y-%m-%d %H:%M} UTC")
            for one in told.waiting
        ]
        print_table("Waiting", ["for", "messages", "until"], rows)
    replies = ", ".join(f"{count:,} {kind}" for kind, count in told.replies.items()) or "none"
    out.print(f"Replies: {replies}. Clicks: {told.clicks:,}.")


def list_all(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """List the campaigns, the newest first."""
    from leadflow_pipelines.outreach.campaigns.campaigns import list_campaigns

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        found = list_campaigns(connection, workspace.org.org_id)
    if as_json:
        print_json({"campaigns": [{**vars(one), "steps": [vars(step) for step in one.steps]} for one in found]})
    elif not found:
        err.print("There is no campaign yet. Begin one: leadflow campaign create NAME")
    else:
        columns = ["name", "state", "steps", "people", "by", "approved by"]
        rows = [
            (one.name, one.state, ", ".join(step.channel for step in one.steps), one.audience.get("people"),
             one.created_by, one.approved_by)
            for one in found
        ]  # fmt: skip
        print_table("Campaigns", columns, rows)


def trial_send(
    name: NameArgument,
    to: Annotated[str, typer.Option(help="Your own phone, e.g. +15125550123.")],
    step: Annotated[int, typer.Option(min=1, help="Step whose text to send.")] = 1,
    is_own_number: Annotated[
        bool, typer.Option("--i-own-this-number", help="You say that the phone is yours; the proof keeps your word.")
    ] = False,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send one text of the campaign to your own phone, with invented merge fields.

    The number needs a consent on record, or your word that it is yours. Suppression, hours, holds and the sender's
    registration hold as for anybody. It is no message of the campaign and counts in none of its figures.
    """
    from leadflow_pipelines.outreach.campaigns.campaigns import load_campaign
    from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
    from leadflow_pipelines.outreach.rehearsal.trial_send import send_trial

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        campaign = load_campaign(connection, workspace.org.org_id, name)
    messenger = open_messenger("sms", workspace.org, workspace.settings)
    progress("Deciding and sending")
    tried = send_trial(
        workspace.database, workspace.org, campaign, messenger, to=to, step=step, is_own_number=is_own_number,
        actor=actor(by), settings=workspace.settings, now=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    if as_json:
        print_json(asdict(tried))
    elif tried.outcome == "sent":
        out.print(f"Sent as {tried.provider_id}:\n{tried.body}", markup=False)
    else:
        out.print(f"Not sent: {tried.outcome}. {tried.detail or ''}", markup=False)
        for code, _, words in _in_words(dict.fromkeys(tried.reason_codes, 1)):
            out.print(f"  {code}: {words}", markup=False)
    if tried.outcome != "sent":
        raise typer.Exit(1)


def _in_words(counts: Mapping[str, int]) -> list[tuple[str, int, str]]:
    """Each code with its count, and what it means; a code of the messenger's or dispatcher's own has no words here."""
    from leadflow_pipelines.compliance import explain_reason

    rows = []
    for code, count in counts.items():
        try:
            rows.append((code, count, explain_reason(code).text))
        except KeyError:
            rows.append((code, count, OWN_WORDS.get(code.partition(":")[0], "")))
    return rows


OWN_WORDS = {
    "expired": "It could not be sent before the campaign's end.",
    "missing_field": "A merge field has no value for this person.",
    "no_sender": "The org has set nothing to send from.",
    "no_unsubscribe_address": "An e-mail needs an address where one click stops it.",
    "window_closes": "The calling window closes within a minute.",
}


def _print_split(split: "Split") -> None:
    for channel, cleared in split.cleared.items():
        out.print(f"[bold]{channel}[/bold]: {cleared:,} cleared, {split.blocked[channel]:,} blocked")
        if split.reasons[channel]:
            print_table("", ["reason", "people", "in words"], _in_words(split.reasons[channel]))


def _print_flags(flags: "list[Flag]") -> None:
    if not flags:
        return
    total = sum(one.leads for one in flags)
    out.print(f"[bold yellow]{total:,} leads in pre-foreclosure[/] lie where buying from owners in foreclosure is "
              "regulated. Have somebody who knows the law read this before they are contacted:")  # fmt: skip
    print_table("", ["state", "leads", "statute"], [(one.state, one.leads, one.statute) for one in flags])


def _print_samples(samples: "list[Sample]") -> None:
    if not samples:
        out.print("Nobody of the audience would get a message.\n")
    for one in samples:
        size = f", {one.segments} segment(s)" if one.segments else ""
        out.print(f"[bold]Step {one.step}, {one.channel}[/bold] to ", end="")
        out.print(f"{one.to}{size}", markup=False)
        if one.subject:
            out.print(f"Subject: {one.subject}", markup=False)
        out.print(f"{one.body if one.fault is None else 'Cannot be written: ' + one.fault}\n", markup=False)
