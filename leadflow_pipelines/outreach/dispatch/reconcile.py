"""Asking the messenger what became of messages: those whose answer was lost, and those it never told more of.

Nothing is ever sent from here. An unknown message that the messenger does not know either stays unknown: a person or
the next campaign may decide, the product does not.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import RowMapping, func, select, text, update

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import messages
from leadflow_pipelines.outreach.dispatch.fates import record_status
from leadflow_pipelines.outreach.messengers.messenger import Messenger, NotProcessed, Outgoing, Refused, Status
from leadflow_pipelines.settings import Settings

SETTLES = dt.timedelta(seconds=20)
"""An answer that was lost may be on its way into the messenger's list for so long."""
SILENT = dt.timedelta(minutes=10)
"""After so long without a final status the messenger is asked."""
GIVES_UP = dt.timedelta(hours=24)
"""No message is valid longer than ten hours; what is not known a day later will not be."""
NOT_SENT_PRESUMED = "not_sent_presumed"
AT_ONCE = 200
ONE_AT_A_TIME = text("select pg_try_advisory_xact_lock(hashtextextended('reconcile ' || :org_id, 0))")
TOLD_LATER = ("sms",)
"""Channels whose messenger can be asked how a message fares; what becomes of an e-mail arrives as a bounce."""


@dataclass(frozen=True)
class Reconciled:
    """Messages asked about: found at the messenger, with a final status now, given up, and still open."""

    found: int = 0
    settled: int = 0
    given_up: int = 0
    open: int = 0


def reconcile(
    database: Database, org: Org, messengers: Mapping[str, Messenger], settings: Settings, *, now: dt.datetime
) -> Reconciled:
    """Asks about unknown messages of the last day, and accepted ones that have been silent for long: some at a time.

    One at a time does so for an org; another finds nothing to ask about.
    """
    with database.as_org(org.org_id) as guard:
        if not guard.execute(ONE_AT_A_TIME, {"org_id": str(org.org_id)}).scalar_one():
            return Reconciled()
        return _reconcile(database, org, messengers, settings, now)


def _reconcile(
    database: Database, org: Org, messengers: Mapping[str, Messenger], settings: Settings, now: dt.datetime
) -> Reconciled:
    keys = load_hash_keys(settings)
    counted = {"found": 0, "settled": 0, "given_up": 0, "open": 0}
    for row in _open_messages(database, org, messengers, now):
        messenger = messengers[row["channel"]]
        status = _ask(messenger, row)
        if status is None:
            counted["given_up" if _give_up(database, org, row, now) else "open"] += 1
            continue
        with database.as_org(org.org_id) as connection:
            record_status(connection, org, row["message_id"], status, now=now, keys=keys)
        counted["found"] += row["state"] == "unknown"
        counted["settled"] += status.fate != "accepted"
    return Reconciled(**counted)


def _open_messages(
    database: Database, org: Org, messengers: Mapping[str, Messenger], now: dt.datetime
) -> list[RowMapping]:
    table = messages.c
    unknown = (table.state == "unknown") & (table.settled_at.is_(None)) & (table.attempted_at < now - SETTLES)
    silent = (
        (table.state == "accepted")
        & table.channel.in_(TOLD_LATER)
        & table.accepted_at.between(now - GIVES_UP * 2, now - SILENT)
    )
    chosen = (
        select(messages)
        .where(table.org_id == org.org_id, table.channel.in_(list(messengers)), unknown | silent)
        .order_by(func.random())  # some may never be found, and must not keep the others from being asked about
        .limit(AT_ONCE)
    )
    with database.as_org(org.org_id) as connection:
        return list(connection.execute(chosen).mappings())


def _ask(messenger: Messenger, row: RowMapping) -> Status | None:
    """What the messenger knows of a message, None where it knows nothing or cannot be asked just now."""
    provider_id = row["provider_id"]
    try:
        if provider_id is None and row["body"] is not None and row["contact_value"] is not None:
            wanted = Outgoing(row["message_id"], row["contact_value"], row["sender"], row["body"])
            found = messenger.find(wanted, since=row["attempted_at"])
            provider_id = found.provider_id if found else None
        return messenger.fetch(provider_id) if provider_id else None
    except (NotProcessed, Refused):
        return None


def _give_up(database: Database, org: Org, row: RowMapping, now: dt.datetime) -> bool:
    """Closes a message of which nothing was heard for a day; it stays unknown and is never sent again."""
    if row["state"] != "unknown" or row["attempted_at"] > now - GIVES_UP:
        return False
    table = messages.c
    with database.as_org(org.org_id) as connection:
        connection.execute(
            update(messages)
            .where(table.org_id == org.org_id, table.message_id == row["message_id"], table.state == "unknown")
            .values(settled_at=now, error_code=NOT_SENT_PRESUMED)
        )
    return True
