"""Files of sales for `leadflow backtest`: any county's, through the reader of `leadflow import`, or of the fixed shape.

Here: source rows into the fixed shape of sales. Not here: reading cells or guessing columns (`county_files`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from leadflow_pipelines.backtest.snapshots import MARKET
from leadflow_pipelines.county_files import (
    ColumnRule,
    CountyFile,
    Mapping,
    apply_mapping,
    propose_mapping,
    read_county_file,
)
from leadflow_pipelines.county_files.import_county_file import describe_proposal
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.properties import normalize_addresses
from leadflow_pipelines.sales_history import SALES_SCHEMA

_FIXED_NAMES = {"parcel_id": "parcel_number", "zip5": "zip"}
"""Columns of the fixed shape that a mapping calls otherwise."""
_IN_CENTS = ("assessed_cents", "sale_price_cents")
_DEED = ("deed_id", "deed_type")


def read_sales_files(paths: Sequence[Path], mapping: Mapping | None, say: Callable[[str], None]) -> pl.DataFrame:
    """The files' sales, one under the other, in the fixed shape plus `market` (county FIPS, null where unknown).

    Raises InvalidInput naming the file where it has no date of sale.
    """
    frames = [_read_sales_file(path, mapping, say) for path in paths]
    return pl.concat(frames).unique(maintain_order=True)


def _read_sales_file(path: Path, mapping: Mapping | None, say: Callable[[str], None]) -> pl.DataFrame:
    file = read_county_file(path)
    chosen = mapping or _chosen_mapping(file, say)
    if "sale_date" not in chosen.columns:
        raise InvalidInput(
            f"{path.name}: no column is known to hold the date of a sale.",
            remedy="Name it in a mapping: `leadflow import FILE --source x --show-mapping` prints one to edit.",
        )
    mapped = apply_mapping(file, chosen)
    for warning in mapped.warnings:
        say(f"{path.name}: {warning}")
    say(f"{path.name}: {mapped.rows.height:,} rows of {file.rows_in:,} read")
    return _fixed_shape(mapped.rows)


def _chosen_mapping(file: CountyFile, say: Callable[[str], None]) -> Mapping:
    if {"parcel_id", "sale_date", "sale_price_cents"} <= set(file.columns):
        return _fixed_mapping(file)
    proposal = propose_mapping(file)
    say(describe_proposal(proposal))
    return proposal.mapping


def _fixed_mapping(file: CountyFile) -> Mapping:
    present = [name for name in SALES_SCHEMA if name in file.columns and name not in _DEED]
    rules = {
        _FIXED_NAMES.get(name, name): ColumnRule(columns=(name,), transform="cents" if name in _IN_CENTS else None)
        for name in present
    }
    return Mapping(columns=rules)


def _fixed_shape(rows: pl.DataFrame) -> pl.DataFrame:
    """Source rows as sales. A parcel is its number, and its unit where an address has one: co-operative flats share
    one number. Without a number it is its address."""
    place = ("address", "street", "unit", "city", "state", "zip")
    parts = normalize_addresses(rows.select(*place)).select("address_key", "unit_number")
    told = pl.concat_str("street", "unit", "city", separator=", ", ignore_nulls=True)
    numbered = pl.concat_str("parcel_number", "unit_number", separator="/", ignore_nulls=True)
    frame = rows.with_columns(parts).with_columns(
        pl.when(pl.col("parcel_number").is_not_null()).then(numbered).otherwise("address_key").alias("parcel_id"),
        pl.coalesce("address", pl.when(told != "").then(told)).alias("address"),
        pl.col("zip").alias("zip5"),
        pl.coalesce("assessed_cents", "market_value_cents").alias("assessed_cents"),
        pl.col("county_fips").alias(MARKET),
    )
    return frame.select(*(name for name in SALES_SCHEMA if name not in _DEED), MARKET)
