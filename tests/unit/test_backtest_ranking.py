"""Metrics of scores: held against scikit-learn, against arithmetic by hand, and against ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from leadflow_pipelines.backtest.ranking import SHARES, TOP_SHARES, bootstrap
from leadflow_pipelines.scoring.ranking_metrics import (
    Ranking,
    auc,
    brier,
    calibration,
    calibration_error,
    calibration_table,
    expected_calibration_error,
    lift,
)

Pairs = list[tuple[int, bool]]


def ranking(scores: list[float], sold: list[float]) -> Ranking:
    return Ranking(np.array(scores, dtype=float), np.array(sold, dtype=float), np.arange(len(scores)))


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=80))
def test_auc_and_precision_are_those_of_scikit_learn_ties_included(pairs: Pairs) -> None:
    scores, sold = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    curve = Ranking(scores, sold, np.arange(len(pairs))).curve()
    if 0 < sold.sum() < len(sold):
        assert curve.auc == pytest.approx(roc_auc_score(sold, scores))
        assert curve.average_precision == pytest.approx(average_precision_score(sold, scores))
    else:
        assert np.isnan(curve.auc)


def test_lift_is_the_share_sold_at_the_top_over_that_of_all() -> None:
    scores = [float(number) for number in range(100)]
    sold = [1.0 if number >= 95 else 0.0 for number in range(100)]
    assert ranking(scores, sold).curve().lift([0.05, 0.1, 1.0]).tolist() == pytest.approx([20, 10, 1])


def test_a_constant_score_has_lift_one_whatever_the_order_of_the_rows() -> None:
    sold = [1.0] * 10 + [0.0] * 90
    for of_rows in (sold, sold[::-1]):
        curve = ranking([0.3] * 100, of_rows).curve()
        assert curve.auc == 0.5
        assert curve.lift(TOP_SHARES).tolist() == pytest.approx([1, 1, 1])


def test_a_draw_counts_each_home_as_often_as_it_was_drawn() -> None:
    one = ranking([4, 3, 2, 1], [1, 0, 1, 0])
    twice = ranking([4, 4, 3, 2, 1, 1, 1], [1, 1, 0, 1, 0, 0, 0])
    drawn = one.curve(np.array([2.0, 1.0, 1.0, 3.0]))
    assert drawn.auc == pytest.approx(twice.curve().auc)
    assert drawn.lift([0.5]).tolist() == pytest.approx(twice.curve().lift([0.5]).tolist())


def test_the_interval_is_seeded_and_holds_the_figure() -> None:
    random = np.random.default_rng(1)
    scores, sold = random.random(3_000), (random.random(3_000) < 0.1).astype(float)
    one = Ranking(scores + sold * 0.2, sold, np.arange(3_000))
    first, again = (bootstrap({"m": [one]}, home_count=3_000, seed=5, rounds=60)["m"] for _ in range(2))
    other = bootstrap({"m": [one]}, home_count=3_000, seed=6, rounds=60)["m"]
    assert first.auc.tolist() == again.auc.tolist() != other.auc.tolist()
    low, high = first.auc_interval()
    assert low < one.curve().auc < high
    assert high - low < 0.1


def test_a_home_known_on_two_dates_is_drawn_once_for_both() -> None:
    random = np.random.default_rng(1)
    scores, sold = random.random(400), (random.random(400) < 0.2).astype(float)
    same = [Ranking(scores, sold, np.arange(400)) for _ in range(2)]
    apart = [same[0], Ranking(scores, sold, np.arange(400, 800))]
    both = bootstrap({"m": same}, home_count=800, seed=5, rounds=200)["m"]
    assert both.auc[:, 0].tolist() == both.auc[:, 1].tolist()
    low, high = both.auc_interval()
    lower, higher = bootstrap({"m": apart}, home_count=800, seed=5, rounds=200)["m"].auc_interval()
    assert higher - lower < high - low


def test_a_model_compared_with_itself_differs_by_nothing() -> None:
    random = np.random.default_rng(1)
    one = Ranking(random.random(300), (random.random(300) < 0.2).astype(float), np.arange(300))
    draws = bootstrap({"a": [one, None], "b": [one, one]}, home_count=300, seed=5, rounds=40)
    assert draws["a"].auc_over(draws["b"]) == (0, 0)


def test_calibration_of_true_probabilities_is_near_and_of_doubled_ones_is_not() -> None:
    random = np.random.default_rng(2)
    chance = random.uniform(0.01, 0.3, 40_000)
    sold = (random.random(40_000) < chance).astype(float)
    honest, loud = calibration(chance, sold), calibration(chance * 2, sold)
    assert honest["homes"].to_list() == [4_000] * 10
    assert expected_calibration_error(honest) < 0.006
    assert expected_calibration_error(loud) == pytest.approx(chance.mean(), abs=0.01)
    assert brier(chance, sold) == pytest.approx(brier_score_loss(sold, chance))


def test_homes_of_one_probability_share_a_bin() -> None:
    table = calibration(np.full(50, 0.1), np.array([1.0] * 10 + [0.0] * 40))
    assert table.height == 1
    assert table.row(0, named=True) == {"bin": 6, "homes": 50, "predicted": pytest.approx(0.1), "observed": 0.2}


def test_the_curve_is_drawn_at_each_share_once() -> None:
    assert len(SHARES) == len(set(SHARES))
    assert set(TOP_SHARES) <= set(SHARES)


def test_a_model_card_and_a_backtest_count_alike_and_in_any_order_of_the_rows() -> None:
    random = np.random.default_rng(4)
    scores, sold = random.integers(1, 30, 900) / 40, (random.random(900) < 0.2).astype(float)
    curve = Ranking(scores, sold).curve()
    for order in (np.arange(900), np.argsort(sold)):
        assert auc(sold[order], scores[order]) == pytest.approx(curve.auc)
        assert lift(sold[order], scores[order], 0.05) == pytest.approx(float(curve.lift([0.05])[0]))
        error = expected_calibration_error(calibration(scores, sold))
        assert calibration_error(sold[order], scores[order]) == pytest.approx(error)
    rows = calibration_table(sold, scores)
    assert sum(row["homes"] for row in rows) == 900
    assert set(rows[0]) == {"homes", "predicted", "observed"}


def test_what_cannot_be_counted_is_none() -> None:
    nobody, none_sold = np.zeros(0), np.zeros(3)
    assert auc(nobody, nobody) is lift(nobody, nobody, 0.05) is calibration_error(nobody, nobody) is None
    assert auc(none_sold, np.ones(3)) is lift(none_sold, np.ones(3), 0.05) is None
