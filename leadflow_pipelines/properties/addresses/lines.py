"""One-line addresses: where the street ends and unit, city, state and ZIP begin.

Here: work on whole strings and on their pieces between commas. Not here: the street's own words (`grammar`),
the unit's (`units`). Pieces repeat (cities, states, ZIPs, units), so they are read once per distinct piece.
"""

from collections.abc import Sequence
from functools import cache

import polars as pl

from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.addresses.local_forms import COMMA_HINT, COMMA_RULES
from leadflow_pipelines.properties.addresses.postal_tables import (
    DIRECTIONALS,
    LONE_DESIGNATORS,
    PLACEHOLDERS,
    SUFFIXES,
    UNIT_WORDS,
)
from leadflow_pipelines.properties.addresses.run_on_cities import find_cities, take_city
from leadflow_pipelines.properties.addresses.tokens import relist
from leadflow_pipelines.properties.addresses.units import opens_unit

_NO_CITIES = r"\d|^(?:DEPT|DEPARTMENT|OFFICE|FL|SPACE)\b"
"""Agencies with a ZIP of their own, which the ZIP table lists beside cities: a department or floor all the same."""
_MEANING = (
    "piece", "unit", "city", "state", "zip5", "zip4", "way", "direction", "is_both", "is_either",
)  # fmt: skip
LINE_PARTS = ("street", "unit_text", "city", "state", "zip5", "zip4")
_STATES = "|".join(sorted(places.STATES, key=len, reverse=True))
_COUNTRY = r"(?:^|[ ,]+)(?:USA|U\.S\.A\.?|UNITED STATES(?: OF AMERICA)?)\.?$"
_ZIP = r"(?:^|[ .]+)([0-9]{5})(?:[- ]?([0-9]{4}))?[ .]*$"
_STATE = rf"(?:^|[ .]+)({_STATES}|[A-Z]\.[A-Z]\.?)[ .]*$"
_FRAMED = rf" (?:{_STATES}|[0-9]{{5}}(?:-?[0-9]{{4}})?|USA|AMERICA|[A-Z]\.[A-Z])[ .]*$"
"""What a line without commas must hold for anything but a street to stand in it."""
_RUNS_ON = r"^(\S+ \S*\d\S*) (\p{L}{2}[\p{L} .'\-]*)$"
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
_NUMBERED_WAY = (
    r"(?:HIGHWAY|HWY|ROUTE|RTE|RT|ROAD|RD|#|APT|APARTMENT|UNIT|STE|SUITE|ROOM|LOT|SPACE|BLDG|BOX|SR|CR|FM)[ .#]*$"
)
_DIRECTED = r"^([NS]\.? ?[EW]\.?|[NSEW]\.?) +(.+)$"
_UNIT_LETTERS = r"^(?:PH-?[A-Z0-9]{0,2}|[A-Z]-[A-Z]|(?:TOWER|TWR) [A-Z0-9]{1,2})$"
_PIECES = 5
"""Pieces behind the street that are looked at, from the end."""
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
    meaning = _read_rests(distinct)
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


def _read_rests(rests: pl.Series) -> pl.DataFrame:
    """What stands behind the first comma, piece by piece from the end; see `_assemble` for the columns."""
    pieces = rests.str.split(",").rechunk()
    flat = pieces.explode(empty_as_null=False).str.strip_chars(" .\t").cast(pl.Categorical(pl.Categories.random()))
    distinct = flat.unique().to_frame("piece").sort(pl.col("piece").cat.physical())["piece"].cast(pl.String)
    meaning = _read_pieces(distinct).drop("piece")
    codes = relist(flat.cat.physical().cast(pl.UInt32), pieces)
    longest = codes.list.len().max()
    deep = min(longest, _PIECES) if isinstance(longest, int) else 1
    return _assemble(
        [meaning.select(pl.all().gather(codes.list.get(-back, null_on_oob=True))) for back in range(1, deep + 1)]
    )


