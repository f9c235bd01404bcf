"""What people read of a backtest: the page, the Markdown, the tables of the lake."""

import base64
import datetime as dt
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from leadflow_pipelines.backtest import Backtest, BacktestPlan, run_backtest
from leadflow_pipelines.backtest.report import to_html, to_pictures
from leadflow_pipelines.backtest.store_backtest import backtest_tables, store_backtest, write_report
from leadflow_pipelines.backtest.summary import headline, score_figures, summary_tables, to_markdown, value_figures
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


def test_a_picture_is_a_whole_drawing_with_its_own_colours_and_legend(result: Backtest) -> None:
    pictures = to_pictures(result)
    assert list(pictures) == [
        "Lift", "Calibration", "AUC by date", "Error of values by price", "80 % interval by month",
    ]  # fmt: skip
    for title, text in pictures.items():
        found = re.fullmatch(r"#### .+\n\n!\[(.+)\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)\n\n(.+)", text)
        assert found is not None
        assert found[1] == title
        drawing = base64.b64decode(found[2]).decode()
        root = ElementTree.fromstring(drawing)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "--ours:" in drawing
        names = [mark.text for mark in root if mark.get("class") == "name"]
        assert names
        _, top, width, height = map(float, str(root.get("viewBox")).split())
        for mark in root:
            if mark.get("class") == "name":
                assert 0 <= float(str(mark.get("x"))) < width
                assert top < float(str(mark.get("y"))) < 0
        assert (float(str(root.get("width"))), float(str(root.get("height")))) == (width, height)


def test_the_figures_to_follow_are_those_of_the_tables(result: Backtest) -> None:
    scores, values = score_figures(result), value_figures(result)
    told = result.scores.filter(pl.col("as_of").is_null(), model="leadflow", segment="all").row(0, named=True)
    assert (scores["auc"], scores["lift_5"], scores["dates"]) == (round(told["auc"], 4), round(told["lift_5"], 4), 2)
    assert scores["auc_over_lightgbm"] == round(result.difference["all"][0], 4)
    assert 0 < values["coverage"] < 1
    assert values["median_error"] < values["median_error_neighbourhood"]
    nothing_valued = type(result)(**{**vars(result), "values": pl.DataFrame(), "difference": {}})
    assert value_figures(nothing_valued) == {}
    assert "auc_over_lightgbm" not in score_figures(nothing_valued)


def test_the_page_in_the_lake_is_named_by_day_and_question(tmp_path: Path, result: Backtest) -> None:
    lake = Lake(str(tmp_path / "lake"))
    path = Path(write_report(lake, result, day=DAY))
    assert re.fullmatch(r"2026-11-22_script-alert-x-script-sons_[0-9a-f]{8}\.html", path.name)
    assert path.read_text() == to_html(result)
    assert write_report(lake, result, day=DAY) == str(path)
    other = type(result)(**{**vars(result), "plan": replace(result.plan, without=("lot_sqft",))})
    assert write_report(lake, other, day=DAY) != str(path)


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
