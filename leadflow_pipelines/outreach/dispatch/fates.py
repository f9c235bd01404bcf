"""What becomes of messages: the messenger's answer to a request, and the statuses it tells later, in any order.

Here: one place in which an error code's behaviour is carried out. Not here: asking the messenger (`dispatcher`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.compliance.clear_sends import CHANNEL_KINDS
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.queries import named_query
from leadflow_pipelines.database.tables import campaign_audience, campaigns, message_events, messages, senders
from leadflow_pipelines.outreach.campaigns.campaigns import DISPATCHER, load_campaign, pause
from leadflow_pipelines.outreach.dispatch.decide import Ready
from leadflow_pipelines.outreach.messengers.messenger import (
    Behaviour,
    NotProcessed,
    OutcomeUnknown,
    Refused,
    Sent,
    Status,
)

Outcome = Sent | Refused | NotProcessed | OutcomeUnknown
TRY_AGAIN = dt.timedelta(seconds=30)
"""A message of which nothing happened waits so long where the messenger does not say."""
FULL_QUEUE = dt.timedelta(minutes=5)
WEIGHED, LEAST_WEIGHED = 100, 20
"""Whether a campaign fails too often is asked of its last settled messages, once there are enough of them."""


@dataclass(frozen=True)
class Answer:
    """The messenger's answer to the one request that was made for a message."""

    message: Ready
    outcome: Outcome


def settle(connection: Connection, org: Org, answers: Sequence[Answer], *, now: dt.datetime, keys: HashKeys) -> None:
    """Writes down what the messenger answered. A status that arrived before its own request ended stays.

    Rows are locked before the end of the proof's chain, here as everywhere, so that nobody waits in a circle.
    """
    told = {answer.message.outgoing.message_id: (answer, *_values(answer.outcome, now)) for answer in answers}
    asked = [{"message_id": message_id, **values} for message_id, (_, values, _) in told.items()]
    settled: set[uuid.UUID] = set(
        connection.execute(
            named_query("settle_messages"), {"org_id": org.org_id, "answers": orjson.dumps(asked).decode()}
        ).scalars()
    )
    table = messages.c
    for message_id, (answer, _, _) in told.items():
        if message_id not in settled and isinstance(answer.outcome, Sent):
            late = update(messages).where(table.message_id == message_id, table.provider_id.is_(None))
            connection.execute(late.values(provider_id=answer.outcome.provider_id))
    asks = [
        _Ask(message_id, behaviour, values["error_code"])
        for message_id, (_, values, behaviour) in told.items()
        if message_id in settled and behaviour is not None
    ]
    _behave(connection, org, asks, now=now, keys=keys)
    append_proof(
        connection,
        org.org_id,
        [
            _entry(message_id, answer.message.contact_hash, values["state"], values.get("error_code"), now)
            for message_id, (answer, values, _) in told.items()
            if message_id in settled
        ],
    )


def record_status(
    connection: Connection, org: Org, message_id: uuid.UUID, status: Status, *, now: dt.datetime, keys: HashKeys
) -> bool:
    """Writes down a status that the messenger told; True where it was news.

    Each status counts once, however often it is told, and a later one is never undone by an earlier one. A status for a
    message of another org, or one that names another of the messenger's messages, changes nothing.
    """
    table = messages.c
    row = connection.execute(
        select(messages).where(table.org_id == org.org_id, table.message_id == message_id).with_for_update()
    ).mappings().first()  # fmt: skip
    if row is None or row["provider_id"] not in (None, status.provider_id):
        return False
    told = upsert(message_events).values(
        org_id=org.org_id, message_id=message_id, provider_id=status.provider_id, status=status.status,
        error_code=status.error_code, received_at=now,
    )  # fmt: skip
    if connection.execute(told.on_conflict_do_nothing().returning(message_events.c.event_id)).first() is None:
        return False
    values = _after(row, status, now)
    connection.execute(update(messages).where(table.message_id == message_id).values(**values))
    if values.get("state") is None:
        return True
    if status.behaviour is not None and status.behaviour != "retry_later":
        _behave(connection, org, [_Ask(message_id, status.behaviour, status.error_code)], now=now, keys=keys)
    append_proof(
        connection, org.org_id, [_entry(message_id, row["contact_hash"], values["state"], status.error_code, now)]
    )
    return True