def _read_pieces(pieces: pl.Series) -> pl.DataFrame:
    """Distinct pieces as piece, unit, city, state, zip5, zip4, way (a whole street), is_both (state and city)."""
    frame = _take_state(_take_zip(pieces.alias("piece").to_frame()))
    frame = _take_direction(frame).with_columns(city=places.clean_city(pl.col("text")))
    frame = _take_city_behind_unit(frame)
    frame = frame.with_columns(places.is_known(frame["city"], places.city_states()).alias("is_city"))
    for columns in _kinds_of_pieces():
        frame = frame.with_columns(columns)
    return frame.select(_MEANING)


@cache
def _kinds_of_pieces() -> Sequence[Sequence[pl.Expr]]:
    """What a piece without its ZIP and state is: the columns of `_read_pieces`, in steps. Made once."""
    text, kind = pl.col("text"), pl.col("kind")
    is_either = (
        pl.col("is_city") & opens_unit(text) & ~text.str.contains(_NO_CITIES)
        & ~text.is_in([*LONE_DESIGNATORS, *PLACEHOLDERS])
    )  # fmt: skip
    words = text.str.count_matches(r"\S+")
    kinds = (
        pl.when((text == "") | text.is_in(list(PLACEHOLDERS))).then(pl.lit("nothing"))
        .when(text.str.replace_all(".", "", literal=True).is_in(list(DIRECTIONALS))).then(pl.lit("direction"))
        .when(pl.col("is_either")).then(pl.lit("either"))
        .when(opens_unit(text)).then(pl.lit("unit"))
        .when(pl.col("is_city")).then(pl.lit("city"))
        .when(text.is_in(list(UNIT_WORDS)) | text.str.contains(_UNIT_LETTERS)).then(pl.lit("unit"))
        .when(text.str.contains(r"^\d\S*\s+\S*[A-Z]{2}") & ((words > 2) | _ends_street(text))).then(pl.lit("way"))
        .when(text.str.contains(r"\d") | (text.str.len_chars() <= 2)).then(pl.lit("unit"))
        .when(pl.col("city").is_not_null()).then(pl.lit("city"))
        .otherwise(pl.lit("nothing"))
    )  # fmt: skip
    return (
        [is_either.alias("is_either")],
        [kinds.alias("kind")],
        [
            pl.when(kind.is_in(["unit", "either"])).then("text").alias("unit"),
            pl.when(kind.is_in(["city", "either"])).then("city").otherwise("run_city").alias("city"),
            pl.when(kind == "way").then("text").alias("way"),
            pl.when(kind == "direction").then("text").otherwise("direction").alias("direction"),
        ],
    )


def _take_state(frame: pl.DataFrame) -> pl.DataFrame:
    """Pieces without their state, which becomes state; is_both where the piece names a city as well (NEW YORK)."""
    text, before, state = pl.col("text"), pl.col("before"), pl.col("state")
    frame = frame.with_columns(_state_within())
    before_city = frame.select(pl.concat_str(places.clean_city(before), pl.lit(","), state)).to_series()
    is_state = pl.col("frames") | places.is_known(before_city, places.cities())
    is_both = (before == "") & state.is_not_null() & (text.str.len_chars() > 2) & pl.col("zip5").is_null()
    return frame.with_columns(is_both=is_both, is_state=state.is_not_null() & is_state).with_columns(
        pl.when("is_state").then("state").alias("state"),
        pl.when(pl.col("is_state") & ~pl.col("is_both")).then("before").otherwise("text").alias("text"),
    )


@cache
def _state_within() -> Sequence[pl.Expr]:
    """state and before (the text up to it), and whether anything but a city before it frames it."""
    text, before = pl.col("text"), pl.col("text").str.replace(_STATE, "")
    is_code = text.str.contains(r" [A-Z]{2}$") & ~text.str.tail(2).is_in([*SUFFIXES, *DIRECTIONALS]) & ~opens_unit(text)
    return (
        _state_code(text.str.extract(_STATE, 1)).alias("state"), before.alias("before"),
        (pl.col("zip5").is_not_null() | (before == "") | is_code).alias("frames"),
    )  # fmt: skip


