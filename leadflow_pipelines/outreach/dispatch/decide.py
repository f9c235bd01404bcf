"""The decision at the instant of sending, and the commitment to it, in one transaction.

People are locked first, by their keyed hash: another dispatcher's message to the same person, and the person's STOP,
wait or are seen. When the transaction is over, each message is `sending` with its text and decision, or not sent now.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson
import polars as pl
from sqlalchemy import Connection, RowMapping, bindparam, select, text, update

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.profile import Profile
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance.clear_sends import HISTORY_COLUMNS, decide_sends
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.compliance.reasons import is_passing
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import call_results, campaign_audience, campaign_steps, campaigns, messages
from leadflow_pipelines.database.tables.outbox import CALLED_AGAIN
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns.audience import evidence_frame
from leadflow_pipelines.outreach.campaigns.merge_fields import MissingFields
from leadflow_pipelines.outreach.campaigns.templates import Template, load_template
from leadflow_pipelines.outreach.dispatch.claim import LEASE, Claimed
from leadflow_pipelines.outreach.dispatch.outgoing import LEAST_VALID_SECONDS, compose, valid_seconds
from leadflow_pipelines.outreach.messengers.messenger import Outgoing
from leadflow_pipelines.outreach.segments import segments
from leadflow_pipelines.settings import Settings

LOCK_PEOPLE = text(
    "select count(pg_advisory_xact_lock(hashtextextended(person, 0)))"
    " from unnest(cast(:people as text[])) with ordinality as people (person, place)"
)
WAIT_ON_HOLD = dt.timedelta(hours=1)
"""A hold has no known end: it is looked at again so often."""
HISTORY = dt.timedelta(days=7)


@dataclass(frozen=True)
class Ready:
    """A message that is committed as `sending`: it may be handed to the messenger, once."""

    outgoing: Outgoing
    campaign_id: uuid.UUID
    channel: str
    contact_hash: str


@dataclass(frozen=True)
class Decided:
    """What became of a claim."""

    ready: tuple[Ready, ...] = ()
    blocked: int = 0
    postponed: int = 0


@dataclass(frozen=True)
class _Case:
    """One claimed message with its decision."""

    row: RowMapping
    decision: dict[str, Any]
    decision_id: uuid.UUID
    outgoing: Outgoing | None = None
    blocked_by: str | None = None
    waits_until: dt.datetime | None = None


def decide_claimed(
    connection: Connection,
    org: Org,
    claimed: Claimed,
    *,
    profile: Profile,
    dispatcher: str,
    settings: Settings,
    now: dt.datetime,
) -> Decided:
    """Decides each claimed message at `now` and commits to it. Belongs in a transaction of its own.

    Who reads a clock for `now` calls `lock_people` before: waiting for them may take a while.
    """
    lock_people(connection, claimed.contact_hashes)
    rows = _claimed_rows(connection, org.org_id, claimed, dispatcher)
    if not rows:
        return Decided()
    decisions = _decisions(connection, org, claimed, rows, settings=settings, now=now)
    template_of = _templates(connection, org.org_id, claimed.campaign_id, {row["step"] for row in rows})
    keys = load_hash_keys(settings)
    cases = []
    for row, decision in zip(rows, decisions, strict=True):
        case = _Case(row, decision, uuid.uuid4())
        case = _weighed(case, now)
        if case.blocked_by is None and case.waits_until is None:
            case = _composed(case, claimed, template_of, profile, settings, keys, now)
        cases.append(case)
    _write(connection, cases, claimed, now)
    append_proof(connection, org.org_id, [_proof(case, claimed, now) for case in cases])
    return Decided(
        ready=tuple(
            Ready(case.outgoing, claimed.campaign_id, claimed.channel, case.row["contact_hash"])
            for case in cases
            if case.outgoing
        ),
        blocked=sum(case.blocked_by is not None for case in cases),
        postponed=sum(case.waits_until is not None for case in cases),
    )


def lock_people(connection: Connection, contact_hashes: Collection[str]) -> None:
    """Until the transaction ends nobody else decides about these people, and no opt-out of theirs is written down."""
    connection.execute(LOCK_PEOPLE, {"people": sorted(set(contact_hashes))})


def _claimed_rows(connection: Connection, org_id: uuid.UUID, claimed: Claimed, dispatcher: str) -> list[RowMapping]:
    """The messages that are still ours, of a campaign that still runs, with what the audience keeps of the person."""
    table, audience = messages.c, campaign_audience.c
    joined = messages.join(
        campaign_audience,
        (audience.org_id == table.org_id)
        & (audience.campaign_id == table.campaign_id)
        & (audience.contact_point_id == table.contact_point_id),
    ).join(campaigns, (campaigns.c.org_id == table.org_id) & (campaigns.c.campaign_id == table.campaign_id))
    chosen = (
        select(
            table.message_id, table.step, table.contact_hash, table.expires_at, audience.evidence, campaigns.c.purpose
        )
        .select_from(joined)
        .where(
            table.org_id == org_id, table.message_id.in_(claimed.message_ids), table.state == "queued",
            table.claimed_by == dispatcher, campaigns.c.state == "running", audience.stopped_because.is_(None),
            audience.evidence.is_not(None),
        )
        .with_for_update(of=messages)
    )  # fmt: skip
    return list(connection.execute(chosen).mappings())


def _decisions(
    connection: Connection,
    org: Org,
    claimed: Claimed,
    rows: Sequence[RowMapping],
    *,
    settings: Settings,
    now: dt.datetime,
) -> list[dict[str, Any]]:
    points = evidence_frame([row["evidence"] for row in rows])
    evidence = gather_evidence(connection, org, points, now=now, settings=settings)
    sender = claimed.sender
    frame = evidence.points.with_columns(
        channel=pl.lit(claimed.channel),
        is_registered=pl.lit(bool(sender and sender.is_active and sender.campaign_registration)),
    )
    decided = decide_sends(
        frame,
        instant=now,
        history=_history(connection, org.org_id, evidence.points, now),
        limits=evidence.limits,
        purpose=rows[0]["purpose"],
        **evidence.asked,
    )
    return decided.to_dicts()


def _history(connection: Connection, org_id: uuid.UUID, points: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """Every attempt at these people in the last days, whatever became of it, whichever sender it came from.

    A call that is made again has one row and several attempts: the earlier ones are in its results.
    """
    hashes = points["contact_hashes"].explode().drop_nulls().unique().to_list()
    table, calls = messages.c, call_results.c
    of_messages = select(table.contact_hash, table.attempted_at).where(
        table.org_id == org_id, table.contact_hash.in_(hashes), table.attempted_at > now - HISTORY
    )
    of_calls = (
        select(table.contact_hash, calls.called_at)
        .join(call_results, calls.message_id == table.message_id)
        .where(
            table.org_id == org_id, table.contact_hash.in_(hashes), calls.called_at > now - HISTORY,
            calls.outcome.in_(CALLED_AGAIN),
        )
    )  # fmt: skip
    attempts = connection.execute(of_messages.union_all(of_calls))
    return pl.DataFrame([tuple(row) for row in attempts], schema=HISTORY_COLUMNS, orient="row")


def _templates(
    connection: Connection, org_id: uuid.UUID, campaign_id: uuid.UUID, of_steps: Collection[int]
) -> dict[int, Template]:
    """The text of each step, in the version that was approved."""
    table = campaign_steps.c
    chosen = select(table.step, table.template_name, table.template_version).where(
        table.org_id == org_id, table.campaign_id == campaign_id, table.step.in_(of_steps)
    )
    return {
        row.step: load_template(connection, org_id, row.template_name, row.template_version)
        for row in connection.execute(chosen).all()
    }


def _weighed(case: _Case, now: dt.datetime) -> _Case:
    """Cleared, blocked for good, or only not now: then it waits, as long as the campaign lets it."""
    decision = case.decision
    codes: list[str] = decision["reason_codes"]
    if any(not is_passing(code) for code in codes):
        return replace(case, blocked_by=",".join(codes))
    if codes:
        openings = [at for at in (decision["next_open_at"], decision["cap_ends_at"]) if at is not None and at > now]
        return _waiting(case, max(openings, default=now + WAIT_ON_HOLD))
    if valid_seconds(decision["closes_at"], now) < LEAST_VALID_SECONDS:
        return _waiting(case, decision["closes_at"] + dt.timedelta(minutes=1))
    return case


def _waiting(case: _Case, until: dt.datetime) -> _Case:
    expires_at = case.row["expires_at"]
    if expires_at is not None and until >= expires_at:
        return replace(case, blocked_by="expired")
    return replace(case, waits_until=until)


def _composed(
    case: _Case,
    claimed: Claimed,
    template_of: dict[int, Template],
    profile: Profile,
    settings: Settings,
    keys: HashKeys,
    now: dt.datetime,
) -> _Case:
    sender = _sender(claimed, profile)
    if not sender:
        return replace(case, blocked_by="no_sender")
    try:
        outgoing = compose(
            case.row["message_id"],
            case.row["evidence"],
            template_of[case.row["step"]],
            profile=profile,
            sender=sender,
            public_url=settings.public_url,
            closes_at=case.decision["closes_at"],
            now=now,
            keys=keys,
        )
    except MissingFields as missing:
        return replace(case, blocked_by=",".join(f"missing_field:{name}" for name in missing.fields))
    except InvalidInput:
        return replace(case, blocked_by="no_unsubscribe_address")
    return replace(case, outgoing=outgoing)


def _sender(claimed: Claimed, profile: Profile) -> str | None:
    """Where a message comes from, as its row keeps it: number or service, address, or a letter's sender block."""
    if claimed.channel == "mail":
        return f"{profile.sender_name}\n{profile.postal_address}" if profile.postal_address else None
    if claimed.channel == "voice":
        return profile.callback_e164
    return claimed.sender.sender if claimed.sender else profile.from_email


