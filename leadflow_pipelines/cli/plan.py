"""`leadflow plan`: what a run would buy, and what it may cost, before any money moves."""

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from leadflow_pipelines.cli.console import (
    DayOption,
    JsonOption,
    MaxSpendOption,
    OrgOption,
    as_cents,
    dollars,
    out,
    print_json,
    print_table,
)
from leadflow_pipelines.cli.session import open_session, parse_day

if TYPE_CHECKING:
    from leadflow_pipelines.spend.plan import Plan, PlannedPull

NAMED_ZIPS = 8
"""So many ZIPs are named in a sentence; --json names all."""


def plan(
    zip_codes: Annotated[list[str] | None, typer.Option("--zip", help="ZIP to work; repeat for more.")] = None,
    day: DayOption = None,
    max_spend: MaxSpendOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a run would buy: what is cached, what would be called, lowest, expected and worst price, which ZIPs
    the budget would cut.

    From the price book and past pulls only; nothing is called and nothing reserved. Prices assume that each call is
    answered: what a vendor loses is asked again, within the budget.
    """
    from leadflow_pipelines.cli.working_zips import working_zips
    from leadflow_pipelines.leads.plan_run import run_demands
    from leadflow_pipelines.providers.configured import provider_states
    from leadflow_pipelines.spend.plan import plan_pulls
    from leadflow_pipelines.spend.price_book import load_price_book

    workspace = open_session(org)
    settings = workspace.settings
    wanted_day = parse_day(day, settings)
    zips = working_zips(workspace, zip_codes or [])
    lake, database = workspace.lake, workspace.database
    now = dt.datetime.now(dt.UTC)
    demands = run_demands(lake, database, workspace.org, settings, zips=zips, day=wanted_day, now=now)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        planned = plan_pulls(
            connection,
            workspace.org.org_id,
            load_price_book(),
            demands,
            budget_day=now.astimezone(settings.zone).date(),
            run_limit_cents=None if max_spend is None else as_cents(max_spend),
        )
    asked = {line.provider for line in planned.lines}
    skipped = [state for state in provider_states(settings) if state.provider in asked and not state.is_configured]
    if as_json:
        print_json({"zips": zips, "day": wanted_day, **planned.as_json(), "skipped": [asdict(s) for s in skipped]})
        return
    print_plan(planned, f"Plan for {len(zips):,} ZIPs on {wanted_day} in org {workspace.org.slug}")
    for line in planned.lines:
        for sentence in _remarks(line):
            out.print(f"{line.provider}: {sentence}")
    for state in skipped:
        out.print(f"{state.provider}: {state.note}")


def print_plan(planned: "Plan", title: str) -> None:
    """A line per provider and their sums, for a person."""
    totals = planned.totals
    rows = [
        [
            line.provider,
            line.cached,
            line.to_call,
            dollars(line.lowest_cents),
            dollars(line.expected_cents),
            dollars(line.worst_cents),
            dollars(line.day_left_cents),
            "no limit" if line.month_left_cents is None else dollars(line.month_left_cents),
            dollars(line.within_budget_cents),
        ]
        for line in planned.lines
    ]
    cached, to_call = (sum(getattr(line, name) for line in planned.lines) for name in ("cached", "to_call"))
    together = [dollars(totals[name]) for name in ("lowest_cents", "expected_cents", "worst_cents")]
    rows.append(["together", cached, to_call, *together, "", "", dollars(totals["within_budget_cents"])])
    columns = ["provider", "cached", "to call", "lowest", "expected", "worst", "left today", "this month", "would buy"]
    print_table(title, columns, rows)


def _remarks(line: "PlannedPull") -> list[str]:
    """What a person must know beside the figures."""
    remarks = [line.refusal] if line.refusal else []
    if line.expected_cents is None:
        bounds = f"between {dollars(line.lowest_cents)} and {dollars(line.worst_cents)}"
        remarks.append(f"no past pull tells what to expect; it will cost {bounds}.")
    elif line.zips_without_past:
        average = "counted at the average of past pulls"
        remarks.append(f"no past pull tells of all that is asked of {_named(line.zips_without_past)}; {average}.")
    if line.cut_zips:
        remarks.append(f"the budget would cut {_named(line.cut_zips)}.")
    if set(line.cut_zips_at_worst) - set(line.cut_zips):
        remarks.append(f"at the worst price it would cut {_named(line.cut_zips_at_worst)}.")
    return remarks


def _named(zips: tuple[str, ...]) -> str:
    """The first ZIPs by name, the others by number."""
    named, more = ", ".join(zips[:NAMED_ZIPS]), len(zips) - NAMED_ZIPS
    return named if more <= 0 else f"{named} and {more:,} more ZIPs"
