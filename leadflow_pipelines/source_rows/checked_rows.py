"""A CSV or Parquet file that a person made for LeadFlow: what can be used of it, and every other row with what to do.

Here: opening, the header, numbering rows, collecting faults. Not here: what a row means (whoever reads such a file),
and counties' files, which are mended and mapped (`county_files`).
"""

import csv
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from leadflow_pipelines.errors import InvalidInput

Row = TypeVar("Row")
Wrong = tuple[str, str, str]
"""Why a row is left out: the column, what is wrong with it, what to do; the last two as sentences."""


@dataclass(frozen=True)
class RowFault:
    """One row that was left out. `row` counts the lines of data from 1."""

    file: str
    row: int
    column: str
    message: str
    remedy: str


def read_checked_csv(
    path: Path,
    read: Callable[[Mapping[str, str]], Row | Wrong],
    *,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    layout: str,
) -> tuple[dict[int, Row], list[RowFault]]:
    """What `read` makes of each row, by row number from 1, and the faults of those it refuses.

    read: gets the cells of `needed` and `optional` columns, stripped, blank where absent; other columns are ignored.
    layout: the file's columns in a sentence. Raises InvalidInput where the file cannot be read as CSV in UTF-8 or
    lacks a needed column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _require(path, reader.fieldnames or (), needed, layout)
            return _checked(path, reader, read, (*needed, *optional))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", remedy="Give a CSV file in UTF-8.") from error


def read_checked_parquet(
    path: Path,
    read: Callable[[Mapping[str, str]], Row | Wrong],
    *,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    layout: str,
) -> tuple[dict[int, Row], list[RowFault]]:
    """What `read_checked_csv` does, of a Parquet file: each value as text."""
    try:
        frame = pl.read_parquet(path, hive_partitioning=False)
        _require(path, frame.columns, needed, layout)
        named = [name for name in (*needed, *optional) if name in frame.columns]
        texts = frame.select(pl.col(named).cast(pl.String))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", remedy="Give a Parquet or a CSV file.") from error
    return _checked(path, texts.iter_rows(named=True), read, (*needed, *optional))


def _require(path: Path, present: Collection[str], needed: Sequence[str], layout: str) -> None:
    if missing := [name for name in needed if name not in present]:
        columns = "column" if len(needed) == 1 else "columns"
        raise InvalidInput(f"{path.name} lacks the {columns} {', '.join(missing)}.", remedy=layout)


def _checked(
    path: Path,
    given: Iterable[Mapping[str, str | None]],
    read: Callable[[Mapping[str, str]], Row | Wrong],
    columns: Sequence[str],
) -> tuple[dict[int, Row], list[RowFault]]:
    rows: dict[int, Row] = {}
    faults: list[RowFault] = []
    for number, row in enumerate(given, start=1):
        found = read({name: (row.get(name) or "").strip() for name in columns})
        if isinstance(found, tuple):
            faults.append(RowFault(path.name, number, *found))
        else:
            rows[number] = found
    return rows, faults
