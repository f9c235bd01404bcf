"""The vendors that list a ZIP's properties: what each is asked for a ZIP, and how its answers read as source rows.

Here: one line per vendor. Not here: its addresses, shapes and bills (its module in `sources`), county tables
(`open_data`), crawled pages (`scraper`).
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


def _attom_calls(zips: Sequence[str], day: dt.date, settings: Settings) -> list[Call]:
    return attom.property_calls(zips, day, most_records=settings.attom_max_records_per_zip)


def _datatree_rows(raw: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    return datatree_rows.to_source_rows(raw, datatree.load_field_map(settings.datatree_field_map))


LISTINGS = (
    Listing(attom.NAME, "ATTOM", attom.ENDPOINT, _attom_calls, lambda raw, settings: attom_rows.to_source_rows(raw)),
    Listing(
        rentcast.NAME,
        "RentCast",
        rentcast.ENDPOINT,
        lambda zips, day, settings: rentcast.property_calls(zips, day, settings=settings),
        lambda raw, settings: rentcast_rows.to_source_rows(raw),
    ),
    Listing(
        regrid.NAME,
        "Regrid",
        regrid.ENDPOINT,
        lambda zips, day, settings: regrid.property_calls(zips, day, settings=settings),
        lambda raw, settings: regrid_rows.to_source_rows(raw),
    ),
    Listing(
        zillow.NAME,
        "Zillow",
        zillow.ENDPOINT,
        lambda zips, day, settings: zillow.property_calls(zips, day, settings=settings),
        lambda raw, settings: zillow_rows.to_source_rows(raw),
    ),
    Listing(
        datatree.NAME,
        "DataTree",
        datatree.ENDPOINT,
        lambda zips, day, settings: datatree.property_calls(zips, day, settings=settings),
        _datatree_rows,
    ),
)
"""In the order in which a day asks them."""


def configured_listings(settings: Settings) -> tuple[Listing, ...]:
    """The vendors that this installation has keys for."""
    configured = configured_sources(settings)
    return tuple(listing for listing in LISTINGS if listing.name in configured)
