"""What a run would ask its providers for, in its order of buying, before anything is asked.

Here: the calls, made by the code that makes them in a run. Not here: their prices (`spend.plan`).
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from leadflow_pipelines.contracts import UNLOCATED
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.leads.trace_owners import (
    calls_worth_making,
    foreseen_leads,
    last_scored_days,
    why_not_trace,
)
from leadflow_pipelines.properties.geocodes import unplaced_addresses
from leadflow_pipelines.providers.configured import configured_sources
from leadflow_pipelines.providers.listings import LISTINGS, Listing, configured_listings
from leadflow_pipelines.providers.most_pages import most_pages
from leadflow_pipelines.providers.source import Source
from leadflow_pipelines.providers.sources import batchdata
from leadflow_pipelines.providers.sources.geocoding import chosen_geocoder, why_not_geocode
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.past_pulls import cached_answers, least_recently_pulled_first
from leadflow_pipelines.spend.plan import Demand, Forecast
from leadflow_pipelines.spend.price_book import load_price_book


def run_demands(
    lake: Lake,
    database: Database,
    org: Org,
    settings: Settings,
    *,
    zips: Collection[str],
    day: dt.date,
    now: dt.datetime,
) -> list[Demand]:
    """What a run of these ZIPs and day would ask: their properties of each vendor, places of addresses, then the
    owners of the best leads.

    Which leads are best is known once the properties are there. Until then those of each ZIP's last scored day stand
    for them, and LEADFLOW_SKIP_TRACE_MAX_PER_ZIP bounds what others may cost. What is imported between the plan and
    the run is not foreseen. Where nobody attested why people are looked up, no owner would be asked for.
    """
    located = sorted(set(zips) - {UNLOCATED})
    listings = configured_listings(settings) or LISTINGS[:1]
    scored_on = last_scored_days(lake, zips=zips, day=day)
    asked: list[tuple[Listing, list[Call]]] = []
    waiting: set[str | None] = set()
    with database.as_org(org.org_id) as connection:
        for listing in listings:
            calls = listing.property_calls(located, day, settings)
            calls = least_recently_pulled_first(connection, org.org_id, calls)
            pulled = cached_answers(connection, org.org_id, calls)
            waiting |= {call.zip for call in calls if call.fingerprint not in pulled}
            asked.append((listing, calls))
    settled = {zip_code for zip_code, scored in scored_on.items() if scored == day} - waiting
    sources = configured_sources(settings)
    return [
        *(
            Demand(
                calls=calls,
                like=calls[0] if calls else Call(listing.name, listing.endpoint, {}, None, day),
                **_pages(sources.get(listing.name)),
            )
            for listing, calls in asked
        ),
        *_geocoding(lake, org, settings, asked, sources, zips=zips, day=day, now=now, waiting=waiting),
        _skip_traces(
            lake, database, org, settings, day=day, scored_on=scored_on,
            unsettled=sorted(set(zips) - settled), unknown=sorted(set(located) - scored_on.keys()),
        ),
    ]  # fmt: skip


def _skip_traces(
    lake: Lake,
    database: Database,
    org: Org,
    settings: Settings,
    *,
    day: dt.date,
    scored_on: Mapping[str, dt.date],
    unsettled: Sequence[str],
    unknown: Sequence[str],
) -> Demand:
    """The owners of the best leads. Of `unsettled` ZIPs others may turn out to be best, of `unknown` none is known."""
    like = Call(batchdata.NAME, batchdata.ENDPOINT, {}, None, day)
    if refusal := why_not_trace(database, org):
        return Demand(calls=(), like=like, about_things=True, refusal=refusal)
    most = settings.skip_trace_max_per_zip
    leads = foreseen_leads(lake, database, org, scored_on=scored_on, day=day, fresh_days=settings.skip_trace_fresh_days)
    return Demand(
        calls=calls_worth_making(leads, day=day, most_per_zip=most),
        like=like,
        about_things=True,
        forecasts=[Forecast(zip_code, most) for zip_code in unsettled],
        unknown_zips=unknown,
    )


def _geocoding(
    lake: Lake,
    org: Org,
    settings: Settings,
    asked: Sequence[tuple[Listing, list[Call]]],
    sources: Mapping[str, Source],
    *,
    zips: Collection[str],
    day: dt.date,
    now: dt.datetime,
    waiting: Collection[str | None],
) -> list[Demand]:
    """Addresses whose coordinates no source tells. Of a ZIP that is still to be pulled, each property may be one."""
    geocoder = chosen_geocoder(settings)
    if geocoder is None or why_not_geocode(settings, is_simulated=org.is_simulated):
        return []
    known = unplaced_addresses(lake, zips=zips, day=day, now=now, provider=geocoder.name)
    calls = geocoder.geocode_calls(known, day)
    forecasts = []
    if not load_price_book().is_free(geocoder.name, day):
        most: Counter[str] = Counter(call.zip or "" for call in calls)
        for listing, wanted in asked:
            for call in wanted:
                pages = most_pages(sources[listing.name], call) if listing.name in sources else ()
                most[call.zip or ""] += sum(page.most_items for page in pages) if call.zip in waiting else 0
        forecasts = [Forecast(zip_code, count) for zip_code, count in sorted(most.items())]
    like = Call(geocoder.name, geocoder.endpoint, {}, None, day)
    return [Demand(calls=calls, like=like, about_things=True, forecasts=forecasts)]


def _pages(source: Source | None) -> dict[str, Any]:
    """How one call becomes several, by the source itself; nobody asks one that is not configured."""
    return {"follow_up": source.follow_up, "most_pages": partial(most_pages, source)} if source else {}
