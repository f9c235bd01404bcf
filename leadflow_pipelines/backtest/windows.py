"""Which dates can be judged: what span the sales really cover, and which windows after a date are closed in it.

Here: calendars. Not here: who was known on a date (`snapshots`), or any model.

The last date of the data is found, never assumed. A file of 56,000 sales up to October 2016 also holds two of 2019:
taken at its word, it would say that for three years hardly anything was sold.
"""

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.errors import InvalidInput

LEAST_SHARE = 0.05
"""A month with less than this share of what the typical sale's month holds is no month of the data."""
LEAST_TYPICAL = 40
"""Below so many sales in a typical month an empty month is chance, not a gap."""


@dataclass(frozen=True)
class Coverage:
    """What the sales cover: first and last date, both inclusive; first days of the months missing between them;
    how many sales lie outside."""

    first: dt.date
    last: dt.date
    gaps: tuple[dt.date, ...]
    strays: int

    def why_open(self, start: dt.date, end: dt.date) -> str | None:
        """Why the window [start, end) cannot be judged; None where the data close it."""
        if end > self.last + dt.timedelta(days=1):
            return f"its window ends {end - dt.timedelta(days=1)}, the sales end {self.last}"
        missing = [month for month in self.gaps if month < end and _next_month(month) > start]
        return f"the sales lack {', '.join(f'{month:%Y-%m}' for month in missing)}" if missing else None


def find_coverage(sale_dates: pl.Series) -> Coverage:
    """The span that the sales cover. Nulls are passed over. Raises InvalidInput where no date is left."""
    dates = sale_dates.drop_nulls()
    if dates.is_empty():
        raise InvalidInput("No sale has a date.", remedy="A backtest needs a history: sale dates and prices.")
    counts = dates.to_frame("date").group_by(pl.col("date").dt.truncate("1mo").alias("month")).len().sort("month")
    typical = _month_of_the_typical_sale(counts)
    covered = counts.filter(pl.col("len") >= LEAST_SHARE * typical)["month"]
    inside = dates.filter(dates.dt.truncate("1mo").is_between(covered.min(), covered.max()))
    first, last = inside.min(), inside.max()
    assert isinstance(first, dt.date)
    assert isinstance(last, dt.date)
    every = pl.date_range(first.replace(day=1), last.replace(day=1), "1mo", eager=True)
    gaps = every.filter(~every.is_in(covered.implode())) if typical >= LEAST_TYPICAL else every.clear()
    return Coverage(first, last, tuple(gaps.to_list()), len(dates) - len(inside))


def _month_of_the_typical_sale(counts: pl.DataFrame) -> int:
    """How many sales the month of the median sale holds: any number of nearly empty months leaves it as it is."""
    ordered = counts["len"].sort()
    middle = ordered.cum_sum().search_sorted(int(ordered.sum()) // 2 + 1)
    return int(ordered[int(middle)])


def as_of_dates(first: dt.date, last: dt.date, *, step_months: int) -> list[dt.date]:
    """Dates from `first` to `last`, both inclusive, `step_months` apart; a day that a month lacks is its last."""
    if last < first:
        raise InvalidInput(f"--from {first} lies after --to {last}.", remedy="Turn them around.")
    dates: list[dt.date] = []
    while (day := add_months(first, step_months * len(dates))) <= last:
        dates.append(day)
    return dates


def newest_date(coverage: Coverage, *, horizon_days: int) -> dt.date:
    """The newest date whose window of `horizon_days` is closed; months back from there where a gap opens it.

    Raises InvalidInput where there is none.
    """
    horizon = dt.timedelta(days=horizon_days)
    last = coverage.last + dt.timedelta(days=1) - horizon
    day = last
    while day > coverage.first:
        if coverage.why_open(day, day + horizon) is None:
            return day
        day = add_months(day, -1)
    raise _none_closed(coverage, horizon, f"No date has a closed window of {horizon_days} days.")


def closed_dates(
    dates: Sequence[dt.date], coverage: Coverage, *, horizon_days: int
) -> tuple[list[dt.date], dict[dt.date, str]]:
    """The dates whose windows of `horizon_days` are closed in the data, and why the others are not.

    Raises InvalidInput where none is: it says which dates the data would allow.
    """
    horizon = dt.timedelta(days=horizon_days)
    why = {day: reason for day in dates if (reason := _why_not(day, day + horizon, coverage))}
    closed = [day for day in dates if day not in why]
    if closed:
        return closed, why
    raise _none_closed(
        coverage,
        horizon,
        f"No date from {dates[0]} to {dates[-1]} has a closed window of {horizon_days} days: "
        f"on {dates[0]} {why[dates[0]]}.",
    )


def closed_markets(coverages: Mapping[str, Coverage], day: dt.date, *, horizon_days: int) -> tuple[str, ...]:
    """The markets whose own sales close the window of `horizon_days` after `day`."""
    end = day + dt.timedelta(days=horizon_days)
    return tuple(market for market, coverage in coverages.items() if _why_not(day, end, coverage) is None)


def _none_closed(coverage: Coverage, horizon: dt.timedelta, what: str) -> InvalidInput:
    first, last = coverage.first + dt.timedelta(days=1), coverage.last + dt.timedelta(days=1) - horizon
    return InvalidInput(
        f"{what} The sales reach from {coverage.first} to {coverage.last}.",
        remedy=f"Choose dates from {first} to {last}, or a shorter --horizon-days."
        if first <= last
        else "Choose a shorter --horizon-days, or bring a longer history.",
    )


def _why_not(day: dt.date, end: dt.date, coverage: Coverage) -> str | None:
    if day <= coverage.first:
        return f"the sales begin {coverage.first}"
    return coverage.why_open(day, end)


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _next_month(month: dt.date) -> dt.date:
    return add_months(month, 1)
