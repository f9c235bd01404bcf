"""`leadflow spend`: what was spent, and the limits that hold."""

import datetime as dt
from decimal import Decimal
from typing import Annotated

import typer

from leadflow_pipelines.cli.console import DayOption, JsonOption, OrgOption, dollars, out, print_json, print_table
from leadflow_pipelines.cli.session import open_session, parse_day

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
                "calls": rows,
                "budgets": [
                    {
                        "provider": state.provider,
                        "limit_cents": state.limit_cents,
                        "spent_cents": state.spent_cents,
                        "reserved_cents": state.reserved_cents,
                        "available_cents": state.available_cents,
                    }
                    for state in budgets
                ],
            }
        )
        return
    columns = ["day", "provider", "outcome", "calls", "items"]
    lines = [[*(row[name] for name in columns), dollars(row["cost_cents"])] for row in rows]
    print_table(f"Spend of {workspace.org.slug}", [*columns, "cost"], lines)
    print_table(
        f"Budgets on {last}",
        ["provider", "limit", "spent", "reserved", "left"],
        [
            (
                "all together" if state.provider == "*" else state.provider,
                dollars(state.limit_cents),
                dollars(state.spent_cents),
                dollars(state.reserved_cents),
                dollars(state.available_cents),
            )
            for state in budgets
        ],
    )
    if not budgets:
        out.print("No limit is set, so nothing may be bought. Set one: leadflow spend limit --per-day 50")
    if workspace.org.is_simulated:
        out.print("This org is simulated: these are price-book prices, and no money moved.")


@app.command("limit")
def limit(
    per_day: Annotated[float, typer.Option("--per-day", min=0, max=10_000_000, help="Dollars a day.")],
    provider: Annotated[str | None, typer.Option(help="attom or batchdata. Default: all providers together.")] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a daily limit. A call needs room under its provider's limit and under the one for all together."""
    from leadflow_pipelines.errors import InvalidInput
    from leadflow_pipelines.providers import PROVIDER_NAMES
    from leadflow_pipelines.spend.budget import ALL_PROVIDERS, set_limit

    workspace = open_session(org)
    if provider is not None and provider not in PROVIDER_NAMES:
        raise InvalidInput(f"There is no provider {provider!r}.", remedy=f"Choose from {', '.join(PROVIDER_NAMES)}.")
    cents = Decimal(str(per_day)) * 100
    with workspace.database.as_org(workspace.org.org_id) as connection:
        set_limit(
            connection,
            workspace.org.org_id,
            provider=provider or ALL_PROVIDERS,
            limit_cents=cents,
            set_by="command line",
            now=dt.datetime.now(dt.UTC),
        )
    if as_json:
        print_json({"provider": provider or ALL_PROVIDERS, "limit_cents": cents})
    else:
        out.print(f"{provider or 'All providers together'}: at most {dollars(cents)} a day for {workspace.org.slug}.")
        out.print("A call needs room under both: the limit of its provider and the one for all together.")
