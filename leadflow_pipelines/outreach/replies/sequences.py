"""Ending what a campaign still meant to say to somebody who answered.

Not here: whom nobody may write to any more (`clearance.suppressions`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select, update

from leadflow_pipelines.database.tables import campaign_audience, messages

ENDS = {
    "revocation": "revocation",
    "wrong_number": "wrong_number",
    "not_interested": "not_interested",
    "interested": "replied",
    "other": "replied",
}
"""Replies after which no further step is sent, and what the audience notes. One that nobody has understood yet is among
them: what it says may be anything, so a person goes on and not the next step."""
ENDS_LEAD = frozenset({"revocation", "not_interested", "interested"})
"""Those that speak for the lead and not for one number: its other numbers and letters of that campaign end too."""


@dataclass(frozen=True)
class Thread:
    """The message that a reply most likely answers."""

    message_id: uuid.UUID
    campaign_id: uuid.UUID
    property_id: str


@dataclass(frozen=True)
class Cancelled:
    """A message that will not be sent."""

    message_id: uuid.UUID
    contact_hash: str


def find_thread(
    connection: Connection,
    org_id: uuid.UUID,
    hashes: Sequence[str],
    channel: str,
    *,
    answers: uuid.UUID | None = None,
) -> Thread | None:
    """The message of this channel that a reply names, else the newest that went, or may have gone, to this person."""
    table = messages.c
    is_it = table.contact_hash.in_(hashes) if answers is None else table.message_id == answers
    newest = (
        select(table.message_id, table.campaign_id, table.property_id)
        .where(
            table.org_id == org_id, is_it, table.channel == channel,
            table.attempted_at.is_not(None), table.state.in_(("sending", "accepted", "delivered", "unknown")),
        )
        .order_by(table.attempted_at.desc())
        .limit(1)
    )  # fmt: skip
    row = connection.execute(newest).first()
    return Thread(row.message_id, row.campaign_id, row.property_id) if row else None


def end_sequences(
    connection: Connection,
    org_id: uuid.UUID,
    hashes: Sequence[str],
    thread: Thread | None,
    reply_class: str,
    *,
    code: str,
    now: dt.datetime,
) -> list[Cancelled]:
    """Ends every campaign's sequence for this person, and for the lead that was written about.

    Cancels what is queued. `code`: what these messages note as their reason.
    """
    of_lead = thread if reply_class in ENDS_LEAD else None
    audience = campaign_audience.c
    connection.execute(
        update(campaign_audience)
        .where(
            audience.org_id == org_id, _about(campaign_audience, hashes, of_lead), audience.stopped_because.is_(None)
        )
        .values(stopped_because=ENDS[reply_class])
    )
    table = messages.c
    waiting = (
        select(table.message_id)
        .where(
            table.org_id == org_id, _about(messages, hashes, of_lead), table.state == "queued"
        )
        .order_by(table.message_id)
        .with_for_update()
    )  # fmt: skip
    cancelled = connection.execute(
        update(messages)
        .where(table.message_id.in_(waiting.scalar_subquery()))
        .values(state="cancelled", settled_at=now, error_code=code, claimed_by=None, claimed_until=None)
        .returning(table.message_id, table.contact_hash)
    )
    return [Cancelled(row.message_id, row.contact_hash) for row in cancelled]


def _about(table: Table, hashes: Sequence[str], lead: Thread | None) -> ColumnElement[bool]:
    """Rows of this person, or of the lead within its campaign."""
    of_person = table.c.contact_hash.in_(hashes)
    if lead is None:
        return of_person
    return or_(of_person, and_(table.c.campaign_id == lead.campaign_id, table.c.property_id == lead.property_id))
