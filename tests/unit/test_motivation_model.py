"""Scores of an invented market: exact reasons, odd counties, signals, borrowing, artefact and card."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.scoring import (
    METHODS,
    MotivationModel,
    fit_motivation_model,
    from_bytes,
    model_card,
    to_bytes,
)
from leadflow_pipelines.scoring.ranking_metrics import auc, calibration_error, lift
from tests.unit.motivation_market import homes_of, market

AS_OF = date(2018, 1, 1)


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return market()


@pytest.fixture(scope="module")
def model(sales: pl.DataFrame) -> MotivationModel:
    return fit_motivation_model(sales, AS_OF)


@pytest.fixture(scope="module")
def scored(sales: pl.DataFrame, model: MotivationModel) -> pl.DataFrame:
    return model.score(homes_of(sales, AS_OF), AS_OF)


def sold_within(sales: pl.DataFrame, scored: pl.DataFrame, days: int = 365) -> np.ndarray:
    window = sales.filter(pl.col("sale_date").is_between(AS_OF, AS_OF + timedelta(days=days), closed="left"))
    return scored["parcel_id"].is_in(window["parcel_id"].implode()).cast(pl.Float64).to_numpy()


def test_flips_in_progress_rank_first_and_chances_are_true(sales: pl.DataFrame, scored: pl.DataFrame) -> None:
    sold, chances = sold_within(sales, scored), scored["probability"].to_numpy()
    assert (auc(sold, chances) or 0) > 0.63
    assert (lift(sold, chances, 0.05) or 0) > 3
    assert (calibration_error(sold, chances) or 1) < 0.025


def test_one_row_per_subject_in_order(sales: pl.DataFrame, model: MotivationModel) -> None:
    homes = homes_of(sales, AS_OF).sample(fraction=1.0, shuffle=True, seed=5)
    twice = pl.concat([homes.head(50), homes.head(50)])
    result = model.score(twice, AS_OF)
    assert result["parcel_id"].to_list() == twice["parcel_id"].to_list()
    assert result["probability"].is_between(0, 1).all()


def test_reasons_add_up_to_the_score(scored: pl.DataFrame) -> None:
    told = scored["reasons"].list.eval(pl.element().struct.field("log_odds")).list.sum()
    total = (scored["base_log_odds"] + told).to_numpy()
    assert np.abs(total - scored["log_odds"].to_numpy()).max() < 1e-12
    assert np.abs(1 / (1 + np.exp(-total)) - scored["probability"].to_numpy()).max() < 1e-12


def test_reasons_speak_of_what_happened(scored: pl.DataFrame) -> None:
    best = scored.sort("probability", descending=True).row(0, named=True)
    weightiest = best["reasons"][0]
    assert weightiest["feature"] == "purchase_price"
    assert weightiest["log_odds"] > 1
    assert weightiest["text"].startswith("Bought ")
    assert "% below the neighbourhood" in weightiest["text"]


def test_only_the_order_of_columns_and_types_may_differ(sales: pl.DataFrame, scored: pl.DataFrame) -> None:
    written = sales.with_columns(
        pl.col("sale_date").dt.strftime("%Y-%m-%dT00:00:00"),
        pl.format("{}.00", "sale_price_cents").alias("sale_price_cents"),
    ).select(reversed(sales.columns))
    assert fit_motivation_model(written, "2018-01-01").score(homes_of(sales, AS_OF)).equals(scored)


def test_unreadable_values_are_refused_by_row_and_column(sales: pl.DataFrame) -> None:
    broken = sales.head(3).with_columns(pl.Series("sale_price_cents", ["1000", "about 2", "3"]))
    with pytest.raises(InvalidInput, match=r"sale_price_cents.*row 2 holds 'about 2'"):
        fit_motivation_model(broken, AS_OF)


@pytest.mark.parametrize(
    "absent", ["parcel_id", "address", "neighborhood", "land_use", "sale_date", "sale_price_cents"]
)
def test_any_column_may_be_absent(sales: pl.DataFrame, absent: str) -> None:
    result = fit_motivation_model(sales.drop(absent), AS_OF).score(homes_of(sales, AS_OF), AS_OF)
    assert result.height == homes_of(sales, AS_OF).height
    assert result["probability"].is_between(0, 1).all()
    assert set(result["method"].unique()) <= set(METHODS)


def test_a_county_with_only_addresses_gets_the_prior_and_says_so() -> None:
    addresses = pl.DataFrame({"address": [f"{n} Example Ave" for n in range(300)]})
    result = fit_motivation_model(addresses, AS_OF).score(addresses, AS_OF)
    assert set(result["method"]) == {"prior"}
    assert result["probability"].n_unique() == 1
    assert result["parcel_id"].null_count() == 300


def test_a_county_of_300_parcels_gets_its_rate_and_says_so() -> None:
    small = market(homes=300, seed=4)
    result = fit_motivation_model(small, AS_OF).score(homes_of(small, AS_OF), AS_OF)
    assert set(result["method"]) == {"base_rate"}
    assert 0.02 < result["probability"].mean() < 0.15


def test_a_county_where_nothing_is_sold_twice_learns_nothing() -> None:
    quiet = market(homes=3_000, quiet=True)
    result = fit_motivation_model(quiet, AS_OF).score(homes_of(quiet, AS_OF), AS_OF)
    assert set(result["method"]) == {"base_rate"}
    assert result["probability"].max() < 0.05


def test_no_sale_and_no_subject() -> None:
    model = fit_motivation_model(pl.DataFrame(), AS_OF)
    assert model.method == "prior"
    assert model.score(pl.DataFrame(), AS_OF).height == 0


def test_a_short_history_learns_from_shorter_windows(sales: pl.DataFrame) -> None:
    recent = market(homes=10_000, seed=8).filter(pl.col("sale_date") >= date(2017, 2, 1))
    model = fit_motivation_model(recent, AS_OF)
    assert model.method == "fitted_shorter_window"
    assert model.window["window_days"] < 365


def test_a_small_county_borrows_from_its_parent(model: MotivationModel) -> None:
    small = market(homes=300, seed=4)
    borrowed = fit_motivation_model(small, AS_OF, parent=model)
    result = borrowed.score(homes_of(small, AS_OF), AS_OF)
    sold = sold_within(small, result)
    assert set(result["method"]) == {"borrowed"}
    assert (auc(sold, result["probability"].to_numpy()) or 0) > 0.55
    assert abs(result["probability"].mean() - borrowed.base_rate) < 0.02


def test_an_unknown_parcel_gets_the_rate_of_long_held_homes(model: MotivationModel) -> None:
    stranger = pl.DataFrame({"parcel_id": ["Z-1", "Z-2"], "is_vacant": [True, None]})
    vacant, unknown = model.score(stranger, AS_OF).iter_rows(named=True)
    assert vacant["method"] == unknown["method"] == "no_sale_on_record"
    assert unknown["probability"] == pytest.approx(model.unseen_rate)
    assert vacant["probability"] > unknown["probability"]
    assert vacant["reasons"][0]["text"] == "Stands vacant (assumed weight, not learned here)"


def test_a_parcel_without_number_is_found_by_its_address(sales: pl.DataFrame, model: MotivationModel) -> None:
    home = homes_of(sales, AS_OF).filter(pl.col("address").is_unique()).head(1)
    by_number = model.score(home, AS_OF)
    by_address = model.score(home.select(pl.col("address").str.to_uppercase()), AS_OF)
    assert by_address["probability"][0] == by_number["probability"][0]


def test_signals_are_learned_from_past_days(sales: pl.DataFrame) -> None:
    """Of the homes sold within a year of each past day, most were reported vacant on it."""
    random = np.random.default_rng(2)
    days = [AS_OF - timedelta(days=30 * month) for month in range(12, 30)]
    parts = []
    for day in days:
        homes = homes_of(sales, day)
        window = sales.filter(pl.col("sale_date").is_between(day, day + timedelta(days=364)))
        sells = homes["parcel_id"].is_in(window["parcel_id"].implode()).to_numpy()
        vacant = random.random(homes.height) < np.where(sells, 0.7, 0.05)
        parts.append(homes.select("parcel_id", pl.lit(day).alias("day"), pl.Series("is_vacant", vacant)))
    model = fit_motivation_model(sales, AS_OF, signals=pl.concat(parts))
    homes = homes_of(sales, AS_OF).head(200)
    empty = model.score(homes.with_columns(pl.lit(True).alias("is_vacant")), AS_OF)["probability"]
    lived_in = model.score(homes.with_columns(pl.lit(False).alias("is_vacant")), AS_OF)["probability"]
    assert (empty > lived_in).all()
    assert empty.mean() > 3 * lived_in.mean()


def test_a_later_day_sees_longer_tenure(sales: pl.DataFrame, model: MotivationModel) -> None:
    homes = homes_of(sales, AS_OF)
    later = model.score(homes, AS_OF + timedelta(days=500))
    assert later["probability"].mean() < model.score(homes, AS_OF)["probability"].mean()


def test_the_artefact_scores_as_the_model_did(
    sales: pl.DataFrame, model: MotivationModel, scored: pl.DataFrame
) -> None:
    content = to_bytes(model)
    loaded = from_bytes(content)
    assert loaded.score(homes_of(sales, AS_OF), AS_OF).equals(scored)
    assert to_bytes(loaded) == content


def test_a_changed_artefact_is_refused(model: MotivationModel) -> None:
    content = to_bytes(model)
    place = content.index(b'"base_rate": 0.') + len(b'"base_rate": 0.')
    digit = b"9" if content[place : place + 1] != b"9" else b"8"
    with pytest.raises(InvalidInput):
        from_bytes(content[:place] + digit + content[place + 1 :])
    with pytest.raises(InvalidInput, match="no motivation model"):
        from_bytes(b"not a zip")


def test_the_card_tells_what_a_buyer_of_lists_must_know(model: MotivationModel) -> None:
    card = model_card(model)
    text = card.to_markdown()
    assert card.everyone.auc is not None
    assert card.everyone.auc_interval is not None
    low, high = card.everyone.auc_interval
    assert low < card.everyone.auc < high
    assert set(card.everyone.lifts) == {0.05, 0.10, 0.20}
    assert card.seasoned.auc is None or card.seasoned.auc < card.everyone.auc
    for said in ("seasoned owners", "Known limits", "Expected calibration error", model.model_version, "Base rate"):
        assert said in text
    assert "price_vs_area" in text


def test_the_card_says_whether_its_period_was_seen(model: MotivationModel) -> None:
    later = model.held_out.with_columns(pl.col("chance").shuffle(seed=1))
    forward = model_card(model, walked_forward=later)
    assert model_card(model).to_markdown().count("Optimistic, and no measure") == 2
    assert "walked forward" in forward.to_markdown()
    assert "Optimistic" not in forward.to_markdown()
    assert forward.everyone.auc == pytest.approx(0.5, abs=0.06)


def test_the_card_of_an_unlearned_model_invents_no_figure() -> None:
    card = model_card(fit_motivation_model(pl.DataFrame(), AS_OF))
    assert card.everyone.auc is None
    assert "Not measured" in card.to_markdown()
