"""`leadflow spend`: what was spent, and the limits that hold."""

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.console import (
    DayOption,
    JsonOption,
    OrgOption,
    as_cents,
    dollars,
    out,
    print_json,
    print_table,
)
from leadflow_pipelines.cli.session import open_session, parse_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadflow_pipelines.spend.budget import BudgetState

app = typer.Typer(invoke_without_command=True)


@app.callback()
def spend(
    context: typer.Context,
    day: DayOption = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days up to that day.")] = 1,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was spent per day, provider and outcome, and what the budgets still allow."""
    if context.invoked_subcommand is not None:
        return
    from leadflow_pipelines.spend.budget import read_budgets
    from leadflow_pipelines.spend.ledger import spend_report

    workspace = open_session(org)
    last = parse_day(day, workspace.settings)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        rows = spend_report(
            connection, workspace.org.org_id, first_day=last - dt.timedelta(days=days - 1), last_day=last
        )
        budgets = read_budgets(connection, workspace.org.org_id, last)
    if as_json:
        print_json(
            {
                "org": workspace.org.slug,
                "is_simulated": workspace.org.is_simulated,
                "cost_cents": sum((row["cost_cents"] for row in rows), Decimal(0)),
                "calls": rows,
                "budgets": [_as_json(state) for state in budgets],
            }
        )
        return
    columns = ["day", "provider", "outcome", "calls", "items"]
    lines = [[*(row[name] for name in columns), dollars(row["cost_cents"])] for row in rows]
    print_table(f"Spend of {workspace.org.slug}", [*columns, "cost"], lines)
    _print_budgets(budgets, f"Budgets on {last} and in {last:%B %Y}")
    if not any(state.period == "day" and state.limit_cents for state in budgets):
        out.print("No daily limit is set, so nothing may be bought. Set one: leadflow spend limit --per-day 50")
    if workspace.org.is_simulated:
        out.print("This org is simulated: these are price-book prices, and no money moved.")


def _as_json(state: "BudgetState") -> dict[str, Any]:
    return {
        "provider": state.provider,
        "period": state.period,
        "limit_cents": state.limit_cents,
        "spent_cents": state.spent_cents,
        "reserved_cents": state.reserved_cents,
        "available_cents": state.available_cents if state.available_cents.is_finite() else None,
        "is_nearly_used": state.is_nearly_used,
    }


def _print_budgets(budgets: "Sequence[BudgetState]", title: str) -> None:
    columns = ["provider", "period", "limit", "spent", "reserved", "left", ""]
    print_table(
        title,
        columns,
        [
            (
                "all together" if state.provider == "*" else state.provider,
                state.period,
                dollars(state.limit_cents),
                dollars(state.spent_cents),
                dollars(state.reserved_cents),
                dollars(state.available_cents) if state.available_cents.is_finite() else "no limit",
                "nearly used" if state.is_nearly_used else "",
            )
            for state in budgets
        ],
    )


@app.command("limit")
def limit(
    per_day: Annotated[float | None, typer.Option("--per-day", min=0, max=10_000_000, help="Dollars a day.")] = None,
    per_month: Annotated[
        float | None, typer.Option("--per-month", min=0, max=100_000_000, help="Dollars a calendar month.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="A provider, e.g. attom. Default: all providers together.")
    ] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a limit of each day, of each calendar month, or both.

    A call needs room under all of them: its provider's and those for all together. Without a daily limit nothing may
    be bought; a month without one is not limited.
    """
    from leadflow_pipelines.errors import InvalidInput
    from leadflow_pipelines.providers import PROVIDER_NAMES
    from leadflow_pipelines.spend.budget import ALL_PROVIDERS, Period, set_limit

    workspace = open_session(org)
    if provider is not None and provider not in PROVIDER_NAMES:
        raise InvalidInput(f"There is no provider {provider!r}.", remedy=f"Choose from {', '.join(PROVIDER_NAMES)}.")
    given: dict[Period, float | None] = {"day": per_day, "month": per_month}
    limits = {period: as_cents(amount) for period, amount in given.items() if amount is not None}
    if not limits:
        raise InvalidInput("No limit was given.", remedy="Name --per-day DOLLARS, --per-month DOLLARS, or both.")
    with workspace.database.as_org(workspace.org.org_id) as connection:
        for period, cents in limits.items():
            set_limit(
                connection,
                workspace.org.org_id,
                provider=provider or ALL_PROVIDERS,
                limit_cents=cents,
                set_by="command line",
                now=dt.datetime.now(dt.UTC),
                period=period,
            )
    if as_json:
        print_json(
            {
                "provider": provider or ALL_PROVIDERS,
                "limits": [{"period": p, "limit_cents": c} for p, c in limits.items()],
            }
        )
        return
    for period, cents in limits.items():
        whose = provider or "All providers together"
        out.print(f"{whose}: at most {dollars(cents)} a {period} for {workspace.org.slug}.")
    out.print("A call needs room under every limit: its provider's and those for all together, day and month.")
