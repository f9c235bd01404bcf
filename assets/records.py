"""From sources to records: vendors, county tables, pages and files in one contract."""

from collections import Counter
from decimal import Decimal

import polars as pl

from assets.raw_pulls import COUNTY_FILES, COUNTY_PAGES, RAW_ASSETS
from assets.step import Outcome, Step
from assets.zip_day_asset import zip_day_asset
from leadflow_pipelines.contracts import PROPERTY_RECORDS, REJECTED_RECORDS
from leadflow_pipelines.lake import Stored
from leadflow_pipelines.properties.record_store import write_records
from leadflow_pipelines.properties.vendor_records import records_of_pull
from leadflow_pipelines.providers.stored_rows import stored_rows


@zip_day_asset(
    "property_records",
    contract=PROPERTY_RECORDS,
    also=[REJECTED_RECORDS],
    deps=[*(asset.name for asset in RAW_ASSETS), COUNTY_FILES, COUNTY_PAGES],
    group="properties",
)
def property_records(step: Step) -> Outcome:
    """Every source in one shape, one row per source row, stored when a source first says it. Canonical address,
    parcel number, owner, building, value, sale, lists. What names no property goes to rejected_records."""
    rows_in, new, faults, reasons, kept = 0, 0, [], Counter[str](), [PROPERTY_RECORDS.empty()]
    workspace = step.workspace
    for told in stored_rows(
        workspace.database, workspace.org.org_id, step.lake.raw, step.settings, zips=step.zips, day=step.day
    ):
        records, rejected = records_of_pull(told.rows, told.raw, source=told.source, day=step.day, now=step.now)
        records, rejected = (frame.filter(pl.col("zip").is_in(step.zips)) for frame in (records, rejected))
        found = PROPERTY_RECORDS.faults(records)
        good = records.filter(~pl.col("zip").is_in([fault.zip for fault in found]))
        pull_ids = told.raw["fingerprint"].unique().to_list()
        new += write_records(step.lake, good, source=told.source, pull_ids=pull_ids, day=step.day)
        step.lake.replace(REJECTED_RECORDS, rejected, day=step.day, where=pl.col("pull_id").is_in(pull_ids))
        rows_in += told.raw.height
        faults += found
        reasons.update(dict(rejected.group_by("reason_code").len().iter_rows()))
        kept.append(good)
    good = pl.concat(kept)
    counts = dict(good.group_by("zip").len().iter_rows())
    return Outcome(
        rows_in=rows_in,
        stored=Stored({zip_: counts.get(zip_, 0) for zip_ in step.zips}, tuple(faults)),
        rejected=reasons,
        cost_cents=Decimal(0),
        notes={"new_records": new},
        preview=good.select("zip", "source", "city", "land_use", "year_built", "living_sqft", "sale_date"),
    )
