"""Which records are one real property, with the evidence for every link and ids that never change.

Here: exact keys → clusters → alike clusters → ids. Not here: the keys (`addresses`, `parcels`), the match of alike
spellings (`match_alike`), evidence in words (`link_evidence`), best values (`survivorship`).
"""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from leadflow_pipelines.properties.addresses import normalize_addresses
from leadflow_pipelines.properties.link_evidence import KEPT_COLUMNS, LINK_COLUMNS, explain_links
from leadflow_pipelines.properties.matching import (
    DECISION_COLUMNS,
    FEATURES,
    connected_components,
    join_clusters,
    match_alike,
    part_clusters,
    touched,
)
from leadflow_pipelines.properties.parcels import parcel_key
from leadflow_pipelines.properties.property_ids import assign_ids
from leadflow_pipelines.properties.survivorship import best_values

PREVIOUS_COLUMNS = (
    "record_id", "property_id", "address_key", "parcel_key", "source", "linked_on", *KEPT_COLUMNS,
)  # fmt: skip
"""What `previous` holds; only the first four are needed.

FEATURES help to judge alike addresses. `source` decides whether several parcels at one address are several properties,
and completes keys without a place; without `linked_on` the smaller id is the older; KEPT_COLUMNS stay as they are
where the link stands, so that a repeated run changes nothing.
"""
_PREVIOUS_TYPES: dict[str, Any] = {
    **dict.fromkeys((*PREVIOUS_COLUMNS, *FEATURES), pl.String), "linked_on": pl.Date, "lat": pl.Float64,
    "lon": pl.Float64,
}  # fmt: skip
_DECISION_TYPES: dict[str, Any] = dict.fromkeys(DECISION_COLUMNS, pl.String)
_KIND = 2**32
_PARCEL_CLUSTER = 2**31
_OWN_CLUSTER = 2**32 - 1
_ZIP_PLACE = r"\|\d{5}$"


@dataclass(frozen=True)
class Resolution:
    """The outcome of one resolution.

    links: every given record once (LINK_COLUMNS), in the given order. relinked: earlier records, not among those
    given, whose property changed, in the same shape. merges: previous_property_id → property_id of ids given up.
    verdicts: the spellings that were compared and are likely or doubtful (VERDICT_COLUMNS).
    """

    links: pl.DataFrame
    relinked: pl.DataFrame
    merges: pl.DataFrame
    verdicts: pl.DataFrame
    records: pl.DataFrame = field(repr=False)

    @cached_property
    def properties(self) -> pl.DataFrame:
        """property_id and the best values of the given records."""
        return best_values(self.records, self.links)


def resolve_properties(
    records: pl.DataFrame, previous: pl.DataFrame | None = None, decisions: pl.DataFrame | None = None
) -> Resolution:
    """One property per real property, deterministic and independent of the order of rows.

    `records`: record_id (unique), source, and address_key and parcel_key, or the columns from which they follow
    (`address` or parts; county_fips, parcel_number); FEATURES where there are any. `previous`: PREVIOUS_COLUMNS of an
    earlier resolution, at least of all records that share a key or a street with the given ones; its ids are kept.
    `decisions`: DECISION_COLUMNS, which outrank what follows.

    Records with one address_key are one property, unless one source lists several parcels there. A parcel_key joins
    what it covers while it covers at most one address; a parcel number shared by several addresses (a co-operative's)
    joins nothing, and a record without an address joins its parcel's only property. A record with neither key is its
    own property. Then spellings of one address are joined where the match model finds them likely and nothing
    contradicts. Two known units, or two numbers of a street, are never one property.
    """
    decided = _typed(pl.DataFrame() if decisions is None else decisions, _DECISION_TYPES)
    records = _with_keys(records)
    members = part_clusters(exact_members(records, previous, decided), decided)
    members, verdicts = match_alike(members, decided)
    # What the match has read is copied by no later step: a tenth of the memory that millions of records take.
    members = join_clusters(members, decided).drop("source", *FEATURES)
    members, merges = assign_ids(members)
    links = explain_links(members, merges)
    given = links.filter("is_given").sort("at").select(LINK_COLUMNS)
    relinked = links.filter(~pl.col("is_given") & pl.col("is_moved")).sort("record_id").select(LINK_COLUMNS)
    return Resolution(given, relinked, merges, verdicts, records)


