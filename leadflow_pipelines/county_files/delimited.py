"""Text tables: CSV, TSV and their kin. Here: decoding, delimiter, splitting lines into cells, exactly.

Not here: what columns mean. A line that does not split into the table's width is mended where one reading fits
exactly, else set aside with its line number; it never shifts or swallows its neighbours.
"""

import codecs
import re
from collections import Counter
from io import BytesIO

import polars as pl

from leadflow_pipelines.county_files.mend_lines import Mended, mend_lines, split_line
from leadflow_pipelines.county_files.raw_table import RawTable, find_header
from leadflow_pipelines.errors import InvalidInput

_SAMPLE_LINES = 400
_DELIMITERS = (",", "\t", ";", "|")
_JOIN_LIMIT = 10
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 26, 27})


def read_delimited(data: bytes, file_name: str) -> RawTable:
    """Read a delimited text file. Raises InvalidInput when it is not text or holds no header."""
    text, notes = _as_utf8(data, file_name)
    lines = pl.read_lines(BytesIO(text)).get_column("line")
    sample = lines.head(_SAMPLE_LINES).to_list()
    delimiter = _delimiter(sample)
    records = _sample_records(sample, delimiter)
    at = find_header([cells for _, _, cells in records], file_name)
    header_start, header_end, header = records[at]
    above = sum(1 for _, _, cells in records[:at] if any(cell.strip() for cell in cells))
    if above:
        notes.append(f"{above} lines above the header were skipped.")
    width, header = _settle_width(header, [cells for _, _, cells in records[at + 1 :]], notes)
    body = lines.slice(header_end)
    frame, mended = _split(body, delimiter, width, first_line=header_end + 1)
    if mended.rows:
        notes.append(f"{len(mended.rows)} lines with unusual quotes or line breaks were read one by one.")
    return RawTable.of_cells(
        frame.drop("file_line"),
        header=header,
        header_row=header_start + 1,
        file_lines=frame.get_column("file_line"),
        faults=mended.faults,
        notes=notes,
    )


def _as_utf8(data: bytes, file_name: str) -> tuple[bytes, list[str]]:
    """The file as UTF-8 without BOM, `\\n` line ends and no NULs, with notes on what had to be decided."""
    notes: list[str] = []
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text, notes = _decoded(data, "utf-16", file_name), ["Read as UTF-16."]
        data = text.encode()
    elif (guess := _utf16_without_bom(data)) is not None:
        data, notes = _decoded(data, guess, file_name).encode(), ["Read as UTF-16 without a mark."]
    data = data.removeprefix(codecs.BOM_UTF8)
    sample = data[:65536]
    if len(sample) - len(sample.translate(None, _CONTROL)) > 0.02 * len(sample):
        raise InvalidInput(
            f"{file_name} is not a text table: it holds binary data.",
            remedy="Save it as CSV, XLSX or Parquet and import that.",
        )
    if re.match(rb"\s*<(?:!doctype|html|\?xml)", sample[:200], re.IGNORECASE):
        raise InvalidInput(
            f"{file_name} is a web page or XML, not a table.",
            remedy="Open it and save the table as CSV or XLSX; a download may have returned an error page.",
        )
    try:
        data.decode()
    except UnicodeDecodeError:
        strangers = _Strangers()
        codecs.register_error("leadflow_cp1252", strangers)
        data = data.decode("utf-8", errors="leadflow_cp1252").encode()
        notes.append(f"{strangers.count} characters that are not UTF-8 were read as Windows-1252.")
    if b"\x00" in data:
        notes.append("NUL bytes were removed.")
        data = data.replace(b"\x00", b"")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        data = data.replace(b"\r", b"\n") if b"\n" not in data else data.replace(b"\r", b" ")
    return data, notes


class _Strangers:
    """Codec error handler: bytes that are not UTF-8 are Windows-1252, or Latin-1 where that has no character.

    Byte by byte, because real exports mix both: one stray byte must not garble every accent of the file.
    """

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        self.count += 1
        stray = error.object[error.start : error.end]
        try:
            return stray.decode("cp1252"), error.end
        except UnicodeDecodeError:
            return stray.decode("latin-1"), error.end


