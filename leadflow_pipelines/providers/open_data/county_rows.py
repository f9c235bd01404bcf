"""A county's raw rows as typed source rows: its own columns, read as its mapping says.

Vectorised: DuckDB reads the JSON of a page once for all columns, the mapping's transforms run on distinct values.
Not here: asking for them (`county_client`), what they mean for a property (`properties`).
"""

from typing import Any

import polars as pl

from leadflow_pipelines.contracts.contract import CENTS
from leadflow_pipelines.providers.json_fields import pick_fields
from leadflow_pipelines.providers.open_data.county_source import CountySource
from leadflow_pipelines.source_rows.map_columns import ValueWarning, map_columns
from leadflow_pipelines.source_rows.targets import SOURCE_ROWS_SCHEMA, TARGETS

SCHEMA: dict[str, Any] = {**SOURCE_ROWS_SCHEMA, "pull_id": pl.String, "cost_cents": CENTS}
"""Columns of the rows, as those of every provider; all may be null but row_number, pull_id and observed_at."""
EPOCH_DIGITS = 9
"""A number of so many digits in a date column is milliseconds since 1970; 20190405 is a date written together."""


def to_source_rows(raw: pl.DataFrame, county: CountySource) -> pl.DataFrame:
    """The items of one county's raw pulls (RAW_PULLS shape) as rows of `SCHEMA`, in the same order."""
    rows, _ = map_rows(raw, county)
    return rows


def map_rows(raw: pl.DataFrame, county: CountySource) -> tuple[pl.DataFrame, tuple[ValueWarning, ...]]:
    """The rows, and which values were left out of them because they did not fit."""
    names = {name.lower(): name for name in county.mapped_columns}
    text = pick_fields(raw["payload"], list(names)).rename(names)
    if county.platform == "arcgis":
        text = text.with_columns(_epoch_as_date(name) for name in _date_columns(county))
    frame = text.with_columns((raw["item_number"] + 1).alias("row_number"))
    newest = raw["fetched_at"].max()
    rows, warnings = map_columns(frame, county.mapping, day=newest.date() if raw.height else None)  # type: ignore[union-attr]
    kept = rows.with_columns(
        raw["fingerprint"].alias("pull_id"),
        raw["cost_cents"],
        pl.col("observed_at").fill_null(raw["fetched_at"]),
    )
    return kept.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()), warnings


def _date_columns(county: CountySource) -> list[str]:
    """Columns that a date is made of."""
    return [
        name
        for target, rule in county.columns.items()
        if (rule.transform or TARGETS[target].transforms[0]) == "date"
        for name in rule.columns
    ]


def _epoch_as_date(name: str) -> pl.Expr:
    """Milliseconds since 1970 as an ISO date, other texts as they are. Sales before 1970 are negative."""
    number = pl.col(name).str.extract(r"^(-?\d+)(?:\.0)?$")
    is_epoch = number.str.starts_with("-") | (number.str.len_chars() >= EPOCH_DIGITS)
    day = pl.from_epoch(number.cast(pl.Int64, strict=False), time_unit="ms").dt.date().cast(pl.String)
    return pl.when(is_epoch).then(day).otherwise(pl.col(name)).alias(name)
