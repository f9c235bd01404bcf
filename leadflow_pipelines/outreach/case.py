"""The whole case of a contact or a message, as somebody who must answer for it reads it.

Here: reading what stands in the tables and putting the codes into words. Not here: deciding anything, erasing.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from leadflow_pipelines.clearance.written_contacts import ERASED
from leadflow_pipelines.compliance import explain_reason
from leadflow_pipelines.database.tables import (
    campaign_audience,
    campaigns,
    consents,
    inbound_messages,
    link_clicks,
    message_events,
    messages,
    outreach_list_entries,
    proof_entries,
    proof_evidence,
    registry_versions,
    rule_versions,
    suppressions,
)
from leadflow_pipelines.errors import InvalidInput


@dataclass(frozen=True)
class Case:
    """What is known about a contact, newest last. is_erased: its value was forgotten; hashes and codes remain."""

    contact_hashes: tuple[str, ...]
    is_erased: bool
    decisions: list[dict[str, Any]]
    acts: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    suppressions: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    replies: list[dict[str, Any]]
    rule_versions: list[dict[str, Any]]
    list_versions: list[dict[str, Any]]


def hashes_of_point(connection: Connection, org_id: uuid.UUID, contact_point_id: str) -> list[str]:
    """Under which hashes a contact point of an audience or an outbox is known; empty where it is in none."""
    found: set[str] = set()
    for table in (campaign_audience, messages):
        chosen = select(table.c.contact_hash).where(
            table.c.org_id == org_id, table.c.contact_point_id == contact_point_id
        )
        found |= set(connection.execute(chosen.distinct()).scalars())
    return sorted(found)


def value_of_point(connection: Connection, org_id: uuid.UUID, contact_point_id: str) -> str | None:
    """The contact of a point of the outreach lists."""
    table = outreach_list_entries.c
    chosen = select(table.contact_value).where(table.org_id == org_id, table.contact_point_id == contact_point_id)
    return connection.execute(chosen.limit(1)).scalar()


def contact_case(connection: Connection, org_id: uuid.UUID, hashes: Sequence[str]) -> Case:
    """Everything the org keeps about a contact, known under any of these hashes."""
    entries = _rows(connection, org_id, proof_entries, proof_entries.c.subject_hash.in_(hashes), "seq")
    decisions = _decisions(connection, org_id, entries)
    used = {entry["facts"].get("rule_version") for entry in decisions} - {None}
    sent = _rows(connection, org_id, messages, messages.c.contact_hash.in_(hashes), "due_at")
    return Case(
        contact_hashes=tuple(hashes),
        is_erased=any(entry["kind"] == "erasure" for entry in entries),
        decisions=decisions,
        acts=[entry for entry in entries if entry["kind"] != "send_decision"],
        consents=_rows(connection, org_id, consents, consents.c.contact_hash.in_(hashes), "captured_at"),
        suppressions=_rows(connection, org_id, suppressions, suppressions.c.contact_hash.in_(hashes), "suppressed_at"),
        messages=[{**row, "events": _events(connection, org_id, row["message_id"])} for row in sent],
        replies=_rows(connection, org_id, inbound_messages, inbound_messages.c.contact_hash.in_(hashes), "received_at"),
        rule_versions=_rule_versions(connection, used),
        list_versions=_list_versions(connection, org_id, decisions),
    )


def message_case(connection: Connection, org_id: uuid.UUID, message_id: uuid.UUID) -> dict[str, Any]:
    """A message with its campaign, every decision about it, its fate as it was told, clicks and replies.

    Raises InvalidInput where the org has no such message.
    """
    table = messages.c
    (row,) = _rows(connection, org_id, messages, table.message_id == message_id, "due_at") or (None,)
    if row is None:
        raise InvalidInput(f"There is no message {message_id}.", remedy="`leadflow explain contact` names them.")
    about = proof_entries.c.facts["message_id"].astext == str(message_id)
    mine = proof_entries.c.subject_hash == row["contact_hash"]
    entries = _rows(connection, org_id, proof_entries, about & mine, "seq")
    decisions = _decisions(connection, org_id, entries)
    is_sent = row["attempted_at"] is not None
    (campaign,) = _rows(connection, org_id, campaigns, campaigns.c.campaign_id == row["campaign_id"], "created_at")
    return {
        "message": {**row, "body": ERASED if is_sent and row["body"] is None else row["body"]},
        "campaign": {name: campaign[name] for name in ("name", "purpose", "created_by", "reviewed_by", "approved_by")},
        "is_erased": is_sent and row["contact_value"] is None,
        "decisions": decisions,
        "fate": [entry for entry in entries if entry["kind"] != "send_decision"],
        "events": _events(connection, org_id, message_id),
        "clicks": _rows(connection, org_id, link_clicks, link_clicks.c.message_id == message_id, "clicked_at"),
        "replies": _rows(
            connection, org_id, inbound_messages, inbound_messages.c.message_id == message_id, "received_at"
        ),
        "rule_versions": _rule_versions(connection, {entry["facts"].get("rule_version") for entry in decisions}),
        "list_versions": _list_versions(connection, org_id, decisions),
    }


def in_words(codes: Sequence[str]) -> list[dict[str, str]]:
    """Each code, what it means and what a person can do about it."""
    told = []
    for code in codes:
        try:
            reason = explain_reason(code)
        except KeyError:
            told.append({"code": code, "text": "", "remedy": ""})
        else:
            told.append({"code": code, "text": reason.text, "remedy": reason.remedy})
    return told


def _rows(connection: Connection, org_id: uuid.UUID, table: Table, where: Any, order: str) -> list[dict[str, Any]]:
    columns = [column for column in table.c if column.name != "org_id"]
    chosen = select(*columns).where(table.c.org_id == org_id, where).order_by(table.c[order])
    return [dict(row) for row in connection.execute(chosen).mappings()]


def _decisions(connection: Connection, org_id: uuid.UUID, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The send decisions among the entries, with what each looked at and its reasons in words."""
    shown = _evidence(connection, org_id, [entry["entry_id"] for entry in entries])
    return [
        {**entry, "evidence": shown.get(entry["entry_id"]), "reasons": in_words(entry["facts"].get("reason_codes", ()))}
        for entry in entries
        if entry["kind"] == "send_decision"
    ]


