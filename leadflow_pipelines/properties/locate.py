"""Which ZIP partition a record belongs to, when it does not say so itself.

Here: evidence from other records and from the ZIP table. Not here: state and county of a file (`infer_place`).
"""

import polars as pl

from leadflow_pipelines.contracts import UNLOCATED
from leadflow_pipelines.properties.addresses import address_key, places
from leadflow_pipelines.properties.addresses.grammar import PARTS

KNOWN_COLUMNS = ("parcel_key", *PARTS, "city", "state", "county_fips", "zip")
"""What `known` may hold: columns of earlier records or properties. Absent ones give no evidence."""
WITHIN_METRES = 12_000.0
"""Of a ZIP's centre: an address that the record's county has in one ZIP alone is taken for the record's own there."""
_METRES_PER_DEGREE = 111_320.0


def locate_records(records: pl.DataFrame, known: pl.DataFrame | None = None) -> pl.DataFrame:
    """The records, same rows in the same order, each with zip, located_by, zip5 and address_key set anew.

    In this order: the record's own ZIP if it exists; the one ZIP of located records with its parcel_key; the one ZIP
    of located records with its number, street, city and state; where it has coordinates and no city, the one ZIP
    around them of located records with its number and street in its county; the one deliverable ZIP of its city; else
    the partition `unlocated`. Evidence is the frame itself and `known` (KNOWN_COLUMNS).
    """
    exists = places.is_known(records["zip5"], places.zips())
    records = records.with_columns(pl.when(exists).then("zip5").alias("zip5"))
    silent = records["zip5"].is_null()
    if not silent.any():
        return records.with_columns(pl.col("zip5").alias("zip"), pl.lit("record").alias("located_by"), address_key())
    evidence = _evidence([records.with_columns(zip=pl.col("zip5")), *([known] if known is not None else [])])
    found = _found(records.filter(silent), evidence)
    name = found.select(pl.concat_str("city", pl.lit(","), "state")).to_series()
    found = found.with_columns(places.lookup(name, places.city_places(), "zip").alias("by_city"))
    return _settle(records, silent, found)


def find_place_of_unlocated(unlocated: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Those of the unlocated records that later evidence places, with zip, located_by, zip5 and address_key set."""
    found = _found(unlocated, _evidence([known])).with_columns(pl.lit(None, dtype=pl.String).alias("by_city"))
    settled = _settle(unlocated, pl.repeat(value=True, n=unlocated.height, eager=True), found)
    return settled.filter(pl.col("zip") != UNLOCATED)


def _street_in(*place: str) -> pl.Expr:
    """Number, street and place as one string; null where number, street or a part of the place is unknown."""
    whole = pl.all_horizontal(pl.col("house_number", "street_name", *place).is_not_null())
    text = pl.concat_str([pl.col(name).fill_null("") for name in (*PARTS, *place)], separator="|")
    return pl.when(whole).then(text)


_KEYS = {
    "by_parcel": pl.col("parcel_key"), "by_address": _street_in("city", "state"), "by_spot": _street_in("county_fips"),
}  # fmt: skip


def _evidence(frames: list[pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Per kind of key: key and zip, for the keys that lie in exactly one ZIP."""
    known = pl.concat(
        [
            frame.select(
                (pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String)).alias(name)
                for name in KNOWN_COLUMNS
            ).filter(pl.col("zip").is_not_null() & (pl.col("zip") != UNLOCATED))
            for frame in frames
        ]
    )
    return {
        kind: known.select(key.alias("key"), "zip")
        .drop_nulls().unique().group_by("key").agg(pl.len(), pl.col("zip").first())
        .filter(pl.col("len") == 1)
        for kind, key in _KEYS.items()
    }  # fmt: skip


def _found(records: pl.DataFrame, evidence: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The records with by_parcel, by_address and by_spot: the ZIP that each kind of evidence names, or null."""
    found = records.with_columns(
        key.replace_strict(evidence[kind]["key"], evidence[kind]["zip"], default=None, return_dtype=pl.String).alias(
            kind
        )
        for kind, key in _KEYS.items()
    )
    centre = {axis: places.lookup(found["by_spot"], places.centres(), axis) for axis in ("lat", "lon")}
    north = (pl.col("lat") - centre["lat"]) * _METRES_PER_DEGREE
    east = (pl.col("lon") - centre["lon"]) * _METRES_PER_DEGREE * pl.col("lat").radians().cos()
    is_here = pl.col("city").is_null() & ((north**2 + east**2).sqrt() <= WITHIN_METRES)
    return found.with_columns(pl.when(is_here).then("by_spot").alias("by_spot"))


def _settle(records: pl.DataFrame, silent: pl.Series, found: pl.DataFrame) -> pl.DataFrame:
    """Writes what was found into the silent rows; the others stand where they say."""
    named = pl.coalesce("by_parcel", "by_address", "by_spot", "by_city")
    settled = found.select(
        named.alias("zip"),
        pl.when(pl.col("by_parcel").is_not_null()).then(pl.lit("parcel"))
        .when(pl.coalesce("by_address", "by_spot").is_not_null()).then(pl.lit("address"))
        .when(pl.col("by_city").is_not_null()).then(pl.lit("city"))
        .otherwise(pl.lit("nothing")).alias("located_by"),
    )  # fmt: skip
    where = silent.arg_true()
    zips = records["zip5"].scatter(where, settled["zip"])
    located_by = pl.repeat("record", records.height, eager=True).scatter(where, settled["located_by"])
    return records.with_columns(
        zips.alias("zip5"), zips.fill_null(UNLOCATED).alias("zip"), located_by.alias("located_by")
    ).with_columns(address_key())
