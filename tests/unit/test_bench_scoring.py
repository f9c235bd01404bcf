"""The scoring benchmark measures what it says: its county, its figures, its goals."""

from typing import Any

import polars as pl
import pytest

from bench import scoring
from bench.county_sales import AS_OF, FIRST_SALE, invent_county
from bench.figures import Figure
from bench.scoring_steps import STEPS
from leadflow_pipelines.sales_history import SALES_SCHEMA, read_sales

GOOD: dict[str, dict[str, Any]] = {
    "invent": {"sales": 1_440},
    "motivation": {
        "fit": 20.0, "score": 2.0, "many": 20.0, "rows": 10_000, "with_reasons": 1.0, "fit_and_score_peak_gb": 0.6,
    },
    "motivation_peer": {"fit": 10.0, "score": 40.0},
    "values": {"fit": 50.0, "value": 10.0, "valued": 1.0, "with_comps": 1.0, "peak_gb": 1.0},
    "values_peer": {"seconds": 25.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def county() -> pl.DataFrame:
    return invent_county(3_000)


def figures(monkeypatch: pytest.MonkeyPatch, **changed: dict[str, Any]) -> dict[str, Figure]:
    answers = {name: {**answer, **changed.get(name, {})} for name, answer in GOOD.items()}
    monkeypatch.setattr(scoring, "_step", lambda _folder, name, **_arguments: answers[name])
    return {figure.what: figure for figure in scoring.measure(quick=True)}


def test_every_property_has_a_sale_and_some_have_several(county: pl.DataFrame) -> None:
    assert county["parcel_id"].n_unique() == 3_000
    assert 1.3 < county.height / 3_000 < 2.0
    assert county["sale_date"].min() >= FIRST_SALE  # type: ignore[operator]
    assert county["sale_date"].max() < AS_OF  # type: ignore[operator]


def test_flips_sell_within_a_year_for_far_more(county: pl.DataFrame) -> None:
    paid = pl.col("sale_price_cents")
    pairs = county.sort("parcel_id", "sale_date").with_columns(
        (pl.col("sale_date").shift(-1) - pl.col("sale_date")).dt.total_days().over("parcel_id").alias("held"),
        (paid.shift(-1) / paid).over("parcel_id").alias("gain"),
    )
    quick = pairs.filter(pl.col("held") < 330)
    slow = pairs.filter(pl.col("held") >= 365)
    assert quick.height > 100
    assert quick["gain"].median() > 1.3 > slow["gain"].median()  # type: ignore[operator]


def test_the_county_is_the_same_each_time_and_of_the_fixed_shape(county: pl.DataFrame) -> None:
    assert county.equals(invent_county(3_000))
    assert not county.equals(invent_county(3_000, seed=8))
    assert set(county.columns) <= set(SALES_SCHEMA)
    assert read_sales(county)["sale_price_cents"].null_count() == 0


def test_each_claim_has_its_figure_and_its_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    made = figures(monkeypatch)
    assert all(figure.holds for figure in made.values())
    goals = [figure.goal for figure in made.values()]
    assert goals == [
        "<= 45", "<= 3", ">= 0.99", "<= 2", "<= 30", "<= 60", "<= 15", ">= 0.95", ">= 0.95", "<= 2",
    ]  # fmt: skip
    assert made["scored with reasons, 10,000 properties"].ratio == 0.05
    assert set(GOOD) == set(STEPS)


@pytest.mark.parametrize(
    ("step", "changed", "broken"),
    [
        ("motivation", {"fit": 46.0}, "motivation fitted"),
        ("motivation", {"score": 3.1}, "scored with reasons, 10,000 properties"),
        ("motivation", {"many": 31.0}, "10,000 rows"),
        ("motivation", {"fit_and_score_peak_gb": 2.1}, "fitted and scored"),
        ("values", {"value": 16.0}, "comparable sales and interval"),
        ("values", {"valued": 0.9}, "of them valued"),
    ],
)
def test_a_goal_that_is_missed_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, step: str, changed: dict[str, Any], broken: str
) -> None:
    missed = [what for what, figure in figures(monkeypatch, **{step: changed}).items() if not figure.holds]
    assert len(missed) == 1
    assert broken in missed[0]
