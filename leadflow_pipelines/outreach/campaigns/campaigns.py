"""Campaigns and where they stand: draft → reviewed → approved → running ⇄ paused → completed, or cancelled.

Each step is one transaction that locks the campaign, checks, notes who did it and adds to the chain of proof; a trigger
in the database refuses whatever is not in TRANSITIONS. Not here: whom it is for (`audience`), its messages (`outbox`).
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from leadflow_pipelines.clearance.members import list_members, require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance import lawful
from leadflow_pipelines.database.tables import (
    campaign_audience,
    campaign_changes,
    campaign_steps,
    campaigns,
    messages,
    outreach_profiles,
)
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns.templates import load_template

TRANSITIONS: dict[str, tuple[str, ...]] = {
    "draft": ("reviewed", "cancelled"),
    "reviewed": ("draft", "approved", "cancelled"),
    "approved": ("running", "draft", "cancelled"),
    "running": ("paused", "completed", "cancelled"),
    "paused": ("running", "cancelled"),
    "completed": (),
    "cancelled": (),
}
DISPATCHER = "dispatcher"
"""Who pauses and completes campaigns by itself."""


@dataclass(frozen=True)
class Step:
    """One step: what goes over which channel, so many hours after the step before."""

    step: int
    channel: str
    template_name: str
    template_version: int
    delay_hours: int


@dataclass(frozen=True)
class Campaign:
    """A campaign with its steps."""

    campaign_id: uuid.UUID
    name: str
    purpose: str
    state: str
    audience: Mapping[str, Any]
    holdout_share: Decimal
    error_threshold: Decimal
    ends_at: dt.datetime | None
    created_by: str
    created_at: dt.datetime
    reviewed_by: str | None
    approved_by: str | None
    paused_because: str | None
    steps: tuple[Step, ...]


def create_campaign(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    name: str,
    actor: str,
    now: dt.datetime,
    purpose: str = "marketing",
    holdout_share: Decimal = Decimal(0),
    error_threshold: Decimal = Decimal("0.2"),
    ends_at: dt.datetime | None = None,
) -> Campaign:
    """A new draft. Raises InvalidInput for a name that is taken, a refused purpose or shares out of range."""
    require_member(connection, actor)
    lawful(purpose)
    if not 0 <= holdout_share < 1 or not 0 < error_threshold <= 1:
        raise InvalidInput("The hold-out share lies from 0 to below 1, the error threshold above 0 up to 1.")
    if ends_at is not None and ends_at <= now:
        raise InvalidInput(f"The campaign would have ended on {ends_at:%Y-%m-%d}.", remedy="Name a later day.")
    if _find(connection, org_id, name) is not None:
        raise InvalidInput(f"There is a campaign {name} already.", remedy="Choose another name.")
    campaign_id = uuid.uuid4()
    connection.execute(
        insert(campaigns).values(
            campaign_id=campaign_id, org_id=org_id, name=name, purpose=purpose, state="draft",
            holdout_share=holdout_share, error_threshold=error_threshold, ends_at=ends_at, created_by=actor,
            created_at=now,
        )
    )  # fmt: skip
    _note(connection, org_id, campaign_id, None, "draft", actor=actor, now=now, reason=None)
    return load_campaign(connection, org_id, name)


def add_step(
    connection: Connection, org_id: uuid.UUID, name: str, *, template_name: str, delay_hours: int, actor: str
) -> Campaign:
    """Adds a step to a draft, with the template as it is now. `actor` must be a member where the org has any."""
    require_member(connection, actor)
    campaign = load_campaign(connection, org_id, name, lock=True)
    _expect(campaign, "draft", "gets steps")
    template = load_template(connection, org_id, template_name)
    connection.execute(
        insert(campaign_steps).values(
            campaign_id=campaign.campaign_id, org_id=org_id, step=len(campaign.steps) + 1, channel=template.channel,
            template_name=template.name, template_version=template.version, delay_hours=delay_hours,
        )
    )  # fmt: skip
    return load_campaign(connection, org_id, name)


def review(
    connection: Connection, org_id: uuid.UUID, name: str, *, audience: Mapping[str, Any], actor: str, now: dt.datetime
) -> Campaign:
    """Fixes texts and audience, as `audience.take_audience` took it in the same transaction."""
    campaign = load_campaign(connection, org_id, name, lock=True)
    if not campaign.steps:
        raise InvalidInput(f"The campaign {name} has no step.", remedy="Add one: `leadflow campaign step`.")
    if not audience.get("people"):
        raise InvalidInput(
            f"Nobody is in the audience of {name}.",
            remedy="Preview it: `leadflow campaign preview` tells who is blocked, and why.",
        )
    return _move(connection, org_id, campaign, "reviewed", actor, now, reviewed_by=actor, audience=dict(audience))


def approve(connection: Connection, org_id: uuid.UUID, name: str, *, actor: str, now: dt.datetime) -> Campaign:
    """Lets it be started. By another than its author where the org has a second person and wants so."""
    campaign = load_campaign(connection, org_id, name, lock=True)
    if actor == campaign.created_by and _wants_second_person(connection, org_id):
        raise InvalidInput(
            f"{actor} made the campaign {name} and cannot approve it alone.",
            remedy="Let another member approve it: `leadflow campaign approve --as NAME`.",
        )
    return _move(connection, org_id, campaign, "approved", actor, now, approved_by=actor)


def start(connection: Connection, org_id: uuid.UUID, name: str, *, actor: str, now: dt.datetime) -> Campaign:
    """Runs it. Raises InvalidInput where the org has not said who it is."""
    campaign = load_campaign(connection, org_id, name, lock=True)
    if connection.execute(select(outreach_profiles).where(outreach_profiles.c.org_id == org_id)).first() is None:
        raise InvalidInput(
            "The org has no profile: nobody knows who writes.", remedy="Set it: `leadflow profile set --help`."
        )
    return _move(connection, org_id, campaign, "running", actor, now, paused_because=None)


def pause(
    connection: Connection, org_id: uuid.UUID, name: str, *, actor: str, now: dt.datetime, reason: str
) -> Campaign:
    """Nothing more of it is sent until it is resumed; what was given to a messenger is on its way."""
    campaign = load_campaign(connection, org_id, name, lock=True)
    return _move(connection, org_id, campaign, "paused", actor, now, reason=reason, paused_because=reason)


def resume(connection: Connection, org_id: uuid.UUID, name: str, *, actor: str, now: dt.datetime) -> Campaign:
    """Goes on where it stood. Messages whose time ran out meanwhile are not sent any more."""
    campaign = load_campaign(connection, org_id, name, lock=True)
    _expect(campaign, "paused", "is resumed")
    return _move(connection, org_id, campaign, "running", actor, now, paused_because=None)


def complete(connection: Connection, org_id: uuid.UUID, name: str, *, actor: str, now: dt.datetime) -> Campaign:
    """Ends it; nothing of it may be waiting."""
    campaign = load_campaign(connection, org_id, name, lock=True)
    if waiting := count_messages(connection, org_id, campaign.campaign_id, ("queued", "sending")):
        raise InvalidInput(f"{waiting} messages of {name} are waiting.", remedy="Let them go, or cancel it.")
    return _move(connection, org_id, campaign, "completed", actor, now)


def cancel(
    connection: Connection, org_id: uuid.UUID, name: str, *, actor: str, now: dt.datetime, reason: str | None = None
) -> Campaign:
    """Ends it for good and cancels what waits."""
    campaign = load_campaign(connection, org_id, name, lock=True)
    waiting = messages.c
    connection.execute(
        update(messages)
        .where(
            waiting.org_id == org_id,
            waiting.campaign_id == campaign.campaign_id,
            waiting.state == "queued",
        )
        .values(state="cancelled", settled_at=now, error_code="campaign_cancelled", claimed_by=None, claimed_until=None)
    )
    return _move(connection, org_id, campaign, "cancelled", actor, now, reason=reason)


def reopen(connection: Connection, org_id: uuid.UUID, name: str, *, actor: str, now: dt.datetime) -> Campaign:
    """Back to a draft, to be changed and reviewed again; its audience is forgotten."""
    campaign = load_campaign(connection, org_id, name, lock=True)
    audience = campaign_audience.c
    connection.execute(
        delete(campaign_audience).where(
            audience.org_id == org_id, audience.campaign_id == campaign.campaign_id
        )
    )  # fmt: skip
    return _move(connection, org_id, campaign, "draft", actor, now, reviewed_by=None, approved_by=None, audience={})


def load_campaign(connection: Connection, org_id: uuid.UUID, name: str, *, lock: bool = False) -> Campaign:
    """The campaign of that name, locked until the transaction ends if asked. Raises InvalidInput where none is."""
    row = _find(connection, org_id, name, lock=lock)
    if row is None:
        raise InvalidInput(f"There is no campaign {name}.", remedy="See `leadflow campaign list`.")
    return row


def list_campaigns(connection: Connection, org_id: uuid.UUID) -> list[Campaign]:
    """Every campaign of the org, the newest first."""
    table = campaigns.c
    names = select(table.name).where(table.org_id == org_id).order_by(table.created_at.desc())
    found: list[str] = list(connection.execute(names).scalars())
    return [load_campaign(connection, org_id, name) for name in found]


def count_messages(connection: Connection, org_id: uuid.UUID, campaign_id: uuid.UUID, states: tuple[str, ...]) -> int:
    """How many of its messages are in one of these states."""
    table = messages.c
    counted = select(func.count()).where(
        table.org_id == org_id, table.campaign_id == campaign_id, table.state.in_(states)
    )
    return connection.execute(counted).scalar_one()


def _move(
    connection: Connection,
    org_id: uuid.UUID,
    campaign: Campaign,
    to_state: str,
    actor: str,
    now: dt.datetime,
    *,
    reason: str | None = None,
    **values: Any,
) -> Campaign:
    """One transition, checked, written and noted."""
    if actor != DISPATCHER:
        require_member(connection, actor)
    if to_state not in TRANSITIONS[campaign.state]:
        possible = ", ".join(TRANSITIONS[campaign.state]) or "nothing else"
        raise InvalidInput(f"The campaign {campaign.name} is {campaign.state}; it can become {possible}.")
    table = campaigns.c
    connection.execute(
        update(campaigns)
        .where(table.org_id == org_id, table.campaign_id == campaign.campaign_id)
        .values(state=to_state, **values)
    )
    _note(connection, org_id, campaign.campaign_id, campaign.state, to_state, actor=actor, now=now, reason=reason)
    return load_campaign(connection, org_id, campaign.name)


def _note(
    connection: Connection,
    org_id: uuid.UUID,
    campaign_id: uuid.UUID,
    from_state: str | None,
    to_state: str,
    *,
    actor: str,
    now: dt.datetime,
    reason: str | None,
) -> None:
    facts = {"from_state": from_state, "to_state": to_state, "changed_by": actor, "reason": reason}
    connection.execute(insert(campaign_changes).values(org_id=org_id, campaign_id=campaign_id, changed_at=now, **facts))
    entry = ProofEntry(uuid.uuid4(), "campaign", None, now, {"campaign_id": str(campaign_id), **facts})
    append_proof(connection, org_id, [entry])


def _find(connection: Connection, org_id: uuid.UUID, name: str, *, lock: bool = False) -> Campaign | None:
    columns = [campaigns.c[field] for field in Campaign.__dataclass_fields__ if field != "steps"]
    chosen = select(*columns).where(campaigns.c.org_id == org_id, campaigns.c.name == name)
    row = connection.execute(chosen.with_for_update() if lock else chosen).mappings().first()
    if row is None:
        return None
    table = campaign_steps.c
    steps = connection.execute(
        select(*(table[field] for field in Step.__dataclass_fields__))
        .where(table.org_id == org_id, table.campaign_id == row["campaign_id"])
        .order_by(table.step)
    )
    return Campaign(**row, steps=tuple(Step(**step) for step in steps.mappings()))


def _expect(campaign: Campaign, state: str, what: str) -> None:
    if campaign.state != state:
        raise InvalidInput(f"Only a {state} campaign {what}; {campaign.name} is {campaign.state}.")


def _wants_second_person(connection: Connection, org_id: uuid.UUID) -> bool:
    table = outreach_profiles.c
    wanted = connection.execute(select(table.needs_second_person).where(table.org_id == org_id)).scalar()
    return wanted is not False and len(list_members(connection)) > 1
