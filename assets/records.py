"""From sources to records: the vendor pull, the county files, and both in one contract."""

from decimal import Decimal

import dagster as dg
import polars as pl

from assets.pull_summary import pull_notes, pulled
from assets.run_metadata import column_schema
from assets.scope import Scope
from assets.step import Outcome, Step
from assets.zip_day_asset import zip_day_asset
from leadflow_pipelines.contracts import PROPERTY_RECORDS, RAW_PULLS, REJECTED_RECORDS, UNLOCATED
from leadflow_pipelines.lake import Stored
from leadflow_pipelines.properties.record_store import write_records
from leadflow_pipelines.properties.vendor_records import records_of_pull
from leadflow_pipelines.providers import attom
from leadflow_pipelines.providers.attom_rows import to_source_rows
from leadflow_pipelines.providers.stored_pulls import read_stored_pulls

COUNTY_FILES = "raw/county_files"


def county_files_spec(scope: Scope) -> dg.AssetSpec:
    """County files are imported whole and land in many ZIPs, so the import reports on this asset, ZIP by ZIP."""
    return dg.AssetSpec(
        scope.key(COUNTY_FILES),
        description="Rows of imported county files, by ZIP and day of import. Landed by `leadflow import`, and by "
        "the sensor that watches the inbox folder.",
        group_name="raw",
        owners=["team:data"],
        kinds={"file", "polars"},
        metadata={"dagster/column_schema": column_schema(PROPERTY_RECORDS)},
        partitions_def=scope.zip_days,
    )


@zip_day_asset("raw/attom", contract=RAW_PULLS, group="raw", kinds=("http", "parquet"), is_paid=True)
def raw_attom(step: Step) -> Outcome:
    """What ATTOM returned for each ZIP that day, item by item. Bought once: what lies here is not bought again.
    Spends within the org's budgets, least recently pulled ZIP first; where they end, the result is partial and says
    so, and the next day begins with the ZIPs left out."""
    located = [zip_code for zip_code in step.zips if zip_code != UNLOCATED]
    calls = attom.property_calls(located, step.day, most_records=step.settings.attom_max_records_per_zip)
    pulls = step.pull(step.in_turn(calls))
    return Outcome(
        rows_in=pulls.items,
        stored=pulled(pulls, step.lake.raw, step.zips),
        cost_cents=pulls.cost_cents,
        notes=pull_notes(pulls),
    )


@zip_day_asset(
    "property_records",
    contract=PROPERTY_RECORDS,
    also=[REJECTED_RECORDS],
    deps=["raw/attom", COUNTY_FILES],
    group="properties",
)
def property_records(step: Step) -> Outcome:
    """Every source in one shape, one row per source row, stored when a source first says it. Canonical address,
    parcel number, owner, building, value, sale, lists. What names no property goes to rejected_records."""
    raw = read_stored_pulls(
        step.workspace.database,
        step.workspace.org.org_id,
        step.lake.raw,
        provider=attom.NAME,
        zips=step.zips,
        day=step.day,
    )
    records, rejected = records_of_pull(to_source_rows(raw), raw, source=attom.NAME, day=step.day, now=step.now)
    faults = tuple(PROPERTY_RECORDS.faults(records))
    good = records.filter(~pl.col("zip").is_in([fault.zip for fault in faults]))
    pull_ids = raw["fingerprint"].unique().to_list()
    new = write_records(step.lake, good, source=attom.NAME, pull_ids=pull_ids, day=step.day)
    step.lake.replace(REJECTED_RECORDS, rejected, day=step.day, where=pl.col("pull_id").is_in(pull_ids))
    counts = dict(good.group_by("zip").len().iter_rows())
    return Outcome(
        rows_in=raw.height,
        stored=Stored({zip_: counts.get(zip_, 0) for zip_ in step.zips}, faults),
        rejected=dict(rejected.group_by("reason_code").len().iter_rows()),
        cost_cents=Decimal(0),
        notes={"new_records": new},
        preview=good.select("zip", "source", "city", "land_use", "year_built", "living_sqft", "sale_date"),
    )
