"""dbt's process: a child that imports dbt (4 s) while the caller does something else, then builds when asked.

The child serves this process only and ends with it. Not here: how dbt is run (`run_dbt`).
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.marts.run_dbt import DbtOutcome, parse_project, run_dbt
from leadflow_pipelines.marts.work_folder import held, work_folder

REMEDY = "Run it again; if it ends again, look for memory: `dmesg` names what the system killed."
GRACE_SECONDS = 1.0
"""An idle child hears that the parent hung up long before."""


@cache
def warm_up_marts(home: Path, org_slug: str) -> None:
    """Start the child and let it import and parse ahead, once; returns at once. What fails is reported by the build."""
    _worker().tell(partial(_parse_ahead, home, org_slug))


def build_models(work: Path) -> DbtOutcome:
    """Build and test every model inside the DuckDB file of a held work folder, which nobody else has open.

    Raises ContractBroken naming the tests that failed, LeadflowError naming the models that could not be built.
    """
    return _worker().ask(partial(run_dbt, work))


class _Worker:
    """One child, spawned: a fork would carry over database connections and threads. It works task after task."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._turn = threading.Lock()
        context.Process(target=_serve, args=(theirs,), daemon=True).start()
        theirs.close()

    def tell(self, task: Callable[[], None]) -> None:
        """Lets the child do something whose outcome nobody waits for."""
        self._line.send((task, False))

    def ask(self, task: Callable[[], DbtOutcome]) -> DbtOutcome:
        """What the child's work returns, or raises. Raises LeadflowError where the child has died."""
        with self._turn:
            try:
                self._line.send((task, True))
                outcome = self._line.recv()
            except (EOFError, OSError) as error:
                raise LeadflowError("dbt's process has ended; the marts are as they were.", remedy=REMEDY) from error
        if isinstance(outcome, BaseException):
            raise outcome
        return cast("DbtOutcome", outcome)


@cache
def _worker() -> _Worker:
    return _Worker()


def _serve(line: Connection) -> None:
    """The child: works until the parent hangs up, and ends in peace, so that nothing it holds is left behind."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task, is_awaited = line.recv()
        except EOFError:
            return
        try:
            outcome = task()
        except Exception as error:
            outcome = error
        if is_awaited:
            line.send(outcome)


def _end_with_parent() -> None:
    """What is under way when the parent has gone is not worth finishing."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    time.sleep(GRACE_SECONDS)
    os._exit(0)


def _parse_ahead(home: Path, org_slug: str) -> None:
    work = work_folder(home, org_slug)
    with held(work, patiently=False) as is_held:
        if is_held:
            parse_project(work)
