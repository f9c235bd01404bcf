"""Which records are one real property, by exact keys, with the evidence for every link and ids that never change.

Here: candidates → rules → clusters → ids. Not here: the keys (`addresses`, `parcels`), best values (`survivorship`).
"""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import polars as pl

from leadflow_pipelines.properties.addresses import normalize_addresses
from leadflow_pipelines.properties.clustering import connected_components
from leadflow_pipelines.properties.parcels import parcel_key
from leadflow_pipelines.properties.property_ids import assign_ids
from leadflow_pipelines.properties.survivorship import best_values

LINK_COLUMNS = ("record_id", "property_id", "matched_by", "score", "evidence", "previous_property_id")
PREVIOUS_COLUMNS = (
    "record_id", "property_id", "address_key", "parcel_key", "source", "linked_on", "matched_by", "evidence",
    "previous_property_id",
)  # fmt: skip
"""What `previous` holds; only the first four are needed.

`source` matters to keys without a place; without `linked_on` the smaller id is the older; the last three are kept as
they are where the link stands, so that a repeated run changes nothing.
"""
_KEPT = ("matched_by", "evidence", "previous_property_id")


@dataclass(frozen=True)
class Resolution:
    """The outcome of one resolution.

    links: every given record once (LINK_COLUMNS). relinked: earlier records, not among those given, whose property
    changed, in the same shape. merges: previous_property_id → property_id, for ids that were given up.
    """

    links: pl.DataFrame
    relinked: pl.DataFrame
    merges: pl.DataFrame
    records: pl.DataFrame = field(repr=False)

    @cached_property
    def properties(self) -> pl.DataFrame:
        """property_id and the best values of the given records."""
        return best_values(self.records, self.links)


def resolve_properties(records: pl.DataFrame, previous: pl.DataFrame | None = None) -> Resolution:
    """One property per real property, deterministic and independent of the order of rows.

    `records`: record_id, source, and address_key and parcel_key, or the columns from which they follow (`address` or
    parts; county_fips, parcel_number). `previous`: PREVIOUS_COLUMNS of an earlier resolution, at least of all records
    that share a key with the given ones; its ids are kept.

    Records with one address_key are one property. A parcel_key joins what it covers while it covers at most one
    address; a parcel number shared by several addresses (a co-operative's) joins nothing, and a record without an
    address joins its parcel's only property. A record with neither key is its own property.
    """
    records = _with_keys(records)
    members = _members(records, previous)
    members = members.join(_clusters(members), on=["address_node", "parcel_key"], how="left", nulls_equal=True)
    members = members.with_columns(
        pl.coalesce("cluster", pl.concat_str(pl.lit("r:"), "record_id")).alias("cluster")
    )
    members, merges = assign_ids(members)
    links = _links(members, merges)
    given = links.filter("is_given").select(LINK_COLUMNS)
    relinked = links.filter(~pl.col("is_given") & pl.col("is_moved")).select(LINK_COLUMNS)
    return Resolution(given, relinked, merges, records)


def _with_keys(records: pl.DataFrame) -> pl.DataFrame:
    if "address_key" not in records.columns:
        records = normalize_addresses(records)
    if "parcel_key" not in records.columns:
        given = {"county_fips", "parcel_number"} <= set(records.columns)
        key = parcel_key(pl.col("county_fips"), pl.col("parcel_number")) if given else pl.lit(None, dtype=pl.String)
        records = records.with_columns(key.alias("parcel_key"))
    return records


def _members(records: pl.DataFrame, previous: pl.DataFrame | None) -> pl.DataFrame:
    """Given and earlier records with their keys: record_id, is_given, address_node, street, place, parcel_key, old_id."""
    given = records.select("record_id", "source", "address_key", "parcel_key", is_given=pl.lit(value=True))
    earlier = _earlier(previous)
    past = earlier.rename({"property_id": "old_id", **{name: f"old_{name}" for name in _KEPT}})
    given = given.join(past.drop("source", "address_key", "parcel_key"), on="record_id", how="left")
    others = past.join(given, on="record_id", how="anti").with_columns(is_given=pl.lit(value=False))
    both = pl.concat([given, others.select(given.columns)])
    return _with_nodes(both)


def _with_nodes(members: pl.DataFrame) -> pl.DataFrame:
    """Adds street (the key without its place), place, and address_node: what counts as one address."""
    place = pl.col("address_key").str.extract(r"([^|]*)$", 1).replace("", None)
    # An address without a place says nothing beyond its own file: the source takes the place's part.
    node = pl.when(place.is_null()).then(pl.concat_str("address_key", pl.lit("@"), pl.col("source").fill_null(""))).otherwise("address_key")
    members = members.with_columns(
        pl.when(pl.col("address_key").is_not_null()).then(node).alias("address_node"),
        pl.col("address_key").str.replace(r"\|[^|]*$", "").alias("street"),
        place.alias("place"),
    )
    # One source that lists several parcels at one address (condominiums without their units) means several properties.
    # Two sources that differ may only number differently (Nashville's two files do), so they say nothing.
    crowded = (
        members.select("source", "address_node", "parcel_key").drop_nulls(["address_node", "parcel_key"]).unique()
        .group_by("source", "address_node").len()
        .filter(pl.col("len") > 1)["address_node"]
    )  # fmt: skip
    apart = pl.col("address_node").is_in(crowded.implode()) & pl.col("parcel_key").is_not_null()
    return members.with_columns(
        pl.when(apart).then(pl.concat_str("address_node", pl.lit("#"), "parcel_key")).otherwise("address_node")
        .alias("address_node")
    )


