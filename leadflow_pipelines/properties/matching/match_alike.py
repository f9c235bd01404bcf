"""The second half of a resolution: exact clusters that are one property under two spellings.

Here: the order of the steps, and what a match says of itself in words. Not here: blocks (`candidates`), levels
(`compare`), weights (`match_model`), constraints (`join_alike`).
"""

import polars as pl

from leadflow_pipelines.properties.matching.candidates import candidate_pairs, described, nodes_of
from leadflow_pipelines.properties.matching.compare import FIELDS, compare_pairs
from leadflow_pipelines.properties.matching.decisions import parted_nodes
from leadflow_pipelines.properties.matching.join_alike import join_alike
from leadflow_pipelines.properties.matching.match_model import MatchModel, load_match_model

PHRASES: dict[str, dict[str, str]] = {
    "street": {
        "same": "same street name", "one_slip": "street name one letter apart",
        "two_slips": "street name two letters apart", "other": "another street name",
    },
    "suffix": {"missing": "one without the street's suffix", "other": "another suffix"},
    "directional": {
        "same": "same directional", "moved": "directional before and behind", "missing": "one without directional",
        "other": "another directional",
    },
    "unit": {"same": "same unit", "missing": "one without the unit"},
    "place": {
        "same_zip": "same ZIP", "no_zip_same_city": "same city, one without ZIP",
        "no_zip_no_city": "one without a place", "no_zip_other_city": "another city, one without ZIP",
        "near_zip_same_city": "same city, a ZIP nearby", "near_zip_no_city": "a ZIP nearby",
        "both_zips_told": "same city, two ZIPs that several sources write each",
        "near_zip_other_city": "another city, a ZIP nearby", "far_zip_same_city": "same city, a distant ZIP",
        "far_zip_no_city": "a distant ZIP", "far_zip_other_city": "another city and ZIP",
    },
    "parcel": {
        "same": "same parcel number", "shared": "same parcel number, which many addresses share",
        "other": "another parcel number", "listed_apart": "two parcel numbers of one source",
    },
    "owner": {"same": "same owner", "alike": "owner alike", "other": "another owner"},
    "distance": {"near": "at the same spot", "around": "some hundred metres apart", "far": "far apart on the map"},
}  # fmt: skip
"""What a level says to a person; a level without a phrase is not worth a word."""

VERDICT_COLUMNS = ("left_record_id", "right_record_id", "probability", "verdict", "evidence")
"""A looked-at pair: the smallest record of each side, `joined`, `refused` or `doubtful`, and why."""


def match_alike(
    members: pl.DataFrame, decisions: pl.DataFrame, model: MatchModel | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The members with alike clusters joined, and the verdicts (VERDICT_COLUMNS) on the pairs looked at.

    `decisions`: DECISION_COLUMNS; what an operator put apart is not joined again. Adds exact (the cluster before),
    alike_score and alike_evidence (of the match that holds the record's exact cluster to the rest; null where nothing
    joined it).
    """
    members = members.with_columns(exact=pl.col("cluster"))
    nodes = nodes_of(members)
    parted = parted_nodes(members, nodes, decisions)
    pairs = candidate_pairs(nodes, members).join(parted, on=["left", "right"], how="anti")
    pairs = pl.concat([pairs, parted])
    nodes = described(nodes, members, pl.concat([pairs["left"], pairs["right"]]))
    levels = compare_pairs(nodes, pairs, told_apart=parted)
    probability = (model or load_match_model()).probabilities(levels)
    joined = join_alike(nodes, levels.with_columns(probability))
    verdicts = _told(joined.verdicts, nodes)
    cluster_of = nodes.select("node", "cluster")
    homes = joined.components.join(cluster_of, on="node").select(
        "cluster",
        home=pl.col("component").replace_strict(cluster_of["node"], cluster_of["cluster"], return_dtype=pl.UInt64),
    )
    members = (
        members.join(homes, on="cluster", how="left", maintain_order="left")
        .join(_held_by(verdicts).rename({"node": "cluster"}), on="cluster", how="left", maintain_order="left")
        .with_columns(cluster=pl.coalesce("home", "cluster"))
        .drop("home")
    )
    first = members.group_by("exact").agg(pl.col("record_id").min())
    for side in ("left", "right"):
        verdicts = verdicts.join(
            first.rename({"exact": side, "record_id": f"{side}_record_id"}), on=side, how="left", maintain_order="left"
        )
    return members, verdicts.select(VERDICT_COLUMNS)


def _told(verdicts: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """left and right as clusters, their addresses as lines, and the evidence in words."""
    said = [pl.col(field).replace_strict(PHRASES[field], default=None, return_dtype=pl.String) for field in FIELDS]
    line = pl.concat_str("number", "pre", "name", "suffix", "post", "unit", "place", separator=" ", ignore_nulls=True)
    for side in ("left", "right"):
        known = nodes.select(
            pl.col("node").alias(side), pl.col("cluster").alias(f"{side}_cluster"), line.alias(f"{side}_line")
        )
        verdicts = verdicts.join(known, on=side, how="left", maintain_order="left")
    return verdicts.select(
        "left_line", "right_line", "probability", "verdict", left="left_cluster", right="right_cluster",
        evidence=pl.concat_str(said, separator=", ", ignore_nulls=True),
    )  # fmt: skip


def _held_by(verdicts: pl.DataFrame) -> pl.DataFrame:
    """node (a cluster) → alike_score and alike_evidence of its likeliest match that stands."""
    stands = verdicts.filter(pl.col("verdict") == "joined")
    sides = [
        stands.select(node=one, other=pl.col(f"{other}_line"), alike_score="probability", evidence="evidence")
        for one, other in (("left", "right"), ("right", "left"))
    ]
    return (
        pl.concat(sides)
        .sort("node", "alike_score", "other", descending=[False, True, False])
        .unique("node", keep="first", maintain_order=True)
        .select(
            "node", "alike_score",
            alike_evidence=pl.format("Like {}: {}.", "other", "evidence"),
        )
    )  # fmt: skip
