"""What span a file's sales cover, and which dates can be judged on it."""

import datetime as dt

import polars as pl
import pytest

from leadflow_pipelines.backtest.windows import as_of_dates, closed_dates, find_coverage, newest_date
from leadflow_pipelines.errors import InvalidInput


def monthly(first: dt.date, months: int, *, each: int = 100, without: tuple[dt.date, ...] = ()) -> list[dt.date]:
    """`each` sales in every month, on days 1 to 28."""
    starts = pl.date_range(first, pl.select(pl.lit(first).dt.offset_by(f"{months - 1}mo")).item(), "1mo", eager=True)
    return [day + dt.timedelta(days=number % 28) for day in starts if day not in without for number in range(each)]


def test_two_dates_years_after_the_last_sale_are_no_coverage() -> None:
    dates = [*monthly(dt.date(2013, 1, 1), 46), dt.date(2019, 5, 3), dt.date(2019, 12, 13)]
    cover = find_coverage(pl.Series(dates))
    assert (cover.first, cover.last, cover.strays) == (dt.date(2013, 1, 1), dt.date(2016, 10, 28), 2)
    assert cover.gaps == ()


def test_a_hundred_single_sales_of_other_years_do_not_move_what_is_usual() -> None:
    early = [dt.date(1900 + number, 1, 1) for number in range(100)]
    cover = find_coverage(pl.Series([*early, *monthly(dt.date(2013, 1, 1), 12)]))
    assert cover.first == dt.date(2013, 1, 1)
    assert cover.strays == 100


def test_a_small_county_covers_every_month_it_has_a_sale_in() -> None:
    cover = find_coverage(pl.Series(monthly(dt.date(2013, 1, 1), 24, each=2, without=(dt.date(2013, 5, 1),))))
    assert cover.gaps == ()
    assert cover.strays == 0


def test_a_window_over_a_missing_month_is_open() -> None:
    dates = monthly(dt.date(2013, 1, 1), 36, without=(dt.date(2014, 5, 1),))
    cover = find_coverage(pl.Series(dates))
    assert cover.gaps == (dt.date(2014, 5, 1),)
    assert cover.why_open(dt.date(2014, 1, 1), dt.date(2014, 12, 1)) == "the sales lack 2014-05"
    assert cover.why_open(dt.date(2014, 6, 1), dt.date(2014, 12, 1)) is None


def test_a_window_is_closed_by_the_last_day_and_not_a_day_earlier() -> None:
    cover = find_coverage(pl.Series(monthly(dt.date(2013, 1, 1), 24)))
    assert cover.last == dt.date(2014, 12, 28)
    assert cover.why_open(dt.date(2014, 1, 1), dt.date(2014, 12, 29)) is None
    assert cover.why_open(dt.date(2014, 1, 1), dt.date(2014, 12, 30)) == (
        "its window ends 2014-12-29, the sales end 2014-12-28"
    )


def test_no_date_at_all_is_said() -> None:
    with pytest.raises(InvalidInput, match="No sale has a date"):
        find_coverage(pl.Series([None], dtype=pl.Date))


def test_dates_step_by_months_and_keep_to_the_end_of_short_ones() -> None:
    assert as_of_dates(dt.date(2015, 10, 31), dt.date(2016, 2, 29), step_months=1) == [
        dt.date(2015, 10, 31),
        dt.date(2015, 11, 30),
        dt.date(2015, 12, 31),
        dt.date(2016, 1, 31),
        dt.date(2016, 2, 29),
    ]


def test_dates_turned_around_are_refused() -> None:
    with pytest.raises(InvalidInput, match="lies after"):
        as_of_dates(dt.date(2016, 1, 1), dt.date(2015, 1, 1), step_months=3)


def test_only_closed_dates_count_and_the_others_say_why() -> None:
    cover = find_coverage(pl.Series(monthly(dt.date(2013, 1, 1), 36)))
    dates = [dt.date(2013, 1, 1), dt.date(2014, 1, 1), dt.date(2015, 6, 1)]
    closed, why = closed_dates(dates, cover, horizon_days=365)
    assert closed == [dt.date(2014, 1, 1)]
    assert why[dt.date(2013, 1, 1)] == "the sales begin 2013-01-01"
    assert "the sales end 2015-12-28" in why[dt.date(2015, 6, 1)]


def test_no_closed_date_names_those_that_would_be() -> None:
    cover = find_coverage(pl.Series(monthly(dt.date(2013, 1, 1), 36)))
    with pytest.raises(InvalidInput, match="No date from 2015-06-01") as refused:
        closed_dates([dt.date(2015, 6, 1)], cover, horizon_days=365)
    assert refused.value.remedy == "Choose dates from 2013-01-02 to 2014-12-29, or a shorter --horizon-days."
    with pytest.raises(InvalidInput) as hopeless:
        closed_dates([dt.date(2015, 6, 1)], cover, horizon_days=3_000)
    assert "longer history" in str(hopeless.value.remedy)


def test_the_newest_closed_date_lies_a_window_before_the_end_and_before_a_gap() -> None:
    whole = find_coverage(pl.Series(monthly(dt.date(2013, 1, 1), 36)))
    assert whole.last == dt.date(2015, 12, 28)
    assert newest_date(whole, horizon_days=365) == dt.date(2014, 12, 29)
    holed = find_coverage(
        pl.Series([day for day in monthly(dt.date(2013, 1, 1), 36) if (day.year, day.month) != (2015, 3)])
    )
    assert newest_date(holed, horizon_days=365) == dt.date(2014, 2, 28)
    with pytest.raises(InvalidInput, match="No date has a closed window of 3000 days"):
        newest_date(whole, horizon_days=3_000)
