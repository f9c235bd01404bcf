"""Street text as lists of words with classes: what each word could be, looked up once per distinct word.

Here: splitting, the vocabulary, the class bits. Not here: which reading of a word wins (`grammar`).

A million streets hold some ten thousand distinct words. So every regular expression and table is applied to the
vocabulary, and the rows carry small integers: 0.5 µs a row where a regular expression costs 0.3 to 0.8 µs.
"""

from functools import cache, reduce
from operator import or_

import polars as pl
import pyarrow as pa

from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.addresses.postal_tables import (
    DIRECTIONALS,
    LONE_DESIGNATORS,
    NAME_WORDS,
    NUMBERED_WORDS,
    ORDINAL_WORDS,
    PLACEHOLDERS,
    ROUTE_STATES,
    STRONG_DESIGNATORS,
    SUFFIX_WORDS,
    SUFFIXES,
    THOROUGHFARES,
    UNIT_WORDS,
)

NUMBER = 1 << 0  # can be a house number
FRACTION = 1 << 1
ORDINAL = 1 << 2  # 81ST
PLAIN = 1 << 3  # digits only
DIRECTION = 1 << 4
SUFFIX = 1 << 5
STRONG = 1 << 6  # unit designator that needs an identifier
LONE = 1 << 7  # unit designator that may stand alone
LETTER = 1 << 8  # one letter
NUMBER_LETTER = 1 << 9  # one letter that may belong to the house number before it
DIGIT = 1 << 10  # holds a digit
DECIMAL = 1 << 11  # .20: acreage glued behind the street
BLANK = 1 << 12  # placeholder or zero
ROUTE = 1 << 13  # HIGHWAY_70, joined before splitting
HASH = 1 << 14
FLOOR = 1 << 15
NUMBERED = 1 << 16  # CALLE, BEACH: a number belongs behind it
THOROUGHFARE = 1 << 17  # suffix that follows a bare ordinal (81 STREET)
NORTH_SOUTH = 1 << 18
EAST_WEST = 1 << 19
SURE = 1 << 20  # APT, UNIT, STE, #: opens a unit whatever follows
BLOCK = 1 << 27  # A15: a house number before CALLE
ANY = 1 << 21  # there is such a word
HIGH_LOW = 1 << 22  # PH, REAR, BSMT: a unit wherever they end a line
AND = 1 << 23  # C AND N SMITH MILL RD
SHORT = 1 << 24  # abbreviation of a suffix that means something else at the start of a name: ST, DR, BR
STREET = 1 << 25  # suffix that hardly ever is a name: N AVE is North Avenue, N WELLS is North Wells
DUO = 1 << 26  # LH, L-D, PHA behind a street: a unit of two letters or a word for one
DESIGNATOR = STRONG | LONE
ENDING = SUFFIX | DIRECTION | DESIGNATOR | DIGIT | LETTER
"""What may stand behind a suffix that ends the street."""
UNIT_TAIL = DIGIT | LETTER

WORD = r"#|\.\d+|[\p{L}\p{N}][^\s,;#()\".]*(?:\.\d+)*"
"""A word: `#`, a bare decimal, or anything that begins with a letter or digit. A period separates (J.C., N.W.)."""
_NUMBER = (
    r"^(?:\d+[A-Z]{0,2}|\d+(?:[-/]\d+)+[A-Z]?|\d+[A-Z]?-\d*[A-Z]{1,2}|[NSEW]\d+[NSEW]\d+[A-Z]?|[NSEW]\d{3,}"
    r"|\d+[NSEW]\d+|\d+[-/]\d+-\d+|KM_\d+(?:\.\d+)?)$"
)
_STATE_WORDS = {code: name for name, code in places.STATE_NAMES.items() if code in ROUTE_STATES.split("|")}
_NO_UNITS = [*places.STATES, "US", "OF", "AN", "AT", "BY", "EL", "LO", "DU", "DE"]
_STREETS = ("HWY", "PKWY", "FWY", "EXPY", "CIR", "WAY", "LOOP", "TRL", "ALY", "PIKE", "TPKE", "PATH", "SQ", "PLZ")
_SURE = ("APT", "APARTMENT", "APTMT", "APMT", "UNIT", "UNT", "STE", "SUITE", "#", "RM", "ROOM", "BLDG", "BUILDING")


