"""Forgetting a contact: its value goes everywhere it stands, its keyed hash stays suppressed for ever.

What was decided and done stays provable without it: the chain holds hashes alone. Not here: the files that show a
consent, what vendors returned and the tables of the lake, which are named to whoever asks.
"""

import datetime as dt
import uuid
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, Table, delete, func, select, text, update

from leadflow_pipelines.clearance.list_proof import erase_from_lists, list_proofs
from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof, erase_evidence
from leadflow_pipelines.clearance.suppressions import erase_contact
from leadflow_pipelines.compliance.consents import contact_key
from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import (
    call_results,
    campaign_audience,
    consents,
    inbound_messages,
    messages,
    outreach_list_entries,
)
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake

LOCK_PERSON = text("select pg_advisory_xact_lock(hashtextextended(:person, 0))")
"""The lock under which dispatchers decide about a person."""
BEFORE_KEYS = "v0:%"
EVER = (dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 1, 1, tzinfo=dt.UTC))
ERASED = "erased"


@dataclass(frozen=True)
class Erased:
    """How many rows lost the contact's value. `cancelled`: messages that were waiting for it."""

    messages: int
    cancelled: int
    replies: int
    consents: int
    audiences: int
    list_entries: int
    call_notes: int
    decisions: int
    list_decisions: int
    consent_files: int


def erase_person(
    database: Database, lake: Lake, org: Org, kind: str, value: str, keys: HashKeys, *, actor: str, now: dt.datetime
) -> Erased:
    """Forgets one contact (kind phone, email or mailing) and suppresses its hash. Doing it again does no harm.

    consent_files: files that show its consents, which are left to whoever must keep them for a dispute.
    Raises InvalidInput for a blank value and for an actor who is no member.
    """
    if not value.strip():
        raise InvalidInput("Nobody is named.", remedy="Give the number, e-mail or address to forget.")
    hashes = all_hashes(kind, value, keys)
    key = pl.select(contact_key(pl.lit(value))).item()
    with database.as_org(org.org_id) as connection:
        by = require_member(connection, actor)
        for person in sorted(hashes):
            connection.execute(LOCK_PERSON, {"person": person})
        hashes += _before_keys(connection, key)
        cancelled = _cancelled(connection, hashes, now)
        kept_files = _consent_files(connection, hashes)
        found = Erased(
            call_notes=_erased_notes(connection, hashes),
            messages=_blanked(connection, messages, hashes, "contact_value", "body"),
            cancelled=cancelled,
            replies=_blanked(connection, inbound_messages, hashes, "contact_value", "body"),
            consents=_blanked(connection, consents, hashes, "contact_value"),
            audiences=_blanked(connection, campaign_audience, hashes, "evidence", stopped_because=ERASED),
            list_entries=_deleted_entries(connection, key),
            decisions=erase_evidence(connection, org.org_id, hashes, now=now),
            list_decisions=erase_from_lists(
                lake, [proof["facts"]["path"] for proof in list_proofs(connection, *EVER)], hashes
            ),
            consent_files=kept_files,
        )
        erase_contact(connection, org.org_id, kind, value, keys, now=now)
        facts: dict[str, Any] = {"by": by, "kind": kind, "contact_hashes": hashes, "counts": asdict(found)}
        append_proof(connection, org.org_id, [ProofEntry(uuid.uuid4(), "erasure", hashes[0], now, facts)])
    return found


def _before_keys(connection: Connection, key: str) -> list[str]:
    """Hashes from before there were keys, of consents whose value is this contact."""
    table = consents.c
    unkeyed = select(table.contact_hash, table.contact_value).where(
        table.contact_hash.like(BEFORE_KEYS), table.contact_value.is_not(None)
    )
    rows = pl.DataFrame(connection.execute(unkeyed).all(), schema={"hash": pl.String, "value": pl.String}, orient="row")
    return rows.filter(contact_key(pl.col("value")) == key)["hash"].unique().sort().to_list()


def _cancelled(connection: Connection, hashes: list[str], now: dt.datetime) -> int:
    table = messages.c
    waiting = update(messages).where(table.contact_hash.in_(hashes), table.state.in_(("queued", "claimed")))
    values = {"settled_at": now, "error_code": ERASED, "claimed_by": None, "claimed_until": None}
    return connection.execute(waiting.values(state="cancelled", **values)).rowcount


def _blanked(connection: Connection, table: Table, hashes: list[str], *columns: str, **also: str) -> int:
    """Nulls the columns of the contact's rows; counts those that held anything."""
    holds = func.num_nonnulls(*(table.c[name] for name in columns)) > 0
    blank: dict[str, Any] = {**dict.fromkeys(columns), **also}
    chosen = update(table).where(table.c.contact_hash.in_(hashes), holds)
    return connection.execute(chosen.values(blank)).rowcount


def _erased_notes(connection: Connection, hashes: list[str]) -> int:
    of_person = select(messages.c.message_id).where(messages.c.contact_hash.in_(hashes))
    noted = update(call_results).where(call_results.c.message_id.in_(of_person), call_results.c.note.is_not(None))
    return connection.execute(noted.values(note=None)).rowcount


def _deleted_entries(connection: Connection, key: str) -> int:
    """Rows of the outreach lists, which hold the value itself; compared as `contact_key` folds it."""
    value = outreach_list_entries.c.contact_value
    folded = func.regexp_replace(func.lower(func.btrim(value)), r"[\s,]+", " ", "g")
    return connection.execute(delete(outreach_list_entries).where(folded == key)).rowcount


def _consent_files(connection: Connection, hashes: list[str]) -> int:
    table = consents.c
    files = select(func.count(func.distinct(table.evidence_path))).where(table.contact_hash.in_(hashes))
    return connection.execute(files).scalar_one()
