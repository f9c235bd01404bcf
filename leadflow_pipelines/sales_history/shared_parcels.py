"""Homes that share one parcel number, as cooperatives do: told apart by the unit in their address.

Taken for one home, a building of a hundred flats would be sold every month, and each buyer in it would look like
somebody who resells within weeks. Not here: condominiums, whose flats have parcels of their own.
"""

from dataclasses import replace
from typing import Final

import polars as pl

from leadflow_pipelines.sales_history.cut import History

APART: Final = "|"
# A unit follows a comma ("11-01 162ND STREET, 7D") or a word for it. A city behind a comma is longer and has no figure.
_UNIT: Final = (
    r"(?:,\s*|\b(?:APT|APARTMENT|UNIT|STE|SUITE|NO)\b\.?\s*#?\s*|#\s*)"
    r"((?:PH|[A-Z]{0,3})-?\d+[A-Z]{0,2}|[A-Z]{1,2})\s*$"
)


def tell_apart(history: History) -> History:
    """`history` with the address added to every parcel number under which more than one unit was sold."""
    units = history.sales.select("parcel_id", unit=pl.col("address").str.to_uppercase().str.extract(_UNIT, 1))
    counted = units.drop_nulls().unique().group_by("parcel_id").len()
    shared = counted.filter(pl.col("len") > 1)["parcel_id"]
    if shared.is_empty():
        return history
    is_shared = pl.col("parcel_id").is_in(shared.implode()) & pl.col("address").is_not_null()
    own = pl.when(is_shared).then(home_on_parcel()).otherwise("parcel_id").alias("parcel_id")
    return replace(history, sales=history.sales.with_columns(own).sort(history.sales.columns, nulls_last=True))


def home_on_parcel() -> pl.Expr:
    """Parcel number and address in one: what a home on a shared parcel is known by."""
    address = pl.col("address").str.to_uppercase().str.replace_all(r"[^A-Z0-9]+", " ").str.strip_chars()
    return pl.concat_str("parcel_id", address, separator=APART)
