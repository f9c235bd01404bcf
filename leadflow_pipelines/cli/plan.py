"""`leadflow plan`: what a run would buy, and what it may cost, before any money moves."""

import datetime as dt
from dataclasses import asdict
from typing import Annotated

import typer

from leadflow_pipelines.cli.console import DayOption, JsonOption, OrgOption, dollars, out, print_json, print_table
from leadflow_pipelines.cli.session import open_session, parse_day


def plan(
    zip_codes: Annotated[list[str] | None, typer.Option("--zip", help="ZIP to work; repeat for more.")] = None,
    day: DayOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a run would buy: what is cached, what would be called, lowest, expected and worst price, budget.

    From the price book and past pulls only; nothing is called and nothing reserved.
    """
    from leadflow_pipelines.cli.working_zips import working_zips
    from leadflow_pipelines.contracts import UNLOCATED
    from leadflow_pipelines.providers import attom, batchdata
    from leadflow_pipelines.providers.configured import provider_states
    from leadflow_pipelines.spend.plan import Forecast, plan_pulls
    from leadflow_pipelines.spend.price_book import load_price_book

    workspace = open_session(org)
    settings = workspace.settings
    wanted_day = parse_day(day, settings)
    zips = working_zips(workspace, zip_codes or [])
    located = [zip_code for zip_code in zips if zip_code != UNLOCATED]
    with workspace.database.as_org(workspace.org.org_id) as connection:
        lines = plan_pulls(
            connection,
            workspace.org.org_id,
            load_price_book(),
            attom.property_calls(located, wanted_day, most_records=settings.attom_max_records_per_zip),
            budget_day=dt.datetime.now(settings.zone).date(),
            forecasts=[Forecast(batchdata.NAME, batchdata.ENDPOINT, len(located) * settings.skip_trace_max_per_zip)],
        )
    skipped = [state for state in provider_states(settings) if not state.is_configured]
    if as_json:
        providers = [asdict(line) for line in lines]
        print_json({"zips": zips, "day": wanted_day, "providers": providers, "skipped": [asdict(s) for s in skipped]})
        return
    print_table(
        f"Plan for {len(zips):,} ZIPs on {wanted_day} in org {workspace.org.slug}",
        ["provider", "calls", "cached", "to call", "lowest", "expected", "worst", "budget left", "affordable"],
        [
            (
                line.provider,
                line.calls,
                line.cached,
                line.to_call,
                dollars(line.lowest_cents),
                dollars(line.expected_cents),
                dollars(line.worst_cents),
                dollars(line.available_cents),
                line.affordable_calls,
            )
            for line in lines
        ],
    )
    for state in skipped:
        out.print(f"{state.provider}: {state.note}")
