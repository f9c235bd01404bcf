"""Whose sale a sale is: flats on one parcel number, deeds over several parcels, and what their reasons say."""

from datetime import date, timedelta

import polars as pl
import pytest

from leadflow_pipelines.backtest.snapshots import known_homes, read_record
from leadflow_pipelines.sales_history import cut_history, tell_apart
from leadflow_pipelines.scoring import fit_motivation_model
from leadflow_pipelines.scoring.features import parcel_features
from tests.unit.motivation_market import homes_of, market

AS_OF = date(2018, 1, 1)


def cooperative(flats: int) -> pl.DataFrame:
    """A building under one parcel number in which every flat is sold once, one every ten days."""
    days = [AS_OF - timedelta(days=1_000 - 10 * flat) for flat in range(flats)]
    return pl.DataFrame(
        {
            "parcel_id": ["COOP-1"] * flats,
            "address": [f"12-01 Sample Road, {flat % 9 + 1}{'ABCDEFGHJK'[flat // 9]}" for flat in range(flats)],
            "neighborhood": ["ALDER"] * flats,
            "land_use": ["COOP"] * flats,
            "sale_date": days,
            "sale_price_cents": [30_000_000 + 10_000 * flat for flat in range(flats)],
        }
    )


def test_flats_on_one_parcel_are_homes_of_their_own() -> None:
    facts = parcel_features(tell_apart(cut_history(cooperative(60), AS_OF)), buildings_are_dated=False)
    assert facts.height == 60
    assert facts["previous_hold_days"].null_count() == 60


def test_a_flat_that_was_not_sold_is_not_sold_with_its_building() -> None:
    """Taken for one home the building is sold every ten days, and each flat in it as good as sold."""
    model = fit_motivation_model(pl.concat([market(), cooperative(90)], how="diagonal"), AS_OF)
    chances = model.score(cooperative(90).drop("sale_date", "sale_price_cents"))["probability"]
    assert chances.max() < 0.2
    assert model.score(pl.DataFrame({"parcel_id": ["COOP-1"]}))["method"].to_list() == ["fitted"]


def test_a_backtest_counts_flats_not_buildings() -> None:
    homes = known_homes(read_record(cooperative(60)), AS_OF - timedelta(days=700), horizon_days=365)
    assert homes.rows.height == 30
    assert homes.is_sold.sum() == 0


def test_a_city_behind_the_comma_is_no_unit() -> None:
    twice = pl.DataFrame(
        {
            "parcel_id": ["A"] * 2,
            "address": ["1 Elm St, OLDTOWN", "1 Elm St, NEWTOWN"],
            "sale_date": ["2016-01-05", "2017-01-05"],
            "sale_price_cents": [100_000_00, 150_000_00],
        }
    )
    facts = parcel_features(tell_apart(cut_history(twice, AS_OF)), buildings_are_dated=False)
    assert facts.select("key", "previous_hold_days").rows() == [("A", 366.0)]


def test_a_package_is_told_and_valued_by_the_parcel() -> None:
    """Three homes for what three homes cost: none of them was bought at three times its neighbourhood."""
    package = pl.DataFrame(
        {
            "parcel_id": ["P-1", "P-2", "P-3"],
            "address": [f"{number} Alder 900 St" for number in (1, 2, 3)],
            "neighborhood": ["ALDER"] * 3,
            "land_use": ["SINGLE FAMILY"] * 3,
            "sale_date": [AS_OF - timedelta(days=40)] * 3,
            "sale_price_cents": [30_000_000] * 3,
        }
    )
    sales = pl.concat([market(), package], how="diagonal")
    model = fit_motivation_model(sales, AS_OF)
    facts = model.facts.filter(pl.col("key") == "P-1")
    alone = sales.with_columns(
        pl.when(pl.col("parcel_id").str.starts_with("P-"))
        .then(pl.lit(10_000_000) + pl.col("parcel_id").str.slice(2).cast(pl.Int64) * 100)
        .otherwise("sale_price_cents")
        .alias("sale_price_cents")
    )
    single = parcel_features(cut_history(alone, AS_OF), buildings_are_dated=False).filter(pl.col("key") == "P-1")
    assert facts["price_vs_area"][0] == pytest.approx(single["price_vs_area"][0], abs=0.02)
    texts = [reason["text"] for reason in model.score(package.head(1))["reasons"][0]]
    assert any(text.startswith("Bought 1 month ago in one deed with others, each on average ") for text in texts)


