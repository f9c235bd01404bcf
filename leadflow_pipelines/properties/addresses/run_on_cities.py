"""Cities that run on from the street without a comma: `12 OAK ST SALT LAKE CITY UT`, `12 OAK ST NASHVILLE`.

Here: finding the words that are the city. Not here: cities in a piece of their own (`lines`), the names (`places`).
"""

import polars as pl

from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.addresses.postal_tables import (
    DESIGNATORS,
    DIRECTIONALS,
    ROADS,
    SUFFIXES,
    UNIT_WORDS,
)

_CITY_WORDS = 4
"""Words in the longest city names worth trying where no comma marks the city."""
_IDENTIFIED = r"[ ,]+(?:APT|APARTMENT|UNIT|STE|SUITE|RM|ROOM|#)[ .#]*[0-9A-Z]*[0-9][0-9A-Z\-]*|[ ,]+#[A-Z]"
_ROAD_ENDS = (
    rf"^([0-9]\S* (?:.*[\p{{L}}0-9] (?:{ROADS})|(?:[NSEW] )?BROADWAY))\.?"
    rf"((?: [NSEW]{{1,2}}\.?)?)((?:{_IDENTIFIED})?) (\p{{L}}[\p{{L}} .'\-]{{3,}})$"
)
"""A whole street with any unit, then words that may be a city."""


def find_cities(frame: pl.DataFrame) -> pl.DataFrame:
    """Per row of street, state, zip5: the city that the street's last words name (city), and their number (words).

    The longest run that the ZIP has as a city counts, else the longest that the state has. Two words or more remain
    before it. A run that ends like a street (REGO PARK), or that a known ZIP does not have, must follow a street that
    has ended; a lone suffix (BOULEVARD is a place, too) must be the ZIP's own city (SUMMIT).
    """
    words = frame["street"].str.split(" ")
    tail = (
        pl.DataFrame({f"word_{back}": words.list.get(-back, null_on_oob=True) for back in range(1, _CITY_WORDS + 2)})
        .with_columns(pl.all().str.strip_chars_end(".,"))
        .with_columns(frame["zip5"], frame["state"], count=words.list.len())
    )
    ends = [*SUFFIXES, *DIRECTIONALS]
    tail = tail.with_columns(
        like_street=pl.col("word_1").is_in(list(SUFFIXES)),
        **{
            f"ended_{back}": pl.col(f"word_{back}").is_in(ends) | pl.col(f"word_{back}").str.contains(r"\d|^#?[A-Z]$")
            for back in range(2, _CITY_WORDS + 2)
        },
    )
    runs = [(by, length) for by in ("zip5", "state") for length in range(_CITY_WORDS, 0, -1)]
    keys = tail.select(
        pl.when(_may_be_city(by, length)).then(
            pl.concat_str(
                pl.concat_str([f"word_{back}" for back in range(length, 0, -1)], separator=" "), pl.lit(","), by
            )
        ).alias(f"{by}_{length}")
        for by, length in runs
    )  # fmt: skip
    cities = places.lookup(pl.concat(keys.get_columns()), places.cities(), "city")
    found = pl.DataFrame({name: cities.slice(at * keys.height, keys.height) for at, name in enumerate(keys.columns)})
    lengths = pl.coalesce(pl.when(pl.col(f"{by}_{length}").is_not_null()).then(pl.lit(length)) for by, length in runs)
    return found.select(pl.coalesce(found.columns).alias("city"), lengths.alias("words"))


def _may_be_city(by: str, length: int) -> pl.Expr:
    """Whether the last words may be a city at all; see `find_cities`."""
    ended = pl.col(f"ended_{length + 1}")
    lone = pl.col("like_street") & (length == 1) & (by == "state")
    beyond_zip = pl.col("zip5").is_not_null() & (by == "state")
    # SPRING VALLEY is its ZIP's own city; REGO PARK may be a street's name where only the state speaks for it.
    own = by == "zip5" and length > 1
    follows_street = ended | ~((pl.col("like_street") & (not own)) | beyond_zip)
    return (pl.col("count") >= length + 2 + beyond_zip.cast(pl.Int32)) & follows_street & ~lone


