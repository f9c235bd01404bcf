"""Taking a contact out of an org's lake: tables, what earlier versions of them held, vendors' answers, list proofs.

Each step finds what is left, so a second run finishes what a killed one began. Not here: Postgres (`erasure`), how a
contact may be written (`written_contacts`).
"""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.clearance.list_proof import erase_from_lists
from leadflow_pipelines.clearance.written_contacts import ERASED, is_among, key_of, without_contact, written_as
from leadflow_pipelines.compliance.consents import mailing_line
from leadflow_pipelines.contracts import (
    ENRICHED_LEADS,
    LEAD_CONTACTS,
    OUTREACH_LISTS,
    PROPERTIES,
    PROPERTY_RECORDS,
    REJECTED_RECORDS,
)
from leadflow_pipelines.lake import Lake

OWNERS = (ENRICHED_LEADS, PROPERTIES, PROPERTY_RECORDS)
"""Tables that name an owner and where their mail goes."""
OWNER_COLUMNS = ("owner_name", "mailing_street", "mailing_city", "mailing_state", "mailing_zip5")
VALUES = {"phone": pl.col("phone_e164"), "email": pl.col("email"), "mailing": mailing_line()}


@dataclass(frozen=True)
class ErasedFromLake:
    """Rows that lost the contact, by table; raw_answers: items of vendors' answers; old_files: files of earlier
    versions that were deleted.
    """

    lead_contacts: int
    outreach_lists: int
    owners: int
    rejected_records: int
    raw_answers: int
    list_decisions: int
    old_files: int


def erase_from_lake(
    lake: Lake, kind: str, value: str, *, proof_files: Collection[str], hashes: Collection[str]
) -> ErasedFromLake:
    """Takes a contact out of every table and raw answer of the lake, and empties its evidence in `proof_files`.

    kind: phone, email or mailing. A mailing address takes the owner's name along; in vendors' and counties' own records
    it stays, as they are made anew of public records: no contact point comes of it any more (`keep_erased`).
    """
    key, pattern = key_of(value), written_as(kind, value)
    is_theirs = (pl.col("kind") == kind) & is_among([key], VALUES[kind])
    contacts = lake.change_rows(LEAD_CONTACTS, is_theirs)
    listed = lake.change_rows(OUTREACH_LISTS, is_among([key], pl.col("contact_value")))
    owners = rejected = 0
    if kind == "mailing":
        blank = {name: pl.lit(None, pl.String) for name in OWNER_COLUMNS}
        owners = sum(lake.change_rows(table, is_among([key], mailing_line()), blank) for table in OWNERS)
    if pattern:
        texts = ("raw_row", "reason")
        is_written = pl.any_horizontal(pl.col(*texts).str.contains(pattern))
        cut = {name: pl.col(name).str.replace_all(pattern, f"${{1}}{ERASED}${{2}}") for name in texts}
        rejected = lake.change_rows(REJECTED_RECORDS, is_written, cut)
    tables = (LEAD_CONTACTS, OUTREACH_LISTS, *(OWNERS if kind == "mailing" else (REJECTED_RECORDS,)))
    return ErasedFromLake(
        lead_contacts=contacts,
        outreach_lists=listed,
        owners=owners,
        rejected_records=rejected,
        raw_answers=erase_raw(lake, pattern) if pattern else 0,
        list_decisions=erase_from_lists(lake, proof_files, hashes),
        old_files=sum(lake.forget_versions(table) for table in tables),
    )


def erase_raw(lake: Lake, pattern: str) -> int:
    """Takes what the pattern finds out of every raw answer; returns how many items held it."""
    holds = pl.col("payload").str.contains(pattern) | pl.col("item_key").str.contains(pattern).fill_null(False)
    return lake.raw.rewrite_raw(holds, lambda items: without_contact(items, pattern))
