"""The chain of proof: an append-only, hash-chained log of what an org decided and did.

An entry holds keyed hashes, codes, versions and digests, so that it can stay for ever; what is personal stands beside
it as evidence, which can be erased without breaking the chain. Not here: what a decision looks at (`compliance`).
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadflow_pipelines.database.tables import proof_entries, proof_evidence, proof_heads

FIRST = "0" * 64
"""previous_hash of an org's first entry."""
VERIFIED_AT_ONCE = 20_000


@dataclass(frozen=True)
class ProofEntry:
    """One act to be proven. `facts` never hold personal data; `evidence` may, and is erasable.

    Both are JSON of text, whole numbers, true, false and null: fractions have no one written form.
    """

    entry_id: uuid.UUID
    kind: str
    subject_hash: str | None
    happened_at: dt.datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ChainReport:
    """What reading a chain from its beginning found. `fault` is None where every entry is as it was written."""

    entries: int
    erased: int
    head_hash: str
    bad_seq: int | None = None
    fault: str | None = None


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one written form of a document: keys sorted, no spaces. Raises ValueError for a fraction in it."""
    _refuse_fractions(document)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def digest(document: Mapping[str, Any]) -> str:
    """sha256 of the written form, in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


def append_proof(connection: Connection, org_id: uuid.UUID, entries: Sequence[ProofEntry]) -> None:
    """Adds entries to the org's chain, in the caller's transaction, which holds the chain's end until it is over.

    So it belongs at the end of a transaction, and one call for many entries is better than many calls.
    Raises ValueError for a naive instant or a fraction in a document.
    """
    if not entries:
        return
    seq, previous = _lock_head(connection, org_id)
    rows, evidence = [], []
    for entry in entries:
        seq += 1
        row = _row(org_id, seq, entry, previous)
        previous = row["entry_hash"]
        rows.append(row)
        if entry.evidence is not None:
            evidence.append(_evidence_row(org_id, entry))
    connection.execute(insert(proof_entries), rows)
    if evidence:
        connection.execute(insert(proof_evidence), evidence)
    heads = proof_heads.c
    connection.execute(update(proof_heads).where(heads.org_id == org_id).values(seq=seq, entry_hash=previous))


def verify_chain(connection: Connection, org_id: uuid.UUID, *, expected_head: str | None = None) -> ChainReport:
    """Reads the org's chain from its beginning and names the first entry that is not as it was written.

    `expected_head`: an entry hash noted down elsewhere; it must be part of the chain, so that a chain cut short and
    mended is found out too.
    """
    previous, seq, erased, is_met = FIRST, 0, 0, expected_head is None
    for row in _entries(connection, org_id):
        seq += 1
        erased += row["erased_at"] is not None
        if fault := _fault(row, seq, previous):
            return ChainReport(seq - 1, erased, previous, row["seq"], fault)
        previous = row["entry_hash"]
        is_met = is_met or previous == expected_head
    heads = proof_heads.c
    head = connection.execute(select(heads.seq, heads.entry_hash).where(heads.org_id == org_id)).first()
    if tuple(head or (0, FIRST)) != (seq, previous):
        fault = f"The chain ends with entry {seq}, but its recorded end is entry {head.seq if head else 0}."
        return ChainReport(seq, erased, previous, seq, fault)
    if not is_met:
        return ChainReport(seq, erased, previous, seq, f"No entry has the expected hash {expected_head}.")
    return ChainReport(seq, erased, previous)


def erase_evidence(
    connection: Connection, org_id: uuid.UUID, subject_hashes: Sequence[str], *, now: dt.datetime
) -> int:
    """Erases what is personal behind the entries about these contacts; the entries stay. Returns how many."""
    table = proof_evidence
    erased = connection.execute(
        update(table)
        .where(table.c.org_id == org_id, table.c.subject_hash.in_(subject_hashes), table.c.erased_at.is_(None))
        .values(evidence=None, erased_at=now)
    )
    return erased.rowcount


