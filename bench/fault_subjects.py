"""What is asked of each provider in the fault table, and how its answers are told apart and compared.

Here: one subject per provider, with pages small enough that a ZIP takes several. Not here: the faults (`fault_table`).
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl

from leadflow_pipelines.properties.addresses.places import zip_table
from leadflow_pipelines.providers.listings import LISTINGS, Listing
from leadflow_pipelines.providers.open_data.county_calls import open_data_calls
from leadflow_pipelines.providers.open_data.county_rows import to_source_rows as county_rows
from leadflow_pipelines.providers.open_data.county_source import load_county_sources
from leadflow_pipelines.providers.sandbox.homes import homes_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.world import World
from leadflow_pipelines.providers.sources import datatree, regrid, rentcast
from leadflow_pipelines.providers.sources.batchdata import BatchData, skip_trace_calls
from leadflow_pipelines.providers.sources.batchdata_rows import to_contact_rows
from leadflow_pipelines.providers.sources.coordinates import BETWEEN_KEYS
from leadflow_pipelines.providers.sources.geocoding import GEOCODERS
from leadflow_pipelines.providers.sources.pages import distinct_items
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

DAY = dt.date(2026, 11, 21)
ZIPS = ("19103", "80212", "78701")
RECORDS, PAGE = 25, 10
PEOPLE_PER_ZIP = 100
BATCH, PEOPLE_BATCH = 4, 25
BOOKKEEPING = ("pull_id", "row_number", "cost_cents", "observed_at", "fetched_at")
COUNTIES = {
    "socrata": ("county_cook_il", ("60601", "60602", "60603")),
    "arcgis": ("county_miami_dade_fl", ("33132", "33133", "33134")),
    "carto": ("county_philadelphia_pa", ("19103", "19104", "19106")),
}
Records = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """One provider under test.

    vendor: its name at the simulator; provider: its name in ledger and budget. records: what arrived, by a name of its
    own, one entry for each time it did. covered: the names that a call asks for, given the names of all records.
    leaves_nulls_out: a column that is gone from an answer looks as one without a value.
    """

    vendor: str
    provider: str
    calls: Callable[[Settings], list[Call]]
    records: Callable[[pl.DataFrame, Settings], list[tuple[str, Any]]]
    covered: Callable[[Call, Records], set[str]]
    leaves_nulls_out: bool = False


@contextmanager
def small_pages(folder: Path) -> Iterator[dict[str, Any]]:
    """Pages of PAGE records everywhere, for as long as the block lasts; the settings that belong to it."""
    field_map = folder / "datatree.yaml"
    field_map.write_text(datatree.DEFAULT_MAP.read_text().replace("most_per_page: 100", f"most_per_page: {PAGE}"))
    with ExitStack() as stack:
        for module in (rentcast, regrid):
            stack.enter_context(mock.patch.object(module, "MOST_PER_PAGE", PAGE))
        stack.enter_context(mock.patch.object(BatchData, "batch_size", PEOPLE_BATCH))
        counties = load_county_sources(None)
        for name, _ in COUNTIES.values():
            stack.enter_context(mock.patch.dict(counties[name].__dict__, page_rows=PAGE))
        yield {"datatree_field_map": field_map, "census_batch_size": BATCH, "attom_max_records_per_zip": 3 * PAGE}


def subjects() -> list[Subject]:
    """Every provider there is, the three platforms of open data among them."""
    listings = {listing.name: listing for listing in LISTINGS}
    listed = [_listing(listings[name]) for name in ("attom", "rentcast", "regrid", "zillow", "datatree")]
    return [
        listed[0],
        _people(),
        *listed[1:],
        *(_geocoder(name) for name in ("census", "google")),
        *(_county(platform) for platform in COUNTIES),
    ]


def _listing(listing: Listing) -> Subject:
    def records(raw: pl.DataFrame, settings: Settings) -> list[tuple[str, Any]]:
        return _by(listing.to_source_rows(distinct_items(raw), settings), "source_record_id")

    return Subject(
        listing.name, listing.name, lambda settings: listing.property_calls(ZIPS, DAY, settings), records, _in_zip
    )


def _county(platform: str) -> Subject:
    name, zips = COUNTIES[platform]

    def calls(settings: Settings) -> list[Call]:
        places = zip_table().filter(pl.col("zip").is_in(zips))
        return [call for call in open_data_calls(places, DAY, settings=settings) if call.provider == name]

    def records(raw: pl.DataFrame, settings: Settings) -> list[tuple[str, Any]]:
        return _by(county_rows(distinct_items(raw), load_county_sources()[name]), "parcel_number")

    return Subject(platform, name, calls, records, _in_zip, leaves_nulls_out=platform == "socrata")


def _people() -> Subject:
    asked = pl.DataFrame(
        {"request_id": f"{zip_code}-{number}", "zip": zip_code, "street": f"{number} MAPLE ST", "city": "X",
         "state": "PA", "zip5": zip_code}
        for zip_code in ZIPS
        for number in range(PEOPLE_PER_ZIP)
    )  # fmt: skip
    calls = skip_trace_calls(asked, DAY)

    def records(raw: pl.DataFrame, settings: Settings) -> list[tuple[str, Any]]:
        rows = to_contact_rows(raw, calls).drop("fetched_at", "cost_cents")
        found = rows.partition_by("request_id", as_dict=True, maintain_order=True)

        def of_kind(some: pl.DataFrame, kind: str) -> list[dict[str, Any]] | None:
            return some.filter(kind=kind).drop("rank").to_dicts() or None

        return [
            (str(key), {"phones": of_kind(some, "phone"), "emails": of_kind(some, "email")})
            for (key,), some in found.items()
        ]

    return Subject("batchdata", "batchdata", lambda _: calls, records, _of_key)


def _geocoder(name: str) -> Subject:
    geocoder = GEOCODERS[name]
    world = World(RECORDS, today=lambda: DAY)
    homes = [home for zip_code in ZIPS for home in homes_of(world, find_place(zip_code), 0, RECORDS // 2)]
    asked = pl.DataFrame(
        {"record_key": f"{home.place.zip}-{home.number}", "zip": home.place.zip, "street": home.street,
         "city": home.place.city, "state": home.place.state, "zip5": home.place.zip}
        for home in homes
    )  # fmt: skip

    def records(raw: pl.DataFrame, settings: Settings) -> list[tuple[str, Any]]:
        return _by(geocoder.to_coordinates(raw), "record_key")

    return Subject(name, name, lambda _: geocoder.geocode_calls(asked, DAY), records, _of_key)


def _by(rows: pl.DataFrame, key: str) -> list[tuple[str, Any]]:
    kept = rows.drop([name for name in BOOKKEEPING if name in rows.columns])
    return [(row[key], row) for row in kept.to_dicts()]


def _in_zip(call: Call, records: Records) -> set[str]:
    return {name for name, row in records.items() if (row["zip"] or "")[:5] == call.zip}


def _of_key(call: Call, records: Records) -> set[str]:
    return {*(call.item_key or "").split(BETWEEN_KEYS)} & records.keys()
