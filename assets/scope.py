"""For which org, and over which calendar, a code location's assets are made."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

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
    def zip_days(self) -> "ZipDays":
        """ZIP x day. Dagster orders by day, then by ZIP, so that a day's ZIPs are one range."""
        return ZipDays(
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


class ZipDays(dg.MultiPartitionsDefinition):
    """ZIP x day whose keys are made once while days and ZIPs stay as they are.

    Dagster makes them anew at each look, and a step without partitions looks at each of its inputs: 200 ZIPs over
    90 days took 1 s each time.
    """

    def _get_partition_keys(  # type: ignore[override]  # the parent's is wrapped in a cache that forgets by the clock
        self, _current_time: dt.datetime
    ) -> Sequence[dg.MultiPartitionKey]:
        days, zips = (tuple(dimension.partitions_def.get_partition_keys()) for dimension in self.partitions_defs)
        return _keys(days, zips)


@lru_cache(maxsize=4)
def _keys(days: tuple[str, ...], zips: tuple[str, ...]) -> list[dg.MultiPartitionKey]:
    return [dg.MultiPartitionKey({"day": day, "zip": zip_code}) for day, zip_code in product(days, zips)]
