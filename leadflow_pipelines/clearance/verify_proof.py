"""Whether an org's whole proof is as it was written: its chain, the evidence beside it, the files of cleared lists.

Not here: whether decisions come out the same again (`replay_log`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.list_proof import KIND, read_list_proof
from leadflow_pipelines.clearance.proof import ChainReport, verify_chain
from leadflow_pipelines.compliance.evidence import hashed
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import proof_entries, proof_evidence
from leadflow_pipelines.lake import Lake

ERASURE = "erasure"


@dataclass(frozen=True)
class ProofReport:
    """What was read, and the first thing that is not as it was written; `fault` is None where everything is."""

    chain: ChainReport
    files: int
    rows: int
    erased_rows: int
    fault: str | None


def verify_proof(connection: Connection, lake: Lake, org: Org, *, expected_head: str | None = None) -> ProofReport:
    """Reads everything. `expected_head`: a head hash noted down elsewhere, which the chain must contain."""
    chain = verify_chain(connection, org.org_id, expected_head=expected_head)
    if chain.fault:
        return ProofReport(chain, 0, 0, 0, chain.fault)
    known = _erased_hashes(connection, org)
    if fault := _erasure_fault(connection, org, known):
        return ProofReport(chain, 0, 0, 0, fault)
    files = rows = erased = 0
    table = proof_entries.c
    chosen = select(table.seq, table.entry_id, table.facts).where(table.org_id == org.org_id, table.kind == KIND)
    for entry in connection.execute(chosen.order_by(table.seq)).mappings():
        found, fault = _file_fault(lake, entry["facts"], known)
        files, rows, erased = files + 1, rows + found.height, erased + found["evidence"].null_count()
        if fault:
            told = f"Entry {entry['seq']} ({KIND} {entry['entry_id']}): {fault}"
            return ProofReport(chain, files, rows, erased, told)
    return ProofReport(chain, files, rows, erased, None)


def _erased_hashes(connection: Connection, org: Org) -> set[str]:
    """Every contact of which an erasure is noted in the chain."""
    table = proof_entries.c
    noted = select(table.facts["contact_hashes"]).where(table.org_id == org.org_id, table.kind == ERASURE)
    listed: Sequence[list[str]] = connection.execute(noted).scalars().all()
    return {one for hashes in listed for one in hashes}


def _erasure_fault(connection: Connection, org: Org, known: Collection[str]) -> str | None:
    """Evidence that counts as erased though the chain knows of no such erasure."""
    table = proof_evidence.c
    erased = select(table.entry_id, table.subject_hash).where(table.org_id == org.org_id, table.erased_at.is_not(None))
    for row in connection.execute(erased):
        if row.subject_hash not in known:
            return f"The evidence of entry {row.entry_id} was removed, and the chain notes no erasure of that contact."
    return None


def _file_fault(lake: Lake, facts: dict[str, Any], known: Collection[str]) -> tuple[pl.DataFrame, str | None]:
    rows, fault = read_list_proof(lake, facts)
    if fault:
        return rows, fault
    numbered = rows.with_row_index("row", offset=1)
    there = numbered.filter(pl.col("evidence").is_not_null())
    altered = there.filter(hashed(there["evidence"]) != there["evidence_hash"])
    if altered.height:
        return rows, f"Row {altered['row'][0]} of {facts['path']} is not what was written: it has another hash."
    unknown = numbered.filter(pl.col("evidence").is_null(), ~pl.col("contact_hash").is_in(sorted(known)))
    if unknown.height:
        return rows, f"The evidence of row {unknown['row'][0]} of {facts['path']} is gone, and no erasure is noted."
    return rows, None
