"""Clear the contact points of some ZIPs for each channel, and keep the list where the dispatcher will read it.

Here: gathering the evidence of a decision and storing its outcome. Not here: the decision (`compliance`).
"""

import datetime as dt
from collections.abc import Collection

import polars as pl
from sqlalchemy import delete

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.list_proof import keep_list_proof
from leadflow_pipelines.compliance.clear_contacts import decide_contacts
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_CONTACTS, OUTREACH_LISTS, UNLOCATED
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import outreach_list_entries
from leadflow_pipelines.lake import Lake


def clear_leads(
    lake: Lake, database: Database, org: Org, *, zips: Collection[str], day: dt.date, now: dt.datetime
) -> pl.DataFrame:
    """OUTREACH_LISTS rows for every contact point of these ZIPs and day, under the org's rules at `now`.

    Beside them `evidence`, the document behind evidence_hash, and `contact_hash`, for `publish_lists`.
    """
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
    lists = decide_contacts(gathered.points, now=now, with_evidence=True, **gathered.asked)
    hashes = gathered.points.select("contact_point_id", contact_hash=pl.col("contact_hashes").list.first())
    return lists.join(hashes, on="contact_point_id", how="left", maintain_order="left")


def publish_lists(
    lake: Lake,
    database: Database,
    org: Org,
    lists: pl.DataFrame,
    *,
    zips: Collection[str],
    day: dt.date,
    now: dt.datetime,
) -> None:
    """Replace the list entries of these ZIPs and day in Postgres, and prove them, in one transaction.

    lists: rows as `clear_leads` returns them.
    """
    entries = outreach_list_entries
    rows = OUTREACH_LISTS.conform(lists).with_columns(pl.lit(str(org.org_id)).alias("org_id"))
    with database.as_org(org.org_id) as connection:
        connection.execute(delete(entries).where(entries.c.day == day, entries.c.zip.in_(list(zips))))
        copy_into(connection, entries, rows)
        keep_list_proof(connection, org.org_id, lake, lists, day=day, now=now)
