"""Ids of properties: kept from the past where there is one, else named by the cluster itself.

Here: clusters to ids. Not here: which records form a cluster (`resolve`).
"""

import polars as pl

from leadflow_pipelines.properties.stable_hash import stable_hash

_HEX_DIGITS = 20


def assign_ids(members: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The members with property_id and founder (record_id of the property's first record), and the merges.

    Needs record_id, cluster, address_node, parcel_key, old_id, linked_on. An old id goes to the cluster that holds most
    of its records (then the smallest anchor); where several old ids meet, the one linked first survives. A cluster
    without an old id is named by its anchor, so that an interrupted run, repeated, names it the same.
    """
    claims = (
        members.filter(pl.col("old_id").is_not_null())
        .group_by("old_id", "cluster")
        .agg(pl.len().alias("records"), pl.col("linked_on").min())
        .sort("old_id", pl.col("records"), "cluster", descending=[False, True, False])
    )
    kept = claims.unique("old_id", keep="first", maintain_order=True).sort("linked_on", "old_id")
    ids = kept.unique("cluster", keep="first", maintain_order=True).select("cluster", property_id="old_id")
    merges = (
        kept.select("cluster", previous_property_id="old_id")
        .join(ids, on="cluster")
        .filter(pl.col("previous_property_id") != pl.col("property_id"))
        .select("previous_property_id", "property_id")
        .sort("previous_property_id")
    )
    new = _name_new(members.join(ids, on="cluster", how="anti"), claims["old_id"].unique())
    members = members.join(pl.concat([ids, new]), on="cluster", how="left")
    # The founder is the first linked record; among records of one day, the smallest id, so that order says nothing.
    founders = (
        members.select("property_id", "record_id", "linked_on", is_old=pl.col("old_id") == pl.col("property_id"))
        .sort(pl.col("is_old").fill_null(value=False), "linked_on", "record_id", descending=[True, False, False], nulls_last=True)
        .unique("property_id", keep="first", maintain_order=True)
        .select("property_id", founder="record_id")
    )
    return members.join(founders, on="property_id", how="left"), merges


def _name_new(members: pl.DataFrame, taken: pl.Series) -> pl.DataFrame:
    """cluster → property_id for clusters without one. An id that another cluster holds is never given again."""
    anchors = (
        members.group_by("cluster")
        .agg(pl.col("address_node").min(), pl.col("parcel_key").min(), pl.col("record_id").min())
        .select("cluster", pl.coalesce("address_node", "parcel_key", "record_id").alias("anchor"))
        .sort("anchor", "cluster")
    )
    named = anchors.clear().select("cluster", pl.lit("").alias("property_id"))
    attempt = 0
    while anchors.height:
        salt = [pl.lit(attempt)] if attempt else []
        anchors = anchors.with_columns(
            pl.concat_str(pl.lit("p_"), stable_hash([pl.col("anchor"), *salt]).str.slice(0, _HEX_DIGITS)).alias("property_id")
        )
        free = ~pl.col("property_id").is_in(taken.implode()) & pl.col("property_id").is_first_distinct()
        given = anchors.filter(free).select("cluster", "property_id")
        named = pl.concat([named, given])
        taken = pl.concat([taken, given["property_id"]])
        anchors = anchors.join(given, on="cluster", how="anti")
        attempt += 1
    return named
