"""Values as counties write them: money, dates, ZIPs, states, flags."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadflow_pipelines.source_rows.parse_dates import parse_dates
from leadflow_pipelines.source_rows.transforms import parse_flag, parse_money, parse_state, parse_zip


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("$1,234.50", 123450),
        ("(1,234)", -123400),
        ("$(1,234.00)", None),
        ("-$5", -500),
        ("1234-", -123400),
        ("1234", 123400),
        ("USD 12.5", 1250),
        ("1.2E+06", 120000000),
        (".5", 50),
        ("0", 0),
        ("1.234,50", None),
        ("12,34", None),
        ("12 OAK", None),
        ("$", None),
        ("", None),
    ],
)
def test_money_as_counties_write_it(text: str, cents: int | None) -> None:
    assert parse_money(pl.Series([text])).to_list() == [cents]


@given(st.integers(0, 10**13), st.booleans(), st.booleans(), st.booleans())
def test_money_survives_every_way_of_writing_it(cents: int, sign: bool, commas: bool, negative: bool) -> None:
    text = f"{cents // 100:,}.{cents % 100:02d}" if commas else f"{cents // 100}.{cents % 100:02d}"
    text = f"${text}" if sign else text
    text = f"({text})" if negative else text
    assert parse_money(pl.Series([text])).to_list() == [-cents if negative else cents]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("April 9, 2013", date(2013, 4, 9)),
        ("20 Mar 2018", date(2018, 3, 20)),
        ("2019-04-05 00:00:00", date(2019, 4, 5)),
        ("2019-04-05T10:00:00Z", date(2019, 4, 5)),
        ("4/5/2019 12:00:00 AM", date(2019, 4, 5)),
        ("04/05/19", date(2019, 4, 5)),
        ("05-JAN-1998", date(1998, 1, 5)),
        ("Sept. 3rd, 2015", date(2015, 9, 3)),
        ("20190405", date(2019, 4, 5)),
        ("04052019", date(2019, 4, 5)),
        ("1554422400", date(2019, 4, 5)),
        ("1554422400000", date(2019, 4, 5)),
        ("43560", date(2019, 4, 5)),
        ("43560.5", date(2019, 4, 5)),
        ("10:00 a.m. on Tuesday, February 3, 2026", date(2026, 2, 3)),
        ("2/30/2019", None),
        ("2019", None),
        ("soon", None),
    ],
)
def test_dates_as_counties_write_them(text: str, day: date | None) -> None:
    assert parse_dates(pl.Series([text])).to_list() == [day]


FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%m-%d-%Y", "%B %d, %Y", "%b %d %Y", "%d %b %Y", "%d-%b-%Y", "%Y%m%d",
    "%Y-%m-%d %H:%M:%S", "%A, %B %d, %Y",
)  # fmt: skip


@given(st.dates(date(1901, 1, 1), date(2099, 12, 31)), st.sampled_from(FORMATS))
@example(date(2000, 2, 29), "%d %b %Y")
def test_a_date_survives_every_format(day: date, form: str) -> None:
    assert parse_dates(pl.Series([day.strftime(form)]), day_first=False).to_list() == [day]


@given(st.dates(date(1930, 1, 1), date(2099, 12, 31)))
def test_serials_and_epochs_name_their_day(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    seconds = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    assert parse_dates(pl.Series([str(serial), f"{serial}.75"])).to_list() == [day, day]
    if len(str(abs(seconds))) in (9, 10):
        assert parse_dates(pl.Series([str(seconds), str(seconds * 1000)])).to_list() == [day, day]


def test_day_first_is_read_only_where_the_column_proves_it() -> None:
    assert parse_dates(pl.Series(["4/5/2019", "6/5/2019"])).to_list() == [date(2019, 4, 5), date(2019, 6, 5)]
    assert parse_dates(pl.Series(["4/5/2019", "25/5/2019"])).to_list() == [date(2019, 5, 4), date(2019, 5, 25)]
    mixed = parse_dates(pl.Series(["4/5/2019", "25/5/2019", "5/25/2019"])).to_list()
    assert mixed == [date(2019, 4, 5), date(2019, 5, 25), date(2019, 5, 25)]


def test_zips_states_and_flags() -> None:
    zips = parse_zip(pl.Series(["37201", "37201-1234", "372011234", "2139", "37201.0", "00000", "N/A", "3720"]))
    assert zips.to_list() == ["37201", "37201-1234", "37201-1234", "02139", "37201", None, None, "03720"]
    assert parse_state(pl.Series(["tn", "Tennessee", "N.Y.", "XX"])).to_list() == ["TN", "TN", None, None]
    flags = parse_flag(pl.Series(["Yes", "N", "y", "No", "1", "false", "maybe"]))
    assert flags.to_list() == [True, False, True, False, True, False, None]
