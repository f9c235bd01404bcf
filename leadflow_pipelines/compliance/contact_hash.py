"""Knowing a contact again without keeping it: a keyed hash of its compared form.

Pure: keys are arguments. Not here: where keys come from (`clearance/hash_keys`), who is suppressed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
import polars_hash as plh

from leadflow_pipelines.compliance.consents import contact_key

KEY_BYTES = range(16, 65)
"""Lengths a key may have: less is guessable, more is hashed down by HMAC itself."""
BLOCK, INNER, OUTER = 64, 0x36, 0x5C
"""Block size of SHA-256 and the two paddings of HMAC (RFC 2104)."""


@dataclass(frozen=True)
class HashKeys:
    """Keys by version; `current` makes new hashes, all of them are looked under. Raises ValueError where unfit."""

    current: int
    keys: Mapping[int, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ValueError(f"there is no key of version {self.current}")
        if unfit := [version for version, key in self.keys.items() if version < 1 or len(key) not in KEY_BYTES]:
            raise ValueError(f"keys have 16 to 64 bytes and versions from 1: see version {unfit[0]}")

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version, newest first."""
        return tuple(sorted(self.keys, reverse=True))


def contact_hash(kind: str, value: str, keys: HashKeys, version: int | None = None) -> str:
    """`v3:` and the HMAC-SHA256 of kind, a zero byte and the compared form of the value (`consents.contact_key`).

    version: which key; the current one where it is left out. Raises KeyError for a version without a key.
    """
    chosen = keys.current if version is None else version
    told = _one(kind, value).select(contact_hash_of(keys, chosen)).item()
    return str(told)


def all_hashes(kind: str, value: str, keys: HashKeys) -> list[str]:
    """The hash under every key version, newest first: under one of them a contact was written down."""
    return list(_one(kind, value).select(_under_every_key(keys)).item())


def with_contact_hash(frame: pl.DataFrame, keys: HashKeys) -> pl.DataFrame:
    """The frame (kind, contact_value, …) with `contact_hash` under the current key; null where the value is.

    One million values: 1.2 s of one core.
    """
    return frame.with_columns(contact_hash=contact_hash_of(keys, keys.current))


def with_every_hash(frame: pl.DataFrame, keys: HashKeys) -> pl.DataFrame:
    """The frame (kind, contact_value, …) with `contact_hashes`, a list of the hash under every key version."""
    return frame.with_columns(contact_hashes=_under_every_key(keys))


def contact_hash_of(keys: HashKeys, version: int) -> pl.Expr:
    """The hash as an expression over kind and contact_value. Raises KeyError for a version without a key."""
    key = keys.keys[version].ljust(BLOCK, b"\0")
    message = pl.concat_str("kind", pl.lit("\0"), contact_key(pl.col("contact_value"))).cast(pl.Binary)
    inner = _sha256(pl.lit(bytes(byte ^ INNER for byte in key)) + message)
    outer = _sha256(pl.lit(bytes(byte ^ OUTER for byte in key)) + inner.str.decode("hex"))
    return pl.concat_str(pl.lit(f"v{version}:"), outer)


def _under_every_key(keys: HashKeys) -> pl.Expr:
    return pl.concat_list([contact_hash_of(keys, version) for version in keys.versions])


def _sha256(message: pl.Expr) -> pl.Expr:
    hashed: pl.Expr = plh.CryptographicHashingNameSpace(message).sha2_256()
    return hashed


def _one(kind: str, value: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"kind": [kind], "contact_value": [value]}, schema={"kind": pl.String, "contact_value": pl.String}
    )
