"""Contracts of what became of leads: outcomes on record, and the leads of campaigns that ran.

Both are read from Postgres (`sql/queries/outcomes_on_record.sql`, `campaign_leads.sql`), for marts and for whoever
watches scores.
"""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import UTC_INSTANT, Contract, column

OUTCOME_KINDS = (
    "interested", "not_interested", "appointment", "offer", "contract", "deal", "sold_elsewhere", "not_the_owner",
)  # fmt: skip
PRICED_KINDS = ("offer", "contract", "deal")
"""Only these may carry an amount."""
OUTCOME_ORIGINS = ("member", "file", "call", "reply")

LEAD_OUTCOMES = Contract(
    name="lead_outcomes",
    text="What became of leads: noted by members, imported from files, and read from classified replies and calls.",
    columns={
        "outcome_id": column(pl.String, "Identity: of the outcome, the reply, or `call-` and a number.", required=True),
        "property_id": column(pl.String, "Property it is about, as known when it was noted.", required=True),
        "kind": column(
            pl.String,
            "What happened. deal: the org bought; sold_elsewhere: somebody else did.",
            pa.Check.isin(list(OUTCOME_KINDS)),
            required=True,
        ),
        "happened_on": column(pl.Date, "Day on which it happened, in LEADFLOW_TIMEZONE.", required=True),
        "campaign": column(pl.String, "Campaign it is owed to; null: none is named."),
        "amount_cents": column(
            pl.Int64, "Price of the offer, contract or deal; null: not told.", pa.Check.ge(1), unit="US cents"
        ),
        "origin": column(
            pl.String,
            "member or file: noted. call: result of a call. reply: as the rules read it.",
            pa.Check.isin(list(OUTCOME_ORIGINS)),
            required=True,
        ),
        "known_at": column(UTC_INSTANT, "Instant from which the org knew it.", required=True),
    },
    key=("property_id", "kind", "happened_on"),
    partition_by=(),
    sort_by=("property_id",),
)

CAMPAIGN_LEADS = Contract(
    name="campaign_leads",
    text="The leads of each campaign that ran: written to or called, or left alone to compare with.",
    columns={
        "campaign": column(pl.String, "Name of the campaign.", required=True),
        "property_id": shared.PROPERTY_ID,
        "is_held_out": column(pl.Boolean, "Left alone, to measure what the campaign changes.", required=True),
        "started_on": column(pl.Date, "Day on which the campaign first ran; both groups count from it.", required=True),
        "contacted_on": column(pl.Date, "Day of the first message or call; null: none was made."),
    },
    key=("campaign", "property_id"),
    partition_by=(),
    sort_by=("campaign",),
)
