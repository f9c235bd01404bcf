"""Hashes that name things for good: same content, same name, in every version and on every machine.

Polars' own hash changes between versions, so XXH3 (128 bits, fixed by its specification) is used instead.
"""

from collections.abc import Sequence

import polars as pl
import polars_hash  # noqa: F401  registers the `nchash` namespace

_BETWEEN, _NULL = "\x1f", "\x00"


def stable_hash(columns: Sequence[pl.Expr]) -> pl.Expr:
    """32 hex digits over the columns' text, in order; a null differs from an empty string. Lists must be text."""
    parts = [column.cast(pl.String).fill_null(_NULL) for column in columns]
    text = pl.concat_str(parts, separator=_BETWEEN)
    hashed: pl.Expr = text.nchash.xxh3_128(return_binary=True, byte_order="big")  # type: ignore[attr-defined]
    return hashed.bin.encode("hex")