def split_words(streets: pl.Series) -> pl.Series:
    """Each upper-case street as a list of words; null and blank give one empty word.

    Splitting at blanks costs a third of extracting words, which only lines with other signs need.
    """
    streets = streets.fill_null("")
    where = streets.str.contains(r"[^A-Z0-9 ]|^ | $|  ").arg_true()
    if not where.is_empty():
        streets = streets.scatter(where, streets.gather(where).str.extract_all(WORD).list.join(" "))
    return streets.str.split(" ").rechunk()


def _bit(condition: pl.Expr, bit: int) -> pl.Expr:
    return (
        pl.when(condition.fill_null(value=False))
        .then(pl.lit(bit, dtype=pl.UInt32))
        .otherwise(pl.lit(0, dtype=pl.UInt32))
    )


def ordinal_of(number: pl.Expr) -> pl.Expr:
    """Digits as an ordinal: 81 → 81ST; digits beyond four places stay as they are."""
    last = number.str.tail(1)
    ending = (
        pl.when(number.str.contains(r"1[123]$")).then(pl.lit("TH"))
        .when(last == "1").then(pl.lit("ST"))
        .when(last == "2").then(pl.lit("ND"))
        .when(last == "3").then(pl.lit("RD"))
        .otherwise(pl.lit("TH"))
    )  # fmt: skip
    return pl.when(number.str.len_chars() <= 4).then(number.str.strip_chars_start("0") + ending).otherwise(number)


def suffix_of(word: pl.Expr) -> pl.Expr:
    """A suffix in its standard abbreviation; null for any other word."""
    return word.replace_strict(SUFFIXES, default=None, return_dtype=pl.String)


def vocabulary(words: pl.Series) -> pl.DataFrame:
    """Distinct words as: text (without punctuation), bits, suffix and direction (standard forms), word (inside a name),
    last (at the end of a name that a suffix follows), number (as a house number)."""
    words = words.cast(pl.String)
    is_plain = words.str.contains(r"^[0-9]+$")
    plain, others = is_plain.arg_true(), (~is_plain).arg_true()
    meanings = [_digits(words.gather(plain)), _meanings(words.gather(others))]
    order = pl.concat([plain, others]).arg_sort()
    return pl.concat(meanings).select(pl.all().gather(order))


def _digits(words: pl.Series) -> pl.DataFrame:
    """The vocabulary's rows of digits only: nine words of ten, and what they can be is known."""
    text, nothing = pl.col("text"), pl.lit(None, dtype=pl.String)
    number = text.str.strip_chars_start("0")
    blank = _bit(text.is_in(list(PLACEHOLDERS)), BLANK)
    return words.to_frame("text").select(
        "text", (_bit(number != "", NUMBER) | blank | pl.lit(ANY | PLAIN | DIGIT, dtype=pl.UInt32)).alias("bits"),
        nothing.alias("suffix"), nothing.alias("direction"), ordinal_of(text).alias("word"), nothing.alias("last"),
        pl.when(number == "").then(pl.lit("0")).otherwise(number).alias("number"),
    )  # fmt: skip


def _meanings(words: pl.Series) -> pl.DataFrame:
    """The vocabulary's rows of all other words."""
    text = pl.col("text")
    return (
        words.to_frame("text")
        .with_columns(
            pl.when(text == "#").then(text)
            .when(text.str.contains(r"^(?:\d*|KM_\d+)\.\d+$")).then(text)
            .otherwise(text.str.replace_all(r"[^\p{L}\p{N}/&_\-]", "").str.strip_chars("-/&_"))
        )
        .with_columns(text.str.replace(r"^(\d+)(ST|ND|RD|TH)$", "${1}${2}"))
        .with_columns(_looked_up())
        .select(_columns())
    )  # fmt: skip


@cache
def _looked_up() -> list[pl.Expr]:
    """What the tables say on a word, as columns: each is asked for up to ten times. Made once: dicts become Series."""
    tables = {"suffix_": SUFFIXES, "direction_": DIRECTIONALS, "ordinal_": ORDINAL_WORDS, "full_": SUFFIX_WORDS}
    return [
        pl.col("text").replace_strict(table, default=None, return_dtype=pl.String).alias(name)
        for name, table in tables.items()
    ]


