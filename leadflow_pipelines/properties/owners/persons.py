"""Persons out of an owner's name: who, and which word is the surname.

Here: one or several natural persons in county style (DOE JOHN A ETUX JANE B) or vendor style (John A Doe & Jane B Doe).
Not here: what kind of owner a name denotes, companies and trusts (`parse`).
"""

from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.properties.owners import words

SPOUSES = r"\bET ?UX\b|\bET ?VIR\b|\bHUSBAND\b|\bWIFE\b|\bH ?[/&] ?W\b|\bMARRIED COUPLE\b|\bENTIRETY\b|\bTBE\b"
_TENURES = (
    r"\bET ?ALS?\b|\bJ/?T(?: ?W?ROS)?\b|\bJOINT TENANTS?\b|\bT[/ ]?I[/ ]?C\b|\bT/C\b|\bTBE\b|\bW?ROS\b|\bCOMM? PROP\b|"
    r"\b(?:AS )?(?:JOINT )?TEN(?:ANTS)? (?:IN|BY)(?: THE)? (?:COMMON|COM|ENTIRETY|ENT)\b|\bRIGHTS? OF SURVIVORSHIP\b|"
    r"\bLIFE EST(?:ATE)?\b|\bL/E\b|\bREMAINDER(?:MAN|MEN)?\b|\bH ?[/&] ?W\b|\b(?:HIS|HER) (?:WIFE|HUSBAND)\b|"
    r"\bHUSBAND (?:AND|&) WIFE\b|\bWIFE (?:AND|&) HUSBAND\b|\bA? ?MARRIED (?:COUPLE|MAN|WOMAN|PERSON)\b|"
    r"\bA? ?(?:UNMARRIED|SINGLE) (?:MAN|WOMAN|PERSON)\b|\b[AFN]/?K/?A\b.*$|,? LE$|\(.*\)"
)
_JOINERS = r"\bET ?UX\b|\bET ?VIR\b|\bAND\b|\bWITH\b|[;/+]"
_GENERATION = r",? \b(JR|SR|II|III|IV|2ND|3RD|4TH)\b"
_TITLES = r"(^|, ?)(?:MR|MRS|MS|MISS|DR|HON) "
_DEGREES = r",? (?:ESQ|PHD|DDS|DVM|CPA)$|, MD$"
_TWO_IN_VENDOR_STYLE = r"^\S+(?: \S+)* (\S+), ?\S+(?: \S+)* (\S+)$"
_FEW = 0.1
"""A column's share of names that contradict its convention below which they are read by the convention all the same:
in a column that puts surnames first about one in 25 reads `THOMAS LATISHA`, given name first only to the eye."""

PERSON_COLUMNS = ("last", "first", "middle", "generation")


@dataclass(frozen=True)
class People:
    """Names taken apart, before it is decided which word is the surname.

    `parts`: one row per person: name (dense number of the names that hold a person), at and of (which of how many),
    before and after a comma, generation, words, n (their number), t1 to t3 and tl (the last), g1, g2, gl (whether it is
    a known given name). `rows`: the names' places in the series read. `starts`: their first rows in `parts`.
    `votes`: per name, `sure` and `likely`, whether the surname stands first; null where nothing says so.
    """

    parts: pl.DataFrame
    rows: pl.Series
    starts: pl.Series
    votes: pl.DataFrame


@dataclass(frozen=True)
class Convention:
    """Where the names of a column put the surname, and whether they agree so far that a likely exception is none."""

    surname_first: bool
    is_one_sided: bool


