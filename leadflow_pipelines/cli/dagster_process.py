"""One of the programs of `leadflow up` (Dagster's own, the gateway), logged and reported like every other of ours.

`python -m leadflow_pipelines.cli.dagster_process NAME MODULE ARGUMENT…` runs MODULE as NAME for as
long as standard input stays open: whoever holds the other end is gone when it closes, however it ended.
"""

import os
import runpy
import signal
import sys
import threading
import time

from leadflow_pipelines.observability import configure_logging, init_error_reports
from leadflow_pipelines.settings import get_settings

PATIENCE_SECONDS = 20.0


def main() -> None:
    """Run the module named on the command line, in this process, until it ends or standard input closes."""
    name, module, *arguments = sys.argv[1:]
    threading.Thread(target=_end_with_the_parent, name="parent-watch", daemon=True).start()
    settings = get_settings()
    # Dagster prints its lines into this process's log file itself; ours go to leadflow.jsonl with the rest.
    configure_logging(settings, process=name, console="people")
    init_error_reports(settings, process=name)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_the_parent() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
