"""What a run would ask its providers for, in its order of buying, before anything is asked.

Here: the calls, made by the code that makes them in a run. Not here: their prices (`spend.plan`).
"""

import datetime as dt
from collections.abc import Collection
from functools import partial
from typing import Any

from leadflow_pipelines.contracts import UNLOCATED
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.leads.trace_owners import calls_worth_making, foreseen_leads, last_scored_days
from leadflow_pipelines.providers.configured import configured_sources
from leadflow_pipelines.providers.listings import LISTINGS, Listing, configured_listings
from leadflow_pipelines.providers.most_pages import most_pages
from leadflow_pipelines.providers.source import Source
from leadflow_pipelines.providers.sources import batchdata
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.past_pulls import cached_answers, least_recently_pulled_first
from leadflow_pipelines.spend.plan import Demand, Forecast


def run_demands(
    lake: Lake, database: Database, org: Org, settings: Settings, *, zips: Collection[str], day: dt.date
) -> list[Demand]:
    """What a run of these ZIPs and day would ask: their properties of each vendor, then the owners of the best leads.

    Which leads are best is known once the properties are there. Until then those of each ZIP's last scored day stand
    for them, and LEADFLOW_SKIP_TRACE_MAX_PER_ZIP bounds what others may cost. What is imported between the plan and
    the run is not foreseen.
    """
    located = sorted(set(zips) - {UNLOCATED})
    listings = configured_listings(settings) or LISTINGS[:1]
    scored_on = last_scored_days(lake, zips=zips, day=day)
    fresh_days = settings.skip_trace_fresh_days
    leads = foreseen_leads(lake, database, org, scored_on=scored_on, day=day, fresh_days=fresh_days)
    traces = calls_worth_making(leads, day=day, most_per_zip=settings.skip_trace_max_per_zip)
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
        Demand(
            calls=traces,
            like=Call(batchdata.NAME, batchdata.ENDPOINT, {}, None, day),
            about_things=True,
            forecasts=[Forecast(zip_code, settings.skip_trace_max_per_zip) for zip_code in sorted(set(zips) - settled)],
            unknown_zips=sorted(set(located) - scored_on.keys()),
        ),
    ]


def _pages(source: Source | None) -> dict[str, Any]:
    """How one call becomes several, by the source itself; nobody asks one that is not configured."""
    return {"follow_up": source.follow_up, "most_pages": partial(most_pages, source)} if source else {}
