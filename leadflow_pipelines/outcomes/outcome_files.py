"""Outcomes from a CSV file: every row that can be used is, every other is named with what to do about it."""

import datetime as dt
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from sqlalchemy import Connection

from leadflow_pipelines.lake import Lake
from leadflow_pipelines.outcomes.known_properties import LIST_IDS, find_properties, nearest_ids
from leadflow_pipelines.outcomes.note_outcomes import Outcome, campaign_ids, note_outcomes, outcome_fault
from leadflow_pipelines.source_rows.checked_rows import RowFault, Wrong, read_checked_csv

NEEDED = ("property_id", "kind", "happened_on")
OPTIONAL = ("amount", "campaign", "note")
MOST_HINTED = 50
"""Unknown ids for which the nearest known one is looked up: a wholly foreign file needs no more."""
DOLLARS = re.compile(r"\$?\s*(\d{1,3}(?:,\d{3})+|\d+)(\.\d{1,2})?")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Imported:
    """Rows of a file: `new` are noted, `known` stand already, `withdrawn` were taken back earlier and stay so."""

    rows_in: int
    new: int
    known: int
    withdrawn: int
    faults: list[RowFault]


def import_outcomes(
    connection: Connection, org_id: uuid.UUID, lake: Lake, path: Path, *, actor: str, today: dt.date, now: dt.datetime
) -> Imported:
    """Notes the outcomes of a CSV file with the columns NEEDED and, if it likes, OPTIONAL; `amount` is in dollars.

    Importing it again notes nothing twice. Raises InvalidInput where the file cannot be read as CSV or lacks a column,
    and where the actor is no member.
    """
    campaigns = campaign_ids(connection, org_id)
    outcomes, faults = read_checked_csv(
        path,
        lambda cells: _outcome(cells, campaigns, today),
        needed=NEEDED,
        optional=OPTIONAL,
        layout=f"An outcome file has the columns {', '.join(NEEDED)}, and may have {', '.join(OPTIONAL)}.",
    )
    known = find_properties(lake, [one.property_id for one in outcomes.values()])
    unknown = {row: one.property_id for row, one in outcomes.items() if one.property_id not in known}
    nearest = nearest_ids(lake, list(unknown.values())[:MOST_HINTED])
    for row, property_id in unknown.items():
        near = nearest.get(property_id)
        remedy = f"Did you mean {near}? {LIST_IDS}" if near else LIST_IDS
        faults.append(RowFault(path.name, row, "property_id", f"No property has the id {property_id!r}.", remedy))
    usable = {
        row: replace(one, property_id=known[one.property_id]) for row, one in outcomes.items() if row not in unknown
    }
    rows = list(usable)
    noted = note_outcomes(connection, org_id, list(usable.values()), source="file", actor=actor, now=now)
    for place, clash in noted.clashes.items():
        remedy = "Withdraw that one first: leadflow outcome withdraw ID."
        faults.append(RowFault(path.name, rows[place], "amount", clash, remedy))
    faults.sort(key=lambda fault: fault.row)
    rows_in = len(noted.new) + len(noted.known) + len(noted.withdrawn) + len(faults)
    return Imported(rows_in, len(noted.new), len(noted.known), len(noted.withdrawn), faults)


def read_dollars(text: str) -> int:
    """Dollars as a person writes them, in cents. Raises ValueError for anything else."""
    found = DOLLARS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no amount of dollars")
    try:
        return int(Decimal(found[1].replace(",", "") + (found[2] or "")) * 100)
    except InvalidOperation as error:  # more digits than a decimal has
        raise ValueError(f"{text!r} is no amount of dollars") from error


def read_date(text: str) -> dt.date:
    """A day like 2026-11-02. Raises ValueError for anything else."""
    if not DAY.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no date")
    return dt.date.fromisoformat(text.strip())


def _outcome(cells: Mapping[str, str], campaigns: Collection[str], today: dt.date) -> Outcome | Wrong:
    for name in NEEDED:
        if not cells[name]:
            return name, "It is blank.", "Every row needs it."
    try:
        happened_on = read_date(cells["happened_on"])
    except ValueError:
        return "happened_on", f"{cells['happened_on']!r} is no date.", "Write it like 2026-11-02."
    try:
        amount = read_dollars(cells["amount"]) if cells["amount"] else None
    except ValueError:
        return "amount", f"{cells['amount']!r} is no amount of dollars.", "Write it like 182000 or $182,000.00."
    kind = cells["kind"].lower().replace(" ", "_").replace("-", "_")
    outcome = Outcome(
        cells["property_id"], kind, happened_on, amount, cells["campaign"] or None, cells["note"] or None
    )  # fmt: skip
    return outcome_fault(outcome, campaigns, today) or outcome
