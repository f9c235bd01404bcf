"""A frame's rows worked on slice by slice, a few slices at once: bounded memory, all cores.

Here: how rows are cut and put together again. Not here: what is done to them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import polars as pl

THREADS = 2
"""Slices under way at once: writing and hashing a document each take one core."""
MOST_ROWS = 100_000
"""Bounds the documents in memory to 150 MB with all threads at work. A slice costs Python 40 ms, however short: with
half as many rows, a million contact points take a tenth more processor time."""
LEAST_ROWS = 25_000
"""Fewer are not worth a thread of their own."""


def by_slices(task: Callable[[pl.DataFrame], pl.DataFrame], frame: pl.DataFrame) -> pl.DataFrame:
    """What the task makes of each slice, in order. A frame without rows is one slice."""
    rows = min(MOST_ROWS, max(LEAST_ROWS, -(-frame.height // THREADS)))
    slices = (frame.slice(start, rows) for start in range(0, frame.height or 1, rows))
    with ThreadPoolExecutor(THREADS) as pool:
        return pl.concat(pool.map(task, slices))
