"""One-line addresses: where the street ends and unit, city, state and ZIP begin.

Here: work on whole strings. Not here: the street's own words (`address_grammar`), the unit's (`address_units`).
"""

import polars as pl

from leadflow_pipelines.properties import places
from leadflow_pipelines.properties.address_units import opens_unit
from leadflow_pipelines.properties.postal_tables import PLACEHOLDERS, SUFFIXES

LINE_PARTS = ("street", "unit_text", "city", "state", "zip5", "zip4")
_COUNTRY = r"[ ,]+(?:USA|U\.S\.A\.?|UNITED STATES(?: OF AMERICA)?)\.?$"
_ZIP = r"[ ,.]*[ ,](\d{5})(?:[- ]?(\d{4}))?[ ,.]*$"
_STATES = "|".join(sorted(places.STATES, key=len, reverse=True))
_STATE = rf"(?:^|[ ,.]+)({_STATES}|[A-Z]\.[A-Z])[ ,.]*$"
_LONGEST_CITY = 4
"""Words in the longest city names worth trying where no comma marks the city."""
_COMPOSED = r"[^\x00-\x7F]"


def clean_text(text: pl.Series) -> pl.Series:
    """Upper case, accents and typographic signs reduced to ASCII where they have a counterpart, spaces trimmed."""
    where = text.str.contains(_COMPOSED).fill_null(value=False).arg_true()
    if not where.is_empty():
        plain = (
            text.gather(where)
            .str.replace_all(r"½", " 1/2").str.replace_all(r"¼", " 1/4").str.replace_all(r"¾", " 3/4")
            .str.normalize("NFKD")
            .str.replace_all(r"\p{M}+", "")
            .str.replace_all(r"[\u2010-\u2015\u2212]", "-")
            .str.replace_all(r"[\p{Z}\u200b\ufeff]", " ")
        )  # fmt: skip
        text = text.scatter(where, plain)
    upper = text.str.to_uppercase()
    trimmed = upper.str.strip_chars(" \t\r\n\f\v,;")
    return pl.select(pl.when(trimmed != "").then(trimmed)).to_series()


def split_lines(lines: pl.Series) -> pl.DataFrame:
    """Upper-case lines, one row each in order: LINE_PARTS, null where absent.

    A ZIP is taken where the ZIP table knows it, or where a comma or state stands before it; a state where a comma
    or a ZIP frames it, or a city of that state does.
    """
    parts = pl.DataFrame(
        {"street": lines, **{name: pl.Series(dtype=pl.String).extend_constant(None, len(lines)) for name in LINE_PARTS[1:]}}
    )
    framed = (lines.str.contains(",", literal=True) | lines.str.contains(r" (?:[A-Z]{2}|\d{5}(?:-?\d{4})?|[A-Z.]{4,}|USA)$"))
    where = framed.fill_null(value=False).arg_true()
    if where.is_empty():
        return parts
    split = _split_framed(lines.gather(where))
    return parts.with_columns(parts[name].scatter(where, split[name]) for name in LINE_PARTS)


def _split_framed(lines: pl.Series) -> pl.DataFrame:
    head = pl.col("head")
    frame = (
        lines.str.replace(_COUNTRY, "").to_frame("head")
        .with_columns(head.str.extract_groups(_ZIP).struct.rename_fields(["zip5", "zip4"]).alias("zip"))
        .unnest("zip")
        .with_columns(head.str.replace(_ZIP, "").alias("before_zip"))
        .with_columns(pl.col("before_zip").str.extract(_STATE, 1).replace_strict(places.STATES, default=None).alias("state"))
        .with_columns(
            (
                pl.col("zip5").is_not_null()
                & (
                    pl.col("zip5").is_in(places.known_zips().implode())
                    | pl.col("state").is_not_null()
                    | head.str.contains(r",[ ]*\d{5}[^,]*$")
                )
                & (pl.col("before_zip") != "")
                & ~pl.col("before_zip").str.contains(r"(?:HIGHWAY|HWY|ROUTE|RTE|ROAD|RD|#|APT|UNIT|BOX)$")
            ).alias("has_zip")
        )
        .with_columns(
            pl.when("has_zip").then("zip5"), pl.when("has_zip").then("zip4"),
            pl.when("has_zip").then("before_zip").otherwise(head).alias("head"),
        )
    )  # fmt: skip
    frame = _take_state(frame)
    frame = _take_city(frame)
    return frame.select(LINE_PARTS)


