"""The shape in which every reader hands over a file's cells, and what is true of rows in any format.

Here: header names, finding the header, telling footers and repeated headers from data. Not here: decoding bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from leadflow_pipelines.errors import InvalidInput

ROW_COLUMNS = ("row_number", "file_line")
REJECTED_SCHEMA: dict[str, Any] = {
    "row_number": pl.Int64,
    "file_line": pl.Int64,
    "column": pl.String,
    "reason_code": pl.String,
    "reason": pl.String,
    "raw_row": pl.String,
}
_FAULT_SCHEMA: dict[str, Any] = {name: dtype for name, dtype in REJECTED_SCHEMA.items() if name != "row_number"}

_TOTAL = (
    r"(?i)^\s*(?:(?:grand|sub|report|page|column|county)\s*-?\s*)?totals?\b\s*"
    r"(?:(?:records?|rows?|count|parcels|sales|amount|due)\b)?[\s:=#\d,.$]*$"
)
_NOTE = (
    r"(?i)^\s*(?:\*+|notes?\b|source\b|sources\b|disclaimer|end of (?:report|file)|generated|printed|page \d|"
    r"\(?\d[\d,]* (?:rows?|records?)\b|records? (?:found|count)|run date|data (?:as of|current))"
)
FOOTER_REASON = "A total or note, not a property. Nothing to mend."
_NUMBER_LIKE = re.compile(r"^[\s$(+-]*\d")
_FOOTER_SCAN = 50


@dataclass(frozen=True)
class RawTable:
    """Cells of a file below its header.

    cells: file_line and one string column per header name, wholly blank rows already gone. faults: rows no
    reader could split, in file order (REJECTED_SCHEMA without row_number).
    """

    cells: pl.DataFrame
    faults: pl.DataFrame
    header_row: int
    notes: tuple[str, ...]

    @classmethod
    def of_cells(
        cls,
        frame: pl.DataFrame,
        *,
        header: Sequence[str | None],
        header_row: int,
        file_lines: pl.Series,
        faults: list[dict[str, object]] | None = None,
        notes: Sequence[str] = (),
    ) -> "RawTable":
        """Name the columns, drop wholly blank rows and nameless blank columns."""
        names = unique_names(header)
        cells = pl.DataFrame([file_lines.rename("file_line"), *frame.get_columns()])
        old = frame.columns
        filled = cells.select(pl.any_horizontal(pl.col(name).str.contains(r"\S") for name in old).fill_null(False))
        if not filled.to_series().all():
            cells = cells.filter(filled.to_series())
        kept = {
            old[i]: names[i]
            for i in range(len(old))
            if (header[i] or "").strip() or cells[old[i]].null_count() < cells.height
        }
        return cls(
            cells=cells.select("file_line", *kept).rename(kept),
            faults=pl.DataFrame(faults or [], schema=_FAULT_SCHEMA),
            header_row=header_row,
            notes=tuple(notes),
        )


def unique_names(header: Sequence[str | None]) -> list[str]:
    """Header cells as column names: folded white space, blanks numbered, duplicates told apart."""
    taken: set[str] = set(ROW_COLUMNS)
    names = []
    for position, cell in enumerate(header, start=1):
        base = " ".join((cell or "").replace("\ufeff", "").split()) or f"column_{position}"
        name, copy = base, 2
        while name in taken:
            name, copy = f"{base}_{copy}", copy + 1
        taken.add(name)
        names.append(name)
    return names


def find_header(rows: Sequence[Sequence[str | None]], file_name: str) -> int:
    """Position of the header among the first rows of a file.

    The header is the first row that fills most of the table's width with distinct cells that are not values.
    Rows above it are preamble: titles and dates fill few cells. A wide row of values in its place means that
    the file has no header, which is an InvalidInput: guessing would map the first record's values as names.
    """
    widths = sorted((filled for row in rows if (filled := _filled(row))), reverse=True)
    if not widths:
        raise InvalidInput(f"{file_name} holds no rows.", remedy="Check that the export finished.")
    # Not the very widest: a few ragged lines must not make the header look narrow.
    widest = widths[min(max(1, len(widths) // 20), len(widths) - 1)]
    wide_rows_passed = 0
    for position, row in enumerate(rows):
        if _filled(row) < max(1, 0.6 * widest) or (widest >= 2 and _filled(row) < 2):
            continue
        if _looks_like_header(row, strict=wide_rows_passed > 0, widest=widest):
            return position
        wide_rows_passed += 1
        if wide_rows_passed > 2:
            break
    raise InvalidInput(
        f"{file_name} has no header row: no row near its top holds column names.",
        remedy="Add a first row that names the columns.",
    )


def _filled(row: Sequence[str | None]) -> int:
    return sum(1 for cell in row if cell and cell.strip())


def _looks_like_header(row: Sequence[str | None], *, strict: bool, widest: int) -> bool:
    cells = [cell.strip() for cell in row if cell and cell.strip()]
    number_like = sum(1 for cell in cells if _NUMBER_LIKE.match(cell))
    wordless = sum(1 for cell in cells if not re.search(r"[^\W\d_]", cell))
    if strict:
        return number_like == 0 and len(cells) >= 0.9 * widest and len(set(cells)) == len(cells)
    distinct = len(set(cells)) >= 0.7 * len(cells)
    return distinct and number_like <= 0.3 * len(cells) and wordless <= 0.2 * len(cells)


def reject_misplaced_rows(table: RawTable) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Number the rows and set aside totals, notes below the table and repeated headers.

    Returns (frame with row_number, rejected rows, notes). Every row of the table is in exactly one of the two.
    """
    cells = table.cells
    columns = cells.columns[1:]
    if not columns or cells.height == 0:
        return _numbered(table, cells.clear(), pl.DataFrame(schema=_FAULT_SCHEMA))
    first = pl.coalesce(columns)
    filled = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int32) for name in columns)
    is_total = first.str.contains(_TOTAL) & (filled <= max(1, len(columns) - 2)) & pl.lit(len(columns) > 1)
    is_header = pl.all_horizontal(pl.col(name).str.strip_chars() == name for name in columns[:3])
    odd = cells.select(
        "file_line", code=pl.when(is_header).then(pl.lit("repeated_header")).when(is_total).then(pl.lit("footer"))
    ).filter(pl.col("code").is_not_null())
    tail = _footer_lines(cells, columns, set(odd["file_line"].to_list()))
    codes = pl.concat(
        [odd, pl.DataFrame({"file_line": tail, "code": ["footer"] * len(tail)}, schema=odd.schema)]
    ).unique("file_line", keep="first")
    if codes.is_empty():
        return _numbered(table, cells, pl.DataFrame(schema=_FAULT_SCHEMA))
    misplaced = cells.join(codes, on="file_line", how="inner").select(
        "file_line",
        pl.lit(None, dtype=pl.String).alias("column"),
        pl.col("code").alias("reason_code"),
        pl.when(pl.col("code") == "footer")
        .then(pl.lit(FOOTER_REASON))
        .otherwise(pl.lit("The header repeated inside the table. Nothing to mend."))
        .alias("reason"),
        row_as_json(columns),
    )
    return _numbered(table, cells.join(codes, on="file_line", how="anti", maintain_order="left"), misplaced)


