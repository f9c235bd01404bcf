"""Which runs somebody works on, told by locks that Postgres gives up when the process that holds one dies.

A run in the command line, from the UI or on another machine is told alike; no process ids, no files. Dagster's
own launcher cannot tell: a killed run would stay "started" for ever and keep its place in the queue.
"""

import os

import sqlalchemy as sa
from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

_held: dict[str, sa.Connection] = {}


def hold_run(engine: sa.Engine, run_id: str) -> None:
    """Say that this process works on the run, until `let_run_go` or its death."""
    connection = engine.connect()
    connection.detach()  # it is not for the pool to hand out
    connection.execute(sa.select(sa.func.pg_advisory_lock(_key(run_id))))
    _held[run_id] = connection


def keep_run(engine: sa.Engine, run_id: str) -> None:
    """Hold the run again if the server lost the lock, as it does when it restarts."""
    if run_id not in _held:
        return
    try:
        _held[run_id].execute(sa.text("select 1"))
    except sa.exc.DBAPIError:
        let_run_go(run_id)
        hold_run(engine, run_id)


def let_run_go(run_id: str) -> None:
    """Say that this process is done with the run."""
    if connection := _held.pop(run_id, None):
        connection.close()


def is_worked_on(engine: sa.Engine, run_id: str) -> bool:
    """Whether a process holds the run; asked on a connection of another session than the holder's."""
    with engine.connect() as connection:
        is_free = connection.execute(sa.select(sa.func.pg_try_advisory_lock_shared(_key(run_id)))).scalar()
        if is_free:
            connection.execute(sa.select(sa.func.pg_advisory_unlock_shared(_key(run_id))))
    return not is_free


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches runs as Dagster does by default, and can say whether one that has started is still worked on."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        if self._instance.run_storage.is_worked_on(run.run_id):  # type: ignore[attr-defined]
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "The process that ran it is gone.")


def _key(run_id: str) -> sa.ColumnElement[int]:
    return sa.func.hashtextextended(run_id, 0)


# A forked child does not work on its parent's runs, nor may it touch the parent's connections.
os.register_at_fork(after_in_child=_held.clear)
