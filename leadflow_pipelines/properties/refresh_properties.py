"""Bring the property table of some ZIPs to the state of a day.

Here: reading records and links, writing versions and links. Not here: which records belong together
(`resolve`) and which value wins (`survivorship`).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.contracts import (
    PROPERTIES,
    PROPERTY_LINKS,
    PROPERTY_RECORDS,
    UNLOCATED,
    Fault,
)
from leadflow_pipelines.lake import Lake, apply_versions
from leadflow_pipelines.properties.resolve import resolve_properties
from leadflow_pipelines.properties.survivorship import best_values


@dataclass(frozen=True)
class PropertyRefresh:
    """What a refresh did. `faults` name ZIPs that broke a contract; those kept their earlier state."""

    records: int
    properties: int
    new: int
    changed: int
    merged: int
    faults: tuple[Fault, ...]


def pending_zips(lake: Lake) -> list[str]:
    """ZIPs whose records the property table does not yet reflect, sorted.

    A link is written last, so a record without a link, or linked in another ZIP, is unfinished work.
    """
    records = lake.read(PROPERTY_RECORDS, columns=["record_id", "zip"]).unique()
    links = lake.read(PROPERTY_LINKS, columns=["record_id", "zip"])
    unlinked = records.join(links, on=["record_id", "zip"], how="anti")
    stale = links.join(unlinked, on="record_id", how="semi")
    return sorted({*unlinked["zip"], *stale["zip"]})


def refresh_properties(lake: Lake, *, zips: Iterable[str], day: dt.date) -> PropertyRefresh:
    """Resolve every record of the ZIPs known by `day` and store what changed.

    New records join the property they match; an id, once given, stays. Unchanged properties cost nothing.
    """
    wanted = sorted(set(zips))
    links, snapshot = _state_on(lake, wanted, day)
    faults = PROPERTIES.faults(snapshot)
    broken = {fault.zip for fault in faults}
    snapshot = snapshot.filter(~pl.col("zip").is_in(broken)) if broken else snapshot
    new, changed = _write_versions(lake, snapshot, [zip_ for zip_ in wanted if zip_ not in broken], day)
    _write_links(lake, links.filter(~pl.col("zip").is_in(broken)))
    return PropertyRefresh(
        records=links.height,
        properties=snapshot.height,
        new=new,
        changed=changed,
        merged=links.filter(pl.col("matched_by") == "merge").height,
        faults=tuple(faults),
    )


def _state_on(lake: Lake, zips: list[str], day: dt.date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Links and property rows of the ZIPs as of the day. The records, the largest frame here, end with this call."""
    records = _records_by(lake, zips, day)
    links_before = lake.read(PROPERTY_LINKS, zips={*zips, UNLOCATED})
    previous = links_before.join(records.select("record_id", "address_key", "parcel_key"), on="record_id")
    resolution = resolve_properties(records, previous=previous)
    links = _dated(resolution.links, records, links_before, day)
    return links, best_values(records, links, valid_from=day)


def _records_by(lake: Lake, zips: list[str], day: dt.date) -> pl.DataFrame:
    records = lake.read(PROPERTY_RECORDS, zips=zips, where=pl.col("day") <= day)
    first = (
        records.select("record_id", "day").with_row_index("row").sort("day", "row").unique("record_id", keep="first")
    )
    return records if first.height == records.height else records[first["row"].sort()]


def _dated(links: pl.DataFrame, records: pl.DataFrame, before: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """The links with ZIP and day; a link that stands as before keeps its evidence and its day."""
    stamped = PROPERTY_LINKS.conform(
        links.join(records.select("record_id", "zip"), on="record_id").with_columns(pl.lit(day).alias("linked_on"))
    )
    same = before.join(stamped, on=["record_id", "property_id", "zip"], how="semi")
    return pl.concat([same, stamped.join(same, on="record_id", how="anti")])


def _write_versions(lake: Lake, snapshot: pl.DataFrame, zips: list[str], day: dt.date) -> tuple[int, int]:
    new = changed = 0

    def change(present: pl.DataFrame) -> pl.DataFrame | None:
        nonlocal new, changed
        in_scope = pl.col("zip").is_in(zips)
        scope = present.filter(in_scope)
        after = apply_versions(scope, snapshot, day=day, id_column="property_id")
        new = snapshot.select("property_id").join(scope, on="property_id", how="anti").height
        if after is scope:
            return None
        state = ["property_id", "valid_from", "content_hash"]
        changed = after.select(state).join(scope, on=state, how="anti").height - new
        return pl.concat([present.filter(~in_scope), after])

    if zips:
        lake.update(PROPERTIES, {"zip_prefix": sorted({zip_[:3] for zip_ in zips})}, change)
    return new, changed


def _write_links(lake: Lake, links: pl.DataFrame) -> None:
    def change(present: pl.DataFrame) -> pl.DataFrame | None:
        unchanged = present.join(links, on=list(PROPERTY_LINKS.columns), how="semi", nulls_equal=True)
        if unchanged.height == links.height:
            return None
        return pl.concat([present.join(links, on="record_id", how="anti"), links])

    if links.height:
        prefixes = {*links["zip"].str.head(3).unique(), UNLOCATED[:3]}
        lake.update(PROPERTY_LINKS, {"zip_prefix": sorted(prefixes)}, change)
