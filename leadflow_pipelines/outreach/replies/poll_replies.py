"""Asking messengers for replies, where no webhook reaches us, and for those whose webhook got lost.

A reply that is known already changes nothing, so that windows may overlap. Not here: when it is asked
(`automation.replies_sensor`).
"""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.profile import list_senders
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import inbound_messages
from leadflow_pipelines.errors import InvalidInput, LeadflowError
from leadflow_pipelines.outreach.messengers.messenger import Reply
from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
from leadflow_pipelines.outreach.replies.receive_reply import receive_reply
from leadflow_pipelines.settings import Settings

logger = logging.getLogger(__name__)
CHANNEL = "sms"
FIRST_LOOK = dt.timedelta(days=2)
"""How far back the first look goes."""
OVERLAP = dt.timedelta(hours=1)
"""A list may lag behind what was sent; so much of the time before is asked again."""


@dataclass(frozen=True)
class Polled:
    """What was found: replies listed, those that were new, and of these the withdrawals and those for a person."""

    listed: int = 0
    new: int = 0
    suppressed: int = 0
    needs_person: int = 0


def poll_replies(
    database: Database, org: Org, *, since: dt.datetime, now: dt.datetime, keys: HashKeys, settings: Settings
) -> Polled:
    """Takes every reply that came to any of the org's senders since then, oldest first; also to inactive senders.

    Raises InvalidInput where no messenger is configured or the org has no sender, NotProcessed and Refused where the
    messenger cannot be asked.
    """
    messenger = open_messenger(CHANNEL, org, settings)
    with database.as_org(org.org_id) as connection:
        senders = [one.sender for one in list_senders(connection)]
    if not senders:
        raise InvalidInput(
            "The org has no sender, so nobody can have answered.", remedy="See `leadflow sender --help`."
        )
    listed = {
        reply.provider_id: reply for sender in senders for reply in messenger.replies(to=sender, since=since - OVERLAP)
    }
    fresh = _unknown(database, org, list(listed.values()))
    received = [
        receive_reply(database, org, reply, channel=CHANNEL, now=now, keys=keys, settings=settings)
        for reply in sorted(fresh, key=lambda reply: reply.received_at)
    ]
    new = [one for one in received if one.is_new]
    return Polled(
        len(listed), len(new), sum(one.suppressed for one in new), sum(one.needs_person for one in new)
    )  # fmt: skip


class ReplyPoll:
    """Polls each time it is called, from the last time that worked. What cannot be asked now is asked the next time."""

    def __init__(self, database: Database, org: Org, settings: Settings, clock: Callable[[], dt.datetime]) -> None:
        self._database, self._org, self._settings, self._clock = database, org, settings, clock
        self._since = clock() - FIRST_LOOK

    def __call__(self) -> None:
        """Takes the replies that came since."""
        now = self._clock()
        try:
            polled = poll_replies(
                self._database, self._org, since=self._since, now=now, keys=load_hash_keys(self._settings),
                settings=self._settings,
            )  # fmt: skip
        except LeadflowError as why:
            logger.warning("replies could not be asked for", extra={"fault": why.message})
            return
        self._since = now
        if polled.new:
            logger.info("replies polled", extra={"new": polled.new, "suppressed": polled.suppressed})


def _unknown(database: Database, org: Org, replies: list[Reply]) -> list[Reply]:
    table = inbound_messages.c
    asked = [reply.provider_id for reply in replies]
    chosen = select(table.provider_id).where(table.org_id == org.org_id, table.provider_id.in_(asked))
    with database.as_org(org.org_id) as connection:
        known: set[str] = set(connection.execute(chosen).scalars())
    return [reply for reply in replies if reply.provider_id not in known]
