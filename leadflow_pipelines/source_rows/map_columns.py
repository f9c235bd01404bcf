"""A table of text and a mapping to source rows: values in their types, and what did not fit.

Here: any table, whoever published it. Not here: reading a file and its rejects (`county_files`), asking a source
(`providers`), canonical addresses and record ids (`properties`).

An optional value that does not fit its type or range becomes null and is counted in a warning; the row stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from leadflow_pipelines.source_rows import transforms
from leadflow_pipelines.source_rows.mapping import ColumnRule, Mapping
from leadflow_pipelines.source_rows.parse_dates import parse_dates
from leadflow_pipelines.source_rows.targets import SOURCE_ROWS_SCHEMA, TARGETS, Target

_FIRST_ROWS = 5
_EARLIEST = date(1900, 1, 1)
"""Dates up to here are placeholders: 1899-12-30 and 1900-01-01 are how spreadsheets write an empty date."""

_SIMPLE: dict[str, Callable[[pl.Series], pl.Series]] = {
    "text": lambda values: values,
    "identifier": transforms.parse_identifier,
    "without_acreage": transforms.drop_acreage,
    "state": transforms.parse_state,
    "zip": transforms.parse_zip,
    "fips": transforms.parse_fips,
    "flag": transforms.parse_flag,
    "inverted_flag": lambda values: ~transforms.parse_flag(values),
    "number": transforms.parse_number,
    "acres": lambda values: transforms.parse_number(values) * transforms.SQFT_PER_ACRE,
    "money": transforms.parse_money,
    "cents": transforms.parse_number,
    "list_code": transforms.parse_list_code,
}
_WHAT_IT_IS_NOT = {
    "identifier": "rounded by a spreadsheet (4.00949E+09)",
    "state": "not a state",
    "zip": "not a ZIP",
    "fips": "not a county code",
    "county_name": "not a county of its state",
    "flag": "neither yes nor no",
    "inverted_flag": "neither yes nor no",
    "date": "not a date",
    "money": "not an amount",
}


@dataclass(frozen=True)
class ValueWarning:
    """Values of one column that became null: how many, why, and the numbers of the first such rows."""

    target: str
    column: str
    count: int
    reason: str
    first_rows: tuple[int, ...]

    def __str__(self) -> str:
        rows = ", ".join(str(row) for row in self.first_rows) + (", ..." if self.count > _FIRST_ROWS else "")
        return f"{self.column}: {self.count} values left out, {self.reason} (rows {rows})."


def map_columns(
    frame: pl.DataFrame, mapping: Mapping, *, day: date | None = None
) -> tuple[pl.DataFrame, tuple[ValueWarning, ...]]:
    """Source rows (SOURCE_ROWS_SCHEMA) of the frame, one each in the same order, and what was left out of them.

    frame: row_number and the mapping's columns, all text. day: sale and observation dates after it are left out.
    """
    columns = _Columns(frame)
    warnings = _Warnings(columns.row_numbers)
    made: dict[str, pl.Series] = {}
    for target, rule in mapping.columns.items():
        if target != "county_fips":
            made[target] = _values(target, rule, columns, day, warnings)
    if "county_fips" in mapping.columns:
        state = _filled(made.get("state"), mapping.state, pl.String, frame.height)
        made["county_fips"] = _county_fips(mapping.columns["county_fips"], columns, state, warnings)
    return _with_constants(frame, mapping, made), tuple(warnings.given)


class _Columns:
    """The table's columns, cleaned once each."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self._cleaned: dict[str, pl.Series] = {}
        self.row_numbers = frame["row_number"]

    def cleaned(self, name: str) -> pl.Series:
        if name not in self._cleaned:
            self._cleaned[name] = transforms.clean_text(self._frame[name])
        return self._cleaned[name]

    def joined(self, rule: ColumnRule) -> pl.Series:
        """The rule's columns as one text; with pad, null unless each part is there."""
        parts = [self.cleaned(name) for name in rule.columns]
        if rule.pad:
            parts = [part.str.zfill(width) for part, width in zip(parts, rule.pad, strict=True)]
        if len(parts) == 1:
            text = parts[0]
        else:
            frame = pl.DataFrame([part.alias(f"p{i}") for i, part in enumerate(parts)])
            joined = pl.concat_str(pl.all(), separator=rule.join, ignore_nulls=rule.pad is None)
            text = frame.select(pl.when(joined != "").then(joined)).to_series()
        return text


class _Warnings:
    """Counts lost values, a warning per target."""

    def __init__(self, row_numbers: pl.Series) -> None:
        self._row_numbers = row_numbers
        self.given: list[ValueWarning] = []

    def add(self, target: str, rule: ColumnRule, lost: pl.Series, reason: str) -> None:
        """Note the rows marked in `lost`, if any."""
        count = int(lost.sum())
        if count:
            first = tuple(self._row_numbers.filter(lost).head(_FIRST_ROWS).to_list())
            self.given.append(ValueWarning(target, " + ".join(rule.columns), count, reason, first))


