"""Connected components over tables of edges.

Here: which nodes hang together. Not here: what an edge means (`resolve`).
"""

import polars as pl

_ROUNDS = 64
"""Label propagation with jumps halves the distance each round: 64 rounds reach any graph that fits in memory."""


def connected_components(edges: pl.DataFrame) -> pl.DataFrame:
    """`edges` (left, right: String) as node → component, the component named by its smallest node.

    Independent of row order. Each round takes the smallest label among a node's neighbours, then the label's own
    label; stars settle in two rounds.
    """
    both = pl.concat([edges.select("left", "right"), edges.select(left="right", right="left")]).unique()
    labels = both.select(node="left").unique().with_columns(component="node")
    for _ in range(_ROUNDS):
        nearest = (
            both.join(labels, left_on="right", right_on="node")
            .group_by("left").agg(pl.col("component").min().alias("nearest"))
        )  # fmt: skip
        lowered = labels.join(nearest, left_on="node", right_on="left", how="left").select(
            "node", pl.min_horizontal("component", "nearest").alias("component")
        )
        jumped = lowered.join(
            lowered.rename({"node": "component", "component": "farther"}), on="component", how="left"
        ).select("node", pl.min_horizontal("component", "farther").alias("component"))
        if jumped.sort("node").equals(labels.sort("node")):
            return labels.sort("node")
        labels = jumped
    return labels.sort("node")
