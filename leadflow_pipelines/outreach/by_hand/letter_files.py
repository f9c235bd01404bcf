"""The files of a batch of letters: a table for the print house, and the letters themselves on US Letter pages.

The same letters give the same bytes: dates are those at which the letters were decided. Not here: which letters.
"""

import datetime as dt
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl
from fpdf import FPDF
from fpdf.fonts import TTFFont
from text_unidecode import unidecode  # type: ignore[import-untyped]

from leadflow_pipelines.contracts.spreadsheet_safe import neutralise_formulas
from leadflow_pipelines.errors import InvalidInput

LETTERS_A_FILE = 1_000
"""A PDF is held in memory until it is written: 1,000 letters are some 15 MB."""
SIDE, SENDER_TOP, WINDOW_TOP, TEXT_TOP, BOTTOM = 0.875, 0.5, 2.05, 3.5, 0.75
"""Inches. Folded in three, the address (2.05 to 3.0 from the top) stands in the window of a number 10 envelope: 7/8
from the left, 1/2 from the bottom, 1 1/8 high; the sender in the upper window of a double-window one."""
TEXT_POINTS, LINE_INCHES = 11, 0.19
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
STANDARD_ENCODING = "windows-1252"
"""Of the fonts that every PDF reader has: the letters of Western European languages."""


@dataclass(frozen=True)
class Letter:
    """One letter. sender: its block, a line each; fields: the merge fields of the person."""

    reference: str
    name: str | None
    street: str
    city: str
    state: str
    zip5: str
    sender: str
    heading: str | None
    text: str
    written_at: dt.datetime
    fields: Mapping[str, str | None]

    @property
    def address(self) -> list[str]:
        """The lines in the window."""
        place = f"{self.city}, {self.state} {self.zip5}"
        return [line for line in (self.name, *self.street.splitlines(), place) if line]


@dataclass(frozen=True)
class LetterFiles:
    """What was written. respelled: letters with characters that the font lacks, written in Latin letters."""

    csv: Path
    pdfs: tuple[Path, ...]
    letters: int
    respelled: int


def write_letters(
    letters: Iterable[Letter], out: Path, batch: str, *, day_of: dt.tzinfo, font: Path | None
) -> LetterFiles:
    """Writes the table and the PDFs of a batch below `out`, all of them or none; earlier ones of it are replaced.

    Letters are taken in their order, LETTERS_A_FILE at a time. Raises InvalidInput for a font that cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = _Part(out / f"{batch}.csv")
    parts, count, respelled = [table], 0, 0
    try:
        with table.path.open("wb") as file:
            for number, some in enumerate(_groups(iter(letters)), start=1):
                rows = pl.DataFrame([_row(batch, letter) for letter in some], infer_schema_length=None)
                neutralise_formulas(rows.cast(pl.String)).write_csv(
                    file, include_header=number == 1, include_bom=number == 1, line_terminator="\r\n"
                )
                part = _Part(out / f"{batch}-{number:02d}.pdf")
                parts.append(part)
                respelled += _write_pdf(some, part.path, day_of, font)
                count += len(some)
        for part in parts:
            part.keep()
    finally:
        for part in parts:
            part.path.unlink(missing_ok=True)
    return LetterFiles(table.final, tuple(part.final for part in parts[1:]), count, respelled)


class _Part:
    """A file under a name of its own until all of its batch are whole."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f".{final.name}.{os.getpid()}.part")
        self.path.touch(mode=0o600)

    def keep(self) -> None:
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.final)


def _groups(letters: Iterator[Letter]) -> Iterator[list[Letter]]:
    while some := list(islice(letters, LETTERS_A_FILE)):
        yield some


def _row(batch: str, letter: Letter) -> dict[str, str | None]:
    line_1, _, line_2 = letter.street.partition("\n")
    sender_name, _, sender_address = letter.sender.partition("\n")
    return {
        "reference": letter.reference,
        "batch": batch,
        "name": letter.name,
        "address_1": line_1,
        "address_2": line_2 or None,
        "city": letter.city,
        "state": letter.state,
        "zip": letter.zip5,
        "sender_name": sender_name,
        "sender_address": sender_address,
        **{name if name.endswith("_name") else f"property_{name}": value for name, value in letter.fields.items()},
        "heading": letter.heading,
        "text": letter.text,
    }


def _write_pdf(letters: list[Letter], path: Path, day_of: dt.tzinfo, font: Path | None) -> int:
    """One page or more a letter; returns how many letters had to be respelled."""
    pages = _Pages(font)
    pages.creation_date = letters[0].written_at
    for letter in letters:
        pages.write(letter, letter.written_at.astimezone(day_of).date())
    pages.output(str(path))
    return pages.respelled


