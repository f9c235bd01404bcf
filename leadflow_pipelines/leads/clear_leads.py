"""Clear the contact points of some ZIPs for each channel, and keep the list where the dispatcher will read it.

Here: gathering the evidence of a decision and storing its outcome. Not here: the decision (`compliance`).
"""

import datetime as dt
from collections.abc import Collection

import polars as pl
from sqlalchemy import delete

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.compliance.clear_contacts import decide_contacts
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_CONTACTS, UNLOCATED
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import outreach_list_entries
from leadflow_pipelines.lake import Lake


def clear_leads(
    lake: Lake, database: Database, org: Org, *, zips: Collection[str], day: dt.date, now: dt.datetime
) -> pl.DataFrame:
    """OUTREACH_LISTS rows for every contact point of these ZIPs and day, under the rules in force at `now`."""
    contacts = lake.read(LEAD_CONTACTS, zips=zips, day=day)
    leads = lake.read(ENRICHED_LEADS, zips=zips, day=day, columns=["property_id", "zip", "state", "is_absentee"])
    evidence = contacts.join(
        leads.select(
            "property_id",
            pl.col("state").alias("property_state"),
            pl.when(pl.col("zip") != UNLOCATED).then("zip").alias("property_zip"),
            (~pl.col("is_absentee")).alias("is_owner_occupied"),
        ),
        on="property_id",
        how="left",
        maintain_order="left",
    )
    with database.as_org(org.org_id) as connection:
        gathered = gather_evidence(connection, org, evidence, now=now, settings=database.settings)
    return decide_contacts(gathered.points, now=now, **gathered.asked)


def publish_lists(database: Database, org: Org, lists: pl.DataFrame, *, zips: Collection[str], day: dt.date) -> None:
    """Replace the list entries of these ZIPs and day in Postgres, in one transaction."""
    entries = outreach_list_entries
    rows = lists.with_columns(pl.lit(str(org.org_id)).alias("org_id"))
    with database.as_org(org.org_id) as connection:
        connection.execute(delete(entries).where(entries.c.day == day, entries.c.zip.in_(list(zips))))
        copy_into(connection, entries, rows)
