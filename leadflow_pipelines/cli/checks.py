"""The checks of `leadflow doctor`: each looks at one part and says what to do about its faults."""

import datetime as dt
import os
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from assets.scope import CALENDAR_DAYS, MOST_PARTITIONS
from leadflow_pipelines.automation.dagster_storage import dagster_instance
from leadflow_pipelines.contracts import LAKE_TABLES
from leadflow_pipelines.definitions import build_scope
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.renew_keys import old_keys, unsettled_zips
from leadflow_pipelines.providers.configured import configured_sources, provider_states
from leadflow_pipelines.spend.budget import ALL_PROVIDERS, read_budgets
from resources.workspace import Workspace

CLOCK_TOLERANCE = dt.timedelta(seconds=5)


@dataclass(frozen=True)
class Finding:
    """One check. `state` is ok, note (works, but know this) or fault; `remedy` says what to do."""

    check: str
    state: str
    text: str
    remedy: str | None = None


def check_database(workspace: Workspace) -> list[Finding]:
    """Reachable, migrated, and no login of ours above row-level security."""
    with workspace.database.as_org(workspace.org.org_id) as connection:
        version: str = connection.execute(text("show server_version")).scalar_one()
        bypasses: bool = connection.execute(
            text("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        ).scalar_one()
    kind = "embedded" if workspace.database.embedded else "managed"
    findings = [Finding("database", "ok", f"{kind} Postgres {version}, migrated, org {workspace.org.slug}")]
    if bypasses:
        findings.append(
            Finding(
                "database",
                "fault",
                "The app's login is a superuser or bypasses row-level security, so orgs are not kept apart.",
                "Use a login made by sql/roles.sql in LEADFLOW_DATABASE_URL.",
            )
        )
    return findings


def check_clock(workspace: Workspace) -> list[Finding]:
    """Calling hours and budgets hang on the clock: this machine and Postgres must agree."""
    with workspace.database.as_org(workspace.org.org_id) as connection:
        before = dt.datetime.now(dt.UTC)
        theirs: dt.datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    apart = abs(theirs - before)
    day = before.astimezone(workspace.settings.zone)
    if apart > CLOCK_TOLERANCE:
        remedy = "Turn on time synchronisation (NTP) on both machines."
        return [Finding("clock", "fault", f"This machine and Postgres are {apart} apart.", remedy)]
    return [Finding("clock", "ok", f"{day:%Y-%m-%d %H:%M} in {workspace.settings.timezone}, in step with Postgres")]


def check_lake(workspace: Workspace) -> list[Finding]:
    """Readable, writable, and with room."""
    lake = workspace.lake
    if lake.is_local:
        folder = Path(lake.root)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=f".doctor-{uuid.uuid4().hex}"):
                pass
        except OSError as error:
            return [
                Finding("lake", "fault", f"{folder} cannot be written: {error.strerror}.", "Set LEADFLOW_LAKE_URL.")
            ]
        space = os.statvfs(folder)
        free_gb = space.f_bavail * space.f_frsize / 1e9
        if free_gb < 1:
            return [Finding("lake", "fault", f"Only {free_gb:.1f} GB are free at {folder}.", "Make room, or move it.")]
    written = [table.name for table in LAKE_TABLES if lake.exists(table)]
    return [Finding("lake", "ok", f"{lake.root}, {len(written)} of {len(LAKE_TABLES)} tables written"), *_keys(lake)]


def _keys(lake: Lake) -> list[Finding]:
    """A note where an earlier version wrote address keys, or their change is not yet worked in."""
    old = int(old_keys(lake)["len"].sum())
    if old:
        said = f"An earlier version wrote the address keys of {old:,} records."
        return [Finding("lake", "note", said, "leadflow migrate (the next run or import does it too)")]
    zips = len(unsettled_zips(lake))
    return [Finding("lake", "note", f"Address keys changed in {zips:,} ZIPs.", "leadflow migrate")] if zips else []


def check_providers(workspace: Workspace) -> list[Finding]:
    """Which providers have a key; one without is skipped, which is no fault."""
    return [
        Finding("providers", "ok" if state.is_configured else "note", f"{state.provider}: {state.note}")
        for state in provider_states(workspace.settings)
    ]


def check_budgets(workspace: Workspace) -> list[Finding]:
    """A configured provider without a limit may spend nothing."""
    today = dt.datetime.now(workspace.settings.zone).date()
    with workspace.database.as_org(workspace.org.org_id) as connection:
        limits = {state.provider: state for state in read_budgets(connection, workspace.org.org_id, today)}
    findings = []
    for name in (ALL_PROVIDERS, *sorted(configured_sources(workspace.settings))):
        state = limits.get(name)
        label = "all providers together" if name == ALL_PROVIDERS else name
        option = "" if name == ALL_PROVIDERS else f" --provider {name}"
        if state is None or state.limit_cents is None:
            remedy = f"leadflow spend limit --per-day 50{option}"
            findings.append(Finding("budgets", "note", f"No daily limit for {label}: nothing may be bought.", remedy))
        else:
            left = state.available_cents / 100
            findings.append(
                Finding("budgets", "ok", f"{label}: ${left:,.2f} of ${state.limit_cents / 100:,.2f} left today")
            )
    return findings


def check_dagster(workspace: Workspace) -> list[Finding]:
    """Dagster's storage answers, and its calendar is not near the size at which it grows slow."""
    scope = build_scope(org=workspace.org.slug)
    with dagster_instance(workspace.settings) as instance:
        zips = len(instance.get_dynamic_partitions(scope.zips_name))
    size = zips * CALENDAR_DAYS
    if size > MOST_PARTITIONS:
        return [
            Finding(
                "dagster",
                "fault",
                f"{zips:,} ZIPs x {CALENDAR_DAYS} days are {size:,} partitions, more than {MOST_PARTITIONS:,}.",
                "Split the ZIPs over several orgs, or delete ZIPs that nobody works any more.",
            )
        ]
    return [Finding("dagster", "ok", f"storage answers; {zips:,} ZIPs x {CALENDAR_DAYS} days = {size:,} partitions")]


CHECKS: tuple[tuple[str, Callable[[Workspace], list[Finding]]], ...] = (
    ("database", check_database),
    ("clock", check_clock),
    ("lake", check_lake),
    ("providers", check_providers),
    ("budgets", check_budgets),
    ("dagster", check_dagster),
)
