"""`leadflow backtest`: how good scores and values of a market were, walked forward over its own past."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, progress
from leadflow_pipelines.cli.session import open_session, start
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

    from leadflow_pipelines.backtest import Backtest
    from leadflow_pipelines.backtest.market_sales import MarketName
    from leadflow_pipelines.backtest.summary import TextTable
    from resources.workspace import Workspace

EXAMPLES = """Examples:

leadflow backtest --market 'Davidson, TN' --from 2014-07-31 --to 2015-10-31 --report nashville.html

leadflow backtest --sales sales.csv --market nashville --from 2014-07 --to 2015-10 --without assessed_cents

leadflow backtest --sales 2019.xlsx --sales 2020.xlsx --from 2019-10 --to 2020-04 --horizon-days 180 --step 1
"""


def backtest(
    first: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="YYYY-MM[-DD]", help="First date on which models stand; without it, four up to --to."
        ),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="YYYY-MM[-DD]", help="Last such date; without it, the newest whose window the data close."
        ),
    ] = None,
    market: Annotated[
        str | None,
        typer.Option(
            help="A county (47037 or 'Davidson, TN'), ZIPs (37206,37207) or `all` of the lake. Five digits that are "
            "both: the county if the lake knows it; zip:47037 says otherwise. With --sales: the name it goes by."
        ),
    ] = None,
    horizon_days: Annotated[int, typer.Option(help="Days after a date within which a sale counts.")] = 365,
    step: Annotated[int, typer.Option("--step", help="Months from one date to the next.")] = 3,
    sales: Annotated[
        list[Path] | None,
        typer.Option(help="A file of sales instead of the lake: CSV, XLSX or Parquet, any layout. Repeat for more."),
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="YAML that says which column of the files is what.")] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A column no model may use, e.g. assessed_cents. Repeat for more.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write charts and tables to this HTML file.")] = None,
    store: Annotated[bool, typer.Option("--store/--no-store", help="Keep the figures in the org's lake.")] = True,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Walk scores and values forward over a market's past.

    On each date from --from to --to the models see only the sales before it.
    Scores are held against the sales of the next --horizon-days, values against
    the prices of the next months (one step, three at most). Beside them: LightGBM,
    years owned, the scorecard, the base rate, the neighbourhood's median price.
    Owners of a year or more are told apart. A date counts only if its window is
    closed in the data. Takes minutes for a city.
    """
    from leadflow_pipelines.backtest import BacktestPlan, run_backtest
    from leadflow_pipelines.backtest.market_sales import read_market_name
    from leadflow_pipelines.backtest.plan import read_as_of

    if market is None and not sales:
        raise InvalidInput("Which market?", remedy="Give --market, or a file of sales with --sales.")
    # Of the lake it is called as the asset calls it, so that both ask the same question.
    name = market or ", ".join(path.stem for path in sales or [])
    lake_market = None if sales else read_market_name(name)
    plan = BacktestPlan(
        market=lake_market.text if lake_market else name,
        first=read_as_of(first, told_as="--from") if first else None,
        last=read_as_of(last, told_as="--to") if last else None,
        horizon_days=horizon_days,
        step_months=step,
        without=tuple(without or ()),
    )
    workspace = open_session(org) if store or not sales else None
    if workspace is None:
        start(org)
    frame = _from_files(sales, mapping) if sales else _from_lake(workspace, lake_market)
    result = run_backtest(frame, plan, say=progress)
    stored = _store(workspace, result) if store and workspace else {}
    if report:
        _write(report, result)
    if as_json:
        print_json({**_document(result), "stored": stored, "report": str(report) if report else None})
    else:
        _print(result)
    if report:
        progress(f"Report written to {report}")


def _from_files(sales: list[Path], mapping: Path | None) -> "pl.DataFrame":
    from leadflow_pipelines.cli.backtest_files import read_sales_files
    from leadflow_pipelines.county_files import load_mapping

    return read_sales_files(sales, load_mapping(mapping) if mapping else None, progress)


def _from_lake(workspace: "Workspace | None", market: "MarketName | None") -> "pl.DataFrame":
    from leadflow_pipelines.backtest.market_sales import read_market_sales

    assert workspace is not None
    assert market is not None
    frame = read_market_sales(workspace.lake, market, day=_today(workspace))
    progress(f"{frame.height:,} sales of {frame['parcel_id'].n_unique():,} properties in {market.text}")
    return frame


def _store(workspace: "Workspace", result: "Backtest") -> dict[str, int]:
    from leadflow_pipelines.backtest.store_backtest import store_backtest

    return store_backtest(workspace.lake, result, day=_today(workspace))


def _today(workspace: "Workspace") -> dt.date:
    return dt.datetime.now(workspace.settings.zone).date()


def _write(path: Path, result: "Backtest") -> None:
    from leadflow_pipelines.backtest.report import to_html

    try:
        path.write_text(to_html(result), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", remedy="Name another file.") from error


def _print(result: "Backtest") -> None:
    from leadflow_pipelines.backtest.summary import facts, headline, summary_tables

    out.print(Text(headline(result)))
    out.print()
    for table in summary_tables(result):
        _print_table(table)
    for name, text in facts(result):
        out.print(Text(f"{name}: ", style="bold") + Text(text))
    out.print()
    out.print(Text("What this cannot say", style="bold"))
    for note in result.notes:
        out.print(Text(f"- {note}"))


def _print_table(table: "TextTable") -> None:
    drawn = Table(title=table.title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    for place, name in enumerate(table.columns):
        drawn.add_column(name, justify="right" if place else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    out.print(drawn)
    if table.note:
        out.print(Text(table.note, style="dim"))
    out.print()


def _document(result: "Backtest") -> dict[str, Any]:
    plan, cover = result.plan, result.coverage
    return {
        "market": plan.market,
        "from": plan.first or result.dates[0],
        "to": plan.last or result.dates[-1],
        "horizon_days": plan.horizon_days,
        "step_months": plan.step_months,
        "without": list(plan.without),
        "sales": result.sales,
        "parcels": result.parcels,
        "first_sale": cover.first,
        "last_sale": cover.last,
        "dates": list(result.dates),
        "skipped": {str(day): why for day, why in result.skipped.items()},
        "canary": asdict(result.canary),
        "auc_over_lightgbm": result.difference,
        "scores": result.scores.to_dicts(),
        "values": result.values.to_dicts(),
        "notes": list(result.notes),
    }