def take_city(parts: pl.DataFrame) -> pl.DataFrame:
    """Cities that run on from the street without a comma, where a state or ZIP follows."""
    framed = pl.col("zip5").is_not_null() | pl.col("state").is_not_null()
    where = parts.select((pl.col("city").is_null() & framed & pl.col("street").is_not_null()).arg_true()).to_series()
    if where.is_empty():
        return parts
    some = parts.select(pl.col("street", "zip5", "state").gather(where)).with_columns(
        pl.col("street").str.strip_chars(" ,.")
    )
    found = find_cities(some)
    words = pl.col("street").str.split(" ")
    kept = words.list.head(words.list.len().cast(pl.Int64) - pl.col("words").fill_null(0)).list.join(" ")
    street = some.with_columns(found["words"]).select(kept.str.strip_chars(" ,.")).to_series()
    return parts.with_columns(parts["city"].scatter(where, found["city"]), parts["street"].scatter(where, street))


def take_unframed_city(streets: pl.Series, own: pl.DataFrame) -> pl.DataFrame:
    """street and city, row by row: the city that stands behind a whole street where the line says no state or ZIP.

    `own` holds what the caller says: city, state, zip5. Where it says anything, the city must agree with it; where it
    says nothing, some state must have such a city. Null where the line names none. A lone word that ends streets or
    names units (EXTENSION, FRONT) is none, and ST ANDREWS behind OAK is no street OAK ST in ANDREWS.
    """
    found = (
        streets.to_frame("line").select(pl.col("line").str.extract_groups(_ROAD_ENDS).alias("found")).unnest("found")
    )
    found = found.rename(dict(zip(found.columns, ("road", "direction", "unit", "tail"), strict=True)))
    # The road's last word may begin the city: MAIN ST ST LOUIS, MAIN ST N LITTLE ROCK.
    longer = pl.concat_str(pl.col("direction").str.strip_chars(" ."), "tail", separator=" ")
    saint = pl.concat_str(pl.lit("SAINT "), "tail")
    names = found.select(
        city=places.clean_city(pl.col("tail")), longer=places.clean_city(longer), saint=places.clean_city(saint)
    )
    is_known = {name: places.is_known(names[name], places.city_states()) for name in ("longer", "saint")}
    is_saint = found["road"].str.ends_with(" ST") & (found["direction"] == "") & (found["unit"] == "")
    is_saint &= is_known["saint"]
    is_longer = (found["direction"] != "") & (found["unit"] == "") & is_known["longer"]
    before_saint = found["road"].str.replace(r" ST$", "")
    frame = found.select(
        street=pl.when(is_saint & before_saint.str.contains(rf" (?:{ROADS})$")).then(before_saint)
        .when(is_longer & ~is_saint).then("road")
        .when(~is_saint).then(pl.concat_str("road", "direction", "unit")),
        city=pl.when(is_saint).then(names["saint"]).when(is_longer).then(names["longer"]).otherwise(names["city"]),
    )  # fmt: skip
    city, says = frame["city"], own.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    agrees = pl.select(
        pl.when(says).then(
            (city == own["city"]).fill_null(value=False)
            | places.is_known(city + "," + own["zip5"], places.cities())
            | places.is_known(city + "," + own["state"], places.cities())
        )
        .otherwise(places.is_known(city, places.city_states()))
    ).to_series()  # fmt: skip
    goes = agrees & frame["street"].is_not_null() & ~city.is_in([*SUFFIXES, *DIRECTIONALS, *DESIGNATORS, *UNIT_WORDS])
    return frame.with_columns(frame[name].set(~goes.fill_null(value=False), None) for name in frame.columns)
