"""The correlation id of a run: its tag, so that runs from the command, the schedule and the UI all carry one."""

from contextlib import AbstractContextManager

import dagster as dg

from leadflow_pipelines.observability import bind_correlation

CORRELATION_TAG = "leadflow/correlation_id"


def correlation_of(run: dg.DagsterRun) -> str:
    """The id the run was started under; the run's own id where it was started by hand in the UI."""
    return run.tags.get(CORRELATION_TAG, run.run_id)


def bind_run(run: dg.DagsterRun, org: str) -> AbstractContextManager[str]:
    """Bind the run's ids to every log line, ledger row and error report within the block."""
    return bind_correlation(correlation_id=correlation_of(run), run_id=run.run_id, org=org)
