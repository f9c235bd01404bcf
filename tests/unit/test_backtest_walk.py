"""The walk forward: what models get to see, who counts as sold, and what the figures make of it."""

import datetime as dt

import polars as pl
import pytest

from leadflow_pipelines.backtest import Backtest, BacktestPlan, run_backtest
from leadflow_pipelines.backtest.snapshots import homes_sold, known_homes, read_record
from leadflow_pipelines.backtest.windows import add_months
from leadflow_pipelines.errors import InvalidInput
from tests.invented_sales import invent_sales
from tests.stand_in_models import Seen, oracle, stand_ins

PLAN = BacktestPlan("invented", dt.date(2021, 1, 1), dt.date(2021, 7, 1), step_months=6, rounds=40)


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return invent_sales()


@pytest.fixture(scope="module")
def result(sales: pl.DataFrame) -> Backtest:
    return run_backtest(sales, PLAN, models=stand_ins())


def of(result: Backtest, model: str, segment: str = "all") -> dict[str, float]:
    rows = result.scores.filter(pl.col("as_of").is_null(), segment=segment, model=model)
    return rows.row(0, named=True)


def deeds(*rows: tuple[str, str, int | None]) -> pl.DataFrame:
    """parcel, day, dollars."""
    return pl.DataFrame(
        {
            "parcel_id": [row[0] for row in rows],
            "sale_date": [dt.date.fromisoformat(row[1]) for row in rows],
            "sale_price_cents": [None if row[2] is None else row[2] * 100 for row in rows],
        }
    )


def test_models_see_nothing_of_the_date_or_later(sales: pl.DataFrame) -> None:
    seen = Seen()
    run_backtest(sales, PLAN, models=stand_ins(seen))
    *walked, canary = zip(seen.latest, seen.as_of, strict=True)
    assert [as_of for _, as_of in walked] == [dt.date(2021, month, 1) for month in (1, 7)]
    assert all(latest < as_of for latest, as_of in walked)
    assert canary[0] > canary[1]  # only the canary is shown the future, to prove that it makes no difference
    assert not {"sale_date", "sale_price_cents"} & seen.valued_columns


def test_the_canary_is_quiet_for_honest_models_and_sings_for_one_that_peeks(
    sales: pl.DataFrame, result: Backtest
) -> None:
    assert (result.canary.same_scores, result.canary.same_values) == (True, True)
    peeking = run_backtest(sales, PLAN, models=stand_ins(peeks=True))
    assert (peeking.canary.same_scores, peeking.canary.same_values) == (False, False)


def test_flips_are_found_and_beat_the_baselines(result: Backtest) -> None:
    ours = of(result, "leadflow")
    assert ours["auc"] > of(result, "tenure")["auc"] + 0.1
    assert ours["lift_5_low"] < ours["lift_5"] < ours["lift_5_high"]
    assert ours["lift_5_low"] > 1.5
    assert of(result, "base_rate")["lift_5"] == pytest.approx(1)
    assert of(result, "lightgbm")["auc"] > 0.65
    low, high = result.difference["all"][1:]
    assert low <= result.difference["all"][0] <= high


def test_seasoned_owners_hold_no_flips_and_are_told_apart(result: Backtest) -> None:
    assert of(result, "leadflow", "owned a year or more")["auc"] < 0.62 < of(result, "leadflow")["auc"]
    assert any("owners of a year or more" in note for note in result.notes)


def test_markets_are_told_apart_and_sum_to_all(result: Backtest) -> None:
    parts = [of(result, "leadflow", f"market {fips}")["homes"] for fips in ("47037", "47149")]
    assert sum(parts) == of(result, "leadflow")["homes"]


def test_an_oracle_is_perfect_and_a_refusal_is_a_full_miss(sales: pl.DataFrame) -> None:
    known = run_backtest(sales, PLAN, models=oracle(sales, PLAN.horizon_days))
    assert of(known, "leadflow")["auc"] == pytest.approx(1)
    assert of(known, "leadflow")["ece"] == pytest.approx(0)
    row = known.values.filter(pl.col("as_of").is_null(), segment="all", model="leadflow").row(0, named=True)
    assert (row["refused"], row["median_error"], row["within_20"]) == (row["sales"], 1.0, 0.0)
    assert row["coverage"] is None


