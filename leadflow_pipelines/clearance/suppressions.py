"""Whom nobody of the org may contact: org-wide, for ever, known by a keyed hash once the person is erased.

Here: writing and listing them. Not here: reading replies (`outreach`), applying the list (`compliance`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, Row, select, update

from leadflow_pipelines.clearance.consents import end_consents
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance.consents import contact_key
from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes, with_contact_hash
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.tables import suppressions
from leadflow_pipelines.database.tables.outreach import CONTACT_KINDS, SUPPRESSION_ORIGINS
from leadflow_pipelines.errors import InvalidInput

LIFTED_BY_START = "stop"
WITHDRAWALS = ("stop", "revocation", "deletion")
"""Origins with which a person takes consents back, too; the others say that somebody else must not be contacted."""


@dataclass(frozen=True)
class Suppression:
    """A wish to be left alone, about one contact. origin: one of SUPPRESSION_ORIGINS."""

    kind: str
    contact_value: str
    origin: str
    reason: str
    source: str


def kind_of(contact: str) -> str:
    """Whether a contact as a person wrote it is a phone, an e-mail or a mailing line."""
    if "@" in contact:
        return "email"
    return "phone" if pl.select(contact_key(pl.lit(contact))).item().startswith("+1") else "mailing"


def suppress(
    connection: Connection, org_id: uuid.UUID, wishes: Sequence[Suppression], keys: HashKeys, *, now: dt.datetime
) -> int:
    """Suppress these contacts from `now`; return how many were not suppressed for that origin before.

    One that START had lifted holds again. A withdrawal ends the contact's consents, its source being their cause.
    Belongs at the end of a transaction: it appends to the proof.
    Raises InvalidInput for a kind or origin that does not exist, and for a blank contact.
    """
    for wish in wishes:
        _check(wish)
    if not wishes:
        return 0
    rows = with_contact_hash(_frame(wishes), keys).unique(["kind", "contact_hash", "origin"], keep="first")
    rows = rows.with_columns(
        suppressed_at=pl.lit(now, pl.Datetime("us", "UTC")), lifted_at=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    standing = _standing(connection, rows)
    new = rows.join(standing, on=["contact_hash", "origin"], how="anti", maintain_order="left")
    copy_into(connection, suppressions, new, conflict="replace")
    _note(connection, org_id, "suppressed", new, now)
    withdrawn = {(wish.kind, wish.contact_value): wish.source for wish in wishes if wish.origin in WITHDRAWALS}
    if withdrawn:
        end_consents(connection, org_id, withdrawn, keys, now=now)
    return new.height


def start_again(
    connection: Connection, org_id: uuid.UUID, kind: str, contact_value: str, keys: HashKeys, *, now: dt.datetime
) -> bool:
    """The person asked to hear from the org again: lift what STOP set, nothing else. Returns whether there was any.

    A revocation, an operator's block, a deletion or a bounce stays. Consents that ended stay so: a text needs a new
    one.
    """
    table = suppressions
    lifted: Sequence[str] = connection.execute(
        update(table)
        .where(
            table.c.kind == kind, table.c.contact_hash.in_(all_hashes(kind, contact_value, keys)),
            table.c.origin == LIFTED_BY_START, table.c.lifted_at.is_(None),
        )
        .values(lifted_at=now)
        .returning(table.c.contact_hash)
    ).scalars().all()  # fmt: skip
    entries = [
        ProofEntry(
            uuid.uuid4(), "suppression", contact_hash, now, {"act": "lifted_by_start", "origin": LIFTED_BY_START}
        )
        for contact_hash in lifted
    ]
    append_proof(connection, org_id, entries)
    return bool(lifted)


def erase_contact(
    connection: Connection, org_id: uuid.UUID, kind: str, contact_value: str, keys: HashKeys, *, now: dt.datetime
) -> None:
    """Forget the value of a contact and keep its hash suppressed for ever: importing it again changes nothing."""
    wish = Suppression(kind, contact_value, "deletion", "The person asked to be deleted.", "deletion")
    suppress(connection, org_id, [wish], keys, now=now)
    table = suppressions
    known = all_hashes(kind, contact_value, keys)
    key = pl.select(contact_key(pl.lit(contact_value))).item()
    unkeyed = select(table.c.contact_hash, table.c.contact_value).where(
        table.c.kind == kind, table.c.contact_value.is_not(None), table.c.contact_hash.like("v0:%")
    )
    before_keys = [row.contact_hash for row in connection.execute(unkeyed) if _key(row) == key]
    connection.execute(
        update(table)
        .where(table.c.kind == kind, table.c.contact_hash.in_([*known, *before_keys]))
        .values(contact_value=None)
    )


def list_suppressions(
    connection: Connection, *, with_lifted: bool = False, most: int | None = None
) -> list[dict[str, object]]:
    """The org's list, newest first."""
    table = suppressions.c
    chosen = select(*(column for column in table if column.name != "org_id")).order_by(
        table.suppressed_at.desc(), table.contact_hash
    )
    if not with_lifted:
        chosen = chosen.where(table.lifted_at.is_(None))
    return [dict(row) for row in connection.execute(chosen.limit(most)).mappings()]


def _check(wish: Suppression) -> None:
    if wish.kind not in CONTACT_KINDS or wish.origin not in SUPPRESSION_ORIGINS:
        raise InvalidInput(
            f"No suppression of a {wish.kind} by {wish.origin}.",
            remedy=f"Kinds: {', '.join(CONTACT_KINDS)}. Origins: {', '.join(SUPPRESSION_ORIGINS)}.",
        )
    if not wish.contact_value.strip():
        raise InvalidInput("A suppression needs the number, address or e-mail it is about.")


def _frame(wishes: Sequence[Suppression]) -> pl.DataFrame:
    names = ("kind", "contact_value", "origin", "reason", "source")
    return pl.DataFrame([[getattr(wish, name) for name in names] for wish in wishes], schema=names, orient="row")


def _standing(connection: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """What already stands under the current key, so that a repeated wish keeps its first day."""
    table = suppressions.c
    found = connection.execute(
        select(table.contact_hash, table.origin).where(
            table.contact_hash.in_(rows["contact_hash"].to_list()), table.lifted_at.is_(None)
        )
    )
    return pl.DataFrame(found.all(), schema={"contact_hash": pl.String, "origin": pl.String}, orient="row")


def _key(row: Row[tuple[str, str]]) -> str:
    return str(pl.select(contact_key(pl.lit(row.contact_value))).item())


def _note(connection: Connection, org_id: uuid.UUID, act: str, rows: pl.DataFrame, now: dt.datetime) -> None:
    append_proof(
        connection,
        org_id,
        [
            ProofEntry(
                uuid.uuid4(), "suppression", row["contact_hash"], now,
                {"act": act, "kind": row["kind"], "origin": row["origin"], "source": row["source"]},
            )
            for row in rows.iter_rows(named=True)
        ],
    )  # fmt: skip
