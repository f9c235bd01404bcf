"""The grammar of one street line: which words are number, directionals, name, suffix and unit.

Here: ordered passes that peel a list of words from both ends. Not here: cities and ZIPs (`lines`), what a
unit's text means (`units`), rules over the whole string (`rewrites`), the tables (`postal_tables`).

Each pass moves a pointer: `first` and `last` (exclusive) bound what is not yet explained. What remains is the name.
A pass is a list of steps, each the columns that it adds: made once, since making them costs as much as 20,000 rows.
"""

from collections.abc import Sequence
from functools import cache, reduce
from operator import or_

import polars as pl

from leadflow_pipelines.properties.addresses import tokens
from leadflow_pipelines.properties.addresses.postal_tables import DIRECTIONAL_WORDS
from leadflow_pipelines.properties.addresses.rewrites import rewrite
from leadflow_pipelines.properties.addresses.tokens import relist, split_words, vocabulary

Step = Sequence[pl.Expr]
PARTS = ("house_number", "pre_directional", "street_name", "suffix", "post_directional")


def parse_streets(streets: pl.Series) -> pl.DataFrame:
    """Upper-case street lines, one row each in order: PARTS and unit_text (the words of a trailing unit).

    Null where absent. Total: any string gives a row; a line without words (one blank word) gives nulls throughout.
    """
    words = split_words(rewrite(streets))
    flat = words.explode(empty_as_null=False).cast(pl.Categorical(pl.Categories.random()))
    codes = flat.cat.physical().cast(pl.UInt32)
    lookup = vocabulary(flat.unique().to_frame("word").sort(pl.col("word").cat.physical())["word"])
    frame = pl.DataFrame({"codes": relist(codes, words), "bits": relist(lookup["bits"].gather(codes), words)})
    is_blank = pl.col("bits").list.first() == 0
    frame = frame.with_columns(last=pl.when(is_blank).then(0).otherwise(pl.col("codes").list.len()).cast(pl.Int32))
    frame = _take(frame, (*_peel_front(), *_peel_acreage()))
    frame = _peel_designated(frame)
    frame = _take(frame, (*_peel_bare_unit(), *_peel_back()))
    return _spell(frame, lookup)