@cache
def _columns() -> list[pl.Expr]:
    """The vocabulary's columns of a word that is not a number; see `vocabulary`."""
    text = pl.col("text")
    suffix, direction, ordinal_word, full = (pl.col(name) for name in ("suffix_", "direction_", "ordinal_", "full_"))
    plain = text.str.contains(r"^\d+$")
    ordinal_like = text.str.contains(r"^\d+(?:ST|ND|RD|TH)$")
    bits = [
        _bit(text != "", ANY),
        _bit(text.str.contains(_NUMBER) & ~ordinal_like & ~text.str.contains(r"^0+$"), NUMBER),
        _bit(text.str.contains(r"^\d{1,2}/\d{1,2}$"), FRACTION),
        _bit(ordinal_like | ordinal_word.is_not_null(), ORDINAL),
        _bit(plain, PLAIN),
        _bit(direction.is_not_null(), DIRECTION),
        _bit(direction.is_in(["N", "S"]), NORTH_SOUTH),
        _bit(direction.is_in(["E", "W"]), EAST_WEST),
        _bit(suffix.is_not_null(), SUFFIX),
        _bit(suffix.is_in(THOROUGHFARES), THOROUGHFARE),
        _bit(text.is_in(list(STRONG_DESIGNATORS)), STRONG),
        _bit(text.is_in(list(LONE_DESIGNATORS)), LONE),
        _bit(text.is_in(_SURE), SURE),
        _bit(text.str.contains(r"^[A-Z]{1,2}-?\d{1,4}$"), BLOCK),
        _bit(text.is_in(["PH", "PENTHOUSE", "REAR", "BSMT", "BASEMENT"]), HIGH_LOW),
        _bit(text == "#", HASH),
        _bit(text.is_in(["FL", "FLOOR", "FLR"]), FLOOR),
        _bit(text.str.contains(r"^\p{L}$"), LETTER),
        _bit(text.is_in(list("ABCDFGH")), NUMBER_LETTER),
        _bit(text.str.contains(r"\d"), DIGIT),
        _bit(text.str.contains(r"^\d*\.\d+$"), DECIMAL),
        _bit(text.is_in(list(PLACEHOLDERS)), BLANK),
        _bit(text.str.contains("_", literal=True), ROUTE),
        _bit(text.is_in(list(NUMBERED_WORDS)) | text.str.starts_with("CALLE_"), NUMBERED),
        _bit(text == "AND", AND),
        _bit(
            (text.is_in(list(UNIT_WORDS)) | text.str.contains(r"^(?:PH-?[A-Z]{1,2}|[A-Z]-?[A-Z])$"))
            & suffix.is_null()
            & direction.is_null()
            & ~text.is_in(_NO_UNITS),
            DUO,
        ),
        _bit(suffix.is_not_null() & text.is_in(list(NAME_WORDS)), SHORT),
        _bit(suffix.is_in([*THOROUGHFARES, *_STREETS]), STREET),
    ]
    in_state = text.str.extract(r"^([A-Z]{2})_\D", 1).replace_strict(_STATE_WORDS, default=None, return_dtype=pl.String)
    name = (
        pl.when(in_state.is_not_null()).then(in_state + text.str.slice(2))
        .when(plain).then(ordinal_of(text))
        .when(text.str.contains(r"^\d*[23]D$")).then(ordinal_of(text.str.head(-1)))  # 3D AVE
        .otherwise(
            pl.coalesce(
                ordinal_word,
                text.replace_strict(NAME_WORDS, default=None, return_dtype=pl.String),
                full,
                text,
            )
        )
    )  # fmt: skip
    return [
        pl.col("text"),
        reduce(or_, bits).alias("bits"),
        pl.coalesce(suffix, direction).alias("suffix"),
        direction.alias("direction"),
        name.str.replace_all("_", " ", literal=True).alias("word"),
        full.alias("last"),
        # 0012 is 12, and 12-A is 12A.
        text.str.replace(r"^0+(\d)", "${1}")
        .str.replace(r"^(\d+)-([A-Z])$", "${1}${2}")
        .str.replace(r"^([A-Z]{1,2})-(\d)", "${1}${2}")
        .str.replace("_", " ", literal=True)
        .alias("number"),
    ]


def relist(values: pl.Series, like: pl.Series) -> pl.Series:
    """Flat values as lists of the same lengths as the lists of `like` (one chunk, no nulls)."""
    offsets = like.to_arrow().offsets
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, values.rechunk().to_arrow())))
