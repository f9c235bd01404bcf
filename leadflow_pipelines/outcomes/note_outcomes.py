"""Noting what became of leads, and taking a word back.

A row never changes: who noted something wrong withdraws it and notes it again. Not here: files (`outcome_files`),
which properties there are (`known_properties`), reading back (`on_record`).
"""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, String, cast, func, insert, select, update

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.contracts.outcomes import OUTCOME_KINDS, PRICED_KINDS
from leadflow_pipelines.database.tables import campaigns, lead_outcomes
from leadflow_pipelines.errors import InvalidInput

MOST_NOTE = 2_000
MOST_CENTS = 100_000_000_000
"""A billion dollars: more is a slip of the pen."""
EARLIEST = dt.date(2000, 1, 1)
LEAST_BEGINNING = 4
PRICED = f"{', '.join(PRICED_KINDS[:-1])} or {PRICED_KINDS[-1]}"

Key = tuple[str, str, dt.date]
"""Property, kind and day: what may stand once."""
Told = tuple[int | None, uuid.UUID | None]
"""Amount and campaign."""


@dataclass(frozen=True)
class Outcome:
    """What became of a lead on a day. amount_cents: of an offer, contract or deal."""

    property_id: str
    kind: str
    happened_on: dt.date
    amount_cents: int | None = None
    campaign: str | None = None
    note: str | None = None

    @property
    def key(self) -> Key:
        """What may stand once."""
        return (self.property_id, self.kind, self.happened_on)


@dataclass(frozen=True)
class Noted:
    """What became of outcomes that were to be noted; `new` are ids, the others places in what was given.

    known: stands already just so. withdrawn: was noted just so and taken back. clashes: stands with another amount or
    campaign, in words.
    """

    new: list[uuid.UUID]
    known: list[int]
    withdrawn: list[int]
    clashes: dict[int, str]


def outcome_fault(outcome: Outcome, known_campaigns: Collection[str], today: dt.date) -> tuple[str, str, str] | None:
    """Column, what is wrong with it and what to do, in sentences; None for an outcome that can be noted."""
    if outcome.kind not in OUTCOME_KINDS:
        return "kind", f"No outcome is {outcome.kind!r}.", f"Give one of {', '.join(OUTCOME_KINDS)}."
    if fault := _day_fault(outcome, today) or _amount_fault(outcome):
        return fault
    if outcome.campaign is not None and outcome.campaign not in known_campaigns:
        return "campaign", f"There is no campaign {outcome.campaign!r}.", "See `leadflow campaign list`."
    if outcome.note is not None and len(outcome.note) > MOST_NOTE:
        return "note", f"It has {len(outcome.note):,} characters.", f"Write at most {MOST_NOTE:,}."
    return None


def _day_fault(outcome: Outcome, today: dt.date) -> tuple[str, str, str] | None:
    if outcome.happened_on > today:
        return "happened_on", f"{outcome.happened_on} lies in the future.", f"Today is {today}."
    if outcome.happened_on < EARLIEST:
        return "happened_on", f"{outcome.happened_on} is too long ago.", f"Give a day from {EARLIEST} on."
    return None


def _amount_fault(outcome: Outcome) -> tuple[str, str, str] | None:
    if outcome.amount_cents is None:
        return None
    if outcome.kind not in PRICED_KINDS:
        return "amount", f"{outcome.kind} has no amount.", f"Leave it blank: only {PRICED} has one."
    if not 0 < outcome.amount_cents <= MOST_CENTS:
        return "amount", "It is no price of a property.", "Give dollars above zero, at most a billion."
    return None


def campaign_ids(connection: Connection, org_id: uuid.UUID) -> dict[str, uuid.UUID]:
    """The org's campaigns by name."""
    rows = connection.execute(select(campaigns.c.name, campaigns.c.campaign_id).where(campaigns.c.org_id == org_id))
    return {row.name: row.campaign_id for row in rows}