def _take_direction(frame: pl.DataFrame) -> pl.DataFrame:
    """Pieces that begin with the street's directional (OAK ST, NE STE 5; OAK ST, NE ATLANTA): it becomes direction."""
    direction = pl.Series("direction", [None], dtype=pl.String).new_from_index(0, frame.height)
    where = frame["text"].str.contains(_DIRECTED).arg_true()
    if where.is_empty():
        return frame.with_columns(direction)
    some = frame["text"].gather(where).to_frame("text").select(
        pl.col("text").str.extract_groups(_DIRECTED).struct.rename_fields(["direction", "rest"]).struct.unnest(), "text"
    )  # fmt: skip
    cities = some.select(whole=places.clean_city(pl.col("text")), rest=places.clean_city(pl.col("rest")))
    is_city = [places.is_known(cities[name], places.city_states()) for name in ("rest", "whole")]
    goes = (is_city[0] & ~is_city[1]) | some.select(opens_unit(pl.col("rest"))).to_series()
    some, where = some.filter(goes), where.filter(goes)
    return frame.with_columns(
        frame["text"].scatter(where, some["rest"]), direction.scatter(where, some["direction"]).alias("direction")
    )


def _take_city_behind_unit(frame: pl.DataFrame) -> pl.DataFrame:
    """Units that run on to a city (STE 204 SANTA FE): what follows the identifier, if it is one, becomes run_city."""
    found = frame.select(pl.when(opens_unit(pl.col("text"))).then("text").str.extract_groups(_RUNS_ON).alias("found"))
    unit, tail = (found["found"].struct.field(name) for name in ("1", "2"))
    city = tail.to_frame("tail").select(places.clean_city(pl.col("tail"))).to_series()
    known = places.is_known(city, places.city_states())
    return frame.with_columns(
        city.set(~known, None).alias("run_city"), pl.when(known).then(unit).otherwise("text").alias("text")
    )


def _take_zip(frame: pl.DataFrame) -> pl.DataFrame:
    """Pieces with text (without country and ZIP), zip5 and zip4; a unit's or a highway's number is no ZIP."""
    for columns in _zip_within():
        frame = frame.with_columns(columns)
    is_zip = pl.col("may_be_zip") & ((pl.col("rest") != "") | places.is_known(frame["zip5"], places.zips()))
    before = frame.select(pl.when(pl.col("is_unit") & pl.col("zip5").is_not_null()).then("rest")).to_series()
    if before.null_count() == len(before):
        is_zip &= ~pl.col("is_unit")
    else:  # UPPER MARLBORO 20772
        city = before.to_frame("rest").select(places.clean_city(pl.col("rest"))).to_series()
        is_zip &= ~pl.col("is_unit") | places.is_known(city, places.city_states())
    return frame.with_columns(is_zip=is_zip).select(
        "piece", pl.when("is_zip").then("zip5"), pl.when("is_zip").then("zip4"),
        pl.when("is_zip").then("rest").otherwise("text").alias("text"),
    )  # fmt: skip


@cache
def _zip_within() -> Sequence[Sequence[pl.Expr]]:
    """text, and in it zip5, zip4, rest (what stands before), whether the text opens a unit, and may_be_zip."""
    text, rest, zips = pl.col("text"), pl.col("rest"), pl.col("zip").struct
    return (
        [pl.col("piece").str.replace(_COUNTRY, "").alias("text")],
        [text.str.extract_groups(_ZIP).alias("zip"), text.str.replace(_ZIP, "").alias("rest")],
        [
            zips.field("1").alias("zip5"), zips.field("2").alias("zip4"),
            # `APT 12345` holds no ZIP, but `FL 33131` is Florida and `STE 204 SANTA FE NM 87501` runs on to one.
            (opens_unit(text) & ~rest.str.contains(_STATE)).alias("is_unit"),
            (zips.field("1").is_not_null() & ~rest.str.contains(_NUMBERED_WAY)).alias("may_be_zip"),
        ],
    )  # fmt: skip


def _state_code(name: pl.Expr) -> pl.Expr:
    return name.str.replace_all(".", "", literal=True).replace_strict(
        places.STATES, default=None, return_dtype=pl.String
    )


def _ends_street(text: pl.Expr) -> pl.Expr:
    return text.str.extract(r"(\S+)$", 1).is_in([*SUFFIXES, *DIRECTIONALS])


