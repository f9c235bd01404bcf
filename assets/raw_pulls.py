"""What each source outside returned, item by item: vendors that list properties, county tables, crawled pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from leadflow_pipelines.providers.listings import LISTINGS, Listing
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


WhyNot = Callable[[Settings, bool], str | None]
"""Why nobody is asked under these settings, for a simulated org or a real one; None where somebody is."""


@dataclass(frozen=True)
class _Pull:
    """One source that a run asks. `calls` are what it is asked for a step; `why_not` is the one place that says when
    it is skipped: a run leaves such an asset out, and who works it by itself is told."""

    name: str
    text: str
    calls: Callable[[Step], Sequence[Call]]
    why_not: WhyNot
    is_paid: bool = False

    def asset(self) -> ZipDayAsset:
        def body(step: Step) -> Outcome:
            because = self.why_not(step.settings, step.workspace.org.is_simulated)
            if because:
                notes: dict[str, Any] = {"not_asked": because}
                return Outcome(rows_in=0, stored=Stored(dict.fromkeys(step.zips, 0), ()), notes=notes)
            pulls = step.pull(self.calls(step))
            return Outcome(
                rows_in=pulls.items,
                stored=pulled(pulls, step.lake.raw, step.zips),
                cost_cents=pulls.cost_cents,
                notes=pull_notes(pulls),
            )

        body.__doc__ = self.text
        kinds = ("http", "parquet")
        return zip_day_asset(self.name, contract=RAW_PULLS, group="raw", kinds=kinds, is_paid=self.is_paid)(body)


def _listing_pull(listing: Listing) -> _Pull:
    def why_not(settings: Settings, _: bool) -> str | None:
        return next(
            (one.note for one in provider_states(settings) if one.provider == listing.name and not one.is_configured),
            None,
        )

    text = (
        f"What {listing.title} returned for each ZIP that day, item by item. Bought once: what lies here is not bought "
        "again. Spends within the org's budgets, least recently pulled ZIP first; where they end, the result is "
        "partial and says so, and the next day begins with the ZIPs left out."
    )
    calls = lambda step: step.in_turn(listing.property_calls(_located(step), step.day, step.settings))  # noqa: E731
    return _Pull(f"raw/{listing.name}", text, calls, why_not, is_paid=True)


def _county_calls(step: Step) -> Sequence[Call]:
    places = zip_table().filter(pl.col("zip").is_in(_located(step)))
    return open_data_calls(places, step.day, settings=step.settings)


def _why_not_counties(settings: Settings, is_simulated: bool) -> str | None:
    may_ask = may_ask_counties(settings, is_simulated=is_simulated)
    return None if may_ask else "real counties are not asked for a simulated org"


_PULLS = (
    *(_listing_pull(listing) for listing in LISTINGS),
    _Pull(
        COUNTY_TABLES,
        "Rows of the open county tables that cover each ZIP, free of charge. A table is fetched once in its own "
        "refresh period, and its rows hold until the next one.",
        _county_calls,
        _why_not_counties,
    ),
)
RAW_ASSETS = tuple(pull.asset() for pull in _PULLS)


def unasked_pulls(settings: Settings, *, is_simulated: bool = False) -> list[str]:
    """The raw assets that have nobody to ask under these settings: a run need not work them."""
    return [pull.name for pull in _PULLS if pull.why_not(settings, is_simulated)]


def _located(step: Step) -> list[str]:
    return [zip_code for zip_code in step.zips if zip_code != UNLOCATED]
