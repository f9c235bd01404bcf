"""Pairs of addresses that wait for a person: alike, but not joined, and nobody has decided yet.

Here: which pairs, in which order. Not here: how they were judged (`match_alike`), or what a decision does
(`decisions`).
"""

from collections.abc import Sequence

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_LINKS, PROPERTY_MATCHES, PROPERTY_RECORDS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake

EVEN = 0.5
"""The probability that says least."""


def review_queue(lake: Lake, decisions: pl.DataFrame, *, zips: Sequence[str] | None = None) -> pl.DataFrame:
    """PROPERTY_MATCHES rows that wait for a decision, with left_property_id and right_property_id.

    Doubtful pairs before refused ones, and in each the most doubtful first. A pair drops out once it is one property,
    or once someone decided on any two records of its two properties. `zips`: pairs with a side in one of them.
    """
    waiting = pl.col("verdict") != "joined"
    if zips:
        waiting &= pl.col("zip").is_in(list(zips)) | pl.col("right_zip").is_in(list(zips))
    pairs = lake.read(PROPERTY_MATCHES, where=waiting)
    homes = _with_homes(lake, pairs)
    decided = _property_pairs(_with_homes(lake, decisions))
    same_pair = ["left_record_id", "right_record_id"]
    open_pairs = (
        homes.filter(pl.col("left_property_id") != pl.col("right_property_id"))
        .join(decisions.select(same_pair), on=same_pair, how="anti")
        .with_columns(_property_pair())
        .join(decided, on="properties", how="anti")
        .drop("properties")
    )
    return open_pairs.sort(_order())


def after_pair(queue: pl.DataFrame, lake: Lake, cursor: str) -> pl.DataFrame:
    """The part of the queue behind the pair LEFT:RIGHT, which may itself have been decided meanwhile.

    Raises InvalidInput for a pair that no run has judged.
    """
    left, _, right = cursor.partition(":")
    one, two = sorted((left.strip(), right.strip()))
    named = pl.col("left_record_id").str.starts_with(one) & pl.col("right_record_id").str.starts_with(two)
    known = lake.read(PROPERTY_MATCHES, where=named) if one else PROPERTY_MATCHES.empty()
    if known.height != 1:
        raise InvalidInput(
            f"--after {cursor!r} names no pair that was judged.",
            remedy="Take it from the end of the page before, or leave it out to start at the top.",
        )
    mark = known.with_columns(is_mark=pl.lit(value=True)).select(*PROPERTY_MATCHES.columns, "is_mark")
    rest = queue.join(known, on=list(PROPERTY_MATCHES.key), how="anti").with_columns(is_mark=pl.lit(value=False))
    ordered = pl.concat([rest, mark], how="diagonal").sort(_order())
    place = int(ordered["is_mark"].arg_max() or 0)
    return ordered[place + 1 :].drop("is_mark")


def _order() -> list[pl.Expr]:
    return [
        pl.col("verdict") != "doubtful",
        (pl.col("probability") - EVEN).abs(),
        pl.col("left_record_id"),
        pl.col("right_record_id"),
    ]


def _with_homes(lake: Lake, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs whose records are both there and linked, with the property of each side."""
    names = pl.concat([pairs["left_record_id"], pairs["right_record_id"]]).unique().sort()
    is_named = pl.col("record_id").is_in(names.to_list())
    present = lake.read(PROPERTY_RECORDS, where=is_named, columns=["record_id"]).unique()
    links = lake.read(PROPERTY_LINKS, where=is_named, columns=["record_id", "property_id"])
    links = links.join(present, on="record_id", how="semi")
    for side in ("left", "right"):
        named = links.select(
            pl.col("record_id").alias(f"{side}_record_id"), pl.col("property_id").alias(f"{side}_property_id")
        )
        pairs = pairs.join(named, on=f"{side}_record_id", maintain_order="left")
    return pairs


def _property_pair() -> pl.Expr:
    """Two properties as one text, whichever comes first."""
    left, right = pl.col("left_property_id"), pl.col("right_property_id")
    return pl.concat_str(
        pl.min_horizontal(left, right), pl.max_horizontal(left, right), separator=" "
    ).alias("properties")  # fmt: skip


def _property_pairs(homes: pl.DataFrame) -> pl.DataFrame:
    return homes.select(_property_pair()).unique()
