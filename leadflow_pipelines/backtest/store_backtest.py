"""A backtest in the lake: its rows, its page. Not here: the tables' columns (`contracts.backtest`), what the page shows
(`report`).
"""

import datetime as dt
import hashlib
import re

import polars as pl

from leadflow_pipelines.backtest.report import to_html
from leadflow_pipelines.backtest.run_backtest import Backtest
from leadflow_pipelines.contracts import UNLOCATED, Contract
from leadflow_pipelines.contracts.backtest import BACKTEST_CURVES, BACKTEST_SCORES, BACKTEST_VALUES
from leadflow_pipelines.errors import ContractBroken
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.lake.whole_files import write_file


def store_backtest(lake: Lake, result: Backtest, *, day: dt.date) -> dict[str, int]:
    """Write the result in the place of the day's earlier one for the same question. Rows by table.

    Raises ContractBroken, and writes nothing, where a figure is outside its range.
    """
    tables = backtest_tables(result, day=day)
    for contract, frame in tables:
        if faults := contract.faults(frame):
            raise ContractBroken(f"{contract.name}: {faults[0].column} breaks {faults[0].rule}.")
    question = dict(tables[0][1].select("market", "horizon_days", "without").row(0, named=True))
    same = pl.all_horizontal(pl.col(name) == value for name, value in question.items())
    return {contract.name: lake.replace(contract, frame, day=day, where=same) for contract, frame in tables}


def write_report(lake: Lake, result: Backtest, *, day: dt.date) -> str:
    """Put the page beside the lake's tables, in the place of the day's earlier one for the same question. Its path."""
    plan = result.plan
    question = f"{plan.market}\n{plan.horizon_days}\n{sorted(plan.without)}"
    name = re.sub("[^a-z0-9]+", "-", plan.market.lower()).strip("-")[:40]
    path = f"reports/backtest/{day}_{name}_{hashlib.sha256(question.encode()).hexdigest()[:8]}.html"
    write_file(lake.root, path, to_html(result).encode(), lake.storage_options)
    return lake.path(path)


def backtest_tables(result: Backtest, *, day: dt.date) -> list[tuple[Contract, pl.DataFrame]]:
    """The result in the shape of its contracts: scores, curves, values."""
    plan = result.plan
    question = [
        pl.lit(UNLOCATED).alias("zip"),
        pl.lit(day).alias("day"),
        pl.lit(plan.market).alias("market"),
        pl.lit(plan.horizon_days).alias("horizon_days"),
        pl.lit(",".join(sorted(plan.without))).alias("without"),
    ]
    point = (pl.int_range(pl.len()) + 1).over("segment", "model", "kind").alias("point")
    frames = (
        (BACKTEST_SCORES, result.scores),
        (BACKTEST_CURVES, result.curves.with_columns(point)),
        (BACKTEST_VALUES, result.values),
    )
    return [
        (contract, contract.conform(frame.with_columns(question)) if frame.height else contract.empty())
        for contract, frame in frames
    ]
