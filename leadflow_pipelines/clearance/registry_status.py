"""How an org stands with its do-not-call lists: what it has, how old, under which licences, and what is missing.

Here: telling. Not here: answers about numbers (`registries`), importing (`registry_imports`).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.registries import current_lists
from leadflow_pipelines.clearance.registry_licences import FTC, LITIGATORS, STATE_PREFIX, Licence, find_licences
from leadflow_pipelines.clearance.rule_store import org_rules
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import registry_versions
from leadflow_pipelines.settings import Settings


@dataclass(frozen=True)
class ListState:
    """A version that answers today. `fresh_until`: the last day on which its "no" counts."""

    registry: str
    version_id: str
    file_kind: str
    base_version_id: str | None
    as_of: dt.date
    fresh_until: dt.date
    is_stale: bool
    area_codes: tuple[str, ...]
    numbers: int
    file_sha256: str
    imported_by: str
    imported_at: dt.datetime


@dataclass(frozen=True)
class RegistryStatus:
    """Lists that answer, licences, states whose own list is missing, and what to do, in sentences."""

    lists: tuple[ListState, ...]
    licences: tuple[Licence, ...]
    missing_states: tuple[str, ...]
    notes: tuple[str, ...]


def registry_status(connection: Connection, org: Org, *, now: dt.datetime, settings: Settings) -> RegistryStatus:
    """What `leadflow dnc status` shows. Raises InvalidInput where a list is not where it was put."""
    day = now.astimezone(settings.zone).date()
    rules = org_rules(connection, org.org_id, day, now=now)
    max_age = rules.dnc_max_age
    answering = {
        version.version_id for lists in current_lists(connection, org, settings).values() for version in lists.versions
    }
    rows = connection.execute(
        select(registry_versions)
        .where(registry_versions.c.org_id == org.org_id, registry_versions.c.version_id.in_(answering))
        .order_by(registry_versions.c.registry, registry_versions.c.as_of.desc())
    ).mappings()
    kept = [name for name in ListState.__dataclass_fields__ if name not in ("fresh_until", "is_stale", "area_codes")]
    lists = tuple(
        ListState(
            **{name: row[name] for name in kept},
            area_codes=tuple(row["area_codes"]),
            fresh_until=row["as_of"] + max_age,
            is_stale=row["as_of"] + max_age < day,
        )
        for row in rows
    )
    have = {one.registry for one in lists}
    missing = tuple(state for state in sorted(rules.states_with_lists(day)) if f"{STATE_PREFIX}{state}" not in have)
    licences = tuple(find_licences(connection, org))
    return RegistryStatus(lists, licences, missing, tuple(_notes(lists, licences, missing, day)))


def _notes(lists: Sequence[ListState], licences: Sequence[Licence], missing: Sequence[str], day: dt.date) -> list[str]:
    have = {one.registry for one in lists}
    notes = []
    if FTC not in have:
        notes.append(
            "No national list is imported: every number without a vendor's fresh look-up counts as listed. "
            "Start with leadflow dnc licence ftc --help"
        )
    notes += [
        f"{one.version_id} is of {one.as_of}, older than the rules allow: its numbers count as listed until a newer "
        "list is imported."
        for one in lists
        if one.is_stale
    ]
    notes += [f"The licence for {one.registry} ended on {one.valid_to}." for one in licences if one.valid_to < day]
    if missing:
        notes.append(
            f"States with a list of their own that is not imported: {', '.join(missing)}. Numbers that may belong "
            "there count as listed, unless a vendor's fresh look-up says no."
        )
    if LITIGATORS not in have:
        notes.append("No list of litigators is imported: whether a number is one's rests on vendors.")
    return notes
