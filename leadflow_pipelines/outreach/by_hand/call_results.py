"""What came of a call that a person made: its message's fate, and what the person on the line wants.

Not here: whom to call (`call_sheets`).
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import call_results, campaign_audience, messages
from leadflow_pipelines.database.tables.outbox import CALL_OUTCOMES_BY_HAND, CALLED_AGAIN
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.dispatch.decide import LOCK_PEOPLE
from leadflow_pipelines.outreach.replies.sequences import Thread, end_sequences

CALL_AGAIN_AFTER = dt.timedelta(hours=24)
MOST_CALLS = 3
"""A number that nobody answers is given up after so many calls."""
MOST_NOTE = 2_000
ANSWERS = {
    "do_not_call": "revocation",
    "wrong_number": "wrong_number",
    "not_interested": "not_interested",
    "interested": "interested",
    "appointment": "interested",
}
"""Outcomes that end what the campaign still meant to say, as the replies they amount to."""
SUPPRESSED_AS = {
    "do_not_call": ("revocation", "Asked by telephone not to be contacted."),
    "wrong_number": ("wrong_number", "The number is somebody else's."),
}
FAILED = ("wrong_number", "disconnected")


@dataclass(frozen=True)
class CallRecorded:
    """The fate of the call. due_at: when it may be made again; cancelled: messages that will not go any more."""

    state: str
    due_at: dt.datetime | None
    is_suppressed: bool
    cancelled: int


def record_call(
    connection: Connection,
    org: Org,
    message_id: uuid.UUID,
    outcome: str,
    *,
    note: str | None,
    actor: str,
    now: dt.datetime,
    keys: HashKeys,
) -> CallRecorded:
    """Records what came of a call. Belongs in a transaction of its own.

    Raises InvalidInput for an outcome that does not exist, a call nobody was given, and one reported before.
    """
    name = require_member(connection, actor)
    if outcome not in CALL_OUTCOMES_BY_HAND:
        raise InvalidInput(f"No call ends {outcome!r}.", remedy=f"Outcomes: {', '.join(CALL_OUTCOMES_BY_HAND)}.")
    if note is not None and len(note) > MOST_NOTE:
        raise InvalidInput(f"The note has {len(note):,} characters.", remedy=f"Write at most {MOST_NOTE:,}.")
    call, hashes = _locked_call(connection, org, message_id, keys)
    calls = call_results.c
    before = select(func.count()).where(calls.org_id == org.org_id, calls.message_id == message_id)
    number = connection.execute(before).scalar_one() + 1
    connection.execute(
        insert(call_results).values(
            org_id=org.org_id, message_id=message_id, outcome=outcome, note=note, called_by=name, called_at=now
        )
    )
    fate = _fate(outcome, number, now)
    connection.execute(
        update(messages)
        .where(messages.c.org_id == org.org_id, messages.c.message_id == message_id)
        .values(claimed_by=None, claimed_until=None, message=None, **fate)
    )
    entries = [_entry(call["contact_hash"], message_id, fate["state"], outcome, now, called_by=name)]
    if outcome == "disconnected":
        _stop_contact(connection, org, hashes, "unreachable:disconnected")
    if outcome in ANSWERS:
        thread = Thread(message_id, call["campaign_id"], call["property_id"])
        gone = end_sequences(connection, org.org_id, hashes, thread, ANSWERS[outcome], code=outcome, now=now)
        entries += [_entry(one.contact_hash, one.message_id, "cancelled", outcome, now) for one in gone]
    if outcome in SUPPRESSED_AS:
        origin, reason = SUPPRESSED_AS[outcome]
        wish = Suppression("phone", call["contact_value"], origin, reason, f"call {message_id}")
        suppress(connection, org.org_id, [wish], keys, now=now)
    append_proof(connection, org.org_id, entries)
    return CallRecorded(fate["state"], fate.get("due_at"), outcome in SUPPRESSED_AS, len(entries) - 1)


def _locked_call(
    connection: Connection, org: Org, message_id: uuid.UUID, keys: HashKeys
) -> tuple[RowMapping, list[str]]:
    """The call and every hash of its person, the person locked first, as everybody does."""
    table = messages.c
    chosen = select(messages).where(
        table.org_id == org.org_id, table.message_id == message_id, table.channel == "voice"
    )
    call = connection.execute(chosen).mappings().first()
    if call is None:
        raise InvalidInput(
            f"There is no call {message_id}.", remedy="Give the id that the call sheet names (--format csv or json)."
        )
    value = call["contact_value"]
    hashes = sorted({call["contact_hash"], *(all_hashes("phone", value, keys) if value else ())})
    connection.execute(LOCK_PEOPLE, {"people": hashes})
    call = connection.execute(chosen.with_for_update()).mappings().one()
    if call["state"] not in ("sending", "unknown") or call["contact_value"] is None:
        raise InvalidInput(
            f"The call {message_id} is {call['state']}: nobody was given it, or its result is known.",
            remedy="Report calls of a sheet, each once: `leadflow campaign call-sheet`.",
        )
    return call, hashes


def _fate(outcome: str, number: int, now: dt.datetime) -> dict[str, Any]:
    """The columns of a call after its `number`th attempt. One that is queued again is counted by its result."""
    if outcome in CALLED_AGAIN and number < MOST_CALLS:
        empty = {"attempted_at": None, "sender": None, "body": None, "contact_value": None, "error_code": None}
        return {"state": "queued", "due_at": now + CALL_AGAIN_AFTER, **empty}
    if outcome in CALLED_AGAIN or outcome in FAILED:
        return {"state": "failed", "settled_at": now, "error_code": outcome}
    return {"state": "delivered", "settled_at": now, "error_code": None}


def _stop_contact(connection: Connection, org: Org, hashes: list[str], why: str) -> None:
    audience = campaign_audience.c
    connection.execute(
        update(campaign_audience)
        .where(audience.org_id == org.org_id, audience.contact_hash.in_(hashes), audience.stopped_because.is_(None))
        .values(stopped_because=why)
    )


def _entry(
    contact_hash: str, message_id: uuid.UUID, state: str, outcome: str, now: dt.datetime, **facts: str
) -> ProofEntry:
    told = {"message_id": str(message_id), "state": state, "error_code": None, "outcome": outcome, **facts}
    return ProofEntry(uuid.uuid4(), "message", contact_hash, now, told)