def _take(frame: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    for step in steps:
        frame = frame.with_columns(step)
    return frame


def _look(**at: pl.Expr) -> Step:
    """The class bits of the words at the given indices; 0 where there is no such word in bounds."""
    return [
        pl.col("bits")
        .list.get(pl.when((index >= 0) & (index < pl.col("last"))).then(index), null_on_oob=True)
        .fill_null(0)
        .alias(name)
        for name, index in at.items()
    ]


def _is(name: str, *bits: int) -> pl.Expr:
    """Whether the word looked up under this name can be any of these classes."""
    return (pl.col(name) & reduce(or_, bits)) != 0


@cache
def _peel_front() -> Sequence[Step]:
    """House number with its fraction or letter. Sets number (index or null), extra (index or null), first."""
    start = pl.when(_is("word", tokens.HASH, tokens.BLANK)).then(1).otherwise(0).cast(pl.Int32)
    is_number = _is("word", tokens.NUMBER) | (_is("word", tokens.BLOCK) & _is("next", tokens.NUMBERED))
    after = pl.col("number") + 1
    # 2705 B DICKERSON PIKE and 402 B ST FRANCIS AVE, but not 123 B ST, 118 J C NAPIER ST or 123 B APT 4.
    is_letter = _is("word", tokens.NUMBER_LETTER) & (
        (_is("next", tokens.ANY) & ~_is("next", tokens.SUFFIX, tokens.LETTER, tokens.SURE, tokens.AND))
        | (_is("next", tokens.SUFFIX) & _is("third", tokens.ANY) & ~_is("third", tokens.ENDING))
        | (_is("next", tokens.DIRECTION) & (after + 3 < pl.col("last")))
    )
    return (
        _look(word=pl.lit(0, dtype=pl.Int32)),
        [start.alias("start")],
        _look(word=pl.col("start"), next=pl.col("start") + 1),
        [pl.when(is_number).then(pl.col("start")).alias("number")],
        _look(word=after, next=after + 1, third=after + 2),
        [pl.when(_is("word", tokens.FRACTION) | is_letter).then(after).alias("extra")],
        [pl.coalesce(pl.col("extra") + 1, after, "start").alias("first")],
    )


@cache
def _peel_acreage() -> Sequence[Step]:
    """Trailing acreage, and where the unit's words end. Sets end."""
    tail = pl.col("last") - 1
    is_acreage = (
        (tail > pl.col("first"))
        & _is("tail", tokens.DECIMAL, tokens.BLANK)
        & ~_is("before", tokens.DESIGNATOR, tokens.ROUTE)
    )
    return (
        _look(tail=tail, before=tail - 1),
        [pl.when(is_acreage).then(tail).otherwise("last").alias("last")],
        [pl.col("last").alias("end")],
    )


@cache
def _peel_bare_unit() -> Sequence[Step]:
    """A unit without designator behind suffix or directional. Sets unit_at."""
    tail, before, second, third = (pl.col("last") - back for back in (1, 2, 3, 4))
    identifier = _is("tail", tokens.UNIT_TAIL) & ~_is("tail", tokens.ORDINAL, tokens.DIRECTION, tokens.ROUTE)
    lettered_street = (before == pl.col("first") + 1) & _is("head", tokens.DIRECTION) & _is("tail", tokens.LETTER)
    behind_suffix = _is("before", tokens.SUFFIX) & (before > pl.col("first")) & ~lettered_street
    behind_direction = _is("before", tokens.DIRECTION) & (
        (_is("second", tokens.SUFFIX) & (second > pl.col("first"))) | _is("second", tokens.ROUTE)
    )
    behind_name = (
        _is("tail", tokens.DIGIT)
        & (before >= pl.col("first"))
        & ~_is("before", tokens.SUFFIX, tokens.DIRECTION, tokens.NUMBERED, tokens.DIGIT, tokens.LETTER)
    )
    bare = (
        pl.col("unit_at").is_null()
        & pl.col("number").is_not_null()
        & (identifier | (_is("tail", tokens.DUO) & (_is("before", tokens.STREET) | behind_direction)))
        & (behind_suffix | _is("before", tokens.ROUTE) | behind_direction | behind_name)
    )
    # 12 OAK ST 4 C, 12 OAK ST NW 4 C
    behind_street = (_is("second", tokens.SUFFIX) & (second > pl.col("first"))) | (
        _is("second", tokens.DIRECTION) & _is("third", tokens.SUFFIX) & (third > pl.col("first"))
    )
    parted = (
        pl.col("unit_at").is_null() & pl.col("number").is_not_null()
        & _is("tail", tokens.LETTER) & ~_is("tail", tokens.DIRECTION) & _is("before", tokens.PLAIN) & behind_street
    )  # fmt: skip
    start = pl.when(parted).then(before).when(bare).then(tail)
    return (
        _look(tail=tail, before=before, second=second, third=third, head=pl.col("first")),
        [start.alias("bare_at")],
        [pl.coalesce("bare_at", "unit_at").alias("unit_at"), pl.coalesce("bare_at", "last").alias("last")],
    )


def _peel_designated(frame: pl.DataFrame) -> pl.DataFrame:
    """The first designator that opens a unit. Only rows that hold one are looked at, word by word."""
    words = (
        frame.select(pl.col("bits"), "first", "end")
        .with_row_index("row")
        .filter(pl.col("bits").list.eval(pl.element() & tokens.DESIGNATOR != 0).list.any())
        .with_columns(pl.int_ranges(pl.col("bits").list.len(), dtype=pl.Int32).alias("at"))
        .explode("bits", "at")
        .with_columns(
            pl.col("bits").shift(1).alias("before"),
            pl.col("bits").shift(-1).alias("after"),
        )
    )

    def has(column: str, *bits: int) -> pl.Expr:
        return (pl.col(column) & reduce(or_, bits)).fill_null(0) != 0

    is_last = pl.col("at") == pl.col("end") - 1
    behind_street = has("before", tokens.SUFFIX, tokens.DIRECTION, tokens.ROUTE)
    identified = ~is_last & has("after", tokens.UNIT_TAIL, tokens.HASH, tokens.DESIGNATOR)
    is_floor = (  # 2ND FLOOR, 2ND FLOOR REAR
        has("bits", tokens.FLOOR) & has("before", tokens.ORDINAL, tokens.PLAIN)
        & (is_last | has("after", tokens.DESIGNATOR))
    )  # fmt: skip
    opens = (
        (has("bits", tokens.SURE) & ~is_last)
        | (has("bits", tokens.STRONG) & identified)
        | (has("bits", tokens.LONE) & (is_last | identified) & behind_street)
        | (has("bits", tokens.HIGH_LOW) & is_last)
        | is_floor
    )
    found = (
        words.with_columns(
            pl.when(is_floor)
            .then(pl.col("at") - 1).otherwise(pl.col("at")).alias("from")
        )
        .filter(opens & (pl.col("from") > pl.col("first")) & (pl.col("at") < pl.col("end")))
        .group_by("row", maintain_order=True)
        .agg(pl.col("from").min().alias("unit_at"))
    )  # fmt: skip
    unit_at = pl.Series("unit_at", [None], dtype=pl.Int32).new_from_index(0, frame.height)
    if found.height:
        unit_at = unit_at.scatter(found["row"], found["unit_at"])
    return frame.with_columns(unit_at).with_columns(pl.coalesce("unit_at", "last").alias("last"))


@cache
def _peel_back() -> Sequence[Step]:
    """Pre-directional, post-directional and suffix. Sets pre, pre_second, post, post_second, suffix_at (indices)."""
    first, last = pl.col("first"), pl.col("last")
    ahead = first + 1
    # N MAIN, N PARK AVE, N WELLS; but N AVE, N AVE W and C AND N SMITH MILL are names.
    heads_name = (
        _is("second", tokens.ANY)
        & ~_is("second", tokens.AND)
        & (
            ~_is("second", tokens.SUFFIX)
            | ((ahead + 1 == last) & ~_is("second", tokens.STREET))
            | ((ahead + 1 < last) & ~_is("third", tokens.DIRECTION, tokens.DIGIT, tokens.DESIGNATOR))
        )
    )
    is_pre = _is("head", tokens.DIRECTION) & heads_name
    is_pre_pair = (
        is_pre & _is("head", tokens.NORTH_SOUTH) & _is("second", tokens.EAST_WEST) & (ahead + 1 < last)
        & ~((ahead + 2 == last) & _is("third", tokens.SUFFIX))
    )  # fmt: skip
    tail, before = last - 1, last - 2
    ends_name = (_is("before", tokens.SUFFIX) & (before > first)) | (
        (before >= first) & ~_is("before", tokens.SUFFIX, tokens.DIRECTION)
    )
    is_post_pair = (
        _is("tail", tokens.EAST_WEST) & _is("before", tokens.NORTH_SOUTH)
        & _is("second", tokens.SUFFIX) & (last - 3 > first)
    )  # fmt: skip
    post = pl.when(is_post_pair).then(before).when(_is("tail", tokens.DIRECTION) & ends_name).then(tail)
    ends_in_suffix = _is("tail", tokens.SUFFIX) & (tail > first)
    return (
        _look(head=first, second=ahead, third=first + 2),
        [pl.when(is_pre).then(first).alias("pre"), pl.when(is_pre_pair).then(ahead).alias("pre_second")],
        [pl.coalesce(pl.col("pre_second") + 1, pl.col("pre") + 1, "first").alias("first")],
        _look(tail=tail, before=before, second=last - 3),
        [post.alias("post"), pl.when(is_post_pair).then(tail).alias("post_second")],
        [pl.coalesce("post", "last").alias("last")],
        _look(tail=tail),
        [pl.when(ends_in_suffix).then(tail).alias("suffix_at")],
        [pl.coalesce("suffix_at", "last").alias("last")],
    )


def _spell(frame: pl.DataFrame, lookup: pl.DataFrame) -> pl.DataFrame:
    """Indices to standard words."""

    def at(index: str) -> pl.Series:
        return frame.select(pl.col("codes").list.get(pl.col(index), null_on_oob=True)).to_series()

    def spelled(index: str, column: str) -> pl.Series:
        return lookup[column].gather(at(index))

    frame = frame.with_columns(
        number_text=spelled("number", "number"), extra_text=spelled("extra", "text"),
        pre_text=spelled("pre", "direction"), pre_second_text=spelled("pre_second", "direction"),
        post_text=spelled("post", "direction"), post_second_text=spelled("post_second", "direction"),
        suffix=spelled("suffix_at", "suffix"),
        name_bits=lookup["bits"].gather(at("first")),
        name_text=lookup["text"].gather(at("first")),
        street_name=_name(frame, lookup),
        unit_text=_unit_text(frame, lookup),
    )  # fmt: skip
    return _finish(frame)


def _name(frame: pl.DataFrame, lookup: pl.DataFrame) -> pl.Series:
    """The name's words. Before a suffix ST is STREET (AVON ST EXT) and BR is BRANCH, where in front they are not."""
    names = lookup["word"].gather(frame.select(pl.col("codes").list.get(pl.col("first"), null_on_oob=True)).to_series())
    count = frame["last"] - frame["first"]
    names = names.set(count < 1, None)
    longer = (count > 1).arg_true()
    if not longer.is_empty():
        some = frame.select(pl.col("codes", "first", "last").gather(longer))
        names = names.scatter(longer, _join(some, lookup["word"], pl.col("first"), pl.col("last")))
    names = names.set(names == "", None)
    end = pl.when(pl.col("suffix_at").is_not_null() & (pl.col("last") - pl.col("first") > 1)).then(pl.col("last") - 1)
    ends = frame.select(pl.col("codes").list.get(end, null_on_oob=True)).to_series()
    is_short = (lookup["bits"] & tokens.SHORT != 0).gather(ends).fill_null(value=False).arg_true()
    if is_short.is_empty():
        return names
    words = pl.DataFrame({"name": names.gather(is_short), "last": lookup["last"].gather(ends.gather(is_short))})
    spelled = words.select(pl.col("name").str.replace(r"[^ ]+$", "") + pl.col("last"))
    return names.scatter(is_short, spelled.to_series())


def _unit_text(frame: pl.DataFrame, lookup: pl.DataFrame) -> pl.Series:
    """The words from the unit's designator on, null where there is none."""
    where = frame["unit_at"].is_not_null().arg_true()
    some = frame.select(pl.col("codes", "unit_at", "end").gather(where))
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    texts = _join(some, lookup["text"], pl.col("unit_at"), pl.col("end")).str.replace_all("_", " ", literal=True)
    return nothing.scatter(where, texts)


def _join(frame: pl.DataFrame, texts: pl.Series, start: pl.Expr, stop: pl.Expr) -> pl.Series:
    """The words from start to stop, joined by spaces; null where there are none."""
    parts = frame.select(pl.col("codes").list.slice(start, stop - start).fill_null([])).to_series().rechunk()
    flat = parts.explode(empty_as_null=False)
    joined = relist(texts.gather(flat), parts).list.join(" ")
    return pl.select(pl.when(joined != "").then(joined)).to_series()


def _finish(frame: pl.DataFrame) -> pl.DataFrame:
    """House number, directionals and name as text, and the exceptions among them."""
    bits, alone = pl.col("name_bits").fill_null(0), pl.col("last") - pl.col("first") == 1
    exceptional = (
        alone & (bits & (tokens.THOROUGHFARE | tokens.PLAIN | tokens.DIRECTION) != 0)
        | pl.col("extra_text").is_not_null()
    )
    names = ("number_text", "pre_text", "street_name", "suffix", "post_text", "unit_text")
    parts = frame.select(
        pl.col(name).alias(to) for name, to in zip(names, (*PARTS, "unit_text"), strict=True)
    ).with_columns(
        frame["pre_text"].alias("pre_directional")
        if frame["pre_second_text"].null_count() == frame.height
        else pl.concat_str(frame["pre_text"], frame["pre_second_text"].fill_null("")).alias("pre_directional"),
        frame["post_text"].alias("post_directional")
        if frame["post_second_text"].null_count() == frame.height
        else pl.concat_str(frame["post_text"], frame["post_second_text"].fill_null("")).alias("post_directional"),
    )
    where = frame.select(exceptional.arg_true()).to_series()
    if where.is_empty():
        return parts
    some = _exceptions(frame.select(pl.all().exclude("codes", "bits").gather(where)))
    return parts.with_columns(parts[name].scatter(where, some[name]) for name in some.columns)


def _exceptions(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows that need the whole: `81 STREET` has no number, NORTH AVE is a name, 500 EAST is a grid, 12 A is 12A."""
    name, alone = pl.col("street_name"), pl.col("last") - pl.col("first") == 1
    number = pl.when(pl.col("extra_text").str.contains("/")).then(
        pl.concat_str("number_text", pl.lit(" "), "extra_text")
    ).otherwise(pl.concat_str("number_text", pl.col("extra_text").fill_null("")))  # fmt: skip
    bits = pl.col("name_bits").fill_null(0)
    bare_ordinal = (
        alone & (bits & tokens.THOROUGHFARE != 0) & pl.col("suffix").is_null() & pl.col("number").is_not_null()
        & (pl.col("number_text").str.contains(r"^\d{1,3}$")) & pl.col("pre").is_null()
    )  # fmt: skip
    grid = alone & (bits & tokens.PLAIN != 0) & pl.col("suffix").is_null()
    quadrant = pl.col("post_text").is_in(["NE", "NW", "SE", "SW"])
    directional = (
        alone & (bits & tokens.DIRECTION != 0) & pl.col("suffix").is_not_null() & ~quadrant.fill_null(value=False)
    )
    return frame.select(
        pl.when(~bare_ordinal).then(number).alias("house_number"),
        pl.when(bare_ordinal).then(tokens.ordinal_of(pl.col("number_text")))
        .when(grid).then(pl.col("name_text"))
        .when(directional).then(pl.col("name_text").replace(DIRECTIONAL_WORDS))
        .otherwise(name).alias("street_name"),
        pl.when(bare_ordinal).then(tokens.suffix_of(pl.col("name_text"))).otherwise(pl.col("suffix")).alias("suffix"),
    )  # fmt: skip
