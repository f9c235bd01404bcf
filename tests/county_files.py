"""County files that tests write: the columns in, the file as it is read out."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from leadflow_pipelines.county_files import CountyFile, read_county_file

DAY = dt.date(2026, 11, 21)
Columns = Mapping[str, list[str | None]]


def written(folder: Path, columns: Columns, name: str = "county.csv") -> CountyFile:
    """A CSV file of these columns, as it is read."""
    path = folder / name
    pl.DataFrame(columns).write_csv(path)
    return read_county_file(path)
