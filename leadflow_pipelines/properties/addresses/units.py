"""What a unit's text means: designator and identifier.

Here: `APT 4 B`, `#4B`, `2ND FLOOR`, `12-D`, `PH` → unit_type and unit_number. Not here: finding that text.
"""

import polars as pl

from leadflow_pipelines.properties.addresses.postal_tables import DESIGNATORS, LONE_DESIGNATORS, PLACEHOLDERS

_FORMS = "|".join(sorted((form for form in DESIGNATORS if form != "#"), key=len, reverse=True))
_OPENS = rf"^(?:#|(?:{_FORMS})(?:[^\p{{L}}]|$))"
_DESIGNATED = rf"^({_FORMS})(?:$|[ \-]*([^\p{{L}}].*)$| +(\p{{L}}.*)$)"
_SECOND = rf"^(.*?)[ \-]+({_FORMS})(?:$|[ \-]+(.*)$)"
_SPELLED = (
    (r"^(?:THE )?(?:NO|NUM|NBR) +", ""),
    (r"^(?:APT|APARTMENT|UNIT|STE|SUITE) ((?:\d+(?:ST|ND|RD|TH)|FIRST|SECOND|THIRD|FOURTH|GROUND) F(?:LOOR|LR|L)\b)",
     "${1}"),
    (r"^(?:TOWER|TWR) (\S{1,2})$", "BLDG ${1}"),
    (r"^([A-Z]{4,}) (?:APT|APARTMENT|UNIT)$", "${1}"),  # BASEMENT APARTMENT
    (r"^(?:LOWER|LWR) LEVEL$", "LOWR"), (r"^UPPER LEVEL$", "UPPR"), (r"^GROUND (FLOOR|FLR|FL)$", "FL G"),
    (r"^FIRST (FLOOR|FLR|FL)\b", "1 FL"), (r"^SECOND (FLOOR|FLR|FL)\b", "2 FL"),
    (r"^THIRD (FLOOR|FLR|FL)\b", "3 FL"), (r"^FOURTH (FLOOR|FLR|FL)\b", "4 FL"),
    (r"^(\d+)(?:ST|ND|RD|TH)? ?(?:FLOOR|FLR|FL)( .*)?$", "FL ${1}${2}"),
    (r"^(?:FL|FLOOR|FLR) ?(\d+)(?:ST|ND|RD|TH)\b", "FL ${1}"),
    (r"(\S) (\d+)(?:ST|ND|RD|TH) ?(?:FLOOR|FLR|FL)\b", "${1} FL ${2}"),  # APT 4 2ND FLOOR
    (r" ?& ?", "-"),
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
    spelled = pl.col("text")
    for pattern, replacement in _SPELLED:
        spelled = spelled.str.replace(pattern, replacement)
    frame = frame.with_columns(spelled)
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
    frame = _unfold(frame)
    lone = pl.col("type").is_in(list(set(LONE_DESIGNATORS.values())))
    frame = frame.select(
        "raw",
        pl.when(pl.col("number").is_not_null() | lone).then("type").alias("unit_type"),
        pl.col("number").alias("unit_number"),
    )
    return texts.to_frame("raw").join(frame, on="raw", how="left", maintain_order="left").drop("raw")


def _unfold(frame: pl.DataFrame) -> pl.DataFrame:
    """Identifiers that are designators themselves: UNIT SP8 is SPC 8, # 2FL is FL 2, UNIT REAR is REAR.

    Looked for in what will be written out, so that reading it again finds the same.
    """
    inner = pl.col("number").str.extract_groups(rf"^({_FORMS})([^\p{{L}}].*)$")
    floor = pl.col("number").str.extract(r"^(\d+)(?:ST|ND|RD|TH)?(?:FLOOR|FLR|FL)$", 1)
    glued = pl.col("number").str.extract(r"^(?:UNIT|APT)([A-RT-XZ])$", 1)
    named = pl.col("number").replace_strict(LONE_DESIGNATORS, default=None, return_dtype=pl.String)
    designators = inner.struct.field("1").replace_strict(DESIGNATORS, default=None, return_dtype=pl.String)
    kind = pl.coalesce(named, designators, "type")
    return frame.with_columns(
        pl.when(floor.is_not_null()).then(pl.lit("FL")).otherwise(kind).alias("type"),
        pl.when(named.is_null())
        .then(pl.coalesce(floor, glued, inner.struct.field("2").str.strip_chars("-"), "number"))
        .replace("", None).alias("number"),
    )  # fmt: skip


def _bare(identifier: pl.Expr) -> pl.Expr:
    """An identifier without spaces, and with hyphens between digits only (12-D is 12D, but 1-23 is not 123)."""
    return (
        identifier.str.replace_all(r"(\d) +(\d)", "${1}-${2}")
        .str.replace_all(" ", "", literal=True)
        .str.replace_all("/", "-", literal=True)
        .str.replace_all(r"(\p{L})-+(\p{L})", "${1}${2}")
        .str.replace_all(r"(\p{L})-+(\d)", "${1}${2}")
        .str.replace_all(r"(\d)-+(\p{L})", "${1}${2}")
        .str.strip_chars("-/&")
    )
