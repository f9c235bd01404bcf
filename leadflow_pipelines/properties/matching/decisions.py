"""What an operator decided about two records: one property, or two. A decision outranks every rule and weight.

Here: decisions applied to clusters. Not here: where they are kept, or what follows from keys and weights (`resolve`).
"""

import polars as pl

from leadflow_pipelines.properties.matching.clustering import connected_components

DECISION_COLUMNS = ("left_record_id", "right_record_id", "decision")
"""decision: `together` or `apart`. A pair stands once; decisions on unknown records change nothing."""


def part_clusters(members: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """The members, each record that was put apart from one of its own exact cluster in a cluster of its own.

    Of the two it is the one with the larger id that leaves, so that the outcome does not hang on who was named first.
    """
    apart = _clusters(members, decisions.filter(pl.col("decision") == "apart")).filter(
        pl.col("left_cluster") == pl.col("right_cluster")
    )
    if apart.is_empty():
        return members
    leaving = apart.select(pl.max_horizontal("left_record_id", "right_record_id")).to_series().unique()
    own = pl.col("cluster").max() + 1 + pl.col("at").cast(pl.UInt64)
    leaves = pl.col("record_id").is_in(leaving.implode())
    return members.with_columns(pl.when(leaves).then(own).otherwise("cluster").alias("cluster"))


def parted_nodes(members: pl.DataFrame, nodes: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """left, right (node numbers, left < right) of the nodes that an operator put apart."""
    apart = _clusters(members, decisions.filter(pl.col("decision") == "apart"))
    for side in ("left", "right"):
        apart = apart.join(
            nodes.select(pl.col("cluster").alias(f"{side}_cluster"), pl.col("node").alias(side)), on=f"{side}_cluster"
        )
    return apart.select(
        left=pl.min_horizontal("left", "right"), right=pl.max_horizontal("left", "right")
    ).unique()  # fmt: skip


def join_clusters(members: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """The members with the clusters joined that an operator put together, and is_decided for those that moved."""
    edges = _clusters(members, decisions.filter(pl.col("decision") == "together")).filter(
        pl.col("left_cluster") != pl.col("right_cluster")
    )
    if edges.is_empty():
        return members.with_columns(is_decided=pl.lit(value=False))
    homes = connected_components(edges.select(left="left_cluster", right="right_cluster"))
    moved = members["cluster"].replace(homes["node"], homes["component"])
    return members.with_columns(moved.alias("cluster"), is_decided=members["cluster"].is_in(homes["node"].implode()))


def _clusters(members: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """The decisions on known records, with left_cluster and right_cluster."""
    for side in ("left", "right"):
        known = members.select(
            pl.col("record_id").alias(f"{side}_record_id"), pl.col("cluster").alias(f"{side}_cluster")
        )
        decisions = decisions.join(known, on=f"{side}_record_id")
    return decisions
