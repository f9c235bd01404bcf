"""Frames as callers have them → the fixed shape in strict types. No row is dropped, moved or judged here.

Absent columns become nulls. A value that is there and cannot be read is refused with its column and row:
a price read as null would make a real sale look like a gift.
"""

from collections.abc import Callable

import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history.columns import (
    CENTS_COLUMNS,
    COUNT_COLUMNS,
    FAULTY_ROWS_NAMED,
    MORE_COLUMNS,
    PARCEL_NUMBER,
    POSITION_COLUMNS,
    POSITIVE_COLUMNS,
    PRICE_CENTS,
    SALE_DATE,
    SALES_SCHEMA,
    TEXT_COLUMNS,
    UNKNOWN_WORDS,
)

DATE_FORMS = ("%Y-%m-%d", "%m/%d/%Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y", "%Y%m%d", "%Y/%m/%d")


def read_sales(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """`frame` in the fixed shape (SALES_SCHEMA), same rows in the same order.

    Dates may be Date, Datetime or text; amounts integers, floats or text with "$" and ","; sizes and counts any
    number or text. "", "N/A" and the like are null; sizes and years of zero or less, and positions off the globe
    or at 0, 0, are null. parcel_number is the parcel_id where the frame has no such column. Raises InvalidInput that
    names every column with an unreadable value, and its first rows.
    """
    return _read(frame, SALES_SCHEMA)


def read_subjects(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Properties asked about, in the fixed shape, one row per row and in order.

    `sale_date` and `sale_price_cents` are null whatever the frame holds: what a subject carries of its own sale may
    be the very sale to be predicted, so nobody behind this door can look at it.
    """
    known = {name: dtype for name, dtype in SALES_SCHEMA.items() if name not in (SALE_DATE, PRICE_CENTS)}
    nothing = [pl.lit(None, SALES_SCHEMA[name]).alias(name) for name in (SALE_DATE, PRICE_CENTS)]
    return _read(frame, known).with_columns(nothing).select(*SALES_SCHEMA)


def _read(frame: pl.DataFrame | pl.LazyFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    given = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    faults: list[str] = []
    columns = [
        _read_column(given[name], name, faults)
        if name in given.columns
        else pl.Series(name, [None], dtype=dtype).new_from_index(0, given.height)
        for name, dtype in schema.items()
    ]
    if faults:
        raise InvalidInput(
            "Sales or subjects cannot be read: " + "; ".join(faults) + ".",
            remedy="Mend those values, or set them to null where they are not known.",
        )
    read = _positions_on_the_globe(pl.DataFrame(columns))
    return read if PARCEL_NUMBER in given.columns else read.with_columns(pl.col("parcel_id").alias(PARCEL_NUMBER))


def _read_column(values: pl.Series, name: str, faults: list[str]) -> pl.Series:
    present = values.is_not_null()
    if values.dtype in (pl.Float32, pl.Float64):
        present &= values.is_not_nan()
    if values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    if values.dtype == pl.String:
        values = values.str.strip_chars()
        present &= ~values.str.to_lowercase().is_in(list(UNKNOWN_WORDS))
        values = values.zip_with(present, pl.Series([None], dtype=pl.String).new_from_index(0, values.len()))
    read = _reader_of(name)(values)
    unread = present & read.is_null()
    if unread.any():
        faults.append(_fault(name, values, unread))
    return _known(read.alias(name), name)


def _reader_of(name: str) -> Callable[[pl.Series], pl.Series]:
    if name in TEXT_COLUMNS or name in MORE_COLUMNS:
        return _text
    if name == SALE_DATE:
        return _date
    return _cents if name in CENTS_COLUMNS else _number


def _text(values: pl.Series) -> pl.Series:
    if values.dtype in (pl.Float32, pl.Float64):
        # Keys that went through a spreadsheet: 123.0 is the parcel 123.
        is_whole = (values.is_finite() & (values == values.floor())).fill_null(False)
        return values.cast(pl.Int64, strict=False).cast(pl.String).zip_with(is_whole, values.cast(pl.String))
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        return pl.Series(values.name, [None], dtype=pl.String).new_from_index(0, values.len())
    return values.cast(pl.String, strict=False)


def _date(values: pl.Series) -> pl.Series:
    if values.dtype == pl.String:
        day = values.str.replace(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$", "")
        day = day.str.replace_all(r"\s+", " ")
        forms = [pl.col("day").str.to_date(form, strict=False) for form in DATE_FORMS]
        return pl.DataFrame({"day": day}).select(pl.coalesce(forms))["day"]
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime) or values.dtype == pl.Null:
        return values.cast(pl.Date)
    return pl.Series(values.name, [None], dtype=pl.Date).new_from_index(0, values.len())


def _number(values: pl.Series) -> pl.Series:
    if values.dtype == pl.String:
        values = values.str.replace_all(r"[$,\s]", "")
    if not (values.dtype.is_numeric() or values.dtype in (pl.String, pl.Null)):
        return pl.Series(values.name, [None], dtype=pl.Float64).new_from_index(0, values.len())
    read = values.cast(pl.Float64, strict=False)
    return read.zip_with(
        read.is_finite().fill_null(False), pl.Series([None], dtype=pl.Float64).new_from_index(0, len(read))
    )


def _cents(values: pl.Series) -> pl.Series:
    if values.dtype.is_integer():
        return values.cast(pl.Int64, strict=False)
    amounts = _number(values)
    return amounts.round().cast(pl.Int64, strict=False)


def _known(values: pl.Series, name: str) -> pl.Series:
    """Numbers that cannot be sizes, counts or amounts are not known; a negative price is an unknown price."""
    nothing = pl.Series([None], dtype=values.dtype).new_from_index(0, values.len())
    if name in POSITIVE_COLUMNS:
        return values.zip_with((values > 0).fill_null(False), nothing).alias(name)
    if name in COUNT_COLUMNS or name in CENTS_COLUMNS:
        return values.zip_with((values >= 0).fill_null(False), nothing).alias(name)
    return values


def _positions_on_the_globe(frame: pl.DataFrame) -> pl.DataFrame:
    lat, lon = pl.col("lat"), pl.col("lon")
    is_place = lat.is_between(-90, 90) & lon.is_between(-180, 180) & ~((lat == 0) & (lon == 0))
    return frame.with_columns(pl.when(is_place).then(pl.col(name)).alias(name) for name in POSITION_COLUMNS)


def _fault(name: str, values: pl.Series, unread: pl.Series) -> str:
    rows = unread.arg_true()
    shown = ", ".join(f"row {row + 1} holds {str(values[row])[:40]!r}" for row in rows[:FAULTY_ROWS_NAMED].to_list())
    more = f" and {len(rows) - FAULTY_ROWS_NAMED} rows more" if len(rows) > FAULTY_ROWS_NAMED else ""
    return f"column {name} ({values.dtype}): {shown}{more}"
