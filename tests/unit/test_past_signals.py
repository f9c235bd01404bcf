"""Signals of past leads: read sparingly, under today's ids, learned in time, and counted once."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.contracts import ENRICHED_LEADS, PROPERTY_LINKS
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.scoring import (
    SCORECARD_VERSION,
    MarketModels,
    MotivationModel,
    fit_motivation_model,
    score_leads,
)
from leadflow_pipelines.scoring.market_models import learned_signals
from leadflow_pipelines.training import CurrentModel
from leadflow_pipelines.training.apply_models import add_chances, add_deal_scores
from leadflow_pipelines.training.past_signals import past_signals
from leadflow_pipelines.valuation import ValueModel
from tests.invented_sales import DAYS, FIRST_SALE, invent_sales

pytestmark = pytest.mark.timeout(300)
TODAY = dt.date(2026, 11, 20)
COUNTY, ZIP = "39049", "43206"
END = FIRST_SALE + dt.timedelta(days=DAYS)


def write_leads(lake: Lake, day: dt.date, rows: list[tuple[str, str, bool | None]]) -> None:
    """Leads of a day: ZIP, property id, whether it stands vacant."""
    frame = pl.DataFrame(rows, schema=["zip", "property_id", "is_vacant"], orient="row")
    lake.replace(ENRICHED_LEADS, ENRICHED_LEADS.conform(frame.with_columns(day=pl.lit(day))), day=day)


def test_one_day_a_month_of_each_zip_is_read_under_todays_ids(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    assert past_signals(lake, day=TODAY) is None
    for day in (dt.date(2025, 9, 2), dt.date(2025, 9, 28)):
        write_leads(lake, day, [("43206", "p-kept", day.day == 28), ("43206", "p-gone", True)])
    write_leads(lake, dt.date(2025, 10, 5), [("43206", "p-kept", None)])
    write_leads(lake, TODAY - dt.timedelta(days=20), [("43206", "p-kept", True)])
    write_leads(lake, TODAY - dt.timedelta(days=2_000), [("43206", "p-kept", True)])
    links = pl.DataFrame({"record_id": ["r1"], "property_id": ["p-heir"], "previous_property_id": ["p-gone"]})
    of_zip = PROPERTY_LINKS.conform(links.with_columns(zip=pl.lit("43206")))
    lake.update(PROPERTY_LINKS, {"zip_prefix": ["432"]}, lambda _: of_zip)
    told = past_signals(lake, day=TODAY)
    assert told is not None
    assert told.select("parcel_id", "day", "is_vacant").sort("day", "parcel_id").rows() == [
        ("p-heir", dt.date(2025, 9, 28), True),
        ("p-kept", dt.date(2025, 9, 28), True),
        ("p-kept", dt.date(2025, 10, 5), None),
    ]


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return invent_sales(1_500, seed=3).with_columns(pl.lit(COUNTY).alias("county_fips"), pl.lit(ZIP).alias("zip"))


@pytest.fixture(scope="module")
def taught(sales: pl.DataFrame) -> MotivationModel:
    """Learned from a day on which most of those that were sold in the year after stood vacant."""
    day = END - dt.timedelta(days=366)
    known = sales.filter(pl.col("sale_date") < day).select("parcel_id").unique().sort("parcel_id")
    sold = sales.filter(pl.col("sale_date") > day)["parcel_id"]
    is_vacant = pl.col("parcel_id").is_in(sold.implode()) & (pl.col("parcel_id").hash(seed=2) % 10 < 6)
    noted = known.with_columns(is_vacant.alias("is_vacant"), pl.lit(day).alias("day"))
    model = fit_motivation_model(sales, END, signals=noted)
    assert learned_signals(model) == ("is_vacant",)
    return model


def test_a_learned_signal_is_in_the_chance_but_its_points_are_the_scorecards(
    sales: pl.DataFrame, taught: MotivationModel
) -> None:
    subjects = sales.unique("parcel_id", keep="last", maintain_order=True).sort("parcel_id").head(300)
    current = CurrentModel("motivation", "motivation-x", END, (COUNTY,), MarketModels({COUNTY: taught}))

    def scored(is_vacant: bool) -> pl.DataFrame:
        leads = ENRICHED_LEADS.conform(
            subjects.select(pl.col("parcel_id").alias("property_id"), "zip").with_columns(
                day=pl.lit(END), is_vacant=pl.lit(is_vacant), owner_type=pl.lit("person"), stacked_list_count=pl.lit(0)
            )
        )
        made = add_chances(score_leads(leads, run_id=None), leads, subjects, sales, current)
        return made.sort("property_id")

    vacant, lived_in = scored(True), scored(False)
    assert (vacant["probability"] > lived_in["probability"]).all()
    assert (vacant["points"] - lived_in["points"]).unique().to_list() == [15]
    told = {reason["signal"] for row in vacant["reasons"] for reason in row}
    assert "vacant" in told
    assert "model:is_vacant" not in told


def test_land_keeps_the_scorecard_and_has_no_deal_score(sales: pl.DataFrame, taught: MotivationModel) -> None:
    subjects = sales.unique("parcel_id", keep="last", maintain_order=True).sort("parcel_id").head(40)
    is_lot = pl.int_range(pl.len()) % 2 == 0
    subjects = subjects.with_columns(
        pl.when(is_lot).then(pl.lit("VACANT RESIDENTIAL LAND")).otherwise("land_use").alias("land_use")
    )
    leads = ENRICHED_LEADS.conform(
        subjects.select(pl.col("parcel_id").alias("property_id"), "zip", "land_use", "living_sqft").with_columns(
            day=pl.lit(END), owner_type=pl.lit("person"), stacked_list_count=pl.lit(0),
            estimated_value_cents=pl.lit(200_000_00), value_low_cents=pl.lit(150_000_00),
            value_high_cents=pl.lit(260_000_00), value_method=pl.lit("comps+model"),
        )
    )  # fmt: skip
    current = CurrentModel("motivation", "motivation-x", END, (COUNTY,), MarketModels({COUNTY: taught}))
    value = CurrentModel("value", "value-x", END, (COUNTY,), ValueModel(END, 0, None, None))
    scores = add_chances(score_leads(leads, run_id=None), leads, subjects, sales, current)
    scores = add_deal_scores(scores, leads, value).join(leads.select("property_id", "land_use"), on="property_id")
    land, homes = scores.filter(is_land := pl.col("land_use").str.contains("LAND")), scores.filter(~is_land)
    assert land["model_version"].unique().to_list() == [SCORECARD_VERSION]
    assert land["deal_score"].null_count() == land.height == 20
    assert homes["probability"].null_count() == homes["deal_score"].null_count() == 0
