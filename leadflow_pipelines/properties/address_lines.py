"""One-line addresses: where the street ends and unit, city, state and ZIP begin.

Here: work on whole strings and on their pieces between commas. Not here: the street's own words (`address_grammar`),
the unit's (`address_units`). Pieces repeat (cities, states, ZIPs, units), so they are read once per distinct piece.
"""

from functools import cache

import polars as pl

from leadflow_pipelines.properties import places
from leadflow_pipelines.properties.address_tokens import relist
from leadflow_pipelines.properties.address_units import opens_unit
from leadflow_pipelines.properties.postal_tables import DIRECTIONALS, PLACEHOLDERS, SUFFIXES

LINE_PARTS = ("street", "unit_text", "city", "state", "zip5", "zip4")
_STATES = "|".join(sorted(places.STATES, key=len, reverse=True))
_COUNTRY = r"[ ,]+(?:USA|U\.S\.A\.?|UNITED STATES(?: OF AMERICA)?)\.?$"
_ZIP = r"(?:^|[ .]+)([0-9]{5})(?:[- ]?([0-9]{4}))?[ .]*$"
_STATE = rf"(?:^|[ .]+)({_STATES}|[A-Z]\.[A-Z]\.?)[ .]*$"
_FRAMED = rf",| (?:{_STATES}|[0-9]{{5}}(?:-?[0-9]{{4}})?|USA|AMERICA|[A-Z]\.[A-Z])[ .]*$"
"""What a line must hold for anything but a street to stand in it."""
_NUMBERED_WAY = r"(?:HIGHWAY|HWY|ROUTE|RTE|RT|ROAD|RD|#|APT|UNIT|STE|BOX|SR|CR|FM)$"
_PIECES = 5
"""Pieces behind the street that are looked at, from the end."""
_CITY_WORDS = 4
"""Words in the longest city names worth trying where no comma marks the city."""
_BEYOND_ASCII = r"[^\x00-\x7F]"


def clean_text(text: pl.Series) -> pl.Series:
    """Upper case, accents and typographic signs reduced to ASCII where they have a counterpart, ends trimmed."""
    if text.null_count() == len(text):
        return text
    where = text.str.contains(_BEYOND_ASCII).fill_null(value=False).arg_true()
    if not where.is_empty():
        plain = (
            text.gather(where)
            .str.replace_all("½", " 1/2").str.replace_all("¼", " 1/4").str.replace_all("¾", " 3/4")
            .str.normalize("NFKD")
            .str.replace_all(r"\p{M}+", "")
            .str.replace_all(r"[\u2010-\u2015\u2212]", "-")
            .str.replace_all(r"[\p{Z}\u200b\ufeff]", " ")
        )  # fmt: skip
        text = text.scatter(where, plain)
    trimmed = text.str.to_uppercase().str.strip_chars(" \t\r\n\f\v,;")
    return pl.select(pl.when(trimmed != "").then(trimmed)).to_series()


def split_lines(lines: pl.Series) -> pl.DataFrame:
    """Upper-case lines, one row each in order: LINE_PARTS, null where absent.

    A ZIP is taken where the ZIP table knows it, or where a comma or state stands before it; a state where a comma
    or a ZIP frames it, or a city of that state stands before it.
    """
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(lines))
    parts = pl.DataFrame({"street": lines, **dict.fromkeys(LINE_PARTS[1:], nothing)})
    framed = lines.str.contains(_FRAMED).fill_null(value=False)
    for has_comma, split in ((True, _split_pieces), (False, _split_tail)):
        where = (framed & (lines.str.contains(",", literal=True) == has_comma)).arg_true()
        if not where.is_empty():
            found = split(lines.gather(where))
            parts = parts.with_columns(parts[name].scatter(where, found[name]) for name in LINE_PARTS)
    return _take_city(parts)


def _split_pieces(lines: pl.Series) -> pl.DataFrame:
    """Lines with commas: the first piece is the street, the others are read from the end."""
    pieces = lines.str.split(",")
    others = pieces.list.slice(1).rechunk()
    flat = others.explode(empty_as_null=False).str.strip_chars(" .\t").cast(pl.Categorical(pl.Categories.random()))
    distinct = flat.unique().to_frame("piece").sort(pl.col("piece").cat.physical())["piece"].cast(pl.String)
    meaning = _read_pieces(distinct).drop("piece")
    codes = relist(flat.cat.physical().cast(pl.UInt32), others)
    read = [meaning.select(pl.all().gather(codes.list.get(-back, null_on_oob=True))) for back in range(1, _PIECES + 1)]
    return _assemble(pieces.list.first().str.strip_chars(" .\t"), read)


