"""Which geocoder an installation asks, behind one small interface.

`geocode_calls` makes calls for the guard, `to_coordinates` reads their pulls: nothing else differs between geocoders.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.providers.sources import census, google
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call


@dataclass(frozen=True)
class Geocoder:
    """One geocoder. `geocode_calls`: see `coordinates.addresses_to_ask`; `to_coordinates`: RAW_PULLS to COORDINATES."""

    name: str
    geocode_calls: Callable[[pl.DataFrame, dt.date], list[Call]]
    to_coordinates: Callable[[pl.DataFrame], pl.DataFrame]


GEOCODERS = {
    module.NAME: Geocoder(module.NAME, module.geocode_calls, module.to_coordinates) for module in (census, google)
}


def chosen_geocoder(settings: Settings) -> Geocoder | None:
    """The geocoder that the settings name, or None where no address may leave the house."""
    return GEOCODERS.get(settings.geocoder)
