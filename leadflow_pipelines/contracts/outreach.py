"""Contracts of the outbox as the marts read it: counts per campaign, step and channel, made in Postgres.

The rows themselves, with whom they went to, stay there. The query is `sql/queries/campaign_performance.sql`.
"""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts.contract import Contract, column
from leadflow_pipelines.contracts.outcomes import CAMPAIGN_LEADS, LEAD_OUTCOMES


def _count(text: str) -> pa.Column:
    return column(pl.Int64, text, pa.Check.ge(0), required=True)


CAMPAIGN_COUNTS = Contract(
    name="campaign_counts",
    text="What each step of each campaign queued, what became of it and what came back.",
    columns={
        "campaign": column(pl.String, "Name of the campaign.", required=True),
        "state": column(pl.String, "Where the campaign stands.", required=True),
        "step": column(pl.Int32, "Step of the campaign, from 1.", pa.Check.ge(1), required=True),
        "channel": column(pl.String, "sms, voice, mail or email.", required=True),
        "queued": _count("Messages ever queued."),
        "waiting": _count("Messages that wait or are about to be sent."),
        "blocked": _count("Messages not sent because a rule forbade it."),
        "blocked_by": column(pl.String, "Each reason with its messages; one message may have several reasons."),
        "cancelled": _count("Messages cancelled: the campaign was, or the person said stop."),
        "sent": _count("Messages that the messenger took."),
        "delivered": _count("Messages reported as delivered."),
        "failed": _count("Messages refused or reported as failed."),
        "unknown": _count("Messages whose outcome was lost; they are never sent again."),
        "segments": _count("SMS segments of what was sent."),
        "replies": _count("Replies to the step."),
        "interested": _count("Replies that show interest."),
        "not_interested": _count("Replies that decline."),
        "wrong_numbers": _count("Replies of somebody else."),
        "opt_outs": _count("Replies that end all contact."),
        "clicked": _count("Messages with a link that a person followed."),
        "held_out": _count("People of the whole campaign who were left alone."),
        "held_out_interested": _count("Those who showed interest all the same."),
    },
    key=("campaign", "step", "channel"),
    partition_by=(),
    sort_by=("campaign",),
)

OUTREACH_TABLES = (CAMPAIGN_COUNTS, LEAD_OUTCOMES, CAMPAIGN_LEADS)
