"""What a county file is once read: text cells, numbered rows, and every row that could not be read.

Here: the value and the entry point that picks a reader by content. Not here: what a column means (`mapping`).
"""

import gzip
import hashlib
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import polars as pl

from leadflow_pipelines.county_files.delimited import read_delimited
from leadflow_pipelines.county_files.raw_table import ROW_COLUMNS, RawTable, reject_misplaced_rows
from leadflow_pipelines.county_files.spreadsheet import read_spreadsheet
from leadflow_pipelines.errors import InvalidInput

_ZIP_MAGIC, _OLE_MAGIC, _GZIP_MAGIC, _PARQUET_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"PAR1"
_FOREIGN = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"BZh": "a bzip2 archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3": "an SQLite database",
}
_REMEDY = "Save it as CSV, XLSX or Parquet and import that."


@dataclass(frozen=True)
class CountyFile:
    """One county file, read.

    frame: row_number (1-based, data rows only), file_line (1-based line or sheet row), then the file's columns,
    all strings, empty cells null. rejected: rows that cannot be read as rows, in the shape
    `raw_table.REJECTED_SCHEMA`. header_row is the 1-based line of the header. notes say what was decided.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame
    file_name: str
    sha256: str
    header_row: int
    notes: tuple[str, ...] = field(default=())

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's own columns, in file order."""
        return tuple(name for name in self.frame.columns if name not in ROW_COLUMNS)

    @property
    def rows_in(self) -> int:
        """Data rows of the file: those read plus those rejected."""
        return self.frame.height + self.rejected.height


def read_county_file(path: str | Path) -> CountyFile:
    """Read a CSV, TSV (any usual delimiter, .gz allowed), XLSX/XLS or Parquet file of any layout.

    The kind is told by content, not by name. Raises InvalidInput, naming the file and the remedy, when there is
    no file, no table in it, no header row or no row below it.
    """
    path = Path(path)
    data = _content(path)
    table = _read(data, path.name)
    frame, rejected, notes = reject_misplaced_rows(table)
    if frame.height + rejected.height == 0:
        raise InvalidInput(f"{path.name} has a header but no rows below it.", remedy="Check that the export finished.")
    return CountyFile(
        frame=frame,
        rejected=rejected,
        file_name=path.name,
        sha256=hashlib.sha256(data.stored).hexdigest(),
        header_row=table.header_row,
        notes=(*table.notes, *notes),
    )


@dataclass(frozen=True)
class _Content:
    """The bytes on disk, which name the file, and the bytes to read, unpacked where it was gzipped."""

    stored: bytes
    plain: bytes


def file_sha256(path: str | Path) -> str:
    """Hash of the file's bytes, hex: its identity. Raises InvalidInput where there is no such file."""
    return hashlib.sha256(_stored_bytes(Path(path))).hexdigest()


def _stored_bytes(path: Path) -> bytes:
    if not path.exists():
        raise InvalidInput(f"There is no file {path}.", remedy="Check the path.")
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder.", remedy="Name one file in it.")
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", remedy="Check its permissions.") from error
    if not stored.strip():
        raise InvalidInput(f"{path.name} is empty.", remedy="Check that the download or export finished.")
    return stored


def _content(path: Path) -> _Content:
    stored = _stored_bytes(path)
    if not stored.startswith(_GZIP_MAGIC):
        return _Content(stored, stored)
    try:
        return _Content(stored, gzip.decompress(stored))
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{path.name} is a damaged or truncated gzip file.", remedy="Fetch it again.") from error


def _read(content: _Content, file_name: str) -> RawTable:
    data = content.plain
    if data.startswith((_ZIP_MAGIC, _OLE_MAGIC)):
        return read_spreadsheet(data, file_name)
    if data.startswith(_PARQUET_MAGIC):
        return _read_parquet(data, file_name)
    for magic, what in _FOREIGN.items():
        if data.startswith(magic):
            raise InvalidInput(f"{file_name} is {what}, not a table.", remedy=_REMEDY)
    return read_delimited(data, file_name)


def _read_parquet(data: bytes, file_name: str) -> RawTable:
    try:
        frame = pl.read_parquet(BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidInput(f"{file_name} is a damaged or truncated Parquet file.", remedy="Fetch it again.") from error
    unread = [name for name, dtype in frame.schema.items() if dtype.is_nested() or dtype == pl.Binary]
    notes = [f"Columns without plain values were left out: {', '.join(unread)}."] if unread else []
    text = frame.drop(unread).select(pl.all().cast(pl.String))
    return RawTable.of_cells(
        text.rename({name: f"c{i}" for i, name in enumerate(text.columns)}),
        header=list(text.columns),
        header_row=1,
        file_lines=pl.Series("file_line", range(1, text.height + 1), dtype=pl.Int64),
        notes=notes,
    )
