"""Starts the simulated vendors as a process of their own: `python -m leadflow_pipelines.providers.sandbox`."""

import argparse
import datetime as dt

from leadflow_pipelines.providers.sandbox.server import run_sandbox
from leadflow_pipelines.providers.sandbox.vendors import VENDOR_NAMES
from leadflow_pipelines.providers.sandbox.world import World


def main() -> None:
    """Reads the options and serves until ended."""
    options = argparse.ArgumentParser(prog="leadflow-sandbox", description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8900, help="0 picks a free one")
    options.add_argument("--records-per-zip", type=int, default=250)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--page-cap", type=int, default=1000, help="most properties on one page")
    options.add_argument("--calls-per-second", action="append", default=[], metavar="VENDOR=NUMBER")
    options.add_argument(
        "--faults", action="append", default=[], metavar="PRESET", help="a fault preset, from the start"
    )
    options.add_argument("--fault", action="append", default=[], metavar="VENDOR.KIND=SHARE", help="one fault")
    options.add_argument("--vendors", default=",".join(VENDOR_NAMES), help="who is simulated, separated by commas")
    options.add_argument("--today", type=dt.date.fromisoformat, help="the vendors' date; default: the real one")
    options.add_argument("--parent", type=int, help="end when this process is no longer the parent")
    given = options.parse_args()
    limits = dict(one.split("=", 1) for one in given.calls_per_second)
    world = World(
        given.records_per_zip,
        given.seed,
        given.page_cap,
        calls_per_second={name: float(limit) for name, limit in limits.items()},
        **({"today": lambda: given.today} if given.today else {}),
    )
    run_sandbox(
        given.host,
        given.port,
        world=world,
        presets=given.faults,
        shares=given.fault,
        vendors=given.vendors.split(","),
        parent=given.parent,
    )


if __name__ == "__main__":
    main()