def _earlier(previous: pl.DataFrame | None) -> pl.DataFrame:
    types = {**dict.fromkeys(PREVIOUS_COLUMNS, pl.String), "linked_on": pl.Date}
    if previous is None:
        return pl.DataFrame(schema=types)
    return previous.select(
        (pl.col(name).cast(dtype) if name in previous.columns else pl.lit(None, dtype=dtype)).alias(name)
        for name, dtype in types.items()
    ).with_columns(pl.col("linked_on").fill_null(date.max))


def _clusters(members: pl.DataFrame) -> pl.DataFrame:
    """address_node, parcel_key → cluster, for every pair of keys that occurs; null where neither key joins."""
    pairs = members.select("address_node", "street", "place", "parcel_key").unique()
    parcels = (
        pairs.filter(pl.col("parcel_key").is_not_null())
        .group_by("parcel_key")
        .agg(
            pl.col("street").drop_nulls().n_unique().alias("streets"),
            # A ZIP and a CITY,ST may be one place; two ZIPs are two.
            pl.col("place").drop_nulls().filter(pl.col("place").drop_nulls().str.contains(r"^\d{5}$")).n_unique().alias("zips"),
            pl.col("address_node").drop_nulls().n_unique().alias("addresses"),
        )
    )
    joining = parcels.filter((pl.col("streets") <= 1) & (pl.col("zips") <= 1))
    edges = pairs.join(joining.select("parcel_key"), on="parcel_key", how="semi").filter(pl.col("address_node").is_not_null())
    components = connected_components(
        edges.select(left=pl.concat_str(pl.lit("a:"), "address_node"), right=pl.concat_str(pl.lit("p:"), "parcel_key"))
    )
    components = _without_chains(components, pairs)
    own = (
        pl.when(pl.col("address_node").is_not_null())
        .then(pl.concat_str(pl.lit("a:"), "address_node"))
        .when(pl.col("parcel_key").is_in(joining["parcel_key"].implode()))
        .then(pl.concat_str(pl.lit("p:"), "parcel_key"))
    )
    return (
        pairs.select("address_node", "parcel_key", own.alias("node"))
        .unique()
        .join(components, on="node", how="left")
        .select("address_node", "parcel_key", pl.coalesce("component", "node").alias("cluster"))
    )


def _without_chains(components: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Components that would put two ZIPs into one property fall apart into their addresses."""
    places = pairs.select(node=pl.concat_str(pl.lit("a:"), "address_node"), place="place").drop_nulls().unique()
    broken = (
        components.join(places.filter(pl.col("place").str.contains(r"^\d{5}$")), on="node")
        .group_by("component").agg(pl.col("place").n_unique().alias("zips"))
        .filter(pl.col("zips") > 1)
    )  # fmt: skip
    return components.join(broken, on="component", how="anti")


def _links(members: pl.DataFrame, merges: pl.DataFrame) -> pl.DataFrame:
    """One row per member with the rule and the sentence that say why it is where it is."""
    key = pl.col("property_id")

    def shared(column: str) -> pl.Expr:
        return pl.col(column).is_not_null() & (pl.len().over(key, column) > 1)

    is_moved = (pl.col("old_id") != key).fill_null(value=False)
    members = members.with_columns(
        is_moved=is_moved,
        is_merged=is_moved & pl.col("old_id").is_in(merges["previous_property_id"].implode()),
        is_first=(pl.col("record_id") == pl.col("founder")),
        by_address=shared("address_node"),
        by_parcel=shared("parcel_key"),
    )
    rule = (
        pl.when("is_merged").then(pl.lit("merge"))
        .when("is_first").then(pl.lit("first"))
        .when(pl.col("by_address") & pl.col("by_parcel")).then(pl.lit("address+parcel"))
        .when("by_address").then(pl.lit("address"))
        .when("by_parcel").then(pl.lit("parcel"))
        .otherwise(pl.lit("first"))
    )  # fmt: skip
    address, parcel = pl.col("address_key").str.replace_all("|", " ", literal=True).str.replace_all(r" +", " ").str.strip_chars(), pl.col("parcel_key")
    evidence = (
        pl.when(pl.col("matched_by") == "merge")
        .then(pl.concat_str(pl.lit("Property "), "old_id", pl.lit(" turned out to be this one: "), pl.coalesce(
            pl.concat_str(pl.lit("same address "), address), pl.concat_str(pl.lit("same parcel "), parcel), pl.lit("same keys"))))
        .when(pl.col("matched_by") == "first").then(pl.lit("The first record of this property."))
        .when(pl.col("matched_by") == "address+parcel")
        .then(pl.concat_str(pl.lit("Same address "), address, pl.lit(" and same parcel "), parcel, pl.lit(".")))
        .when(pl.col("matched_by") == "address").then(pl.concat_str(pl.lit("Same address "), address, pl.lit(".")))
        .otherwise(pl.concat_str(pl.lit("Same parcel "), parcel, pl.lit(".")))
    )  # fmt: skip
    stands = pl.col("old_id").is_not_null() & ~pl.col("is_moved")
    links = members.with_columns(rule.alias("matched_by")).with_columns(
        evidence.alias("evidence"), pl.when("is_moved").then("old_id").alias("previous_property_id")
    )
    kept = pl.when(stands & pl.col("old_matched_by").is_not_null())
    return links.with_columns(
        pl.lit(1.0).alias("score"), *(kept.then(f"old_{name}").otherwise(name).alias(name) for name in _KEPT)
    )
