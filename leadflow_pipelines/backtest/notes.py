"""What a reader of a backtest must know before believing it: what no figure can say, and what this file adds to it.

Here: sentences, with the figures of the case in them. Not here: tables (`summary`).
"""

from collections.abc import Iterator

import polars as pl

from leadflow_pipelines.backtest.judge_scores import EVERY, SEASONED, ScoreFigures
from leadflow_pipelines.backtest.judge_values import THIRDS
from leadflow_pipelines.backtest.models import OURS
from leadflow_pipelines.backtest.plan import BacktestPlan
from leadflow_pipelines.backtest.snapshots import SalesRecord
from leadflow_pipelines.backtest.windows import Coverage


def told_notes(
    plan: BacktestPlan, coverage: Coverage, record: SalesRecord, figures: ScoreFigures, values: pl.DataFrame
) -> tuple[str, ...]:
    """The sentences, most needed first."""
    return (
        *_of_scores(figures),
        *_of_values(values),
        "Columns such as size, assessment or land use are told as the file knows them, often as of its own date and "
        "not of the sale. Leave them out with --without COLUMN to see what they are worth.",
        "Only homes with a sale on record before a date can be scored on it; homes never sold are not in the file.",
        *_of_file(plan, coverage, record),
    )


def _of_scores(figures: ScoreFigures) -> Iterator[str]:
    ours = figures.metrics.filter(pl.col("as_of").is_null(), model=OURS)
    found = {row["segment"]: row for row in ours.iter_rows(named=True)}
    if SEASONED in found and found[SEASONED]["auc"] is not None:
        every, seasoned = found[EVERY], found[SEASONED]
        yield (
            "Much of what ranks well is homes bought to be sold on. For owners of a year or more AUC is "
            f"{seasoned['auc']:.3f} and the best 5 % sold {seasoned['lift_5']:.2f} times as often as all of them; over "
            f"every home it is {every['auc']:.3f} and {every['lift_5']:.2f}. Read the lower figures before you buy a "
            "list of long-time owners."
        )
    if EVERY not in figures.difference:
        yield "No date had enough closed windows before it to fit the LightGBM of the comparison."


def _of_values(values: pl.DataFrame) -> Iterator[str]:
    if values.is_empty():
        return
    ours = values.filter(pl.col("as_of").is_null(), model=OURS)
    errors = dict(ours.select("segment", "median_error").iter_rows())
    cheapest = f"; in the cheapest third, where investors buy, it errs by {100 * errors[THIRDS[0]]:.0f} %"
    yield (
        "Condition inside a house is not in public records: a value is an estimate with an interval"
        f"{cheapest if THIRDS[0] in errors else ''}. A value after repair is a guess about a state nobody has recorded."
    )


def _of_file(plan: BacktestPlan, coverage: Coverage, record: SalesRecord) -> Iterator[str]:
    yield f"The last sales on record are of {coverage.last}. Deeds recorded late are missing from the newest window."
    if coverage.strays:
        yield (
            f"{coverage.strays:,} sales are dated outside {coverage.first} to {coverage.last}, where the file covers "
            "hardly anything; no window was measured against them."
        )
    if coverage.gaps:
        yield f"Months without sales: {', '.join(f'{month:%Y-%m}' for month in coverage.gaps)}."
    if plan.without:
        yield f"Left out on request: {', '.join(plan.without)}."
    if land := record.rows.height - record.homes.rows.height:
        yield (
            f"{land:,} deeds are of land, parking or trade, by their recorded use: they are valued, and not asked who "
            "will sell. A builder's lots sell for sure, and are nobody's leads."
        )
    unpriced, unclear = (record.rows.height - int(record.rows[name].sum()) for name in ("is_priced", "is_sale"))
    if unclear:
        yield (
            f"{unpriced:,} of {record.rows.height:,} deeds tell no price, or a nominal one: such a home counts as "
            f"given, not as sold. {unclear - unpriced:,} more (one price for several parcels, a deed of court "
            "or family, or recorded twice) count as sold but not as a price to be met."
        )
