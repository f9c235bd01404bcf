"""The job that buys the look-ups a day's lists wait for, and its schedule after the daily run."""

import dagster as dg

from assets import LIST_NAMES
from assets.run_correlation import bind_run
from assets.scope import Scope
from leadflow_pipelines.automation.jobs import console_level
from leadflow_pipelines.clearance.daily_lookups import buy_day_lookups, configured_vendor
from leadflow_pipelines.observability import current_correlation_id
from leadflow_pipelines.spend.ledger import Origin
from resources.clock import ClockResource
from resources.providers import ProvidersResource
from resources.workspace import Workspace

LOOKUPS_JOB = "buy_lookups"
(LIST_NAME,) = LIST_NAMES
ASKED = "Look-ups of numbers on this list were bought; it is decided again."
AFTER_THE_DAILY_RUN = "30 7 * * *"


class LookupsConfig(dg.Config):
    """Which vendor is asked; none: the first that has a key."""

    provider: str | None = None


def build_lookups_job(scope: Scope) -> dg.JobDefinition:
    """The org's job for look-ups. Safe to run again: what was answered is not asked again, and the limit is a day's."""

    @dg.op(required_resource_keys={"workspace", "providers", "clock"})
    def ask_vendor(context: dg.OpExecutionContext, config: LookupsConfig) -> None:
        workspace: Workspace = context.resources.workspace.open()
        clock: ClockResource = context.resources.clock
        providers: ProvidersResource = context.resources.providers
        settings, now = workspace.settings, clock.now()
        day = now.astimezone(settings.zone).date()
        provider = config.provider or configured_vendor(settings)
        if provider is None:
            context.log.warning("No vendor of numbers has a key here: nothing is bought, all that waits stays blocked.")
            context.add_output_metadata({"is_partial": True, "notes": ["no vendor is configured"]})
            return
        with bind_run(context.run, scope.org), providers.guard(workspace, clock.now) as guard:
            done = buy_day_lookups(
                workspace.database, workspace.org, workspace.lake, guard, provider=provider,
                day=day, now=now, settings=settings,
                origin=Origin(context.run_id, current_correlation_id(), LOOKUPS_JOB),
            )  # fmt: skip
        for note in done.notes:
            context.log.warning(note)
        told = done.plain()
        context.log.info(str(told))
        for zip_code in done.zips:
            partition = scope.partition_key(day, zip_code)
            context.log_event(
                dg.AssetObservation(scope.key(LIST_NAME), partition=partition, metadata={"answers": ASKED})
            )
        context.add_output_metadata({"provider": provider, **told})

    @dg.job(
        name=LOOKUPS_JOB,
        executor_def=dg.in_process_executor,
        description="Buy the look-ups that the day's lists wait for, best leads first, within budget. Spends.",
        config=console_level("WARNING"),
    )
    def lookups_job() -> None:
        ask_vendor()

    return lookups_job


def build_lookups_schedule(scope: Scope) -> dg.ScheduleDefinition:
    """Each morning after the daily run. Stopped until an operator starts it: it spends money."""
    return dg.ScheduleDefinition(
        name="lookups",
        job_name=LOOKUPS_JOB,
        cron_schedule=AFTER_THE_DAILY_RUN,
        execution_timezone=scope.timezone,
        description="Buys the look-ups that the day's lists wait for, LEADFLOW_LOOKUPS_PER_DAY at most.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
