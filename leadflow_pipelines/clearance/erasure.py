"""Forgetting a contact: its value goes everywhere it stands, its keyed hash stays suppressed for ever.

What was decided and done stays provable without it: the chain holds hashes alone. Here: the order, Postgres and the
files that show a consent. Not here: the lake (`erase_lake`), what comes in again later (`keep_erased`).
"""

import datetime as dt
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, delete, func, or_, select, text, union_all, update

from leadflow_pipelines.clearance.consents import evidence_folder, hashes_before_keys
from leadflow_pipelines.clearance.erase_lake import erase_from_lake
from leadflow_pipelines.clearance.list_proof import list_proofs
from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof, erase_evidence
from leadflow_pipelines.clearance.suppressions import erase_contact
from leadflow_pipelines.clearance.written_contacts import ERASED, key_of, written_as
from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import (
    call_results,
    campaign_audience,
    consents,
    inbound_messages,
    lead_outcomes,
    messages,
    outreach_list_entries,
    provider_pulls,
)
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake

LOCK_PERSON = text("select pg_advisory_xact_lock(hashtextextended(:person, 0))")
"""The lock under which dispatchers decide about a person."""
HOLD_PROPERTY = (messages, campaign_audience, inbound_messages)
"""Tables that say which properties a contact was written about."""
EVER = (dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 1, 1, tzinfo=dt.UTC))


@dataclass(frozen=True)
class Erased:
    """How many rows lost the contact's value, by where they lie.

    cancelled: messages that were waiting for it. pulls: look-ups about it whose request is forgotten. consent_files:
    files that showed its consents and are deleted; shared_files: such files that show other people's too, and are left.
    old_files: files of earlier versions of the lake's tables.
    """

    messages: int
    cancelled: int
    replies: int
    consents: int
    consent_files: int
    shared_files: int
    audiences: int
    list_entries: int
    call_notes: int
    outcome_notes: int
    decisions: int
    pulls: int
    lead_contacts: int
    outreach_lists: int
    owners: int
    rejected_records: int
    raw_answers: int
    list_decisions: int
    old_files: int


def erase_person(
    database: Database, lake: Lake, org: Org, kind: str, value: str, keys: HashKeys, *, actor: str, now: dt.datetime
) -> Erased:
    """Forgets one contact (kind phone, email or mailing) and suppresses its hash. Doing it again does no harm.

    It is suppressed before anything is erased, so that nothing is sent and nothing kept of it meanwhile; killed midway,
    the next call finds what is left. Raises InvalidInput for a blank value and for an actor who is no member.
    """
    if not value.strip():
        raise InvalidInput("Nobody is named.", remedy="Give the number, e-mail or address to forget.")
    hashes, key = all_hashes(kind, value, keys), key_of(value)
    with database.as_org(org.org_id) as connection:
        by = require_member(connection, actor)
        for person in sorted(hashes):
            connection.execute(LOCK_PERSON, {"person": person})
        hashes += hashes_before_keys(connection, [key])
        cancelled = _cancelled(connection, hashes, now)
        erase_contact(connection, org.org_id, kind, value, keys, now=now)
        proof_files = [proof["facts"]["path"] for proof in list_proofs(connection, *EVER)]
    of_lake = erase_from_lake(lake, kind, value, proof_files=proof_files, hashes=hashes)
    with database.as_org(org.org_id) as connection:
        deleted, shared = _delete_consent_files(connection, evidence_folder(database.settings, org), hashes)
        found = Erased(
            cancelled=cancelled,
            consent_files=deleted,
            shared_files=shared,
            call_notes=_erased_notes(connection, hashes),
            outcome_notes=_erased_outcome_notes(connection, hashes, kind, value),
            messages=_blanked(connection, messages, hashes, "contact_value", "body"),
            replies=_blanked(connection, inbound_messages, hashes, "contact_value", "body"),
            consents=_blanked(connection, consents, hashes, "contact_value"),
            audiences=_blanked(connection, campaign_audience, hashes, "evidence", stopped_because=ERASED),
            list_entries=_deleted_entries(connection, key),
            pulls=_forgotten_pulls(connection, kind, value),
            decisions=erase_evidence(connection, org.org_id, hashes, now=now),
            **asdict(of_lake),
        )
        facts: dict[str, Any] = {"by": by, "kind": kind, "contact_hashes": hashes, "counts": asdict(found)}
        append_proof(connection, org.org_id, [ProofEntry(uuid.uuid4(), "erasure", hashes[0], now, facts)])
    return found


def _cancelled(connection: Connection, hashes: list[str], now: dt.datetime) -> int:
    table = messages.c
    waiting = update(messages).where(table.contact_hash.in_(hashes), table.state == "queued")
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


def _erased_outcome_notes(connection: Connection, hashes: list[str], kind: str, value: str) -> int:
    """Words about leads that the contact was written to or listed for, and about any other that hold it; how many rows.

    Outreach lists are asked before they lose it.
    """
    table, pattern = lead_outcomes.c, written_as(kind, value)
    theirs = union_all(
        *(select(one.c.property_id).where(one.c.contact_hash.in_(hashes)) for one in HOLD_PROPERTY),
        select(outreach_list_entries.c.property_id).where(_folded_value() == key_of(value)),
    )
    words = (table.note, table.withdrawn_because)
    is_meant: ColumnElement[bool] = table.property_id.in_(theirs)
    if pattern is not None:
        is_meant = or_(is_meant, *(word.regexp_match(pattern) for word in words))
    holds = func.num_nonnulls(*words) > 0
    blank = update(lead_outcomes).where(is_meant, holds).values(note=None, withdrawn_because=None)
    return connection.execute(blank).rowcount


def _folded_value() -> ColumnElement[str]:
    """The contact of an outreach list as `contact_key` folds it."""
    return func.regexp_replace(func.lower(func.btrim(outreach_list_entries.c.contact_value)), r"[\s,]+", " ", "g")


def _deleted_entries(connection: Connection, key: str) -> int:
    """Rows of the outreach lists, which hold the value itself."""
    return connection.execute(delete(outreach_list_entries).where(_folded_value() == key)).rowcount


def _forgotten_pulls(connection: Connection, kind: str, value: str) -> int:
    """Requests about the number or e-mail lose what was asked; that they were made and paid stays."""
    pattern, table = written_as(kind, value), provider_pulls.c
    if pattern is None:
        return 0
    asked = update(provider_pulls).where(table.parameters.cast(Text).regexp_match(pattern))
    return connection.execute(asked.values(parameters={})).rowcount


def _delete_consent_files(connection: Connection, folder: Path, hashes: list[str]) -> tuple[int, int]:
    """Deletes the files that show these consents and nobody else's; how many, and how many others need.

    The digest stays with the consent. Deleted before the transaction commits: killed midway, the rows still name them.
    """
    table = consents.c
    theirs = table.contact_hash.in_(hashes)
    named = select(table.evidence_path).where(theirs, table.evidence_path.is_not(None)).distinct()
    others = select(table.evidence_path).where(
        ~theirs, table.contact_value.is_not(None), table.evidence_path.in_(named)
    ).distinct()  # fmt: skip
    shared: set[str] = set(connection.execute(others).scalars())
    own: set[str] = {*connection.execute(named).scalars()} - shared
    for path in own:
        (folder / path).unlink(missing_ok=True)
    connection.execute(update(consents).where(table.evidence_path.in_(sorted(own))).values(evidence_path=None))
    return len(own), len(shared)
