"""The daily schedule: today's partition of every ZIP the org works in."""

from collections.abc import Iterator

import dagster as dg

from assets.run_correlation import CORRELATION_TAG
from assets.scope import Scope
from leadflow_pipelines.automation.jobs import DAILY_JOB
from leadflow_pipelines.automation.run_day import contiguous_ranges, range_tags
from leadflow_pipelines.observability import new_correlation_id

DAILY_AT = "15 5 * * *"


def build_schedules(scope: Scope) -> list[dg.ScheduleDefinition]:
    """The org's schedules. Stopped until an operator starts them: the first run may spend money."""

    @dg.schedule(
        name="daily",
        job_name=DAILY_JOB,
        cron_schedule=DAILY_AT,
        execution_timezone=scope.timezone,
        description="Pulls, resolves, scores and clears every ZIP of the org for the new day, within its budgets.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        zips = context.instance.get_dynamic_partitions(scope.zips_name)
        if not zips:
            yield dg.SkipReason("The org works in no ZIP yet: import a county file or run `leadflow run --zip ...`.")
            return
        day = context.scheduled_execution_time.date()
        for first, last in contiguous_ranges(zips, zips):
            yield dg.RunRequest(
                run_key=f"{day}:{first}:{last}",
                tags={CORRELATION_TAG: new_correlation_id(), **range_tags(scope, day, first, last)},
            )

    return [daily]
