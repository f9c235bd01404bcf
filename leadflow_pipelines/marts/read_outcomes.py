"""Read from Postgres what became of an org's leads, and which leads its campaigns had; rows, because the ZIPs and the
recorded sales they are counted by stand in the lake."""

import datetime as dt

import polars as pl

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.contracts.outcomes import CAMPAIGN_LEADS, LEAD_OUTCOMES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.outcomes.on_record import campaign_leads, outcomes_on_record


def read_outcomes(database: Database, org: Org, *, now: dt.datetime) -> list[tuple[Contract, pl.DataFrame]]:
    """Outcomes as known now, and the leads of every campaign that ran."""
    zone = database.settings.zone
    with database.as_org(org.org_id) as connection:
        outcomes = outcomes_on_record(connection, org.org_id, known_by=now, zone=zone)
        leads = campaign_leads(connection, org.org_id, zone=zone)
    return [(LEAD_OUTCOMES, outcomes), (CAMPAIGN_LEADS, leads)]
