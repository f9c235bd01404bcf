"""A place to buy in for benchmarks: simulated vendors, an org with money, a lake, one home; and one buyer's turn.

    python -m bench.buying guard|httpx HOME LAKE VENDORS ZIP…

One process that asks for each ZIP after the other, by our guard or by plain httpx, and prints the milliseconds that
each call took.
"""

import datetime as dt
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import polars as pl

from leadflow_pipelines.database.orgs import create_org, find_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.addresses.places import zip_table
from leadflow_pipelines.providers.guard import Guard, open_guard
from leadflow_pipelines.providers.sandbox.process import DEMO_VENDORS, SandboxProcess, sandbox_settings
from leadflow_pipelines.settings import PROJECT_ROOT, Settings, load_settings
from leadflow_pipelines.spend import budget
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import Origin

ORG = "bench"
DAY = dt.date(2026, 11, 21)
PLENTY = Decimal(1_000_000_000)
ORIGIN = Origin(run_id="bench", correlation_id="bench", asset_key="bench")
ENDPOINT = "property/expandedprofile"
WINDOW = 3
"""Calls over which the guard's time is spread: as one is under way while another ends, their ends come in pairs."""


@dataclass(frozen=True)
class Shop:
    """Where to buy: a home with its database, a lake, vendors at a URL."""

    home: Path
    lake: Path
    url: str

    @property
    def settings(self) -> Settings:
        """The settings under which this shop's clients call its vendors."""
        return load_settings(home=self.home, lake_url=str(self.lake), **sandbox_settings(self.url, DEMO_VENDORS))


@contextmanager
def open_shop(folder: Path, **world: int) -> Iterator[tuple[Shop, SandboxProcess]]:
    """A shop whose org may spend without bound, for as long as the block lasts."""
    with SandboxProcess(vendors=DEMO_VENDORS, **world) as vendors:  # type: ignore[arg-type]
        shop = Shop(folder / "home", folder / "lake", vendors.url)
        shop.home.mkdir(parents=True, exist_ok=True)
        database = open_database(shop.settings)
        org = create_org(database, ORG, is_simulated=True)
        now = dt.datetime.now(dt.UTC)
        with database.as_org(org.org_id) as connection:
            for provider in ("attom", budget.ALL_PROVIDERS):
                budget.set_limit(connection, org.org_id, provider=provider, limit_cents=PLENTY, set_by="bench", now=now)
        try:
            yield shop, vendors
        finally:
            database.dispose()
            if database.embedded is not None:
                database.embedded.stop()


def a_guard(shop: Shop, *, concurrency: int) -> Guard:
    """A guard as a run has it."""
    settings = shop.settings
    database = open_database(settings)
    return open_guard(
        database=database,
        org_id=find_org(database, ORG).org_id,
        raw=Lake(str(shop.lake / ORG)).raw,
        settings=settings,
        clock=lambda: dt.datetime.now(dt.UTC),
        concurrency=concurrency,
    )


def some_zips(count: int) -> list[str]:
    """Distinct ZIPs at which mail is delivered."""
    zips: list[str] = zip_table().filter(pl.col("zip_type") == "STANDARD")["zip"].sort()[:count].to_list()
    return zips


def a_call(zip_code: str, size: int = 1) -> Call:
    """The question for one ZIP's first page."""
    return Call(
        "attom", ENDPOINT, {"postalcode": zip_code, "page": 1, "pagesize": size}, zip_code, DAY, most_items=size
    )


def callers(way: str, shop: Shop, zips: Sequence[Sequence[str]]) -> float:
    """Median milliseconds of a call, of as many processes at once as there are lists of ZIPs."""
    where = [way, str(shop.home), str(shop.lake), shop.url]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.buying", *where, *some],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT,
        )
        for some in zips
    ]  # fmt: skip
    for process in started:  # nobody asks before all have started
        assert process.stdout is not None
        process.stdout.readline()
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    told = [process.stdout.read() for process in started if process.stdout is not None]
    if any(process.wait() for process in started):
        raise LeadflowError(f"A caller of `{way}` failed.")
    return statistics.median(float(milliseconds) for line in told for milliseconds in json.loads(line))


def _by_guard(shop: Shop, zips: Sequence[str]) -> Iterator[float]:
    with a_guard(shop, concurrency=1) as guard:
        guard.pull_many([a_call(zips[0])], origin=ORIGIN)
        ticks: list[tuple[float, int]] = []
        bought = guard.pull_many(
            [a_call(one) for one in zips[1:]],
            origin=ORIGIN,
            progress=lambda done, _: ticks.append((time.perf_counter(), done)),
        )
        assert not bought.is_partial, bought.unmade[:1]
    began, before = ticks[0]
    for at, done in ticks[1:]:
        if done - before >= WINDOW:
            yield 1000 * (at - began) / (done - before)
            began, before = at, done


def _by_httpx(shop: Shop, zips: Sequence[str]) -> Iterator[float]:
    settings = shop.settings
    assert settings.attom_api_key is not None
    headers = {"apikey": settings.attom_api_key.get_secret_value(), "accept": "application/json"}
    with httpx.Client(headers=headers) as client:
        for zip_code in zips:
            began = time.perf_counter()
            call = a_call(zip_code)
            client.get(f"{settings.attom_base_url}/{ENDPOINT}", params=dict(call.parameters)).raise_for_status()
            yield 1000 * (time.perf_counter() - began)


def main(way: str, home: str, lake: str, url: str, *zips: str) -> None:
    """One caller's turn, once the parent closes our input; the first call, which connects, is not counted."""
    turn = {"guard": _by_guard, "httpx": _by_httpx}[way]
    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps(list(turn(Shop(Path(home), Path(lake), url), zips))[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
