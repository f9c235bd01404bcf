"""A reply from its arrival to its acknowledgement: kept once, understood, obeyed, proven.

Twilio itself confirms STOP and answers HELP; nothing is sent from here, so that nobody gets two confirmations.
Not here: where replies arrive (`gateway`, `poll_replies`), what words mean (`in_context`).
"""

import datetime as dt
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, insert, select

from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.clearance.suppressions import Suppression, start_again, suppress
from leadflow_pipelines.compliance.clear_sends import CHANNEL_KINDS
from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes
from leadflow_pipelines.compliance.read_reply import Reading
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import inbound_messages, suppressions
from leadflow_pipelines.outreach.messengers.messenger import Reply
from leadflow_pipelines.outreach.replies.in_context import TAKES_START, origin_of, read_in_context
from leadflow_pipelines.outreach.replies.quiet import PATIENCE_SECONDS, in_transaction, lock_contact, wait_until_quiet
from leadflow_pipelines.outreach.replies.recall import recall
from leadflow_pipelines.outreach.replies.sequences import ENDS, Cancelled, Thread, end_sequences, find_thread
from leadflow_pipelines.settings import Settings

SUPPRESSING = ("revocation", "wrong_number")
REASONS = {
    "stop": "Replied with an opt-out word.",
    "revocation": "Withdrew consent in other words.",
    "wrong_number": "Said that it is the wrong number.",
}


@dataclass(frozen=True)
class Received:
    """What became of a reply. `is_new`: it was not known before.

    `suppressed`: nobody of the org writes or calls there any more. `lifted`: START took back a STOP. `cancelled`: how
    many messages will not be sent. `is_quiet`: no message to the person is under way to a messenger any more.
    """

    inbound_id: uuid.UUID
    is_new: bool
    reply_class: str
    suppressed: bool
    lifted: bool
    needs_person: bool
    message_id: uuid.UUID | None
    campaign_id: uuid.UUID | None
    property_id: str | None
    cancelled: int = 0
    is_quiet: bool = True


