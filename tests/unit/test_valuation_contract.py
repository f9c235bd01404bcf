"""What `estimate_values` promises for any county: rows, dates, orders, absences, refusals, comps. Invented data."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.valuation import VALUES_SCHEMA, ValueModel, estimate_values, fit_value_model
from tests.unit.invented_market import invented_homes, invented_sales

AS_OF = date(2023, 1, 1)
OPTIONAL = (
    "zip5",
    "neighborhood",
    "land_use",
    "style",
    "year_built",
    "living_sqft",
    "lot_sqft",
    "beds",
    "baths",
    "units",
    "assessed_cents",
    "lat",
    "lon",
    "parcel_id",
)


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return invented_sales(700)


@pytest.fixture(scope="module")
def subjects() -> pl.DataFrame:
    return invented_homes(700).drop("rule")


@pytest.fixture(scope="module")
def model(sales: pl.DataFrame) -> ValueModel:
    """One fit for the tests that vary the subjects only; those that vary the sales fit anew."""
    return fit_value_model(sales, AS_OF)


@pytest.fixture(scope="module")
def values(sales: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    return estimate_values(subjects, sales, AS_OF)


def test_one_row_per_subject_in_order_with_an_interval_around_the_value(
    values: pl.DataFrame, subjects: pl.DataFrame
) -> None:
    assert values.schema == pl.Schema(VALUES_SCHEMA)
    assert values["parcel_id"].to_list() == subjects["parcel_id"].to_list()
    assert (values["low_cents"] < values["value_cents"]).all()
    assert (values["value_cents"] < values["high_cents"]).all()


def test_values_follow_the_rule_of_the_county(values: pl.DataFrame) -> None:
    rule = invented_homes(700)["rule"].to_numpy() + 0.10 * (AS_OF - date(2021, 1, 1)).days / 365
    off = np.abs(np.log(values["value_cents"].to_numpy() / 100) - rule)
    assert np.median(off) < 0.08  # prices scatter by 0.15 around the rule


def test_later_sales_change_nothing(values: pl.DataFrame, sales: pl.DataFrame, subjects: pl.DataFrame) -> None:
    before = sales.filter(pl.col("sale_date") < AS_OF)
    assert len(before) < len(sales)
    assert estimate_values(subjects, before, AS_OF).equals(values)
    wild = sales.filter(pl.col("sale_date") >= AS_OF).with_columns(
        pl.lit("UNHEARD OF").alias("neighborhood"),
        pl.lit("CASTLE").alias("land_use"),
        pl.lit("zzz").alias("parcel_id"),
        pl.col("sale_price_cents") * 50,
    )
    assert estimate_values(subjects, pl.concat([before, wild]), AS_OF).equals(values)


def test_the_canary_dies_of_an_earlier_sale(values: pl.DataFrame, sales: pl.DataFrame, subjects: pl.DataFrame) -> None:
    moved = sales.with_columns(
        pl.when(pl.col("sale_date") >= AS_OF).then(pl.lit(date(2022, 12, 31))).otherwise("sale_date").alias("sale_date")
    )
    assert not estimate_values(subjects, moved, AS_OF).equals(values)


def test_the_order_of_rows_changes_nothing(
    values: pl.DataFrame, sales: pl.DataFrame, subjects: pl.DataFrame, model: ValueModel
) -> None:
    shuffled = sales.sample(fraction=1.0, shuffle=True, seed=11)
    assert estimate_values(subjects, shuffled, AS_OF).equals(values)
    assert model.estimate(subjects.reverse()).reverse().equals(values)


def test_a_subjects_own_later_sale_is_not_read(values: pl.DataFrame, subjects: pl.DataFrame, model: ValueModel) -> None:
    told = subjects.with_columns(
        pl.lit(date(2023, 2, 1)).alias("sale_date"), pl.lit(99_000_000_00).alias("sale_price_cents")
    )
    assert model.estimate(told).equals(values)


def test_dates_as_text_and_as_instants_mean_the_same(
    values: pl.DataFrame, sales: pl.DataFrame, subjects: pl.DataFrame
) -> None:
    as_text = sales.with_columns(pl.col("sale_date").dt.to_string("%Y-%m-%d"))
    assert estimate_values(subjects, as_text, "2023-01-01").equals(values)
    few = sales.head(300)
    as_instant = few.with_columns(pl.col("sale_date").cast(pl.Datetime))
    told = estimate_values(subjects, as_instant, datetime(2023, 1, 1))  # noqa: DTZ001
    assert told.equals(estimate_values(subjects, few, AS_OF))


@pytest.mark.parametrize("absent", OPTIONAL)
def test_any_column_may_be_absent(sales: pl.DataFrame, subjects: pl.DataFrame, absent: str) -> None:
    """On comps alone, which read every column; the next test goes through the trees."""
    without = estimate_values(subjects.head(40).drop(absent), sales.head(300).drop(absent), AS_OF)
    assert without["value_cents"].null_count() == 0
    assert without["parcel_id"].null_count() == (40 if absent == "parcel_id" else 0)


@pytest.mark.parametrize("absent", ["parcel_id", "living_sqft"])
def test_a_column_of_nulls_is_an_absent_column(sales: pl.DataFrame, subjects: pl.DataFrame, absent: str) -> None:
    few, nulled = subjects.head(40), pl.lit(None).alias(absent)
    without = estimate_values(few.drop(absent), sales.drop(absent), AS_OF)
    assert estimate_values(few.with_columns(nulled), sales.with_columns(nulled), AS_OF)["value_cents"].equals(
        without["value_cents"]
    )


def test_prices_that_are_all_alike_give_that_price(sales: pl.DataFrame, subjects: pl.DataFrame) -> None:
    values = estimate_values(subjects.head(9), sales.with_columns(pl.lit(200_000_00).alias("sale_price_cents")), AS_OF)
    assert values["value_cents"].to_list() == [200_000_00] * 9


def test_nothing_but_the_address(sales: pl.DataFrame, subjects: pl.DataFrame) -> None:
    bare = estimate_values(subjects.select("address"), sales.drop(*OPTIONAL), AS_OF)
    assert bare["value_cents"].null_count() == 0
    assert bare["parcel_id"].null_count() == len(subjects)


def test_a_small_county_is_valued_by_its_comps_alone(subjects: pl.DataFrame) -> None:
    values = estimate_values(subjects.head(300), invented_sales().head(300), AS_OF)
    assert set(values["method"]) <= {"comps", "neighbourhood"}
    assert values["value_cents"].null_count() == 0


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_a_county_without_sales_is_refused_and_says_why(subjects: pl.DataFrame, rows: int) -> None:
    values = estimate_values(subjects, invented_sales().head(rows), AS_OF)
    assert values["value_cents"].null_count() == len(subjects)
    assert values["method"].str.starts_with("refused: ").all()
    assert values["comps"].list.len().max() == 0


@pytest.mark.parametrize("rows", [6, 12, 31, 70])
def test_a_handful_of_sales_is_enough_for_a_wide_interval(subjects: pl.DataFrame, rows: int) -> None:
    few = invented_sales().filter(pl.col("sale_date") < AS_OF).head(rows)
    values = estimate_values(subjects.head(20), few, AS_OF)
    assert values["value_cents"].null_count() == 0
    ratio = (values["high_cents"] / values["low_cents"]).median()
    assert isinstance(ratio, float)
    assert ratio > 1.3


def test_what_never_sells_here_is_refused(subjects: pl.DataFrame, model: ValueModel) -> None:
    odd = subjects.head(3).with_columns(pl.Series("land_use", ["CHURCH", "SINGLE FAMILY", "Cottage"]))
    values = model.estimate(odd)
    assert values["value_cents"].is_null().to_list() == [True, False, False]
    assert values["method"][0] == "refused: not a home, and no sale of its kind"


def test_land_and_homes_are_never_compared(sales: pl.DataFrame, subjects: pl.DataFrame) -> None:
    """Every fourth parcel is a vacant lot, at a tenth of the price."""
    is_lot = pl.col("parcel_id").str.slice(-1).is_in(["3", "7"])
    kind = pl.when(is_lot).then(pl.lit("VACANT LAND")).otherwise("land_use").alias("land_use")
    price = pl.when(is_lot).then(pl.col("sale_price_cents") // 10).otherwise("sale_price_cents")
    mixed = sales.head(300).with_columns(kind, price.alias("sale_price_cents"))
    asked = subjects.with_columns(kind)
    values = estimate_values(asked, mixed, AS_OF).with_columns(asked.select(asked_lot=is_lot))
    assert values["value_cents"].null_count() == 0
    comps = values.explode("comps").with_columns(pl.col("comps").struct.field("parcel_id").alias("of"))
    assert comps.select((pl.col("of").str.slice(-1).is_in(["3", "7"]) == pl.col("asked_lot")).all()).item()
    worth = values.group_by("asked_lot").agg(pl.col("value_cents").median()).sort("asked_lot")["value_cents"]
    assert worth[0] > 5 * worth[1]


def test_a_blank_row_is_refused(subjects: pl.DataFrame, model: ValueModel) -> None:
    blank = pl.concat(
        [subjects.head(1), subjects.head(1).select(pl.lit(None).cast(t).alias(c) for c, t in subjects.schema.items())]
    )
    method = model.estimate(blank)["method"]
    assert method[1] == "refused: nothing is known of the home"
    assert not method[0].startswith("refused")


def test_no_subjects_no_rows(subjects: pl.DataFrame, model: ValueModel) -> None:
    assert model.estimate(subjects.head(0)).is_empty()


def test_comps_bracket_the_value_and_are_earlier_sales_of_others(values: pl.DataFrame) -> None:
    listed = values.filter(pl.col("method") == "comps+model")
    assert len(listed) > 0.9 * len(values)
    comps = listed.rename({"parcel_id": "subject"}).explode("comps").unnest("comps")
    bounds = comps.group_by("subject").agg(
        pl.col("value_cents").first(),
        pl.col("adjusted_price_cents").min().alias("least"),
        pl.col("adjusted_price_cents").max().alias("most"),
    )
    assert (bounds["least"] <= bounds["value_cents"] + 100).all()
    assert (bounds["most"] >= bounds["value_cents"] - 100).all()
    assert (comps["subject"] != comps["parcel_id"]).all()
    assert (comps["age_days"] >= 1).all()
    assert (comps["sale_date"] < AS_OF).all()
    assert comps["distance_m"].median() < 800
    recomputed = (comps["sale_price_cents"] * comps["adjustment"]).round()
    assert (recomputed - comps["adjusted_price_cents"]).abs().max() <= 1


def test_the_comps_shown_are_near_and_say_how_near(
    values: pl.DataFrame, subjects: pl.DataFrame, sales: pl.DataFrame
) -> None:
    """With coordinates by distance; without, by the places they share."""
    far = values.select("comps").explode("comps").unnest("comps")["distance_m"]
    assert far.median() < 300
    assert (far < 1_600).mean() > 0.95
    bare = ["lat", "lon", "neighborhood", "zip5"]
    named = estimate_values(subjects.drop(bare), sales.head(300).drop(bare), AS_OF)
    comps = named.select("comps", subjects["address"].alias("asked")).explode("comps").unnest("comps")
    near = comps.with_columns(
        same_street=pl.col("address").str.replace(r"^\d+ ", "") == pl.col("asked").str.replace(r"^\d+ ", "")
    )
    assert near.filter(pl.col("nearness").is_in(["same block", "same street"]))["same_street"].all()
    assert not near.filter(~pl.col("nearness").is_in(["same block", "same street"]))["same_street"].any()
    assert near["same_street"].mean() > 0.6


def test_the_value_lies_well_inside_its_interval(values: pl.DataFrame) -> None:
    below, above = values["value_cents"] / values["low_cents"], values["high_cents"] / values["value_cents"]
    assert below.min() > 1.05
    assert above.min() > 1.05


def test_a_larger_home_is_worth_more(sales: pl.DataFrame, subjects: pl.DataFrame) -> None:
    home = subjects.head(1).with_columns(
        pl.lit(None, pl.String).alias("parcel_id"), pl.lit(None).alias("assessed_cents")
    )
    sizes = pl.concat([home.with_columns(pl.lit(sqft).alias("living_sqft")) for sqft in (900, 1_600, 2_800)])
    worth = estimate_values(sizes, sales.drop("assessed_cents"), AS_OF)["value_cents"].to_list()
    assert worth == sorted(worth)
    assert worth[2] > 1.5 * worth[0]


def test_a_price_that_cannot_be_read_is_named(sales: pl.DataFrame, subjects: pl.DataFrame) -> None:
    spoilt = sales.with_columns(pl.lit("ask the seller").alias("sale_price_cents"))
    with pytest.raises(InvalidInput, match="sale_price_cents"):
        estimate_values(subjects, spoilt, AS_OF)


def test_fit_once_estimate_often(values: pl.DataFrame, subjects: pl.DataFrame, model: ValueModel) -> None:
    assert model.estimate(subjects).equals(values)
    assert model.estimate(subjects.head(7)).equals(values.head(7))