def _evidence(connection: Connection, org_id: uuid.UUID, entry_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """What each decision looked at, or that it was erased."""
    table = proof_evidence.c
    chosen = select(table.entry_id, table.evidence).where(table.org_id == org_id, table.entry_id.in_(entry_ids))
    return {row.entry_id: ERASED if row.evidence is None else row.evidence for row in connection.execute(chosen)}


def _events(connection: Connection, org_id: uuid.UUID, message_id: uuid.UUID) -> list[dict[str, Any]]:
    return _rows(connection, org_id, message_events, message_events.c.message_id == message_id, "event_id")


def _rule_versions(connection: Connection, versions: set[Any]) -> list[dict[str, Any]]:
    table = rule_versions.c
    chosen = select(table.rule_version, table.is_packaged, table.registered_at).where(table.rule_version.in_(versions))
    return [dict(row) for row in connection.execute(chosen.order_by(table.registered_at)).mappings()]


def _list_versions(connection: Connection, org_id: uuid.UUID, decisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The do-not-call and litigator lists that answered for these decisions, by the days their evidence names."""
    documents = [one["evidence"] for one in decisions if isinstance(one["evidence"], dict)]
    days = {document["point"].get("registry_as_of") for document in documents} - {None}
    table = registry_versions.c
    named = ("version_id", "registry", "as_of", "file_kind", "file_sha256", "imported_by", "imported_at")
    latest = max((one["happened_at"] for one in decisions), default=None)
    if not days or latest is None:
        return []
    chosen = select(*(table[name] for name in named)).where(
        table.org_id == org_id, table.imported_at <= latest, table.as_of >= min(days)
    )
    return [dict(row) for row in connection.execute(chosen.order_by(table.registry, table.as_of)).mappings()]