def _values(target: str, rule: ColumnRule, columns: _Columns, day: date | None, warnings: _Warnings) -> pl.Series:
    spec = TARGETS[target]
    transform = rule.transform or spec.transforms[0]
    if transform == "full_half":
        return _full_and_half_baths(target, rule, columns, warnings)
    text = columns.joined(rule)
    if transform == "date":
        parsed = parse_dates(text, day_first=rule.day_first)
        fits = _plausible_date(parsed, day)
        reason = "not a date" if day is None else f"not a date between {_EARLIEST} and {day}"
        value = _where(fits, parsed).cast(spec.dtype)
        warnings.add(target, rule, text.is_not_null() & value.is_null(), reason)
        return value.rename(target)
    parsed = transforms.by_distinct(text, _SIMPLE[transform])
    value, misfits = _in_range(parsed, text, spec)
    warnings.add(target, rule, misfits, _misfit_reason(transform, spec))
    return value.rename(target)


def _plausible_date(parsed: pl.Series, day: date | None) -> pl.Series:
    after_placeholders = (parsed > _EARLIEST).fill_null(False)
    return after_placeholders & (parsed <= day).fill_null(False) if day else after_placeholders


def _in_range(parsed: pl.Series, text: pl.Series, spec: Target) -> tuple[pl.Series, pl.Series]:
    """The values in the target's type, and which texts were lost to it."""
    lost = text.is_not_null() & parsed.is_null()
    if spec.low is None or spec.high is None:
        return parsed.cast(spec.dtype), lost
    rounded = parsed if spec.dtype == pl.Float64 else parsed.round(0)
    fits = rounded.is_between(spec.low, spec.high).fill_null(False) & rounded.is_finite()
    known_empty = (parsed == 0).fill_null(False) if spec.is_zero_unknown else pl.repeat(False, len(parsed), eager=True)
    value = _where(fits & ~known_empty, rounded).cast(spec.dtype)
    return value, text.is_not_null() & value.is_null() & ~known_empty


def _where(mask: pl.Series, values: pl.Series) -> pl.Series:
    frame = pl.DataFrame([mask.alias("m"), values.alias("v")])
    return frame.select(pl.when("m").then("v").alias("v")).to_series()


def _misfit_reason(transform: str, spec: Target) -> str:
    plain = _WHAT_IT_IS_NOT.get(transform, "not a number")
    if spec.low is None:
        return plain
    if transform in ("money", "cents"):
        return "negative or not an amount"
    return "0, negative or not a number" if spec.low == 1 else f"{plain} from {spec.low:g} to {spec.high:g}"


def _full_and_half_baths(target: str, rule: ColumnRule, columns: _Columns, warnings: _Warnings) -> pl.Series:
    texts = [columns.cleaned(name) for name in rule.columns]
    full, half = (transforms.by_distinct(text, transforms.parse_number) for text in texts)
    frame = pl.DataFrame([full.alias("full"), half.alias("half")])
    either = pl.any_horizontal(pl.all().is_not_null())
    total = pl.col("full").fill_null(0.0) + 0.5 * pl.col("half").fill_null(0.0)
    value, _ = _in_range(frame.select(pl.when(either).then(total)).to_series(), texts[0], TARGETS[target])
    lost = (texts[0].is_not_null() & (full.is_null() | value.is_null())) | (texts[1].is_not_null() & half.is_null())
    warnings.add(target, rule, lost, "not a number from 0 to 500")
    return value.rename(target)


def _county_fips(rule: ColumnRule, columns: _Columns, state: pl.Series, warnings: _Warnings) -> pl.Series:
    text = columns.joined(rule)
    transform = rule.transform or "fips"
    value = (
        transforms.by_distinct(text, transforms.parse_fips)
        if transform == "fips"
        else transforms.county_fips_of(text, state)
    )
    warnings.add("county_fips", rule, text.is_not_null() & value.is_null(), _WHAT_IT_IS_NOT[transform])
    return value.rename("county_fips")


def _filled(values: pl.Series | None, constant: str | None, dtype: type[pl.DataType], height: int) -> pl.Series:
    if values is None:
        return pl.Series([constant], dtype=dtype).new_from_index(0, height)
    return values.fill_null(constant) if constant is not None else values


def _with_constants(frame: pl.DataFrame, mapping: Mapping, made: dict[str, pl.Series]) -> pl.DataFrame:
    rows = pl.DataFrame([frame["row_number"], *made.values()])
    constants = {
        "county_fips": mapping.county_fips,
        "state": mapping.state,
        "city": mapping.city,
        "observed_at": mapping.observed_at,
    }
    absent = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in SOURCE_ROWS_SCHEMA.items() if name not in rows.columns
    ]
    rows = rows.with_columns(absent).with_columns(
        pl.col(name).fill_null(pl.lit(value).cast(SOURCE_ROWS_SCHEMA[name]))
        for name, value in constants.items()
        if value is not None
    )
    if mapping.list_code:
        own = pl.col("list_codes").fill_null([])
        rows = rows.with_columns(
            pl.concat_list(own, pl.lit(mapping.list_code)).list.unique().list.sort().alias("list_codes")
        )
    return rows.select(*SOURCE_ROWS_SCHEMA)
