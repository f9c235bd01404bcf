"""Property identity: addresses normalised, records resolved, a day against millions, the hostile file, and the peers.

Here: sizes, goals and what is compared. Not here: the timed work (`identity_steps`), the records
(`county_addresses`). Every step is a process of its own, so that each figure of memory is one step's.
"""

import importlib.util
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.county_addresses import HOSTILE_UNITS
from bench.figures import Figure, at_least, at_most, time_module, times_as_fast, without_peer
from leadflow_pipelines.cli.console import progress

PEER_ROWS = 100_000
NEEDED_GB = 12.0
"""Free memory without which the largest size is not tried."""
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
        yield from compare_normalizing(bench, 1_000_000 // scale, PEER_ROWS // scale)
        yield from _resolving_beside_splink(bench, PEER_ROWS // scale)
        million = bench.resolve(1_000_000 // scale)
        yield from _resolving(million, 1_000_000 // scale)
        yield from _hostile(bench, 1_000_000 // scale)
        yield from _millions(bench, 5_000_000 // scale, million, day=50_000 // scale, growth_of=5)


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


def compare_normalizing(bench: Steps, rows: int, peer_rows: int) -> Iterator[Figure]:
    file = bench.file("lines")
    progress(f"normalising {rows:,} distinct addresses")
    bench("lines", file=file, rows=rows)
    ours = bench("normalize", file=file)
    speed = ours["rows_per_second"]
    yield at_least("addresses normalised, distinct", speed, 300_000, "rows/s")
    yield at_least("addresses normalised, share with a key", ours["keyed"], 0.99, "of them")
    for module, (package, goal) in NORMALIZING_PEERS.items():
        what = f"addresses normalised, beside {package}"
        if not is_installed(module):
            yield without_peer(what, speed, "rows/s", peer=package)
            continue
        progress(f"{package} on {peer_rows:,} of them")
        peer = bench(module, file=file, rows=peer_rows)
        yield times_as_fast(what, speed, "rows/s", peer=package, peer_speed=peer["rows_per_second"], goal=goal)


def _resolving_beside_splink(bench: Steps, rows: int) -> Iterator[Figure]:
    ours = bench.resolve(rows)
    what = f"{rows:,} records resolved"
    if not is_installed("splink"):
        yield without_peer(what, ours["seconds"], "s", peer="splink")
        return
    progress(f"Splink on {rows:,} records")
    peer = bench("splink", file=bench.file(f"records_{rows}"))
    for named, key, unit in (("", "seconds", "s"), (", peak memory", "peak_gb", "GB")):
        yield Figure(
            f"{what}{named}", round(ours[key], 2), unit, "<= the peer's", ours[key] <= peer[key],
            f"splink: {peer[key]:.2f} {unit}", round(peer[key] / ours[key], 2),
        )  # fmt: skip
    yield Figure(
        f"{what}, pairs found (F1)", round(ours["f1"], 4), "F1", ">= 0.99", ours["f1"] >= 0.99,
        f"splink: {peer['f1']:.4f} F1", round(ours["f1"] / peer["f1"], 4),
    )  # fmt: skip


def _resolving(measured: dict[str, Any], rows: int) -> Iterator[Figure]:
    seconds, best = measured["seconds"], measured["best_values_seconds"]
    yield at_most(f"{rows:,} records resolved", seconds, 25, "s")
    yield at_most(f"{rows:,} records resolved, with best values", seconds + best, 40, "s")
    yield at_most(f"{rows:,} records resolved, peak memory", measured["peak_gb"], 2.5, "GB")
    yield at_least(f"{rows:,} records resolved, pairs found (F1)", measured["f1"], 0.99, "F1")


def _hostile(bench: Steps, rows: int) -> Iterator[Figure]:
    progress(f"the hostile file, {rows:,} rows")
    bench("hostile", file=bench.file("hostile"), rows=rows)
    measured = bench("resolve", file=bench.file("hostile"))
    per_unit = rows // 2 // HOSTILE_UNITS
    yield at_most(f"hostile file, {rows:,} rows", measured["seconds"], 25, "s")
    yield at_most("hostile file, peak memory", measured["peak_gb"], 2.5, "GB")
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
    yield at_most(
        f"{rows:,} records resolved, {growth_of} times the rows",
        large["seconds"] / million["seconds"],
        growth_of * 1.2,
        "x",
    )
    memory = large["peak_gb"] / million["peak_gb"]
    yield at_most(f"{rows:,} records resolved, peak memory", memory, growth_of * 1.2, "x")
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
