"""The job that trains the org's models, and its weekly schedule."""

from typing import Any

import dagster as dg

from assets import MODEL_NAMES, WATCH_NAMES
from assets.scope import Scope
from leadflow_pipelines.automation.jobs import console_level

TRAIN_JOB = "train_models"
SUNDAYS = "40 3 * * 0"
"""Before the daily run, on the day with the fewest new records."""


def build_train_job(scope: Scope) -> Any:
    """The org's training. Safe to run again: the same sales give the same models. Costs nothing but minutes."""
    return dg.define_asset_job(
        TRAIN_JOB,
        dg.AssetSelection.assets(*(scope.key(name) for name in (*MODEL_NAMES, *WATCH_NAMES))),
        description="Train both models from the lake's sales and promote those that earn it, then look how they hold. "
        "Spends nothing.",
        executor_def=dg.in_process_executor,
        config=console_level("WARNING"),
    )


def build_train_schedule(scope: Scope) -> dg.ScheduleDefinition:
    """Each Sunday morning. Stopped until an operator starts it: a new model changes how leads rank."""
    return dg.ScheduleDefinition(
        name="train",
        job_name=TRAIN_JOB,
        cron_schedule=SUNDAYS,
        execution_timezone=scope.timezone,
        description="Trains both models on the week's sales; a model is promoted only if it is no worse.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