def pause_where_failing(connection: Connection, org: Org, campaign_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """Pauses a running campaign of whose last messages more failed than it allows; True where it did.

    Only what was settled since it was last started counts: who resumes it has seen the rest.
    """
    asked = {"org_id": org.org_id, "campaign_id": campaign_id, "weighed": WEIGHED}
    last = connection.execute(named_query("failing_share"), asked).one()
    if last.weighed < LEAST_WEIGHED:
        return False
    known = campaigns.c
    campaign = connection.execute(
        select(known.name, known.error_threshold, known.state).where(
            known.org_id == org.org_id, known.campaign_id == campaign_id
        )
    ).one()
    if campaign.state != "running" or Decimal(last.failed) / last.weighed <= campaign.error_threshold:
        return False
    reason = f"{last.failed} of the last {last.weighed} messages failed; {campaign.error_threshold:.0%} are allowed."
    return _pause(connection, org, campaign.name, reason, now)


def _values(outcome: Outcome, now: dt.datetime) -> tuple[dict[str, Any], Behaviour | None]:
    """The columns of a message after its request, and what its error code asks for."""
    if isinstance(outcome, Sent):
        known = {"segments": outcome.segments} if outcome.segments else {}
        return {"state": "accepted", "provider_id": outcome.provider_id, "accepted_at": now, **known}, None
    if isinstance(outcome, OutcomeUnknown):
        return {"state": "unknown", "error_code": outcome.why, "message": outcome.message}, None
    if isinstance(outcome, NotProcessed):
        wait = dt.timedelta(seconds=outcome.retry_after) if outcome.retry_after is not None else TRY_AGAIN
        return _queued_again(now + wait), None
    if outcome.behaviour == "retry_later":
        return {**_queued_again(now + FULL_QUEUE), "error_code": outcome.code}, None
    if outcome.behaviour == "unknown":
        return {"state": "unknown", "error_code": outcome.code, "message": outcome.message}, None
    failed = {"state": "failed", "settled_at": now, "error_code": outcome.code, "message": outcome.message}
    return failed, outcome.behaviour


def _queued_again(due_at: dt.datetime) -> dict[str, Any]:
    """Nothing happened: back into the queue, and no attempt that counts."""
    return {"state": "queued", "due_at": due_at}


def _after(row: RowMapping, status: Status, now: dt.datetime) -> dict[str, Any]:
    """What a status changes in a message. `state` is absent where it changes nothing there."""
    known = {"provider_id": status.provider_id} | ({"segments": status.segments} if status.segments else {})
    is_settled = row["state"] in ("delivered", "failed", "cancelled")
    if is_settled or (status.fate == "accepted" and row["state"] == "accepted"):
        return known
    free = {"claimed_by": None, "claimed_until": None, "accepted_at": row["accepted_at"] or now}
    if status.fate == "accepted":
        return {**known, **free, "state": "accepted", "error_code": None}
    code = status.error_code if status.fate == "failed" else None
    return {**known, **free, "state": status.fate, "settled_at": now, "error_code": code}


@dataclass(frozen=True)
class _Ask:
    """What the error code of a message asks for."""

    message_id: uuid.UUID
    behaviour: Behaviour
    code: str | None


def _behave(connection: Connection, org: Org, asks: Sequence[_Ask], *, now: dt.datetime, keys: HashKeys) -> None:
    """Carries out what error codes ask for. What appends to the proof comes last, as it locks the chain's end."""
    table, wishes, failing = messages.c, [], []
    entries = []
    for ask in asks:
        row = connection.execute(select(messages).where(table.message_id == ask.message_id)).mappings().one()
        is_bounce = ask.behaviour == "do_not_retry_number" and row["channel"] == "email"
        if (is_bounce or ask.behaviour == "suppress") and row["contact_value"]:
            wishes.append(_wish(row, is_bounce=is_bounce, code=ask.code))
        elif ask.behaviour in ("suppress", "do_not_retry_number"):
            audience = campaign_audience.c
            connection.execute(
                update(campaign_audience)
                .where(audience.org_id == org.org_id, audience.contact_hash == row["contact_hash"])
                .values(stopped_because=f"unreachable:{ask.code}")
            )
        elif ask.behaviour == "pause_sender":
            entries += _stop_sender(connection, org, row["sender"], ask.code, now)
        elif ask.behaviour == "pause_campaign":
            failing.append((row["campaign_id"], ask.code))
    names: dict[uuid.UUID, str] = {
        campaign_id: connection.execute(
            select(campaigns.c.name).where(campaigns.c.campaign_id == campaign_id).with_for_update()
        ).scalar_one()
        for campaign_id in sorted({campaign_id for campaign_id, _ in failing})
    }
    suppress(connection, org.org_id, sorted(wishes, key=lambda wish: wish.contact_value), keys, now=now)
    for campaign_id, code in dict(failing).items():
        _pause(connection, org, names[campaign_id], f"Every further message would fail alike: error {code}.", now)
    append_proof(connection, org.org_id, entries)


def _wish(row: RowMapping, *, is_bounce: bool, code: str | None) -> Suppression:
    origin, reason = ("bounce", "takes no mail") if is_bounce else ("stop", "opted out")
    told = f"The messenger says: {reason} ({code})."
    return Suppression(
        CHANNEL_KINDS[row["channel"]], row["contact_value"], origin, told, f"message {row['message_id']}"
    )


def _stop_sender(connection: Connection, org: Org, sender: str, code: str | None, now: dt.datetime) -> list[ProofEntry]:
    """Nothing more is sent from it until an operator saves it as active again."""
    table = senders.c
    stopped = connection.execute(
        update(senders)
        .where(table.org_id == org.org_id, table.sender == sender, table.is_active)
        .values(is_active=False)
    )
    if not stopped.rowcount:
        return []
    facts = {"act": "sender_paused", "sender": sender, "by": DISPATCHER, "error_code": code}
    return [ProofEntry(uuid.uuid4(), "org_change", None, now, facts)]


def _pause(connection: Connection, org: Org, name: str, reason: str, now: dt.datetime) -> bool:
    if load_campaign(connection, org.org_id, name, lock=True).state != "running":
        return False
    pause(connection, org.org_id, name, actor=DISPATCHER, now=now, reason=reason)
    return True


def _entry(message_id: uuid.UUID, contact_hash: str, state: str, code: str | None, now: dt.datetime) -> ProofEntry:
    facts = {"message_id": str(message_id), "state": state, "error_code": code}
    return ProofEntry(uuid.uuid4(), "message", contact_hash, now, facts)
