"""One click that stops the e-mails (RFC 8058): the token names the message, the message names the person.

Not here: the page that asks (`gateway`).
"""

import datetime as dt

from sqlalchemy import RowMapping, exists, select

from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import messages, suppressions
from leadflow_pipelines.outreach.campaigns.tracked_links import read_token
from leadflow_pipelines.outreach.messengers.messenger import Reply
from leadflow_pipelines.outreach.replies.receive_reply import Received, receive_reply
from leadflow_pipelines.settings import Settings

CHANNEL = "email"


def is_unsubscribe_token(database: Database, org: Org, token: str, *, keys: HashKeys) -> bool:
    """Whether we signed it, for an e-mail of this org."""
    return _message(database, org, token, keys) is not None


def unsubscribe(
    database: Database, org: Org, token: str, *, now: dt.datetime, keys: HashKeys, settings: Settings
) -> Received | bool:
    """Suppresses the e-mail address that got the message. False where the token is not ours, True where it stood so.

    What else a withdrawal does is done as for a reply; raises what `receive_reply` raises.
    """
    message = _message(database, org, token, keys)
    if message is None:
        return False
    address = message["contact_value"]
    if address is None or _stands(database, org, all_hashes("email", address, keys)):
        return True
    reply = Reply(
        provider_id=f"unsubscribe:{message['message_id']}:{now.timestamp():.6f}",
        sender=address,
        received_by=message["sender"] or "unsubscribe",
        body="",
        received_at=now,
        opt_out_type="STOP",
    )
    return receive_reply(database, org, reply, channel=CHANNEL, now=now, keys=keys, settings=settings)


def _message(database: Database, org: Org, token: str, keys: HashKeys) -> RowMapping | None:
    tracked = read_token("unsubscribe", token, keys)
    if tracked is None:
        return None
    table = messages.c
    chosen = select(table.message_id, table.contact_value, table.sender).where(
        table.org_id == org.org_id, table.message_id == tracked.message_id, table.channel == CHANNEL
    )
    with database.as_org(org.org_id) as connection:
        return connection.execute(chosen).mappings().first()


def _stands(database: Database, org: Org, hashes: list[str]) -> bool:
    table = suppressions.c
    standing = exists().where(
        table.org_id == org.org_id, table.contact_hash.in_(hashes), table.lifted_at.is_(None), table.kind == "email",
    )  # fmt: skip
    with database.as_org(org.org_id) as connection:
        return bool(connection.execute(select(standing)).scalar_one())
