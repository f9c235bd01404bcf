"""Coordinates for properties that no source places: which addresses lack them, what a geocoder said, where it counts.

Here: frames and the table `geocodes`. Not here: asking a geocoder (`providers.sources.geocoding`).
"""

import datetime as dt
from collections.abc import Collection, Mapping
from functools import partial

import polars as pl

from leadflow_pipelines.contracts import GEOCODES, PROPERTIES, PROPERTY_RECORDS
from leadflow_pipelines.lake import Lake, Stored
from leadflow_pipelines.properties.addresses.grammar import PARTS
from leadflow_pipelines.properties.stable_hash import stable_hash

_FIELD = "lat"
"""Under which name provenance tells of coordinates."""
_KEY = list(GEOCODES.key)


def unplaced_addresses(
    lake: Lake, *, zips: Collection[str], day: dt.date, now: dt.datetime, provider: str
) -> pl.DataFrame:
    """Addresses known by `day` that need a geocoder: record_key (the address key), zip, street, city, state, zip5.

    Left out are those of which any source tells the coordinates, at the address or at its parcel, those without a
    house number, and those already answered: found by any geocoder, or not found by `provider`, while that holds. The
    street has no unit: geocoders place buildings.
    """
    columns = ["zip", "address_key", "parcel_key", *PARTS, "city", "state", "zip5", "lat", "lon"]
    records = lake.read(PROPERTY_RECORDS, zips=zips, where=pl.col("day") <= day, columns=columns)
    has_place = pl.col("lat").is_not_null() & pl.col("lon").is_not_null()
    if records.select(has_place.all()).item():
        return _to_ask(records.clear())
    parcels = records.filter(has_place)["parcel_key"].drop_nulls().unique()
    placed = records.filter(has_place | pl.col("parcel_key").is_in(parcels.implode()))["address_key"].drop_nulls()
    wanted = records.filter(
        pl.col("address_key").is_not_null()
        & pl.col("house_number").is_not_null()
        & pl.col("street_name").is_not_null()
        & ~pl.col("address_key").is_in(placed.unique().implode())
    ).unique(_KEY, keep="first", maintain_order=True)
    if wanted.is_empty():
        return _to_ask(wanted)
    counts = pl.col("lat").is_not_null() | (pl.col("provider") == provider)
    holds = pl.col("holds_until").is_null() | (pl.col("holds_until") > now)
    known = lake.read(GEOCODES, zips=zips, where=counts & holds, columns=_KEY)
    return _to_ask(wanted.join(known, on=_KEY, how="anti").sort(_KEY))


def _to_ask(records: pl.DataFrame) -> pl.DataFrame:
    street = pl.concat_str(*PARTS, separator=" ", ignore_nulls=True)
    return records.select(
        pl.col("address_key").alias("record_key"), "zip", street.alias("street"), "city", "state", "zip5"
    )


def store_geocodes(
    lake: Lake,
    places: pl.DataFrame,
    *,
    provider: str,
    keep_days: int | None,
    misses_again_days: int,
    zips: Collection[str],
) -> Stored:
    """Put a geocoder's answers in the place of earlier ones about the same addresses.

    places: record_key (the address key), zip, lat, lon, quality, matched_address, geocoded_at, cost_cents. An answer
    that found nothing holds for `misses_again_days`, one that did for `keep_days` (null: for good). Rows per ZIP of
    the answers; a ZIP whose rows break the contract is left as it was.
    """
    found_until = pl.lit(None, pl.Int64) if keep_days is None else pl.lit(keep_days, pl.Int64)
    days = pl.when(pl.col("lat").is_null()).then(pl.lit(misses_again_days, pl.Int64)).otherwise(found_until)
    rows = GEOCODES.conform(
        places.rename({"record_key": "address_key"}).with_columns(
            provider=pl.lit(provider), holds_until=pl.col("geocoded_at") + pl.duration(days=days)
        )
    ).unique(_KEY, keep="last", maintain_order=True)
    faults = tuple(GEOCODES.faults(rows))
    good = rows.filter(~pl.col("zip").is_in([fault.zip for fault in faults]))
    if good.height:

        def change(present: pl.DataFrame) -> pl.DataFrame:
            return pl.concat([present.join(good, on=_KEY, how="anti"), good])

        lake.update(GEOCODES, {"zip_prefix": sorted({zip_[:3] for zip_ in good["zip"]})}, change)
    counts = dict(good.group_by("zip").len().iter_rows())
    return Stored({zip_: counts.get(zip_, 0) for zip_ in zips}, faults)


