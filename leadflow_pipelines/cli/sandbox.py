"""`leadflow sandbox`: the simulated vendors, by themselves."""

from typing import Annotated

import typer

from leadflow_pipelines.cli.console import err


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one.")] = 8900,
    records_per_zip: Annotated[int, typer.Option(min=0, help="Properties in each ZIP.")] = 250,
    seed: Annotated[int, typer.Option(help="Another seed is another world of invented people.")] = 1,
) -> None:
    """Serve simulated vendors (ATTOM, BatchData) over HTTP on loopback until interrupted.

    Every ZIP of the United States works, the same each time. People are invented, phones are 555-01xx numbers
    and e-mails lie under .example. The settings that point LeadFlow at it are printed.
    """
    from leadflow_pipelines.providers.sandbox.process import sandbox_settings
    from leadflow_pipelines.providers.sandbox.server import run_sandbox
    from leadflow_pipelines.providers.sandbox.vendors import World

    if port:
        err.print("Point LeadFlow at the simulated vendors with:")
        for name, value in sandbox_settings(f"http://127.0.0.1:{port}").items():
            err.print(f"  export LEADFLOW_{name.upper()}={value}")
    run_sandbox("127.0.0.1", port, world=World(records_per_zip=records_per_zip, seed=seed))
