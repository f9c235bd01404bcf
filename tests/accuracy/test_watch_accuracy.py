"""The watch over a model on real sales: silent while the market is the one it learned, loud where it is not."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.backtest.windows import add_months
from leadflow_pipelines.sales_history import SALE_DATE
from leadflow_pipelines.scoring import MotivationModel, fit_motivation_model
from leadflow_pipelines.scoring.decay import (
    drift_alerts,
    facts_of_same_age,
    pace_alerts,
    population_drift,
    sales_pace,
)
from tests.accuracy.real_sales import nashville_homes, queens_houses

pytestmark = pytest.mark.accuracy
FITTED_ON = date(2014, 10, 31)


@pytest.fixture(scope="module")
def model(data: Path) -> MotivationModel:
    return fit_motivation_model(nashville_homes(data, assessments=False), FITTED_ON)


def drift(model: MotivationModel, sales: pl.DataFrame, day: date) -> pl.DataFrame:
    return population_drift(model.terms, model.facts, facts_of_same_age(model, sales, day))


@pytest.mark.parametrize("months", [3, 6, 9, 12, 18])
def test_the_same_market_raises_no_alert(data: Path, model: MotivationModel, months: int) -> None:
    sales, day = nashville_homes(data, assessments=False), add_months(FITTED_ON, months)
    moved = drift(model, sales, day)
    assert moved.filter("is_watched").height >= 6
    assert drift_alerts(moved) == []
    assert moved.filter("is_watched")["psi"].max() < 0.1  # type: ignore[operator]
    pace = sales_pace(sales.filter(pl.col(SALE_DATE) < day), fitted_on=FITTED_ON, day=day)
    assert pace is not None
    assert pace_alerts(pace) == []


def test_another_citys_homes_raise_an_alert(data: Path, model: MotivationModel) -> None:
    alerts = drift_alerts(drift(model, queens_houses(data), date(2020, 10, 31)))
    assert any("price_vs_area" in alert.text for alert in alerts)
    assert any("land_use" in alert.text for alert in alerts)


def test_a_market_that_sells_half_as_often_raises_an_alert(data: Path, model: MotivationModel) -> None:
    sales, day = nashville_homes(data, assessments=False), add_months(FITTED_ON, 9)
    before = sales.filter(pl.col(SALE_DATE) < FITTED_ON)
    year_ago = sales.filter(pl.col(SALE_DATE).is_between(FITTED_ON - timedelta(days=365), FITTED_ON, closed="left"))
    halved = year_ago.with_columns(pl.col(SALE_DATE) + pl.duration(days=365)).gather_every(2)
    pace = sales_pace(pl.concat([before, halved]), fitted_on=FITTED_ON, day=day)
    assert pace is not None
    assert pace.ratio == pytest.approx(0.5, abs=0.02)
    assert [alert.code for alert in pace_alerts(pace)] == ["pace"]
