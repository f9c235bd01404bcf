"""What stands between the commas of a one-line address: unit, city, state, ZIP, a second way, or nothing.

Here: pieces behind the street, read once per distinct piece (cities, states, ZIPs and units repeat). Not here: where a
line is split (`lines`), what a unit means (`units`).
"""

from collections.abc import Sequence
from functools import cache

import polars as pl

from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.addresses.postal_tables import (
    DIRECTIONALS,
    LONE_DESIGNATORS,
    PLACEHOLDERS,
    SUFFIXES,
    UNIT_WORDS,
)
from leadflow_pipelines.properties.addresses.tokens import relist
from leadflow_pipelines.properties.addresses.units import opens_unit

STATES = "|".join(sorted(places.STATES, key=len, reverse=True))
COUNTRY = r"(?:^|[ ,]+)(?:USA|U\.S\.A\.?|UNITED STATES(?: OF AMERICA)?)\.?$"
ZIP = r"(?:^|[ .]+)([0-9]{5})(?:[- ]?([0-9]{4}))?[ .]*$"
STATE = rf"(?:^|[ .]+)({STATES}|[A-Z]\.[A-Z]\.?)[ .]*$"
NUMBERED_WAY = (
    r"(?:HIGHWAY|HWY|ROUTE|RTE|RT|ROAD|RD|#|APT|APARTMENT|UNIT|STE|SUITE|ROOM|LOT|SPACE|BLDG|BOX|SR|CR|FM)[ .#]*$"
)
"""Behind it a number of five digits is the way's or the unit's, and no ZIP."""
_NO_CITIES = r"\d|^(?:DEPT|DEPARTMENT|OFFICE|FL|SPACE)\b"
"""Agencies with a ZIP of their own, which the ZIP table lists beside cities: a department or floor all the same."""
_MEANING = (
    "piece", "unit", "city", "state", "zip5", "zip4", "way", "direction", "is_both", "is_either",
)  # fmt: skip
_RUNS_ON = r"^(\S+ \S*\d\S*) (\p{L}{2}[\p{L} .'\-]*)$"
_DIRECTED = r"^([NS]\.? ?[EW]\.?|[NSEW]\.?) +(.+)$"
_UNIT_LETTERS = r"^(?:PH-?[A-Z0-9]{0,2}|[A-Z]-[A-Z]|(?:TOWER|TWR) [A-Z0-9]{1,2})$"
_PIECES = 5
"""Pieces behind the street that are looked at, from the end."""


def read_rests(rests: pl.Series) -> pl.DataFrame:
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
    text, before = pl.col("text"), pl.col("text").str.replace(STATE, "")
    is_code = text.str.contains(r" [A-Z]{2}$") & ~text.str.tail(2).is_in([*SUFFIXES, *DIRECTIONALS]) & ~opens_unit(text)
    return (
        state_code(text.str.extract(STATE, 1)).alias("state"), before.alias("before"),
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
        [pl.col("piece").str.replace(COUNTRY, "").alias("text")],
        [text.str.extract_groups(ZIP).alias("zip"), text.str.replace(ZIP, "").alias("rest")],
        [
            zips.field("1").alias("zip5"), zips.field("2").alias("zip4"),
            # `APT 12345` holds no ZIP, but `FL 33131` is Florida and `STE 204 SANTA FE NM 87501` runs on to one.
            (opens_unit(text) & ~rest.str.contains(STATE)).alias("is_unit"),
            (zips.field("1").is_not_null() & ~rest.str.contains(NUMBERED_WAY)).alias("may_be_zip"),
        ],
    )  # fmt: skip


def state_code(name: pl.Expr) -> pl.Expr:
    """The postal code of a state's upper-case name or abbreviation; null for anything else."""
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
