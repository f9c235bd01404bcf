"""Which market a name means, and the sales that the lake knows of it."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.backtest.market_sales import MarketName, read_market_name, read_market_sales
from leadflow_pipelines.contracts import PROPERTY_LINKS, PROPERTY_RECORDS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake

DAY = dt.date(2026, 11, 20)
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "market"),
    [
        ("all", MarketName("all")),
        ("37206, 37207", MarketName("37206,37207", zips=("37206", "37207"))),
        ("zip:47037", MarketName("zip:47037", zips=("47037",))),
        ("county:47037", MarketName("county:47037", county_fips="47037")),
        ("47037", MarketName("47037", zips=("47037",), county_fips="47037")),
        ("Davidson, TN", MarketName("Davidson, TN", county_fips="47037")),
        ("davidson county, tn", MarketName("davidson county, TN", county_fips="47037")),
    ],
)
def test_a_market_is_a_county_zips_or_all(text: str, market: MarketName) -> None:
    assert read_market_name(text) == market


@pytest.mark.parametrize("text", ["", "Nashville", "Nowhere, TN", "county:37206,37207", "3720", "street:37206"])
def test_a_name_of_no_market_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_market_name(text)
    assert "ZIPs" in str(refused.value.remedy)


def a_lake(folder: Path, rows: list[dict[str, object]]) -> Lake:
    """A lake with these records, each linked to the property it names."""
    lake = Lake(str(folder / "lake"))
    given = pl.DataFrame(rows, infer_schema_length=None).with_row_index("n")
    records = PROPERTY_RECORDS.conform(
        given.with_columns(
            pl.format("r{}", "n").alias("record_id"),
            pl.lit("county").alias("source"),
            pl.lit("pull").alias("pull_id"),
            pl.lit(DAY).alias("day"),
            pl.lit(NOON).alias("observed_at") - pl.duration(days=pl.lit(100) - pl.col("n")),
            pl.lit("record").alias("located_by"),
        )
    )
    lake.replace(PROPERTY_RECORDS, records, day=DAY)
    links = PROPERTY_LINKS.conform(
        records.select("record_id", "zip", property_id=given["property"], linked_on=pl.lit(DAY))
    )
    prefixes = links["zip"].str.head(3).unique().to_list()
    lake.update(PROPERTY_LINKS, {"zip_prefix": prefixes}, lambda _present: links)
    return lake


def sale(property_: str, day: str | None, cents: int, *, zip_: str = "37206", fips: str = "47037") -> dict[str, object]:
    return {
        "property": property_, "zip": zip_, "county_fips": fips, "sale_price_cents": cents,
        "sale_date": dt.date.fromisoformat(day) if day else None, "address_raw": "1 INVENTED ST",
    }  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return a_lake(
        tmp_path,
        [
            sale("A", "2020-01-01", 100),
            sale("A", "2020-01-01", 100),  # another source tells the same sale
            sale("A", "2021-01-01", 200),
            sale("B", None, 300),
            sale("C", "2021-05-01", 400, zip_="37207"),
            sale("D", "2021-06-01", 500, zip_="47037", fips="18137"),
        ],
    )


def sales_of(lake: Lake, name: str) -> list[tuple[str, int]]:
    frame = read_market_sales(lake, read_market_name(name), day=DAY)
    return sorted(frame.select("parcel_id", "sale_price_cents").iter_rows())


def test_a_sale_told_twice_is_one_and_a_record_without_a_date_is_none(lake: Lake) -> None:
    assert sales_of(lake, "37206") == [("A", 100), ("A", 200)]


def test_a_county_holds_its_zips_and_all_holds_everything(lake: Lake) -> None:
    assert sales_of(lake, "Davidson, TN") == [("A", 100), ("A", 200), ("C", 400)]
    assert sales_of(lake, "all") == [("A", 100), ("A", 200), ("C", 400), ("D", 500)]
    assert read_market_sales(lake, read_market_name("all"), day=DAY)["market"].n_unique() == 2


def test_five_digits_that_are_both_are_the_county_the_lake_knows(lake: Lake) -> None:
    assert sales_of(lake, "47037") == [("A", 100), ("A", 200), ("C", 400)]
    assert sales_of(lake, "zip:47037") == [("D", 500)]
    assert sales_of(lake, "37207") == [("C", 400)]


def test_an_unknown_market_is_told_which_there_are(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        sales_of(lake, "99999")
    assert "47037" in str(refused.value.remedy)
    with pytest.raises(InvalidInput, match="holds no sale"):
        sales_of(Lake(str(tmp_path / "empty")), "all")
