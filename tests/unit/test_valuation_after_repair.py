"""After-repair values: estimates with an interval of their own. Repair costs by tier. Models stored and read."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.valuation import (
    RenovatedResales,
    RepairCosts,
    after_repair_values,
    fit_value_model,
    read_value_model,
    write_value_model,
)
from tests.unit.invented_market import invented_homes, invented_sales

AS_OF = date(2023, 1, 1)
NONE = RenovatedResales(0, (0.0,) * 5)
FLIPS = RenovatedResales(200, (-0.05, 0.05, 0.15, 0.25, 0.40))
VALUES = pl.DataFrame(
    {
        "parcel_id": ["a", "b", "c"],
        "value_cents": [200_000_00, 100_000_00, None],
        "low_cents": [150_000_00, 80_000_00, None],
        "high_cents": [260_000_00, 130_000_00, None],
        "method": ["comps+model", "model", "refused: nothing is known of the home"],
    }
)
SUBJECTS = pl.DataFrame({"parcel_id": ["a", "b", "c"], "living_sqft": [1_000, None, 900]})


def test_repairs_cost_by_the_square_foot_of_the_tier() -> None:
    light = after_repair_values(VALUES, SUBJECTS, FLIPS, "light")
    assert light["repair_cost_cents"].to_list() == [20_000_00, 30_000_00, 18_000_00]
    assert light["is_sqft_assumed"].to_list() == [False, True, False]
    dearer = after_repair_values(VALUES, SUBJECTS, FLIPS, "light", RepairCosts(light_cents_per_sqft=31_00))
    assert dearer["repair_cost_cents"][0] == 31_000_00


@pytest.mark.parametrize("renovated", [NONE, FLIPS])
def test_a_deeper_tier_ends_higher_and_every_estimate_has_an_interval(renovated: RenovatedResales) -> None:
    tiers = [after_repair_values(VALUES, SUBJECTS, renovated, tier) for tier in ("light", "medium", "full_gut")]
    worth = [tier["arv_cents"][0] for tier in tiers]
    assert worth == sorted(worth)
    assert worth[0] > VALUES["value_cents"][0]
    for tier in tiers:
        assert tier["arv_low_cents"][0] < tier["arv_cents"][0] < tier["arv_high_cents"][0]
        assert tier.row(2, named=True)["arv_cents"] is None
        assert tier["arv_method"][2] == "refused: nothing is known of the home"


def test_the_source_of_the_premium_is_named() -> None:
    assert after_repair_values(VALUES, SUBJECTS, FLIPS)["arv_method"][0] == "renovated resales (200)"
    assert after_repair_values(VALUES, SUBJECTS, NONE)["arv_method"][0] == "upper part of the interval"
    medium = after_repair_values(VALUES, SUBJECTS, FLIPS, "medium")["arv_cents"][0]
    assert medium == pytest.approx(200_000_00 * np.exp(0.15), abs=100)


def test_unknown_tiers_and_mismatched_frames_are_refused() -> None:
    with pytest.raises(InvalidInput, match="palatial"):
        after_repair_values(VALUES, SUBJECTS, FLIPS, "palatial")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="3 values"):
        after_repair_values(VALUES, SUBJECTS.head(2), FLIPS)


def test_flips_teach_the_market_its_premium() -> None:
    """A tenth of the homes sell cheap, then 150 days later a quarter above the rule."""
    sales = invented_sales(700)
    flipped = sales.filter(pl.col("sale_date") < date(2022, 6, 1)).sample(120, seed=1).unique("parcel_id")
    bought = flipped.with_columns((pl.col("sale_price_cents") * 3 // 4).alias("sale_price_cents"))
    resold = flipped.with_columns(
        pl.col("sale_date") + timedelta(days=150), (pl.col("sale_price_cents") * 5 // 4).alias("sale_price_cents")
    )
    rest = sales.join(flipped, on=["parcel_id", "sale_date"], how="anti")
    model = fit_value_model(pl.concat([rest, bought, resold]), AS_OF)
    assert model.renovated.sales >= 80
    assert 0.08 < model.renovated.premium[2] < 0.30


def test_a_stored_model_estimates_the_same_cents() -> None:
    model = fit_value_model(invented_sales(600), AS_OF)
    subjects = invented_homes(600).drop("rule")
    stored = write_value_model(model)
    again = read_value_model(stored)
    assert again.estimate(subjects).equals(model.estimate(subjects))
    assert again.renovated == model.renovated
    assert write_value_model(again) == stored


def test_a_model_without_sales_is_stored_as_well() -> None:
    nothing = fit_value_model(invented_sales(600).head(0), AS_OF)
    again = read_value_model(write_value_model(nothing))
    assert again.estimate(SUBJECTS)["value_cents"].null_count() == 3


def test_other_bytes_are_no_model() -> None:
    with pytest.raises(InvalidInput, match="no value model"):
        read_value_model(b"PK not a zip")
