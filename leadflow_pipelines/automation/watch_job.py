"""The job that looks whether the org's models still hold, and its daily schedule."""

from typing import Any

import dagster as dg

from assets.model_watch import WATCH_NAMES, check_keys
from assets.scope import Scope
from leadflow_pipelines.automation.jobs import console_level

WATCH_JOB = "watch_models"
MORNINGS = "30 6 * * *"
"""After the daily run, whose scores and sales it reads."""


def build_watch_job(scope: Scope) -> Any:
    """The months of both models and the checks on them. Trains nothing, spends nothing, changes no lead."""
    watched = dg.AssetSelection.assets(*(scope.key(name) for name in WATCH_NAMES))
    return dg.define_asset_job(
        WATCH_JOB,
        watched | dg.AssetSelection.checks(*check_keys(scope)),
        description="Hold scores and values against what was sold since, and warn when a model decays. Spends nothing.",
        executor_def=dg.in_process_executor,
        config=console_level("WARNING"),
    )


def build_watch_schedule(scope: Scope) -> dg.ScheduleDefinition:
    """Each morning. Stopped until an operator starts it, like all schedules here."""
    return dg.ScheduleDefinition(
        name="watch",
        job_name=WATCH_JOB,
        cron_schedule=MORNINGS,
        execution_timezone=scope.timezone,
        description="Looks whether both models still hold; an alert is told once a month, in the log and the error "
        "reports.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
