"""The people who act for an org, and under whose name an act is noted.

An org without members lets anybody act under the name they give; once it has any, only they may.
"""

import datetime as dt
import uuid

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.database.tables import members
from leadflow_pipelines.errors import InvalidInput


def list_members(connection: Connection) -> list[str]:
    """The names of the org's active members, in order."""
    names = select(members.c.member).where(members.c.removed_at.is_(None)).order_by(members.c.member)
    return list(connection.execute(names).scalars())


def require_member(connection: Connection, actor: str) -> str:
    """The actor's name, if it may act for the org. Raises InvalidInput where the org has members and it is none."""
    name = actor.strip()
    if not name:
        raise InvalidInput("Nobody is named as the one who does this.", remedy="Give --as NAME.")
    known = list_members(connection)
    if known and name not in known:
        raise InvalidInput(
            f"{name} is no member of the org.",
            remedy="Give --as with one of `leadflow member list`, or add the person.",
        )
    return name


def add_member(connection: Connection, org_id: uuid.UUID, member: str, *, actor: str, now: dt.datetime) -> None:
    """Let a person act for the org; one who left may come back. The first member adds themselves."""
    require_member(connection, actor)
    if not member.strip():
        raise InvalidInput("A member needs a name.")
    row = upsert(members).values(org_id=org_id, member=member.strip(), added_at=now, removed_at=None)
    connection.execute(
        row.on_conflict_do_update(constraint=members.primary_key, set_={"added_at": now, "removed_at": None})
    )
    _note(connection, org_id, "member_added", actor, now)


def remove_member(connection: Connection, org_id: uuid.UUID, member: str, *, actor: str, now: dt.datetime) -> None:
    """Take a person's right to act. Raises InvalidInput for no member, and for the last one."""
    require_member(connection, actor)
    others = select(func.count()).where(members.c.removed_at.is_(None), members.c.member != member)
    if member in list_members(connection) and not connection.execute(others).scalar_one():
        raise InvalidInput(f"{member} is the last member: then anybody could act.", remedy="Add another member first.")
    gone = connection.execute(
        update(members).where(members.c.member == member, members.c.removed_at.is_(None)).values(removed_at=now)
    )
    if not gone.rowcount:
        raise InvalidInput(f"{member} is no member of the org.", remedy="See `leadflow member list`.")
    _note(connection, org_id, "member_removed", actor, now)


def _note(connection: Connection, org_id: uuid.UUID, act: str, actor: str, now: dt.datetime) -> None:
    facts = {"act": act, "by": actor, "members": list_members(connection)}
    append_proof(connection, org_id, [ProofEntry(uuid.uuid4(), "org_change", None, now, facts)])
