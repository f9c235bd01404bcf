"""Where sources of one rank contradict each other, the value that most sources name.

Here: the vote. Not here: what is a contradiction (`conflicts`), rank and age (`survivorship`).
"""

import polars as pl

from leadflow_pipelines.properties.conflicts import CONFLICT_FIELDS, same_value

VOTED_FIELDS = tuple(name for name in CONFLICT_FIELDS if name not in ("lat", "mailing_street", "mortgage_date"))
"""Not coordinates, of which no two sources say the same digits; not mail, which follows the chosen owner, nor a loan's
date, which follows the chosen amount."""
_FEWEST_SOURCES = 3
"""Two that differ are one against one."""


def heed_agreement(ordered: pl.DataFrame, chosen: pl.DataFrame, conflicts: pl.Series) -> pl.DataFrame:
    """`chosen`, pointing to another row where the sources of the chosen row's rank are outvoted among themselves.

    ordered: records with group (0, 1, ...), at and rank, each property's best and newest first; chosen: one row per
    group in order, with sources and per field the `at` of the row that gives it; conflicts: per group. Every source
    has one voice, its newest word, vendors too; but only words of the best rank can win, and of two with as many
    voices the newer does. An address is voted on among those that have a ZIP where one does.
    """
    disputed = chosen.select(
        "group", pl.when(pl.col("sources").list.len() >= _FEWEST_SOURCES).then(conflicts).alias("conflicts")
    ).filter(pl.col("conflicts").list.len() > 0)
    if disputed.is_empty():
        return chosen
    words = ordered.join(disputed.select("group"), on="group", how="semi", maintain_order="left").with_columns(
        lacks_zip=pl.col("zip5").is_null()
    )
    for field in VOTED_FIELDS:
        groups = disputed.filter(pl.col("conflicts").list.contains(field))
        if groups.height:
            won = _won(words.join(groups, on="group", how="semi", maintain_order="left"), chosen, field)
            chosen = chosen.with_columns(chosen[field].clone().scatter(won["group"], won["at"]))
    return chosen


def _won(words: pl.DataFrame, chosen: pl.DataFrame, field: str) -> pl.DataFrame:
    """group and the row whose value of the field wins the vote."""
    kind = ["lacks_zip", "rank"] if field == "address" else ["rank"]
    said = (
        words.with_columns(same=same_value(field))
        .drop_nulls("same")
        .sort("group", *kind, "at")
        .unique(["group", "source"], keep="first", maintain_order=True)
        .with_columns(voices=pl.len().over("group", "same"))
    )
    standing = words.select("at", *kind).join(chosen.select("group", at=field), on="at").select("group", *kind)
    return (
        said.join(standing, on=["group", *kind], how="semi")
        .sort("group", "voices", "at", descending=[False, True, False])
        .unique("group", keep="first", maintain_order=True)
        .select("group", "at")
    )
