"""Which geocoder an installation asks, and whether it may, behind one small interface.

`geocode_calls` makes calls for the guard, `read_places` reads their pulls: nothing else differs between geocoders. Not
here: which addresses need one, and what becomes of the answers (`properties.geocodes`).
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.providers.configured import provider_states
from leadflow_pipelines.providers.sources import census, google
from leadflow_pipelines.settings import PREFIX, Settings
from leadflow_pipelines.spend.call import Call


@dataclass(frozen=True)
class Geocoder:
    """One geocoder. `geocode_calls`: see `coordinates.addresses_to_ask`; `to_coordinates`: RAW_PULLS to COORDINATES.

    `keep_days`: how long its terms let coordinates be kept; null: for good.
    """

    name: str
    endpoint: str
    keep_days: int | None
    geocode_calls: Callable[[pl.DataFrame, dt.date], list[Call]]
    to_coordinates: Callable[[pl.DataFrame], pl.DataFrame]

    def read_places(self, raw: pl.DataFrame, calls: Sequence[Call]) -> pl.DataFrame:
        """COORDINATES of the calls' raw pulls: a row for each record that these calls ask about.

        An answer from the cache may have been asked for when fewer records had the address.
        """
        asked = {call.fingerprint: call.item_key for call in calls}
        keys = pl.col("fingerprint").replace_strict(asked, default=None, return_dtype=pl.String)
        return self.to_coordinates(raw.with_columns(keys.alias("item_key")))


GEOCODERS = {
    module.NAME: Geocoder(module.NAME, module.ENDPOINT, module.KEEP_DAYS, module.geocode_calls, module.to_coordinates)
    for module in (census, google)
}


def chosen_geocoder(settings: Settings) -> Geocoder | None:
    """The geocoder that the settings name, or None where no address may leave the house."""
    return GEOCODERS.get(settings.geocoder)


def why_not_geocode(settings: Settings, *, is_simulated: bool) -> str | None:
    """Why no address is sent to the geocoder that the settings name; None where it may be asked.

    A simulated org knows no real geocoder: it asks where the settings name another address than the vendor's own.
    """
    chosen = chosen_geocoder(settings)
    if chosen is None:
        return f"{PREFIX}GEOCODER=none: no address is sent to anyone"
    (state,) = (one for one in provider_states(settings) if one.provider == chosen.name)
    if not state.is_configured:
        return state.note
    base_url = f"{chosen.name}_base_url"
    if is_simulated and getattr(settings, base_url) == Settings.model_fields[base_url].default:
        return f"the real {chosen.name} is not asked for a simulated org; set {PREFIX}{base_url.upper()} to a simulator"
    return None
