"""Connected components over tables of edges.

Here: which nodes hang together. Not here: what an edge means (`resolve`).
"""

import polars as pl

_ROUNDS = 64
"""Each round at least halves the longest way to a component's smallest node: 64 rounds reach any graph in memory."""


def connected_components(edges: pl.DataFrame) -> pl.DataFrame:
    """`edges` (left, right: integers) as node → component, the component named by its smallest node.

    Label propagation with jumps: each round a node takes the smallest label of its neighbours, then that label's own.
    """
    both = pl.concat([edges.select("left", "right"), edges.select(left="right", right="left")]).unique()
    labels = both.select(node="left").unique().sort("node").with_columns(component="node")
    for _ in range(_ROUNDS):
        nearest = (
            both.join(labels, left_on="right", right_on="node")
            .group_by("left").agg(pl.col("component").min().alias("nearest"))
        )  # fmt: skip
        lowered = labels.join(nearest, left_on="node", right_on="left", how="left", maintain_order="left").select(
            "node", pl.min_horizontal("component", "nearest").alias("component")
        )
        jumped = lowered.join(
            lowered.rename({"node": "component", "component": "farther"}),
            on="component", how="left", maintain_order="left",
        ).select("node", pl.min_horizontal("component", "farther").alias("component"))  # fmt: skip
        if jumped.equals(labels):
            break
        labels = jumped
    return labels
