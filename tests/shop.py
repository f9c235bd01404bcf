"""A guard with everything around it for tests: simulated vendors, an org's budget, a lake, a clock that stands."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import provider_breakers, provider_calls, reservations
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.guard import CONCURRENCY, Guard, open_guard
from leadflow_pipelines.providers.pulls import Pulls
from leadflow_pipelines.providers.retry import RecordedWaits, RetryPolicy
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.sources.attom import property_calls
from leadflow_pipelines.settings import Settings, load_settings
from leadflow_pipelines.spend import budget
from leadflow_pipelines.spend.ledger import Origin

NOON = dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 21)
RECORDS_PER_ZIP = 5
ORIGIN = Origin(run_id="run-1", correlation_id="correlation-1", asset_key="raw/attom")
POLICY = {"attempts": 3, "total_seconds": 60.0}


@dataclass
class Shop:
    """One org that may buy. Its clock stands still until a test moves it; retries never sleep, `waits` tells."""

    database: Database
    org: Org
    lake: Lake
    settings: Settings
    sandbox: SandboxProcess
    now: dt.datetime = NOON
    waits: RecordedWaits = field(default_factory=RecordedWaits)

    def guard(self, **overrides: Any) -> Guard:
        """A new guard, as another process would have it."""
        return open_guard(
            concurrency=overrides.pop("concurrency", CONCURRENCY),
            database=self.database,
            org_id=self.org.org_id,
            raw=overrides.pop("raw", self.lake.raw),
            settings=self.settings.model_copy(update=overrides),
            clock=lambda: self.now,
            retry_policy=RetryPolicy(**POLICY, sleep=self.waits),
        )

    def allow(self, cents: int, *, provider: str = "attom", together: int = 1_000_000) -> None:
        """Sets the daily limits of a provider and of all together."""
        with self.database.as_org(self.org.org_id) as connection:
            for name, limit in ((provider, cents), ("*", together)):
                budget.set_limit(
                    connection, self.org.org_id, provider=name, limit_cents=Decimal(limit), set_by="test", now=self.now
                )

    def buy(self, *zips: str, guard: Guard | None = None, most_records: int = RECORDS_PER_ZIP) -> Pulls:
        """The properties of ZIPs through a guard."""
        calls = property_calls(zips, DAY, most_records=most_records)
        if guard is not None:
            return guard.pull_many(calls, origin=ORIGIN)
        with self.guard() as one:
            return one.pull_many(calls, origin=ORIGIN)

    def budget(self, provider: str = "attom") -> budget.BudgetState:
        """What a provider's day looks like; `*` for all together."""
        with self.database.as_org(self.org.org_id) as connection:
            states = budget.read_budgets(connection, self.org.org_id, DAY)
        return next(state for state in states if (state.period, state.provider) == ("day", provider))

    def ledger(self) -> list[dict[str, Any]]:
        """Every ledger row of the org."""
        return self._rows(provider_calls)

    def outcomes(self) -> list[str]:
        """The outcome of every ledger row, sorted."""
        return sorted(row["outcome"] for row in self.ledger())

    def reservations(self) -> list[dict[str, Any]]:
        """Every reservation of the org."""
        return self._rows(reservations)

    def billed(self, provider: str = "attom") -> int:
        """How many items the vendor billed, by its own books."""
        account = self.sandbox.ledger().get(provider)
        return account["billed"] if account else 0

    def raw_files(self) -> list[Path]:
        """The raw pulls on disk, unfinished ones included."""
        return sorted(path for path in Path(self.lake.root, "raw").rglob("*") if path.is_file())

    def _rows(self, table: Any) -> list[dict[str, Any]]:
        with self.database.as_org(self.org.org_id) as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]


@pytest.fixture(scope="session")
def vendors() -> Iterator[SandboxProcess]:
    """Simulated vendors of all files of a folder."""
    with SandboxProcess(records_per_zip=RECORDS_PER_ZIP, today=DAY.isoformat()) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(vendors: SandboxProcess) -> SandboxProcess:
    """The vendors with empty books and no faults."""
    vendors.disarm_faults()
    vendors.clear_ledger()
    return vendors


@pytest.fixture
def shop(database: Database, org: Org, sandbox: SandboxProcess, home: Path, tmp_path: Path) -> Shop:
    """A shop without a budget: `shop.allow(cents)` first."""
    return open_shop(database, org, sandbox, home, tmp_path)


def open_shop(database: Database, org: Org, sandbox: SandboxProcess, home: Path, at: Path, *vendors: str) -> Shop:
    """A shop whose clients call these vendors of the sandbox (the demo's, if none is named)."""
    settings = load_settings(home=home, lake_url=str(at / "lake"), **sandbox.settings_overrides(*vendors))
    with database.anonymous() as connection:  # after earlier tests the vendors are well again
        connection.execute(
            update(provider_breakers)
            .where(provider_breakers.c.host == urlsplit(sandbox.url).netloc)
            .values(state="closed", failures=0, openings=0, open_until=None, probe_until=None)
        )
    return Shop(database, org, Lake(str(at / "lake" / org.slug)), settings, sandbox)
