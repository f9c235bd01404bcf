"""What people read of a backtest: the page, the Markdown, the tables of the lake."""

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from leadflow_pipelines.backtest import Backtest, BacktestPlan, run_backtest
from leadflow_pipelines.backtest.report import to_html
from leadflow_pipelines.backtest.store_backtest import backtest_tables, store_backtest
from leadflow_pipelines.backtest.summary import headline, summary_tables, to_markdown
from leadflow_pipelines.contracts.backtest import BACKTEST_SCORES, BACKTEST_TABLES, BACKTEST_VALUES
from leadflow_pipelines.errors import ContractBroken
from leadflow_pipelines.lake import Lake
from tests.invented_sales import invent_sales
from tests.stand_in_models import oracle, stand_ins

DAY = dt.date(2026, 11, 22)
NAME = '<script>alert("x")</script> & Sons'


@pytest.fixture(scope="module")
def result() -> Backtest:
    plan = BacktestPlan(NAME, dt.date(2021, 1, 1), dt.date(2021, 7, 1), step_months=6, rounds=20)
    return run_backtest(invent_sales(), plan, models=stand_ins())


class Page(HTMLParser):
    """Tags, what they would fetch, and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "xlink:href", "data")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_asks_nothing_of_the_network_and_runs_nothing(result: Backtest) -> None:
    html = to_html(result)
    page = Page(html)
    assert page.fetched == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not re.search(r"url\(|@import|https?://", html)
    assert NAME in page.text


def test_the_page_shows_each_chart_and_what_it_cannot_say(result: Backtest) -> None:
    html = to_html(result)
    charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    labels = [ElementTree.fromstring(chart).get("aria-label") for chart in charts]
    assert labels == [
        "Lift by share of homes",
        "Calibration",
        "AUC by date",
        "Median error of values by third of price",
        "Coverage by month",
    ]
    text = Page(html).text
    for said in ("LightGBM", "Years owned", "Neighbourhood median", "owned a year or more", *result.notes):
        assert said in text


def test_every_mark_of_a_chart_lies_inside_it(result: Backtest) -> None:
    for chart in re.findall(r"<svg.*?</svg>", to_html(result), re.DOTALL):
        root = ElementTree.fromstring(chart)
        *_, width, height = map(float, str(root.get("viewBox")).split())
        for mark in root:
            for name, most in (
                ("cx", width),
                ("cy", height),
                ("x1", width),
                ("y2", height),
                ("x", width),
                ("y", height),
            ):
                if mark.get(name) is not None:
                    assert 0 <= float(str(mark.get(name))) <= most
            for pair in (mark.get("points") or "").split():
                across, down = map(float, pair.split(","))
                assert 0 <= across <= width
                assert 0 <= down <= height


def test_a_page_without_a_single_value_still_stands() -> None:
    sales = invent_sales(600)
    plan = BacktestPlan("one", dt.date(2021, 1, 1), dt.date(2021, 1, 1), rounds=9)
    told = run_backtest(sales, plan, models=oracle(sales, 365))
    assert "100.0 %" in to_html(told)
    assert "AUC by date" not in to_html(told)


def test_a_canary_that_sings_is_the_first_thing_on_the_page() -> None:
    plan = BacktestPlan("one", dt.date(2021, 1, 1), dt.date(2021, 1, 1), rounds=9)
    told = run_backtest(invent_sales(600), plan, models=stand_ins(peeks=True))
    assert "The models see the future" in to_html(told)
    assert "believe no figure here" in to_markdown(told)


def test_markdown_is_tables_of_equal_width(result: Backtest) -> None:
    text = to_markdown(result)
    assert text.startswith(headline(result))
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == len(summary_tables(result)) + 1
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1
        assert len(lines) > 2


def test_the_figures_keep_their_contracts_and_replace_those_of_the_day(tmp_path: Path, result: Backtest) -> None:
    lake = Lake(str(tmp_path / "lake"))
    rows = store_backtest(lake, result, day=DAY)
    assert rows == {contract.name: lake.read(contract).height for contract in BACKTEST_TABLES}
    assert min(rows.values()) > 10
    assert store_backtest(lake, result, day=DAY) == rows
    assert lake.read(BACKTEST_SCORES).height == rows["backtest_scores"]
    stored = lake.read(BACKTEST_VALUES, where=pl.col("as_of").is_null() & (pl.col("segment") == "all"))
    assert stored["market"].unique().to_list() == [NAME]
    assert set(stored["model"]) == {"leadflow", "lightgbm", "neighbourhood"}


def test_another_question_of_the_same_day_stands_beside(tmp_path: Path, result: Backtest) -> None:
    lake = Lake(str(tmp_path / "lake"))
    store_backtest(lake, result, day=DAY)
    plan = BacktestPlan(NAME, dt.date(2021, 1, 1), dt.date(2021, 1, 1), without=("land_use",), rounds=9)
    store_backtest(lake, run_backtest(invent_sales(600), plan, models=stand_ins()), day=DAY)
    assert set(lake.read(BACKTEST_SCORES)["without"]) == {"", "land_use"}


def test_an_impossible_figure_is_not_written(tmp_path: Path, result: Backtest) -> None:
    broken = type(result)(**{**vars(result), "scores": result.scores.with_columns(ece=pl.lit(1.5))})
    lake = Lake(str(tmp_path / "lake"))
    with pytest.raises(ContractBroken, match="ece"):
        store_backtest(lake, broken, day=DAY)
    assert not lake.exists(BACKTEST_SCORES)


def test_every_column_of_the_result_has_a_place_in_the_tables(result: Backtest) -> None:
    for (contract, _), frame in zip(
        backtest_tables(result, day=DAY), (result.scores, result.curves, result.values), strict=True
    ):
        assert set(frame.columns) <= set(contract.schema)