def exact_members(
    records: pl.DataFrame, previous: pl.DataFrame | None = None, decided: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Given records and the earlier ones they touch, each with the `cluster` that exact keys alone make of them."""
    decided = pl.DataFrame(schema=_DECISION_TYPES) if decided is None else decided
    judged = pl.concat([decided["left_record_id"], decided["right_record_id"]])
    records = _with_keys(records)
    known = None if previous is None else touched(_typed(previous, _PREVIOUS_TYPES), records, judged)
    members = _with_nodes(_members(records, known))
    return members.with_columns(_clusters(members)).with_columns(is_alone=pl.col("cluster") >= _OWN_CLUSTER * _KIND)


def _with_keys(records: pl.DataFrame) -> pl.DataFrame:
    if "address_key" not in records.columns:
        records = normalize_addresses(records)
    if "parcel_key" not in records.columns:
        given = {"county_fips", "parcel_number"} <= set(records.columns)
        key = parcel_key(pl.col("county_fips"), pl.col("parcel_number")) if given else pl.lit(None, dtype=pl.String)
        records = records.with_columns(key.alias("parcel_key"))
    return records


def _members(records: pl.DataFrame, previous: pl.DataFrame | None) -> pl.DataFrame:
    """Given and earlier records: record_id, keys, source, FEATURES, is_given, old_id, linked_on, old_…, at."""
    past = _typed(pl.DataFrame() if previous is None else previous, _PREVIOUS_TYPES)
    past = past.with_columns(pl.col("linked_on").fill_null(date.max)).rename(
        {"property_id": "old_id", **{name: f"old_{name}" for name in KEPT_COLUMNS}}
    )
    told = ("source", "address_key", "parcel_key", *FEATURES)
    types = {name: _PREVIOUS_TYPES[name] for name in ("record_id", *told)}
    given = (
        _typed(records, types)
        .with_columns(is_given=pl.lit(value=True))
        .join(past.drop(told), on="record_id", how="left", maintain_order="left")
    )
    others = past.join(given, on="record_id", how="anti").with_columns(is_given=pl.lit(value=False))
    return pl.concat([given, others.select(given.columns)]).with_row_index("at")


def _typed(frame: pl.DataFrame, types: dict[str, Any]) -> pl.DataFrame:
    """These columns of the frame; absent ones are null."""
    return (
        frame.select(
            (pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype=dtype)).alias(name)
            for name, dtype in types.items()
        )
        if frame.width
        else pl.DataFrame(schema=types)
    )


def _code(values: pl.Expr) -> pl.Expr:
    """Equal strings as equal integers below 2³¹; null stays null."""
    return values.cast(pl.Categorical(pl.Categories.random())).cat.physical().cast(pl.UInt64)


def _with_nodes(members: pl.DataFrame) -> pl.DataFrame:
    """Adds address_text and parcel_key as integers: node (what counts as one address) and parcel.

    An address without a place says nothing beyond its own file: the source takes the place's part. One source that
    lists several parcels at one address (condominiums without their units) means several properties: there the
    parcel is part of the address. Two sources that differ may only number differently, so they say nothing.
    """
    key, source = pl.col("address_key"), pl.col("source").fill_null("")
    members = members.with_columns(
        pl.when(key.str.ends_with("|"))
        .then(pl.concat_str(key, pl.lit("@"), source))
        .otherwise(key)
        .alias("address_text")
    ).with_columns(_code(pl.col("address_text")).alias("node"), _code(pl.col("parcel_key")).alias("parcel"))
    crowded = (
        members.select("source", "node", "parcel").drop_nulls(["node", "parcel"]).unique()
        .group_by("source", "node").len().filter(pl.col("len") > 1)["node"].unique()
    )  # fmt: skip
    if crowded.is_empty():
        return members.with_columns(pl.col("node") * _KIND)
    apart = pl.col("parcel").is_not_null() & pl.col("node").is_in(crowded.implode())
    return members.with_columns(
        pl.when(apart).then(pl.col("node") * _KIND + pl.col("parcel") + 1)
        .otherwise(pl.col("node") * _KIND).alias("node"),
        pl.when(apart).then(pl.concat_str("address_text", pl.lit("#"), "parcel_key")).otherwise("address_text")
        .alias("address_text"),
    )  # fmt: skip


def _clusters(members: pl.DataFrame) -> pl.Series:
    """The cluster of each member, an integer that says nothing in itself."""
    pairs = members.select("node", "parcel").drop_nulls().unique()
    parcels = pairs.group_by("parcel").agg(pl.len().alias("addresses"), pl.col("node").min().alias("node"))
    several = parcels.filter(pl.col("addresses") > 1).select("parcel")
    bridges, bridged = _bridges(members, pairs.join(several, on="parcel"))
    only = pl.concat([parcels.filter(pl.col("addresses") == 1).select("parcel", "node"), bridged])
    shared = several.join(bridged, on="parcel", how="anti")
    own = pl.col("at").cast(pl.UInt64) + _OWN_CLUSTER * _KIND
    by_parcel = (
        members.select("at", "node", "parcel")
        .filter(pl.col("node").is_null() & pl.col("parcel").is_not_null())
        .join(only.rename({"node": "home"}), on="parcel", how="left")
        .join(shared.with_columns(is_shared=pl.lit(value=True)), on="parcel", how="left")
        .select(
            "at",
            pl.when("is_shared").then(own)
            .otherwise(pl.coalesce("home", (pl.col("parcel") + _PARCEL_CLUSTER) * _KIND)).alias("cluster"),
        )
    )  # fmt: skip
    cluster = members.select(pl.coalesce("node", own).alias("cluster"))["cluster"]
    cluster = cluster.scatter(by_parcel["at"], by_parcel["cluster"])
    if bridges.is_empty():
        return cluster
    return cluster.replace(bridges["node"], bridges["component"])


def _bridges(members: pl.DataFrame, pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Parcels whose several addresses are one: some with the ZIP and some with the city only, or some without the
    unit where the parcel itself is the unit (`_with_nodes`).

    Returns node → component of the addresses they join, and parcel → node of those parcels. Components that would
    put two units, two ZIPs or two such parcels into one property are left apart.
    """
    texts = members.select("node", "address_key").filter(pl.col("node").is_in(pairs["node"].implode())).unique("node")
    part = pl.col("address_key").str.split("|")
    pairs = pairs.join(texts, on="node").with_columns(
        building=part.list.head(5).list.join("|"),
        unit=part.list.get(5).replace("", None),
        zip_code=pl.when(pl.col("address_key").str.contains(_ZIP_PLACE)).then(part.list.last()),
        own_parcel=pl.when(pl.col("node") % _KIND > 0).then(pl.col("node")),
    )
    unit_is_clear = (pl.col("unit").count() == 0) | (
        (pl.col("unit").drop_nulls().n_unique() == 1)
        & (pl.col("unit").is_not_null() | pl.col("own_parcel").is_not_null()).all()
    )
    joining = (
        pairs.group_by("parcel")
        .agg(
            (pl.col("building").n_unique() == 1) & (pl.col("zip_code").drop_nulls().n_unique() <= 1) & unit_is_clear,
            pl.col("node").min().alias("home"),
        )
        .filter("building")
    )
    edges = pairs.join(joining.select("parcel", "home"), on="parcel")
    components = connected_components(edges.select(left="node", right="home"))
    kinds = ("unit", "zip_code", "own_parcel")
    torn = (
        components.join(edges.select("node", *kinds).unique(), on="node")
        .group_by("component").agg(pl.col(kind).drop_nulls().n_unique() for kind in kinds)
        .filter(pl.max_horizontal(kinds) > 1)
    )  # fmt: skip
    whole = components.join(torn, on="component", how="anti")
    homes = joining.join(whole, left_on="home", right_on="node", how="semi").select("parcel", node="home")
    return whole, homes
