"""The columns a county file can be mapped to, with type, range and the transforms that may make them.

Here: the list. Ranges repeat those of the contracts, so that a bad optional value is set aside before it would
stop a whole write. Not here: the transforms themselves.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from leadflow_pipelines.contracts.contract import UTC_INSTANT

MAX_CENTS = 10**15
"""Ten trillion dollars: beyond it a column was mistaken for money, such as a parcel number."""


@dataclass(frozen=True)
class Target:
    """One target. transforms: the allowed ones, the default first. low and high are inclusive.

    is_zero_unknown: 0 is how counties write "unknown" here; it becomes null without a warning.
    """

    dtype: Any
    transforms: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    is_zero_unknown: bool = False


_TEXT = Target(pl.String, ("text",))
_ADDRESS = Target(pl.String, ("text", "without_acreage"))
_IDENTIFIER = Target(pl.String, ("identifier",))
_STATE = Target(pl.String, ("state",))
_ZIP = Target(pl.String, ("zip",))
_FLAG = Target(pl.Boolean, ("flag", "inverted_flag"))
_CENTS = Target(pl.Int64, ("money", "cents"), 0, MAX_CENTS)

TARGETS: dict[str, Target] = {
    "source_record_id": _IDENTIFIER,
    "address": _ADDRESS,
    "street": _ADDRESS,
    "unit": Target(pl.String, ("identifier",)),
    "city": _TEXT,
    "state": _STATE,
    "zip": _ZIP,
    "county_fips": Target(pl.String, ("fips", "county_name")),
    "parcel_number": _IDENTIFIER,
    "owner_name": _TEXT,
    "mailing_address": _ADDRESS,
    "mailing_street": _ADDRESS,
    "mailing_city": _TEXT,
    "mailing_state": _STATE,
    "mailing_zip": _ZIP,
    "is_owner_occupied": _FLAG,
    "is_vacant": _FLAG,
    "land_use": _TEXT,
    "style": _TEXT,
    "neighborhood": _TEXT,
    "year_built": Target(pl.Int32, ("number",), 1600, 2100),
    "living_sqft": Target(pl.Int64, ("number",), 1, 10**9),
    "lot_sqft": Target(pl.Int64, ("number", "acres"), 1, 10**11),
    "beds": Target(pl.Float64, ("number",), 0, 500),
    "baths": Target(pl.Float64, ("number", "full_half"), 0, 500),
    "units": Target(pl.Int32, ("number",), 0, 10**6),
    "assessed_cents": _CENTS,
    "market_value_cents": Target(pl.Int64, ("money", "cents"), 0, MAX_CENTS, is_zero_unknown=True),
    "mortgage_cents": _CENTS,
    "mortgage_date": Target(pl.Date, ("date",)),
    "sale_date": Target(pl.Date, ("date",)),
    "sale_price_cents": Target(pl.Int64, ("money", "cents"), 1, MAX_CENTS, is_zero_unknown=True),
    "lat": Target(pl.Float64, ("number",), -90, 90, is_zero_unknown=True),
    "lon": Target(pl.Float64, ("number",), -180, 180, is_zero_unknown=True),
    "list_codes": Target(pl.List(pl.String), ("list_code",)),
    "observed_at": Target(UTC_INSTANT, ("date",)),
}

SOURCE_ROWS_SCHEMA: dict[str, Any] = {
    "row_number": pl.Int64,
    **{name: target.dtype for name, target in TARGETS.items()},
}
"""Column name to dtype of the rows that `apply_mapping` returns."""

TRANSFORMS = tuple(dict.fromkeys(name for target in TARGETS.values() for name in target.transforms))
