"""The consent log: who agreed to what, when, in which words, and the file that shows it.

Here: recording, withdrawing and handing it out for a dispute. Not here: reading consent files (`consent_files`),
what a consent is worth (`compliance/consents`).
"""

import datetime as dt
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection, Text, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from leadflow_pipelines.clearance.keep_erased import erased_among
from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.clearance.written_contacts import is_among
from leadflow_pipelines.compliance.conditions.number import US_PHONE
from leadflow_pipelines.compliance.conditions.place import EMAIL_SYNTAX
from leadflow_pipelines.compliance.consents import contact_key
from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes, contact_hash
from leadflow_pipelines.compliance.rule_book import load_rules
from leadflow_pipelines.contracts import CHANNELS
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import consents, proof_entries, suppressions
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import Settings

KIND_OF_CHANNEL = {"sms": "phone", "voice": "phone", "email": "email", "mail": "mailing"}
BEFORE_KEYS = "v0:%"
SAME = ("channel", "purpose", "kind", "given_to", "captured_at")
"""What makes two consents of a contact the same one."""


@dataclass(frozen=True)
class Consent:
    """What a person agreed to. contact: number, e-mail or mailing line. Instants are aware."""

    contact: str
    channel: str
    purpose: str
    kind: str
    given_to: str
    wording: str
    source: str
    captured_at: dt.datetime
    expires_at: dt.datetime | None = None
    evidence_file: Path | None = None


def consent_fault(consent: Consent, now: dt.datetime) -> tuple[str, str, str] | None:
    """The first thing wrong with a consent: field, what is wrong, what to give; None where nothing is."""
    kinds = sorted({row.kind for row in load_rules().consent_kinds if row.channel == consent.channel})
    late = consent.captured_at > now + dt.timedelta(minutes=5)
    ends = consent.expires_at
    checks = (
        (consent.channel in CHANNELS, "channel", f"{consent.channel!r} is no channel", ", ".join(CHANNELS)),
        (_is_contact(consent), "contact", "it does not fit the channel", "a US number, an e-mail or a mailing line"),
        (not kinds or consent.kind in kinds, "kind", f"{consent.kind!r} means nothing on {consent.channel}",
         " or ".join(kinds)),
        (bool(consent.purpose.strip()), "purpose", "it is blank", "the purpose, e.g. marketing"),
        (bool(consent.given_to.strip()), "given_to", "it is blank", "the organisation that the wording names"),
        (bool(consent.wording.strip()), "wording", "it is blank", "the exact words the person agreed to"),
        (bool(consent.source.strip()), "source", "it is blank", "where it was given: form, call or paper"),
        (not late, "captured_at", "it lies in the future", "the instant at which it was given"),
        (ends is None or ends > consent.captured_at, "expires_at", "it lies before captured_at", "a later instant"),
        (consent.evidence_file is None or consent.evidence_file.is_file(), "evidence_file",
         f"there is no file {consent.evidence_file}", "a file that exists, beside the CSV or with its whole path"),
    )  # fmt: skip
    return next(((name, wrong, wanted) for is_right, name, wrong, wanted in checks if not is_right), None)


def record_consents(
    connection: Connection,
    org: Org,
    given: Sequence[Consent],
    keys: HashKeys,
    *,
    actor: str,
    now: dt.datetime,
    settings: Settings,
) -> int:
    """Add consents to the log; return how many were not in it. Their evidence files are copied, and stay.

    Of people who were erased nothing is kept. Raises InvalidInput for the first that cannot be used, and then records
    none.
    """
    name = require_member(connection, actor)
    for consent in given:
        if fault := consent_fault(consent, now):
            raise InvalidInput(f"{fault[0]}: {fault[1]}.", remedy=f"Give {fault[2]}.")
    seen = _known(connection, given, keys)
    erased = erased_among(connection, [(KIND_OF_CHANNEL[one.channel], one.contact) for one in given], keys)
    rows, entries = [], []
    for consent in given:
        kind, value = KIND_OF_CHANNEL[consent.channel], _compared(consent.contact)
        if (kind, consent.contact) in erased or (identity := _identity(value, asdict(consent))) in seen:
            continue
        seen.add(identity)
        path, digest = _keep_file(consent.evidence_file, org, settings)
        row = {
            **{field: getattr(consent, field) for field in (*SAME, "wording", "source", "expires_at")},
            "consent_id": uuid.uuid4(), "org_id": org.org_id, "contact_value": value,
            "contact_hash": contact_hash(kind, value, keys), "evidence_path": path, "evidence_sha256": digest,
            "recorded_by": name, "recorded_at": now,
        }  # fmt: skip
        rows.append(row)
        entries.append(_entry("recorded", row, name, now))
    if rows:
        connection.execute(insert(consents), rows)
        append_proof(connection, org.org_id, entries)
    return len(rows)


