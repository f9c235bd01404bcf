"""Call sheets: whom a caller may call now, in the order in which windows close, held for that caller for a while.

A call on a sheet is committed like a message about to be sent: nobody else gets the person, and one that is not
reported by the end of its hold is unknown, never free again. Not here: what came of a call (`call_results`).
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Connection, Row, Select, select

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.head_anchor import publish_head
from leadflow_pipelines.clearance.profile import Profile, read_profile
from leadflow_pipelines.compliance import decide_sends
from leadflow_pipelines.compliance.clear_sends import HISTORY_COLUMNS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import campaign_audience, messages
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.by_hand.take import claim_these, commit_claimed, running_campaign
from leadflow_pipelines.outreach.campaigns.audience import evidence_frame
from leadflow_pipelines.outreach.campaigns.campaigns import Campaign
from leadflow_pipelines.settings import Settings

HOLD = dt.timedelta(hours=1)
MOST_HOLD = dt.timedelta(hours=12)
LOOKED_AT = 5_000
"""Due calls that are put in order for one sheet, the longest due first."""
VOICE = "voice"
CALLER = "caller:"
"""Begins what a held call names as its holder."""


@dataclass(frozen=True)
class Call:
    """One call that may be made now. call_before: end of the window or of the hold, whichever is first.

    local_times: the person's time in every zone they may be in.
    """

    message_id: uuid.UUID
    name: str | None
    phone: str
    street: str | None
    city: str | None
    state: str | None
    local_times: tuple[dt.datetime, ...]
    window_ends_at: dt.datetime
    call_before: dt.datetime
    script: str


@dataclass(frozen=True)
class Later:
    """A call that may not be made yet; it names no number, because it is nobody's until then."""

    message_id: uuid.UUID
    opens_at: dt.datetime
    state: str | None


@dataclass(frozen=True)
class CallSheet:
    """calls: by the end of their windows. later: by their opening. blocked: given up since the last sheet."""

    calls: tuple[Call, ...]
    later: tuple[Later, ...]
    blocked: int = 0


@dataclass(frozen=True)
class _Outlook:
    """Whether and until when a call may be made, leaving earlier attempts aside."""

    closes_at: dt.datetime | None
    zones: tuple[str, ...]


def call_sheet(
    database: Database,
    org: Org,
    name: str,
    *,
    caller: str,
    settings: Settings,
    clock: Callable[[], dt.datetime],
    most: int = 20,
    hold: dt.timedelta = HOLD,
) -> CallSheet:
    """The sheet of a caller: what they hold already, and new calls up to `most`, each decided anew.

    Raises InvalidInput where the campaign does not run or has no calls, and where the org gives no number to call back.
    """
    if not dt.timedelta(minutes=1) <= hold <= MOST_HOLD:
        raise InvalidInput("Calls are held from one minute to twelve hours.")
    now, by = clock(), f"{CALLER}{caller}"
    campaign = running_campaign(database, org, name, channel=VOICE, actor=caller, settings=settings, now=now)
    with database.as_org(org.org_id) as connection:
        profile = read_profile(connection, org)
    if profile.callback_e164 is None:
        raise InvalidInput(
            "The org gives no number at which callers can be called back (47 CFR 64.1200(d)(4)).",
            remedy="Set it: `leadflow profile set --callback +1…`.",
        )
    held = _known_calls(database, org, _held(org, campaign, by, now), settings, campaign, now)
    blocked = 0
    if len(held) < most:
        due = _outlooks(database, org, _due(org, campaign, now), settings, campaign, now)
        blocked = _commit(
            database, org, campaign, due, most - len(held), by=by, profile=profile, settings=settings, now=now,
            until=now + hold,
        )  # fmt: skip
        held = _known_calls(database, org, _held(org, campaign, by, now), settings, campaign, now)
    publish_head(database, org, settings, now=now)
    calls = sorted(held, key=lambda call: (call.window_ends_at, str(call.message_id)))
    return CallSheet(tuple(calls), _later(database, org, campaign, now, most), blocked)


def _commit(
    database: Database, org: Org, campaign: Campaign, due: dict[uuid.UUID, _Outlook], most: int, *, by: str,
    profile: Profile, settings: Settings, now: dt.datetime, until: dt.datetime,
) -> int:  # fmt: skip
    """Commits up to `most` calls, those whose window closes first; returns how many were given up.

    Whoever may not be called now is decided as well, so that they wait for their opening or are blocked.
    """
    ends = {message_id: outlook.closes_at for message_id, outlook in due.items()}
    may_be_called = sorted((end, str(one), one) for one, end in ends.items() if end is not None)
    group = [one for one, end in ends.items() if end is None]
    left = [one for _, _, one in may_be_called]
    ready = blocked = 0
    while group or (left and ready < most):
        if not group:
            group, left = left[: most - ready], left[most - ready :]
        with database.as_org(org.org_id) as connection:
            claimed = claim_these(connection, org.org_id, group, by=by, now=now)
        decided = commit_claimed(
            database, org, campaign.campaign_id, claimed, channel=VOICE, by=by, profile=profile, settings=settings,
            now=now, until=until,
        )  # fmt: skip
        ready, blocked, group = ready + len(decided.ready), blocked + decided.blocked, []
    return blocked


