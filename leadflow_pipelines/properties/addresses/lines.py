"""One-line addresses: where the street ends and unit, city, state and ZIP begin.

Here: work on whole strings. Not here: what stands between their commas (`pieces`), the street's own words (`grammar`),
the unit's (`units`).
"""

import polars as pl

from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.addresses.local_forms import COMMA_HINT, COMMA_RULES
from leadflow_pipelines.properties.addresses.pieces import (
    COUNTRY,
    NUMBERED_WAY,
    STATE,
    STATES,
    ZIP,
    read_rests,
    state_code,
)
from leadflow_pipelines.properties.addresses.postal_tables import SUFFIXES
from leadflow_pipelines.properties.addresses.run_on_cities import find_cities, take_city
from leadflow_pipelines.properties.addresses.units import opens_unit

LINE_PARTS = ("street", "unit_text", "city", "state", "zip5", "zip4")
_FRAMED = rf" (?:{STATES}|[0-9]{{5}}(?:-?[0-9]{{4}})?|USA|AMERICA|[A-Z]\.[A-Z])[ .]*$"
"""What a line without commas must hold for anything but a street to stand in it."""
_SHORT_ZIP = r"\b(CT|MA|ME|NH|NJ|RI|VT)[ ,.]+([0-9]{4})$"
"""A ZIP whose leading zero a spreadsheet took."""
_SPLIT_HINT = (
    r"(?:CT|MA|ME|NH|NJ|RI|VT)[ ,.]+[0-9]{4}$|[ ,]US$|KING, ?J|^[0-9]+[A-Z]?, *[A-Z]"
    r"|^(?:R|HC|STAR|PSC|CMR|UNIT|HIGHWAY C).*, *BOX"
    rf"|{COMMA_HINT}"
)
_SPLIT_REWRITES = (
    # What a comma or a missing sign would tear apart, before lines are split at commas.
    (r"([0-9]{5}(?:-[0-9]{4})?)[ ,]+US$", "${1}"),
    (r"KING, ?JR?\b\.?", "KING JR"),
    (r"^([0-9]+[A-Z]?), *([A-Z])", "${1} ${2}"),  # 12, MAIN ST
    (r"^((?:RR|R\.R\.?|R R|RURAL R|RFD|HC|HIGHWAY C|STAR R|PSC|CMR|UNIT)[^,]*), *BOX", "${1} BOX"),
    *COMMA_RULES,
)
_BEYOND_ASCII = r"[^\x00-\x7F]"
_UNPLAIN = r"[^\x20-\x7E]|  "


def clean_text(text: pl.Series) -> pl.Series:
    """Upper case, single spaces, accents and typographic signs as ASCII where they have a counterpart, ends trimmed."""
    if text.null_count() == len(text):
        return text
    where = text.str.contains(_UNPLAIN).fill_null(value=False).arg_true()
    if not where.is_empty():
        some = text.gather(where)
        text = text.scatter(where, _plain(some) if some.str.contains(_BEYOND_ASCII).any() else _single_blanks(some))
    trimmed = text.str.to_uppercase().str.strip_chars(" ,;")
    return pl.select(pl.when(trimmed != "").then(trimmed)).to_series()


def _plain(text: pl.Series) -> pl.Series:
    """Accents and typographic signs as ASCII where they have a counterpart."""
    return _single_blanks(
        text.str.replace_all("½", " 1/2")
        .str.replace_all("¼", " 1/4")
        .str.replace_all("¾", " 3/4")
        .str.normalize("NFKD")
        .str.replace_all(r"\p{M}+", "")
        .str.replace_all(r"[\u2010-\u2015\u2212]", "-")
        .str.replace_all(r"[\p{Z}\u200b\ufeff]", " ")
    )


def _single_blanks(text: pl.Series) -> pl.Series:
    return text.str.replace_all(r"\s*[\r\n]+\s*", ", ").str.replace_all(r"[ \t\x0b\f]{2,}|[\t\x0b\f]", " ")


def split_lines(lines: pl.Series) -> pl.DataFrame:
    """Upper-case lines, one row each in order: LINE_PARTS, null where absent.

    A ZIP is taken where the ZIP table knows it, or where a comma or state stands before it; a state where a comma
    or a ZIP frames it, or a city of that state stands before it.
    """
    lines = _mend(lines)
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(lines))
    parts = pl.DataFrame({"street": lines, **dict.fromkeys(LINE_PARTS[1:], nothing)})
    has_comma = lines.str.contains(",", literal=True).fill_null(value=False)
    apart = has_comma.arg_true()
    if len(apart) == len(lines):
        return take_city(_split_pieces(lines))
    together = (~has_comma).arg_true()
    together = together.filter(lines.gather(together).str.contains(_FRAMED).fill_null(value=False))
    for where, split in ((together, _split_tail), (apart, _split_pieces)):
        if not where.is_empty():
            found = split(lines.gather(where))
            parts = parts.with_columns(parts[name].scatter(where, found[name]) for name in LINE_PARTS)
    return take_city(parts)


def _mend(lines: pl.Series) -> pl.Series:
    """Lines without what would be torn apart at a comma, and with the ZIP's zero."""
    torn = lines.str.contains(_SPLIT_HINT).fill_null(value=False).arg_true()
    if torn.is_empty():
        return lines
    some = lines.gather(torn)
    for pattern, replacement in _SPLIT_REWRITES:
        some = some.str.replace(pattern, replacement)
    # 12 MELISSA CT 1754 is a court's unit: no ZIP of Connecticut is 01754.
    short = some.to_frame("line").select(
        pl.col("line").str.extract(_SHORT_ZIP, 1).alias("state"),
        pl.concat_str(pl.lit("0"), pl.col("line").str.extract(_SHORT_ZIP, 2)).alias("zip5"),
    )
    is_zip = (places.lookup(short["zip5"], places.zips(), "state") == short["state"]).fill_null(value=False)
    some = some.zip_with(~is_zip, some.str.replace(_SHORT_ZIP, "${1} 0${2}"))
    return lines.scatter(torn, some)