def end_consents(
    connection: Connection,
    org_id: uuid.UUID,
    withdrawn: Mapping[tuple[str, str], str],
    keys: HashKeys,
    *,
    now: dt.datetime,
) -> int:
    """People withdrew: every consent of these contacts that stands ends, on every channel. Returns how many stood.

    withdrawn: from (kind, contact) to who or what withdrew it, a member or a reply. Only a consent given later counts
    again; START is none. Belongs at the end of a transaction: it appends to the proof.
    """  # fmt: skip
    causes: dict[str, str] = {}
    for (kind, contact), cause in withdrawn.items():
        hashes = [*all_hashes(kind, contact, keys), *hashes_before_keys(connection, [_compared(contact)])]
        causes |= dict.fromkeys(hashes, cause)
    table = consents
    given = func.unnest(
        cast(list(causes), ARRAY(Text)), cast(list(causes.values()), ARRAY(Text))
    ).table_valued("contact_hash", "cause").render_derived()  # fmt: skip
    ended = connection.execute(
        update(table)
        .where(table.c.contact_hash == given.c.contact_hash, table.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by=given.c.cause)
        .returning(
            table.c.consent_id, table.c.contact_hash, table.c.channel, table.c.purpose, table.c.kind, table.c.revoked_by
        )
    ).mappings()  # fmt: skip
    entries = [_entry("revoked", dict(row), row["revoked_by"], now) for row in ended]
    append_proof(connection, org_id, entries)
    return len(entries)


def hashes_before_keys(connection: Connection, contacts: Collection[str]) -> list[str]:
    """Hashes from before there were keys, of consents whose value is one of these contacts, as they are compared."""
    table = consents.c
    unkeyed = select(table.contact_hash, table.contact_value).where(
        table.contact_hash.like(BEFORE_KEYS), table.contact_value.is_not(None)
    )
    rows = pl.DataFrame(connection.execute(unkeyed).all(), schema={"hash": pl.String, "value": pl.String}, orient="row")
    return rows.filter(is_among(contacts, pl.col("value")))["hash"].unique().sort().to_list()


def consent_case(connection: Connection, org: Org, kind: str, contact: str, keys: HashKeys) -> dict[str, Any]:
    """Everything an org can show about one contact's consent: its consents with wording and evidence file, its
    suppressions, and the entries of the proof about it."""
    hashes = all_hashes(kind, contact, keys)

    def rows(table: Any, column: Any, order: Any) -> list[dict[str, Any]]:
        chosen = select(*(one for one in table.c if one.name != "org_id")).where(column.in_(hashes)).order_by(order)
        return [dict(row) for row in connection.execute(chosen).mappings()]

    return {
        "org": org.name,
        "contact": _compared(contact),
        "consents": rows(consents, consents.c.contact_hash, consents.c.captured_at),
        "suppressions": rows(suppressions, suppressions.c.contact_hash, suppressions.c.suppressed_at),
        "proof": rows(proof_entries, proof_entries.c.subject_hash, proof_entries.c.seq),
    }


def evidence_folder(settings: Settings, org: Org) -> Path:
    """Where the files lie that show an org's consents."""
    return settings.home / "evidence" / org.slug


def with_evidence_beside(consent: Consent, folder: Path) -> Consent:
    """The consent with its evidence file sought beside the file that names it, where its path is relative."""
    named = consent.evidence_file
    return consent if named is None or named.is_absolute() else replace(consent, evidence_file=folder / named)


def _is_contact(consent: Consent) -> bool:
    value = _compared(consent.contact)
    kind = KIND_OF_CHANNEL.get(consent.channel, "mailing")
    pattern = {"phone": US_PHONE, "email": EMAIL_SYNTAX, "mailing": r"\S"}[kind]
    return re.search(pattern, value) is not None


def _compared(contact: str) -> str:
    """A number as E.164, an e-mail in lower case; a mailing line folded."""
    return str(pl.select(contact_key(pl.lit(contact))).item())


def _known(connection: Connection, given: Sequence[Consent], keys: HashKeys) -> set[tuple[Any, ...]]:
    """Identities of the consents of these contacts that are in the log."""
    table = consents.c
    hashes = {one for consent in given for one in all_hashes(KIND_OF_CHANNEL[consent.channel], consent.contact, keys)}
    chosen = select(table.contact_value, *(table[name] for name in SAME)).where(table.contact_hash.in_(hashes))
    return {_identity(row["contact_value"], dict(row)) for row in connection.execute(chosen).mappings()}


def _identity(value: str | None, row: dict[str, Any]) -> tuple[Any, ...]:
    return (value, *(row[name] for name in SAME))


def _keep_file(file: Path | None, org: Org, settings: Settings) -> tuple[str | None, str | None]:
    """Copies a file below the org's evidence folder, named by its content; its place there and its digest."""
    if file is None:
        return None, None
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    place = Path(digest[:2]) / (digest + file.suffix.lower())
    target = evidence_folder(settings, org) / place
    if not target.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        shutil.copyfile(file, draft)
        draft.chmod(0o600)
        os.replace(draft, target)
    return str(place), digest


def _entry(act: str, row: dict[str, Any], actor: str, now: dt.datetime) -> ProofEntry:
    facts = {"act": act, "consent_id": str(row["consent_id"]), "by": actor}
    facts |= {name: row[name] for name in ("channel", "purpose", "kind")}
    if row.get("evidence_sha256"):
        facts["evidence_sha256"] = row["evidence_sha256"]
    return ProofEntry(uuid.uuid4(), "consent", row["contact_hash"], now, facts)
