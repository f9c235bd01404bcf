"""A run or an import that is killed at any moment, then run again, ends in the tables of an undisturbed one."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import EmbeddedServer
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from tests.commands import leadflow, leadflow_here, midday_zone, start_leadflow

ZIPS = ("43206", "78704")
RECORDS_PER_ZIP = 15
QUICK_KILLS = 3
THOROUGH_KILLS = 20


@pytest.fixture(scope="module")
def vendors() -> Iterator[SandboxProcess]:
    with SandboxProcess(records_per_zip=RECORDS_PER_ZIP) as sandbox:
        yield sandbox


@dataclass(frozen=True)
class Job:
    """A command that is run for several orgs: its arguments, and what it needs in the environment."""

    arguments: tuple[str, ...]
    environment: dict[str, str]

    def for_org(self, org: str) -> tuple[str, ...]:
        """The command for one org."""
        return (*self.arguments, "--org", org, "--json")


@pytest.fixture(params=["run", "import"])
def job(request: pytest.FixtureRequest, vendors: SandboxProcess, tmp_path: Path) -> Job:
    """The run of two ZIPs, or the import of a file of three hundred rows."""
    if request.param == "run":
        asked = [argument for zip_code in ZIPS for argument in ("--zip", zip_code)]
        return Job(("run", *asked), {**vendors.environment(), "LEADFLOW_TIMEZONE": midday_zone()})
    file = tmp_path / "county.csv"
    rows = [f"{1000 + n},{100 + n} OAK ST,AUSTIN,TX,{ZIPS[1] if n % 3 else ''},EXAMPLE {n}" for n in range(300)]
    file.write_text("\n".join(["PARID,SITUS ADDRESS,CITY,STATE,ZIP CODE,OWNER NAME", *rows, ",,,,,NOBODY"]))
    return Job(("import", str(file), "--source", "county"), {"LEADFLOW_TIMEZONE": midday_zone()})


def new_org(database: Database) -> str:
    slug = f"t{uuid4().hex[:12]}"
    create_org(database, slug, is_simulated=True)
    for provider in ([], ["--provider", "attom"], ["--provider", "batchdata"]):
        assert leadflow_here("spend", "limit", "--per-day", "100000", "--org", slug, *provider).exit_code == 0
    return slug


def digests(org: str) -> dict[str, str]:
    result: dict[str, str] = leadflow_here("lake", "digest", "--org", org, "--json").json
    return result


def run_to_the_end(job: Job, org: str) -> float:
    """Run it undisturbed; returns its seconds."""
    began = time.monotonic()
    finished = leadflow(*job.for_org(org), environment=job.environment)
    assert finished.exit_code == 0, finished.err
    return time.monotonic() - began


def kill_after(job: Job, org: str, seconds: float) -> None:
    """Start it and SIGKILL it with everything it started."""
    process = start_leadflow(*job.for_org(org), environment=job.environment)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def check_kills(job: Job, database: Database, kills: int, *, one_org: bool) -> None:
    undisturbed = new_org(database)
    seconds = run_to_the_end(job, undisturbed)
    expected = digests(undisturbed)
    dice = random.Random(20261121)
    org = new_org(database)
    for number in range(kills):
        if number and not one_org:
            org = new_org(database)
        kill_after(job, org, dice.uniform(0.2, 1.0) * seconds)
        if not one_org or number == kills - 1:
            run_to_the_end(job, org)
            assert digests(org) == expected, f"after kill {number + 1}"


@pytest.mark.timeout(900)  # five runs one after the other: on a machine that does much else they took 295 s
def test_killed_again_and_again(job: Job, database: Database) -> None:
    check_kills(job, database, QUICK_KILLS, one_org=True)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_twenty_random_moments(job: Job, database: Database) -> None:
    check_kills(job, database, THOROUGH_KILLS, one_org=False)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_database_killed_in_the_middle(vendors: SandboxProcess, tmp_path: Path) -> None:
    """With a server of its own: the suite's other tests keep theirs."""
    home = Path(os.environ["LEADFLOW_HOME"]) / "servers" / uuid4().hex
    environment = {**vendors.environment(), "LEADFLOW_HOME": str(home), "LEADFLOW_ORG": "demo"}
    environment["LEADFLOW_TIMEZONE"] = midday_zone()
    asked = [argument for zip_code in ZIPS for argument in ("--zip", zip_code)]
    server = EmbeddedServer(home)
    try:
        for provider in ([], ["--provider", "attom"], ["--provider", "batchdata"]):
            assert leadflow("spend", "limit", "--per-day", "100000", *provider, environment=environment).exit_code == 0
        for wait in (4.0, 6.0, 8.0):
            process = start_leadflow("run", *asked, environment=environment)
            time.sleep(wait)
            os.kill(server.address().pid, signal.SIGKILL)
            process.communicate(timeout=120)
        finished = leadflow("run", *asked, "--json", environment=environment)
        assert finished.exit_code == 0, finished.err
        assert finished.json["leads"] == len(ZIPS) * RECORDS_PER_ZIP
        disturbed = leadflow("lake", "digest", "--json", environment=environment).json
        other = {**environment, "LEADFLOW_HOME": str(home.with_name(uuid4().hex))}
        for provider in ([], ["--provider", "attom"], ["--provider", "batchdata"]):
            assert leadflow("spend", "limit", "--per-day", "100000", *provider, environment=other).exit_code == 0
        assert leadflow("run", *asked, environment=other).exit_code == 0
        assert leadflow("lake", "digest", "--json", environment=other).json == disturbed
        EmbeddedServer(Path(other["LEADFLOW_HOME"])).remove()
    finally:
        server.remove()
