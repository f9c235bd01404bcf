"""Parcel numbers made comparable.

Here: the key. Not here: which county a row lies in (`infer_place`).
"""

import polars as pl

_SHORTEST = 4
"""A number of fewer signs is a lot or block number alone: it names no parcel."""


def parcel_key(county_fips: pl.Expr, parcel_number: pl.Expr) -> pl.Expr:
    """`county_fips:PARCEL`, the parcel number in upper case without punctuation; null where either says nothing.

    `092 11 0 204.00` and `09211020400` are one parcel. A `CO` behind a digit, by which Tennessee marks parcels of
    the county proper (042070A02600CO), is dropped. A number of zeros only, or shorter than four signs, is none.
    """
    bare = parcel_number.str.to_uppercase().str.replace_all(r"[^A-Z0-9]+", "").str.replace(r"(\d)CO$", "${1}")
    names = (bare.str.len_bytes() >= _SHORTEST) & bare.str.contains(r"[^0]")
    return pl.when(names).then(pl.concat_str(county_fips, pl.lit(":"), bare))
