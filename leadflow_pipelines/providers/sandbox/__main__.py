"""Starts the simulated vendors as a process of their own: `python -m leadflow_pipelines.providers.sandbox`."""

import argparse
import datetime as dt

from leadflow_pipelines.providers.sandbox.server import run_sandbox
from leadflow_pipelines.providers.sandbox.vendors import World


def main() -> None:
    """Reads the options and serves until ended."""
    options = argparse.ArgumentParser(prog="leadflow-sandbox", description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8900, help="0 picks a free one")
    options.add_argument("--records-per-zip", type=int, default=250)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--page-cap", type=int, default=1000, help="most properties on one page")
    options.add_argument("--today", type=dt.date.fromisoformat, help="the vendors' date; default: the real one")
    options.add_argument("--parent", type=int, help="end when this process is no longer the parent")
    given = options.parse_args()
    world = World(given.records_per_zip, given.seed, given.page_cap)
    if given.today is not None:
        world = World(given.records_per_zip, given.seed, given.page_cap, today=lambda: given.today)
    run_sandbox(given.host, given.port, world=world, parent=given.parent)


if __name__ == "__main__":
    main()