def fill_places(properties: pl.DataFrame, geocodes: pl.DataFrame) -> pl.DataFrame:
    """The properties (PROPERTIES shape) with a geocoder's coordinates where no source has any, and its provenance.

    An approximate answer places a property only if it kept house number and ZIP: else it is another place.
    """
    found = geocodes.filter(pl.col("lat").is_not_null())
    unplaced = properties.select("property_id", "zip", "address_key", "house_number", "zip5", _FIELD, "lon")
    unplaced = unplaced.with_row_index("at").filter(pl.any_horizontal(pl.col(_FIELD, "lon").is_null()))
    if found.is_empty() or unplaced.is_empty():
        return properties
    kept_number = pl.col("matched_address").str.starts_with(pl.col("house_number") + " ")
    kept_zip = pl.col("matched_address").str.contains(pl.col("zip5"), literal=True)
    said = (
        unplaced.drop(_FIELD, "lon")
        .join(found, on=_KEY)
        .filter((pl.col("quality") != "approximate") | (kept_number & kept_zip).fill_null(value=False))
    )
    if said.is_empty():
        return properties
    word = pl.struct(field=pl.lit(_FIELD), source="provider", observed_at="geocoded_at")
    words = said.select(pl.concat_list(word).alias("word"))["word"]
    rows = properties[said["at"]].with_columns(said[_FIELD], said["lon"])
    order = pl.element().sort_by(pl.element().struct.field("field"))
    rows = rows.with_columns(
        pl.concat_list("provenance", words.cast(PROPERTIES.schema["provenance"])).list.eval(order),
        stable_hash([pl.col("content_hash"), pl.col(_FIELD), pl.col("lon"), pl.lit(said["provider"])]).alias(
            "content_hash"
        ),
    )
    rest = properties.with_row_index("at").join(said.select("at"), on="at", how="anti")
    joined = pl.concat([rest, rows.with_columns(said["at"]).select(rest.columns)])
    return joined.sort("at").drop("at")


def geocoders_to_forget(lake: Lake, *, now: dt.datetime) -> list[str]:
    """The geocoders of whom the lake has coordinates that may no longer be kept, sorted."""
    return sorted(lake.read(GEOCODES, where=_is_expired(now), columns=["provider"])["provider"].unique())


def forget_expired(lake: Lake, *, now: dt.datetime) -> None:
    """Drop coordinates that may no longer be kept, from `geocodes` and from every version of a property.

    Killed midway, it begins again: the geocodes, by which it knows, go last. Older files of the lake keep them until
    `leadflow lake vacuum`.
    """
    expired = lake.read(GEOCODES, where=_is_expired(now))
    if expired.is_empty():
        return
    newest = dict(expired.group_by("provider").agg(pl.col("geocoded_at").max()).iter_rows())
    prefixes = {"zip_prefix": sorted({zip_[:3] for zip_ in expired["zip"]})}
    lake.update(PROPERTIES, prefixes, partial(_without_old_words, newest=newest))
    lake.update(GEOCODES, prefixes, lambda present: present.filter(~_is_expired(now)))


def _is_expired(now: dt.datetime) -> pl.Expr:
    """Geocodes whose coordinates may no longer be kept."""
    return (pl.col("lat").is_not_null() & (pl.col("holds_until") <= now)).fill_null(value=False)


def _without_old_words(present: pl.DataFrame, newest: Mapping[str, dt.datetime]) -> pl.DataFrame | None:
    """Properties without the coordinates that these geocoders told up to an instant; None: there are none."""
    word = pl.element().struct
    too_old = pl.any_horizontal(
        (word.field("source") == provider) & (word.field("observed_at") <= instant)
        for provider, instant in newest.items()
    ) & (word.field("field") == _FIELD)
    is_old = present.select(pl.col("provenance").list.eval(too_old).list.any())["provenance"].fill_null(value=False)
    if not is_old.any():
        return None
    none = pl.lit(None, pl.Float64)
    scrubbed = present.filter(is_old).with_columns(
        none.alias(_FIELD),
        none.alias("lon"),
        pl.col("provenance").list.eval(pl.element().filter(~too_old)),
        stable_hash([pl.col("content_hash"), pl.lit("dropped")]).alias("content_hash"),
    )
    return pl.concat([present.filter(~is_old), scrubbed])
