"""What each source outside returned, item by item: vendors that list properties, county tables, crawled pages."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.pull_summary import pull_notes, pulled
from assets.run_metadata import column_schema
from assets.scope import Scope
from assets.step import Outcome, Step
from assets.zip_day_asset import ZipDayAsset, zip_day_asset
from leadflow_pipelines.contracts import PROPERTY_RECORDS, RAW_PULLS, UNLOCATED
from leadflow_pipelines.lake import Stored
from leadflow_pipelines.properties.addresses.places import zip_table
from leadflow_pipelines.providers.configured import provider_states
from leadflow_pipelines.providers.listings import LISTINGS, Listing, configured_listings
from leadflow_pipelines.providers.open_data.county_calls import may_ask_counties, open_data_calls
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

COUNTY_TABLES = "raw/county_tables"
COUNTY_FILES = "raw/county_files"
COUNTY_PAGES = "raw/county_pages"
LANDED: Mapping[str, tuple[str, str]] = {
    COUNTY_FILES: (
        "file",
        "Rows of imported county files, by ZIP and day of import. Landed by `leadflow import`, and by the sensor that "
        "watches the inbox folder.",
    ),
    COUNTY_PAGES: (
        "playwright",
        "Rows of county pages without an API, crawled by recipe. Landed by `leadflow source crawl`; those of the "
        "recipes in LEADFLOW_CRAWL_RECIPES become records.",
    ),
}
"""What arrives from outside a run: its kind, and what it is."""


def landed_specs(scope: Scope) -> list[dg.AssetSpec]:
    """Files and pages land in many ZIPs at once, so the command that lands them reports on these assets."""
    return [
        dg.AssetSpec(
            scope.key(name),
            description=text,
            group_name="raw",
            owners=["team:data"],
            kinds={kind, "polars"},
            metadata={"dagster/column_schema": column_schema(PROPERTY_RECORDS)},
            partitions_def=scope.zip_days,
        )
        for name, (kind, text) in LANDED.items()
    ]


def _listing_asset(listing: Listing) -> ZipDayAsset:
    def body(step: Step) -> Outcome:
        states = {state.provider: state for state in provider_states(step.settings)}
        if not states[listing.name].is_configured:
            return _nothing(step, states[listing.name].note)
        return _pull(step, step.in_turn(listing.property_calls(_located(step), step.day, step.settings)))

    body.__doc__ = (
        f"What {listing.title} returned for each ZIP that day, item by item. Bought once: what lies here is not bought "
        "again. Spends within the org's budgets, least recently pulled ZIP first; where they end, the result is "
        "partial and says so, and the next day begins with the ZIPs left out."
    )
    name = f"raw/{listing.name}"
    return zip_day_asset(name, contract=RAW_PULLS, group="raw", kinds=("http", "parquet"), is_paid=True)(body)


@zip_day_asset(COUNTY_TABLES, contract=RAW_PULLS, group="raw", kinds=("http", "parquet"))
def raw_county_tables(step: Step) -> Outcome:
    """Rows of the open county tables that cover each ZIP, free of charge. A table is fetched once in its own refresh
    period, and its rows hold until the next one."""
    if not may_ask_counties(step.settings, is_simulated=step.workspace.org.is_simulated):
        return _nothing(step, "real counties are not asked for a simulated org")
    places = zip_table().filter(pl.col("zip").is_in(_located(step)))
    return _pull(step, open_data_calls(places, step.day, settings=step.settings))


RAW_ASSETS = (*(_listing_asset(listing) for listing in LISTINGS), raw_county_tables)


def unasked(settings: Settings, *, is_simulated: bool = False) -> list[str]:
    """The raw assets that have nobody to ask under these settings: a run need not work them."""
    configured = {f"raw/{listing.name}" for listing in configured_listings(settings)}
    if may_ask_counties(settings, is_simulated=is_simulated):
        configured.add(COUNTY_TABLES)
    return [asset.name for asset in RAW_ASSETS if asset.name not in configured]


def _pull(step: Step, calls: Sequence[Call]) -> Outcome:
    pulls = step.pull(calls)
    return Outcome(
        rows_in=pulls.items,
        stored=pulled(pulls, step.lake.raw, step.zips),
        cost_cents=pulls.cost_cents,
        notes=pull_notes(pulls),
    )


def _nothing(step: Step, because: str) -> Outcome:
    notes: dict[str, Any] = {"not_asked": because}
    return Outcome(rows_in=0, stored=Stored(dict.fromkeys(step.zips, 0), ()), notes=notes)


def _located(step: Step) -> list[str]:
    return [zip_code for zip_code in step.zips if zip_code != UNLOCATED]