def _split_pieces(lines: pl.Series) -> pl.DataFrame:
    """Lines with commas: the first piece is the street. What follows repeats, so each distinct rest is read once."""
    halves = lines.str.splitn(",", 2).struct.unnest()
    rest = halves["field_1"].cast(pl.Categorical(pl.Categories.random()))
    distinct = rest.unique().to_frame("rest").sort(pl.col("rest").cat.physical())["rest"].cast(pl.String)
    meaning = read_rests(distinct)
    codes = rest.cat.physical().cast(pl.UInt32)
    parts = meaning.select(pl.all().gather(codes)).with_columns(
        halves["field_0"].str.strip_chars(" .\t").alias("first")
    )
    parts = parts.with_columns(pl.when(pl.col("first") != "").then("first").alias("street"), unit_text="unit")
    where = parts.select((pl.col("way").is_not_null() | pl.col("direction").is_not_null()).arg_true()).to_series()
    if not where.is_empty():
        some = _with_ways(parts.select(pl.all().gather(where)))
        parts = parts.with_columns(parts[name].scatter(where, some[name]) for name in some.columns)
    return parts.select(LINE_PARTS)


def _with_ways(parts: pl.DataFrame) -> pl.DataFrame:
    """street and unit_text where a later piece is the street (STE 201, 4401 N MESA) or its directional (OAK ST, NE)."""
    first, way = pl.col("first"), pl.col("way")
    is_unit = way.is_not_null() & opens_unit(first)
    unit = pl.concat_str(pl.when(is_unit).then(first), "unit", separator=" ", ignore_nulls=True)
    street = (
        pl.when(way.is_not_null() & (is_unit | first.str.contains(r"^[^0-9]*$"))).then(way)
        .when(first != "").then(first)
    )  # fmt: skip
    return parts.select(
        pl.concat_str(street, "direction", separator=" ", ignore_nulls=True).replace("", None).alias("street"),
        pl.when(unit != "").then(unit).alias("unit_text"),
    )


def _split_tail(lines: pl.Series) -> pl.DataFrame:
    """Lines without commas that end in a ZIP or a state."""
    line = pl.col("street")
    frame = (
        lines.str.replace(COUNTRY, "").alias("street").to_frame()
        .with_columns(
            line.str.extract_groups(ZIP).struct.rename_fields(["zip5", "zip4"]).alias("zip"),
            line.str.replace(ZIP, "").alias("before"),
        )
        .unnest("zip")
        .with_columns(state_code(pl.col("before").str.extract(STATE, 1)).alias("state"))
    )  # fmt: skip
    zip_state = places.lookup(frame["zip5"], places.zips(), "state")
    has_zip = (
        (pl.col("zip_state").is_not_null() | (pl.col("zip5").is_not_null() & pl.col("state").is_not_null()))
        & ~pl.col("before").str.contains(NUMBERED_WAY) & pl.col("before").str.contains(r"\S \S")
    )  # fmt: skip
    frame = frame.with_columns(zip_state.alias("zip_state")).with_columns(has_zip=has_zip).with_columns(
        pl.when("has_zip").then("zip5"), pl.when("has_zip").then("zip4"),
        pl.when("has_zip").then("before").otherwise(line).alias("street"),
    )  # fmt: skip
    certain = _certain_state(frame)
    before_state = line.str.replace(STATE, "")
    return frame.with_columns(certain.alias("certain")).select(
        pl.when("certain").then(before_state).otherwise(line).str.strip_chars(" .").alias("street"),
        pl.lit(None, dtype=pl.String).alias("unit_text"), pl.lit(None, dtype=pl.String).alias("city"),
        pl.when("certain").then("state").alias("state"), "zip5", "zip4",
    )  # fmt: skip


def _certain_state(frame: pl.DataFrame) -> pl.Series:
    """Whether the last word is a state. Before a ZIP it agrees with the ZIP (12 OAK CT 37210 names no state); without
    a ZIP it follows a city of its own, which follows a street (12 WOODSTOCK CT names none either)."""
    agrees = pl.col("has_zip") & (pl.col("zip_state").is_null() | (pl.col("zip_state") == pl.col("state")))
    certain = frame.select((pl.col("state").is_not_null() & agrees).fill_null(value=False)).to_series()
    where = frame.select((~pl.col("has_zip").fill_null(value=False) & pl.col("state").is_not_null()).arg_true())
    at = where.to_series()
    if at.is_empty():
        return certain
    some = frame.select(pl.col("street", "state").gather(at))
    loose = some.select(pl.col("street").str.replace(STATE, ""), pl.lit(None, dtype=pl.String).alias("zip5"), "state")
    found = find_cities(loose)
    # A state that is a suffix too needs a whole street before its city: 465 PECK LN CHESHIRE CT.
    words = loose["street"].str.split(" ")
    before = loose.select(words.list.get(words.list.len().cast(pl.Int64) - found["words"] - 1, null_on_oob=True))
    whole = before.to_series().str.strip_chars_end(".,").is_in(list(SUFFIXES))
    ends_like_suffix = some["street"].str.extract(r"([^ .]+)[ .]*$", 1).is_in(list(SUFFIXES))
    follows_city = found["city"].is_not_null() & (~ends_like_suffix | whole)
    return certain.scatter(at, follows_city.fill_null(value=False))
