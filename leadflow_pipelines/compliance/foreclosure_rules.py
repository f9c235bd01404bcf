"""States that regulate who buys from, or advises, an owner in foreclosure: dated data in `rules/`.

A flag for a person to read, never a verdict: what a buyer must do there (contract terms, cancellation, notices) no
program can check. So the table is no part of the rules' version. Not here: clearance (`clear_contacts`).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from leadflow_pipelines.compliance import rule_tables as tables
from leadflow_pipelines.compliance.holidays import is_in_force
from leadflow_pipelines.errors import InvalidInput

TABLE = "state_foreclosure_rules"


@dataclass(frozen=True)
class ForeclosureRule:
    """One state's statute about foreclosure consultants or purchasers. Low confidence: have it looked up."""

    state: str
    statute: str
    effective_from: dt.date | None
    effective_to: dt.date | None
    source: str
    confidence: str


def foreclosure_rules(day: dt.date) -> Mapping[str, ForeclosureRule]:
    """The rules in force on a day, by state."""
    return {row.state: row for row in _packaged() if is_in_force(row.effective_from, row.effective_to, day)}


def is_flagged(day: dt.date) -> pl.Expr:
    """Whether a lead (is_pre_foreclosure, state) is in pre-foreclosure in a state with such a rule."""
    return pl.col("is_pre_foreclosure").fill_null(False) & pl.col("state").is_in(sorted(foreclosure_rules(day)))


def parse_foreclosure_rules(text: str) -> tuple[ForeclosureRule, ...]:
    """The rows of the table. Raises InvalidInput naming every fault."""
    faults = tables.Faults()
    rows = tables.parse_rows(TABLE, text, _row, faults)
    if faults.found:
        raise InvalidInput("\n".join(faults.found), remedy=f"Correct leadflow_pipelines/compliance/rules/{TABLE}.csv.")
    return tuple(rows)


@cache
def _packaged() -> tuple[ForeclosureRule, ...]:
    return parse_foreclosure_rules((files(__package__) / "rules" / f"{TABLE}.csv").read_text(encoding="utf-8"))


def _row(row: tables.Row) -> ForeclosureRule:
    return ForeclosureRule(
        tables.some(row["state"]), tables.some(row["statute"]), tables.optional_date(row["effective_from"]),
        tables.optional_date(row["effective_to"]), tables.some(row["source"]),
        tables.one_of(row["confidence"], tables.CONFIDENCES),
    )  # fmt: skip
