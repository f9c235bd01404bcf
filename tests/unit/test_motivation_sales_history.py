"""Recorded sales in the fixed shape: what is read, refused, judged a market sale, and gathered into areas."""

from datetime import date, datetime

import polars as pl
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import (
    SALES_SCHEMA,
    arms_length,
    learn_market_areas,
    market_sales,
    read_sales,
    read_subjects,
)


def deeds(**columns: list[object]) -> pl.DataFrame:
    return read_sales(pl.DataFrame(columns))


@pytest.mark.parametrize(
    "written",
    ["2016-04-09", "2016-04-09 00:00:00", "2016-04-09T00:00:00Z", "04/09/2016", "April 9, 2016", "9 Apr 2016"],
)
def test_dates_are_read_in_every_common_form(written: str) -> None:
    assert deeds(sale_date=[written])["sale_date"].to_list() == [date(2016, 4, 9)]


def test_instants_become_days() -> None:
    assert deeds(sale_date=[datetime(2016, 4, 9, 23, 59)])["sale_date"].to_list() == [date(2016, 4, 9)]  # noqa: DTZ001


def test_the_shape_is_whole_and_rows_stay() -> None:
    read = deeds(parcel_id=[7.0, None, 8.5], year_built=[0, 1950, None], zip5=["N/A", "37201", ""])
    assert dict(read.schema) == SALES_SCHEMA
    assert read["parcel_id"].to_list() == ["7", None, "8.5"]
    assert read["year_built"].to_list() == [None, 1950.0, None]
    assert read["zip5"].to_list() == [None, "37201", None]


def test_every_unreadable_column_is_named_at_once() -> None:
    with pytest.raises(InvalidInput, match=r"year_built.*row 2 holds 'old'.*sale_date.*row 1 holds 'soon'"):
        deeds(sale_date=["soon", "2016-01-01"], year_built=["1950", "old"])


def test_positions_off_the_globe_are_not_known() -> None:
    read = deeds(lat=[36.1, 0.0, 91.0], lon=[-86.7, 0.0, 10.0])
    assert read["lat"].to_list() == [36.1, None, None]
    assert read["lon"].to_list() == [-86.7, None, None]


def test_a_subjects_own_sale_is_null_even_where_unreadable() -> None:
    subjects = read_subjects(pl.DataFrame({"parcel_id": ["a"], "sale_date": ["soon"], "sale_price_cents": [5]}))
    assert subjects.select("sale_date", "sale_price_cents").row(0) == (None, None)


def test_what_is_no_market_sale_says_why() -> None:
    day = "2016-01-05"
    judged = arms_length(
        deeds(
            parcel_id=["a", "b", "c", "d", "d", "e", "f1", "f2", "f3", "g"],
            neighborhood=["N"] * 10,
            sale_date=[day, day, day, day, day, None, "2016-02-01", "2016-02-01", "2016-02-01", day],
            sale_price_cents=[0, 10_00, 200_000_00, 90_000_00, 90_000_00, 5_000_000, *[700_000_00] * 3, 80_000_00],
            deed_type=[*["WARRANTY DEED"] * 9, "QUIT CLAIM"],
        )
    )
    several = ["several_parcels"] * 3
    expected = ["no_price", "nominal_price", "market", "market", "repeated", "undated", *several, "not_market_deed"]
    assert judged["sale_kind"].to_list() == expected
    assert judged["parcels_of_deed"].to_list()[6:9] == [3, 3, 3]


def test_equal_prices_of_strangers_are_two_sales() -> None:
    pair = deeds(
        parcel_id=["a", "b"],
        address=["1 Elm St, TOWN", "9 Oak Ave, TOWN"],
        sale_date=["2016-01-05"] * 2,
        sale_price_cents=[200_000_00] * 2,
    )
    assert market_sales(pair).height == 2


def test_equal_prices_on_one_street_and_day_are_one_deed() -> None:
    pair = deeds(
        parcel_id=["a", "b"],
        address=["1 Elm St, TOWN", "3 Elm St, TOWN"],
        sale_date=["2016-01-05"] * 2,
        sale_price_cents=[200_000_00] * 2,
    )
    assert market_sales(pair).height == 0


def test_areas_fall_back_from_neighbourhood_to_zip_to_city() -> None:
    history = deeds(neighborhood=["ELMS"] * 40 + ["TINY"] * 2 + [None] * 40, zip5=[None] * 40 + ["37202"] * 42)
    areas = learn_market_areas(history)
    asked = deeds(neighborhood=["Elms", "TINY", None, "TINY"], zip5=["37202", "37202", None, "99999"])
    assert areas.assign(asked).to_list() == ["neighborhood:ELMS", "zip5:37202", "city", "city"]


def test_the_front_of_the_assessors_number_names_an_area_whatever_the_identity() -> None:
    numbers = [f"{book} {place:03d}" for book in ("0A7", "0B2") for place in range(100)]
    plain = deeds(parcel_id=numbers)
    hashed = deeds(parcel_id=[f"p_{abs(hash(number)):x}" for number in numbers], parcel_number=numbers)
    areas = learn_market_areas(plain).assign(plain)
    assert areas.n_unique() == 2
    assert learn_market_areas(hashed).assign(hashed).equals(areas)
    unnumbered = hashed.with_columns(pl.lit(None, pl.String).alias("parcel_number"))
    assert set(learn_market_areas(unnumbered).assign(unnumbered)) == {"city"}, "an identity alone tells no place"
