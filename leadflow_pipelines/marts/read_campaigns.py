"""Read what an org's campaigns did from Postgres, counted there: an outbox has millions of rows, its counts few."""

import polars as pl

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.contracts.outreach import CAMPAIGN_COUNTS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.queries import named_query


def read_campaigns(database: Database, org: Org) -> list[tuple[Contract, pl.DataFrame]]:
    """The counts of the org's campaigns, one row per campaign, step and channel."""
    with database.as_org(org.org_id) as connection:
        rows = connection.execute(named_query("campaign_performance"), {"org_id": org.org_id}).all()
    frame = pl.DataFrame([tuple(row) for row in rows], schema=CAMPAIGN_COUNTS.schema, orient="row")
    return [(CAMPAIGN_COUNTS, frame)]
