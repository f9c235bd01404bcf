"""The replies of an org as people work through them: listed, and ticked off.

Not here: taking them in (`receive_reply`).
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, cast, func, or_, select, update

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.database.tables import campaigns, inbound_messages
from leadflow_pipelines.errors import InvalidInput

COLUMNS = (
    "inbound_id", "received_at", "channel", "contact_value", "body", "reply_class", "needs_person", "message_id",
    "campaign_id", "property_id", "opt_out_type", "received_by", "handled_by", "handled_at",
)  # fmt: skip
LEAST_PREFIX = 4


@dataclass(frozen=True)
class Page:
    """Some replies, the newest first. `matching`: how many there are; `following`: what to give as `after` next."""

    matching: int
    replies: list[dict[str, Any]]
    following: str | None


def list_replies(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    is_open: bool | None = True,
    reply_class: str | None = None,
    campaign: str | None = None,
    most: int = 20,
    after: str | None = None,
) -> Page:
    """Replies, the newest first, with their campaign's name. `is_open`: those that a person has to read and nobody has.

    `after`: a page's `following`. Raises InvalidInput where that names no reply.
    """
    table = inbound_messages.c
    wanted: list[ColumnElement[bool]] = [table.org_id == org_id]
    if is_open is not None:
        waits = and_(table.needs_person, table.handled_at.is_(None))
        wanted.append(waits if is_open else ~waits)
    if reply_class is not None:
        wanted.append(table.reply_class == reply_class)
    if campaign is not None:
        wanted.append(campaigns.c.name == campaign)
    joined = inbound_messages.outerjoin(
        campaigns, (campaigns.c.org_id == table.org_id) & (campaigns.c.campaign_id == table.campaign_id)
    )
    matching = connection.execute(select(func.count()).select_from(joined).where(*wanted)).scalar_one()
    columns = [*(table[name] for name in COLUMNS), campaigns.c.name.label("campaign")]
    behind = _behind(connection, org_id, after) if after else None
    chosen = (
        select(*columns)
        .select_from(joined)
        .where(*wanted, *([] if behind is None else [behind]))
        .order_by(table.received_at.desc(), table.inbound_id)
        .limit(most + 1)
    )
    rows = [dict(row) for row in connection.execute(chosen).mappings()]
    following = str(rows[most - 1]["inbound_id"]) if len(rows) > most else None
    return Page(matching, rows[:most], following)


def handle_reply(
    connection: Connection, org_id: uuid.UUID, reply_id: str, *, actor: str, now: dt.datetime
) -> dict[str, Any]:
    """Notes that a member has read a reply and dealt with it. `reply_id`: its id, or a beginning that names it alone.

    Raises InvalidInput where no reply or several are meant, where somebody has handled it, and for no member.
    """
    name = require_member(connection, actor)
    row = _find(connection, org_id, reply_id)
    if row["handled_at"] is not None:
        raise InvalidInput(f"{row['handled_by']} has handled this reply already, on {row['handled_at']:%Y-%m-%d}.")
    table = inbound_messages.c
    connection.execute(
        update(inbound_messages)
        .where(table.org_id == org_id, table.inbound_id == row["inbound_id"])
        .values(handled_by=name, handled_at=now)
    )
    facts = {"act": "handled", "inbound_id": str(row["inbound_id"]), "by": name}
    append_proof(connection, org_id, [ProofEntry(uuid.uuid4(), "inbound", row["contact_hash"], now, facts)])
    return {**{column: row[column] for column in COLUMNS}, "handled_by": name, "handled_at": now}


def _find(connection: Connection, org_id: uuid.UUID, reply_id: str) -> dict[str, Any]:
    table = inbound_messages.c
    beginning = reply_id.strip().lower()
    if len(beginning) < LEAST_PREFIX or not set(beginning) <= set("0123456789abcdef-"):
        raise InvalidInput(f"{reply_id!r} is no reply's id.", remedy="See `leadflow replies list`.")
    chosen = select(inbound_messages).where(
        table.org_id == org_id, cast(table.inbound_id, String).startswith(beginning, autoescape=True)
    )
    found = connection.execute(chosen.limit(2)).mappings().all()
    if len(found) != 1:
        what = "No reply begins" if not found else "Several replies begin"
        raise InvalidInput(f"{what} with {reply_id}.", remedy="See `leadflow replies list --all`.")
    return dict(found[0])


def _behind(connection: Connection, org_id: uuid.UUID, after: str) -> ColumnElement[bool]:
    table = inbound_messages.c
    last = _find(connection, org_id, after)
    return or_(
        table.received_at < last["received_at"],
        and_(table.received_at == last["received_at"], table.inbound_id > last["inbound_id"]),
    )
