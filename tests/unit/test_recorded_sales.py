"""The sales of a lake: each once, whatever sources tell of it, with place and building."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.record_store import write_records
from leadflow_pipelines.properties.recorded_sales import properties_on_record, recorded_sales
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from leadflow_pipelines.sales_history import SALES_SCHEMA

DAY = dt.date(2026, 11, 20)
HOME = {"address": "12 QUILLFEATHER ST", "city": "NASHVILLE", "state": "TN", "zip": "37206"}
OTHER = {**HOME, "address": "14 QUILLFEATHER ST"}
AWAY = {**HOME, "address": "90 HOLLOWMERE LN", "zip": "37013"}


def sale(home: dict[str, str], date: str, dollars: int | None, **more: Any) -> dict[str, Any]:
    cents = None if dollars is None else dollars * 100
    return {**home, "sale_date": dt.date.fromisoformat(date), "sale_price_cents": cents, **more}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def store(lake: Lake, rows: list[dict[str, Any]], *, source: str = "county", day: dt.date = DAY) -> None:
    numbered = [{"row_number": number, **row} for number, row in enumerate(rows, start=1)]
    frame = pl.DataFrame(numbered, infer_schema_length=None)
    records = build_records(frame, source=source, pull_id=source, day=day)
    write_records(lake, records, source=source, pull_ids=[source], day=day)
    refresh_properties(lake, zips=["37206", "37013"], day=day)


def told(lake: Lake, day: dt.date = DAY) -> list[tuple[str, str, int | None]]:
    sales = recorded_sales(lake, day=day)
    rows = sales.select(pl.col("address").str.split(",").list.first(), "sale_date", "sale_price_cents")
    return sorted((address, str(date), None if cents is None else cents // 100) for address, date, cents in rows.rows())


def test_each_sale_of_a_property_is_a_row(lake: Lake) -> None:
    store(lake, [sale(HOME, "2014-03-01", 90_000), sale(HOME, "2016-05-02", 150_000), sale(AWAY, "2015-01-09", 70_000)])
    assert told(lake) == [
        ("12 QUILLFEATHER ST", "2014-03-01", 90_000),
        ("12 QUILLFEATHER ST", "2016-05-02", 150_000),
        ("90 HOLLOWMERE LN", "2015-01-09", 70_000),
    ]
    sales = recorded_sales(lake, day=DAY)
    assert sales.drop("zip", "county_fips").schema == SALES_SCHEMA
    assert sales["parcel_id"].n_unique() == 2


def test_sales_and_properties_carry_the_assessors_number_beside_the_property_id(lake: Lake) -> None:
    numbered = {"county_fips": "47037", "parcel_number": "091 07 0 258.00"}
    store(lake, [sale({**HOME, **numbered}, "2014-03-01", 90_000), sale(AWAY, "2015-01-09", 70_000)])
    for frame in (recorded_sales(lake, day=DAY), properties_on_record(lake, day=DAY)):
        numbers = dict(frame.select(pl.col("address").str.split(",").list.first(), "parcel_number").rows())
        assert numbers["12 QUILLFEATHER ST"].replace(" ", "").replace(".", "") == "09107025800"
        assert numbers["90 HOLLOWMERE LN"] is None, "a property_id tells no place"


def test_one_sale_of_several_sources_is_one_row_and_its_price_is_kept(lake: Lake) -> None:
    store(lake, [sale(HOME, "2016-05-02", None)])
    store(lake, [sale(HOME, "2016-05-02", 150_000)], source="attom")
    store(lake, [sale(HOME, "2016-06-11", 150_000)], source="rentcast")
    assert told(lake) == [("12 QUILLFEATHER ST", "2016-05-02", 150_000)]


def test_the_same_price_years_later_is_another_sale(lake: Lake) -> None:
    store(lake, [sale(HOME, "2014-05-02", 150_000), sale(HOME, "2016-05-02", 150_000)])
    assert [date for _, date, _ in told(lake)] == ["2014-05-02", "2016-05-02"]


def test_what_a_record_leaves_out_the_property_tells(lake: Lake) -> None:
    store(lake, [sale(HOME, "2014-03-01", 90_000), {**OTHER, "beds": 2.0}])
    store(lake, [{**HOME, "beds": 3.0, "neighborhood": "Maple Hill", "living_sqft": 1_200}], source="roll")
    (row,) = recorded_sales(lake, day=DAY).select("beds", "neighborhood", "living_sqft", "zip5", "zip").rows()
    assert row == (3.0, "Maple Hill", 1_200.0, "37206", "37206")


def test_records_of_later_days_and_other_markets_are_not_told(lake: Lake) -> None:
    store(lake, [sale(HOME, "2014-03-01", 90_000), sale(AWAY, "2014-03-01", 80_000)], day=DAY - dt.timedelta(days=3))
    store(lake, [sale(OTHER, "2015-03-01", 99_000)], source="late")
    assert [address for address, _, _ in told(lake, DAY - dt.timedelta(days=1))] == [
        "12 QUILLFEATHER ST",
        "90 HOLLOWMERE LN",
    ]
    assert recorded_sales(lake, day=DAY, zips=["37013"]).height == 1
    assert recorded_sales(lake, day=DAY, county_fips="47037").height == 3
    assert recorded_sales(lake, day=DAY, county_fips="47001").is_empty()


def test_subjects_are_the_properties_without_their_own_sale(lake: Lake) -> None:
    store(lake, [sale(HOME, "2014-03-01", 90_000, beds=3.0), dict(AWAY)])
    subjects = properties_on_record(lake, day=DAY)
    assert subjects["beds"].to_list().count(3.0) == 1
    assert subjects["sale_date"].null_count() == subjects.height == 2
    assert set(subjects["parcel_id"]) >= set(recorded_sales(lake, day=DAY)["parcel_id"])


def test_an_empty_lake_has_no_sales(lake: Lake) -> None:
    assert recorded_sales(lake, day=DAY).is_empty()
    assert properties_on_record(lake, day=DAY).is_empty()
