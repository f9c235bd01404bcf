"""The proof of a cleared list: its evidence in one file of the lake, its digest in the org's chain.

A list has too many rows for an entry each. The entry holds their number and one digest over their evidence hashes,
in order; whoever has the file can recompute every row and that digest. Erasing a person empties their rows'
evidence in the files; the hashes stay, and with them the digest.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Collection
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance.replay import RECORDED
from leadflow_pipelines.database.tables import proof_entries
from leadflow_pipelines.lake import Lake

KIND = "list_clearance"
COLUMNS = ("zip", "contact_point_id", "channel", "contact_hash", *RECORDED)
SCHEMA: dict[str, Any] = {**dict.fromkeys(COLUMNS, pl.String), "reason_codes": pl.List(pl.String)}


def keep_list_proof(
    connection: Connection, org_id: uuid.UUID, lake: Lake, lists: pl.DataFrame, *, day: dt.date, now: dt.datetime
) -> uuid.UUID | None:
    """Writes the evidence of a cleared list and appends its entry; None for an empty list.

    lists: COLUMNS and rule_version. Belongs at the end of the transaction that publishes the list: a file without
    an entry, left by a crash, proves nothing and does no harm.
    """
    if lists.is_empty():
        return None
    entry_id = uuid.uuid4()
    path = f"proof/lists/day={day.isoformat()}/{entry_id}.parquet"
    lake.proof.write(path, lists.select(COLUMNS))
    facts: dict[str, Any] = {
        "day": day.isoformat(),
        "path": path,
        "rows": lists.height,
        "cleared": lists.filter(verdict="cleared").height,
        "evidence_sha256": digest_of_hashes(lists["evidence_hash"]),
        "rule_versions": sorted(lists["rule_version"].unique()),
        "zips": sorted(lists["zip"].unique()),
    }
    append_proof(connection, org_id, [ProofEntry(entry_id, KIND, None, now, facts)])
    return entry_id


def read_list_proof(lake: Lake, facts: dict[str, Any]) -> tuple[pl.DataFrame, str | None]:
    """The rows behind an entry (by its facts), and what is wrong with them; None where nothing is."""
    try:
        rows = lake.proof.read(facts["path"])
    except (FileNotFoundError, OSError):
        return pl.DataFrame(schema=SCHEMA), f"The file {facts['path']} is gone."
    except pl.exceptions.PolarsError:
        return pl.DataFrame(schema=SCHEMA), f"The file {facts['path']} cannot be read any more: its bytes were changed."
    if rows.height != facts["rows"] or digest_of_hashes(rows["evidence_hash"]) != facts["evidence_sha256"]:
        return rows, f"The file {facts['path']} does not hold the rows that were written."
    return rows, None


def list_proofs(connection: Connection, first: dt.datetime, last: dt.datetime) -> list[dict[str, Any]]:
    """seq, entry_id, happened_at and facts of the list clearances from `first` up to before `last`, in order."""
    table = proof_entries.c
    chosen = (
        select(table.seq, table.entry_id, table.happened_at, table.facts)
        .where(table.kind == KIND, table.happened_at >= first, table.happened_at < last)
        .order_by(table.seq)
    )
    return [dict(row) for row in connection.execute(chosen).mappings()]


def erase_from_lists(lake: Lake, paths: Collection[str], contact_hashes: Collection[str]) -> int:
    """Empties the evidence of these contacts in the files; returns how many rows."""
    erased = 0
    for path in paths:
        rows = lake.proof.read(path)
        is_theirs = pl.col("contact_hash").is_in(list(contact_hashes)) & pl.col("evidence").is_not_null()
        found = rows.filter(is_theirs).height
        if found:
            lake.proof.write(path, rows.with_columns(evidence=pl.when(~is_theirs).then("evidence")))
            erased += found
    return erased


def digest_of_hashes(hashes: pl.Series) -> str:
    """sha256 over the hashes in order, one a line."""
    return hashlib.sha256("\n".join(hashes.to_list()).encode()).hexdigest()
