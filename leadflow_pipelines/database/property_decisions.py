"""What operators decided about pairs of records: written once a pair, read by every resolution.

Each function works inside the caller's transaction (`database.as_org`). Not here: what a decision does to
properties (`properties.resolve`), or which pairs wait for one (`properties.review_queue`).
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Literal

import polars as pl
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from leadflow_pipelines.database.tables import property_decisions

Choice = Literal["together", "apart"]

DECISION_SCHEMA: dict[str, pl.DataType] = {
    "left_record_id": pl.String(),
    "right_record_id": pl.String(),
    "decision": pl.String(),
    "decided_by": pl.String(),
    "decided_at": pl.Datetime("us", "UTC"),
    "note": pl.String(),
}


@dataclass(frozen=True)
class Decision:
    """An operator's word on two records; the pair has no order."""

    left_record_id: str
    right_record_id: str
    decision: Choice
    decided_by: str
    decided_at: dt.datetime
    note: str | None = None


def record_decision(connection: Connection, org_id: uuid.UUID, decision: Decision) -> Decision | None:
    """Keep the decision in the place of any earlier one on this pair, which is returned."""
    left, right = sorted((decision.left_record_id, decision.right_record_id))
    table = property_decisions
    said = {
        "decision": decision.decision,
        "decided_by": decision.decided_by,
        "decided_at": decision.decided_at,
        "note": decision.note,
    }
    pair = {"org_id": org_id, "left_record_id": left, "right_record_id": right}
    earlier = (
        connection.execute(
            select(*(table.c[name] for name in DECISION_SCHEMA))
            .where(*(table.c[name] == value for name, value in pair.items()))
            .with_for_update()
        )
        .mappings()
        .first()
    )
    statement = insert(table).values(decision_id=uuid.uuid4(), **pair, **said)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(pair), set_={"decision_id": statement.excluded.decision_id, **said}
        )
    )
    return Decision(**earlier) if earlier else None


def read_decisions(connection: Connection, org_id: uuid.UUID) -> pl.DataFrame:
    """Every decision of the org (DECISION_SCHEMA), sorted by pair. An operator makes few, so they come whole."""
    table = property_decisions
    chosen = select(*(table.c[name] for name in DECISION_SCHEMA)).where(table.c.org_id == org_id)
    rows = connection.execute(chosen).all()
    frame = pl.DataFrame([tuple(row) for row in rows], schema=DECISION_SCHEMA, orient="row")
    return frame.sort("left_record_id", "right_record_id")
