"""The id that a property has today, for tables of past days: merged properties gave up their own.

Here: past ids → present ones. Not here: merging.
"""

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_LINKS
from leadflow_pipelines.lake import Lake


def under_present_ids(lake: Lake, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the id that each property has now, where a merge gave its own up."""
    links = lake.read(PROPERTY_LINKS, columns=["previous_property_id", "property_id"])
    standing = links.select(previous_property_id="property_id").unique()
    heirs = (
        links.drop_nulls("previous_property_id")
        .join(standing, on="previous_property_id", how="anti")
        .group_by("previous_property_id")
        .agg(heir=pl.col("property_id").unique())
        .filter(pl.col("heir").list.len() == 1)
        .with_columns(pl.col("heir").list.first())
    )
    moved = frame.join(heirs, left_on="property_id", right_on="previous_property_id", how="left", maintain_order="left")
    return moved.with_columns(property_id=pl.coalesce("heir", "property_id")).drop("heir")
