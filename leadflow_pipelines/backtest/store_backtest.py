"""A backtest as rows of the lake. Here: the tables. Not here: their columns (`contracts.backtest`)."""

import datetime as dt

import polars as pl

from leadflow_pipelines.backtest.run_backtest import Backtest
from leadflow_pipelines.contracts import UNLOCATED, Contract
from leadflow_pipelines.contracts.backtest import BACKTEST_CURVES, BACKTEST_SCORES, BACKTEST_VALUES
from leadflow_pipelines.errors import ContractBroken
from leadflow_pipelines.lake import Lake


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