def is_footer(text: str) -> bool:
    """Whether a line that is no row reads as a total or a note."""
    return bool(re.search(_TOTAL, text) or re.search(_NOTE, text))


def row_as_json(columns: Sequence[str]) -> pl.Expr:
    """The row's cells as one JSON object named raw_row."""
    return pl.struct(pl.col(name) for name in columns).struct.json_encode().alias("raw_row")


def _footer_lines(cells: pl.DataFrame, columns: list[str], known: set[int]) -> list[int]:
    """Lines of the notes that trail the table: only the first cell filled, and unlike that column's values.

    A last row that holds nothing but a parcel number is a record, so the first cell's shape decides.
    """
    if len(columns) < 2:
        return []
    shape = pl.col(columns[0]).str.replace_all(r"[A-Za-z]+", "A").str.replace_all(r"[0-9]+", "9")
    rest_empty = pl.all_horizontal(pl.col(name).is_null() for name in columns[1:])
    tail = cells.tail(_FOOTER_SCAN).select(
        "file_line",
        shape=shape,
        lone=rest_empty,
        note=pl.coalesce(columns).str.contains(_NOTE) & rest_empty,
    )
    usual = set(cells.head(20_000).filter(~rest_empty).select(shape).to_series().to_list())
    lines = []
    for line, cell_shape, lone, note in reversed(tail.rows()):
        if not (line in known or note or (lone and len(columns) >= 3 and cell_shape not in usual)):
            break
        if line not in known:
            lines.append(line)
    return lines


def _numbered(
    table: RawTable, good: pl.DataFrame, misplaced: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    rejected = pl.concat([table.faults, misplaced.cast(pl.Schema(_FAULT_SCHEMA))]).sort("file_line")
    if rejected.is_empty():
        count = pl.int_range(1, good.height + 1, dtype=pl.Int64, eager=True).alias("row_number")
        return pl.DataFrame([count, *good.get_columns()]), pl.DataFrame(schema=REJECTED_SCHEMA), []
    numbers = (
        pl.concat([good.select("file_line"), rejected.select("file_line")])
        .sort("file_line")
        .with_row_index("row_number", offset=1)
        .cast({"row_number": pl.Int64})
    )
    place = {"on": "file_line", "how": "left", "maintain_order": "left"}
    frame = good.join(numbers, **place).select("row_number", *good.columns)  # type: ignore[arg-type]
    faults = rejected.join(numbers, **place).select(*REJECTED_SCHEMA)  # type: ignore[arg-type]
    counts = rejected["reason_code"].value_counts(sort=True).rows()
    return frame, faults, [f"{count} rows set aside while reading: {code}." for code, count in counts]
