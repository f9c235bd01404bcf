"""Calling back what a messenger has taken and not sent yet. As good as it gets: most messengers send at once.

Not here: what waits in our own outbox (`sequences`).
"""

import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, exists, select

from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import message_events, messages
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.outreach.dispatch.fates import record_status
from leadflow_pipelines.outreach.messengers.messenger import Status
from leadflow_pipelines.outreach.messengers.open_messenger import OPENERS, open_messenger
from leadflow_pipelines.settings import Settings

logger = logging.getLogger(__name__)
STILL_THERE = ("scheduled", "accepted", "queued")
"""Statuses in which a messenger may not have sent it yet."""
MOST = 5
CANCELED = "canceled"
HELD_AT_MOST = timedelta(hours=12)
"""No text is valid for longer than ten hours."""


def recall(
    database: Database,
    org: Org,
    hashes: Sequence[str],
    *,
    now: datetime,
    keys: HashKeys,
    settings: Settings,
    until: float,
) -> None:
    """Asks the messengers to stop what they hold for this person; returns at `until` (monotonic) at the latest.

    What takes longer goes on beside the caller. Nothing is raised: the suppression stands whatever comes of this.
    """
    held = [row for row in _held(database, org, hashes, now) if row.channel in OPENERS]
    if not held:
        return

    def work() -> None:
        for one in held:
            try:
                if not open_messenger(one.channel, org, settings).cancel(one.provider_id):
                    continue
                status = Status(one.provider_id, CANCELED, "cancelled", None, None, None)
                with database.as_org(org.org_id) as connection:
                    record_status(connection, org, one.message_id, status, now=now, keys=keys)
            except LeadflowError as error:
                logger.warning("a message could not be called back", extra={"fault": type(error).__name__})

    thread = threading.Thread(target=work, name="recall", daemon=True)
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))


def _held(database: Database, org: Org, hashes: Sequence[str], now: datetime) -> Sequence[Row[Any]]:
    table, events = messages.c, message_events.c
    is_gone = exists().where(
        events.org_id == table.org_id, events.message_id == table.message_id, events.status.not_in(STILL_THERE)
    )
    chosen = (
        select(table.message_id, table.channel, table.provider_id)
        .where(
            table.org_id == org.org_id, table.contact_hash.in_(hashes), table.state == "accepted",
            table.provider_id.is_not(None), table.accepted_at > now - HELD_AT_MOST, ~is_gone,
        )
        .order_by(table.accepted_at.desc())
        .limit(MOST)
    )  # fmt: skip
    try:
        with database.as_org(org.org_id) as connection:
            return connection.execute(chosen).all()
    except LeadflowError:
        return []
