"""dbt's process: a child that imports dbt (4 s) while the caller does something else, then builds when asked.

The child serves this process only and ends with it. Not here: how dbt is run (`run_dbt`).
"""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from leadflow_pipelines.marts.run_dbt import DbtOutcome, parse_project, run_dbt
from leadflow_pipelines.marts.work_folder import held, work_folder

DUCKDB_FILE = "leadflow_marts.duckdb"
TARGET = "target"


@cache
def warm_up_marts(home: Path, org_slug: str) -> None:
    """Start the child and let it import and parse ahead, once; returns at once. What fails is reported by the build."""
    _worker().submit(_parse_ahead, home, org_slug)


def build_models(work: Path, *, org_slug: str) -> DbtOutcome:
    """Build and test every model inside the DuckDB file of a held work folder, which nobody else has open.

    Raises ContractBroken naming the tests that failed, LeadflowError naming the models that could not be built.
    """
    return _worker().submit(run_dbt, work / DUCKDB_FILE, org_slug=org_slug, target=work / TARGET).result()


@cache
def _worker() -> ProcessPoolExecutor:
    """One child a process. Spawned, not forked: a fork would carry over database connections and threads."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _parse_ahead(home: Path, org_slug: str) -> None:
    work = work_folder(home, org_slug)
    with held(work, patiently=False) as is_held:
        if is_held:
            parse_project(work / DUCKDB_FILE, org_slug=org_slug, target=work / TARGET)
