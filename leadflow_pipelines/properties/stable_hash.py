"""Hashes that name things for good: same content, same name, in every version and on every machine.

Polars' own hash changes between versions, so XXH3 (128 bits, fixed by its specification) is used instead.
"""

from collections.abc import Mapping, Sequence

import polars as pl
import polars_hash  # noqa: F401  registers the `nchash` namespace

_BETWEEN, _NULL = "\x1f", "\x00"


def stable_hash(columns: Sequence[pl.Expr]) -> pl.Expr:
    """32 hex digits over the columns' text, in order; a null differs from an empty string. Lists must be text."""
    parts = [column.cast(pl.String).fill_null(_NULL) for column in columns]
    return _hex(pl.concat_str(parts, separator=_BETWEEN))


def stable_hash_of_present(columns: Mapping[str, pl.Expr]) -> pl.Expr:
    """32 hex digits over the names and text of the columns that are not null, in order.

    A column that a row does not have does not count, so a table may gain columns without renaming its rows.
    """
    named = [pl.concat_str(pl.lit(f"{name}="), column.cast(pl.String)) for name, column in columns.items()]
    return _hex(pl.concat_str(named, separator=_BETWEEN, ignore_nulls=True))


def _hex(text: pl.Expr) -> pl.Expr:
    hashed: pl.Expr = text.nchash.xxh3_128(return_binary=True, byte_order="big")  # type: ignore[attr-defined]
    return hashed.bin.encode("hex")
