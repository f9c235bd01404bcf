"""What became of leads, read back: as labels for those who watch scores and build marts, and page by page for people.

Classified replies and results of calls are read where they stand, never copied. Not here: noting (`note_outcomes`).
"""

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Connection, String, cast, select

from leadflow_pipelines.contracts.outcomes import CAMPAIGN_LEADS, LEAD_OUTCOMES
from leadflow_pipelines.database.queries import named_query
from leadflow_pipelines.database.tables import lead_outcomes
from leadflow_pipelines.errors import InvalidInput

NEWEST_FIRST: dict[str, Any] = {"by": ["happened_on", "outcome_id"], "descending": [True, False]}


@dataclass(frozen=True)
class Page:
    """Some outcomes, the newest first. `matching`: how many there are; `following`: what to give as `after` next."""

    matching: int
    outcomes: list[dict[str, Any]]
    following: str | None


def outcomes_on_record(
    connection: Connection, org_id: uuid.UUID, *, known_by: dt.datetime, zone: ZoneInfo
) -> pl.DataFrame:
    """LEAD_OUTCOMES as the org knew them at `known_by`: one row per property, kind and day in `zone`.

    What was noted or withdrawn later does not count, so that a past judgement of a model reads the same again.
    """
    asked = {"org_id": org_id, "known_by": known_by, "zone": zone.key}
    rows = connection.execute(named_query("outcomes_on_record"), asked).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=LEAD_OUTCOMES.schema, orient="row")


def campaign_leads(connection: Connection, org_id: uuid.UUID, *, zone: ZoneInfo) -> pl.DataFrame:
    """CAMPAIGN_LEADS: the leads of every campaign that ever ran, one row per campaign and property."""
    rows = connection.execute(named_query("campaign_leads"), {"org_id": org_id, "zone": zone.key}).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=CAMPAIGN_LEADS.schema, orient="row")


def list_outcomes(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    known_by: dt.datetime,
    zone: ZoneInfo,
    property_ids: Collection[str] | None = None,
    kind: str | None = None,
    most: int = 20,
    after: str | None = None,
) -> Page:
    """Outcomes that stand, the newest first, with who noted them and in which words.

    `property_ids`: of these alone. `after`: a page's `following`, or its beginning; raises InvalidInput where that
    names none of them.
    """
    frame = outcomes_on_record(connection, org_id, known_by=known_by, zone=zone).sort(**NEWEST_FIRST)
    if property_ids is not None:
        frame = frame.filter(pl.col("property_id").is_in(list(property_ids)))
    if kind is not None:
        frame = frame.filter(pl.col("kind") == kind)
    behind = frame if after is None else frame.slice(_place(frame, after) + 1)
    page = behind.head(most)
    following = str(page["outcome_id"][-1]) if behind.height > most else None
    return Page(frame.height, _with_words(connection, org_id, page), following)


def _place(frame: pl.DataFrame, after: str) -> int:
    """Where the outcome stands in the list."""
    begins = frame["outcome_id"].str.starts_with(after.strip().lower())
    if begins.sum() != 1:
        what = "Several outcomes begin" if begins.sum() else "No outcome of these begins"
        raise InvalidInput(f"{what} with {after}.", remedy="Start at the top: leave --after out.")
    place = begins.arg_max()
    assert place is not None
    return place


def _with_words(connection: Connection, org_id: uuid.UUID, page: pl.DataFrame) -> list[dict[str, Any]]:
    """The outcomes with noted_by and note, null where a call or a reply tells them."""
    table = lead_outcomes.c
    outcome_id = cast(table.outcome_id, String)
    chosen = select(outcome_id, table.noted_by, table.note).where(
        table.org_id == org_id, outcome_id.in_(page["outcome_id"].to_list())
    )
    words = {row[0]: {"noted_by": row[1], "note": row[2]} for row in connection.execute(chosen)}
    nobody = {"noted_by": None, "note": None}
    return [{**row, **words.get(row["outcome_id"], nobody)} for row in page.iter_rows(named=True)]