def test_an_assumed_signal_says_what_is_so() -> None:
    model = fit_motivation_model(pl.DataFrame(), AS_OF)
    asked = pl.DataFrame(
        {"parcel_id": ["1", "2", "3"], "is_vacant": [True, False, None], "is_absentee": [None, True, None]}
    )
    told = model.score(asked)["reasons"].to_list()
    assert told[0][0]["text"] == "Stands vacant (assumed weight, not learned here)"
    assert told[1][0]["text"] == "Owner's mail goes elsewhere (assumed weight, not learned here)"
    assert not any(reason["text"].startswith("Stands vacant") for reason in told[1])
    assert told[2] == []


def test_files_that_overlap_change_nothing() -> None:
    """The same deeds once more, as another file writes them: letters in capitals, another use."""
    sales = market()
    again = sales.with_columns(pl.col("address").str.to_uppercase(), pl.lit("OTHER").alias("land_use"))
    homes = homes_of(sales, AS_OF)
    once = fit_motivation_model(sales, AS_OF).score(homes)["probability"]
    assert fit_motivation_model(pl.concat([sales, sales, sales]), AS_OF).score(homes)["probability"].equals(once)
    told = fit_motivation_model(pl.concat([sales, again]), AS_OF).facts["earlier_sales"]
    assert told.equals(fit_motivation_model(sales, AS_OF).facts["earlier_sales"])


@pytest.mark.parametrize("price", [None, 0])
def test_a_county_without_prices_counts_deeds(price: int | None) -> None:
    unpriced = market().with_columns(pl.lit(price, pl.Int64).alias("sale_price_cents"))
    model = fit_motivation_model(unpriced, AS_OF)
    assert model.method == "fitted"
    assert 0.03 < model.score(homes_of(market(), AS_OF))["probability"].mean() < 0.15


def test_a_short_horizon_learns_from_longer_windows() -> None:
    """Within a month too few are sold to learn from; what ranks a year ranks a month, at a twelfth of the rate."""
    sales = market()
    month = fit_motivation_model(sales, AS_OF, 30)
    assert month.method == "fitted_longer_window"
    chances = month.score(homes_of(sales, AS_OF))["probability"]
    assert chances.n_unique() > 100
    in_month = sales.filter(pl.col("sale_date").is_between(AS_OF, AS_OF + timedelta(days=29)))
    sold = homes_of(sales, AS_OF)["parcel_id"].is_in(in_month["parcel_id"].implode()).mean()
    assert chances.mean() == pytest.approx(sold, rel=0.6)


def test_a_file_of_one_year_learns_for_half_a_year() -> None:
    """181 days of sales, asked about the next 182: windows of a quarter behind a quarter of history."""
    busy = market(homes=24_000, seed=8).filter(pl.col("sale_date") >= AS_OF - timedelta(days=181))
    model = fit_motivation_model(busy, AS_OF, 182)
    assert model.method == "fitted_shorter_window"
    known = homes_of(busy, AS_OF)
    later = busy.filter(pl.col("sale_date").is_between(AS_OF, AS_OF + timedelta(days=181)))
    sold = known["parcel_id"].is_in(later["parcel_id"].implode()).mean()
    assert model.score(known)["probability"].mean() == pytest.approx(sold, rel=0.5)


def test_an_address_sold_every_month_is_a_building() -> None:
    """Flats whose records name neither parcel nor unit: no single home is sold twelve times in a year."""
    flats = cooperative(40).with_columns(
        pl.lit("12-01 Sample Road").alias("address"), pl.lit(None, pl.String).alias("parcel_id")
    )
    model = fit_motivation_model(pl.concat([market(), flats], how="diagonal"), AS_OF)
    asked = model.score(pl.DataFrame({"address": ["12-01 SAMPLE ROAD"]}))
    assert asked["method"].to_list() == ["fitted"]
    assert asked["probability"][0] < 0.2
