"""Bring the property table of some ZIPs to the state of a day.

Here: reading records and links, writing versions, links and matches. Not here: which records belong together
(`resolve`), which value wins (`survivorship`), and where operators' decisions are kept (`database`).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.contracts import (
    GEOCODES,
    PROPERTIES,
    PROPERTY_LINKS,
    PROPERTY_MATCHES,
    PROPERTY_RECORDS,
    UNLOCATED,
    Fault,
)
from leadflow_pipelines.lake import Lake, apply_versions
from leadflow_pipelines.properties.geocodes import fill_places
from leadflow_pipelines.properties.renew_keys import renew_keys, settle_keys, unsettled_zips
from leadflow_pipelines.properties.resolve import resolve_properties
from leadflow_pipelines.properties.survivorship import best_values

NO_DECISIONS = pl.DataFrame(schema=dict.fromkeys(("left_record_id", "right_record_id", "decision"), pl.String))
PROBABILITY_DIGITS = 6
"""Beyond these the order of a sum may show, and a repeated run would rewrite what it found."""


@dataclass(frozen=True)
class PropertyRefresh:
    """What a refresh did. `faults` name ZIPs that broke a contract; those kept their earlier state."""

    records: int
    properties: int
    new: int
    changed: int
    merged: int
    faults: tuple[Fault, ...]


def pending_zips(lake: Lake, decisions: pl.DataFrame | None = None) -> list[str]:
    """ZIPs whose records, or the operators' `decisions` on them, the property table does not yet reflect, sorted.

    A link is written last, so a record without a link, or linked in another ZIP, is unfinished work. So is a
    decision (left_record_id, right_record_id, decision) that the links contradict, and an address key that has changed
    since the ZIP was resolved.
    """
    records = lake.read(PROPERTY_RECORDS, columns=["record_id", "zip"]).unique()
    links = lake.read(PROPERTY_LINKS, columns=["record_id", "zip"])
    unlinked = records.join(links, on=["record_id", "zip"], how="anti")
    stale = links.join(unlinked, on="record_id", how="semi")
    return sorted({*unlinked["zip"], *stale["zip"], *_zips_of_unheeded(lake, decisions), *unsettled_zips(lake)})


def refresh_properties(
    lake: Lake, *, zips: Iterable[str], day: dt.date, decisions: pl.DataFrame | None = None
) -> PropertyRefresh:
    """Resolve every record of the ZIPs known by `day` and store what changed.

    New records join the property they match; an id, once given, stays. Unchanged properties cost nothing.
    `decisions`: left_record_id, right_record_id, decision; what operators said of pairs, which is obeyed. A property
    that reaches into another ZIP, or is decided to be one with a property there, is taken up whole. Where an earlier
    version wrote the lake's address keys, all its records get this version's first: old and new must be able to meet.
    """
    renew_keys(lake, day=day)
    wanted = sorted(set(zips))
    decisions = NO_DECISIONS if decisions is None else decisions.select(NO_DECISIONS.columns)
    outside = _links_outside(lake, wanted, decisions)
    links, snapshot, matches = _state_on(lake, wanted, outside, day, decisions)
    faults = PROPERTIES.faults(snapshot)
    broken = {fault.zip for fault in faults}
    is_whole = ~pl.col("zip").is_in(broken)
    snapshot = snapshot.filter(is_whole) if broken else snapshot
    whole = [zip_ for zip_ in wanted if zip_ not in broken]
    reaching = outside.filter(is_whole).select("property_id", "zip")
    new, changed = _write_versions(lake, snapshot, whole, reaching, day)
    _write_matches(lake, matches.filter(is_whole), whole)
    _write_links(lake, links.filter(is_whole))
    settle_keys(lake, whole, day=day)
    return PropertyRefresh(
        records=links.height,
        properties=snapshot.height,
        new=new,
        changed=changed,
        merged=links.filter(pl.col("matched_by") == "merge").height,
        faults=tuple(faults),
    )


def _zips_of_unheeded(lake: Lake, decisions: pl.DataFrame | None) -> set[str]:
    """ZIPs of decided pairs whose links say otherwise. A pair of which a record is gone says nothing."""
    if decisions is None or decisions.is_empty():
        return set()
    homes = _homes(lake, decisions)
    is_one = pl.col("property_id") == pl.col("property_id_right")
    unheeded = homes.filter(is_one != (pl.col("decision") == "together"))
    return {*unheeded["zip"], *unheeded["zip_right"]}


def _homes(lake: Lake, decisions: pl.DataFrame) -> pl.DataFrame:
    """The decisions on records that are linked: property_id and zip of the left one, …_right of the right one."""
    names = {*decisions["left_record_id"], *decisions["right_record_id"]}
    columns = ["record_id", "property_id", "zip"]
    links = lake.read(PROPERTY_LINKS, where=pl.col("record_id").is_in(sorted(names)), columns=columns)
    left = decisions.join(links, left_on="left_record_id", right_on="record_id")
    return left.join(links, left_on="right_record_id", right_on="record_id", suffix="_right")


def _links_outside(lake: Lake, zips: list[str], decisions: pl.DataFrame) -> pl.DataFrame:
    """Links in other ZIPs of properties that have records here too, or are decided to be one with one that has.

    Resolved without them, such a property would stand in the table twice, each time with half of its records.
    """
    places = lake.read(PROPERTY_LINKS, columns=["property_id", "zip"])
    # Hashes of this process alone: comparing integers halves the time that a million links take (2.5 s to 1.1 s).
    id_hash, zip_hash = pl.col("property_id").hash(), pl.col("zip").hash()
    several = places.group_by(id_hash.alias("id")).agg(is_spread=zip_hash.min() != zip_hash.max()).filter("is_spread")
    spread = places.filter(id_hash.is_in(several["id"].implode())) if several.height else places.clear()
    reaching = set(spread.filter(pl.col("zip").is_in(zips))["property_id"])
    for one, two in (("", "_right"), ("_right", "")) if decisions.height else ():
        wished = _homes(lake, decisions).filter((pl.col("decision") == "together") & pl.col(f"zip{one}").is_in(zips))
        reaching |= set(wished[f"property_id{two}"])
    is_outside = pl.col("property_id").is_in(sorted(reaching)) & ~pl.col("zip").is_in(zips)
    return lake.read(PROPERTY_LINKS, where=is_outside) if reaching else PROPERTY_LINKS.empty()


def _state_on(
    lake: Lake, zips: list[str], outside: pl.DataFrame, day: dt.date, decisions: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Links, property rows and matches of the ZIPs as of the day. The records, the largest frame here, end with
    this call."""
    records = _records_by(lake, zips, outside, day)
    links_before = lake.read(PROPERTY_LINKS, zips={*zips, UNLOCATED})
    links_before = pl.concat([links_before, outside.join(links_before, on="record_id", how="anti")])
    previous = links_before.join(records.select("record_id", "address_key", "parcel_key"), on="record_id")
    resolution = resolve_properties(records, previous=previous, decisions=decisions)
    links = _dated(resolution.links, records, links_before, day)
    matches = _judged(resolution.verdicts, records, day)
    snapshot = fill_places(
        best_values(records, links, valid_from=day), lake.read(GEOCODES, zips={*zips, *outside["zip"]})
    )
    return links, snapshot, matches


