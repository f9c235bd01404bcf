"""The audience of a campaign: the cleared contact points of some ZIPs and a day, or people of the org's own file.

Here: taking the snapshot, and how it splits by verdict and reason. Each row keeps what clearance looks at and the merge
fields, so that the dispatcher decides anew without the lake. Not here: the decision (`compliance`), sending.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import polars as pl
from sqlalchemy import Connection, delete, select

from leadflow_pipelines.clearance.keep_erased import without_erased
from leadflow_pipelines.compliance.contact_hash import HashKeys, with_contact_hash
from leadflow_pipelines.compliance.evidence import EVIDENCE_REQUIRED
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_CONTACTS, LEAD_SCORES, UNLOCATED
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.tables import campaign_audience, outreach_list_entries
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.outreach.campaigns.campaigns import Campaign

LEAD_COLUMNS = ["property_id", "zip", "address", "city", "state", "is_absentee"]
ENTRY_COLUMNS = ("contact_point_id", "channel", "verdict", "reason_codes", "property_id", "zip", "contact_value")
TIMES = (pl.Date, pl.Datetime("us", "UTC"))
FIELD_COLUMNS = ("full_name", "first_name", "street", "city", "state", "zip")


@dataclass(frozen=True)
class Split:
    """How an audience splits before anything is sent. Counts are of people, a channel each."""

    cleared: dict[str, int]
    blocked: dict[str, int]
    reasons: dict[str, dict[str, int]]


def preview_audience(
    connection: Connection, org_id: uuid.UUID, *, channels: Collection[str], zips: Collection[str], day: dt.date
) -> Split:
    """Cleared and blocked per channel, and how often each reason blocks. A blocked one may have several reasons."""
    entries = _entries(connection, org_id, channels=channels, zips=zips, day=day)
    verdicts = entries.group_by("channel", "verdict").len()
    reasons = entries.explode("reason_codes", empty_as_null=True).drop_nulls("reason_codes")
    told: dict[str, dict[str, int]] = {channel: {} for channel in channels}
    for channel, reason, count in (
        reasons.group_by("channel", "reason_codes").len().sort("len", "reason_codes", descending=[True, False]).rows()
    ):
        told[channel][reason] = count
    by_verdict = {(channel, verdict): count for channel, verdict, count in verdicts.rows()}
    return Split(
        cleared={channel: by_verdict.get((channel, "cleared"), 0) for channel in channels},
        blocked={channel: by_verdict.get((channel, "blocked"), 0) for channel in channels},
        reasons=told,
    )


def take_audience(
    connection: Connection,
    lake: Lake,
    org_id: uuid.UUID,
    campaign: Campaign,
    keys: HashKeys,
    *,
    zips: Collection[str],
    day: dt.date,
    most: int | None = None,
) -> dict[str, Any]:
    """Takes the snapshot from the outreach lists of these ZIPs and day; replaces an earlier one. Returns what it holds.

    Only points cleared for a channel of the campaign, each person once (of several leads the best), best lead first, at
    most `most` leads.
    """
    channels = {step.channel for step in campaign.steps}
    entries = _entries(connection, org_id, channels=channels, zips=zips, day=day)
    cleared = entries.filter(pl.col("verdict") == "cleared").unique("contact_point_id", maintain_order=True)
    people = _people(lake, cleared, zips=zips, day=day)
    if most is not None:
        best = people.select("property_id").unique(maintain_order=True).head(most)
        people = people.join(best, on="property_id", how="semi", maintain_order="left")
    asked = {"source": "lists", "zips": sorted(zips), "day": day.isoformat(), "most": most}
    return _store(connection, org_id, campaign, people, keys, asked)


def take_own_people(
    connection: Connection, org_id: uuid.UUID, campaign: Campaign, people: pl.DataFrame, keys: HashKeys, *, source: str
) -> dict[str, Any]:
    """Takes people of the org's own file: EVIDENCE_REQUIRED columns, contact_value and FIELD_COLUMNS, one a row.

    They are decided like any others when they are sent to; a text needs their consent on record.
    """
    return _store(connection, org_id, campaign, people, keys, {"source": source})


def is_held_out(campaign_id: uuid.UUID, property_id: str, share: Decimal) -> bool:
    """Whether a lead is left alone, the same at each asking: by the digest of campaign and property."""
    drawn = hashlib.sha256(campaign_id.bytes + property_id.encode()).digest()
    return int.from_bytes(drawn[:8], "big") < share * (1 << 64)


def _entries(
    connection: Connection, org_id: uuid.UUID, *, channels: Collection[str], zips: Collection[str], day: dt.date
) -> pl.DataFrame:
    table = outreach_list_entries.c
    chosen = select(*(table[name] for name in ENTRY_COLUMNS)).where(
        table.org_id == org_id, table.day == day, table.zip.in_(list(zips)), table.channel.in_(list(channels))
    )
    rows = connection.execute(chosen.order_by(table.contact_point_id, table.channel)).all()
    schema = {name: pl.List(pl.String) if name == "reason_codes" else pl.String for name in ENTRY_COLUMNS}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def _people(lake: Lake, entries: pl.DataFrame, *, zips: Collection[str], day: dt.date) -> pl.DataFrame:
    """The entries with EVIDENCE_REQUIRED columns and merge fields, best lead first."""
    contacts = lake.read(LEAD_CONTACTS, zips=zips, day=day)
    leads = lake.read(ENRICHED_LEADS, zips=zips, day=day, columns=LEAD_COLUMNS)
    scores = lake.read(LEAD_SCORES, zips=zips, day=day, columns=["property_id", "zip", "points", "rank_in_zip"])
    places = leads.select(
        "property_id",
        "city",
        "state",
        pl.col("address").str.extract(r"^([^,]+)").alias("street"),
        pl.col("state").alias("property_state"),
        pl.when(pl.col("zip") != UNLOCATED).then("zip").alias("property_zip"),
        (~pl.col("is_absentee")).alias("is_owner_occupied"),
    )
    joined = (
        entries.select("contact_point_id", "contact_value")
        .join(contacts, on="contact_point_id", how="inner", maintain_order="left")
        .join(places, on="property_id", how="left", maintain_order="left")
        .join(scores.drop("zip"), on="property_id", how="left", maintain_order="left")
        .sort("points", "rank_in_zip", "contact_point_id", descending=[True, False, False], nulls_last=True)
    )
    return joined.with_columns(
        pl.col("person_name").alias("full_name"),
        pl.when(pl.col("kind") != "mailing").then(pl.col("person_name").str.extract(r"^([^\s,]+)")).alias("first_name"),
    )


def _store(
    connection: Connection,
    org_id: uuid.UUID,
    campaign: Campaign,
    people: pl.DataFrame,
    keys: HashKeys,
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    """Writes the snapshot in the place of an earlier one, and says how large it is and what its digest is.

    Nothing is written of people who were erased.
    """
    table = campaign_audience.c
    connection.execute(
        delete(campaign_audience).where(table.org_id == org_id, table.campaign_id == campaign.campaign_id)
    )
    hashed = with_contact_hash(without_erased(connection, people, keys), keys).unique(
        "contact_hash", keep="first", maintain_order=True
    )
    rows = [
        {
            "campaign_id": str(campaign.campaign_id),
            "contact_point_id": row["contact_point_id"],
            "property_id": row["property_id"],
            "kind": row["kind"],
            "contact_hash": row["contact_hash"],
            "evidence": _document(row),
            "is_holdout": is_held_out(campaign.campaign_id, row["property_id"], campaign.holdout_share),
        }
        for row in hashed.iter_rows(named=True)
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    if frame.height:
        copy_into(connection, campaign_audience, frame)
    digest = hashlib.sha256("\n".join(sorted(row["contact_hash"] for row in rows)).encode()).hexdigest()
    return {
        **asked,
        "people": len(rows),
        "leads": len({row["property_id"] for row in rows}),
        "held_out": sum(row["is_holdout"] for row in rows),
        "digest": digest,
    }


def evidence_frame(documents: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The EVIDENCE_REQUIRED columns of documents as the snapshot keeps them, one row each."""
    rows = [document["evidence"] for document in documents]
    written = {name: pl.String if kind in TIMES else kind for name, kind in EVIDENCE_REQUIRED.items()}
    frame = pl.DataFrame(rows, schema=written, orient="row")
    return frame.with_columns(
        *(pl.col(name).str.to_date() for name, kind in EVIDENCE_REQUIRED.items() if kind == pl.Date),
        *(
            pl.col(name).str.to_datetime("%+", time_unit="us", time_zone="UTC")
            for name, kind in EVIDENCE_REQUIRED.items()
            if kind == pl.Datetime("us", "UTC")
        ),
    )


def _document(row: Mapping[str, Any]) -> str:
    """What the dispatcher needs of one person: the evidence as in the list, the merge fields, where to write."""
    return orjson.dumps(
        {
            "evidence": {name: row.get(name) for name in EVIDENCE_REQUIRED},
            "fields": {name: row.get(name) for name in FIELD_COLUMNS},
            "contact_value": row["contact_value"],
        }
    ).decode()
