"""The backtest of a market: dates chosen, walked, judged. Here: the use case and its result.

Not here: where the sales come from (`market_sales`, the command), tables and pages of the result.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
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
    closed_markets,
    find_coverage,
    newest_date,
)
from leadflow_pipelines.errors import InvalidInput

LEAST_OWN = 100
"""Sales of a market below which its own last one says nothing of where its records end."""


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

    A date judges the markets whose own sales cover its window: homes of a county whose records ended before would
    count as not sold.

    Raises InvalidInput where no date has a closed window, or none can be judged: it says why.
    """
    record = read_record(sales, without=plan.without)
    coverage = find_coverage(record.rows["sale_date"])
    coverages = _coverages(record, coverage)
    dates, skipped = closed_dates(_wanted(plan, coverages), coverage, horizon_days=plan.horizon_days)
    models = models or product_models()
    scored: list[ScoredDate] = []
    valued: dict[dt.date, ValuedDate] = {}
    closed: dict[dt.date, SalesRecord] = {}
    for number, as_of in enumerate(dates, start=1):
        closed[as_of] = here = record.of(closed_markets(coverages, as_of, horizon_days=plan.horizon_days))
        one = score_date(here, as_of, plan, models) if here.markets else "no market's sales cover its window"
        if isinstance(one, str):
            skipped[as_of] = one
            say(f"{as_of}: passed over, {one}")
            continue
        prices = value_date(here, as_of, plan, coverage, models)
        scored.append(one)
        valued |= {as_of: prices} if prices else {}
        say(_progress(one, prices, number, len(dates)))
    if not scored:
        raise _nothing_to_judge(record, skipped)
    say("One date again, with the later sales in the file")
    first = scored[0].homes.as_of
    canary = watch_canary(closed[first], scored[0], valued.get(first), plan, models)
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
        notes=(*told_notes(plan, coverage, record, figures, values), *_left_out(record, closed)),
    )


def _coverages(record: SalesRecord, whole: Coverage) -> dict[str, Coverage]:
    """What each market's own sales cover: one whose records ended years ago says nothing of the years since. `whole`
    where a market's sales are too few to tell."""
    told = {market: record.of([market]).rows["sale_date"] for market in record.markets}
    return {market: find_coverage(dates) if len(dates) >= LEAST_OWN else whole for market, dates in told.items()}


def _left_out(record: SalesRecord, closed: Mapping[dt.date, SalesRecord]) -> Iterator[str]:
    """By market, the dates on which it was not judged."""
    for market in record.markets:
        if without := [str(day) for day, here in closed.items() if here.markets and market not in here.markets]:
            yield f"{market} is not in the figures of {', '.join(without)}: its own sales do not cover the window."


def _wanted(plan: BacktestPlan, coverages: Mapping[str, Coverage]) -> list[dt.date]:
    """The plan's dates; where it names none, the newest whose windows a market closes."""
    newest = max(coverages.values(), key=lambda coverage: coverage.last)
    last = plan.last or newest_date(newest, horizon_days=plan.horizon_days)
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
