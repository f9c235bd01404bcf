"""Everything a decision about some contact points needs, read for one org in one transaction.

Here: reading, and laying it beside the contact points. Not here: the decision (`compliance`), writing any of it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.holds import standing_holds
from leadflow_pipelines.clearance.lookup_store import stored_lookups
from leadflow_pipelines.clearance.profile import read_profile
from leadflow_pipelines.clearance.registries import reassigned_answers, registry_answers
from leadflow_pipelines.clearance.rule_store import org_rules
from leadflow_pipelines.compliance.calling_calendar import Width
from leadflow_pipelines.compliance.clear_contacts import identified, keyed
from leadflow_pipelines.compliance.consents import CONSENT_COLUMNS, SUPPRESSION_COLUMNS
from leadflow_pipelines.compliance.contact_hash import with_every_hash
from leadflow_pipelines.compliance.evidence import (
    EVIDENCE,
    EVIDENCE_LOOKED_UP,
    EVIDENCE_REQUIRED,
    Limits,
    conformed,
)
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.compliance.whereabouts import whereabouts
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import consents, suppressions
from leadflow_pipelines.settings import Settings

FEW = 20_000
"""Up to so many contacts are asked for by name; beyond, the whole log is read: it is then the shorter way."""


ANSWERED = (*(name for name in EVIDENCE_LOOKED_UP if name != "contact_hashes"), "is_litigator")


@dataclass(frozen=True)
class Evidence:
    """What `decide_contacts` and `decide_sends` need.

    points: the given rows with EVIDENCE_LOOKED_UP laid beside them. asked: rules, consents, suppressions, holds,
    org_name and widen_to, as both functions take them. limits: what the org allows itself, for `decide_sends`.
    """

    points: pl.DataFrame
    rules: RuleBook
    consents: pl.DataFrame
    suppressions: pl.DataFrame
    holds: pl.DataFrame
    org_name: str
    widen_to: Width
    limits: Limits

    @property
    def asked(self) -> Mapping[str, Any]:
        """The arguments that both decisions share."""
        return {
            "rules": self.rules,
            "consents": self.consents,
            "suppressions": self.suppressions,
            "holds": self.holds,
            "org_name": self.org_name,
            "widen_to": self.widen_to,
        }


def gather_evidence(
    connection: Connection, org: Org, points: pl.DataFrame, *, now: dt.datetime, settings: Settings
) -> Evidence:
    """The evidence for these contact points (EVIDENCE_REQUIRED, other columns are kept) as of `now`.

    connection: a transaction of the org. Raises InvalidInput for missing columns.
    """
    keys = load_hash_keys(settings)
    profile = read_profile(connection, org)
    rules = org_rules(connection, org.org_id, now.date(), now=now)
    known = with_every_hash(identified(conformed(points, EVIDENCE_REQUIRED, "contact points")), keys)
    hashes = known["contact_hashes"].explode().drop_nulls().unique() if known.height <= FEW else None
    log = _consents(connection, hashes)
    looked_up = _looked_up(connection, org, known, log, rules, now=now, settings=settings)
    is_litigator = pl.any_horizontal(
        pl.col("is_litigator").fill_null(False), looked_up["is_litigator"].fill_null(False)
    )
    is_told = pl.col("is_litigator").is_not_null() | looked_up["is_litigator"].is_not_null()
    return Evidence(
        points=points.drop([name for name in EVIDENCE_LOOKED_UP if name in points.columns]).with_columns(
            *looked_up.drop("is_litigator").get_columns(),
            known["contact_hashes"],
            is_litigator=pl.when(is_told).then(is_litigator),
        ),
        rules=rules,
        consents=log,
        suppressions=_suppressions(connection, hashes),
        holds=standing_holds(connection, now),
        org_name=profile.sender_name,
        widen_to=profile.calling_width,
        limits=Limits(profile.most_per_24h, profile.most_per_7d),
    )


def _consents(connection: Connection, hashes: pl.Series | None) -> pl.DataFrame:
    table = consents.c
    chosen = select(*(table[name] for name in CONSENT_COLUMNS)).where(table.contact_value.is_not(None))
    if hashes is not None:
        chosen = chosen.where(table.contact_hash.in_(hashes.to_list()) | table.contact_hash.like("v0:%"))
    return pl.DataFrame(connection.execute(chosen).all(), schema=CONSENT_COLUMNS, orient="row")


def _suppressions(connection: Connection, hashes: pl.Series | None) -> pl.DataFrame:
    """Those that stand. Rows from before keyed hashes are compared by their value."""
    table = suppressions.c
    chosen = select(*(table[name] for name in SUPPRESSION_COLUMNS)).where(table.lifted_at.is_(None))
    if hashes is not None:
        chosen = chosen.where(table.contact_hash.in_(hashes.to_list()) | table.contact_hash.like("v0:%"))
    return pl.DataFrame(connection.execute(chosen).all(), schema=SUPPRESSION_COLUMNS, orient="row")


def _looked_up(
    connection: Connection, org: Org, points: pl.DataFrame, log: pl.DataFrame, rules: RuleBook, **asked: Any
) -> pl.DataFrame:
    """For each point (contact_value, …) what lists and vendors say of its number; null for what is no phone."""
    asked_for = _plausible_states(points, rules)
    phones = asked_for["phone_e164"]
    if phones.is_empty():
        return pl.DataFrame(schema={name: EVIDENCE[name] for name in ANSWERED}).clear(points.height)
    answers = registry_answers(connection, org, phones, rules=rules, states=asked_for["states"], **asked)
    given = keyed(log).group_by("contact_key").agg(since=pl.col("captured_at").max().dt.date())
    since = (
        phones.to_frame("contact_key").join(given, on="contact_key", how="left", maintain_order="left")
        .select(pl.col("since").fill_null(asked["now"].date())).to_series()
    )  # fmt: skip
    moved = reassigned_answers(connection, org, phones, since, settings=asked["settings"])
    newest = (
        stored_lookups(connection, org, phones, "dnc", settings=asked["settings"])
        .sort("answered_at").unique(["phone", "provider"], keep="last")
        .filter(pl.col("answer") == "unknown").sort("answered_at").unique("phone", keep="last")
    )  # fmt: skip
    known = answers.join(
        moved.select("phone", "is_reassigned", "reassigned_checked_at", reassigned_asked_about=since), on="phone"
    ).join(newest.select("phone", dnc_answer="answer", dnc_answered_at="answered_at"), on="phone", how="left")
    rows = points.select("phone_e164", "kind").join(
        known, left_on="phone_e164", right_on="phone", how="left", maintain_order="left"
    )
    return rows.select(pl.when(pl.col("kind") == "phone").then(name).cast(EVIDENCE[name]) for name in ANSWERED)


def _plausible_states(points: pl.DataFrame, rules: RuleBook) -> pl.DataFrame:
    """Each phone once, with every state it may ring in for any of its contact points."""
    place_of_row, found = whereabouts(points, rules)
    states = pl.Series([list(places.states) for places in found], dtype=pl.List(pl.String))
    return (
        points.select("phone_e164", "kind", states=states.gather(place_of_row))
        .filter(pl.col("kind") == "phone", pl.col("phone_e164").is_not_null())
        .group_by("phone_e164", maintain_order=True)
        .agg(pl.col("states").explode(empty_as_null=False).unique().sort())
    )
