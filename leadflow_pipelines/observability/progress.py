"""Progress of long work, for whoever watches: the terminal, the Dagster run log, the log file."""

import logging

PROGRESS_LOGGER = "leadflow.progress"


def report_progress(text: str) -> None:
    """Say what was just done. The command line prints it, every process logs it."""
    logging.getLogger(PROGRESS_LOGGER).info(text)