def _lock_head(connection: Connection, org_id: uuid.UUID) -> tuple[int, str]:
    heads = proof_heads.c
    wanted = select(heads.seq, heads.entry_hash).where(heads.org_id == org_id).with_for_update()
    if (head := connection.execute(wanted).first()) is None:
        beginning = upsert(proof_heads).values(org_id=org_id, seq=0, entry_hash=FIRST)
        connection.execute(beginning.on_conflict_do_nothing())
        head = connection.execute(wanted).one()
    return head.seq, head.entry_hash


def _row(org_id: uuid.UUID, seq: int, entry: ProofEntry, previous: str) -> dict[str, Any]:
    if entry.happened_at.utcoffset() is None:
        raise ValueError("an act to be proven needs an aware instant: a naive one names no moment")
    evidence_hash = None if entry.evidence is None else digest(entry.evidence)
    row = {
        "org_id": org_id,
        "seq": seq,
        "entry_id": entry.entry_id,
        "kind": entry.kind,
        "subject_hash": entry.subject_hash,
        "happened_at": entry.happened_at,
        "facts": dict(entry.facts),
        "evidence_hash": evidence_hash,
        "previous_hash": previous,
    }
    return {**row, "entry_hash": _entry_hash(row)}


def _entry_hash(row: Mapping[str, Any]) -> str:
    named = ("seq", "kind", "subject_hash", "facts", "evidence_hash", "previous_hash")
    instant = row["happened_at"].astimezone(dt.UTC).isoformat(timespec="microseconds")
    return digest({name: row[name] for name in named} | {"entry_id": str(row["entry_id"]), "happened_at": instant})


def _evidence_row(org_id: uuid.UUID, entry: ProofEntry) -> dict[str, Any]:
    return {
        "org_id": org_id,
        "entry_id": entry.entry_id,
        "subject_hash": entry.subject_hash,
        "evidence": dict(entry.evidence or {}),
        "recorded_on": entry.happened_at.astimezone(dt.UTC).date(),
    }


def _entries(connection: Connection, org_id: uuid.UUID) -> Iterator[RowMapping]:
    """Every entry with its evidence, in order, some thousands at a time."""
    joined = proof_entries.outerjoin(
        proof_evidence,
        (proof_evidence.c.org_id == proof_entries.c.org_id) & (proof_evidence.c.entry_id == proof_entries.c.entry_id),
    )
    columns = (*proof_entries.c, proof_evidence.c.evidence, proof_evidence.c.erased_at)
    chosen = select(*columns).select_from(joined).where(proof_entries.c.org_id == org_id).order_by(proof_entries.c.seq)
    yield from connection.execution_options(yield_per=VERIFIED_AT_ONCE).execute(chosen).mappings()


def _fault(row: RowMapping, seq: int, previous: str) -> str | None:
    """What is wrong with an entry, None where nothing is."""
    named = f"Entry {row['seq']} ({row['kind']} {row['entry_id']})"
    if row["seq"] != seq:
        return f"Entry {seq} is missing: entry {row['seq']} follows entry {seq - 1}."
    if row["previous_hash"] != previous:
        return f"{named} does not follow the entry before it."
    if _entry_hash(dict(row)) != row["entry_hash"]:
        return f"{named} is not what was written: its content has another hash."
    return _evidence_fault(row, named.lower())


def _evidence_fault(row: RowMapping, named: str) -> str | None:
    if row["evidence_hash"] is None or row["erased_at"] is not None:
        return None
    if row["evidence"] is None:
        return f"The evidence of {named} is gone, and no erasure is noted."
    if digest(row["evidence"]) != row["evidence_hash"]:
        return f"The evidence of {named} is not what was written: it has another hash."
    return None


def _refuse_fractions(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError(f"a document to be proven holds the fraction {value}; write it as text or a whole number")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_fractions(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_fractions(item)
