"""The composition root: everything Dagster loads, assembled in one place."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets import build_assets, paid_names, unasked
from assets.scope import Scope
from leadflow_pipelines.automation.backtest_job import build_backtest_job, build_backtest_schedule
from leadflow_pipelines.automation.dispatch_job import build_dispatch_job, build_dispatch_schedule
from leadflow_pipelines.automation.import_job import build_import_job
from leadflow_pipelines.automation.jobs import build_jobs
from leadflow_pipelines.automation.lookups_job import build_lookups_job, build_lookups_schedule
from leadflow_pipelines.automation.replies_sensor import build_replies_sensor
from leadflow_pipelines.automation.schedules import build_schedules
from leadflow_pipelines.automation.sensors import build_sensors
from leadflow_pipelines.automation.train_job import build_train_job, build_train_schedule
from leadflow_pipelines.automation.watch_job import build_watch_job, build_watch_schedule
from leadflow_pipelines.observability import configure_logging, init_error_reports
from leadflow_pipelines.settings import Settings, get_settings
from resources.clock import ClockResource
from resources.providers import ProvidersResource
from resources.workspace_resource import WorkspaceResource


def build_scope(*, org: str | None = None, today: dt.date | None = None) -> Scope:
    """The scope of an org (default: the one in the settings), its calendar ending today."""
    settings = get_settings()
    return Scope(org or settings.org, today or dt.datetime.now(settings.zone).date(), settings.timezone)


def build_defs(
    *,
    org: str | None = None,
    resource_overrides: Mapping[str, Any] | None = None,
    today: dt.date | None = None,
    settings: Settings | None = None,
) -> dg.Definitions:
    """Assets, checks, jobs, schedules, sensors and resources of one org.

    org: whose code location this is (default: LEADFLOW_ORG). resource_overrides: replace `workspace`,
    `providers` or `clock`. today: the calendar's last day, for tests. settings: whose keys say which vendors the
    jobs ask (default: this process's).
    """
    scope = build_scope(org=org, today=today)
    resources = {
        "workspace": WorkspaceResource(org=scope.org),
        "providers": ProvidersResource(),
        "clock": ClockResource(),
        **(resource_overrides or {}),
    }
    settings = settings or get_settings()
    jobs = [*build_jobs(scope, paid=paid_names(settings), without=unasked(settings))]
    jobs += [build_import_job(scope), build_dispatch_job(scope), build_lookups_job(scope), build_train_job(scope)]
    jobs += [build_backtest_job(scope), build_watch_job(scope)]
    return dg.Definitions(
        assets=build_assets(scope),
        jobs=jobs,
        schedules=[
            *build_schedules(scope),
            build_dispatch_schedule(scope),
            build_lookups_schedule(scope),
            build_train_schedule(scope),
            build_backtest_schedule(scope),
            build_watch_schedule(scope),
        ],
        sensors=[*build_sensors(scope, {job.name: job for job in jobs}), build_replies_sensor()],
        resources=resources,
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: LEADFLOW_ORG's definitions, with logs and error reports on."""
    settings = get_settings()
    configure_logging(settings, process="dagster")
    init_error_reports(settings, process="dagster")
    return build_defs()
