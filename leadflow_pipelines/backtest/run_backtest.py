"""The backtest of a market: dates chosen, walked, judged. Here: the use case and its result.

Not here: where the sales come from (`market_sales`, the command), tables and pages of the result.
"""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.backtest.judge_scores import judge_scores
from leadflow_pipelines.backtest.judge_values import judge_values
from leadflow_pipelines.backtest.models import Models, product_models
from leadflow_pipelines.backtest.notes import told_notes
from leadflow_pipelines.backtest.plan import NEWEST_DATES, BacktestPlan
from leadflow_pipelines.backtest.snapshots import SalesRecord, read_record
from leadflow_pipelines.backtest.walk_forward import (
    Canary,
    Say,
    ScoredDate,
    ValuedDate,
    score_date,
    value_date,
    watch_canary,
)
from leadflow_pipelines.backtest.windows import (
    Coverage,
    add_months,
    as_of_dates,
    closed_dates,
    find_coverage,
    newest_date,
)
from leadflow_pipelines.errors import InvalidInput


@dataclass(frozen=True)
class Backtest:
    """What a walk forward came to.

    dates: those judged. skipped: the others and why. scores, curves, values: see `judge_scores`, `judge_values`.
    difference: by segment, mean AUC over LightGBM's with the ends of its interval. notes: what a reader must know.
    """

    plan: BacktestPlan
    coverage: Coverage
    sales: int
    parcels: int
    markets: tuple[str, ...]
    dates: tuple[dt.date, ...]
    skipped: dict[dt.date, str]
    scores: pl.DataFrame
    curves: pl.DataFrame
    difference: dict[str, tuple[float, float, float]]
    values: pl.DataFrame
    canary: Canary
    notes: tuple[str, ...]


def run_backtest(
    sales: pl.DataFrame | pl.LazyFrame,
    plan: BacktestPlan,
    *,
    models: Models | None = None,
    say: Say = lambda text: None,
) -> Backtest:
    """Walk the plan's dates over `sales` (the fixed shape; `market` splits it). Minutes for a city.

    Raises InvalidInput where no date has a closed window, or none can be judged: it says why.
    """
    record = read_record(sales, without=plan.without)
    coverage = find_coverage(record.rows["sale_date"])
    dates, skipped = closed_dates(_wanted(plan, coverage), coverage, horizon_days=plan.horizon_days)
    models = models or product_models()
    scored: list[ScoredDate] = []
    valued: dict[dt.date, ValuedDate] = {}
    for number, as_of in enumerate(dates, start=1):
        one = score_date(record, as_of, plan, models)
        if isinstance(one, str):
            skipped[as_of] = one
            say(f"{as_of}: passed over, {one}")
            continue
        prices = value_date(record, as_of, plan, coverage, models)
        scored.append(one)
        valued |= {as_of: prices} if prices else {}
        say(_progress(one, prices, number, len(dates)))
    if not scored:
        raise _nothing_to_judge(record, skipped)
    say("One date again, with the later sales in the file")
    canary = watch_canary(record, scored[0], valued.get(scored[0].homes.as_of), plan, models)
    say(f"Counting, with intervals from {plan.rounds} draws of the homes")
    figures = judge_scores(scored, markets=record.markets, seed=plan.seed, rounds=plan.rounds)
    values = judge_values(list(valued.values()), markets=record.markets) if valued else pl.DataFrame()
    return Backtest(
        plan=plan,
        coverage=coverage,
        sales=record.rows.height,
        parcels=record.rows["parcel_id"].n_unique(),
        markets=tuple(record.markets),
        dates=tuple(one.homes.as_of for one in scored),
        skipped=dict(sorted(skipped.items())),
        scores=figures.metrics,
        curves=figures.curves,
        difference=figures.difference,
        values=values,
        canary=canary,
        notes=told_notes(plan, coverage, record, figures, values),
    )


def _wanted(plan: BacktestPlan, coverage: Coverage) -> list[dt.date]:
    """The plan's dates; where it names none, the newest whose windows are closed."""
    last = plan.last or newest_date(coverage, horizon_days=plan.horizon_days)
    if plan.first is None:
        return [add_months(last, -plan.step_months * back) for back in reversed(range(NEWEST_DATES))]
    # A first date after the newest closed one is asked for all the same, to be told why its window is open.
    end = last if plan.last else max(plan.first, last)
    return as_of_dates(plan.first, end, step_months=plan.step_months)


def _progress(one: ScoredDate, prices: ValuedDate | None, number: int, count: int) -> str:
    homes = one.homes
    share = 100 * homes.is_sold.cast(pl.Float64).sum() / homes.rows.height
    scored = f"{homes.rows.height:,} homes scored in {one.seconds:.0f} s ({share:.1f} % sold)"
    valued = f", {prices.sold.rows.height:,} sales valued in {prices.seconds:.0f} s" if prices else ""
    return f"{number}/{count}  {homes.as_of}: {scored}{valued}"


def _nothing_to_judge(record: SalesRecord, skipped: dict[dt.date, str]) -> InvalidInput:
    once = record.rows["parcel_id"].n_unique() == record.rows.height
    day, why = next(iter(sorted(skipped.items())))
    message = f"No date can be judged: on {day} {why}."
    if once:
        return InvalidInput(
            f"{message} Every parcel stands once in the sales: the file holds each parcel's last sale only.",
            remedy="Bring a file of all sales of some years; county recorders and assessors publish them.",
        )
    return InvalidInput(message, remedy="Choose later dates, a wider market or a longer history.")
