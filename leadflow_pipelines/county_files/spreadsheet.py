"""Sheets of a workbook as text cells. Here: choosing the sheet. Not here: the header rule (`raw_table`)."""

import fastexcel
import polars as pl

from leadflow_pipelines.county_files.raw_table import RawTable, find_header
from leadflow_pipelines.errors import InvalidInput

_HEADER_SCAN = 60


def read_spreadsheet(data: bytes, file_name: str) -> RawTable:
    """Read the sheet that holds most cells; the others are named in the notes.

    Dates arrive as '2019-04-05 00:00:00', numbers without trailing zeros. Raises InvalidInput for a truncated,
    protected or foreign file.
    """
    sheets = _sheets(data, file_name)
    if not sheets:
        raise InvalidInput(f"{file_name} holds no rows.", remedy="Check that the export finished.")
    sizes = {name: _cell_count(sheet) for name, sheet in sheets.items()}
    chosen = max(sizes, key=lambda name: sizes[name])
    notes = [] if len(sheets) == 1 else [f"Sheet {chosen!r} was read, it holds most data."]
    notes += [
        f"Sheet {name!r} ({sheet.height} rows) was not read; save it as a file of its own if it is wanted."
        for name, sheet in sheets.items()
        if name != chosen
    ]
    sheet = sheets[chosen]
    header = find_header(sheet.head(_HEADER_SCAN).rows(), file_name)
    if header:
        notes.append(f"{header} rows above the header were skipped.")
    body = sheet.slice(header + 1)
    return RawTable.of_cells(
        body,
        header=list(sheet.row(header)),
        header_row=header + 1,
        file_lines=pl.Series("file_line", range(header + 2, sheet.height + 1), dtype=pl.Int64),
        notes=notes,
    )


def _sheets(data: bytes, file_name: str) -> dict[str, pl.DataFrame]:
    try:
        book = fastexcel.read_excel(data)
        # skip_rows=0: by default leading blank rows vanish, and messages would name the wrong sheet row.
        read = {
            name: book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
            for name in book.sheet_names
        }
    except fastexcel.FastExcelError as error:
        raise InvalidInput(
            f"{file_name} cannot be opened as a workbook: it is truncated, password-protected or not a workbook.",
            remedy="Fetch it again, or open it and save it as XLSX or CSV.",
        ) from error
    return {
        name: sheet.rename({old: f"c{i}" for i, old in enumerate(sheet.columns)}).cast(pl.String)
        for name, sheet in read.items()
        if sheet.height and sheet.width
    }


def _cell_count(sheet: pl.DataFrame) -> int:
    return int(sheet.select(pl.sum_horizontal(pl.all().count())).item())