def _take_state(frame: pl.DataFrame) -> pl.DataFrame:
    """The state behind a comma, before a ZIP, or behind a city that the state has."""
    head = pl.col("head")
    frame = frame.with_columns(
        head.str.extract(_STATE, 1).str.replace(".", "", literal=True).alias("found"),
        head.str.replace(_STATE, "").alias("before_state"),
    ).with_columns(pl.col("found").replace_strict(places.STATES, default=None).alias("state"))
    city = _city_candidates(frame, "before_state", "state")
    # A bare `12 WOODSTOCK CT` is a court, and `5 LINCOLN NE` no city: the city needs a street before it.
    street = pl.col("before_state").str.head(pl.col("before_state").str.len_chars() - city.str.len_chars())
    has_street = street.str.contains(r"\S \S") & ~pl.col("found").is_in(list(SUFFIXES))
    has_city = (city.is_not_null() & has_street).fill_null(value=False)
    is_city_too = pl.col("found").is_in(places.city_names().implode()) & (pl.col("found").str.len_chars() > 2)
    names_city = is_city_too & ~pl.col("has_zip") & ~pl.col("before_state").str.contains(",", literal=True)
    certain = (
        pl.col("has_zip") | head.str.contains(rf",[ ]*(?:{_STATES})[ .]*$") | has_city
    ) & (pl.col("before_state") != "")
    # A ZIP may follow a street that ends like a state (12 OAK CT 37210): its own state decides.
    zip_state = pl.col("zip5").replace_strict(
        places.zip_table()["zip"], places.zip_table()["state"], default=None, return_dtype=pl.String
    )
    contradicted = (zip_state != pl.col("state")) & ~head.str.contains(",", literal=True) & city.is_null()
    certain = certain & ~contradicted.fill_null(value=False) & ~names_city.fill_null(value=False)
    return frame.with_columns(
        pl.when(certain).then("state").alias("state"),
        pl.when(certain).then("before_state").otherwise(head).alias("head"),
    )


def _city_candidates(frame: pl.DataFrame, column: str, state: str) -> pl.Series:
    """The longest run of last words that is a city of the row's ZIP, else of its state; null where none is."""
    text = pl.col(column).str.strip_chars(" ,")
    of_zip = places.city_zips().select(pl.concat_str("city", pl.lit(","), "zip")).to_series().implode()
    of_state = places.cities_with_state().implode()
    found: list[pl.Expr] = []
    for key, known in (("zip5", of_zip), (state, of_state)):
        for words in range(_LONGEST_CITY, 0, -1):
            run = text.str.extract(r"(?:^|[ ,])((?:[^ ,]+ ){%d}[^ ,]+)$" % (words - 1), 1)
            name = places.clean_city(run)
            found.append(pl.when(pl.concat_str(name, pl.lit(","), pl.col(key)).is_in(known)).then(run))
    return frame.select(pl.coalesce(found)).to_series()


def _take_city(frame: pl.DataFrame) -> pl.DataFrame:
    """Street, unit and city of what stands before state and ZIP."""
    head = pl.col("head").str.strip_chars(" ,")
    has_comma = head.str.contains(",", literal=True)
    run = _city_candidates(frame, "head", "state")
    framed = pl.col("state").is_not_null() | pl.col("has_zip")
    before_run = head.str.slice(0, head.str.len_chars() - run.str.len_chars()).str.strip_chars(" ,")
    # Without a comma the city needs a street of two words or more before it.
    runs_on = (~has_comma & framed & run.is_not_null() & before_run.str.contains(r"\S \S")).fill_null(value=False)
    pieces = pl.when(runs_on).then(before_run).otherwise(head).str.split(",")
    frame = frame.with_columns(
        pieces.list.first().str.strip_chars().alias("street"),
        pieces.list.slice(1).alias("pieces"),
        pl.when(runs_on).then(places.clean_city(run)).alias("run_city"),
    ).with_row_index("row")
    return _sort_pieces(frame)


def _sort_pieces(frame: pl.DataFrame) -> pl.DataFrame:
    """The pieces behind the first comma: the last one that reads as a city is the city, unit-like ones are the unit."""
    pieces = (
        frame.select("row", pl.col("pieces").alias("piece"))
        .filter(pl.col("piece").list.len() > 0)
        .explode("piece")
        .with_columns(pl.col("piece").str.strip_chars(" .\t"))
        .filter(pl.col("piece") != "")
    )
    kinds = pieces.select(pl.col("piece").unique()).with_columns(places.clean_city(pl.col("piece")).alias("city"))
    piece = pl.col("piece")
    kinds = kinds.with_columns(
        pl.when(piece.is_in(list(PLACEHOLDERS))).then(pl.lit("nothing"))
        .when(opens_unit(piece)).then(pl.lit("unit"))
        .when(pl.col("city").is_in(places.city_names().implode())).then(pl.lit("city"))
        .when(piece.str.contains(r"\d") | (piece.str.len_chars() <= 2)).then(pl.lit("unit"))
        .when(pl.col("city").is_not_null()).then(pl.lit("city"))
        .otherwise(pl.lit("nothing")).alias("kind")
    )  # fmt: skip
    sorted_out = (
        pieces.join(kinds, on="piece", how="left", maintain_order="left")
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("city").filter(pl.col("kind") == "city").last(),
            pl.col("piece").filter(pl.col("kind") == "unit").str.join(" ").alias("unit_text"),
        )
    )
    return frame.join(sorted_out, on="row", how="left", maintain_order="left").with_columns(
        pl.coalesce("run_city", "city").alias("city"),
        pl.when(pl.col("unit_text") != "").then("unit_text").alias("unit_text"),
    )
