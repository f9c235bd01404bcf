"""What a unit's text means: designator and identifier.

Here: `APT 4 B`, `#4B`, `2ND FLOOR`, `12-D`, `PH` → unit_type and unit_number. Not here: finding that text.
"""

import polars as pl

from leadflow_pipelines.properties.postal_tables import DESIGNATORS, LONE_DESIGNATORS, PLACEHOLDERS

_FORMS = "|".join(sorted((form for form in DESIGNATORS if form != "#"), key=len, reverse=True))
_OPENS = rf"^(?:{_FORMS}|#)(?:[^\p{{L}}]|$)"
_DESIGNATED = rf"^({_FORMS})(?:$|[ \-]*([^\p{{L}}].*)$| +(\p{{L}}.*)$)"
_SECOND = rf"^(.*?)[ \-]+({_FORMS})(?:$|[ \-]+(.*)$)"
_SPELLED = (
    (r"^(?:THE )?(?:NO|NUM|NBR) +", ""),
    (r"^(\d+)(?:ST|ND|RD|TH)? (?:FLOOR|FLR|FL)$", "FL ${1}"),
    (r"^(?:FIRST|1ST) (?:FLOOR|FLR|FL)$", "FL 1"), (r"^SECOND (?:FLOOR|FLR|FL)$", "FL 2"),
    (r"^THIRD (?:FLOOR|FLR|FL)$", "FL 3"), (r"^FOURTH (?:FLOOR|FLR|FL)$", "FL 4"),
)  # fmt: skip
_SCHEMA = {"unit_type": pl.String, "unit_number": pl.String}


def opens_unit(text: pl.Expr) -> pl.Expr:
    """Whether upper-case text begins with a unit designator."""
    return text.str.contains(_OPENS)


def parse_units(texts: pl.Series) -> pl.DataFrame:
    """Upper-case unit texts, one row each in order: unit_type and unit_number, null where absent.

    `#` says only that a unit follows, so it is no type. Two designators give the inner type and both
    identifiers: BLDG 3 APT 12 is APT 3-12.
    """
    if texts.null_count() == len(texts):
        return pl.DataFrame({"unit_type": texts, "unit_number": texts}, schema_overrides=_SCHEMA)
    distinct = texts.unique().drop_nulls()
    text = (
        pl.col("text")
        .str.replace_all(r"[^\p{L}\p{N}&/#\-]+", " ")
        .str.replace_all("#", " ", literal=True)
        .str.replace_all(r" +", " ")
        .str.strip_chars(" -/&")
    )
    frame = distinct.to_frame("raw").with_columns(text=pl.col("raw")).with_columns(text)
    for pattern, replacement in _SPELLED:
        frame = frame.with_columns(pl.col("text").str.replace(pattern, replacement))
    outer = pl.col("text").str.extract_groups(_DESIGNATED)
    frame = frame.with_columns(
        outer.struct.field("1").alias("form"),
        pl.coalesce(outer.struct.field("2"), outer.struct.field("3")).str.strip_chars(" -").alias("rest"),
    ).with_columns(
        pl.when(pl.col("form").is_null()).then("text").otherwise("rest").alias("rest"),
    )
    inner = pl.col("rest").str.extract_groups(_SECOND)
    frame = frame.with_columns(
        inner.struct.field("2").alias("second_form"),
        inner.struct.field("1").alias("head"),
        inner.struct.field("3").alias("tail"),
    )
    both = pl.col("second_form").is_not_null()
    frame = frame.select(
        "raw",
        pl.when(both).then("second_form").otherwise("form").replace_strict(DESIGNATORS, default=None).alias("type"),
        pl.when(both)
        .then(_bare(pl.concat_str("head", "tail", separator="-", ignore_nulls=True)))
        .otherwise(_bare(pl.col("rest"))).alias("number"),
    ).with_columns(
        pl.when(~pl.col("number").is_in(["", *PLACEHOLDERS])).then("number").alias("number")
    )  # fmt: skip
    lone = pl.col("type").is_in(list(set(LONE_DESIGNATORS.values())))
    frame = frame.select(
        "raw",
        pl.when(pl.col("number").is_not_null() | lone).then("type").alias("unit_type"),
        pl.col("number").alias("unit_number"),
    )
    return texts.to_frame("raw").join(frame, on="raw", how="left", maintain_order="left").drop("raw")


def _bare(identifier: pl.Expr) -> pl.Expr:
    """An identifier without spaces, and without hyphens between letter and digit (12-D is 12D)."""
    return (
        identifier.str.replace_all(" ", "", literal=True)
        .str.replace_all(r"(\p{L})-+(\d)", "${1}${2}")
        .str.replace_all(r"(\d)-+(\p{L})", "${1}${2}")
        .str.strip_chars("-/&")
    )
