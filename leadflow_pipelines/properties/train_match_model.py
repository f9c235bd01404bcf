"""Learning the match model anew from records whose truth is known.

    python -m leadflow_pipelines.properties.train_match_model LABELLED.parquet

LABELLED holds what `resolve_properties` takes, and `truth`: the property that each record really is of.
"""

import json
import sys
from pathlib import Path

import polars as pl

from leadflow_pipelines.properties.matching.candidates import candidate_pairs, described, nodes_of
from leadflow_pipelines.properties.matching.compare import FIELDS, compare_pairs
from leadflow_pipelines.properties.matching.match_model import MODEL_FILE, MatchModel, fit_match_model
from leadflow_pipelines.properties.resolve import exact_members


def labelled_pairs(records: pl.DataFrame) -> pl.DataFrame:
    """FIELDS and is_match of every pair of exact clusters that meets in a block. `records`: with `truth`.

    A cluster whose records are of several properties is no lesson; its pairs are left out.
    """
    members = exact_members(records)
    nodes = nodes_of(members)
    truth = (
        members.select("cluster", "record_id").join(records.select("record_id", "truth"), on="record_id")
        .group_by("cluster").agg(pl.col("truth").first(), pl.col("truth").n_unique().alias("truths"))
        .with_columns(truth=pl.when(pl.col("truths") == 1).then("truth"))
    )  # fmt: skip
    of_node = nodes.select("cluster").join(truth, on="cluster", how="left", maintain_order="left")["truth"]
    pairs = candidate_pairs(nodes, members)
    known = described(nodes, members, pl.concat([pairs["left"], pairs["right"]]))
    levels = compare_pairs(known, pairs).filter(~pl.col("told_apart"))
    return (
        levels.with_columns(is_match=of_node[levels["left"]] == of_node[levels["right"]])
        .drop_nulls("is_match")
        .select(*FIELDS, "is_match")
    )


def main(path: Path) -> MatchModel:
    """Learn from the file, write the model's data file, and return the model."""
    records = pl.read_parquet(path)
    pairs = labelled_pairs(records)
    model = fit_match_model(pairs, pairs["is_match"])
    MODEL_FILE.write_text(
        json.dumps(
            {
                "version": model.version,
                "about": "Log odds per level of agreement between two addresses; see docs/identity.md.",
                "learned_from": {
                    "records": records.height,
                    "pairs": pairs.height,
                    "matches": int(pairs["is_match"].sum()),
                },
                "bias": model.bias,
                "weights": model.weights,
            },
            indent=2,
        )
        + "\n"
    )
    return model


if __name__ == "__main__":
    main(Path(sys.argv[1]))