def take_apart(names: pl.Series) -> People:
    """The persons of each name; names are upper case without points and apostrophes."""
    people = (
        pl.DataFrame(
            {
                "part": _split_comma_list(
                    words.rewrite(names, _TENURES, " ").str.replace_all(_JOINERS, " & ")
                ).str.split("&")
            }
        )
        .with_row_index("row")
        .explode("part", empty_as_null=True, keep_nulls=True)
    )
    part = pl.col("part")
    people = people.with_columns(
        words.rewrite(words.rewrite(people["part"], r"\s{2,}", " "), " ,", ",").str.strip_chars(" ,-")
    ).filter(part != "")
    people = people.with_columns(words.rewrite(words.rewrite(people["part"], _DEGREES, ""), _TITLES, "${1}"))
    people = people.with_columns(
        generation=_generation(people["part"]),
        part=_bound_surnames(words.rewrite(people["part"], _GENERATION, "")).str.strip_chars(" ,"),
    ).filter(part != "")
    is_first = people.select((pl.col("row") != pl.col("row").shift(1)).fill_null(value=True)).to_series()
    starts = is_first.arg_true()
    name = is_first.cast(pl.get_index_type()).cum_sum() - 1
    sizes = pl.concat([starts, pl.Series([people.height], dtype=starts.dtype)]).diff().drop_nulls()
    at = pl.int_range(people.height, dtype=pl.get_index_type(), eager=True) - starts.gather(name)
    parts = _with_words(people.with_columns(name=name, at=at, of=sizes.gather(name)))
    seen = parts.select("after", "of", "n", "t1", "t2", "tl", "g1", "g2", "gl")
    votes = _votes(seen[starts], seen[starts + sizes.cast(starts.dtype) - 1])
    return People(parts, people["row"].gather(starts), starts, votes)


def find_convention(votes: pl.DataFrame) -> Convention:
    """The convention of a column, from the votes of all its names. Without any: surname first, as most assessors."""
    share = votes.select(pl.coalesce("sure", "likely").mean()).item()
    surnames_first = 1.0 if share is None else float(share)
    return Convention(surnames_first >= 0.5, min(surnames_first, 1 - surnames_first) < _FEW)


def read_persons(people: People, convention: Convention) -> pl.DataFrame:
    """One row per name of `people.rows`: row, last, first, middle, generation, the same with suffix `_2` for the second
    person, persons (how many), has_one_surname, key (the persons' keys, sorted, so that their order does not count).

    Where no comma says which word is the surname, in this order: an initial (`DOE JOHN A` ends in one, `JOHN A DOE`
    cannot), a surname that two persons share, a person without a surname of their own, VAN DER and the like or a known
    given name in one of the two places unless all but a few names of the column speak against it, and at last the
    column's convention.
    """
    likely = pl.lit(None, pl.Boolean) if convention.is_one_sided else pl.col("likely")
    surname_first = people.votes.select(
        pl.coalesce("sure", likely, pl.lit(convention.surname_first)).alias("surname_first")
    ).to_series()
    parts, name = people.parts, people.parts["name"]
    firsts = people.starts
    lasts = firsts + parts["of"].gather(firsts).cast(firsts.dtype) - 1
    seen = parts.select("after", "before", "t1", "tl")
    read = _read(
        parts.with_columns(
            surname_first=surname_first.gather(name),
            head=_surname(seen[firsts], surname_first).gather(name),
            tail=_surname(seen[lasts], surname_first).gather(name),
        )
    )
    return _side_by_side(read, firsts).with_columns(row=people.rows)


def _generation(parts: pl.Series) -> pl.Series:
    """JR, SR, II, III or IV; null where none is written."""
    where = words.matching(parts, _GENERATION)
    found = parts.gather(where).str.extract(_GENERATION, 1).replace({"2ND": "II", "3RD": "III", "4TH": "IV"})
    return words.put(pl.repeat(None, parts.len(), dtype=pl.String, eager=True), where, found)


def _with_words(people: pl.DataFrame) -> pl.DataFrame:
    """Adds before, after, words, n, t1 to tl, g1 to gl; see `People`."""
    comma = pl.col("part").str.splitn(",", 2)
    after = comma.struct.field("field_1").str.replace_all(",", " ", literal=True).str.strip_chars(" ")
    people = people.with_columns(
        before=comma.struct.field("field_0").str.strip_chars(" "), after=after.replace("", None)
    )
    people = people.with_columns(
        words=pl.coalesce("after", "before").str.replace_all("  ", " ", literal=True).str.split(" ")
    )
    word = pl.col("words").list
    people = people.with_columns(
        n=word.len(),
        t1=word.get(0),
        t2=word.get(1, null_on_oob=True),
        t3=word.get(2, null_on_oob=True),
        tl=word.get(-1),
    )
    known = words.given_names().implode()
    return people.with_columns(
        g1=pl.col("t1").is_in(known), g2=pl.col("t2").is_in(known).fill_null(value=False), gl=pl.col("tl").is_in(known)
    )


