"""Dates as counties write them. Here: text to date. Not here: which dates are plausible for a column."""

import polars as pl

from leadflow_pipelines.source_rows.transforms import by_distinct

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"'?(\d{4}|\d{2})"
_END = r"(?:$|[^\d/.-])"
_YEAR_FIRST = rf"^(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_END}"
_YEAR_LAST = rf"^(\d{{1,2}})[-/. ](\d{{1,2}})[-/. ]{_YEAR}{_END}"
_MONTH_DAY_YEAR = rf"(?:^|[^a-z]){_MONTH}[\s,.-]*(\d{{1,2}})(?:st|nd|rd|th)?[\s,.-]+{_YEAR}{_END}"
_DAY_MONTH_YEAR = rf"(?:^|\D)(\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?[\s,.-]*{_MONTH}[\s,.-]*{_YEAR}{_END}"
_EXCEL_EPOCH = pl.date(1899, 12, 30)


def parse_dates(values: pl.Series, *, day_first: bool | None = None) -> pl.Series:
    """Text to dates, null where a text is no date.

    Read are ISO dates and instants, 4/5/2019, 4/5/19, `April 9, 2013`, `20 Mar 2018`, 05-JAN-2019, 20190405,
    04052019, Unix seconds and milliseconds, and Excel serials; a date inside a longer text is found when its
    month is spelled. 4/5/2019 is April 5 unless day_first is true, or it is None and the column proves day first:
    some value has a first part over 12, and none a second part over 12. A part over 12 is never the month.
    """
    return by_distinct(values, lambda distinct: _parse_distinct(distinct, day_first))


def _parse_distinct(distinct: pl.Series, day_first: bool | None) -> pl.Series:
    frame = distinct.to_frame("raw").with_columns(
        text=pl.col("raw").str.strip_chars().str.to_lowercase().str.strip_suffix(".0")
    )
    text = pl.col("text")
    if day_first is None:
        day_first = _proves_day_first(frame)
    first, second = _part(_YEAR_LAST, 1), _part(_YEAR_LAST, 2)
    month_of_two = pl.when(second > 12).then(first).when(first > 12).then(second)
    month = month_of_two.otherwise(second if day_first else first)
    day = first + second - month
    day_text = text.str.extract(_MONTH_DAY_YEAR, 2).cast(pl.Int32)
    number = text.cast(pl.Float64, strict=False)
    digits = text.str.replace(r"\.\d+$", "").str.strip_prefix("-").str.len_chars()
    is_number = text.str.contains(r"^-?\d+(?:\.\d+)?$")
    parsed = frame.select(
        pl.coalesce(
            _date(_part(_YEAR_FIRST, 1), _part(_YEAR_FIRST, 2), _part(_YEAR_FIRST, 3)),
            _date(_year(text.str.extract(_YEAR_LAST, 3)), month, day),
            _date(_year(text.str.extract(_MONTH_DAY_YEAR, 3)), _month(_MONTH_DAY_YEAR, 1), day_text),
            _date(_year(text.str.extract(_DAY_MONTH_YEAR, 3)), _month(_DAY_MONTH_YEAR, 2), _part(_DAY_MONTH_YEAR, 1)),
            _compact(text),
            pl.when(is_number & (digits == 5)).then(_excel_serial(number)),
            pl.when(is_number & digits.is_between(9, 10)).then(_unix(number)),
            pl.when(is_number & digits.is_between(11, 13)).then(_unix(number / 1000)),
        )
    ).to_series()
    return parsed


def _proves_day_first(frame: pl.DataFrame) -> bool:
    first, second = _part(_YEAR_LAST, 1), _part(_YEAR_LAST, 2)
    over, under = frame.select(first=(first > 12).any(), second=(second > 12).any()).row(0)
    return bool(over) and not bool(under)


def _part(pattern: str, group: int) -> pl.Expr:
    return pl.col("text").str.extract(pattern, group).cast(pl.Int32)


def _month(pattern: str, group: int) -> pl.Expr:
    return pl.col("text").str.extract(pattern, group).replace_strict(_MONTHS, default=None, return_dtype=pl.Int32)


def _year(text: pl.Expr) -> pl.Expr:
    """Two digits are 1970 to 2069, as POSIX has it from 69 on."""
    year = text.cast(pl.Int32)
    two_digits = text.str.len_chars() == 2
    return pl.when(two_digits & (year < 70)).then(year + 2000).when(two_digits).then(year + 1900).otherwise(year)


def _date(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    # Through text, because pl.date raises on a February 30 where null is wanted.
    iso = pl.format(
        "{}-{}-{}",
        year.cast(pl.String).str.zfill(4),
        month.cast(pl.String).str.zfill(2),
        day.cast(pl.String).str.zfill(2),
    )
    return iso.str.to_date("%Y-%m-%d", strict=False)


def _compact(text: pl.Expr) -> pl.Expr:
    """20190405, or 04052019 where the first reading is no date of the last three centuries."""
    eight = pl.when(text.str.contains(r"^\d{8}$")).then(text)
    year_first = eight.str.to_date("%Y%m%d", strict=False)
    is_plausible = year_first.dt.year().is_between(1700, 2200)
    month_first = _date(
        eight.str.slice(4, 4).cast(pl.Int32), eight.str.slice(0, 2).cast(pl.Int32), eight.str.slice(2, 2).cast(pl.Int32)
    )
    return pl.when(is_plausible).then(year_first).otherwise(month_first)


def _excel_serial(number: pl.Expr) -> pl.Expr:
    return _EXCEL_EPOCH + pl.duration(days=number.floor().cast(pl.Int64))


def _unix(seconds: pl.Expr) -> pl.Expr:
    return pl.from_epoch(seconds.floor().cast(pl.Int64), time_unit="s").cast(pl.Date)
