"""Writing a day's rows of some ZIPs into a table, ZIP by ZIP against its contract."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.contracts import Contract, Fault
from leadflow_pipelines.lake.lake import Lake


@dataclass(frozen=True)
class Stored:
    """What was written: rows per ZIP, and the faults of the ZIPs that were left out."""

    rows: dict[str, int]
    faults: tuple[Fault, ...]

    @property
    def broken_zips(self) -> set[str]:
        """ZIPs none of whose rows were written."""
        return {fault.zip for fault in self.faults if fault.zip is not None}


def store_zips(lake: Lake, contract: Contract, frame: pl.DataFrame, *, zips: Collection[str], day: dt.date) -> Stored:
    """Replace the rows of these ZIPs and day. A ZIP that breaks the contract is emptied; the others are written.

    Raises nothing for broken rows: they are in `faults`, by ZIP, column and rule.
    """
    frame = contract.conform(frame)
    faults = tuple(contract.faults(frame))
    broken = {fault.zip for fault in faults}
    good = frame.filter(~pl.col("zip").is_in(broken)) if faults else frame
    lake.replace(contract, good, day=day, where=pl.col("zip").is_in(list(zips)))
    counts = dict(good.group_by("zip").len().iter_rows())
    return Stored({zip_: counts.get(zip_, 0) for zip_ in sorted(zips)}, faults)