def _utf16_without_bom(data: bytes) -> str | None:
    sample = data[:4096]
    half = max(1, len(sample) // 2)
    if sample[1::2].count(0) > 0.6 * half:
        return "utf-16-le"
    return "utf-16-be" if sample[0::2].count(0) > 0.6 * half else None


def _decoded(data: bytes, encoding: str, file_name: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{file_name} is damaged UTF-16 text at byte {error.start}.", remedy="Fetch or export it again."
        ) from error


def _delimiter(sample: list[str]) -> str:
    """The delimiter under which most lines agree on a number of cells greater than one."""
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = Counter(len(cells) for _, _, cells in _sample_records(sample, delimiter) if any(cells))
        if not widths:
            continue
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]))
        score = (count / sum(widths.values())) * min(width, 12) if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _sample_records(lines: list[str], delimiter: str) -> list[tuple[int, int, list[str]]]:
    """Records of the first lines as (first line, line after the last, cells); positions are 0-based."""
    records = []
    start = 0
    while start < len(lines):
        end = start + 1
        if lines[start].count('"') % 2:
            for stop in range(start + 2, min(start + _JOIN_LIMIT, len(lines)) + 1):
                if sum(line.count('"') for line in lines[start:stop]) % 2 == 0:
                    end = stop
                    break
        text = "\n".join(lines[start:end])
        cells = split_line(text, delimiter) if text.count('"') % 2 == 0 else text.split(delimiter)
        records.append((start, end, cells))
        start = end
    return records


def _settle_width(header: list[str], rows: list[list[str]], notes: list[str]) -> tuple[int, list[str]]:
    """The number of cells of a row, and the header cut or filled to it.

    Exports often end each row, or only the header, with a delimiter; where nearly all rows agree on a width
    that differs from the header's, the rows are right.
    """
    counts = Counter(len(cells) for cells in rows if any(cell.strip() for cell in cells))
    if not counts:
        return len(header), header
    usual, seen = counts.most_common(1)[0]
    if usual == len(header) or seen < 0.8 * sum(counts.values()) or usual < 2:
        return len(header), header
    if usual > len(header):
        return usual, header + [""] * (usual - len(header))
    cut = [name for name in header[usual:] if name.strip()]
    if cut:
        notes.append(f"Rows end before these columns of the header: {', '.join(cut)}.")
    return usual, header[:usual]


def _split(body: pl.Series, delimiter: str, width: int, *, first_line: int) -> tuple[pl.DataFrame, Mended]:
    """Cells of every line that splits into `width` cells, plus the lines that had to be mended or set aside."""
    lines = body.to_frame("line").with_row_index("file_line", offset=first_line).cast({"file_line": pl.Int64})
    d = re.escape(delimiter)
    cell = rf'(?:"(?:[^"]|"")*"|[^"{d}]*)'
    # One pass of a linear-time regex: 0.2 s for a million lines of 13 cells.
    whole = pl.col("line").str.contains(rf"^{cell}(?:{d}{cell}){{{width - 1}}}$")
    blank = pl.col("line").str.contains(rf'^[\s"{d}]*$')
    kind = lines.select(blank=blank, whole=whole)
    mended = mend_lines(
        body,
        settled=kind["whole"] | kind["blank"],
        whole=kind["whole"],
        delimiter=delimiter,
        width=width,
        first_line=first_line,
    )
    wanted = kind["whole"] & ~kind["blank"]
    if mended.consumed:
        wanted &= ~lines["file_line"].is_in(list(mended.consumed))
    clean = lines if wanted.all() else lines.filter(wanted)
    frame = _parse(clean, delimiter, width)
    if mended.rows:
        schema = {"file_line": pl.Int64, **{f"c{i}": pl.String for i in range(width)}}
        extra = pl.DataFrame([(line, *cells) for line, cells in mended.rows], schema=schema, orient="row")
        blanks = pl.when(pl.col(pl.String) != "").then(pl.col(pl.String))
        frame = pl.concat([frame, extra.with_columns(blanks)]).sort("file_line")
    return frame, mended


def _parse(clean: pl.DataFrame, delimiter: str, width: int) -> pl.DataFrame:
    names = [f"c{i}" for i in range(width)]
    if clean.is_empty():
        return pl.DataFrame(schema={"file_line": pl.Int64, **dict.fromkeys(names, pl.String)})
    buffer = BytesIO()
    clean.select("line").write_csv(buffer, include_header=False, quote_style="never")
    frame = pl.read_csv(buffer.getvalue(), has_header=False, separator=delimiter, infer_schema=False, new_columns=names)
    if frame.shape != (clean.height, width):
        raise AssertionError(f"{clean.height} lines of {width} cells were read as {frame.shape}")
    return pl.DataFrame([clean["file_line"], *frame.get_columns()])
