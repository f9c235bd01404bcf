"""What a unit's text means: designator and identifier.

Here: `APT 4 B`, `#4B`, `2ND FLOOR`, `12-D`, `PH` → unit_type and unit_number. Not here: finding that text.
"""

from collections.abc import Sequence
from functools import cache

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
_IN_WORDS = r"&|FL|LEVEL|^(?:THE |NO |NUM |NBR |TOWER|TWR)| (?:APT|APARTMENT|UNIT)$"
"""What a text must hold for any of these rules to touch it."""
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
    frame = _spell_out(texts.unique().drop_nulls().to_frame("raw").with_columns(_words()))
    for columns in _designated():
        frame = frame.with_columns(columns)
    return (
        texts.to_frame("raw")
        .join(frame.select("raw", *_SCHEMA), on="raw", how="left", maintain_order="left")
        .drop("raw")
    )


def _spell_out(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts that say a unit in words (SECOND FLOOR, TOWER 3, LOWER LEVEL) as designator and identifier."""
    where = frame["text"].str.contains(_IN_WORDS).arg_true()
    if where.is_empty():
        return frame
    some = frame["text"].gather(where)
    for pattern, replacement in _SPELLED:
        some = some.str.replace(pattern, replacement)
    return frame.with_columns(frame["text"].scatter(where, some))


@cache
def _words() -> pl.Expr:
    """The text without signs that say nothing."""
    return (
        pl.col("raw")
        .str.replace_all(r"[^\p{L}\p{N}&/#\-]+", " ")
        .str.replace_all("#", " ", literal=True)
        .str.replace_all(r" +", " ")
        .str.strip_chars(" -/&")
        .alias("text")
    )


@cache
def _designated() -> Sequence[Sequence[pl.Expr]]:
    """unit_type and unit_number of `text`, in steps. Made once, as in `grammar`."""
    outer, inner = (pl.col(name).struct for name in ("outer", "inner"))
    form, rest = outer.field("1"), pl.coalesce(outer.field("2"), outer.field("3")).str.strip_chars(" -")
    both = inner.field("2").is_not_null()
    two = pl.concat_str(inner.field("1"), inner.field("3"), separator="-", ignore_nulls=True)
    number = pl.when(both).then(_bare(two)).otherwise(_bare(pl.col("rest")))
    lone = pl.col("type").is_in(list(set(LONE_DESIGNATORS.values())))
    return (
        [pl.col("text").str.extract_groups(_DESIGNATED).alias("outer")],
        [form.alias("form"), pl.when(form.is_null()).then("text").otherwise(rest).alias("rest")],
        [pl.col("rest").str.extract_groups(_SECOND).alias("inner")],
        [
            pl.when(both).then(inner.field("2")).otherwise("form").replace_strict(DESIGNATORS, default=None)
            .alias("type"),
            number.alias("number"),
        ],
        [pl.when(~pl.col("number").is_in(["", *PLACEHOLDERS])).then("number").alias("number")],
        _unfold(),
        [
            pl.when(pl.col("number").is_not_null() | lone).then("type").alias("unit_type"),
            pl.col("number").alias("unit_number"),
        ],
    )  # fmt: skip


def _unfold() -> Sequence[pl.Expr]:
    """Identifiers that are designators themselves: UNIT SP8 is SPC 8, # 2FL is FL 2, UNIT REAR is REAR.

    Looked for in what will be written out, so that reading it again finds the same.
    """
    inner = pl.col("number").str.extract_groups(rf"^({_FORMS})([^\p{{L}}].*)$")
    floor = pl.col("number").str.extract(r"^(\d+)(?:ST|ND|RD|TH)?(?:FLOOR|FLR|FL)$", 1)
    glued = pl.col("number").str.extract(r"^(?:UNIT|APT)([A-RT-XZ])$", 1)
    named = pl.col("number").replace_strict(LONE_DESIGNATORS, default=None, return_dtype=pl.String)
    designators = inner.struct.field("1").replace_strict(DESIGNATORS, default=None, return_dtype=pl.String)
    kind = pl.coalesce(named, designators, "type")
    return (
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