def receive_reply(
    database: Database,
    org: Org,
    reply: Reply,
    *,
    channel: str,
    now: dt.datetime,
    keys: HashKeys,
    settings: Settings,
    answers: uuid.UUID | None = None,
) -> Received:
    """Takes a reply of a channel (sms, email) once, in one transaction, and returns when it may be acknowledged.

    answers: the message it names, where it names one.

    The person is locked first, under every key version. A withdrawal suppresses, START by text lifts what STOP set.
    Whatever ends the sequence cancels what waits, and after the commit is waited for until no message to the person is
    being handed to a messenger: then none follows. Takes at most PATIENCE_SECONDS, and 1 s where something is called
    back.
    Raises DatabaseUnavailable where Postgres is away for so long; then nothing may be acknowledged.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    hashes = all_hashes(CHANNEL_KINDS[channel], reply.sender, keys)
    received = in_transaction(
        database,
        org,
        lambda connection: _take(connection, org, reply, hashes, channel=channel, now=now, keys=keys, answers=answers),
        until=until,
    )
    if received.reply_class not in ENDS:
        return received
    is_quiet = wait_until_quiet(database, org, hashes, now=now, until=until)
    if received.is_new:
        limit = min(max(until, time.monotonic() + 1.0), time.monotonic() + 3.0)
        recall(database, org, hashes, now=now, keys=keys, settings=settings, until=limit)
    return Received(**{**vars(received), "is_quiet": is_quiet})


def _take(
    connection: Connection,
    org: Org,
    reply: Reply,
    hashes: Sequence[str],
    *,
    channel: str,
    now: dt.datetime,
    keys: HashKeys,
    answers: uuid.UUID | None,
) -> Received:
    lock_contact(connection, hashes)
    if known := _known(connection, org, reply):
        return known
    kind = CHANNEL_KINDS[channel]
    standing = _standing(connection, org, kind, hashes)
    reading = read_in_context(reply, standing, channel=channel)
    thread = find_thread(connection, org.org_id, hashes, channel, answers=answers)
    inbound_id = uuid.uuid4()
    row = {
        "inbound_id": inbound_id,
        "provider_id": reply.provider_id,
        "channel": channel,
        "contact_hash": next(one for one in hashes if one.startswith(f"v{keys.current}:")),
        "reply_class": reading.reply_class,
        "needs_person": reading.needs_person,
        "opt_out_type": reply.opt_out_type,
        "received_by": reply.received_by,
        "received_at": reply.received_at,
        **(vars(thread) if thread else {}),
    }
    # Who was deleted stays so: of them nothing is kept but the hash.
    personal = {} if "deletion" in standing else {"contact_value": reply.sender, "body": reply.body}
    was_overtaken = reading.reply_class == "start" and _was_overtaken(connection, org, hashes, reply)
    connection.execute(insert(inbound_messages).values(org_id=org.org_id, **row, **personal))
    cancelled = _end(connection, org, hashes, thread, reading, now)
    wish = _wish(kind, reply, reading)
    if wish is not None:
        suppress(connection, org.org_id, [wish], keys, now=now)
    lifted = (
        reading.reply_class == "start"
        and channel in TAKES_START
        and not was_overtaken
        and start_again(connection, org.org_id, kind, reply.sender, keys, now=now)
    )
    entries = [_entry(row, reply, reading, wish, cancelled, lifted=lifted, personal=personal, now=now)]
    append_proof(connection, org.org_id, [*(_cancellation(one, reading, now) for one in cancelled), *entries])
    return Received(
        inbound_id=inbound_id,
        is_new=True,
        reply_class=reading.reply_class,
        suppressed=wish is not None,
        lifted=lifted,
        needs_person=reading.needs_person,
        message_id=thread.message_id if thread else None,
        campaign_id=thread.campaign_id if thread else None,
        property_id=thread.property_id if thread else None,
        cancelled=len(cancelled),
    )


def _known(connection: Connection, org: Org, reply: Reply) -> Received | None:
    """The reply as it was taken before, if it was: webhooks come twice, and polling sees them again."""
    table = inbound_messages.c
    row = connection.execute(
        select(inbound_messages).where(table.org_id == org.org_id, table.provider_id == reply.provider_id)
    ).mappings().first()  # fmt: skip
    if row is None:
        return None
    kept = ("inbound_id", "reply_class", "needs_person", "message_id", "campaign_id", "property_id")
    suppressed = row["reply_class"] in SUPPRESSING
    return Received(is_new=False, suppressed=suppressed, lifted=False, **{name: row[name] for name in kept})


def _standing(connection: Connection, org: Org, kind: str, hashes: Sequence[str]) -> frozenset[str]:
    table = suppressions.c
    origins = select(table.origin).where(
        table.org_id == org.org_id, table.kind == kind, table.contact_hash.in_(hashes), table.lifted_at.is_(None)
    )
    return frozenset(connection.execute(origins).scalars())


def _was_overtaken(connection: Connection, org: Org, hashes: Sequence[str], reply: Reply) -> bool:
    """Whether the person withdrew after this START was written: replies may reach us in another order."""
    table = inbound_messages.c
    later = exists().where(
        table.org_id == org.org_id, table.contact_hash.in_(hashes), table.reply_class == "revocation",
        table.received_at > reply.received_at,
    )  # fmt: skip
    return bool(connection.execute(select(later)).scalar_one())


def _end(
    connection: Connection, org: Org, hashes: Sequence[str], thread: Thread | None, reading: Reading, now: dt.datetime
) -> list[Cancelled]:
    if reading.reply_class not in ENDS:
        return []
    return end_sequences(
        connection, org.org_id, hashes, thread, reading.reply_class, code=_code(reading), now=now
    )  # fmt: skip


def _wish(kind: str, reply: Reply, reading: Reading) -> Suppression | None:
    if not reading.suppresses:
        return None
    origin = origin_of(reply, reading)
    return Suppression(kind, reply.sender, origin, REASONS[origin], f"reply {reply.provider_id}")


def _code(reading: Reading) -> str:
    return "suppressed" if reading.suppresses else "stopped"


def _cancellation(one: Cancelled, reading: Reading, now: dt.datetime) -> ProofEntry:
    facts = {"message_id": str(one.message_id), "state": "cancelled", "error_code": _code(reading)}
    return ProofEntry(uuid.uuid4(), "message", one.contact_hash, now, facts)


def _entry(
    row: dict[str, Any],
    reply: Reply,
    reading: Reading,
    wish: Suppression | None,
    cancelled: Sequence[Cancelled],
    *,
    lifted: bool,
    personal: dict[str, str],
    now: dt.datetime,
) -> ProofEntry:
    facts = {
        "inbound_id": str(row["inbound_id"]),
        "provider_id": reply.provider_id,
        "channel": row["channel"],
        "reply_class": reading.reply_class,
        "opt_out_type": reply.opt_out_type,
        "suppressed_as": wish.origin if wish else None,
        "lifted": lifted,
        "needs_person": reading.needs_person,
        "message_id": str(row["message_id"]) if "message_id" in row else None,
        "campaign_id": str(row["campaign_id"]) if "campaign_id" in row else None,
        "cancelled": len(cancelled),
        "received_at": reply.received_at.astimezone(dt.UTC).isoformat(),
    }
    evidence = {**personal, "matched": reading.matched, "received_by": reply.received_by} if personal else None
    return ProofEntry(row["inbound_id"], "inbound", row["contact_hash"], now, facts, evidence)
