"""Bring the lake's address keys to this version's, with a map from each old key to the new one.

A record says by `key_version` which version wrote its key: nothing has to be remembered beside it, and a renewal that
was killed goes on where it stood. Not here: the reading (`address_keys`), the resolution (`refresh_properties`).
"""

import datetime as dt
from collections.abc import Collection

import polars as pl

from leadflow_pipelines.contracts import ADDRESS_KEY_CHANGES, PROPERTY_RECORDS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.observability.progress import report_progress
from leadflow_pipelines.properties.address_keys import ADDRESS_KEY_VERSION, reread_addresses

_IS_OLD = pl.col("key_version").fill_null(0) < ADDRESS_KEY_VERSION


def old_keys(lake: Lake) -> pl.DataFrame:
    """day and len: how many records of each day have keys of an earlier version.

    Raises InvalidInput where a newer version of LeadFlow has written keys.
    """
    versions = lake.read(PROPERTY_RECORDS, columns=["day", "key_version"])
    newest = versions["key_version"].max()
    if isinstance(newest, int) and newest > ADDRESS_KEY_VERSION:
        raise InvalidInput(
            f"{lake.root} has address keys of version {newest}, this LeadFlow writes {ADDRESS_KEY_VERSION}.",
            remedy="Run a newer version of LeadFlow.",
        )
    return versions.filter(_IS_OLD).group_by("day").len().sort("day")


def renew_keys(lake: Lake, *, day: dt.date) -> int:
    """Give every record this version's key; returns how many records had an earlier version's.

    One day's records at a time: first the map (ADDRESS_KEY_CHANGES), then the records, each in one commit. Properties
    follow when their ZIPs are refreshed, on `day` or later (`unsettled_zips`).
    """
    old = old_keys(lake)
    if old.is_empty():
        return 0
    report_progress(f"Bringing the address keys of {old['len'].sum():,} records to version {ADDRESS_KEY_VERSION}")
    # A refresh of an earlier day does not write the state that holds now.
    newest = lake.read(PROPERTY_RECORDS, columns=["day"])["day"].max()
    changed_on = max(day, newest) if isinstance(newest, dt.date) else day
    for of_day in old["day"]:
        records = lake.read(PROPERTY_RECORDS, day=of_day).filter(_IS_OLD)
        renewed = reread_addresses(records).with_columns(
            pl.lit(ADDRESS_KEY_VERSION, PROPERTY_RECORDS.schema["key_version"]).alias("key_version")
        )
        _write_map(lake, _changes(records, renewed, changed_on))
        _write_records(lake, renewed, of_day)
    return int(old["len"].sum())


def unsettled_zips(lake: Lake) -> list[str]:
    """ZIPs with changed keys that their properties do not yet reflect, sorted."""
    waiting = lake.read(ADDRESS_KEY_CHANGES, columns=["zip", "settled_on"])
    return sorted(set(waiting.filter(pl.col("settled_on").is_null())["zip"]))


def settle_keys(lake: Lake, zips: Collection[str], *, day: dt.date) -> None:
    """Note that the properties of these ZIPs were resolved by their changed keys on `day`."""
    waits = pl.col("settled_on").is_null() & pl.col("zip").is_in(list(zips)) & (pl.col("changed_on") <= day)

    def change(present: pl.DataFrame) -> pl.DataFrame | None:
        settled = pl.when(waits).then(pl.lit(day)).otherwise("settled_on")
        return present.with_columns(settled_on=settled) if present.select(waits.any()).item() else None

    waiting = set(unsettled_zips(lake)).intersection(zips)
    if waiting:
        lake.update(ADDRESS_KEY_CHANGES, {"zip_prefix": sorted({zip_[:3] for zip_ in waiting})}, change)


def _changes(records: pl.DataFrame, renewed: pl.DataFrame, changed_on: dt.date) -> pl.DataFrame:
    """The distinct changes (ADDRESS_KEY_CHANGES) from records to the same rows renewed."""
    pairs = records.select("zip", old_key="address_key").with_columns(renewed["address_key"].alias("new_key"))
    changed = pairs.filter(pl.col("old_key").ne_missing(pl.col("new_key"))).unique()
    return ADDRESS_KEY_CHANGES.conform(changed.with_columns(key_version=ADDRESS_KEY_VERSION, changed_on=changed_on))


def _write_map(lake: Lake, changes: pl.DataFrame) -> None:
    """Add the changes; one that is there already waits anew, because it was found anew."""

    def change(present: pl.DataFrame) -> pl.DataFrame:
        others = present.join(changes, on=list(ADDRESS_KEY_CHANGES.key), how="anti", nulls_equal=True)
        return pl.concat([others, changes])

    if changes.height:
        prefixes = sorted(changes["zip"].str.head(3).unique())
        lake.update(ADDRESS_KEY_CHANGES, {"zip_prefix": prefixes}, change)


def _write_records(lake: Lake, renewed: pl.DataFrame, day: dt.date) -> None:
    """Put the renewed records in the place of the old; what another writer removed meanwhile stays away."""
    is_one = ["record_id", "pull_id"]

    def change(present: pl.DataFrame) -> pl.DataFrame:
        old = present.filter(_IS_OLD)
        still = renewed.join(old, on=is_one, how="semi")
        others = present.filter(~_IS_OLD)
        return pl.concat([others, old.join(renewed, on=is_one, how="anti"), still])

    lake.update(PROPERTY_RECORDS, {"day": [day]}, change)
