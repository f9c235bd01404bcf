"""A county file and a mapping to source rows, and the rows that are none.

Here: rejects. Not here: values in their types (`source_rows`), canonical addresses and record ids (`properties`),
writing anything (`import_county_file`).

A row is rejected only when nothing says which property it is, or when it is no row at all.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from leadflow_pipelines.county_files.county_file import CountyFile
from leadflow_pipelines.county_files.raw_table import REJECTED_SCHEMA, row_as_json
from leadflow_pipelines.source_rows.map_columns import ValueWarning, map_columns
from leadflow_pipelines.source_rows.mapping import Mapping, check_mapping


@dataclass(frozen=True)
class MappedRows:
    """rows: SOURCE_ROWS_SCHEMA. rejected: row_number, column, reason_code, reason, raw_row. All data rows are in
    exactly one of the two."""

    rows: pl.DataFrame
    rejected: pl.DataFrame
    warnings: tuple[ValueWarning, ...]


def apply_mapping(file: CountyFile, mapping: Mapping, *, day: date | None = None) -> MappedRows:
    """Source rows of a file, in file order.

    day: the calendar day of the import; sale and observation dates after it are left out with a warning.
    Raises InvalidInput listing every fault when the mapping does not fit the file.
    """
    check_mapping(mapping, file.columns, file.file_name)
    rows, warnings = map_columns(file.frame, mapping, day=day)
    has_identity = pl.any_horizontal(pl.col("address", "street", "parcel_number").is_not_null())
    kept = rows.select(has_identity).to_series()
    rejected = _rejected(file, mapping, kept)
    return MappedRows(rows if kept.all() else rows.filter(kept), rejected, warnings)


def _rejected(file: CountyFile, mapping: Mapping, kept: pl.Series) -> pl.DataFrame:
    identifying = [
        column
        for target in ("address", "street", "parcel_number")
        if target in mapping.columns
        for column in mapping.columns[target].columns
    ]
    nameless = file.frame.filter(~kept).select(
        "row_number",
        "file_line",
        pl.lit(", ".join(identifying)).alias("column"),
        pl.lit("no_identity").alias("reason_code"),
        pl.lit("No address and no parcel number, so nothing says which property it is. Fill one of them.").alias(
            "reason"
        ),
        row_as_json(file.columns),
    )
    every = pl.concat([file.rejected, nameless.cast(pl.Schema(REJECTED_SCHEMA))]).sort("row_number")
    return every.select(
        "row_number",
        "column",
        "reason_code",
        pl.format("{} (line {})", "reason", "file_line").alias("reason"),
        "raw_row",
    )
