"""`leadflow up`: the Dagster UI, its daemon and the gateway."""

import typer

from leadflow_pipelines.cli.console import OrgOption
from leadflow_pipelines.cli.session import start


def up(org: OrgOption = None) -> None:
    """Serve the Dagster UI and the gateway on loopback, with the daemon that runs schedules and sensors."""
    from leadflow_pipelines.cli.dagster_ui import run_up

    raise typer.Exit(run_up(start(org)))
