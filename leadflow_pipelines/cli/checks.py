"""The checks of `leadflow doctor`: each looks at one part and says what to do about its faults."""

import datetime as dt
import os
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import text

from assets.scope import CALENDAR_DAYS, MOST_PARTITIONS
from leadflow_pipelines.automation.dagster_storage import dagster_instance
from leadflow_pipelines.cli.console import dollars
from leadflow_pipelines.contracts import LAKE_TABLES, UNLOCATED
from leadflow_pipelines.definitions import build_scope
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.marts.freshness import stale_shares
from leadflow_pipelines.model_watch import watch_models
from leadflow_pipelines.outcomes.on_record import outcomes_on_record
from leadflow_pipelines.properties.renew_keys import old_keys, unsettled_zips
from leadflow_pipelines.providers.configured import configured_sources, provider_states
from leadflow_pipelines.providers.guard.breaker import read_breakers
from leadflow_pipelines.spend.budget import ALL_PROVIDERS, BudgetState, read_budgets
from leadflow_pipelines.spend.price_book import load_price_book
from resources.workspace import Workspace

CLOCK_TOLERANCE = dt.timedelta(seconds=5)
STALE_SHARE = 0.2
"""From this share of stale values on a ZIP is named."""
WORST_ZIPS = 5


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


def check_breakers(workspace: Workspace) -> list[Finding]:
    """Which providers are left alone because they failed often in a row: since when, and until when."""
    now = dt.datetime.now(dt.UTC)
    with workspace.database.anonymous() as connection:
        shut = [row for row in read_breakers(connection) if row["state"] != "closed"]
    if not shut:
        return [Finding("breakers", "ok", "all closed: every provider is asked")]
    return [Finding("breakers", "note", _open_breaker(row, workspace.settings.zone, now)) for row in shut]


def _open_breaker(row: Mapping[str, Any], zone: dt.tzinfo, now: dt.datetime) -> str:
    since, until = row["changed_at"].astimezone(zone), row["open_until"]
    text = f"{row['provider']} at {row['host']}: open since {since:%Y-%m-%d %H:%M}, {row['failures']} failures in a row"
    if until is None or until <= now:
        return f"{text}; the next call is the probe."
    return f"{text}; not asked until {until.astimezone(zone):%H:%M:%S}."


def check_freshness(workspace: Workspace) -> list[Finding]:
    """How much of what is known is older than the policy allows, and where most."""
    shares = stale_shares(workspace.lake)
    if shares.is_empty():
        return [Finding("freshness", "note", "No marts yet, so nothing tells how old the values are.", "leadflow run")]
    as_of, values, stale = shares.select(pl.col("as_of").max(), pl.col("field_values", "stale_values").sum()).row(0)
    text = f"{stale / values:.0%} of {values:,} field values were stale on {as_of}"
    worst = shares.filter(pl.col("stale_share") >= STALE_SHARE).head(WORST_ZIPS)
    if worst.is_empty():
        return [Finding("freshness", "ok", text)]
    named = ", ".join(f"{zip_code} {share:.0%}" for zip_code, share in worst.select("zip", "stale_share").iter_rows())
    zips = " ".join(f"--zip {zip_code}" for zip_code in worst["zip"] if zip_code != UNLOCATED)
    return [Finding("freshness", "note", f"{text}; most in {named}.", f"leadflow plan {zips}, then leadflow run")]


def check_budgets(workspace: Workspace) -> list[Finding]:
    """A configured provider without a daily limit may spend nothing; a limit nearly used stops it soon."""
    today = dt.datetime.now(workspace.settings.zone).date()
    with workspace.database.as_org(workspace.org.org_id) as connection:
        states = read_budgets(connection, workspace.org.org_id, today)
    by_whose = {(state.provider, state.period): state for state in states}
    prices = load_price_book()
    paid = [name for name in sorted(configured_sources(workspace.settings)) if not prices.is_free(name, today)]
    findings = []
    for name in (ALL_PROVIDERS, *paid):
        label = "all providers together" if name == ALL_PROVIDERS else name
        option = "" if name == ALL_PROVIDERS else f" --provider {name}"
        day, month = by_whose.get((name, "day")), by_whose.get((name, "month"))
        if day is None or day.limit_cents is None:
            remedy = f"leadflow spend limit --per-day 50{option}"
            findings.append(Finding("budgets", "note", f"No daily limit for {label}: nothing may be bought.", remedy))
        else:
            findings.append(_budget(label, option, day))
        if month is not None and month.limit_cents is not None:
            findings.append(_budget(label, option, month))
    return findings


def _budget(label: str, option: str, state: BudgetState) -> Finding:
    """What a limit leaves, noted where it is nearly used."""
    when = "today" if state.period == "day" else "this month"
    limit = state.limit_cents or Decimal(0)
    text = f"{label}: {dollars(state.available_cents)} of {dollars(limit)} left {when}"
    if state.is_nearly_used:
        remedy = f"leadflow spend shows on what; raise it: leadflow spend limit --per-{state.period} DOLLARS{option}"
        return Finding("budgets", "note", f"{text}, nearly used", remedy)
    return Finding("budgets", "ok", text)


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


def check_models(workspace: Workspace) -> list[Finding]:
    """Whether the models hold: scores whose year is over, values beside prices then paid, drift. Silent without one."""
    now, zone = dt.datetime.now(dt.UTC), workspace.settings.zone
    with workspace.database.as_org(workspace.org.org_id) as connection:
        outcomes = outcomes_on_record(connection, workspace.org.org_id, known_by=now, zone=zone)
    watch = watch_models(workspace.lake, outcomes, today=now.astimezone(zone).date())
    findings = []
    for kind in watch.rows["kind"].unique().sort():
        remedy = f"leadflow models train --kind {kind}"
        alerts = [Finding("models", "note", f"{kind}: {alert}", remedy) for alert in watch.alerts(kind)]
        findings += alerts or [Finding("models", "ok", _how_it_holds(watch.rows, kind))]
    return findings


def _how_it_holds(rows: pl.DataFrame, kind: str) -> str:
    """What was looked at, and that nothing speaks against the model."""
    homes, sold = rows.filter(pl.col("kind") == kind).select(pl.col("homes", "sold").sum()).row(0)
    if kind == "value":
        return f"value: {homes:,} homes sold lately, and their values hold"
    closed = f"{homes:,} scores are a year old, {sold:,} of those leads sold, as the model said" if homes else None
    return f"motivation: {closed or 'no score is a year old yet; homes and sales are as at the fit'}"


CHECKS: tuple[tuple[str, Callable[[Workspace], list[Finding]]], ...] = (
    ("database", check_database),
    ("clock", check_clock),
    ("lake", check_lake),
    ("providers", check_providers),
    ("breakers", check_breakers),
    ("budgets", check_budgets),
    ("freshness", check_freshness),
    ("models", check_models),
    ("dagster", check_dagster),
)
