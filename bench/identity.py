"""Property identity: addresses normalised, records resolved, a day against millions, the hostile file, and the peers.

Here: sizes, goals and what is compared. Not here: the timed work (`identity_steps`), the records
(`county_addresses`). Every step is a process of its own, so that each figure of memory is one step's.
"""

import importlib.util
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.county_addresses import HOSTILE_UNITS
from bench.figures import Figure, at_least, at_most, grown, less_than_peer, time_module, times_as_fast, without_peer
from leadflow_pipelines.cli.console import progress

PEER_ROWS = 100_000
MOST_GB = 2.5
NEEDED_GB = 12.0
"""Free memory without which the largest size is not tried."""
LINEAR = 1.2
"""What growth may cost beyond proportion and still be called linear."""
NORMALIZING_PEERS = {
    "scourgify": ("usaddress-scourgify", 40),
    "fastaddress": ("fastaddress", 1),
    "doorplate": ("doorplate", 1),
}
"""Module to its package, and how many times its speed ours must be."""


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Each figure as it is measured. `quick` takes a tenth of the sizes, to try the benchmark itself."""
    scale = 10 if quick else 1
    with tempfile.TemporaryDirectory() as name:
        bench = Steps(Path(name))
        peer_rows, rows, most = PEER_ROWS // scale, 1_000_000 // scale, 5_000_000 // scale
        yield from compare_normalizing(bench, [peer_rows, rows, most], peer_rows)
        yield from compare_resolving(bench, peer_rows, bench.resolve(peer_rows))
        million = bench.resolve(rows)
        yield from _resolving(million, rows)
        yield from compare_resolving(bench, rows, million)
        yield from _hostile(bench, rows)
        yield from _millions(bench, most, million, day=50_000 // scale, growth_of=5)


class Steps:
    """Runs steps over files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, step: str, **arguments: Any) -> dict[str, Any]:
        return time_module("bench.identity_steps", step, json.dumps(arguments), folder=self.folder).result

    def file(self, name: str) -> str:
        return str(self.folder / f"{name}.parquet")

    def records(self, rows: int, later: int = 0) -> str:
        progress(f"inventing {rows + later:,} records")
        self("records", file=self.file(f"records_{rows}"), rows=rows, later=later)
        return self.file(f"records_{rows}")

    def resolve(self, rows: int) -> dict[str, Any]:
        file = self.records(rows)
        progress(f"resolving {rows:,} records")
        return self("resolve", file=file)


def compare_normalizing(bench: Steps, sizes: Sequence[int], peer_rows: int) -> Iterator[Figure]:
    """Rows a second at each size, beside the peers on `peer_rows` of the same lines."""
    for rows in sizes:
        progress(f"inventing {rows:,} distinct addresses")
        bench("lines", file=bench.file(f"lines_{rows}"), rows=rows)
    speeds = {}
    for module, (package, _) in NORMALIZING_PEERS.items():
        if is_installed(module):
            progress(f"{package} on {peer_rows:,} addresses")
            peer = bench(module, file=bench.file(f"lines_{sizes[0]}"), rows=peer_rows)
            speeds[module] = peer["rows_per_second"]
    for rows in sizes:
        progress(f"normalising {rows:,} addresses")
        ours = bench("normalize", file=bench.file(f"lines_{rows}"))
        speed, what = ours["rows_per_second"], f"{rows:,} addresses normalised"
        yield at_least(what, speed, 300_000, "rows/s")
        yield at_least(f"{what}, share with a key", ours["keyed"], 0.99, "of them")
        for module, (package, goal) in NORMALIZING_PEERS.items():
            named = f"{what}, beside {package}"
            if module in speeds:
                yield times_as_fast(named, speed, "rows/s", peer=package, peer_speed=speeds[module], goal=goal)
            else:
                yield without_peer(named, speed, "rows/s", peer=package)


def compare_resolving(bench: Steps, rows: int, ours: dict[str, Any]) -> Iterator[Figure]:
    """Seconds, memory and pairs found, beside Splink on the same records."""
    what = f"{rows:,} records resolved"
    yield at_least(f"{what}, pairs found (F1)", ours["f1"], 0.99, "F1")
    if not is_installed("splink"):
        yield without_peer(what, ours["seconds"], "s", peer="splink")
        return
    progress(f"Splink on {rows:,} records")
    peer = bench("splink", file=bench.file(f"records_{rows}"))
    name = f"splink (F1 {peer['f1']:.4f})"
    yield less_than_peer(f"{what}, beside splink", ours["seconds"], "s", peer=name, of_peer=peer["seconds"])
    yield replace(
        at_most(f"{what}, peak memory beside splink", ours["peak_gb"], MOST_GB, "GB"),
        peer=f"splink: {peer['peak_gb']:.2f} GB",
        ratio=round(peer["peak_gb"] / ours["peak_gb"], 2),
    )


def _resolving(measured: dict[str, Any], rows: int) -> Iterator[Figure]:
    seconds, best = measured["seconds"], measured["best_values_seconds"]
    yield at_most(f"{rows:,} records resolved", seconds, 25, "s")
    yield at_most(f"{rows:,} records resolved, with best values", seconds + best, 40, "s")
    yield at_most(f"{rows:,} records resolved, peak memory", measured["peak_gb"], MOST_GB, "GB")


def _hostile(bench: Steps, rows: int) -> Iterator[Figure]:
    progress(f"the hostile file, {rows:,} rows")
    bench("hostile", file=bench.file("hostile"), rows=rows)
    measured = bench("resolve", file=bench.file("hostile"))
    per_unit = rows // 2 // HOSTILE_UNITS
    yield at_most(f"hostile file, {rows:,} rows", measured["seconds"], 25, "s")
    yield at_most("hostile file, peak memory", measured["peak_gb"], MOST_GB, "GB")
    yield at_most("hostile file, largest property", measured["largest"], per_unit, "records")


def _millions(bench: Steps, rows: int, million: dict[str, Any], *, day: int, growth_of: int) -> Iterator[Figure]:
    """The largest size, and a day of new records against it."""
    free = _free_gb()
    if free is not None and free < NEEDED_GB:
        yield at_least(f"{rows:,} records and the day against them: not run, memory free", free, NEEDED_GB, "GB")
        return
    file, previous = bench.records(rows, later=day), bench.file("previous")
    progress(f"resolving {rows:,} records")
    large = bench("resolve", file=file, keep=previous)
    for key, unit in (("seconds", "s"), ("peak_gb", "GB")):
        yield grown(f"{rows:,} records resolved", large[key], unit, from_value=million[key], times=growth_of * LINEAR)
    progress(f"a day of {day:,} records")
    added = bench("day", file=f"{file}.day", previous=previous)
    yield at_most(f"{day:,} new records against {rows:,}", added["seconds"], 10, "s")
    share = added["joined"] / day
    yield at_least(f"{day:,} new records, share that joined a property", share, 0.15, "of them")


def is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _free_gb() -> float | None:
    """Memory to be had without swapping; unknown where the system does not say."""
    try:
        said = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    return int(said.split("MemAvailable:")[1].split()[0]) / 1e6
