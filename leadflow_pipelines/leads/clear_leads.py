"""Clear the contact points of some ZIPs for each channel, and keep the list where the dispatcher will read it.

Here: gathering the evidence of a decision and storing its outcome. Not here: the decision (`compliance`).
"""

import datetime as dt
from collections.abc import Collection

import polars as pl
from sqlalchemy import delete, select

from leadflow_pipelines.compliance.clear_contacts import decide_contacts
from leadflow_pipelines.compliance.rule_book import load_rules
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_CONTACTS, UNLOCATED
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import consents, outreach_list_entries, suppressions
from leadflow_pipelines.lake import Lake

CONSENT_COLUMNS = ("contact_value", "channel", "purpose", "kind", "captured_at", "expires_at", "revoked_at")
SUPPRESSION_COLUMNS = ("kind", "contact_value")


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
        consented = connection.execute(select(*(consents.c[name] for name in CONSENT_COLUMNS))).all()
        suppressed = connection.execute(select(*(suppressions.c[name] for name in SUPPRESSION_COLUMNS))).all()
    return decide_contacts(
        evidence,
        rules=load_rules(),
        now=now,
        consents=pl.DataFrame(consented, schema=CONSENT_SCHEMA, orient="row"),
        suppressions=pl.DataFrame(suppressed, schema=dict.fromkeys(SUPPRESSION_COLUMNS, pl.String), orient="row"),
    )


CONSENT_SCHEMA = {name: pl.Datetime("us", "UTC") if name.endswith("_at") else pl.String for name in CONSENT_COLUMNS}


def publish_lists(database: Database, org: Org, lists: pl.DataFrame, *, zips: Collection[str], day: dt.date) -> None:
    """Replace the list entries of these ZIPs and day in Postgres, in one transaction."""
    entries = outreach_list_entries
    rows = lists.with_columns(pl.lit(str(org.org_id)).alias("org_id"))
    with database.as_org(org.org_id) as connection:
        connection.execute(delete(entries).where(entries.c.day == day, entries.c.zip.in_(list(zips))))
        copy_into(connection, entries, rows)
