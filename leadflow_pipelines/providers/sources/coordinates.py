"""Where an address lies: what is asked of a geocoder, and what comes of it whichever was asked.

Here: the shapes both share. Not here: a geocoder's own way of asking and answering (`census`, `google`).
"""

from collections.abc import Iterator

import polars as pl

from leadflow_pipelines.contracts import GEOCODES

COORDINATES = {
    "record_key": pl.String,
    **{name: GEOCODES.schema[name] for name in ("lat", "lon", "matched_address", "quality")},
    "zip": pl.String,
    "geocoded_at": GEOCODES.schema["geocoded_at"],
    "cost_cents": GEOCODES.schema["cost_cents"],
}
"""One row for each record asked about. quality: as in GEOCODES; where it is `none`, coordinates and matched address are
null. zip: of the call. The first record of an address carries what the answer cost, so that costs add up."""
BETWEEN_KEYS = "\n"
ADDRESS = ("zip", "street", "city", "state", "zip5")


def addresses_to_ask(frame: pl.DataFrame) -> Iterator[dict[str, str | None]]:
    """Each address once, in order: `keys` (those of all its records, joined) and zip, street, city, state, zip5.

    frame: record_key, zip (the partition), street, city, state, zip5; optionally lat and lon. Left out are rows that
    have both coordinates, that have no street, or neither a ZIP nor a city with its state.
    """
    wanted = pl.col("street").str.strip_chars().fill_null("") != ""
    wanted &= pl.col("zip5").is_not_null() | (pl.col("city").is_not_null() & pl.col("state").is_not_null())
    if {"lat", "lon"} <= set(frame.columns):
        wanted &= pl.any_horizontal(pl.col("lat", "lon").is_null())
    keys = pl.col("record_key").unique(maintain_order=True).str.join(BETWEEN_KEYS).alias("keys")
    yield from frame.filter(wanted).group_by(ADDRESS, maintain_order=True).agg(keys).iter_rows(named=True)


def coordinates_of(raw: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """COORDINATES of raw pulls (RAW_PULLS shape); found: lat, lon, matched_address, quality, a row for each."""
    lat, lon = pl.col("lat").cast(pl.Float64, strict=False), pl.col("lon").cast(pl.Float64, strict=False)
    is_found = lat.is_between(-90, 90) & lon.is_between(-180, 180)
    placed = found.select(
        pl.when(is_found).then(lat).alias("lat"),
        pl.when(is_found).then(lon).alias("lon"),
        pl.when(is_found).then("matched_address").alias("matched_address"),
        pl.when(is_found).then(pl.col("quality").fill_null("approximate")).otherwise(pl.lit("none")).alias("quality"),
    )
    keyed = (
        placed.with_columns(
            raw["item_key"].str.split(BETWEEN_KEYS).alias("record_key"),
            raw["zip"],
            raw["cost_cents"],
            raw["fetched_at"].alias("geocoded_at"),
        )
        .with_row_index("answer")
        .explode("record_key")
        .with_columns(pl.when(pl.col("answer").is_first_distinct()).then("cost_cents").otherwise(0))
    )
    return keyed.filter(pl.col("record_key").is_not_null()).select(
        pl.col(name).cast(dtype) for name, dtype in COORDINATES.items()
    )
