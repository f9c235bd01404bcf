"""Where the properties lie that no source places."""

import datetime as dt
from collections import Counter
from typing import Any

import polars as pl

from assets.pull_summary import pull_notes
from assets.run_metadata import bar_chart
from assets.step import Outcome, Step
from assets.zip_day_asset import zip_day_asset
from leadflow_pipelines.contracts import GEOCODES
from leadflow_pipelines.lake import Stored
from leadflow_pipelines.properties.geocodes import (
    forget_expired,
    geocoders_to_forget,
    store_geocodes,
    unplaced_addresses,
)
from leadflow_pipelines.providers.sources.geocoding import GEOCODERS, Geocoder, chosen_geocoder, why_not_geocode
from leadflow_pipelines.providers.stored_pulls import remove_old_pulls
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.price_book import load_price_book


@zip_day_asset(
    "geocodes", contract=GEOCODES, deps=["property_records"], group="properties", kinds=("http", "polars", "deltalake")
)
def geocodes(step: Step) -> Outcome:
    """Where addresses lie whose coordinates no source tells, asked of the geocoder that LEADFLOW_GEOCODER names, each
    once. What was not found is asked again after LEADFLOW_GEOCODE_MISSES_AGAIN_DAYS; what a geocoder's terms let
    nobody keep is dropped in time. An address without an answer stays without coordinates, and the result is partial.
    """
    _forget(step)
    because = why_not_geocode(step.settings, is_simulated=step.workspace.org.is_simulated)
    chosen = chosen_geocoder(step.settings)
    if because or chosen is None:
        return Outcome(0, Stored(dict.fromkeys(step.zips, 0), ()), notes={"not_asked": because})
    calls = _calls(step, chosen)
    if not calls:
        return Outcome(0, Stored(dict.fromkeys(step.zips, 0), ()), notes={"asked": 0})
    pulls = step.pull(step.in_turn(calls))
    places = chosen.read_places(pulls.read(step.lake.raw), calls)
    stored = store_geocodes(
        step.lake,
        places,
        provider=chosen.name,
        keep_days=chosen.keep_days,
        misses_again_days=step.settings.geocode_misses_again_days,
        zips=step.zips,
    )
    notes: dict[str, Any] = {"asked": len(calls), **pull_notes(pulls)}
    return Outcome(
        rows_in=places.height,
        stored=stored,
        rejected={"not_found": places.filter(pl.col("lat").is_null()).height},
        cost_cents=pulls.cost_cents,
        notes=notes,
        preview=places.select("zip", "quality", "lat", "lon"),
        chart=bar_chart(dict(Counter(places["quality"].to_list()).most_common())),
    )


def may_cost(settings: Settings) -> bool:
    """Whether the geocoder that the settings name bills anything."""
    chosen = chosen_geocoder(settings)
    return chosen is not None and not load_price_book().is_free(chosen.name, dt.date.max)


def _calls(step: Step, geocoder: Geocoder) -> list[Call]:
    frame = unplaced_addresses(step.lake, zips=step.zips, day=step.day, now=step.now, provider=geocoder.name)
    return geocoder.geocode_calls(frame, step.day)


def _forget(step: Step) -> None:
    """Drops what was kept as long as it may be: the raw answers, the geocodes, and what properties have of them."""
    for name in geocoders_to_forget(step.lake, now=step.now):
        geocoder, org_id = GEOCODERS[name], step.workspace.org.org_id
        assert geocoder.keep_days is not None
        before = step.now - dt.timedelta(days=geocoder.keep_days)
        remove_old_pulls(
            step.workspace.database, org_id, step.lake.raw, provider=name, endpoint=geocoder.endpoint, before=before
        )
    forget_expired(step.lake, now=step.now)