def _assemble(read: list[pl.DataFrame]) -> pl.DataFrame:
    """unit, way, direction, city, state, zip5, zip4 from the meanings of the last pieces, the very last first."""
    wide = pl.concat(
        [part.select(pl.all().name.suffix(f"_{at}")) for at, part in enumerate(read)],
        how="horizontal",
    )

    def each(name: str) -> list[str]:
        return [f"{name}_{at}" for at in range(len(read))]

    # NEW YORK behind a city is the state, else the city; only a ZIP of its own may follow.
    for at in range(min(2, len(read))):
        is_both = pl.col(f"is_both_{at}").fill_null(value=False)
        is_city = is_both & pl.all_horizontal(pl.col(each("city")[at + 1 :]).is_null())
        wide = wide.with_columns(
            pl.when(~is_city).then(f"state_{at}").alias(f"state_{at}"),
            pl.when(is_city | ~is_both).then(f"city_{at}").alias(f"city_{at}"),
        )
    wide = _settle_either(wide, len(read)) if any(part["is_either"].any() for part in read) else wide
    texts = [
        pl.concat_str(each(name)[::-1], separator=" ", ignore_nulls=True).replace("", None).alias(name)
        for name in ("unit", "direction")
    ]
    return wide.select(
        *texts, pl.coalesce(each("way")[::-1]).alias("way"),
        *(pl.coalesce(each(name)).alias(name) for name in ("city", "state", "zip5", "zip4")),
    )  # fmt: skip


def _settle_either(wide: pl.DataFrame, count: int) -> pl.DataFrame:
    """VILLA RIDGE is the city, and the unit where another city follows it."""
    for at in range(count):
        is_either = pl.col(f"is_either_{at}").fill_null(value=False)
        is_unit = pl.any_horizontal(
            [pl.lit(value=False), *(pl.col(f"city_{later}").is_not_null() for later in range(at))]
        )
        wide = wide.with_columns(
            pl.when(~is_either | is_unit).then(f"unit_{at}").alias(f"unit_{at}"),
            pl.when(~is_either | ~is_unit).then(f"city_{at}").alias(f"city_{at}"),
        )
    return wide


def _split_tail(lines: pl.Series) -> pl.DataFrame:
    """Lines without commas that end in a ZIP or a state."""
    line = pl.col("street")
    frame = (
        lines.str.replace(_COUNTRY, "").alias("street").to_frame()
        .with_columns(
            line.str.extract_groups(_ZIP).struct.rename_fields(["zip5", "zip4"]).alias("zip"),
            line.str.replace(_ZIP, "").alias("before"),
        )
        .unnest("zip")
        .with_columns(_state_code(pl.col("before").str.extract(_STATE, 1)).alias("state"))
    )  # fmt: skip
    zip_state = places.lookup(frame["zip5"], places.zips(), "state")
    has_zip = (
        (pl.col("zip_state").is_not_null() | (pl.col("zip5").is_not_null() & pl.col("state").is_not_null()))
        & ~pl.col("before").str.contains(_NUMBERED_WAY) & pl.col("before").str.contains(r"\S \S")
    )  # fmt: skip
    frame = frame.with_columns(zip_state.alias("zip_state")).with_columns(has_zip=has_zip).with_columns(
        pl.when("has_zip").then("zip5"), pl.when("has_zip").then("zip4"),
        pl.when("has_zip").then("before").otherwise(line).alias("street"),
    )  # fmt: skip
    certain = _certain_state(frame)
    before_state = line.str.replace(_STATE, "")
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
    loose = some.select(pl.col("street").str.replace(_STATE, ""), pl.lit(None, dtype=pl.String).alias("zip5"), "state")
    found = find_cities(loose)
    # A state that is a suffix too needs a whole street before its city: 465 PECK LN CHESHIRE CT.
    words = loose["street"].str.split(" ")
    before = loose.select(words.list.get(words.list.len().cast(pl.Int64) - found["words"] - 1, null_on_oob=True))
    whole = before.to_series().str.strip_chars_end(".,").is_in(list(SUFFIXES))
    ends_like_suffix = some["street"].str.extract(r"([^ .]+)[ .]*$", 1).is_in(list(SUFFIXES))
    follows_city = found["city"].is_not_null() & (~ends_like_suffix | whole)
    return certain.scatter(at, follows_city.fill_null(value=False))