def _read_pieces(pieces: pl.Series) -> pl.DataFrame:
    """Distinct pieces as piece, unit, city, state, zip5, zip4, way (a whole street), is_both (state and city)."""
    text = pl.col("text")
    frame = (
        pieces.alias("piece").to_frame()
        .with_columns(text=pl.col("piece").str.replace(_COUNTRY.replace("[ ,]+", "(?:^|[ ]+)"), ""))
        .with_columns(text.str.extract_groups(_ZIP).struct.rename_fields(["zip5", "zip4"]).alias("zip"))
        .unnest("zip")
        .with_columns(text.str.replace(_ZIP, "").alias("rest"))
        .with_columns(
            (
                pl.col("zip5").is_not_null()
                & ~opens_unit(text)
                & ~pl.col("rest").str.contains(_NUMBERED_WAY)
                & ((pl.col("rest") != "") | pl.col("zip5").is_in(places.known_zips().implode()))
            ).alias("has_zip")
        )
        .with_columns(
            pl.when("has_zip").then("zip5"), pl.when("has_zip").then("zip4"),
            pl.when("has_zip").then("rest").otherwise("text").alias("text"),
        )
        .with_columns(
            text.str.extract(_STATE, 1).str.replace_all(".", "", literal=True)
            .replace_strict(places.STATES, default=None, return_dtype=pl.String).alias("state"),
            text.str.replace(_STATE, "").alias("before"),
        )
    )  # fmt: skip
    both = (pl.col("before") == "") & pl.col("state").is_not_null() & (text.str.len_chars() > 2)
    of_state = pl.concat_str(places.clean_city(pl.col("before")), pl.lit(","), "state").is_in(
        _city_of_state().implode()
    )
    is_state = pl.col("state").is_not_null() & (pl.col("has_zip") | (pl.col("before") == "") | of_state)
    frame = frame.with_columns(
        pl.when(is_state).then("state").alias("state"),
        pl.when(is_state & ~(both & ~pl.col("has_zip"))).then("before").otherwise("text").alias("text"),
        (both & ~pl.col("has_zip")).alias("is_both"),
    ).with_columns(city=places.clean_city(text))
    words = text.str.count_matches(r"\S+")
    kind = (
        pl.when((text == "") | text.is_in(list(PLACEHOLDERS))).then(pl.lit("nothing"))
        .when(opens_unit(text)).then(pl.lit("unit"))
        .when(pl.col("city").is_in(places.city_names().implode())).then(pl.lit("city"))
        .when(text.str.contains(r"^\d\S*\s+\S*[A-Z]{2}") & ((words > 2) | _ends_street(text))).then(pl.lit("way"))
        .when(text.str.contains(r"\d") | (text.str.len_chars() <= 2)).then(pl.lit("unit"))
        .when(pl.col("city").is_not_null()).then(pl.lit("city"))
        .otherwise(pl.lit("nothing"))
    )  # fmt: skip
    return frame.with_columns(kind.alias("kind")).select(
        "piece", pl.when(pl.col("kind") == "unit").then("text").alias("unit"),
        pl.when(pl.col("kind") == "city").then("city").alias("city"), "state", "zip5", "zip4",
        pl.when(pl.col("kind") == "way").then("text").alias("way"), "is_both",
    )  # fmt: skip


def _ends_street(text: pl.Expr) -> pl.Expr:
    return text.str.extract(r"(\S+)$", 1).is_in([*SUFFIXES, *DIRECTIONALS])


def _assemble(first: pl.Series, read: list[pl.DataFrame]) -> pl.DataFrame:
    """LINE_PARTS from the first piece and the meanings of the last ones, the very last first."""
    wide = pl.concat(
        [
            first.alias("first").to_frame(),
            *(part.select(pl.all().name.suffix(f"_{at}")) for at, part in enumerate(read)),
        ],
        how="horizontal",
    )

    def each(name: str) -> list[str]:
        return [f"{name}_{at}" for at in range(_PIECES)]

    # NEW YORK behind a city is the state, else the city.
    is_city = pl.col("is_both_0").fill_null(value=False) & pl.coalesce(each("city")[1:]).is_null()
    wide = wide.with_columns(
        pl.when(~is_city).then("state_0").alias("state_0"),
        pl.when(is_city | ~pl.col("is_both_0").fill_null(value=False)).then("city_0").alias("city_0"),
    )
    unit = pl.concat_str(each("unit")[::-1], separator=" ", ignore_nulls=True)
    way = pl.coalesce(each("way")[::-1])
    return wide.select(
        pl.when(pl.col("first").str.contains(r"^[^0-9]*$") & way.is_not_null()).then(way)
        .when(pl.col("first") != "").then("first").alias("street"),
        pl.when(unit != "").then(unit).alias("unit_text"),
        *(pl.coalesce(each(name)).alias(name) for name in ("city", "state", "zip5", "zip4")),
    )  # fmt: skip


