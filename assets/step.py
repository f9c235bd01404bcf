"""What an asset's body is given, and what it says it did."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.lake import Lake, Stored, store_zips
from leadflow_pipelines.providers.guard import Guard
from leadflow_pipelines.providers.pulls import Pulls
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import Origin
from leadflow_pipelines.spend.past_pulls import least_recently_pulled_first
from resources.workspace import Workspace


@dataclass(frozen=True)
class Step:
    """Some ZIPs, one day, and the org's plain objects."""

    zips: tuple[str, ...]
    day: dt.date
    now: dt.datetime
    workspace: Workspace
    guard: Guard
    origin: Origin

    @property
    def run_id(self) -> str | None:
        """The Dagster run this step belongs to."""
        return self.origin.run_id

    @property
    def lake(self) -> Lake:
        """The org's lake."""
        return self.workspace.lake

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return self.workspace.settings

    def pull(self, calls: Sequence[Call]) -> Pulls:
        """Answers to these calls through the guard: cached, or bought within the budgets."""
        return self.guard.pull_many(calls, origin=self.origin)

    def in_turn(self, calls: Sequence[Call]) -> list[Call]:
        """The calls in the order in which a budget shall pay for them: never pulled first, then least recently."""
        org_id = self.workspace.org.org_id
        with self.workspace.database.as_org(org_id) as connection:
            return least_recently_pulled_first(connection, org_id, calls)

    def read(self, contract: Contract) -> pl.DataFrame:
        """The table's rows of this step's ZIPs and day."""
        return self.lake.read(contract, zips=self.zips, day=self.day)

    def store(self, contract: Contract, frame: pl.DataFrame) -> Stored:
        """Replace the table's rows of this step's ZIPs and day, ZIP by ZIP against the contract."""
        return store_zips(self.lake, contract, frame, zips=self.zips, day=self.day)


@dataclass(frozen=True)
class Outcome:
    """What a body did on one day, for the run's metadata and the contract check.

    rows_in counts what it read, rejected counts rows left out by reason, notes are further metadata, preview
    is a few rows without personal columns, chart is preformatted text.
    """

    rows_in: int
    stored: Stored
    rejected: Mapping[str, int] = field(default_factory=dict)
    cost_cents: Decimal = Decimal(0)
    notes: Mapping[str, Any] = field(default_factory=dict)
    preview: pl.DataFrame | None = None
    chart: str | None = None