def _records_by(lake: Lake, zips: list[str], outside: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    records = lake.read(PROPERTY_RECORDS, zips=zips, where=pl.col("day") <= day)
    if outside.height:
        named = pl.col("record_id").is_in(outside["record_id"].to_list()) & (pl.col("day") <= day)
        records = pl.concat([records, lake.read(PROPERTY_RECORDS, zips=set(outside["zip"]), where=named)])
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


def _judged(verdicts: pl.DataFrame, records: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """The verdicts with both ZIPs and the day; each pair once, whichever side came first."""
    zips = records.select("record_id", "zip")
    left, right = pl.col("left_record_id"), pl.col("right_record_id")
    ordered = verdicts.with_columns(
        pl.min_horizontal(left, right).alias("left_record_id"),
        pl.max_horizontal(left, right).alias("right_record_id"),
        pl.col("probability").round(PROBABILITY_DIGITS),
        pl.lit(day).alias("judged_on"),
    )
    placed = ordered.join(zips, left_on="left_record_id", right_on="record_id").join(
        zips.rename({"zip": "right_zip"}), left_on="right_record_id", right_on="record_id"
    )
    return PROPERTY_MATCHES.conform(placed)


def _write_versions(
    lake: Lake, snapshot: pl.DataFrame, zips: list[str], reaching: pl.DataFrame, day: dt.date
) -> tuple[int, int]:
    """Versions of these ZIPs' properties, and of those `reaching` (property_id, zip) into others; (new, changed)."""
    new = changed = 0

    def change(present: pl.DataFrame) -> pl.DataFrame | None:
        nonlocal new, changed
        in_scope = pl.col("zip").is_in(zips)
        if reaching.height:
            in_scope |= pl.col("property_id").is_in(reaching["property_id"].to_list()) & pl.col("zip").is_in(
                reaching["zip"].to_list()
            )
        scope = present.filter(in_scope)
        after = apply_versions(scope, snapshot, day=day, id_column="property_id")
        new = snapshot.select("property_id").join(scope, on="property_id", how="anti").height
        if after is scope:
            return None
        state = ["property_id", "valid_from", "content_hash"]
        changed = after.select(state).join(scope, on=state, how="anti").height - new
        return pl.concat([present.filter(~in_scope), after])

    if zips:
        lake.update(PROPERTIES, {"zip_prefix": sorted({zip_[:3] for zip_ in (*zips, *reaching["zip"])})}, change)
    return new, changed


def _write_matches(lake: Lake, matches: pl.DataFrame, zips: list[str]) -> None:
    """Put the matches in the place of those between these ZIPs; one that stands keeps its day."""
    key = list(PROPERTY_MATCHES.key)
    said = [name for name in PROPERTY_MATCHES.columns if name != "judged_on"]
    in_scope = pl.col("zip").is_in(zips) & pl.col("right_zip").is_in(zips)

    def change(present: pl.DataFrame) -> pl.DataFrame | None:
        same = present.join(matches, on=said, how="semi", nulls_equal=True)
        others = present.filter(~in_scope).join(matches, on=key, how="anti")
        if same.height == matches.height and same.height + others.height == present.height:
            return None
        return pl.concat([others, same, matches.join(same, on=key, how="anti")])

    if zips and (matches.height or lake.exists(PROPERTY_MATCHES)):
        prefixes = {zip_[:3] for zip_ in (*zips, *matches["zip"])}
        lake.update(PROPERTY_MATCHES, {"zip_prefix": sorted(prefixes)}, change)


def _write_links(lake: Lake, links: pl.DataFrame) -> None:
    def change(present: pl.DataFrame) -> pl.DataFrame | None:
        unchanged = present.join(links, on=list(PROPERTY_LINKS.columns), how="semi", nulls_equal=True)
        if unchanged.height == links.height:
            return None
        return pl.concat([present.join(links, on="record_id", how="anti"), links])

    if links.height:
        prefixes = {*links["zip"].str.head(3).unique(), UNLOCATED[:3]}
        lake.update(PROPERTY_LINKS, {"zip_prefix": sorted(prefixes)}, change)
