"""A frame's rows worked on slice by slice, a few slices at once: bounded memory, all cores.

Here: how rows are cut and put together again. Not here: what is done to them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import polars as pl

SLICE_ROWS = 50_000
"""Contact points decided together: bounds the documents in memory. Half as many cost Python more time."""
THREADS = 2
"""Slices under way at once: writing and hashing a document each take one core."""


def by_slices(task: Callable[[pl.DataFrame], pl.DataFrame], frame: pl.DataFrame) -> pl.DataFrame:
    """What the task makes of each slice, in order. A frame without rows is one slice."""
    slices = (frame.slice(start, SLICE_ROWS) for start in range(0, frame.height or 1, SLICE_ROWS))
    with ThreadPoolExecutor(THREADS) as pool:
        return pl.concat(pool.map(task, slices))
