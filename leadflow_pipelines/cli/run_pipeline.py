"""The steps of `leadflow run`: an import first if asked for, the chain, the summary."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from assets import LIST_NAMES, PULL_NAMES, ZIP_DAY_NAMES, unasked
from assets.marts import MAY_STAND_TAG
from leadflow_pipelines.automation.dagster_storage import dagster_instance
from leadflow_pipelines.automation.receipts import Receipt
from leadflow_pipelines.automation.run_day import run_day
from leadflow_pipelines.cli.console import progress
from leadflow_pipelines.cli.run_summary import RunSummary, summarise_run
from leadflow_pipelines.county_files import ImportResult, import_county_file
from leadflow_pipelines.county_files.source_name import source_name
from leadflow_pipelines.database.property_decisions import read_decisions
from leadflow_pipelines.definitions import build_defs, build_scope
from leadflow_pipelines.errors import InvalidInput, LeadflowError
from leadflow_pipelines.marts.dbt_worker import warm_up_marts
from leadflow_pipelines.observability import bind_correlation
from leadflow_pipelines.spend.budget import ALL_PROVIDERS, has_limit, open_run, run_use_cents, set_limit
from leadflow_pipelines.spend.past_pulls import zips_in_turn
from resources.workspace import Workspace
from resources.workspace_resource import WorkspaceResource


def import_first(workspace: Workspace, path: Path, source: str | None) -> ImportResult:
    """Import the county file that a run shall begin with."""
    return import_county_file(
        path,
        source=source or source_name(path),
        lake=workspace.lake,
        database=workspace.database,
        org=workspace.org,
        day=dt.datetime.now(workspace.settings.zone).date(),
        now=dt.datetime.now(dt.UTC),
        progress=progress,
    )


def run_pipeline(
    workspace: Workspace,
    *,
    zips: Sequence[str],
    day: dt.date,
    buy_properties: bool = True,
    again: bool = False,
    max_spend_cents: Decimal | None = None,
) -> RunSummary:
    """Run the chain in this process and count what it left. Raises LeadflowError naming each failed step.

    `max_spend_cents` is what it may spend at most, all its Dagster runs together, within the budgets' limits.

    What the last run of these ZIPs and day left behind is not worked again while nothing has changed since,
    unless `again`; lists always are, and marts where the lists or the ledger have become others.
    """
    scope = build_scope(org=workspace.org.slug)
    if not scope.first_day <= day <= scope.today:
        raise InvalidInput(
            f"{day} is outside the calendar, which runs from {scope.first_day} to {scope.today}.",
            remedy="The lake keeps older days: read them with `leadflow leads --as-of`.",
        )
    progress(f"{len(zips):,} ZIPs for {day} in org {workspace.org.slug}")
    unwanted = () if buy_properties else PULL_NAMES
    nobody_to_ask = unasked(workspace.settings, is_simulated=workspace.org.is_simulated)
    left_out = tuple(dict.fromkeys((*unwanted, *nobody_to_ask)))
    with workspace.database.as_org(workspace.org.org_id) as connection:
        decisions = read_decisions(connection, workspace.org.org_id)
        zips_to_buy = zips_in_turn(connection, workspace.org.org_id, zips)
    receipt = Receipt(workspace.settings, workspace.lake, zips=zips, day=day, without=left_out, decisions=decisions)
    tags: dict[str, str] = {}
    settled_at = None if again else receipt.settled_at()
    if settled_at:
        local = settled_at.astimezone(workspace.settings.zone)
        progress(f"nothing has changed since {local:%H:%M}: only the lists are cleared anew (--again works all)")
        left_out = tuple(name for name in ZIP_DAY_NAMES if name not in LIST_NAMES)
        tags[MAY_STAND_TAG] = "true"
    else:
        warm_up_marts(workspace.settings.home, workspace.org.slug)
    definitions = build_defs(
        org=workspace.org.slug,
        resource_overrides={"workspace": WorkspaceResource(org=workspace.org.slug)},
        settings=workspace.settings,
    )
    with bind_correlation(org=workspace.org.slug) as correlation_id, dagster_instance(workspace.settings) as instance:
        run = run_day(
            definitions,
            instance,
            scope,
            zips=zips_to_buy,
            day=day,
            correlation_id=correlation_id,
            without=left_out,
            tags=tags,
            before_run=None if max_spend_cents is None else _spending_limit(workspace, max_spend_cents),
        )
    if run.failures:
        steps = "\n".join(f"  {step}: {message}" for step, message in run.failures)
        raise LeadflowError(f"The run did not finish:\n{steps}", remedy="What was bought is kept; run it again.")
    if run.is_whole and not settled_at:
        receipt.leave(dt.datetime.now(dt.UTC))
    return summarise_run(workspace, zips=zips, day=day, correlation_id=correlation_id, shortfalls=run.shortfalls)


def _spending_limit(workspace: Workspace, cents: Decimal) -> Callable[[str], None]:
    """Gives each Dagster run of a command what those before it left of the command's limit."""
    begun: list[str] = []

    def open_next(run_id: str) -> None:
        org_id = workspace.org.org_id
        with workspace.database.as_org(org_id) as connection:
            left = max(Decimal(0), cents - run_use_cents(connection, org_id, begun))
            open_run(connection, org_id, run_id, left, dt.datetime.now(dt.UTC))
        begun.append(run_id)

    return open_next


def give_demo_budget(workspace: Workspace, providers: Sequence[str], limit_cents: int) -> None:
    """Set the demo org's daily limits where nobody has set any."""
    with workspace.database.as_org(workspace.org.org_id) as connection:
        for provider in (ALL_PROVIDERS, *providers):
            if not has_limit(connection, workspace.org.org_id, provider):
                set_limit(
                    connection,
                    workspace.org.org_id,
                    provider=provider,
                    limit_cents=Decimal(limit_cents),
                    set_by="demo",
                    now=dt.datetime.now(dt.UTC),
                )
