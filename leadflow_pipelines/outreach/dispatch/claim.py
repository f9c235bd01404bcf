"""Claiming: which messages this dispatcher takes, as many as rates and daily limits let through.

A claim is a lease on a queued message: whoever holds it and dies gives it back by doing nothing. It touches no index,
so it costs the same however many messages wait. Here also what is settled without being sent. Not here: whether a
claimed message may go (`decide`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Table, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadflow_pipelines.clearance.profile import Profile, Sender
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.database.queries import named_query
from leadflow_pipelines.database.tables import brand_days, campaigns, messages, send_slots

LEASE = dt.timedelta(seconds=60)
"""How long a claim holds. A request begins at most START_WITHIN after its commit and takes at most the time limit."""
ORG_SLOT = "org"
FOR_A_CLAIM = text("select set_config('synchronous_commit', 'off', true), set_config('enable_sort', 'off', true)")
"""A claim need not be on disk when it is taken: the commit to `sending`, without which nothing is asked, flushes it.

And what is due is read in the order of its index, whatever the statistics say: where they promise fewer messages than
are asked for, Postgres reads and sorts all that are due. A hundred of 20,000 took 130 ms so, and 0.4 ms in order.
"""
CHORES = text("select pg_try_advisory_xact_lock(hashtextextended('dispatch chores ' || :org_id, 0))")
CARRIER_ZONE = ZoneInfo("America/Los_Angeles")
"""Carriers count a brand's day by Pacific time."""


@dataclass(frozen=True)
class Claimed:
    """Messages of one campaign, channel and sender that this dispatcher holds."""

    campaign_id: uuid.UUID
    channel: str
    sender: Sender | None
    message_ids: tuple[uuid.UUID, ...]
    contact_hashes: tuple[str, ...]
    at: dt.datetime | None = None


def running_campaigns(connection: Connection, org_id: uuid.UUID) -> list[uuid.UUID]:
    """The org's running campaigns."""
    table = campaigns.c
    return list(
        connection.execute(select(table.campaign_id).where(table.org_id == org_id, table.state == "running")).scalars()
    )


def claim(
    connection: Connection,
    org_id: uuid.UUID,
    campaign_id: uuid.UUID,
    *,
    channel: str,
    sender: Sender | None,
    profile: Profile,
    dispatcher: str,
    most: int,
    now: dt.datetime,
) -> Claimed:
    """Takes up to `most` due messages of a campaign, each person once; the rest stays queued.

    `sender`: whose rate and brand count, for texts. Belongs in a transaction of its own.
    """
    connection.execute(FOR_A_CLAIM)
    asked = {"org_id": org_id, "campaign_id": campaign_id, "channel": channel, "now": now, "most": most}
    found = connection.execute(named_query("find_due_messages"), asked).all()
    longest_due: dict[str, uuid.UUID] = {}
    for row in found:
        longest_due.setdefault(row.contact_hash, row.message_id)
    due = list(longest_due.items())
    held = {"message_ids": list(longest_due.values()), "claimed_by": dispatcher, "claimed_until": now + LEASE}
    let_through = due[: _let_through(connection, org_id, sender, profile, held, now)] if due else []
    hashes, message_ids = zip(*let_through, strict=True) if let_through else ((), ())
    return Claimed(campaign_id, channel, sender, message_ids, hashes, now)


def is_free(now: dt.datetime) -> ColumnElement[bool]:
    """Whether a message waits and nobody's claim on it holds."""
    table = messages.c
    return (table.state == "queued") & (table.claimed_until.is_(None) | (table.claimed_until < now))


def give_back(connection: Connection, org_id: uuid.UUID, message_ids: Sequence[uuid.UUID], *, dispatcher: str) -> int:
    """Ends the claims on messages of which nothing was asked yet; returns how many still held."""
    table = messages.c
    given = connection.execute(
        update(messages)
        .where(
            table.org_id == org_id, table.message_id.in_(message_ids), table.state == "queued",
            table.claimed_by == dispatcher,
        )
        .values(claimed_by=None, claimed_until=None)
    )  # fmt: skip
    return given.rowcount


def return_unsent(connection: Connection, org_id: uuid.UUID, claimed: Claimed, profile: Profile, unsent: int) -> None:
    """Gives back what rates and the brand's day let through for this claim and was not sent.

    In the order in which they were taken: others who take and give at the same time wait, and never in a circle.
    """
    if not unsent or claimed.at is None:
        return
    asked = {"org_id": org_id, "unsent": unsent}
    if (sender := claimed.sender) is not None:
        rate = {"slot": sender.sender, "per_second": sender.per_second}
        connection.execute(named_query("return_send_slots"), {**asked, **rate})
        day = {"brand": sender.brand, "day": claimed.at.astimezone(CARRIER_ZONE).date()}
        connection.execute(named_query("return_brand_share"), {**asked, **day})
    rate = {"slot": ORG_SLOT, "per_second": profile.messages_per_second}
    connection.execute(named_query("return_send_slots"), {**asked, **rate})


def try_chores(connection: Connection, org_id: uuid.UUID) -> bool:
    """Whether this transaction is the one that does what one dispatcher of the org at a time has to do."""
    return bool(connection.execute(CHORES, {"org_id": str(org_id)}).scalar_one())


def settle_unsent(connection: Connection, org_id: uuid.UUID, *, now: dt.datetime) -> int:
    """Settles what was lost with its dispatcher and what may not be sent any more; returns how many messages."""
    lost = connection.execute(named_query("lost_requests"), {"org_id": org_id, "now": now}).all()
    swept = connection.execute(named_query("sweep_messages"), {"org_id": org_id, "now": now}).all()
    append_proof(
        connection,
        org_id,
        [
            ProofEntry(
                uuid.uuid4(), "message", row.contact_hash, now,
                {"message_id": str(row.message_id), "state": row.state, "error_code": row.error_code},
            )
            for row in (*lost, *swept)
        ],
    )  # fmt: skip
    return len(lost) + len(swept)


def _let_through(
    connection: Connection,
    org_id: uuid.UUID,
    sender: Sender | None,
    profile: Profile,
    held: dict[str, Any],
    now: dt.datetime,
) -> int:
    """Claims the first of the messages in `held`, as many as rates and the brand's day let through; returns how many.

    A counter that is not there yet begins.
    """
    day = now.astimezone(CARRIER_ZONE).date()
    asked = {
        "org_id": org_id,
        "now": now,
        "org_slot": ORG_SLOT,
        "org_per_second": profile.messages_per_second,
        "sender": sender.sender if sender else None,
        "sender_per_second": sender.per_second if sender else None,
        "brand": sender.brand if sender else None,
        "brand_daily_limit": profile.brand_daily_limit,
        "day": day,
        "counters": 3 if sender else 1,
        **held,
    }
    granted = connection.execute(named_query("claim_messages"), asked).scalar()
    if granted is None:
        if sender is not None:
            _begin(connection, send_slots, org_id=org_id, slot=sender.sender, next_at=now)
            _begin(connection, brand_days, org_id=org_id, brand=sender.brand, day=day, messages=0)
        _begin(connection, send_slots, org_id=org_id, slot=ORG_SLOT, next_at=now)
        granted = connection.execute(named_query("claim_messages"), asked).scalar_one()
    return int(granted)


def _begin(connection: Connection, counters: Table, **values: Any) -> None:
    connection.execute(upsert(counters).values(**values).on_conflict_do_nothing())
