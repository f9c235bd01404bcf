"""Where a campaign stands: counts of its messages, what came back, and what waits for what until when."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, func, select

from leadflow_pipelines.database.tables import (
    campaign_audience,
    inbound_messages,
    link_clicks,
    messages,
    proof_entries,
)
from leadflow_pipelines.outreach.campaigns.campaigns import Campaign


@dataclass(frozen=True)
class Waiting:
    """Messages that stay in the queue for one set of reasons; `until`: when the first of them is looked at again."""

    reason_codes: tuple[str, ...]
    messages: int
    until: dt.datetime


@dataclass(frozen=True)
class Status:
    """Counts of messages and people. failure_share: failed of those with a known fate; None before there is any."""

    states: dict[str, int] = field(default_factory=dict)
    steps: list[dict[str, object]] = field(default_factory=list)
    blocked: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    failure_share: float | None = None
    replies: dict[str, int] = field(default_factory=dict)
    clicks: int = 0
    people: int = 0
    held_out: int = 0
    stopped: dict[str, int] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)


def campaign_status(connection: Connection, org_id: uuid.UUID, campaign: Campaign) -> Status:
    """The campaign's counts as of now."""
    table, audience, clicks = messages.c, campaign_audience.c, link_clicks.c
    own = (table.org_id == org_id, table.campaign_id == campaign.campaign_id)
    counted = select(table.step, table.channel, table.state, func.count()).where(*own)
    rows: Sequence[Any] = connection.execute(
        counted.group_by(table.step, table.channel, table.state).order_by(table.step)
    ).all()
    states: dict[str, int] = {}
    for _, _, state, count in rows:
        states[state] = states.get(state, 0) + count
    settled = states.get("delivered", 0) + states.get("failed", 0)
    people = select(audience.is_holdout, audience.stopped_because, func.count()).where(
        audience.org_id == org_id, audience.campaign_id == campaign.campaign_id
    )
    persons: Sequence[Any] = connection.execute(people.group_by(audience.is_holdout, audience.stopped_because)).all()
    followed = select(func.count()).where(
        clicks.org_id == org_id, clicks.is_counted, clicks.message_id.in_(select(table.message_id).where(*own))
    )
    stopped: dict[str, int] = {}
    for _, because, count in persons:
        if because is not None:
            stopped[because] = stopped.get(because, 0) + count
    return Status(
        states=states,
        steps=[
            {"step": step, "channel": channel, "state": str(state), "messages": count}
            for step, channel, state, count in rows
        ],
        blocked=_codes(connection, org_id, campaign, "blocked"),
        failed=_codes(connection, org_id, campaign, "failed"),
        failure_share=states.get("failed", 0) / settled if settled else None,
        replies=_replies(connection, org_id, campaign),
        clicks=connection.execute(followed).scalar_one(),
        people=sum(count for _, _, count in persons),
        held_out=sum(count for is_holdout, _, count in persons if is_holdout),
        stopped=stopped,
        waiting=_waiting(connection, org_id, campaign),
    )  # fmt: skip


def _codes(connection: Connection, org_id: uuid.UUID, campaign: Campaign, state: str) -> dict[str, int]:
    """Why messages are in a state; one that is blocked may carry several reasons."""
    table = messages.c
    code = func.unnest(func.string_to_array(func.coalesce(table.error_code, "unknown"), ",")).label("code")
    each = (
        select(code)
        .where(table.org_id == org_id, table.campaign_id == campaign.campaign_id, table.state == state)
        .subquery()
    )
    counted = select(each.c.code, func.count()).group_by(each.c.code).order_by(func.count().desc(), each.c.code)
    return _counts(connection, counted)


def _replies(connection: Connection, org_id: uuid.UUID, campaign: Campaign) -> dict[str, int]:
    table = inbound_messages.c
    counted = (
        select(table.reply_class, func.count())
        .where(table.org_id == org_id, table.campaign_id == campaign.campaign_id)
        .group_by(table.reply_class)
        .order_by(table.reply_class)
    )
    return _counts(connection, counted)


def _waiting(connection: Connection, org_id: uuid.UUID, campaign: Campaign) -> list[Waiting]:
    """The queue by what its messages wait for: the reasons of their last decision; none before the first."""
    table, proof = messages.c, proof_entries.c
    decided = (proof.org_id == table.org_id) & (proof.entry_id == table.decision_id)
    reasons = proof.facts["reason_codes"]
    counted = (
        select(reasons, func.count(), func.min(table.due_at))
        .select_from(messages.outerjoin(proof_entries, decided))
        .where(table.org_id == org_id, table.campaign_id == campaign.campaign_id, table.state == "queued")
        .group_by(reasons)
        .order_by(func.count().desc())
    )
    rows: Sequence[Any] = connection.execute(counted).all()
    return [Waiting(tuple(codes or ()), count, until) for codes, count, until in rows]


def _counts(connection: Connection, counted: Select[Any]) -> dict[str, int]:
    rows: Sequence[Any] = connection.execute(counted).all()
    return {name: count for name, count in rows}  # noqa: C416 - rows, not pairs
