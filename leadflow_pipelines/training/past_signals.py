"""What the leads of past days said of their homes, so that signals are learned from what became of them.

Here: one day a month of each ZIP's leads. Not here: which of it a fit may see (`scoring` cuts at each snapshot's day).
"""

import datetime as dt
from typing import Final

import polars as pl

from leadflow_pipelines.contracts import ENRICHED_LEADS
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.present_ids import under_present_ids
from leadflow_pipelines.scoring.allowed_features import SIGNALS

NEWEST_LEARNED_DAYS: Final = 90
"""A window of less is never learned from, so that younger leads teach nothing yet and are not read."""
OLDEST_LEARNED_DAYS: Final = 1_000
"""A year's window, eight snapshots two months apart, and four months for which a signal is good."""

STEP: Final = 7
"""Every seventh worked day of a month is looked at for ZIPs that the later ones did not have."""


def past_signals(lake: Lake, *, day: dt.date) -> pl.DataFrame | None:
    """parcel_id (the property_id of today), day, and the signals as the leads of that day had them; None without any.

    Of each ZIP one day of each month is read, from OLDEST_LEARNED_DAYS to NEWEST_LEARNED_DAYS before `day`.
    """
    oldest, newest = day - dt.timedelta(days=OLDEST_LEARNED_DAYS), day - dt.timedelta(days=NEWEST_LEARNED_DAYS)
    worked = [one for one in lake.days(ENRICHED_LEADS) if oldest <= one < newest]
    months: dict[tuple[int, int], list[dt.date]] = {}
    for one in worked:
        months.setdefault((one.year, one.month), []).append(one)
    parts = [_of_month(lake, sorted(days, reverse=True)[::STEP]) for days in months.values()]
    return under_present_ids(lake, pl.concat(parts)).rename({"property_id": "parcel_id"}) if parts else None


def _of_month(lake: Lake, days: list[dt.date]) -> pl.DataFrame:
    """Each ZIP as its newest of these days had it. days: the newest first."""
    columns = ["zip", "property_id", "day", *(name for name in SIGNALS if name in ENRICHED_LEADS.schema)]
    seen: set[str] = set()
    parts = []
    for day in days:
        new = pl.Series([*seen], dtype=pl.String)
        leads = lake.read(ENRICHED_LEADS, day=day, where=~pl.col("zip").is_in(new.implode()), columns=columns)
        seen |= set(leads["zip"].unique())
        parts.append(leads.drop("zip"))
    return pl.concat(parts).unique("property_id", keep="first", maintain_order=True).sort("property_id")
