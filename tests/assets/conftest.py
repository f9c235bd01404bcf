"""A simulated org with budgets and vendors, and a way to run its assets through Dagster."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import dagster as dg
import pytest

from assets import MART_NAMES
from assets.scope import Scope
from leadflow_pipelines.automation.run_day import DayRun, run_day
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.definitions import build_defs
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings, load_settings
from leadflow_pipelines.spend.budget import set_limit
from resources.clock import ClockResource
from resources.workspace import Workspace

NOW = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)
TODAY = NOW.date()
RECORDS_PER_ZIP = 20
ZIPS = ["43206", "78704"]


@pytest.fixture(scope="session")
def vendors() -> Iterator[SandboxProcess]:
    """Simulated vendors with few records a ZIP."""
    with SandboxProcess(records_per_zip=RECORDS_PER_ZIP, today=TODAY.isoformat()) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def sandbox_settings(vendors: SandboxProcess, home: Path) -> Settings:
    """The session's settings, pointed at the simulated vendors; five leads a ZIP are traced."""
    return load_settings(home=home, **vendors.settings_overrides(), skip_trace_max_per_zip=5)


def open_simulated_workspace(
    database: Database, settings: Settings, providers: Sequence[str] = ("attom", "batchdata")
) -> Workspace:
    """A fresh simulated org with room in its budgets."""
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    set_budgets(database, org.org_id, cents=1_000_000, providers=providers)
    return Workspace(settings, org, database, open_lake(settings, org.slug))


@pytest.fixture
def workspace(database: Database, sandbox_settings: Settings) -> Workspace:
    """An org of the test's own."""
    return open_simulated_workspace(database, sandbox_settings)


def set_budgets(
    database: Database, org_id: UUID, *, cents: int, providers: Sequence[str] = ("attom", "batchdata")
) -> None:
    """The same daily limit for each provider and for all together."""
    with database.as_org(org_id) as connection:
        for provider in ("*", *providers):
            limit = Decimal(cents)
            set_limit(connection, org_id, provider=provider, limit_cents=limit, set_by="test", now=NOW)


class FixedWorkspace(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The workspace resource of a test: its own settings and org, not the process's."""

    org: str

    def open(self) -> Workspace:
        """The workspace of the test that runs."""
        return WORKSPACES[self.org]


WORKSPACES: dict[str, Workspace] = {}


class AssetRunner:
    """Runs an org's whole chain in an ephemeral Dagster instance."""

    def __init__(self, workspace: Workspace, instance: dg.DagsterInstance, now: dt.datetime = NOW) -> None:
        self.workspace = workspace
        self.instance = instance
        self.today = now.date()
        self.scope = Scope(workspace.org.slug, self.today, workspace.settings.timezone)
        self.correlation_id = uuid4().hex
        WORKSPACES[workspace.org.slug] = workspace
        self.definitions = build_defs(
            org=workspace.org.slug,
            today=self.today,
            settings=workspace.settings,
            resource_overrides={
                "workspace": FixedWorkspace(org=workspace.org.slug),
                "clock": ClockResource(fixed_at=now.isoformat()),
            },
        )

    def run(
        self, zips: Sequence[str], *, day: dt.date = TODAY, with_marts: bool = False, without: Sequence[str] = ()
    ) -> DayRun:
        """Every asset for these ZIPs and this day, `without` some."""
        return run_day(
            self.definitions,
            self.instance,
            self.scope,
            zips=zips,
            day=day,
            correlation_id=self.correlation_id,
            without=(*without, *(() if with_marts else MART_NAMES)),
        )


@pytest.fixture
def runner(workspace: Workspace) -> Iterator[AssetRunner]:
    """A runner for the test's own org."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield AssetRunner(workspace, instance)


@pytest.fixture(scope="module")
def finished(database: Database, sandbox_settings: Settings) -> Iterator[AssetRunner]:
    """A runner whose org has run ZIPS for TODAY, marts included; shared by tests that only look."""
    with dg.DagsterInstance.ephemeral() as instance:
        one = AssetRunner(open_simulated_workspace(database, sandbox_settings), instance)
        assert one.run(ZIPS, with_marts=True).failures == ()
        yield one
