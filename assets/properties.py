"""From records of every source to one row per real property."""

import polars as pl

from assets.step import Outcome, Step
from assets.zip_day_asset import zip_day_asset
from leadflow_pipelines.contracts import ADDRESS_KEY_CHANGES, PROPERTIES, PROPERTY_LINKS, PROPERTY_MATCHES
from leadflow_pipelines.database.property_decisions import read_decisions
from leadflow_pipelines.lake import Stored
from leadflow_pipelines.properties.refresh_properties import refresh_properties

PREVIEW = ["zip", "property_id", "city", "year_built", "living_sqft", "record_count", "sources"]


@zip_day_asset(
    "properties",
    contract=PROPERTIES,
    also=[PROPERTY_LINKS, PROPERTY_MATCHES, ADDRESS_KEY_CHANGES],
    deps=["property_records", "geocodes"],
    group="properties",
)
def properties(step: Step) -> Outcome:
    """The property table of these ZIPs as of the day: one row per real property with a stable id and per-field
    provenance, kept as versions so that a day costs its changes. property_links says which record made it,
    property_matches which addresses were compared. Operators' decisions on pairs are obeyed.
    address_key_changes maps keys of earlier versions to those that stand now."""
    org_id = step.workspace.org.org_id
    with step.workspace.database.as_org(org_id) as connection:
        decisions = read_decisions(connection, org_id)
    refresh = refresh_properties(step.lake, zips=step.zips, day=step.day, decisions=decisions)
    table = step.lake.read(PROPERTIES, zips=step.zips, where=pl.col("valid_to").is_null())
    counts = dict(table.group_by("zip").len().iter_rows())
    return Outcome(
        rows_in=refresh.records,
        stored=Stored({zip_: counts.get(zip_, 0) for zip_ in step.zips}, refresh.faults),
        notes={"new_properties": refresh.new, "changed_properties": refresh.changed, "merged_records": refresh.merged},
        preview=table.select(PREVIEW),
    )
