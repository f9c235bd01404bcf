"""Versioned rows: a table keeps each state of a thing with the days on which it held.

So a day costs its changes, and the table of any day can be read back. Pure functions over frames.
"""

import datetime as dt

import polars as pl

NEVER = dt.date(9999, 12, 31)


def holds_on(day: dt.date) -> pl.Expr:
    """Rows whose version holds on `day`: valid_from <= day < valid_to."""
    return (pl.col("valid_from") <= day) & (pl.col("valid_to").fill_null(NEVER) > day)


def apply_versions(present: pl.DataFrame, snapshot: pl.DataFrame, *, day: dt.date, id_column: str) -> pl.DataFrame:
    """All versions after `snapshot` became the state of `day`.

    present: versions (valid_from, valid_to, content_hash, zip, id_column) of the things in scope.
    snapshot: their state on `day` without valid_from/valid_to, one row per thing; what is missing has ended.
    A state equal to the one that held (content_hash and zip) adds nothing. A changed one closes the version
    that held, or takes its place if that began the same day, and holds until the next version known.
    Returns `present` itself where nothing changed.
    """
    held = present.filter(holds_on(day))
    others = present.filter(~holds_on(day))
    same = ["content_hash", "zip"]
    unchanged = held.join(snapshot.select(id_column, *same), on=[id_column, *same], how="semi", nulls_equal=True)
    # Joins copy: a million properties, 0.8 GB, are not copied where all of them are new.
    changed = snapshot if unchanged.is_empty() else snapshot.join(unchanged, on=id_column, how="anti")
    ended = held.join(unchanged, on=id_column, how="anti")
    if changed.is_empty() and ended.is_empty():
        return present
    closed = ended.filter(pl.col("valid_from") < day).with_columns(pl.lit(day).alias("valid_to"))
    later = (
        others.filter(pl.col("valid_from") > day).group_by(id_column).agg(pl.col("valid_from").min().alias("valid_to"))
    )
    ends = pl.concat([ended.select(id_column, pl.col("valid_to").fill_null(NEVER)), later])
    ends = ends.unique(id_column, keep="first", maintain_order=True)
    until = changed.select(id_column).join(ends, on=id_column, how="left", maintain_order="left")["valid_to"]
    begun = changed.with_columns(pl.lit(day).alias("valid_from"), until.replace(NEVER, None).alias("valid_to")).select(
        present.columns
    )
    return pl.concat([others, unchanged, closed, begun])
