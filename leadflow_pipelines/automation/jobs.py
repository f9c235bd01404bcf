"""The jobs: named selections of the asset graph."""

from collections.abc import Collection
from typing import Any

import dagster as dg

from assets import LIST_NAMES, MART_NAMES, ZIP_DAY_NAMES
from assets.scope import Scope

DAILY_JOB = "daily_leads"
ZIP_JOB = "zip_leads"
FREE_JOB = "free_leads"
LISTS_JOB = "clear_lists"
MARTS_JOB = "publish_marts"


def console_level(level: str) -> dict[str, Any]:
    """Run config for what a run prints: 200 ZIPs make 1,600 events, which are in Dagster's storage anyway."""
    return {"loggers": {"console": {"config": {"log_level": level}}}}


def build_jobs(scope: Scope, *, paid: Collection[str], without: Collection[str] = ()) -> list[Any]:
    """The org's asset jobs, `without` the assets that have nobody to ask; those that may spend are `paid`.

    In-process: three assets took 5 s so, 18 s with a process each.
    """

    def job(name: str, names: tuple[str, ...], text: str) -> Any:
        selection = dg.AssetSelection.assets(*(scope.key(asset) for asset in names if asset not in without))
        return dg.define_asset_job(
            name, selection, description=text, executor_def=dg.in_process_executor, config=console_level("WARNING")
        )

    free = tuple(name for name in ZIP_DAY_NAMES if name not in paid)
    return [
        job(DAILY_JOB, (*ZIP_DAY_NAMES, *MART_NAMES), "Every asset of a day's ZIPs, then the marts. May spend."),
        job(ZIP_JOB, ZIP_DAY_NAMES, "Every asset of a day's ZIPs, without the marts. May spend."),
        job(FREE_JOB, free, "What costs nothing: properties, signals and scores from what is there."),
        job(LISTS_JOB, (*LIST_NAMES, *MART_NAMES), "Decide the lists of a day's ZIPs again, then the marts. Free."),
        job(MARTS_JOB, MART_NAMES, "Rebuild and publish the marts."),
    ]
