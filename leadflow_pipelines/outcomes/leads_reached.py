"""The leads of a day with what happened to each: scored, cleared, contacted.

Here: gathering, for reports on who is reached. Not here: what a report makes of it (`scoring.fairness`).
"""

import datetime as dt
from collections.abc import Collection

import polars as pl

from leadflow_pipelines.contracts import LEAD_SCORES, OUTREACH_LISTS
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.outcomes.known_properties import find_properties

COLUMNS = ["property_id", "zip", "day", "points", "probability"]


def leads_reached(
    lake: Lake, campaigns: pl.DataFrame, *, day: dt.date, zips: Collection[str] | None = None
) -> pl.DataFrame:
    """property_id, zip, day, points, probability, was_cleared, was_contacted: each lead of its ZIP's latest day.

    campaigns: CAMPAIGN_LEADS. was_cleared: on any channel that day. was_contacted: by a message or call of any
    campaign until `day`.
    """
    days = lake.read(LEAD_SCORES, zips=zips, where=pl.col("day") <= day, columns=["zip", "day"])
    latest = days.group_by("zip").agg(pl.col("day").max())
    wanted = pl.col("day").is_in(latest["day"].unique().to_list())
    scores = lake.read(LEAD_SCORES, zips=zips, where=wanted, columns=COLUMNS).join(latest, on=["zip", "day"])
    cleared = lake.read(
        OUTREACH_LISTS, zips=zips, where=wanted & (pl.col("verdict") == "cleared"), columns=["property_id", "day"]
    ).unique()
    written = campaigns.filter(pl.col("contacted_on") <= day)["property_id"].unique().to_list()
    contacted = pl.DataFrame(
        {"property_id": [*find_properties(lake, written).values()]}, schema={"property_id": pl.String}
    )
    return (
        scores.join(cleared.with_columns(was_cleared=pl.lit(value=True)), on=["property_id", "day"], how="left")
        .join(contacted.unique().with_columns(was_contacted=pl.lit(value=True)), on="property_id", how="left")
        .with_columns(pl.col("was_cleared", "was_contacted").fill_null(value=False))
        .sort("property_id")
    )