def _split_comma_list(text: pl.Series) -> pl.Series:
    """`JOHN DOE, JANE DOE` names two persons: the same surname ends both halves."""
    where = words.matching(text, _TWO_IN_VENDOR_STYLE)
    halves = text.gather(where)
    ends = halves.str.extract_groups(_TWO_IN_VENDOR_STYLE)
    two = (ends.struct.field("1") == ends.struct.field("2")).fill_null(value=False)
    return words.put(text, where.filter(two), halves.filter(two).str.replace(",", " & ", literal=True))


def _bound_surnames(parts: pl.Series) -> pl.Series:
    """`~` in the place of the spaces and hyphens inside a surname: DE LA CRUZ, SMITH-JONES, SAINT JAMES."""
    bound = words.rewrite(parts, r"(\p{L})-(\p{L})", "${1}~${2}")
    bound = words.rewrite(bound, r"\bSAINT (\p{L}{2,})", "ST ${1}")
    where = words.matching(bound, words.particle_pattern())
    some = bound.gather(where).str.replace_all(words.particle_pattern(), "${1}~${2}")
    return words.put(bound, where, some.str.replace_all(r"\b(DE|VAN) (LA|LOS|LAS|DER|DEN|DE)~", "${1}~${2}~"))


def _is_initial(column: str) -> pl.Expr:
    return (pl.col(column).str.len_chars() == 1).fill_null(value=False)


def _votes(firsts: pl.DataFrame, lasts: pl.DataFrame) -> pl.DataFrame:
    """Per name, sure and likely: see `People`. `firsts` and `lasts` hold its first and its last person's row."""
    frame = pl.concat(
        [firsts.select(pl.all().name.prefix("a_")), lasts.select(pl.all().name.prefix("z_"))], how="horizontal"
    )
    several = pl.col("a_of") > 1
    two_words, long = pl.col("a_n") >= 2, pl.col("a_n") >= 3
    z_two, z_long = pl.col("z_n") >= 2, pl.col("z_n") >= 3
    sure = (
        pl.when(pl.col("a_after").is_not_null()).then(True)
        .when(several & (pl.col("a_n") == 1)).then(False)
        .when(z_two & _is_initial("z_tl")).then(True)
        .when(several & two_words & z_two & (pl.col("a_tl") == pl.col("z_tl"))).then(False)
        .when(several & two_words & z_two & (pl.col("a_t1") == pl.col("z_t1"))).then(True)
        .when(several & (pl.col("z_n") == 1)).then(True)
        .when(z_long & _is_initial("z_t2")).then(False)
        .when(long & _is_initial("a_tl") & ~_is_initial("a_t2")).then(True)
        .when(long & _is_initial("a_t2") & ~_is_initial("a_tl")).then(False)
    )  # fmt: skip
    first_bound, last_bound = (pl.col(word).str.contains(words.bound_pattern()) for word in ("a_t1", "a_tl"))
    likely = (
        pl.when((pl.col("a_n") == 2) & (first_bound != last_bound)).then(first_bound)
        .when(pl.col("a_g1") & ~pl.col("a_g2") & ((pl.col("a_n") == 2) | ~pl.col("a_gl"))).then(False)
        .when(~pl.col("a_g1") & pl.col("a_g2")).then(True)
        .when(pl.col("a_g1") & long & ~pl.col("a_gl")).then(False)
    )  # fmt: skip
    return frame.select(sure=sure, likely=pl.when(two_words).then(likely))


