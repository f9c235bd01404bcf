"""Do-not-call membership at the size of the national registry: `python -m bench.number_lists STEP '{"folder": ...}'`.

Here: the figures of it, for `clearance`, and each timed step, a process of its own that prints JSON. Numbers are
invented, as dense as the registry's; the peers hold the same numbers sorted, and are asked about the same phones.
"""

import bisect
import datetime as dt
import json
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.figures import Figure, at_least, at_most, time_module, times_as_fast
from leadflow_pipelines.cli.console import progress
from leadflow_pipelines.compliance.do_not_call import (
    BitSets,
    ListVersion,
    Reading,
    RegistryLists,
    national_numbers,
    open_bit_sets,
    publish_bit_sets,
    read_full,
)
from leadflow_pipelines.compliance.do_not_call.bit_sets import PER_AREA_CODE, ROW_BYTES

AREA_CODES, LISTED, PHONES = 357, 250_000_000, 3_000_000
BISECTED = 100_000
READ_AREA_CODES = 4
ASSIGNED_FROM = ROW_BYTES // 5
"""Exchanges begin with 2 to 9: the first fifth of an area code's numbers is never given out."""
DENSER = 0.41
"""Share of the rest in which one number of eight is listed, else one of sixteen: 250 M in all, as on 2025-09-30."""


def do_not_call_figures(folder: Path, *, quick: bool = False) -> Iterator[Figure]:
    """Room taken, look-ups a second from E.164 text, and lines read a second; beside bisection of sorted numbers."""
    scale = 10 if quick else 1

    def step(name: str) -> dict[str, Any]:
        told = {"folder": str(folder), "area_codes": -(-AREA_CODES // scale), "phones": PHONES // scale}
        return time_module("bench.number_lists", name, json.dumps(told), folder=folder).result

    progress(f"inventing a list of {LISTED // scale:,} numbers")
    made, ours, read = step("invent"), step("look_up"), step("read")
    speed = ours["lookups_per_second"]
    yield at_least("numbers on the do-not-call list", made["numbers"], LISTED // scale, "numbers")
    yield at_most("do-not-call list, mapped", ours["mapped_mb"], 600 / scale, "MB")
    yield at_least("do-not-call look-ups, vectorised", speed, 3_000_000, "lookups/s")
    progress("sorted numbers, as peers hold them")
    peers = step("peers")
    for name, key in (("numpy searchsorted", "searchsorted"), ("Python bisect", "bisect")):
        yield times_as_fast(
            f"do-not-call look-ups, beside {name}", speed, "lookups/s", peer=name, peer_speed=peers[key], goal=1
        )
    yield at_most("do-not-call list, mapped, beside sorted uint32", ours["mapped_mb"], peers["mb"], "MB").beside(
        f"sorted uint32: {peers['mb']:.0f} MB", peers["mb"] / ours["mapped_mb"]
    )
    yield at_least("lines of a registry file read", read["lines_per_second"], 3_000_000, "lines/s")


def invent(folder: str, area_codes: int, phones: int) -> dict[str, Any]:
    """Publishes the list, and writes phones of which most lie in its area codes."""
    dice = np.random.default_rng(1)
    sets = BitSets()
    for code in range(201, 201 + area_codes):
        row = np.zeros(ROW_BYTES, np.uint8)
        bits = [dice.integers(0, 256, ROW_BYTES - ASSIGNED_FROM, np.uint8) for _ in range(4)]
        dense = int(bits[0].size * DENSER)
        bits[3][:dense] = 255
        row[ASSIGNED_FROM:] = bits[0] & bits[1] & bits[2] & bits[3]
        sets.rows[code] = row
    publish_bit_sets(sets, Path(folder) / "list")
    asked = dice.integers(201, 201 + area_codes, phones) * PER_AREA_CODE + dice.integers(2_000_000, 10_000_000, phones)
    pl.DataFrame({"phone": asked}).select("+1" + pl.col("phone").cast(pl.String)).write_parquet(f"{folder}/phones")
    return {"numbers": sets.count}


def look_up(folder: str, area_codes: int, phones: int) -> dict[str, Any]:
    """Our look-ups, from text to yes, no or nothing, by processor time."""
    asked = _phones(folder)
    opened = open_bit_sets(Path(folder) / "list")
    lists = RegistryLists([ListVersion("list", dt.date(2026, 11, 20), opened)])
    lists.listed(asked)  # the pages are read from the disk once
    seconds = _seconds(lambda: lists.listed(asked))
    return {"lookups_per_second": asked.len() / seconds, "mapped_mb": opened.mapped_bytes / 1e6}


def peers(folder: str, area_codes: int, phones: int) -> dict[str, Any]:
    """The same numbers sorted, four bytes each, and the same phones looked up in them."""
    rows = open_bit_sets(Path(folder) / "list").bits.reshape(-1, ROW_BYTES)
    found = [np.flatnonzero(np.unpackbits(row, bitorder="little")).astype(np.uint32) for row in rows]
    listed = np.concatenate([one + np.uint32(place * PER_AREA_CODE) for place, one in enumerate(found)])
    del found
    asked = _phones(folder)
    first = 201 * PER_AREA_CODE

    def search() -> None:
        numbers = (national_numbers(asked) - first).astype(np.uint32)
        place = np.minimum(np.searchsorted(listed, numbers), listed.size - 1)
        _ = listed[place] == numbers

    some, numbers = asked.head(BISECTED).to_list(), array("I")
    numbers.frombytes(listed.tobytes())

    def bisected() -> None:
        for phone in some:
            wanted = int(phone[2:]) - first
            place = bisect.bisect_left(numbers, wanted)
            _ = place < len(numbers) and numbers[place] == wanted

    return {
        "searchsorted": asked.len() / _seconds(search),
        "bisect": len(some) / _seconds(bisected),
        "mb": listed.nbytes / 1e6,
    }


def read(folder: str, area_codes: int, phones: int) -> dict[str, Any]:
    """A full list as the registry writes it, read into bits."""
    rows = open_bit_sets(Path(folder) / "list").bits.reshape(-1, ROW_BYTES)[:READ_AREA_CODES]
    numbers = [
        np.flatnonzero(np.unpackbits(row, bitorder="little")) + (201 + place) * PER_AREA_CODE
        for place, row in enumerate(rows)
    ]
    text = pl.Series(np.concatenate(numbers)).cast(pl.String)
    file = Path(folder) / "full.txt"
    file.write_text("\n".join((text.str.slice(0, 3) + "," + text.str.slice(3)).to_list()) + "\n")
    reading, sets = Reading(), BitSets()

    def whole() -> None:
        for numbers in read_full([file], reading):
            sets.add(numbers)

    seconds = _seconds(whole)
    return {"lines_per_second": reading.rows / seconds}


def _phones(folder: str) -> pl.Series:
    return pl.read_parquet(f"{folder}/phones").to_series()


def _seconds(work: Callable[[], None]) -> float:
    """Processor time: others may keep the machine busy."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    STEPS = {one.__name__: one for one in (invent, look_up, peers, read)}
    print("begun", file=sys.stderr)
    print(json.dumps(STEPS[sys.argv[1]](**json.loads(sys.argv[2]))))
