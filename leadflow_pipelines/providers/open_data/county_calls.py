"""Which county tables are asked for which ZIPs, and when again. Here: calls and clients, no network."""

import datetime as dt
import zlib
from collections.abc import Iterable

import polars as pl

from leadflow_pipelines.providers.open_data.arcgis import ArcGis
from leadflow_pipelines.providers.open_data.carto import Carto
from leadflow_pipelines.providers.open_data.county_client import CountyClient
from leadflow_pipelines.providers.open_data.county_source import CountySource, covering, load_county_sources
from leadflow_pipelines.providers.open_data.socrata import Socrata
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

CLIENTS: dict[str, type[CountyClient]] = {"socrata": Socrata, "arcgis": ArcGis, "carto": Carto}


def open_data_calls(places: pl.DataFrame, day: dt.date, *, settings: Settings) -> list[Call]:
    """The first pages of every county table that holds one of the places, in their order.

    places: zip, city, county_fips, as the ZIP table has them. A call's day is the first of the table's refresh
    period, so that every day of the period asks the same question and the cache answers it. A table without ZIPs is
    asked for a city once; that call has no ZIP, and its rows are placed by their own addresses.
    """
    sources = list(load_county_sources(settings.county_sources).values())
    calls = [
        county_call(county, zip_code, city, day)
        for zip_code, city, county_fips in places.select("zip", "city", "county_fips").iter_rows()
        for county in covering(sources, county_fips)
    ]
    return list({call.fingerprint: call for call in calls}.values())


def may_ask_counties(settings: Settings, *, is_simulated: bool) -> bool:
    """Whether county tables may be asked: a simulated org knows only simulated ones."""
    return settings.open_data_base_url is not None or not is_simulated


def county_call(county: CountySource, zip_code: str, city: str | None, day: dt.date) -> Call:
    """The first page of one table's rows for a ZIP, or for its city where the table has no ZIPs."""
    by_city = county.zip_filter.match == "city"
    value = (city or "") if by_city else zip_code
    client = CLIENTS[county.platform]
    return client.first_page(county, value, zip_code=None if by_city else zip_code, day=refresh_day(county, day))


def refresh_day(county: CountySource, day: dt.date) -> dt.date:
    """The first day of the table's refresh period that holds `day`. Tables are staggered, so as not all to be
    fetched on one day."""
    begins = zlib.crc32(county.name.encode()) % county.refresh_days
    return day - dt.timedelta(days=(day.toordinal() - begins) % county.refresh_days)


def open_data_sources(settings: Settings, counties: Iterable[CountySource] | None = None) -> dict[str, CountyClient]:
    """A client for every county table (or for those given), by name. They need no key."""
    chosen = load_county_sources(settings.county_sources).values() if counties is None else counties
    return {county.name: county_client(county, settings) for county in chosen}


def county_client(county: CountySource, settings: Settings) -> CountyClient:
    """The client of one table under these settings."""
    base_url = str(settings.open_data_base_url) if settings.open_data_base_url else None
    most_rows = settings.open_data_max_rows
    if county.platform == "socrata":
        token = settings.socrata_app_token.get_secret_value() if settings.socrata_app_token else None
        return Socrata(county, base_url=base_url, most_rows=most_rows, token=token)
    return CLIENTS[county.platform](county, base_url=base_url, most_rows=most_rows)
