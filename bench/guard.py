"""What the guard costs: cached partitions in bulk, one live call, one of sixteen callers on one budget."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.buying import ORIGIN, a_call, a_guard, callers, open_shop, some_zips
from bench.figures import Figure, at_most, over_peer
from leadflow_pipelines.cli.console import progress

CALLERS = 16
VENDOR_SECONDS = 0.25
"""How long a vendor thinks while sixteen ask it: on few cores, callers that never wait would measure each other."""


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Each figure as it is measured. `quick` takes a tenth of the sizes, to try the benchmark itself."""
    scale = 10 if quick else 1
    partitions, alone, each = 1000 // scale, 400 // scale, max(10, 40 // scale)
    zips = some_zips(partitions + alone + CALLERS * each + 1)
    with tempfile.TemporaryDirectory() as folder, open_shop(Path(folder), records_per_zip=1) as (shop, vendors):
        progress(f"{alone} calls, one after the other")
        ours = callers("guard", shop, [zips[:alone]])
        plain = callers("httpx", shop, [zips[:alone]])
        yield over_peer("guard overhead, alone, median", ours, 3, "ms", peer="httpx", of_peer=plain)
        progress(f"{partitions} partitions, bought and then asked for again")
        asked = [a_call(one) for one in zips[alone : alone + partitions]]
        with a_guard(shop, concurrency=6) as guard:
            guard.pull_many(asked, origin=ORIGIN)
        with a_guard(shop, concurrency=6) as guard:
            began = time.monotonic()
            cached = guard.pull_many(asked, origin=ORIGIN)
            seconds = time.monotonic() - began
        yield at_most(f"{partitions:,} cached partitions", seconds, 5 / scale, "s")
        yield at_most("their provider calls", cached.provider_calls, 0, "calls")
        progress(f"{CALLERS} processes on one budget, {each} calls each")
        vendors.arm_fault("attom", "slow", share=1.0, seconds=VENDOR_SECONDS)
        rest = zips[alone + partitions :]
        turns = [rest[number::CALLERS][:each] for number in range(CALLERS)]
        ours = callers("guard", shop, turns)
        plain = callers("httpx", shop, turns)
        yield over_peer(f"guard overhead, {CALLERS} callers, median", ours, 10, "ms", peer="httpx", of_peer=plain)
