"""`leadflow backtest` as an analyst meets it: files of any layout, the lake's markets, reports, errors.

Stand-ins take the place of the models, so that the command itself is what is tested, in seconds.
"""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest
from openpyxl import Workbook

from leadflow_pipelines.contracts.backtest import BACKTEST_SCORES, BACKTEST_VALUES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.settings import get_settings
from tests.commands import Finished, leadflow_here
from tests.invented_sales import invent_sales
from tests.stand_in_models import stand_ins

DATES = ("--from", "2021-01", "--to", "2021-07", "--step", "6")


@pytest.fixture(scope="module", autouse=True)
def _quick_models() -> Iterator[None]:
    # The package's own name `run_backtest` is the function, so the module is found where Python keeps it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["leadflow_pipelines.backtest.run_backtest"], "product_models", stand_ins)
        yield


@pytest.fixture(scope="module")
def org(database: Database) -> str:
    slug = f"t{uuid4().hex[:12]}"
    create_org(database, slug, is_simulated=True)
    return slug


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented sales: in the fixed shape, and as two counties would publish them."""
    folder = tmp_path_factory.mktemp("sales")
    sales = invent_sales(900)
    sales.drop("market").write_csv(folder / "fixed.csv")
    county = sales.select(
        pl.col("parcel_id").alias("Parcel ID"),
        pl.col("address").alias("Property Address"),
        pl.col("zip5").alias("Zip Code"),
        pl.lit("TN").alias("State"),
        pl.col("neighborhood").alias("Neighborhood"),
        pl.col("land_use").alias("Land Use"),
        pl.col("living_sqft").cast(pl.Int64).alias("Finished Area"),
        pl.col("sale_date").dt.strftime("%m/%d/%Y").alias("Sale Date"),
        pl.format("${}", (pl.col("sale_price_cents") / 100).round(2)).alias("Sale Price"),
        pl.col("market").alias("County FIPS"),
    )
    county.write_csv(folder / "county.csv")
    book = Workbook()
    for row in (county.columns, *county.rows()):
        book.active.append(row)
    book.save(folder / "county.xlsx")
    return folder


def backtest(*arguments: str) -> Finished:
    return leadflow_here("backtest", *arguments)


@pytest.fixture(scope="module")
def of_file(folder: Path, org: str) -> Finished:
    finished = backtest("--sales", str(folder / "fixed.csv"), *DATES, "--org", org, "--json")
    assert finished.exit_code == 0, finished.err
    return finished


def figures(finished: Finished, model: str = "leadflow") -> dict[str, float]:
    (row,) = (
        row
        for row in finished.json["scores"]
        if row["as_of"] is None and row["segment"] == "all" and row["model"] == model
    )
    return {name: row[name] for name in ("homes", "sold", "auc", "lift_5")}


def test_json_is_one_line_and_progress_is_elsewhere(of_file: Finished) -> None:
    assert of_file.json["dates"] == ["2021-01-01", "2021-07-01"]
    assert of_file.json["market"] == "fixed"
    assert of_file.json["canary"] == {"as_of": "2021-01-01", "same_scores": True, "same_values": True}
    assert "1/2" in of_file.err
    assert "homes scored" in of_file.err


def test_the_same_sales_in_any_layout_come_to_the_same(of_file: Finished, folder: Path) -> None:
    for name in ("county.csv", "county.xlsx"):
        other = backtest("--sales", str(folder / name), *DATES, "--no-store", "--json")
        assert other.exit_code == 0, other.err
        assert figures(other) == pytest.approx(figures(of_file), abs=0.01), name
    assert figures(of_file)["auc"] > 0.6


def test_without_dates_the_newest_ones_that_the_sales_close_are_judged(folder: Path) -> None:
    newest = backtest("--sales", str(folder / "fixed.csv"), "--step", "6", "--no-store", "--json").json
    ends = [dt.date.fromisoformat(newest[name]) for name in ("from", "to")]
    assert ends[1] + dt.timedelta(days=364) == dt.date.fromisoformat(newest["last_sale"])
    assert [dt.date.fromisoformat(day) for day in newest["dates"]][0 :: len(newest["dates"]) - 1] == ends


def test_a_file_given_twice_counts_once(of_file: Finished, folder: Path) -> None:
    twice = [part for _ in range(2) for part in ("--sales", str(folder / "fixed.csv"))]
    again = backtest(*twice, *DATES, "--no-store", "--json")
    assert figures(again) == figures(of_file)


def test_the_terminal_shows_tables_of_eighty_columns(folder: Path) -> None:
    shown = backtest("--sales", str(folder / "fixed.csv"), "--market", "Invented", *DATES, "--no-store")
    assert shown.exit_code == 0, shown.err
    lines = shown.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("LeadFlow") and "(" in line for line in lines), "an interval fits its line"
    assert any(line.startswith("cheapest") for line in lines)
    for title in ("Who sells: every home known", "owned a year or more", "What it is worth", "What this cannot say"):
        assert title in shown.out


def test_the_figures_are_kept_in_the_lake_and_the_report_in_its_file(folder: Path, org: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    arguments = ("--sales", str(folder / "fixed.csv"), "--market", "kept", *DATES, "--org", org, "--json")
    finished = backtest(*arguments, "--report", str(page))
    lake = open_lake(get_settings(), org)
    kept = lake.read(BACKTEST_SCORES, where=pl.col("market") == "kept")
    assert finished.json["stored"]["backtest_scores"] == kept.height > 0
    assert lake.read(BACKTEST_VALUES, where=pl.col("market") == "kept").height > 0
    assert page.read_text().startswith("<!doctype html>")
    assert finished.json["report"] == str(page)


def test_a_market_of_the_lake_needs_no_file(folder: Path, org: str, of_file: Finished) -> None:
    imported = leadflow_here("import", str(folder / "county.csv"), "--source", "invented", "--org", org, "--json")
    assert imported.exit_code == 0, imported.err
    whole = backtest("--market", "all", *DATES, "--org", org, "--json")
    assert whole.exit_code == 0, whole.err
    assert figures(whole) == pytest.approx(figures(of_file), abs=0.02)
    county = backtest("--market", "Davidson, TN", *DATES, "--org", org, "--no-store", "--json")
    assert 0 < figures(county)["homes"] < figures(whole)["homes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2021-07", "--to", "2021-01"), "lies after"),
        (("--from", "2021-13", "--to", "2021-01"), "is not a date"),
        (("--from", "2022-06", "--to", "2022-12"), "the sales end 2022-12"),
        (("--from", "2019-01-07", "--to", "2019-01-07"), "sales lie before it"),
        (("--from", "2021-01", "--to", "2021-07", "--horizon-days", "0"), "horizon"),
        (("--from", "2021-01", "--to", "2021-07", "--without", "colour"), "no column colour"),
    ],
)
def test_what_cannot_be_done_is_said_and_fails(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    finished = backtest("--sales", str(folder / "fixed.csv"), "--no-store", *arguments)
    assert finished.exit_code == 1
    assert said in " ".join(finished.err.split())
    assert "What to do" in finished.err
    assert finished.out == ""


def test_a_file_without_dates_names_the_way_to_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "roll.csv"
    path.write_text("Parcel ID,Property Address\nP-1,1 INVENTED ST\nP-2,2 INVENTED ST\n")
    finished = backtest("--sales", str(path), "--no-store", *DATES)
    assert finished.exit_code == 1
    assert "--show-mapping" in finished.err


def test_a_mapping_says_what_the_words_do_not(folder: Path, tmp_path: Path, of_file: Finished) -> None:
    odd = tmp_path / "odd.csv"
    names = {"parcel_id": "k1", "address": "k2", "zip5": "k3", "neighborhood": "k4", "living_sqft": "k5"}
    pl.read_csv(folder / "fixed.csv").rename({**names, "sale_date": "k6", "sale_price_cents": "k7"}).write_csv(odd)
    mapping = tmp_path / "odd.yaml"
    mapping.write_text(
        "columns:\n  parcel_number: k1\n  address: k2\n  zip: k3\n  neighborhood: k4\n  living_sqft: k5\n"
        "  sale_date: k6\n  sale_price_cents: {column: k7, transform: cents}\n  land_use: land_use\n"
    )
    finished = backtest("--sales", str(odd), "--mapping", str(mapping), *DATES, "--no-store", "--json")
    assert finished.exit_code == 0, finished.err
    assert figures(finished) == pytest.approx(figures(of_file), abs=0.01)


def test_which_market_is_asked_where_nothing_says() -> None:
    finished = backtest(*DATES)
    assert finished.exit_code == 1
    assert "--sales" in finished.err


def test_help_teaches_by_example() -> None:
    finished = backtest("--help")
    assert finished.exit_code == 0
    for word in ("--horizon-days", "--without", "Examples", "only the sales before it"):
        assert word in finished.out


def test_json_holds_no_number_that_is_none(of_file: Finished) -> None:
    assert "NaN" not in json.dumps(of_file.json)
