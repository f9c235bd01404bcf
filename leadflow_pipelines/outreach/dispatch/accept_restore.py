"""Answering for a database that was restored: what may have been sent since its backup is set aside, never sent again.

A message counts as unsent only where its messenger can list, and lists nothing for that person that the database does
not know. Nothing is sent from here. Not here: how a restored database is found out (`clearance/head_anchor`).
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, ScalarSelect, case, func, select, update

from leadflow_pipelines.clearance.head_anchor import find_lost, replace_anchor
from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import campaign_audience, campaign_changes, messages
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns.campaigns import list_campaigns, pause
from leadflow_pipelines.outreach.campaigns.outbox import queue_due_steps
from leadflow_pipelines.outreach.messengers.messenger import ListsSent, Messenger, Refused
from leadflow_pipelines.settings import Settings

RESTORED = "database_restored"
"""error_code of a message that may have been sent by what the database forgot."""
ASKED_AT_ONCE = 8
STARTED = ("running", "paused")


@dataclass(frozen=True)
class Accepted:
    """What was decided: messages set aside and proven unsent, campaigns paused and those that had not begun."""

    unknown: int
    unsent: int
    paused: tuple[str, ...]
    not_started: tuple[str, ...]


def accept_restore(
    database: Database,
    org: Org,
    messengers: Mapping[str, Messenger],
    settings: Settings,
    *,
    actor: str,
    now: dt.datetime,
) -> Accepted:
    """Sets aside what may have been sent up to the noted instant, pauses what runs, and notes the head as it is.

    Intents that the database forgot are made again first, step by step, as a campaign would have come to them at the
    earliest. Broken off, it is run again. Raises InvalidInput where nothing was restored or the actor is no member,
    NotProcessed where a messenger cannot be asked just now.
    """
    with database.as_org(org.org_id) as connection:
        require_member(connection, actor)
    lost = find_lost(database, org, settings)
    if lost is None:
        raise InvalidInput(
            "The database knows all that was done; there is nothing to accept.", remedy="Run `leadflow dispatch`."
        )
    unknown, unsent = 0, set[uuid.UUID]()
    while rows := _doubtful(database, org, lost.anchor.at, unsent):
        is_unsent = _ask_all(rows, messengers, _known_ids(database, org))
        unsent |= {row["message_id"] for row, told in zip(rows, is_unsent, strict=True) if told}
        doubtful = [row["message_id"] for row, told in zip(rows, is_unsent, strict=True) if not told]
        with database.as_org(org.org_id) as connection:
            unknown += _set_aside(connection, org, doubtful, lost.anchor.at, now)
    with database.as_org(org.org_id) as connection:
        paused, not_started = _end(connection, org, actor, now)
        facts = {
            "act": "restore_accepted", "by": actor, "noted_seq": lost.anchor.seq, "noted_hash": lost.anchor.entry_hash,
            "noted_at": lost.anchor.at.isoformat(), "known_seq": lost.seq, "known_hash": lost.entry_hash,
            "unknown": unknown, "unsent": len(unsent),
        }  # fmt: skip
        append_proof(connection, org.org_id, [ProofEntry(uuid.uuid4(), "org_change", None, now, facts)])
    replace_anchor(database, org, settings, now=now)
    return Accepted(unknown, len(unsent), paused, not_started)


def _doubtful(database: Database, org: Org, until: dt.datetime, unsent: Collection[uuid.UUID]) -> list[RowMapping]:
    """Messages that wait and were due by then, without those that are proven unsent; `began`: their campaign did."""
    table, audience = messages.c, campaign_audience.c
    joined = messages.outerjoin(
        campaign_audience,
        (audience.org_id == table.org_id)
        & (audience.campaign_id == table.campaign_id)
        & (audience.contact_point_id == table.contact_point_id),
    )
    chosen = (
        select(table.message_id, table.channel, audience.evidence, _began().label("began"))
        .select_from(joined)
        .where(table.org_id == org.org_id, table.state == "queued", table.due_at <= until)
    )
    with database.as_org(org.org_id) as connection:
        queue_due_steps(connection, org.org_id, now=until, states=STARTED)
        return [row for row in connection.execute(chosen).mappings() if row["message_id"] not in unsent]


def _began() -> ScalarSelect[dt.datetime]:
    """The first instant at which the message's campaign ran."""
    table, changes = messages.c, campaign_changes.c
    first = select(func.min(changes.changed_at)).where(
        changes.org_id == table.org_id, changes.campaign_id == table.campaign_id, changes.to_state == "running"
    )
    return first.scalar_subquery()


def _known_ids(database: Database, org: Org) -> set[str]:
    """The messengers' identities of what the database knows to be sent."""
    table = messages.c
    with database.as_org(org.org_id) as connection:
        known = connection.execute(
            select(table.provider_id).where(table.org_id == org.org_id, table.provider_id.is_not(None))
        )
        return {str(row.provider_id) for row in known}


def _ask_all(rows: Sequence[RowMapping], messengers: Mapping[str, Messenger], known: Collection[str]) -> list[bool]:
    """Whether each message is proven unsent."""
    with ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="ask") as pool:
        return list(pool.map(lambda row: _is_unsent(row, messengers.get(row["channel"]), known), rows))


def _is_unsent(row: RowMapping, messenger: Messenger | None, known: Collection[str]) -> bool:
    if not isinstance(messenger, ListsSent) or row["evidence"] is None or row["began"] is None:
        return False
    try:
        taken = messenger.sent_to(row["evidence"]["contact_value"], since=row["began"])
    except Refused:
        return False
    return all(one.provider_id in known for one in taken)


def _set_aside(
    connection: Connection, org: Org, message_ids: Sequence[uuid.UUID], until: dt.datetime, now: dt.datetime
) -> int:
    """Messages as unknown: attempted at the last instant possible, for caps, and over at the first one possible.

    So the step after it is made again too, if it may have followed by then (`_end` puts the instant right).
    """
    table = messages.c
    told = "The database was restored to an earlier state; it may have been sent before."
    aside = connection.execute(
        update(messages)
        .where(table.org_id == org.org_id, table.message_id.in_(message_ids), table.state == "queued")
        .values(
            state="unknown", error_code=RESTORED, message=told, attempted_at=until, claimed_by=None, claimed_until=None,
            settled_at=case((table.step == 1, func.coalesce(_began(), table.due_at)), else_=table.due_at),
        )
        .returning(table.message_id, table.contact_hash)
    ).all()  # fmt: skip
    entries = [
        ProofEntry(
            uuid.uuid4(), "message", row.contact_hash, now,
            {"message_id": str(row.message_id), "state": "unknown", "error_code": RESTORED},
        )
        for row in aside
    ]  # fmt: skip
    append_proof(connection, org.org_id, entries)
    return len(aside)


def _end(connection: Connection, org: Org, actor: str, now: dt.datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was set aside is settled now, what runs is paused; names of those, and of what had not begun."""
    table = messages.c
    connection.execute(
        update(messages)
        .where(
            table.org_id == org.org_id, table.state == "unknown", table.error_code == RESTORED,
            table.settled_at <= table.attempted_at,
        )
        .values(settled_at=now)
    )  # fmt: skip
    found = list_campaigns(connection, org.org_id)
    running = sorted(one.name for one in found if one.state == "running")
    for name in running:
        pause(connection, org.org_id, name, actor=actor, now=now, reason="The database was restored.")
    return tuple(running), tuple(one.name for one in found if one.state in ("draft", "reviewed", "approved"))
