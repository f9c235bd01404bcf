"""Which numbers only wait for a look-up: blocked for want of a fresh answer and for nothing else.

Of these alone it is worth buying one. Not here: buying (`number_lookups`), what it costs (`spend.plan`).
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, func, select

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.lookup_store import stored_lookups
from leadflow_pipelines.clearance.number_lookups import UNKNOWN
from leadflow_pipelines.compliance import decide_contacts, load_rules
from leadflow_pipelines.compliance.contact_hash import with_every_hash
from leadflow_pipelines.compliance.evidence import PHONE_CHANNELS
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import consents, outreach_list_entries
from leadflow_pipelines.providers.sources.number_vendors import number_vendor
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

ANSWERED_BY_DNC = ("dnc_unknown", "dnc_stale", "litigator_unknown")
ANSWERED_BY_REASSIGNED = ("reassigned_unknown",)


@dataclass(frozen=True)
class Needed:
    """E.164 numbers that wait for nothing but a do-not-call answer (`dnc`), or for the word that they did not change
    hands since the newest consent's day (`reassigned`); one may wait for both."""

    dnc: tuple[str, ...] = ()
    reassigned: tuple[tuple[str, dt.date], ...] = ()

    def calls(self, provider: str, day: dt.date) -> dict[str, list[Call]]:
        """The calls that would ask a vendor, by kind; kinds without numbers are left out."""
        vendor = number_vendor(provider)
        made = {"dnc": vendor.dnc_calls(self.dnc, day), "reassigned": vendor.reassigned_calls(self.reassigned, day)}
        return {kind: calls for kind, calls in made.items() if calls}


def needed_among(
    connection: Connection, org: Org, points: pl.DataFrame, *, purpose: str, now: dt.datetime, settings: Settings
) -> Needed:
    """The numbers among contact points (EVIDENCE_REQUIRED), decided at `now` for a purpose."""
    evidence = gather_evidence(connection, org, points, now=now, settings=settings)
    decided = decide_contacts(evidence.points, now=now, purpose=purpose, **evidence.asked)
    rows = decided.select("channel", "contact_value", "reason_codes")
    return _needed(connection, org, rows, now=now, settings=settings)


def needed_of_lists(
    connection: Connection, org: Org, *, zips: Collection[str], day: dt.date, now: dt.datetime, settings: Settings
) -> Needed:
    """The numbers on a day's outreach lists of these ZIPs, as they were decided; of all ZIPs where none is named."""
    table = outreach_list_entries.c
    chosen = select(table.channel, table.contact_value, table.reason_codes).where(
        table.day == day, table.channel.in_(PHONE_CHANNELS), table.verdict == "blocked",
        table.reason_codes.contained_by([*ANSWERED_BY_DNC, *ANSWERED_BY_REASSIGNED]),
    )  # fmt: skip
    if zips:
        chosen = chosen.where(table.zip.in_(list(zips)))
    schema: dict[str, Any] = {"channel": pl.String, "contact_value": pl.String, "reason_codes": pl.List(pl.String)}
    rows = pl.DataFrame([tuple(row) for row in connection.execute(chosen)], schema=schema, orient="row")
    return _needed(connection, org, rows, now=now, settings=settings)


def _needed(connection: Connection, org: Org, decided: pl.DataFrame, *, now: dt.datetime, settings: Settings) -> Needed:
    """decided: channel, contact_value and reason_codes, cleared ones among them or not."""
    codes = pl.col("reason_codes")
    answerable = codes.list.set_difference([*ANSWERED_BY_DNC, *ANSWERED_BY_REASSIGNED]).list.len() == 0
    waiting = decided.filter(pl.col("channel").is_in(PHONE_CHANNELS), codes.list.len() > 0, answerable).select(
        "contact_value",
        dnc=codes.list.set_intersection(list(ANSWERED_BY_DNC)).list.len() > 0,
        reassigned=codes.list.contains(ANSWERED_BY_REASSIGNED[0]),
    )
    numbers = waiting.group_by("contact_value").agg(pl.col("dnc", "reassigned").any()).sort("contact_value")
    asked = numbers.filter("reassigned").select("contact_value")
    since = _newest_consents(connection, asked, settings)
    days = asked.join(since, on="contact_value", how="left", maintain_order="left").select(
        "contact_value", pl.col("since").fill_null(now.date())
    )
    listed = numbers.filter("dnc")["contact_value"]
    since_when = now - load_rules().dnc_max_age
    told = stored_lookups(connection, org, listed, "dnc", settings=settings, answered_since=since_when)
    # A vendor that says "listed" and no word of litigators says the same again.
    unanswered = listed.filter(~listed.is_in(told.filter(pl.col("answer") != UNKNOWN)["phone"].implode()))
    return Needed(tuple(unanswered), tuple(days.iter_rows()))


def _newest_consents(connection: Connection, numbers: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """contact_value and since, the day of the newest consent, of the numbers that gave one."""
    table = consents.c
    hashed = with_every_hash(numbers.with_columns(kind=pl.lit("phone")), load_hash_keys(settings)).explode(
        "contact_hashes"
    )
    newest = (
        select(table.contact_hash, func.max(table.captured_at))
        .where(table.contact_hash.in_(hashed["contact_hashes"].to_list()))
        .group_by(table.contact_hash)
    )
    schema: dict[str, Any] = {"contact_hashes": pl.String, "captured_at": pl.Datetime("us", "UTC")}
    rows = pl.DataFrame([tuple(row) for row in connection.execute(newest)], schema=schema, orient="row")
    known = hashed.join(rows, on="contact_hashes")
    return known.group_by("contact_value").agg(since=pl.col("captured_at").max().dt.date())
