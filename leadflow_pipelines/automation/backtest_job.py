"""The job that walks the org's models over its past, and its monthly schedule."""

from typing import Any

import dagster as dg

from assets import BACKTEST_NAMES, MART_NAMES
from assets.scope import Scope
from leadflow_pipelines.automation.jobs import console_level

BACKTEST_JOB = "backtest_models"
MONTHLY = "10 2 1 * *"
"""Before the daily run; a month closes a month of windows."""


def build_backtest_job(scope: Scope) -> Any:
    """The org's backtest, then its marts. Safe to run again: the day's answer takes its earlier one's place."""
    return dg.define_asset_job(
        BACKTEST_JOB,
        dg.AssetSelection.assets(*(scope.key(name) for name in (*BACKTEST_NAMES, *MART_NAMES))),
        description="Walk scores and values over the lake's past, baselines beside, and publish it. Spends nothing.",
        executor_def=dg.in_process_executor,
        config=console_level("WARNING"),
    )


def build_backtest_schedule(scope: Scope) -> dg.ScheduleDefinition:
    """The first of each month. Stopped until an operator starts it: a city takes minutes of both cores."""
    return dg.ScheduleDefinition(
        name="backtest",
        job_name=BACKTEST_JOB,
        cron_schedule=MONTHLY,
        execution_timezone=scope.timezone,
        description="Tells how good scores and values were over the newest year that can be judged.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