def _write(connection: Connection, cases: Sequence[_Case], claimed: Claimed, now: dt.datetime) -> None:
    """Each message as decided, in three statements."""
    table = messages.c
    one = update(messages).where(table.message_id == bindparam("of_message"))
    ready = [
        {
            "of_message": case.outgoing.message_id,
            "decision_id": case.decision_id,
            "sender": case.outgoing.sender,
            "contact_value": case.outgoing.to,
            "body": case.outgoing.body,
            "body_sha256": sha256(case.outgoing.body.encode()).hexdigest(),
            "segments": segments(case.outgoing.body).count if claimed.channel == "sms" else None,
        }
        for case in cases
        if case.outgoing
    ]
    if ready:
        connection.execute(one.values(state="sending", attempted_at=now, claimed_until=now + LEASE), ready)
    if blocked := [
        {"of_message": case.row["message_id"], "decision_id": case.decision_id, "error_code": case.blocked_by}
        for case in cases
        if case.blocked_by
    ]:
        connection.execute(one.values(state="blocked", settled_at=now, claimed_by=None, claimed_until=None), blocked)
    if waiting := [
        {"of_message": case.row["message_id"], "decision_id": case.decision_id, "due_at": case.waits_until}
        for case in cases
        if case.waits_until
    ]:
        connection.execute(one.values(claimed_by=None, claimed_until=None), waiting)


def _proof(case: _Case, claimed: Claimed, now: dt.datetime) -> ProofEntry:
    decision = case.decision
    facts = {
        "message_id": str(case.row["message_id"]),
        "campaign_id": str(claimed.campaign_id),
        "step": case.row["step"],
        "channel": claimed.channel,
        "verdict": "postponed" if case.waits_until else "blocked" if case.blocked_by else "cleared",
        "decided": decision["verdict"],
        "reason_codes": decision["reason_codes"],
        "blocked_by": case.blocked_by,
        "rule_version": decision["rule_version"],
        "body_sha256": sha256(case.outgoing.body.encode()).hexdigest() if case.outgoing else None,
    }
    evidence = orjson.loads(decision["evidence"])
    return ProofEntry(case.decision_id, "send_decision", case.row["contact_hash"], now, facts, evidence)
