"""Which states keep a do-not-call list of their own, beside the national one: dated data in `rules/`.

A state without a row keeps none that is known of. Not here: whether an org has imported the lists (`clearance`).
"""

import datetime as dt
from dataclasses import dataclass
from functools import cache

from leadflow_pipelines.compliance import rule_tables as tables
from leadflow_pipelines.compliance.holidays import is_in_force
from leadflow_pipelines.errors import InvalidInput

TABLE = "state_registries"


@dataclass(frozen=True)
class StateRegistry:
    """A state whose own list must be asked as well."""

    state: str
    effective_from: dt.date | None
    effective_to: dt.date | None
    source: str
    confidence: str


def states_with_lists(day: dt.date) -> frozenset[str]:
    """States whose own list counts on a day."""
    return frozenset(row.state for row in _packaged() if is_in_force(row.effective_from, row.effective_to, day))


def parse_state_registries(text: str) -> tuple[StateRegistry, ...]:
    """The rows of the table. Raises InvalidInput naming every fault."""
    faults = tables.Faults()
    rows = tables.parse_rows(TABLE, text, _row, faults)
    if faults.found:
        raise InvalidInput("\n".join(faults.found), remedy=f"Correct leadflow_pipelines/compliance/rules/{TABLE}.csv.")
    return tuple(rows)


@cache
def _packaged() -> tuple[StateRegistry, ...]:
    texts, _ = tables.read_tables()
    return parse_state_registries(texts[TABLE])


def _row(row: tables.Row) -> StateRegistry:
    return StateRegistry(
        tables.some(row["state"]), tables.optional_date(row["effective_from"]),
        tables.optional_date(row["effective_to"]), tables.some(row["source"]),
        tables.one_of(row["confidence"], tables.CONFIDENCES),
    )  # fmt: skip
