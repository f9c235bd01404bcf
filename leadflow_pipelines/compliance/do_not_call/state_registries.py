"""A state's do-not-call list of its own, beside the national one: a dated row of the rules.

A state without a row keeps none that is known of. Not here: the rows in force (`rule_book`), whether an org has
imported the lists (`clearance`).
"""

import datetime as dt
from dataclasses import dataclass

from leadflow_pipelines.compliance import rule_tables as tables


@dataclass(frozen=True)
class StateRegistry:
    """A state whose own list must be asked as well."""

    state: str
    effective_from: dt.date | None
    effective_to: dt.date | None
    source: str
    confidence: str


def read_state_registry(row: tables.Row) -> StateRegistry:
    """A row of the table. Raises ValueError or KeyError for one that cannot be read."""
    return StateRegistry(
        tables.some(row["state"]), tables.optional_date(row["effective_from"]),
        tables.optional_date(row["effective_to"]), tables.some(row["source"]),
        tables.one_of(row["confidence"], tables.CONFIDENCES),
    )  # fmt: skip