def _split_tail(lines: pl.Series) -> pl.DataFrame:
    """Lines without commas that end in a ZIP or a state."""
    line, known = pl.col("street"), pl.col("zip5").is_in(places.known_zips().implode())
    table = places.zip_table()
    frame = (
        lines.str.replace(_COUNTRY, "").alias("street").to_frame()
        .with_columns(line.str.extract_groups(_ZIP).struct.rename_fields(["zip5", "zip4"]).alias("zip"))
        .unnest("zip")
        .with_columns(line.str.replace(_ZIP, "").alias("before"))
        .with_columns(
            pl.col("before").str.extract(_STATE, 1).str.replace_all(".", "", literal=True)
            .replace_strict(places.STATES, default=None, return_dtype=pl.String).alias("state"),
        )
        .with_columns(
            has_zip=(known | (pl.col("zip5").is_not_null() & pl.col("state").is_not_null()))
            & ~pl.col("before").str.contains(_NUMBERED_WAY) & pl.col("before").str.contains(r"\S \S")
        )
        .with_columns(
            pl.when("has_zip").then("zip5"), pl.when("has_zip").then("zip4"),
            pl.when("has_zip").then("before").otherwise(line).alias("street"),
        )
    )  # fmt: skip
    # Between street and ZIP a state agrees with the ZIP (12 OAK CT 37210 names no state); without a ZIP it follows
    # a city of its own, which follows a street (12 WOODSTOCK CT names none either).
    zip_state = pl.col("zip5").replace_strict(table["zip"], table["state"], default=None, return_dtype=pl.String)
    agrees = pl.when("has_zip").then(zip_state.is_null() | (zip_state == pl.col("state")))
    before_state = pl.col("street").str.replace(_STATE, "")
    frame = frame.with_columns(agrees.fill_null(value=False).alias("agrees"), before_state.alias("before_state"))
    loose = frame.select(
        pl.when(~pl.col("has_zip") & pl.col("state").is_not_null()
                & ~line.str.extract(r"([^ .]+)[ .]*$", 1).is_in(list(SUFFIXES))).then("before_state").alias("street"),
        pl.lit(None, dtype=pl.String).alias("zip5"), "state",
    )  # fmt: skip
    follows_city = _find_cities(loose)["city"].is_not_null()
    certain = pl.col("state").is_not_null() & (pl.col("agrees") | follows_city)
    return frame.select(
        pl.when(certain).then("before_state").otherwise(line).str.strip_chars(" .").alias("street"),
        pl.lit(None, dtype=pl.String).alias("unit_text"), pl.lit(None, dtype=pl.String).alias("city"),
        pl.when(certain).then("state").alias("state"), "zip5", "zip4",
    )  # fmt: skip


@cache
def _city_of_state() -> pl.Series:
    return _city_spellings("state")["key"]


@cache
def _city_spellings(by: str) -> pl.DataFrame:
    """key (`NAME,` and the state or ZIP), city: names as the ZIP table has them, and with ST, MT, FT for the words."""
    names = places.city_zips().select("city", by).unique()
    forms = [names.with_columns(form="city")]
    for word, short in (("SAINT", "ST"), ("MOUNT", "MT"), ("FORT", "FT")):
        some = names.filter(pl.col("city").str.starts_with(f"{word} "))
        forms.append(some.with_columns(pl.col("city").str.replace(word, short, literal=True).alias("form")))
    return (
        pl.concat(forms).select(pl.concat_str("form", pl.lit(","), by).alias("key"), "city")
        .unique("key", keep="first", maintain_order=True)
    )  # fmt: skip


def _find_cities(frame: pl.DataFrame) -> pl.DataFrame:
    """Per row of street, state, zip5: the city that the street's last words name (city), and their number (words).

    The longest run that the ZIP has as a city counts, else the longest that the state has. Two words or more must
    remain before it.
    """
    words = frame["street"].str.split(" ")
    tail = pl.DataFrame(
        {f"word_{back}": words.list.get(-back, null_on_oob=True) for back in range(1, _CITY_WORDS + 1)}
    ).with_columns(frame["zip5"], frame["state"], count=words.list.len())
    found: list[pl.Expr] = []
    for by in ("zip5", "state"):
        spellings = _city_spellings("zip" if by == "zip5" else by)
        for length in range(_CITY_WORDS, 0, -1):
            run = pl.concat_str([f"word_{back}" for back in range(length, 0, -1)], separator=" ")
            key = pl.when(pl.col("count") >= length + 2).then(pl.concat_str(run, pl.lit(","), by))
            city = key.replace_strict(spellings["key"], spellings["city"], default=None, return_dtype=pl.String)
            found.append(pl.when(city.is_not_null()).then(pl.struct(city=city, words=pl.lit(length))))
    return tail.select(pl.coalesce(found).alias("found")).unnest("found")


def _take_city(parts: pl.DataFrame) -> pl.DataFrame:
    """Cities that run on from the street without a comma, where a state or ZIP follows."""
    framed = pl.col("zip5").is_not_null() | pl.col("state").is_not_null()
    where = parts.select((pl.col("city").is_null() & framed & pl.col("street").is_not_null()).arg_true()).to_series()
    if where.is_empty():
        return parts
    some = parts.select(pl.col("street", "zip5", "state").gather(where)).with_columns(
        pl.col("street").str.replace_all(r"\s+", " ").str.strip_chars(" ,.")
    )
    found = _find_cities(some)
    words = pl.col("street").str.split(" ")
    kept = words.list.head(words.list.len().cast(pl.Int64) - pl.col("words").fill_null(0)).list.join(" ")
    street = some.with_columns(found["words"]).select(kept.str.strip_chars(" ,.")).to_series()
    return parts.with_columns(parts["city"].scatter(where, found["city"]), parts["street"].scatter(where, street))