def _surname(people: pl.DataFrame, surname_first: pl.Series) -> pl.Series:
    """The surname that a name's person lends to those who have none of their own."""
    return people.select(
        pl.when(pl.col("after").is_not_null()).then("before")
        .when(surname_first | _is_initial("tl")).then("t1").otherwise("tl")
    ).to_series()  # fmt: skip


def _read(parts: pl.DataFrame) -> pl.DataFrame:
    """Adds last, first, middle and key to the persons, who know their name's head (first) and tail (last) surname."""
    later, surname_first = pl.col("at") > 0, pl.col("surname_first")
    no_surname = (pl.col("n") == 1) | ((pl.col("n") == 2) & _is_initial("t2"))
    starts_given = pl.col("g1") | ~(pl.col("g2") | _is_initial("t3"))
    borrows_head = later & (no_surname | ((pl.col("t1") != pl.col("head")) & starts_given))
    ends_in_initial = (pl.col("n") > 2) & _is_initial("tl") & ~_is_initial("t2")
    initial_second = (pl.col("n") > 2) & _is_initial("t2") & ~_is_initial("tl")
    how = (
        pl.when(pl.col("after").is_not_null()).then(pl.lit("comma"))
        .when(ends_in_initial & ~later).then(pl.lit("surname first"))
        .when(initial_second).then(pl.lit("surname last"))
        .when(surname_first & later & (pl.col("tl") == pl.col("head")) & (pl.col("n") > 1)).then(pl.lit("surname last"))
        .when(surname_first & borrows_head).then(pl.lit("head"))
        .when(surname_first).then(pl.lit("surname first"))
        .when(no_surname & (pl.col("at") < pl.col("of") - 1)).then(pl.lit("tail"))
        .when(no_surname & later & (pl.col("n") == 1)).then(pl.lit("head"))
        .otherwise(pl.lit("surname last"))
    )  # fmt: skip
    how_is = pl.col("how")
    start = (how_is == "surname first").cast(pl.Int64)
    length = pl.col("n").cast(pl.Int64) - how_is.is_in(["surname first", "surname last"]).cast(pl.Int64)
    read = (
        parts.with_columns(how=how)
        .with_columns(
            last=pl.when(how_is == "comma").then("before").when(how_is == "surname last").then("tl")
            .when(how_is == "surname first").then("t1").when(how_is == "head").then("head").otherwise("tail"),
            given=pl.col("words").list.slice(start, length),
        )
        .with_columns(
            first=pl.col("given").list.get(0, null_on_oob=True),
            middle=pl.col("given").list.slice(1).list.join(" ").replace("", None),
        )
    )  # fmt: skip
    key = pl.concat_str([pl.col(name).fill_null("") for name in PERSON_COLUMNS], separator=",")
    read = read.select("name", "of", *PERSON_COLUMNS, key=key)
    return read.with_columns(words.rewrite(read["key"], "[~ ]", ""))


def _side_by_side(read: pl.DataFrame, starts: pl.Series) -> pl.DataFrame:
    """The persons of each name in one row. `starts` are the names' first rows in `read`."""
    people = read.with_columns(words.rewrite(read[name], "~", " ") for name in PERSON_COLUMNS)
    first = people[starts].select(*PERSON_COLUMNS, persons="of", key="key")
    next_row = pl.select(pl.when(first["persons"] > 1).then(starts + 1)).to_series()
    second = people.select(pl.col(*PERSON_COLUMNS, "key").gather(next_row).name.suffix("_2"))
    one, other = pl.col("key"), pl.col("key_2")
    sorted_pair = (
        pl.when(other.is_null() | (one == other)).then(one)
        .when(one < other).then(pl.concat_str(one, other, separator="&"))
        .otherwise(pl.concat_str(other, one, separator="&"))
    )  # fmt: skip
    both = first.hstack(second).with_columns(key=sorted_pair, has_one_surname=pl.col("last") == pl.col("last_2"))
    many = people.filter(pl.col("of") > 2)
    if many.is_empty():
        return both
    keys = many.group_by("name", maintain_order=True).agg(pl.col("key").unique().sort().str.join("&"))
    return both.with_columns(words.put(both["key"], keys["name"], keys["key"]))
