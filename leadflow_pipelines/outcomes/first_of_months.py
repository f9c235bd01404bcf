"""A month's first word on each lead, from tables that hold every day: a year of days is thirty times as many rows.

Here: reading. Not here: what the rows are held against (`closed_scores`, `model_watch`).
"""

import datetime as dt
from collections.abc import Sequence
from itertools import groupby

import polars as pl

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.lake import Lake


def first_of_months(
    lake: Lake, contract: Contract, *, since: dt.date, until: dt.date, where: pl.Expr, columns: Sequence[str]
) -> pl.DataFrame:
    """`columns` and month of the rows that satisfy `where`, of each ZIP's first day of a month that has any.

    Both days count. contract: of a table partitioned by day.
    """
    wanted = list(dict.fromkeys(("zip", "day", *columns)))
    parts = [contract.empty().select(wanted)]
    days = [day for day in lake.days(contract) if since <= day <= until]
    for _, of_month in groupby(days, key=lambda day: day.replace(day=1)):
        seen = pl.Series("zip", [], pl.String)
        for day in of_month:
            is_new = ~pl.col("zip").is_in(seen.implode())
            parts.append(lake.read(contract, day=day, where=where & is_new, columns=wanted))
            seen = pl.concat([seen, parts[-1]["zip"].unique()])
    return pl.concat(parts).select(*columns, pl.col("day").dt.month_start().alias("month"))
