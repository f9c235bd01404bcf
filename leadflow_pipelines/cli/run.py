"""`leadflow run`: the whole chain for some ZIPs and a day."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from leadflow_pipelines.cli.console import (
    DayOption,
    JsonOption,
    MaxSpendOption,
    OrgOption,
    as_cents,
    print_json,
    progress,
)
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import Settings

DEMO_ORG = "demo"
DEMO_ZIPS = ("32801", "43206", "78704")
DEMO_DAILY_LIMIT_CENTS = 25_000
"""Enough for the demo's ZIPs and their best leads' contacts, little enough to show what a budget does."""


def run(
    zip_codes: Annotated[list[str] | None, typer.Option("--zip", help="ZIP to work; repeat for more.")] = None,
    day: DayOption = None,
    org: OrgOption = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Use simulated vendors on loopback; works in the simulated org `demo`.")
    ] = False,
    input_file: Annotated[
        Path | None, typer.Option("--input", help="Import this county file first, then work its ZIPs.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Name of the county file's source. Default: its file name.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Work every step again, even where nothing has changed since the last run.")
    ] = False,
    max_spend: MaxSpendOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pull, resolve, score, clear and publish for some ZIPs and a day.

    Without --zip it works every ZIP the org knows. What was bought for a ZIP and day is not bought again; a
    budget that runs out gives a partial result that says so, and the next run goes on where this one stopped.
    """
    began = time.monotonic()
    progress("LeadFlow: opening the database and the lake")
    from leadflow_pipelines.cli.session import parse_day, start
    from leadflow_pipelines.marts.dbt_worker import warm_up_marts
    from leadflow_pipelines.marts.work_folder import has_build

    with ExitStack() as stack:
        settings = start(org or (DEMO_ORG if sandbox else None))
        wanted_day = parse_day(day, settings)
        if again or not has_build(settings.home, settings.org):  # else it may be that none is made
            warm_up_marts(settings.home, settings.org)
        if sandbox:
            settings = _start_sandbox(stack, settings)
        from leadflow_pipelines.cli.run_pipeline import give_demo_budget, import_first, run_pipeline
        from leadflow_pipelines.cli.working_zips import working_zips
        from leadflow_pipelines.providers import PROVIDER_NAMES
        from resources.workspace import open_workspace

        workspace = open_workspace(settings, settings.org)
        if sandbox:
            if not workspace.org.is_simulated:
                raise InvalidInput(
                    f"The org {settings.org} is not simulated, and simulated and real records never meet.",
                    remedy="Leave out --org (it works in `demo`), or make one: leadflow org create NAME --simulated",
                )
            give_demo_budget(workspace, PROVIDER_NAMES, DEMO_DAILY_LIMIT_CENTS)
        imported = import_first(workspace, input_file, source) if input_file else None
        demo_zips = list(DEMO_ZIPS) if sandbox and not imported else []
        zips = working_zips(workspace, zip_codes or (sorted(imported.zips) if imported else demo_zips))
        summary = run_pipeline(
            workspace,
            zips=zips,
            day=wanted_day,
            buy_properties=imported is None,
            again=again,
            max_spend_cents=None if max_spend is None else as_cents(max_spend),
        )
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        print_json({**summary.as_json(), "seconds": seconds})
    else:
        from leadflow_pipelines.cli.run_report import print_run_report

        print_run_report(workspace, summary, zips=zips, day=wanted_day, seconds=seconds)


def _start_sandbox(stack: ExitStack, settings: Settings) -> Settings:
    """Simulated vendors as a child that dies with this process; the settings that point at them."""
    from leadflow_pipelines.cli.session import start
    from leadflow_pipelines.providers.sandbox.process import DEMO_VENDORS, SandboxProcess

    progress("Starting the simulated vendors on loopback")
    simulated = stack.enter_context(SandboxProcess(vendors=DEMO_VENDORS))
    return start(settings.org, **simulated.settings_overrides())
