"""The rules an org decides by: the packaged ones, what it made stricter, and every version that ever decided.

Here: keeping versions and changes. Not here: what the rules say and how they are made stricter (`compliance`).
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance.rule_book import RuleBook, load_rules
from leadflow_pipelines.compliance.rule_tables import digest_of, read_tables
from leadflow_pipelines.compliance.stricter_rules import (
    Change,
    build_own_rules,
    looser_points,
    narrowed_to_default,
    tightened,
)
from leadflow_pipelines.database.tables import outreach_profiles, rule_changes, rule_versions
from leadflow_pipelines.errors import InvalidInput

TIGHTEN, ACCEPT = "tighten", "accept_low_confidence"
CALLING_RULES = "state_calling_rules"


@dataclass(frozen=True)
class RuleChange:
    """One row an org made stricter, or one doubtful row that a member answers for."""

    change_id: uuid.UUID
    kind: str
    table_name: str
    row_key: str
    new_values: dict[str, str]
    effective_from: dt.date
    reason: str
    changed_by: str
    changed_at: dt.datetime


def org_rules(connection: Connection, org_id: uuid.UUID, day: dt.date, *, now: dt.datetime) -> RuleBook:
    """The rules the org decides by on `day`; a version that was not known before is noted down.

    The packaged rules with what the org made stricter by then. Where the org widened its hours up to the state
    table, hours of low confidence stay at the default window until a member accepts them.
    """
    packaged, digest = read_packaged()
    changes = [change for change in list_changes(connection) if change.effective_from <= day]
    texts: Mapping[str, str] = tightened(packaged, _tightenings(changes))
    width = connection.execute(select(outreach_profiles.c.calling_width)).scalar()
    if width == "state_table":
        accepted = frozenset(change.row_key for change in changes if change.kind == ACCEPT)
        texts = narrowed_to_default(texts, accepted)
    is_packaged = digest_of(texts) == digest
    book = load_rules() if is_packaged else _own_book(tuple(sorted(texts.items())))
    _register(connection, book.rule_version, texts, is_packaged, now)
    return book


def rules_of_version(connection: Connection, version: str) -> RuleBook:
    """The rules of a version that decided once. Raises InvalidInput where it is not known here or was altered."""
    table = rule_versions.c
    kept = connection.execute(select(table.tables).where(table.rule_version == version)).scalar()
    if kept is None:
        raise InvalidInput(f"The rule version {version} is not known here.", remedy="See `leadflow rules list`.")
    book = _own_book(tuple(sorted(kept.items())))
    if book.rule_version != version:
        raise InvalidInput(f"The tables kept for the rule version {version} are not those it is named after.")
    return book


def list_versions(connection: Connection) -> list[dict[str, Any]]:
    """Every version this installation knows, newest first, without its tables."""
    table = rule_versions.c
    chosen = select(table.rule_version, table.is_packaged, table.registered_at).order_by(table.registered_at.desc())
    return [dict(row) for row in connection.execute(chosen).mappings()]


def list_changes(connection: Connection) -> list[RuleChange]:
    """What the org changed, oldest first."""
    table = rule_changes.c
    chosen = select(*(column for column in table if column.name != "org_id")).order_by(
        table.changed_at, table.change_id
    )
    return [RuleChange(**row) for row in connection.execute(chosen).mappings()]


def tighten(
    connection: Connection,
    org_id: uuid.UUID,
    change: Change,
    *,
    effective_from: dt.date,
    reason: str,
    actor: str,
    now: dt.datetime,
) -> RuleChange:
    """Make a row of the rules stricter for the org.

    Raises InvalidInput, and changes nothing, for a row that does not exist, a value that cannot be read, anything
    that would allow more than the org's rules do, and a change without effect.
    """
    before = tightened(read_packaged()[0], _tightenings(list_changes(connection)))
    after = tightened(before, [change])
    if after == before:
        raise InvalidInput("That is what the rules say already; nothing was changed.")
    if looser := looser_points(build_own_rules(before), build_own_rules(after), effective_from):
        raise InvalidInput(
            "The rules may only be made stricter: " + "; ".join(looser) + ".",
            remedy="A rule of law that changed comes with a new version of LeadFlow.",
        )
    made = RuleChange(
        uuid.uuid4(), TIGHTEN, change.table, change.row_key, dict(change.new_values), effective_from, _reason(reason),
        require_member(connection, actor), now,
    )  # fmt: skip
    return _record(connection, org_id, made)


def accept_low_confidence(
    connection: Connection, org_id: uuid.UUID, state: str, *, reason: str, actor: str, now: dt.datetime
) -> RuleChange:
    """A member answers for a state's doubtful hours, so that the org may widen to them.

    Raises InvalidInput for a state without hours of low confidence.
    """
    if not any(rule.confidence == "low" for rule in load_rules().calling_rules.get(state, ())):
        raise InvalidInput(
            f"The hours of {state} are not doubtful.", remedy="`leadflow rules show` names those that are."
        )
    made = RuleChange(
        uuid.uuid4(),
        ACCEPT,
        CALLING_RULES,
        state,
        {},
        now.date(),
        _reason(reason),
        require_member(connection, actor),
        now,
    )
    return _record(connection, org_id, made)


@lru_cache(maxsize=1)
def read_packaged() -> tuple[dict[str, str], str]:
    """The packaged tables and their digest, read once."""
    return read_tables()


@lru_cache(maxsize=32)
def _own_book(texts: tuple[tuple[str, str], ...]) -> RuleBook:
    """A book is read once a process: decisions keep what they worked out by its identity."""
    return build_own_rules(dict(texts))


def _tightenings(changes: list[RuleChange]) -> list[Change]:
    return [
        Change(change.table_name, change.row_key, change.new_values) for change in changes if change.kind == TIGHTEN
    ]


def _register(
    connection: Connection, version: str, texts: Mapping[str, str], is_packaged: bool, now: dt.datetime
) -> None:
    table = rule_versions.c
    if connection.execute(select(table.rule_version).where(table.rule_version == version)).first() is None:
        row = upsert(rule_versions).values(
            rule_version=version, tables=dict(texts), is_packaged=is_packaged, registered_at=now
        )
        connection.execute(row.on_conflict_do_nothing())


def _reason(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput("A change of the rules needs a reason.", remedy="Say why, with the source.")
    return reason.strip()


def _record(connection: Connection, org_id: uuid.UUID, change: RuleChange) -> RuleChange:
    connection.execute(insert(rule_changes).values(org_id=org_id, **asdict(change)))
    facts = {
        "change_id": str(change.change_id), "change": change.kind, "table": change.table_name, "row": change.row_key,
        "new_values": change.new_values, "effective_from": change.effective_from.isoformat(),
        "reason": change.reason, "by": change.changed_by,
    }  # fmt: skip
    append_proof(connection, org_id, [ProofEntry(uuid.uuid4(), "rule_change", None, change.changed_at, facts)])
    return change
