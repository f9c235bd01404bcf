"""Everything that lies in the lake for some ZIPs and a day, source by source, as source rows.

Here: which sources there are and how each is read. Not here: asking them (`guard`), what the rows mean
(`properties`).
"""

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

import polars as pl

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.providers.listings import LISTINGS
from leadflow_pipelines.providers.open_data import county_rows
from leadflow_pipelines.providers.open_data.county_source import load_county_sources
from leadflow_pipelines.providers.open_data.stored_county_pulls import read_county_pulls
from leadflow_pipelines.providers.pulls import RawStore
from leadflow_pipelines.providers.scraper import rows as page_rows
from leadflow_pipelines.providers.scraper.recipe import load_recipe
from leadflow_pipelines.providers.sources.pages import distinct_items
from leadflow_pipelines.providers.stored_pulls import read_stored_pulls
from leadflow_pipelines.settings import Settings

Reader = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class StoredRows:
    """One source's raw items (RAW_PULLS shape) and, in the same order, what they say as source rows."""

    source: str
    raw: pl.DataFrame
    rows: pl.DataFrame


def stored_rows(
    database: Database,
    org_id: uuid.UUID,
    raw: RawStore,
    settings: Settings,
    *,
    zips: Collection[str],
    day: dt.date,
) -> Iterator[StoredRows]:
    """What vendors, county tables and crawled pages said for these ZIPs that day; only sources that said anything.

    A county table that has no ZIPs is read whole: its rows say themselves where they lie.
    """
    readers = _readers(settings, day)
    counties = load_county_sources(settings.county_sources).values()
    pulled = [
        read_stored_pulls(database, org_id, raw, providers=list(readers), zips=zips, day=day),
        read_county_pulls(database, org_id, raw, counties=counties, zips=zips, day=day),
    ]
    readers |= {county.name: partial(county_rows.to_source_rows, county=county) for county in counties}
    items = distinct_items(pl.concat(pulled))
    for (source,), some in items.partition_by("source", as_dict=True, maintain_order=True).items():
        yield StoredRows(source, some, readers[source](some))


def _readers(settings: Settings, day: dt.date) -> dict[str, Reader]:
    """How the raw items of each vendor and recipe are read."""
    vendors: dict[str, Reader] = {
        listing.name: partial(listing.to_source_rows, settings=settings) for listing in LISTINGS
    }
    for file in sorted(settings.recipes.glob("*.yaml")):
        recipe = load_recipe(file, today=day)
        vendors[recipe.name] = partial(page_rows.to_source_rows, recipe=recipe, day=day)
    return vendors