def _calls(org: Org, campaign: Campaign, state: str) -> Select[tuple[Any, ...]]:
    table, audience = messages.c, campaign_audience.c
    return (
        select(table.message_id, table.body, table.contact_value, table.claimed_until, audience.evidence)
        .join(
            campaign_audience,
            (audience.org_id == table.org_id)
            & (audience.campaign_id == table.campaign_id)
            & (audience.contact_point_id == table.contact_point_id),
        )
        .where(
            table.org_id == org.org_id, table.campaign_id == campaign.campaign_id, table.channel == VOICE,
            table.state == state, audience.evidence.is_not(None), audience.stopped_because.is_(None),
        )
    )  # fmt: skip


def _due(org: Org, campaign: Campaign, now: dt.datetime) -> Select[tuple[Any, ...]]:
    table = messages.c
    chosen = _calls(org, campaign, "queued").where(
        table.due_at <= now, table.expires_at.is_(None) | (table.expires_at > now)
    )
    return chosen.order_by(table.due_at).limit(LOOKED_AT)


def _held(org: Org, campaign: Campaign, by: str, now: dt.datetime) -> Select[tuple[Any, ...]]:
    table = messages.c
    return _calls(org, campaign, "sending").where(table.claimed_by == by, table.claimed_until > now)


def _outlooks(
    database: Database, org: Org, asked: Select[tuple[Any, ...]], settings: Settings, campaign: Campaign,
    now: dt.datetime,
) -> dict[uuid.UUID, _Outlook]:  # fmt: skip
    with database.as_org(org.org_id) as connection:
        rows = connection.execute(asked).all()
        return _outlook_of(connection, org, rows, settings=settings, campaign=campaign, now=now)


def _known_calls(
    database: Database, org: Org, asked: Select[tuple[Any, ...]], settings: Settings, campaign: Campaign,
    now: dt.datetime,
) -> list[Call]:  # fmt: skip
    """Held calls that may still be made: whoever was suppressed, or whose window closed, is left out."""
    with database.as_org(org.org_id) as connection:
        rows = connection.execute(asked).all()
        outlooks = _outlook_of(connection, org, rows, settings=settings, campaign=campaign, now=now)
    calls = []
    for row in rows:
        ends_at, zones = outlooks[row.message_id].closes_at, outlooks[row.message_id].zones
        if ends_at is None:
            continue
        fields = row.evidence["fields"]
        calls.append(
            Call(
                message_id=row.message_id,
                name=fields["full_name"] or row.evidence["evidence"]["person_name"],
                phone=row.contact_value,
                street=fields["street"],
                city=fields["city"],
                state=fields["state"],
                local_times=tuple(now.astimezone(ZoneInfo(zone)) for zone in zones),
                window_ends_at=ends_at,
                call_before=min(ends_at, row.claimed_until),
                script=row.body,
            )
        )
    return calls


def _outlook_of(
    connection: Connection, org: Org, rows: Sequence[Row[Any]], *, settings: Settings, campaign: Campaign,
    now: dt.datetime,
) -> dict[uuid.UUID, _Outlook]:  # fmt: skip
    """The decision at `now` but for caps, which the commitment weighs: it is what orders a sheet."""
    if not rows:
        return {}
    evidence = gather_evidence(
        connection, org, evidence_frame([row.evidence for row in rows]), now=now, settings=settings
    )
    decided = decide_sends(
        evidence.points.with_columns(channel=pl.lit(VOICE), is_registered=pl.lit(value=False)),
        instant=now,
        history=pl.DataFrame(schema=HISTORY_COLUMNS),
        limits=evidence.limits,
        purpose=campaign.purpose,
        **evidence.asked,
    )
    found = decided.select("verdict", "closes_at", "zones").rows()
    return {
        row.message_id: _Outlook(closes_at if verdict == "cleared" else None, tuple(zones or ()))
        for row, (verdict, closes_at, zones) in zip(rows, found, strict=True)
    }


def _later(database: Database, org: Org, campaign: Campaign, now: dt.datetime, most: int) -> tuple[Later, ...]:
    table = messages.c
    waiting = _calls(org, campaign, "queued").add_columns(table.due_at).where(table.due_at > now)
    with database.as_org(org.org_id) as connection:
        rows = connection.execute(waiting.order_by(table.due_at, table.message_id).limit(most)).all()
    return tuple(Later(row.message_id, row.due_at, row.evidence["fields"]["state"]) for row in rows)