class _Pages(FPDF):
    def __init__(self, font: Path | None) -> None:
        super().__init__(orientation="portrait", unit="in", format="letter")
        self.respelled = 0
        self._was_respelled = False
        self.set_margins(SIDE, SENDER_TOP, SIDE)
        self.set_auto_page_break(auto=True, margin=BOTTOM)
        self._widths: dict[str, dict[str, float]] = {}
        self._known: set[int] | None = None
        self._family = "helvetica"
        self.core_fonts_encoding = STANDARD_ENCODING
        if font is not None:
            self._use(font)

    def _use(self, font: Path) -> None:
        try:
            self.add_font("letters", fname=str(font))
        except Exception as fault:  # fontTools raises whatever a broken file makes it stumble over
            raise InvalidInput(
                f"The font {font} cannot be used: {fault}.", remedy="Set LEADFLOW_LETTER_FONT to a TrueType file."
            ) from fault
        self._family, added = "letters", self.fonts["letters"]
        self._known = set(added.cmap) if isinstance(added, TTFFont) else set()

    def write(self, letter: Letter, day: dt.date) -> None:  # type: ignore[override]
        """One letter, from a page of its own on."""
        self._was_respelled = False
        self.add_page()
        self._block(SENDER_TOP, letter.sender.splitlines(), points=9)
        self._block(WINDOW_TOP, [letter.reference], points=6)
        self._block(WINDOW_TOP + 0.12, letter.address, points=TEXT_POINTS)
        self._block(TEXT_TOP - 0.3, [f"{day:%B} {day.day}, {day.year}"], points=TEXT_POINTS)
        self.set_xy(SIDE, TEXT_TOP)
        if letter.heading:
            self._text(letter.heading, is_bold=True)
            self.ln(LINE_INCHES)
        self._text(letter.text)
        self.respelled += self._was_respelled

    def _block(self, top: float, lines: list[str], *, points: int) -> None:
        self.set_xy(SIDE, top)
        self.set_font(self._family, size=points)
        for line in lines:
            self.set_x(SIDE)
            self.cell(h=points / 72 * 1.2, text=self._printable(line), new_x="LMARGIN", new_y="NEXT")

    def _text(self, text: str, *, is_bold: bool = False) -> None:
        """Lines as wide as the page, broken between words: FPDF's own breaking costs four times as much."""
        bold = "B" if is_bold and self._known is None else ""
        self.set_font(self._family, style=bold, size=TEXT_POINTS + 2 * is_bold)
        width_of = self._widths.setdefault(f"{self.font_style} {self.font_size_pt}", {})
        for paragraph in self._printable(text).split("\n"):
            for line in broken(paragraph, lambda one: self._width(one, width_of), self.epw):
                self.cell(h=LINE_INCHES, text=line or " ", new_x="LMARGIN", new_y="NEXT")

    def _width(self, text: str, width_of: dict[str, float]) -> float:
        """Inches. A character is as wide wherever it stands: letters are set without kerning."""
        for one in set(text) - width_of.keys():
            width_of[one] = self.get_string_width(one)
        return sum(width_of[one] for one in text)

    def _printable(self, text: str) -> str:
        """The text in characters that the font has."""
        clean = CONTROL.sub(" ", text.replace("\r\n", "\n"))
        written = "".join(one if self._has(one) else unidecode(one) or "?" for one in clean)
        self._was_respelled |= written != clean
        return written

    def _has(self, character: str) -> bool:
        if self._known is not None:
            return character == "\n" or ord(character) in self._known
        try:
            character.encode(STANDARD_ENCODING)
        except UnicodeEncodeError:
            return False
        return True


def broken(paragraph: str, width: Callable[[str], float], most: float) -> Iterator[str]:
    """The lines of a paragraph, none wider than `most`; a word that is wider is broken where it must be."""
    line, used, space = "", 0.0, width(" ")
    for word in paragraph.split(" "):
        needed = width(word)
        if line and used + space + needed > most:
            yield line
            line, used = "", 0.0
        while needed > most:
            fits = next(count for count in range(len(word), 0, -1) if count == 1 or width(word[:count]) <= most)
            yield word[:fits]
            word = word[fits:]  # noqa: PLW2901 what is left of it
            needed = width(word)
        line, used = (f"{line} {word}", used + space + needed) if line else (word, needed)
    yield line
