"""Many processes race for one budget while processes and the database are killed: never a cent above it."""

import contextlib
import datetime as dt
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID, uuid4

import polars as pl
import pytest

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import EmbeddedServer
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.properties.addresses.places import zip_table
from leadflow_pipelines.providers.guard import STALE_AFTER
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import load_settings
from leadflow_pipelines.spend import budget
from tests.commands import midday_zone
from tests.faults.forks import FORKS
from tests.faults.racing_buyer import PRICE_CENTS, buy_until_killed

SEED = 20261122


@dataclass
class Race:
    """A budget for `calls` calls, and the processes after it."""

    database: Database
    org_id: UUID
    server: EmbeddedServer
    vendors: SandboxProcess
    lake: Path
    limit_cents: Decimal
    samples: list[Decimal] = field(default_factory=list)

    def used(self) -> Decimal:
        """What is settled, unknown or reserved now; the sum that must never pass the limit."""
        today = dt.datetime.now(self.database.settings.zone).date()
        with self.database.as_org(self.org_id) as connection:
            states = budget.read_budgets(connection, self.org_id, today)
        return max(one.spent_cents + one.reserved_cents for one in states if one.period == "day")

    def sample(self) -> None:
        """Looks at the sum; a database that is just being killed has none to show."""
        with contextlib.suppress(DatabaseUnavailable):
            self.samples.append(self.used())

    def is_young(self) -> bool:
        """Whether the money is not yet what they race for."""
        return not self.samples or self.samples[-1] < self.limit_cents * Decimal("0.9")

    def kill_database(self) -> None:
        """SIGKILL to the server, and up again."""
        running = self.server.cluster.postmaster()
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        self.server.start()


@pytest.fixture
def race(own_server: EmbeddedServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Race]:
    calls: int = request.param
    home = own_server.cluster.home
    with SandboxProcess(records_per_zip=1) as vendors:
        database = open_database(load_settings(home=home, timezone=midday_zone()))
        org = create_org(database, f"t{uuid4().hex[:12]}")
        limit = PRICE_CENTS * calls
        with database.as_org(org.org_id) as connection:
            for provider in ("attom", budget.ALL_PROVIDERS):
                budget.set_limit(
                    connection, org.org_id, provider=provider, limit_cents=limit, set_by="test",
                    now=dt.datetime.now(dt.UTC),
                )  # fmt: skip
        yield Race(database, org.org_id, own_server, vendors, tmp_path / "lake", limit)
        database.dispose()


def run_race(race: Race, *, processes: int, seconds: float, kill_every: float, restart_every: float) -> None:
    dice = random.Random(SEED)
    zips = zip_table().filter(pl.col("zip_type") == "STANDARD")["zip"].sort().to_list()
    started = 0

    def start() -> BaseProcess:
        nonlocal started
        mine = zips[started % 400 :: 400]
        started += 1
        vendors = race.vendors.settings_overrides() | {"timezone": race.database.settings.timezone}
        buyer = FORKS.Process(
            target=buy_until_killed,
            args=(str(race.server.cluster.home), str(race.lake), str(race.org_id), vendors, mine),
            daemon=True,
        )
        buyer.start()
        return buyer

    buyers = [start() for _ in range(processes)]
    began = last_kill = last_restart = time.monotonic()
    restarts = 0
    while (now := time.monotonic()) < began + seconds or (race.is_young() and now < began + 3 * seconds):
        race.sample()
        if now > last_kill + kill_every:
            last_kill = now
            victim = dice.randrange(len(buyers))
            buyers[victim].kill()
            buyers[victim].join()
            buyers[victim] = start()
        if now > last_restart + restart_every:
            last_restart = now
            race.kill_database()
            restarts += 1
        time.sleep(0.02)
    for buyer in buyers:
        buyer.kill()
        buyer.join()
    with race.database.as_org(race.org_id) as connection:
        later = dt.datetime.now(dt.UTC) + STALE_AFTER
        budget.mark_stale_unknown(connection, race.org_id, before=later, now=later)
    billed = race.vendors.ledger()["attom"]["billed"]
    print(
        f"\n{processes} processes, {started - processes} killed, {restarts} database kills, "
        f"{len(race.samples)} samples: at most {max(race.samples)} of {race.limit_cents} cents settled, unknown "
        f"or reserved; in the end {race.used()}; the vendor billed {billed} x {PRICE_CENTS} = {billed * PRICE_CENTS}"
    )
    assert restarts
    assert started > processes
    assert max(race.samples) <= race.limit_cents
    assert billed * PRICE_CENTS <= race.used() <= race.limit_cents
    assert not race.is_young(), "the race was about money"


@pytest.mark.parametrize("race", [40], indirect=True)
def test_a_short_race(race: Race) -> None:
    run_race(race, processes=4, seconds=15, kill_every=1.5, restart_every=6)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("race", [1000], indirect=True)
def test_thirty_two_processes_for_two_minutes(race: Race) -> None:
    run_race(race, processes=32, seconds=120, kill_every=0.4, restart_every=12)
