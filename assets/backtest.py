"""The backtest: one step, three tables, without partitions. Run monthly or by hand, never by the day's job."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from assets.models import LEARNED_FROM
from assets.run_correlation import bind_run
from assets.run_metadata import column_schema
from assets.scope import Scope
from leadflow_pipelines.backtest import Backtest, BacktestPlan, run_backtest
from leadflow_pipelines.backtest.market_sales import EVERYWHERE, read_market_name, read_market_sales
from leadflow_pipelines.backtest.plan import HORIZON_DAYS, NEWEST_DATES, STEP_MONTHS, read_as_of
from leadflow_pipelines.backtest.report import to_pictures
from leadflow_pipelines.backtest.store_backtest import store_backtest, write_report
from leadflow_pipelines.backtest.summary import facts, headline, score_figures, to_markdown, value_figures
from leadflow_pipelines.contracts import BACKTEST_TABLES
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.observability.progress import report_progress
from resources.workspace import Workspace

BACKTEST_NAMES = tuple(table.name for table in BACKTEST_TABLES)
SCORES, CURVES, VALUES = BACKTEST_NAMES
NO_FUTURE = "sees_no_future"
CHARTS_OF_VALUES = ("Error of values by price", "80 % interval by month")


class BacktestConfig(dg.Config):
    """What is asked; as it is, the newest year of everything the lake holds."""

    market: str = Field(EVERYWHERE, description="A county (47037 or `Davidson, TN`), ZIPs (37206,37207), or all.")
    first: str | None = Field(
        None, description=f"First date on which models stand, like 2014-07-31. None: {NEWEST_DATES} dates up to `last`."
    )
    last: str | None = Field(None, description="Last such date. None: the newest whose window the lake's sales close.")
    step_months: int = Field(STEP_MONTHS, description="Months from one date to the next.")
    horizon_days: int = Field(HORIZON_DAYS, description="Days after a date within which a sale counts.")
    without: list[str] = Field([], description="Columns that no model may use, e.g. assessed_cents.")

    def plan(self) -> BacktestPlan:
        """The question. Raises InvalidInput where it makes no sense."""
        return BacktestPlan(
            read_market_name(self.market).text,
            read_as_of(self.first, told_as="first") if self.first else None,
            read_as_of(self.last, told_as="last") if self.last else None,
            horizon_days=self.horizon_days,
            step_months=self.step_months,
            without=tuple(self.without),
        )


def build_backtest_assets(scope: Scope) -> dg.AssetsDefinition:
    """The org's backtests as one step: scores, curves and values are of one walk."""
    specs = [
        dg.AssetSpec(
            scope.key(table.name),
            description=table.text,
            deps=[scope.key(name) for name in LEARNED_FROM],
            group_name="models",
            owners=["team:data"],
            kinds={"polars", "deltalake"},
            metadata={"dagster/column_schema": column_schema(table)},
        )
        for table in BACKTEST_TABLES
    ]
    no_future = dg.AssetCheckSpec(
        NO_FUTURE,
        asset=scope.key(SCORES),
        description="With all later sales in the file, scores and values of a date stay the same to the bit.",
    )

    @dg.multi_asset(
        name="__".join([*scope.key("backtest").path]),
        specs=specs,
        check_specs=[no_future],
        required_resource_keys={"workspace", "clock"},
    )
    def backtest(
        context: dg.AssetExecutionContext, config: BacktestConfig
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        workspace: Workspace = context.resources.workspace.open()
        day = context.resources.clock.now().astimezone(workspace.settings.zone).date()
        with bind_run(context.run, scope.org):
            try:
                plan = config.plan()
                sales = read_market_sales(workspace.lake, read_market_name(config.market), day=day)
                report_progress(f"backtest of {plan.market}: {sales.height:,} sales")
                result = run_backtest(sales, plan, say=report_progress)
                rows = store_backtest(workspace.lake, result, day=day)
            except LeadflowError as error:
                raise _refusal(error) from None
            report = write_report(workspace.lake, result, day=day)
            report_progress(headline(result))
        for name, told in _metadata(result, report).items():
            yield dg.MaterializeResult(asset_key=scope.key(name), metadata={"dagster/row_count": rows[name], **told})
        yield _canary(scope, result)

    return backtest


def _refusal(error: LeadflowError) -> dg.Failure:
    """Why nothing was judged and what to do, in the place of a stack trace; nothing was written."""
    return dg.Failure(
        error.message, metadata={"because": error.message, "remedy": error.remedy or "none"}, allow_retries=False
    )


def _metadata(result: Backtest, report: str) -> dict[str, dict[str, Any]]:
    """What the UI shows of each table; plain numbers are drawn over time there."""
    pictures = to_pictures(result)
    of_values = [pictures.pop(title) for title in CHARTS_OF_VALUES if title in pictures]
    common = {
        "headline": headline(result),
        "market": result.plan.market,
        "without": ", ".join(result.plan.without) or "none",
        "report": dg.MetadataValue.path(report),
    }
    return {
        SCORES: {**common, **score_figures(result), "summary": dg.MetadataValue.md(to_markdown(result))},
        CURVES: {**common, "charts": dg.MetadataValue.md("\n\n".join(pictures.values()))},
        VALUES: {**common, **value_figures(result), "charts": dg.MetadataValue.md("\n\n".join(of_values) or "none")},
    }


def _canary(scope: Scope, result: Backtest) -> dg.AssetCheckResult:
    canary = result.canary
    return dg.AssetCheckResult(
        passed=canary.same_scores and canary.same_values,
        asset_key=scope.key(SCORES),
        check_name=NO_FUTURE,
        metadata={
            "as_of": str(canary.as_of),
            "same_scores": canary.same_scores,
            "same_values": canary.same_values,
            "said": dict(facts(result))["Leak canary"],
        },
    )