def note_outcomes(
    connection: Connection,
    org_id: uuid.UUID,
    outcomes: Sequence[Outcome],
    *,
    source: str,
    actor: str,
    now: dt.datetime,
    withdrawn_too: bool = False,
) -> Noted:
    """Notes outcomes without fault, of properties that are known; each property, kind and day stands once.

    `source`: member or file. What was withdrawn comes back only where `withdrawn_too`: a file that is imported again
    must not undo what somebody took back. Raises InvalidInput where the actor is no member.
    """
    name, by_name = require_member(connection, actor), campaign_ids(connection, org_id)
    stands, taken_back = _before(connection, org_id, outcomes)
    noted = Noted([], [], [], {})
    rows: list[dict[str, Any]] = []
    for place, outcome in enumerate(outcomes):
        told: Told = (outcome.amount_cents, by_name[outcome.campaign] if outcome.campaign else None)
        if outcome.key in stands:
            if stands[outcome.key] == told:
                noted.known.append(place)
            else:
                noted.clashes[place] = _clash(outcome)
        elif not withdrawn_too and (*outcome.key, *told) in taken_back:
            noted.withdrawn.append(place)
        else:
            stands[outcome.key] = told
            rows.append(
                {
                    "outcome_id": uuid.uuid4(), "org_id": org_id, "property_id": outcome.property_id,
                    "kind": outcome.kind, "happened_on": outcome.happened_on, "amount_cents": told[0],
                    "campaign_id": told[1], "note": outcome.note, "source": source, "noted_by": name, "noted_at": now,
                }
            )  # fmt: skip
    if rows:
        connection.execute(insert(lead_outcomes), rows)
    noted.new.extend(row["outcome_id"] for row in rows)
    return noted


def withdraw_outcome(
    connection: Connection, org_id: uuid.UUID, outcome_id: str, *, because: str | None, actor: str, now: dt.datetime
) -> dict[str, Any]:
    """Takes an outcome back, by its id or a beginning that names it alone; returns what it was.

    Raises InvalidInput where none or several are meant, where it is withdrawn already, and for no member.
    """
    name = require_member(connection, actor)
    if because is not None and len(because) > MOST_NOTE:
        raise InvalidInput(f"The reason has {len(because):,} characters.", remedy=f"Write at most {MOST_NOTE:,}.")
    row = _find(connection, org_id, outcome_id)
    if row["withdrawn_at"] is not None:
        raise InvalidInput(f"{row['withdrawn_by']} withdrew it already, on {row['withdrawn_at']:%Y-%m-%d}.")
    connection.execute(
        update(lead_outcomes)
        .where(lead_outcomes.c.org_id == org_id, lead_outcomes.c.outcome_id == row["outcome_id"])
        .values(withdrawn_by=name, withdrawn_at=now, withdrawn_because=because)
    )
    told = ("outcome_id", "property_id", "kind", "happened_on", "amount_cents")
    return {**{column: row[column] for column in told}, "withdrawn_by": name, "withdrawn_at": now}


def _before(connection: Connection, org_id: uuid.UUID, outcomes: Sequence[Outcome]) -> tuple[dict[Key, Told], set[Any]]:
    """What stands of these properties, by its key, and what was withdrawn. Others wait until we are done."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"outcomes of {org_id}", 0))))
    about = lead_outcomes.c.property_id.in_({outcome.property_id for outcome in outcomes})
    stands: dict[Key, Told] = {}
    taken_back = set()
    for row in connection.execute(select(lead_outcomes).where(lead_outcomes.c.org_id == org_id, about)).mappings():
        key: Key = (row["property_id"], row["kind"], row["happened_on"])
        told: Told = (row["amount_cents"], row["campaign_id"])
        if row["withdrawn_at"] is None:
            stands[key] = told
        else:
            taken_back.add((*key, *told))
    return stands, taken_back


def _clash(outcome: Outcome) -> str:
    return f"A {outcome.kind} of that property on {outcome.happened_on} stands with another amount or campaign."


def _find(connection: Connection, org_id: uuid.UUID, outcome_id: str) -> dict[str, Any]:
    beginning = outcome_id.strip().lower()
    if len(beginning) < LEAST_BEGINNING or not set(beginning) <= set("0123456789abcdef-"):
        raise InvalidInput(
            f"{outcome_id!r} is not the id of an outcome that was noted.",
            remedy="See `leadflow outcome list`; what a call or a reply said is not withdrawn.",
        )
    table = lead_outcomes.c
    chosen = select(lead_outcomes).where(
        table.org_id == org_id, cast(table.outcome_id, String).startswith(beginning, autoescape=True)
    )
    found = connection.execute(chosen.limit(2)).mappings().all()
    if len(found) != 1:
        what = "No outcome that was noted begins" if not found else "Several outcomes begin"
        raise InvalidInput(
            f"{what} with {outcome_id}.",
            remedy="See `leadflow outcome list`; what a call or a reply said is not withdrawn.",
        )
    return dict(found[0])
