"""What a campaign would do, before it does it: who is cleared, who is not and why, and what people would read.

Nothing here is kept: an audience that is only looked at is taken and given up again. Not here: taking it for good.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.profile import read_profile
from leadflow_pipelines.compliance import decide_contacts
from leadflow_pipelines.compliance.clear_sends import CHANNEL_KINDS
from leadflow_pipelines.compliance.foreclosure_rules import foreclosure_rules, is_flagged
from leadflow_pipelines.contracts import ENRICHED_LEADS
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import campaign_audience
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.outreach.campaigns.audience import Split, evidence_frame
from leadflow_pipelines.outreach.campaigns.campaigns import Campaign
from leadflow_pipelines.outreach.campaigns.templates import load_template
from leadflow_pipelines.outreach.dispatch.outgoing import compose
from leadflow_pipelines.outreach.segments import segments
from leadflow_pipelines.settings import Settings

LOOKED_AT = 200
"""People of an audience among whom samples are sought."""


@dataclass(frozen=True)
class Sample:
    """One message as a person would get it, or why it could not be written."""

    step: int
    channel: str
    to: str
    subject: str | None
    body: str | None
    segments: int | None
    fault: str | None


@dataclass(frozen=True)
class Flag:
    """Leads in pre-foreclosure in a state that regulates buying from owners in foreclosure."""

    state: str
    statute: str
    leads: int


def split_people(
    connection: Connection, org: Org, campaign: Campaign, people: pl.DataFrame, *, now: dt.datetime, settings: Settings
) -> Split:
    """Cleared and blocked per channel of the campaign for EVIDENCE_REQUIRED rows, decided at `now`."""
    channels = [*dict.fromkeys(step.channel for step in campaign.steps)]
    evidence = gather_evidence(connection, org, people, now=now, settings=settings)
    decided = decide_contacts(evidence.points, now=now, purpose=campaign.purpose, **evidence.asked)
    verdicts = Counter(decided.select("channel", "verdict").iter_rows())
    told: dict[str, dict[str, int]] = {}
    for channel in channels:
        codes = decided.filter(pl.col("channel") == channel)["reason_codes"].explode().drop_nulls().to_list()
        told[channel] = dict(sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0])))
    return Split(
        cleared={channel: verdicts[channel, "cleared"] for channel in channels},
        blocked={channel: verdicts[channel, "blocked"] for channel in channels},
        reasons=told,
    )


def audience_people(connection: Connection, org_id: uuid.UUID, campaign: Campaign) -> pl.DataFrame:
    """EVIDENCE_REQUIRED rows of the snapshot; those erased since are left out."""
    table = campaign_audience.c
    chosen = select(table.evidence).where(
        table.org_id == org_id, table.campaign_id == campaign.campaign_id, table.evidence.is_not(None)
    )
    return evidence_frame(list(connection.execute(chosen).scalars()))


def render_samples(
    connection: Connection, org: Org, campaign: Campaign, *, now: dt.datetime, settings: Settings, most: int = 3
) -> list[Sample]:
    """Messages of the first steps to people of the snapshot who would get them, `most` in all, each step in turn."""
    table = campaign_audience.c
    chosen = select(table.kind, table.evidence).where(
        table.org_id == org.org_id, table.campaign_id == campaign.campaign_id, table.evidence.is_not(None),
        table.is_holdout.is_(False),
    )  # fmt: skip
    rows = connection.execute(chosen.limit(LOOKED_AT)).mappings().all()
    samples: list[Sample] = []
    for place in range(most):
        for step in campaign.steps:
            fitting = [row for row in rows if row["kind"] == CHANNEL_KINDS[step.channel]]
            if place < len(fitting) and len(samples) < most:
                samples.append(_sample(connection, org, step, fitting[place]["evidence"], now=now, settings=settings))
    return samples


def foreclosure_flags(lake: Lake, *, zips: list[str], day: dt.date, property_ids: set[str]) -> list[Flag]:
    """Per state, how many of these leads are in pre-foreclosure where that is regulated, for a person to read."""
    columns = ["property_id", "zip", "day", "state", "is_pre_foreclosure"]
    leads = lake.read(ENRICHED_LEADS, zips=zips, day=day, columns=columns)
    flagged = leads.filter(is_flagged(day), pl.col("property_id").is_in(sorted(property_ids)))
    rules = foreclosure_rules(day)
    return [
        Flag(state, rules[state].statute, count)
        for state, count in flagged.group_by("state").len().sort("state").iter_rows()
    ]


def audience_properties(connection: Connection, org_id: uuid.UUID, campaign: Campaign) -> set[str]:
    """The leads of the snapshot."""
    table = campaign_audience.c
    chosen = select(table.property_id).where(table.org_id == org_id, table.campaign_id == campaign.campaign_id)
    return set(connection.execute(chosen.distinct()).scalars())


def _sample(
    connection: Connection, org: Org, step: Any, document: Mapping[str, Any], *, now: dt.datetime, settings: Settings
) -> Sample:
    template = load_template(connection, org.org_id, step.template_name, step.template_version)
    try:
        outgoing = compose(
            uuid.uuid4(), document, template, profile=read_profile(connection, org), sender="",
            public_url=settings.public_url, closes_at=None, now=now, keys=load_hash_keys(settings),
        )  # fmt: skip
    except InvalidInput as error:
        fault = " ".join(part for part in (error.message, error.remedy) if part)
        return Sample(step.step, step.channel, document["contact_value"], None, None, None, fault)
    count = segments(outgoing.body).count if step.channel == "sms" else None
    return Sample(step.step, step.channel, outgoing.to, outgoing.subject, outgoing.body, count, None)