def test_values_are_judged_by_thirds_and_months(result: Backtest) -> None:
    ours = result.values.filter(pl.col("as_of").is_null(), model="leadflow")
    by_segment = {row["segment"]: row for row in ours.iter_rows(named=True)}
    thirds = [by_segment[f"{name} third"]["sales"] for name in ("cheapest", "middle", "dearest")]
    assert sum(thirds) == by_segment["all"]["sales"]
    assert max(thirds) - min(thirds) <= 4
    assert by_segment["all"]["median_error"] < 0.15
    assert 0.6 < by_segment["all"]["coverage"] < 0.95
    assert by_segment["all"]["width"] == pytest.approx(0.55, abs=0.01)
    months = sorted(name for name in by_segment if name.startswith("month "))
    assert months == [f"month 2021-{month:02}" for month in (1, 2, 3, 7, 8, 9)]
    assert by_segment["cheapest third"]["median_error"] > by_segment["middle third"]["median_error"]


def test_rows_in_another_order_give_the_same_figures(sales: pl.DataFrame, result: Backtest) -> None:
    again = run_backtest(sales.sample(fraction=1, shuffle=True, seed=4), PLAN, models=stand_ins())
    assert again.scores.equals(result.scores)
    assert again.values.equals(result.values)
    assert again.curves.equals(result.curves)


def test_a_home_is_known_by_its_last_record_and_sold_by_a_sale_only() -> None:
    record = read_record(
        deeds(
            ("A", "2020-01-05", 100_000),
            ("A", "2020-06-01", 150_000),
            ("A", "2021-03-01", 200_000),
            ("B", "2020-02-01", 90_000),
            ("B", "2021-02-01", None),  # a deed without a price: given, not sold
            ("C", "2021-02-01", 80_000),
        )
    )
    homes = known_homes(record, dt.date(2021, 1, 1), horizon_days=60)
    assert homes.rows["parcel_id"].to_list() == ["A", "B"]
    assert homes.rows["sale_price_cents"].to_list() == [15_000_000, 9_000_000]
    assert homes.is_sold.to_list() == [1, 0]
    assert homes.tenure_days.to_list() == [214, 335]
    assert known_homes(record, dt.date(2021, 1, 1), horizon_days=59).is_sold.to_list() == [0, 0]
    sold = homes_sold(record, dt.date(2021, 1, 1), dt.date(2021, 3, 1))
    assert sold.rows["parcel_id"].to_list() == ["C"]
    assert sold.rows["sale_price_cents"].to_list() == [None]
    assert sold.price_cents.to_list() == [8_000_000]


def test_a_column_left_out_reaches_nobody(sales: pl.DataFrame) -> None:
    seen = Seen()
    plan = BacktestPlan("invented", PLAN.first, PLAN.first, without=("land_use",), rounds=9)
    told = run_backtest(sales, plan, models=stand_ins(seen))
    assert "land_use" not in seen.valued_columns
    assert "living_sqft" in seen.valued_columns
    assert "Left out on request: land_use." in told.notes
    with pytest.raises(InvalidInput, match="no column nothing"):
        run_backtest(sales, BacktestPlan("x", PLAN.first, PLAN.first, without=("nothing",)), models=stand_ins())


def test_a_file_of_last_sales_says_that_it_is_one(sales: pl.DataFrame) -> None:
    last = sales.sort("sale_date").unique("parcel_id", keep="last")
    with pytest.raises(InvalidInput, match="last sale only"):
        run_backtest(last, PLAN, models=stand_ins())


def test_a_date_with_too_little_before_it_is_passed_over(sales: pl.DataFrame) -> None:
    plan = BacktestPlan("invented", dt.date(2019, 1, 5), dt.date(2019, 10, 5), step_months=9, rounds=9)
    told = run_backtest(sales, plan, models=stand_ins())
    assert told.dates == (dt.date(2019, 10, 5),)
    assert "sales lie before it" in told.skipped[dt.date(2019, 1, 5)]
    assert any("LightGBM" in note for note in told.notes)


