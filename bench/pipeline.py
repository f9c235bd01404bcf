"""The main job: `make run`, the chain over 200 and 500 ZIPs, and the import of a million rows."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from bench.county_file import write_county_file
from bench.figures import Figure, at_most, time_leadflow
from leadflow_pipelines.cli.console import progress
from leadflow_pipelines.properties.addresses.places import zip_table
from leadflow_pipelines.providers.sandbox.process import DEMO_VENDORS, SandboxProcess

UNLIMITED = "10000000"


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Each figure as it is measured. `quick` takes a tenth of the sizes, to try the benchmark itself."""
    scale = 10 if quick else 1
    with tempfile.TemporaryDirectory() as folder:
        yield from _first_run(Path(folder, "first"))
        yield from _chain(Path(folder, "chain"), zips=200 // scale, limit=30, cached_limit=12)
        yield from _chain(Path(folder, "large"), zips=500 // scale, limit=60)
        yield from _imports(Path(folder), 100_000 // scale, 1_000_000 // scale)


def _first_run(home: Path) -> Iterator[Figure]:
    progress("make run with its default input")
    run = time_leadflow(["run", "--sandbox"], home)
    yield at_most("make run, installed", run.seconds, 25, "s")
    yield at_most("make run, first line of progress", run.first_line_seconds, 3, "s")
    _stop(home)


def _chain(home: Path, *, zips: int, limit: float, cached_limit: float | None = None) -> Iterator[Figure]:
    progress(f"the whole chain for {zips} ZIPs")
    deliverable = zip_table().filter(pl.col("zip_type") == "STANDARD")["zip"].sort()
    wanted = [argument for zip_code in deliverable.gather_every(7)[:zips] for argument in ("--zip", zip_code)]
    time_leadflow(["org", "create", "bench", "--simulated"], home)
    for provider in ([], ["--provider", "attom"], ["--provider", "batchdata"]):
        time_leadflow(["spend", "limit", "--org", "bench", "--per-day", UNLIMITED, *provider], home)
    with SandboxProcess(vendors=DEMO_VENDORS) as vendors:
        run = time_leadflow(["run", "--org", "bench", *wanted], home, vendors.environment())
        yield at_most(f"{zips} ZIPs x 1 day, 250 records each", run.seconds, limit, "s")
        yield at_most(f"{zips} ZIPs, peak memory", run.peak_gb, 2, "GB")
        if cached_limit is not None:
            again = time_leadflow(["run", "--org", "bench", *wanted], home, vendors.environment())
            yield at_most(f"{zips} ZIPs again, all cached", again.seconds, cached_limit, "s")
            yield at_most(f"{zips} ZIPs again, provider calls", again.result["provider_calls"], 0, "calls")
    _stop(home)


def _imports(folder: Path, small: int, large: int) -> Iterator[Figure]:
    seconds = {}
    for rows in (small, large):
        progress(f"import of {rows:,} rows")
        file, home = folder / f"county_{rows}.csv", folder / f"import_{rows}"
        write_county_file(file, rows)
        time_leadflow(["org", "list"], home)
        run = time_leadflow(["import", str(file), "--source", "bench"], home)
        seconds[rows] = run.seconds
        if rows == large:
            yield at_most(f"import of {rows:,} rows", run.seconds, 60, "s")
            yield at_most(f"import of {rows:,} rows, peak memory", run.peak_gb, 3, "GB")
        _stop(home)
    growth = seconds[large] / seconds[small]
    yield at_most("import, time of ten times the rows", growth, 10, "x")


def _stop(home: Path) -> None:
    time_leadflow(["db", "stop"], home)
