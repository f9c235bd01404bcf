"""The vendors that list a ZIP's properties: what each is asked for a ZIP, and how its answers read as source rows.

Here: one line per vendor. Not here: its addresses, shapes and bills (its module in `sources`), county tables
(`open_data`), crawled pages (`scraper`).
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import polars as pl

from leadflow_pipelines.providers.configured import configured_sources
from leadflow_pipelines.providers.sources import (
    attom,
    attom_rows,
    datatree,
    datatree_rows,
    regrid,
    regrid_rows,
    rentcast,
    rentcast_rows,
    zillow,
    zillow_rows,
)
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call


class ReadsRows(Protocol):
    """Reads raw items as source rows, in the same order."""

    def __call__(self, raw: pl.DataFrame, settings: Settings) -> pl.DataFrame: ...


@dataclass(frozen=True)
class Listing:
    """One vendor. `property_calls`: the first calls for some ZIPs and a day; `to_source_rows`: RAW_PULLS to rows."""

    name: str
    title: str
    endpoint: str
    property_calls: Callable[[Sequence[str], dt.date, Settings], list[Call]]
    to_source_rows: ReadsRows


class _Vendor(Protocol):
    """What a vendor's module holds."""

    NAME: str
    ENDPOINT: str

    def property_calls(self, zips: Sequence[str], day: dt.date, *, settings: Settings) -> list[Call]: ...


def _attom_calls(zips: Sequence[str], day: dt.date, settings: Settings) -> list[Call]:
    return attom.property_calls(zips, day, most_records=settings.attom_max_records_per_zip)


def _datatree_rows(raw: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    return datatree_rows.to_source_rows(raw, datatree.load_field_map(settings.datatree_field_map))


def _listing(title: str, vendor: _Vendor, to_source_rows: Callable[[pl.DataFrame], pl.DataFrame]) -> Listing:
    """A vendor whose module makes its calls from the settings and whose rows need none."""
    return Listing(
        vendor.NAME,
        title,
        vendor.ENDPOINT,
        lambda zips, day, settings: vendor.property_calls(zips, day, settings=settings),
        lambda raw, settings: to_source_rows(raw),
    )


LISTINGS = (
    Listing(attom.NAME, "ATTOM", attom.ENDPOINT, _attom_calls, lambda raw, settings: attom_rows.to_source_rows(raw)),
    _listing("RentCast", rentcast, rentcast_rows.to_source_rows),
    _listing("Regrid", regrid, regrid_rows.to_source_rows),
    _listing("Zillow", zillow, zillow_rows.to_source_rows),
    replace(_listing("DataTree", datatree, datatree_rows.to_source_rows), to_source_rows=_datatree_rows),
)
"""In the order in which a day asks them."""


def configured_listings(settings: Settings) -> tuple[Listing, ...]:
    """The vendors that this installation has keys for."""
    configured = configured_sources(settings)
    return tuple(listing for listing in LISTINGS if listing.name in configured)
