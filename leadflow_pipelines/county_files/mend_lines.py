"""Lines of a text table that do not split into its width: mended where one reading fits exactly, else set aside.

Plain Python, line by line: these are the few. The many are split by `delimited`.
"""

import csv
import json
import re
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from leadflow_pipelines.county_files.raw_table import FOOTER_REASON, is_footer

_JOIN_LIMIT = 50
_WINDOW_LIMIT = 50_000


@dataclass
class Mended:
    """rows: (file line, cells) that fit after all. faults: rejected rows. consumed: lines used by a row above."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    faults: list[dict[str, object]] = field(default_factory=list)
    consumed: set[int] = field(default_factory=set)


def split_line(text: str, delimiter: str) -> list[str]:
    """One record's cells under the usual quoting rules; cut at every delimiter where those do not hold."""
    return _cells(text, delimiter=delimiter)


def _cells(text: str, **dialect: Any) -> list[str]:
    try:
        return next(csv.reader([text], **dialect), [])
    except csv.Error:  # a cell beyond 131,072 characters
        return text.split(dialect["delimiter"])


def mend_lines(
    body: pl.Series, *, settled: pl.Series, whole: pl.Series, delimiter: str, width: int, first_line: int
) -> Mended:
    """Go through the lines that are neither blank nor whole, in file order.

    body: all lines below the header; settled: those needing nothing; whole: those that are a row by themselves.
    """
    mended = Mended()
    odd = (~settled).arg_true().to_list()
    if not odd:
        return mended
    every = body.to_list() if len(odd) > _WINDOW_LIMIT else None
    reader = _LineMender(delimiter, width)
    next_free = 0
    for at in odd:
        if at < next_free:
            continue
        text = str(body[at])
        span = 1
        cells = reader.whole_cells(text)
        if cells is None and text.count('"') % 2:
            window = every[at : at + _JOIN_LIMIT] if every else body.slice(at, _JOIN_LIMIT).to_list()
            joined = reader.joined_cells(window, whole.slice(at, _JOIN_LIMIT).to_list())
            if joined:
                cells, span = joined
        if cells is None:
            cells = reader.literal_cells(text)
        if cells is None:
            mended.faults.append(reader.fault(text, first_line + at))
        else:
            mended.rows.append((first_line + at, cells))
        mended.consumed.update(range(first_line + at + 1, first_line + at + span))
        next_free = at + span
    return mended


class _LineMender:
    def __init__(self, delimiter: str, width: int) -> None:
        self.delimiter = delimiter
        self.width = width
        d = re.escape(delimiter)
        # Possessive, so that a line that does not fit fails in linear time.
        cell = rf'[ ]*+(?:"(?:[^"]|"")*+"[ ]*+|[^"{d}\n][^{d}\n]*+|)'
        self._record = re.compile(rf"{cell}(?:{d}{cell}){{{width - 1}}}")

    def whole_cells(self, text: str) -> list[str] | None:
        """Cells of a line that is a row by itself: blanks before a quote, escaped quotes, blank extra cells."""
        if '\\"' in text:
            cells = _cells(text, delimiter=self.delimiter, escapechar="\\", doublequote=False)
            if len(cells) == self.width and '"' not in "".join(cells[:1]):
                return cells
        if text.count('"') % 2:
            return None
        cells = _cells(text, delimiter=self.delimiter, skipinitialspace=True)
        if len(cells) == self.width and self._record.fullmatch(text):
            return cells
        if len(cells) > self.width and not any(cell.strip() for cell in cells[self.width :]):
            return cells[: self.width]
        return None

    def joined_cells(self, window: list[str], whole: list[bool]) -> tuple[list[str], int] | None:
        """Cells of a record whose quoted cell holds line breaks, and how many lines it spans.

        A quote left open by mistake would pair with the next stray quote and swallow the rows between, so no
        line in between may be a row by itself, and first and last line may not both be one without the quotes.
        """
        for last in range(1, len(window)):
            if whole[last]:
                return None
            if window[last].count('"') % 2 == 0:
                continue
            text = "\n".join(window[: last + 1])
            cells = _cells(text.replace("\n", "\x1e"), delimiter=self.delimiter)
            fits = len(cells) == self.width and self._record.fullmatch(text)
            both_rows = all(self.literal_cells(window[i]) is not None for i in (0, last))
            if fits and not both_rows:
                return [cell.replace("\x1e", "\n") for cell in cells], last + 1
        return None

    def literal_cells(self, text: str) -> list[str] | None:
        """Cells when quotes are plain characters, such as inches or a quote never closed."""
        cells = text.split(self.delimiter)
        if len(cells) != self.width:
            return None
        return [cell.strip().strip('"') if cell.count('"') % 2 else cell for cell in cells]

    def fault(self, text: str, line: int) -> dict[str, object]:
        cells = split_line(text, self.delimiter) if text.count('"') % 2 == 0 else text.split(self.delimiter)
        if text.count('"') % 2:
            code, what = "stray_quote", "A quotation mark is opened and never closed"
        else:
            code = "too_many_fields" if len(cells) > self.width else "too_few_fields"
            what = f"The line has {len(cells)} cells where the header names {self.width}"
        reason = f"{what}. Mend the line and import the file again."
        if code == "too_few_fields" and is_footer(text):
            code, reason = "footer", FOOTER_REASON
        return {
            "file_line": line,
            "column": None,
            "reason_code": code,
            "reason": reason,
            "raw_row": json.dumps({"line": text}, ensure_ascii=False),
        }
