"""For which org, and over which calendar, a code location's assets are made."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

DEFAULT_ORG = "default"
CALENDAR_DAYS = 90
"""Days in Dagster's calendar. The lake keeps what the calendar drops."""

MOST_PARTITIONS = 100_000
"""ZIPs times days above which Dagster's partition pages and daemons become slow."""


@dataclass(frozen=True)
class Scope:
    """One org's assets: their key prefix and the one partitions definition that all of them share.

    ZIPs are dynamic and belong to the org, so that no org sees or runs another's.
    """

    org: str
    today: dt.date
    timezone: str

    def key(self, name: str) -> dg.AssetKey:
        """The asset key of a table or pull; the default org's has no prefix."""
        path = name.split("/")
        return dg.AssetKey(path if self.org == DEFAULT_ORG else [self.org, *path])

    @property
    def zips_name(self) -> str:
        """Name of the org's dynamic ZIP partitions."""
        return "zips" if self.org == DEFAULT_ORG else f"zips_{self.org}"

    @property
    def first_day(self) -> dt.date:
        """First day of the rolling calendar."""
        return self.today - dt.timedelta(days=CALENDAR_DAYS - 1)

    @cached_property
    def zip_days(self) -> dg.MultiPartitionsDefinition:
        """ZIP x day. Dagster orders by day, then by ZIP, so that a day's ZIPs are one range."""
        return dg.MultiPartitionsDefinition(
            {
                "day": dg.DailyPartitionsDefinition(
                    start_date=self.first_day.isoformat(), timezone=self.timezone, end_offset=1
                ),
                "zip": dg.DynamicPartitionsDefinition(name=self.zips_name),
            }
        )

    def partition_key(self, day: dt.date, zip_code: str) -> str:
        """The partition of one ZIP and day."""
        return str(dg.MultiPartitionKey({"day": day.isoformat(), "zip": zip_code}))
