"""Change lists: what was added to and deleted from a registry since the last download.

A row is area code and number (or the ten digits), a date and A or D, between commas. Published descriptions differ
in the order, so each field is known by its shape, whatever its place.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from leadflow_pipelines.compliance.do_not_call.list_files import FEWEST, Chunk, Reading, open_lists
from leadflow_pipelines.compliance.do_not_call.tagged_files import tagged_numbers
from leadflow_pipelines.errors import InvalidInput

MOST_FIELDS = 6
SHAPES = {
    "area": r"^\d{3}$",
    "local": r"^\d{3}-?\d{4}$",
    "whole": r"^\+?1?\d{10}$",
    "action": r"(?i)^(a|d|add|added|addition|delete|deleted|deletion)$",
    "date": r"^(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4}|(19|20)\d{6})([T ].*)?$",
}
CHANGES: dict[str, type[pl.DataType]] = {"number": pl.Int64, "is_added": pl.Boolean, "date": pl.Date}


def read_changes(paths: Sequence[Path], reading: Reading) -> pl.DataFrame:
    """What the lists leave of each number they name: number, is_added, date (null where none is told).

    A number's last change counts. Of several on one day, or without a day, an addition does: a doubt is a hit.
    What cannot be read is rejected in `reading`. Raises InvalidInput for files that are no change list.
    """
    batches = list(_batches(paths, reading))
    changes = pl.concat([pl.DataFrame(schema=CHANGES), *batches])
    if reading.rows and changes.is_empty():
        raise InvalidInput(
            "\n".join(["No row of the files is a change.", *map(str, reading.faults[:3])]),
            remedy="A change list says A or D for each number; import a full list without --change.",
        )
    latest = pl.col("date").fill_null(pl.col("date").max())
    return (
        changes.with_columns(day=latest.fill_null(pl.lit(0).cast(pl.Date)))
        .sort("number", "day", "is_added")
        .unique("number", keep="last", maintain_order=True)
        .drop("day")
    )


def _batches(paths: Sequence[Path], reading: Reading) -> Iterator[pl.DataFrame]:
    for file in open_lists(paths):
        if file.is_tagged:
            for tags in tagged_numbers(file, reading):
                yield _dated(tags, file.name, reading)
            continue
        is_beginning = True
        for chunk in file.chunks():
            rows = _rows(chunk, is_beginning)
            is_beginning = is_beginning and rows.is_empty()
            reading.rows += rows.height
            yield _dated(_by_shape(rows, chunk.file, reading), chunk.file, reading)


def _rows(chunk: Chunk, is_beginning: bool) -> pl.DataFrame:
    """The lines that hold something, with their numbers; a heading, which has no digit, is left out."""
    text = pl.Series("row", chunk.data.decode("latin-1").split("\n"))
    rows = (
        text.to_frame()
        .with_row_index("line", offset=chunk.first_line)
        .with_columns(pl.col("line").cast(pl.Int64), pl.col("row").str.replace_all(r"[\"'\r\x1a]", ""))
        .filter(pl.col("row").str.contains(r"[^\s,;|]"))
    )
    if is_beginning and not rows.is_empty() and not any(sign.isdigit() for sign in rows["row"][0]):
        return rows.slice(1)
    return rows


def _by_shape(rows: pl.DataFrame, file: str, reading: Reading) -> pl.DataFrame:
    """line, number, action and date of the rows in which each field is known, and none is there twice."""
    cells = rows.select(
        "line",
        fields=pl.col("row").str.replace_all(r"[;|\t]", ",").str.split_exact(",", MOST_FIELDS),
    ).unnest("fields")
    names = [name for name in cells.columns if name != "line"]
    cells = cells.with_columns(pl.col(name).str.strip_chars().replace("", None) for name in names)
    found = {
        shape: pl.coalesce(pl.when(pl.col(name).str.contains(pattern)).then(name) for name in names)
        for shape, pattern in SHAPES.items()
    }
    seen = {
        f"{shape}s": pl.sum_horizontal(pl.col(name).str.contains(pattern).fill_null(False) for name in names)
        for shape, pattern in SHAPES.items()
    }
    filled = pl.sum_horizontal(pl.col(name).is_not_null() for name in names)
    read = cells.select("line", **found, **seen, filled=filled)
    known = pl.sum_horizontal(*seen)
    is_number = ((pl.col("wholes") == 1) & (pl.col("areas") + pl.col("locals") == 0)) | (
        (pl.col("wholes") == 0) & (pl.col("areas") == 1) & (pl.col("locals") == 1)
    )
    is_good = (pl.col("actions") == 1) & (pl.col("dates") <= 1) & is_number & (known == pl.col("filled"))
    number = pl.coalesce("whole", pl.concat_str("area", "local")).str.replace_all(r"\D", "").str.tail(10)
    read = read.with_columns(number=pl.when(is_good).then(number).cast(pl.Int64))
    is_possible = (pl.col("number") >= FEWEST).fill_null(False)
    reading.reject(
        file, read.filter(~is_possible)["line"].to_list(), "is not area code, number, date and A or D, in any order"
    )
    return read.filter(is_possible).select("line", "number", "action", "date")


def _dated(changes: pl.DataFrame, file: str, reading: Reading) -> pl.DataFrame:
    """CHANGES of rows whose action and date are text; those without an action, or with a wrong date, are rejected."""
    day = pl.col("date").str.extract(r"^([^T ]+)")
    read = changes.select(
        "line",
        "number",
        told=pl.col("date"),
        is_added=pl.when(pl.col("action").str.contains(SHAPES["action"])).then(
            pl.col("action").str.to_uppercase().str.starts_with("A")
        ),
        date=pl.coalesce(day.str.to_date(form, strict=False) for form in ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d")),
    )
    is_good = pl.col("is_added").is_not_null() & (pl.col("told").is_null() | pl.col("date").is_not_null())
    reading.reject(file, read.filter(~is_good)["line"].to_list(), "has no A or D, or a date that is none")
    return read.filter(is_good).select(*CHANGES)
