"""How `leadflow explain lead` tells a value, its comparable sales and a chance."""

import datetime as dt
from typing import Any

import pytest

from leadflow_pipelines.cli.explain_value import print_value

COMP = {
    "parcel_id": "p_2", "sale_date": dt.date(2026, 8, 3), "sale_price_cents": 21_000_000, "distance_m": 180.4,
    "age_days": 100, "living_sqft": None, "adjustment": 0.95, "adjusted_price_cents": 19_950_000,
    "nearness": "same street",
}  # fmt: skip
VALUED = {
    "estimated_value_cents": 20_012_300, "value_low_cents": 15_000_000, "value_high_cents": 26_000_000,
    "value_method": "comps+model", "value_comps": [COMP],
}  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], lead: dict[str, Any], score: dict[str, Any]) -> str:
    print_value(lead, score, {"p_2": "14 QUILLFEATHER ST"})
    return " ".join(capsys.readouterr().out.split())


def test_a_value_stands_with_its_interval_and_the_sales_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, VALUED, {"probability": 0.0912, "deal_score": 41.0})
    assert "Worth about $200,000; 80 % interval $150,000 to $260,000 (comps+model)" in text
    assert "Chance of a sale within 12 months: 9.1%" in text
    assert "Deal score: 41 of 100" in text
    for part in ("2026-08-03", "QUILLFEATHER", "$210,000", "0.1 miles", "$200,000"):
        assert part in text


def test_without_coordinates_a_sale_tells_the_place_it_shares(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, {**VALUED, "value_comps": [{**COMP, "distance_m": None}]}, {})
    assert "same street" in text
    assert "miles" not in text


def test_a_chance_says_how_far_it_ranks_homes_like_this(capsys: pytest.CaptureFixture[str]) -> None:
    judged = {"candidate": {"auc": 0.653}, "seasoned": {"auc": 0.588}}
    for tenure, expected in (
        (0.4, "65% of the time (a coin"),
        (3.0, "65% of the time, but 59% among owners of a year"),
    ):
        print_value({"tenure_years": tenure}, {"probability": 0.1}, {}, judged=judged)
        assert expected in " ".join(capsys.readouterr().out.split())


def test_a_refusal_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    lead = {"estimated_value_cents": None, "value_method": "refused: no sale of this kind nearby", "value_comps": None}
    assert told(capsys, lead, {"probability": None}) == "No value: no sale of this kind nearby"


def test_without_models_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, {"estimated_value_cents": None, "value_method": None, "value_comps": None}, {}) == ""
    assert told(capsys, {}, {}) == ""


def test_a_comparable_home_that_is_no_property_any_more_keeps_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert "p_9" in told(capsys, {**VALUED, "value_comps": [{**COMP, "parcel_id": "p_9", "distance_m": None}]}, {})