def test_without_dates_the_newest_closed_ones_are_judged(sales: pl.DataFrame) -> None:
    last = sales["sale_date"].max()
    assert isinstance(last, dt.date)
    newest = last + dt.timedelta(days=1 - 365)
    found = run_backtest(sales, BacktestPlan("invented", rounds=2), models=stand_ins())
    assert found.dates == tuple(add_months(newest, months) for months in (-9, -6, -3, 0))
    later = run_backtest(sales, BacktestPlan("invented", first=dt.date(2021, 9, 1), rounds=2), models=stand_ins())
    assert later.dates == (dt.date(2021, 9, 1), dt.date(2021, 12, 1))
    earlier = run_backtest(
        sales, BacktestPlan("invented", last=dt.date(2021, 7, 1), step_months=1, rounds=2), models=stand_ins()
    )
    assert earlier.dates[0] == dt.date(2021, 4, 1)
    with pytest.raises(InvalidInput, match="No date from 2022-06-01 to 2022-06-01 has a closed window"):
        run_backtest(sales, BacktestPlan("invented", first=dt.date(2022, 6, 1)), models=stand_ins())


def test_dates_may_be_text_and_markets_may_be_absent(sales: pl.DataFrame, result: Backtest) -> None:
    as_text = sales.with_columns(pl.col("sale_date").cast(pl.String)).drop("market")
    again = run_backtest(as_text, PLAN, models=stand_ins())
    assert of(again, "leadflow") == of(result, "leadflow")
    assert again.markets == ("unplaced",)


@pytest.mark.parametrize(
    "wrong", [{"horizon_days": 0}, {"step_months": 0}, {"first": dt.date(2022, 1, 1), "last": dt.date(2021, 1, 1)}]
)
def test_a_question_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    asked: dict[str, object] = {"market": "x", "first": dt.date(2021, 1, 1), "last": dt.date(2021, 1, 1), **wrong}
    with pytest.raises(InvalidInput):
        BacktestPlan(**asked)  # type: ignore[arg-type]


def test_a_market_whose_records_end_early_is_judged_only_while_they_last(sales: pl.DataFrame) -> None:
    ends = dt.date(2021, 12, 31)
    other = sales.with_columns(pl.format("other-{}", "parcel_id").alias("parcel_id"))
    both = pl.concat([
        sales.with_columns(market=pl.lit("lasting")),
        other.filter(pl.col("sale_date") <= ends).with_columns(market=pl.lit("ended")),
    ])  # fmt: skip
    result = run_backtest(both, PLAN, models=stand_ins())
    homes = dict(
        result.scores.filter(segment="all", model="leadflow").drop_nulls("as_of").select("as_of", "homes").iter_rows()
    )
    alone = run_backtest(sales, PLAN, models=stand_ins())
    late = alone.scores.filter(segment="all", model="leadflow", as_of=PLAN.last)["homes"].item()
    assert homes[PLAN.last] == late, "homes of the ended market would count as not sold"
    assert (
        homes[PLAN.first] == 2 * alone.scores.filter(segment="all", model="leadflow", as_of=PLAN.first)["homes"].item()
    )
    assert f"ended is not in the figures of {PLAN.last}: its own sales do not cover the window." in result.notes


def test_land_is_valued_and_not_asked_who_will_sell_it(sales: pl.DataFrame) -> None:
    """A builder's lots sell for sure: counted among homes they would make any ranking look good."""
    parcels = sales["parcel_id"].unique().sort()
    is_land = pl.col("parcel_id").is_in(parcels.head(parcels.len() // 4).implode())
    mixed = sales.with_columns(land_use=pl.when(is_land).then(pl.lit("VACANT RESIDENTIAL LAND")).otherwise("land_use"))
    result = run_backtest(mixed, PLAN, models=stand_ins())
    homes = run_backtest(mixed.filter(~is_land), PLAN, models=stand_ins())
    kept = ["as_of", "model", "homes", "sold", "auc"]
    assert result.scores.filter(segment="all").select(kept).equals(homes.scores.filter(segment="all").select(kept))
    of_all = [frame.filter(segment="all", model="leadflow")["sales"].sum() for frame in (result.values, homes.values)]
    assert of_all[0] > of_all[1]
    assert any("land, parking or trade" in note for note in result.notes)
