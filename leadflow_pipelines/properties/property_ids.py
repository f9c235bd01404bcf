"""Ids of properties: kept from the past where there is one, else named by the cluster itself.

Here: clusters to ids. Not here: which records form a cluster (`resolve`).
"""

import polars as pl

from leadflow_pipelines.properties.stable_hash import stable_hash

_HEX_DIGITS = 20


def assign_ids(members: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The members with property_id and founder (record_id of the property's first record), and the merges.

    Needs record_id, cluster, is_alone, address_text, parcel_key, old_id, linked_on. An old id goes to the cluster
    that holds most of its records (then the smallest anchor); where several old ids meet, the one linked first
    survives. A cluster without an old id is named by its anchor (its smallest address, else parcel, else record), so
    that an interrupted run, repeated, names it the same.
    """
    anchors = _anchors(members)
    claims = (
        members.filter(pl.col("old_id").is_not_null())
        .group_by("old_id", "cluster").agg(pl.len().alias("records"), pl.col("linked_on").min())
        .join(anchors.select("cluster", "anchor"), on="cluster")
        .sort("old_id", "records", "anchor", descending=[False, True, False])
    )  # fmt: skip
    kept = claims.unique("old_id", keep="first", maintain_order=True).sort("linked_on", "old_id")
    ids = kept.unique("cluster", keep="first", maintain_order=True).select("cluster", property_id="old_id")
    merges = (
        kept.select("cluster", previous_property_id="old_id").join(ids, on="cluster")
        .filter(pl.col("previous_property_id") != pl.col("property_id"))
        .select("previous_property_id", "property_id").sort("previous_property_id")
    )  # fmt: skip
    new = _name_new(anchors.join(ids, on="cluster", how="anti"), claims["old_id"].unique())
    named = anchors.select("cluster", "founder", "claims").join(pl.concat([ids, new]), on="cluster")
    members = members.join(named, on="cluster", maintain_order="left")
    return _with_first_linked(members).drop("claims"), merges


def _anchors(members: pl.DataFrame) -> pl.DataFrame:
    """cluster, anchor, founder, claims (how many of its records have an old id). Most clusters are one record, which
    is its own smallest: only the others are grouped.
    """
    said = members.select("cluster", "is_alone", "address_text", "parcel_key", "record_id", claims="old_id")
    is_several = said["cluster"].is_duplicated()
    one = said.filter(~is_several).with_columns(pl.col("claims").is_not_null().cast(pl.UInt32))
    several = said.filter(is_several).group_by("cluster").agg(
        pl.col("is_alone").first(), pl.col("address_text", "parcel_key", "record_id").min(), pl.col("claims").count()
    )  # fmt: skip
    return pl.concat([one, several.select(one.columns)]).select(
        "cluster",
        pl.when("is_alone").then("record_id").otherwise(pl.coalesce("address_text", "parcel_key")).alias("anchor"),
        pl.col("record_id").alias("founder"),
        "claims",
    )


def _with_first_linked(members: pl.DataFrame) -> pl.DataFrame:
    """Where a property has earlier records, the one linked first is its founder; the smallest id among equals."""
    earlier = (
        members.filter(pl.col("claims") > 0)
        .filter(pl.col("old_id") == pl.col("property_id"))
        .sort("linked_on", "record_id")
        .unique("property_id", keep="first", maintain_order=True)
        .select("property_id", earlier="record_id")
    )
    if earlier.is_empty():
        return members
    return members.join(earlier, on="property_id", how="left", maintain_order="left").with_columns(
        pl.coalesce("earlier", "founder").alias("founder")
    ).drop("earlier")  # fmt: skip


def _name_new(anchors: pl.DataFrame, taken: pl.Series) -> pl.DataFrame:
    """cluster → property_id for clusters without one. An id that another cluster holds is never given again."""
    ids = _ids_of(anchors)
    # A hash tells nearly all that are alone with their id; the few others are named in the order of their anchors.
    contested = ids["property_id"].hash().is_duplicated() | ids["property_id"].is_in(taken.implode())
    named = [ids.filter(~contested)]
    anchors = anchors.filter(contested).sort("anchor", "founder")
    taken = pl.concat([taken, named[0]["property_id"]]) if anchors.height else taken
    attempt = 0
    while anchors.height:
        ids = _ids_of(anchors, *([pl.lit(attempt)] if attempt else []))
        free = ids["property_id"].is_first_distinct() & ~ids["property_id"].is_in(taken.implode())
        named.append(ids.filter(free))
        taken = pl.concat([taken, named[-1]["property_id"]])
        anchors = anchors.filter(~free)
        attempt += 1
    return pl.concat(named)


def _ids_of(anchors: pl.DataFrame, *salt: pl.Expr) -> pl.DataFrame:
    digest = stable_hash([pl.col("anchor"), *salt]).str.slice(0, _HEX_DIGITS)
    return anchors.select("cluster", property_id=pl.concat_str(pl.lit("p_"), digest))
