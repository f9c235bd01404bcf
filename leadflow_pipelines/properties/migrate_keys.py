"""The whole migration of a lake's address keys: every record renewed, every ZIP concerned resolved again.

Here: the order of the two, area by area. Not here: the records (`renew_keys`), a ZIP (`refresh_properties`).
"""

import datetime as dt
from dataclasses import dataclass
from itertools import groupby

import polars as pl

from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from leadflow_pipelines.properties.renew_keys import renew_keys, unsettled_zips


@dataclass(frozen=True)
class KeyMigration:
    """What was done: records that had keys of an earlier version, ZIPs resolved again, records whose property was
    merged into another, and ZIPs that stay to be resolved because their properties break a contract."""

    records: int
    zips: int
    merged: int
    broken_zips: tuple[str, ...]


def migrate_keys(lake: Lake, *, day: dt.date, decisions: pl.DataFrame) -> KeyMigration:
    """Bring the keys of a lake, and the properties that follow from them, to this version. Safe to repeat.

    Property ids stay; properties that now share a key merge as they do in any run. Resolved in areas of one
    three-digit ZIP prefix, within which addresses are compared; so memory holds an area's records, not the lake's.
    """
    records = renew_keys(lake, day=day)
    zips = unsettled_zips(lake)
    merged = 0
    for _, area in groupby(zips, key=lambda zip_code: zip_code[:3]):
        merged += refresh_properties(lake, zips=area, day=day, decisions=decisions).merged
    broken = tuple(unsettled_zips(lake))
    return KeyMigration(records, len(zips) - len(broken), merged, broken)
