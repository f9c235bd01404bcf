"""`leadflow sandbox`: the simulated vendors, by themselves."""

from typing import Annotated

import typer

from leadflow_pipelines.cli.console import err


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one.")] = 8900,
    records_per_zip: Annotated[int, typer.Option(min=0, help="Properties in each ZIP.")] = 250,
    faults: Annotated[
        list[str] | None, typer.Option(help="Fault preset for every vendor, e.g. flaky; repeat for more.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="One fault, VENDOR.KIND=SHARE, e.g. twilio.filtered=0.1; repeat for more.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another world of invented people.")] = 1,
) -> None:
    """Serve simulated vendors over HTTP on loopback until interrupted, and print the settings that point at them.

    Every ZIP of the United States works, the same each time. People are invented, phones are 555-01xx numbers
    and e-mails lie under .example. Fault presets: flaky, rate-limited, slow, garbled, drifting, expired-keys,
    empty-wallets, down. Twilio takes texts, reports on them and brings replies, and can be told to fail in ways of its
    own: docs/sandbox.md.
    """
    from leadflow_pipelines.errors import InvalidInput
    from leadflow_pipelines.providers.sandbox.faults import PRESETS
    from leadflow_pipelines.providers.sandbox.server import run_sandbox
    from leadflow_pipelines.providers.sandbox.vendors import load_vendors
    from leadflow_pipelines.providers.sandbox.world import World

    unknown = [name for name in faults or [] if name not in PRESETS]
    if unknown:
        raise InvalidInput(
            f"No fault preset is called {', '.join(unknown)}.", remedy=f"There are {', '.join(PRESETS)}."
        )
    if port:
        err.print("Point LeadFlow at the simulated vendors with (those you want):")
        url = f"http://127.0.0.1:{port}"
        for name, value in {name: value for one in load_vendors() for name, value in one.settings(url).items()}.items():
            err.print(f"  export LEADFLOW_{name.upper()}={value}", soft_wrap=True)
    world = World(records_per_zip=records_per_zip, seed=seed)
    run_sandbox("127.0.0.1", port, world=world, presets=faults or [], shares=fault or [])
