"""The `leadflow` command.

Here: reading arguments, printing results. Not here: any work; each command calls the slice that does it.
Commands import what they need when they run, so that `--help` and the first line of progress come at once.
"""

import gc
import logging
import os
import sys

COLLECT_EVERY = 100_000
"""Objects made between two looks for garbage. A run makes a million that live as long as it does; looking through
them every 700, as is the default, took a tenth of the time."""


def main() -> None:
    """Entry point. Exit code 0 only on success; a known fault prints what was wrong and what to do.

    The process ends at once: taking a run's million objects apart one by one would take two seconds more.
    """
    gc.set_threshold(COLLECT_EVERY)
    code = run_command()
    logging.shutdown()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        code = code or 1
    os._exit(code)


def run_command() -> int:
    """Run the command of `sys.argv`; returns its exit code, faults told on stderr."""
    from leadflow_pipelines.cli.app import app
    from leadflow_pipelines.cli.console import print_error
    from leadflow_pipelines.errors import LeadflowError
    from leadflow_pipelines.observability import bind_correlation, flush_error_reports, report_error
    from leadflow_pipelines.settings import get_settings

    try:
        with bind_correlation():
            app()
    except LeadflowError as error:
        print_error(error)
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        home = get_settings().home
        report_error(error)
        logging.getLogger("leadflow").info("unexpected error", exc_info=True)
        # The type alone: the text of a database's error holds the row's values.
        print_error(LeadflowError(f"Unexpected: {type(error).__name__}.", remedy=f"{home}/logs/leadflow.jsonl has it."))
        return 1
    finally:
        flush_error_reports()
    return 0
