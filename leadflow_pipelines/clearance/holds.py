"""Places an org does not contact for now: effective at once, on queued messages too, until lifted."""

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import asdict, dataclass

import polars as pl
from sqlalchemy import Connection, insert, or_, select, update

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance.evidence import HOLD_COLUMNS
from leadflow_pipelines.compliance.places import EVERYWHERE
from leadflow_pipelines.compliance.rule_book import load_rules
from leadflow_pipelines.contracts import CHANNELS
from leadflow_pipelines.database.tables import jurisdiction_holds
from leadflow_pipelines.errors import InvalidInput


@dataclass(frozen=True)
class Hold:
    """One hold. `lifted_at` is None while it holds."""

    hold_id: uuid.UUID
    state: str
    channels: list[str]
    reason: str
    held_from: dt.datetime
    placed_by: str
    lifted_at: dt.datetime | None
    lifted_by: str | None


def place_hold(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    state: str,
    channels: Collection[str],
    reason: str,
    actor: str,
    now: dt.datetime,
) -> Hold:
    """Hold all contact to a state (`*`: everywhere) on these channels from now on.

    Raises InvalidInput for a state or channel that does not exist, and for no reason given.
    """
    state = state.strip().upper()
    if state != EVERYWHERE and state not in load_rules().calling_rules:
        raise InvalidInput(f"There is no state {state!r}.", remedy="Give two letters such as LA, or * for everywhere.")
    unknown = set(channels) - set(CHANNELS)
    if unknown or not channels:
        raise InvalidInput(f"No such channels: {sorted(unknown)}.", remedy=f"Choose from {', '.join(CHANNELS)}.")
    if not reason.strip():
        raise InvalidInput("A hold needs a reason.", remedy="Say why, with the source.")
    ordered = [channel for channel in CHANNELS if channel in channels]
    hold = Hold(uuid.uuid4(), state, ordered, reason.strip(), now, require_member(connection, actor), None, None)
    connection.execute(insert(jurisdiction_holds).values(org_id=org_id, **asdict(hold)))
    facts = {"act": "placed", "hold_id": str(hold.hold_id), "state": state, "channels": ordered, "by": hold.placed_by,
             "reason": hold.reason}  # fmt: skip
    append_proof(connection, org_id, [ProofEntry(uuid.uuid4(), "hold", None, now, facts)])
    return hold


def lift_hold(connection: Connection, org_id: uuid.UUID, hold_id: uuid.UUID, *, actor: str, now: dt.datetime) -> None:
    """End a hold. Raises InvalidInput where none of that identity stands."""
    table, name = jurisdiction_holds, require_member(connection, actor)
    lifted = connection.execute(
        update(table)
        .where(table.c.hold_id == hold_id, table.c.lifted_at.is_(None))
        .values(lifted_at=now, lifted_by=name)
    )
    if not lifted.rowcount:
        raise InvalidInput(f"No hold {hold_id} stands.", remedy="See `leadflow hold list`.")
    facts = {"act": "lifted", "hold_id": str(hold_id), "by": name}
    append_proof(connection, org_id, [ProofEntry(uuid.uuid4(), "hold", None, now, facts)])


def list_holds(connection: Connection, *, with_lifted: bool = False) -> list[Hold]:
    """The org's holds, newest first."""
    table = jurisdiction_holds.c
    chosen = select(*(column for column in table if column.name != "org_id")).order_by(table.held_from.desc())
    if not with_lifted:
        chosen = chosen.where(table.lifted_at.is_(None))
    return [Hold(**row) for row in connection.execute(chosen).mappings()]


def standing_holds(connection: Connection, now: dt.datetime) -> pl.DataFrame:
    """The holds that stand at `now`, one row per state and channel, as decisions take them (HOLD_COLUMNS)."""
    table = jurisdiction_holds.c
    chosen = select(table.state, table.channels).where(
        table.held_from <= now, or_(table.lifted_at.is_(None), table.lifted_at > now)
    )
    rows = sorted({(row.state, channel) for row in connection.execute(chosen) for channel in row.channels})
    return pl.DataFrame(rows, schema=HOLD_COLUMNS, orient="row")
