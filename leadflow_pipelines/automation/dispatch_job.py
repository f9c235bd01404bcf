"""The job that sends what running campaigns owe for a bounded time, and its schedule: for want of a dispatcher."""

import time
from threading import Event

import dagster as dg

from assets.run_correlation import bind_run
from assets.scope import Scope
from leadflow_pipelines.automation.jobs import console_level
from leadflow_pipelines.outreach.dispatch.dispatch_org import as_json, dispatch_org, open_messengers
from resources.clock import ClockResource
from resources.workspace import Workspace

DISPATCH_JOB = "dispatch_messages"
EVERY_FIVE_MINUTES = "*/5 * * * *"


class DispatchConfig(dg.Config):
    """How long one run sends; less than the schedule's interval, so that runs do not pile up."""

    seconds: float = 240.0
    only_due: bool = False


def build_dispatch_job(scope: Scope) -> dg.JobDefinition:
    """The org's dispatch job. Safe beside `leadflow dispatch` and beside itself: no message is sent twice."""

    @dg.op(required_resource_keys={"workspace", "clock"})
    def dispatch(context: dg.OpExecutionContext, config: DispatchConfig) -> None:
        workspace: Workspace = context.resources.workspace.open()
        clock: ClockResource = context.resources.clock
        with bind_run(context.run, scope.org):
            messengers = open_messengers(workspace.database, workspace.org, workspace.settings)
            for channel, why in messengers.lacking.items():
                context.log.warning(f"{channel} is not ready: {why.message} {why.remedy}")
            began = time.monotonic()
            done = dispatch_org(
                workspace.database, workspace.org, messengers.ready, workspace.settings, clock.now,
                stop=Event(), seconds=config.seconds, only_due=config.only_due,
            )  # fmt: skip
        told = as_json(done, began, workspace.org)
        context.log.info(str(told))
        context.add_output_metadata({name: value for name, value in told.items() if isinstance(value, int | float)})

    @dg.job(
        name=DISPATCH_JOB,
        executor_def=dg.in_process_executor,
        description="Send what the org's running campaigns owe, for four minutes. Sends real messages of a real org.",
        config=console_level("WARNING"),
    )
    def dispatch_job() -> None:
        dispatch()

    return dispatch_job


def build_dispatch_schedule(scope: Scope) -> dg.ScheduleDefinition:
    """Every five minutes. Stopped until an operator starts it: it sends messages."""
    return dg.ScheduleDefinition(
        name="dispatch",
        job_name=DISPATCH_JOB,
        cron_schedule=EVERY_FIVE_MINUTES,
        execution_timezone=scope.timezone,
        description="Sends what running campaigns owe; instead of, or beside, `leadflow dispatch`.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
