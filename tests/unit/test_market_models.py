"""Motivation models by market: the big county keeps its own, the small one borrows, the one without history waits."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from leadflow_pipelines.backtest.snapshots import known_homes, read_record
from leadflow_pipelines.sales_history import SALES_SCHEMA
from leadflow_pipelines.scoring import MarketModels, MotivationModel, fit_market_models, fit_motivation_model
from leadflow_pipelines.scoring.market_models import learned_signals, without_terms
from leadflow_pipelines.scoring.ranking_metrics import auc
from leadflow_pipelines.training.apply_models import with_sales_until
from leadflow_pipelines.training.candidates import Candidate
from leadflow_pipelines.training.model_cards import write_card
from leadflow_pipelines.training.model_files import from_files, to_files
from leadflow_pipelines.training.train_motivation import train_motivation
from tests.invented_sales import DAYS, FIRST_SALE, invent_sales

pytestmark = pytest.mark.timeout(300)
END = FIRST_SALE + dt.timedelta(days=DAYS)
AS_OF = END - dt.timedelta(days=365)
BIG, SMALL = "39049", "39097"


def county(name: str, parcels: int, seed: int, *, dearer: float = 1.0, kept: float = 1.0) -> pl.DataFrame:
    """A county's sales. dearer: its price level; kept: share of its homes, so that fewer are sold again."""
    sales = invent_sales(parcels, seed=seed).with_columns(
        pl.format("{}-{}", pl.lit(name), "parcel_id").alias("parcel_id"),
        (pl.col("sale_price_cents") * dearer).round().cast(pl.Int64),
        pl.lit(name).alias("market"),
    )
    is_first = pl.col("sale_date") == pl.col("sale_date").min().over("parcel_id")
    return sales.filter(is_first | (pl.col("parcel_id").hash(seed=1) % 100 < kept * 100))


@pytest.fixture(scope="module")
def sales() -> dict[str, pl.DataFrame]:
    """A big county, and a smaller one where homes cost thrice as much and a fifth as many are sold again."""
    return {BIG: county(BIG, 2_500, 3), SMALL: county(SMALL, 1_000, 8, dearer=3.0, kept=0.2)}


@pytest.fixture(scope="module")
def models(sales: dict[str, pl.DataFrame]) -> dict[str, MotivationModel]:
    return fit_market_models(sales, dict.fromkeys(sales, AS_OF))


def judged(model: MotivationModel, sales: pl.DataFrame) -> tuple[float, float]:
    """AUC, and how far the mean chance lies from the share sold, on the year after AS_OF."""
    homes = known_homes(read_record(sales), AS_OF, horizon_days=365)
    chances, sold = model.score(homes.rows)["probability"].to_numpy(), homes.is_sold.to_numpy().astype(np.float64)
    return auc(sold, chances) or 0.0, abs(float(chances.mean() - sold.mean()))


def test_a_small_county_ranks_as_the_big_one_taught_it_at_its_own_level(
    sales: dict[str, pl.DataFrame], models: dict[str, MotivationModel]
) -> None:
    assert {name: model.method for name, model in models.items()} == {BIG: "fitted", SMALL: "borrowed"}
    one_for_all = fit_motivation_model(pl.concat(sales.values()).drop("market"), AS_OF)
    alone = fit_motivation_model(sales[SMALL].drop("market"), AS_OF)
    assert alone.method == "base_rate"
    ranked, gap = judged(models[SMALL], sales[SMALL])
    ranked_before, gap_before = judged(one_for_all, sales[SMALL])
    assert ranked >= ranked_before + 0.03
    assert gap <= gap_before * 0.75
    assert judged(models[BIG], sales[BIG])[0] >= judged(one_for_all, sales[BIG])[0] - 0.01


def test_a_county_alone_is_fitted_as_ever(sales: dict[str, pl.DataFrame]) -> None:
    ((_, model),) = fit_market_models({SMALL: sales[SMALL]}, {SMALL: AS_OF}).items()
    assert model.model_version == fit_motivation_model(sales[SMALL], AS_OF).model_version


def test_neither_the_order_of_rows_nor_later_sales_change_a_models_bytes(
    sales: dict[str, pl.DataFrame], models: dict[str, MotivationModel]
) -> None:
    turned = {name: sales[name].reverse() for name in reversed(sales)}
    until = {name: frame.filter(pl.col("sale_date") < AS_OF) for name, frame in turned.items()}
    again = fit_market_models(until, dict.fromkeys(sales, AS_OF))
    assert to_files(MarketModels(again)) == to_files(MarketModels(models))
    files = to_files(MarketModels(models))
    assert to_files(from_files(files)) == files


def test_homes_are_scored_by_their_own_market_in_their_order(
    sales: dict[str, pl.DataFrame], models: dict[str, MotivationModel]
) -> None:
    homes = pl.concat([sales[SMALL].head(3), sales[BIG].head(3), sales[SMALL].tail(2)])
    markets = homes["market"].to_list()
    asked = pl.Series([*markets[:-1], None], dtype=pl.String)
    told = MarketModels(models).score(homes.select(*[c for c in homes.columns if c in SALES_SCHEMA]), asked)
    assert told["parcel_id"].to_list() == homes["parcel_id"].to_list()[:-1]
    assert told["base_rate"].to_list() == [models[name].base_rate for name in markets[:-1]]


@pytest.fixture(scope="module")
def candidate(sales: dict[str, pl.DataFrame]) -> Candidate:
    """Trained on both counties, on one with a handful of sales, and on one whose sales ended two years ago."""
    ended = county("39041", 200, 5).filter(pl.col("sale_date") < END - dt.timedelta(days=800))
    few = county("39089", 14, 6)
    lots = county(BIG, 60, 9).with_columns(
        pl.format("LOT-{}", "parcel_id").alias("parcel_id"), pl.lit("VACANT RESIDENTIAL LAND").alias("land_use")
    )
    return train_motivation(pl.concat([*sales.values(), ended, few, lots]), day=END)


def test_training_judges_each_county_and_says_who_borrows_and_who_waits(candidate: Candidate) -> None:
    assert candidate.judgement.verdict == "promoted", candidate.judgement.because
    assert candidate.markets == (BIG, SMALL)
    metrics = candidate.judgement.metrics
    assert metrics["candidate"]["homes"] == metrics[f"market {BIG}"]["homes"] + metrics[f"market {SMALL}"]["homes"]
    card = write_card("motivation", candidate, day=END, span="", sales=0, markets=[*(candidate.markets or ())])
    assert f"| {SMALL} | " in card
    assert "| borrowed |" in card
    assert "39041: its sales end on" in card
    assert "39089: it has 19 sales, 30 are needed to borrow" in card
    assert "Walked forward" in card


def test_land_teaches_nothing_of_homes(candidate: Candidate) -> None:
    assert not any("LOT-" in key for model in candidate.model.models.values() for key in model.facts["key"])
    assert int(candidate.facts["Left out"].split()[0]) >= 60


def trained_turned(sales: dict[str, pl.DataFrame], *, too: bool) -> Candidate:
    """Trained with the small county's own terms turned round, and its borrowed ones `too`."""
    twice = {BIG: sales[BIG], SMALL: county(SMALL, 500, 8, dearer=3.0)}
    good = fit_motivation_model(sales[BIG], AS_OF)
    turned = replace(good.terms, terms=tuple(replace(term, log_odds=-term.log_odds) for term in good.terms.terms))

    def recipe(of: dict[str, pl.DataFrame], as_of: dict[str, dt.date], *_: Any, borrowing: Any = (), **__: Any) -> Any:
        made = {}
        for name, own in of.items():
            here = with_sales_until(good, own, as_of[name])
            worse = replace(here, terms=turned) if name == SMALL else here
            borrowed = replace(worse if too else here, method="borrowed")
            made[name] = borrowed if name in borrowing else worse
        return made

    return train_motivation(pl.concat(twice.values()), day=END, recipe=recipe)


def test_terms_that_rank_worse_than_the_others_are_not_kept(sales: dict[str, pl.DataFrame]) -> None:
    made = trained_turned(sales, too=False)
    assert made.model.models[SMALL].method == "borrowed"
    assert made.stand_in.models[SMALL].method == "borrowed"
    assert made.model.models[BIG].method == "fitted"
    assert made.markets == (BIG, SMALL)


def test_a_county_ranked_by_chance_keeps_the_scorecard(sales: dict[str, pl.DataFrame]) -> None:
    made = trained_turned(sales, too=True)
    assert made.markets == (BIG,)
    assert made.facts["Not used in"] == f"{SMALL}: ranked no better than by chance"


def test_signals_are_learned_once_their_windows_have_closed(sales: dict[str, pl.DataFrame]) -> None:
    """Homes noted as vacant that were sold more often teach; the same notes of the last year do not yet."""
    own = sales[BIG]
    sold_in_year = own.filter(pl.col("sale_date").is_between(AS_OF - dt.timedelta(days=365), AS_OF))["parcel_id"]

    def noted(day: dt.date) -> pl.DataFrame:
        homes = own.select("parcel_id").unique().sort("parcel_id")
        is_vacant = pl.col("parcel_id").is_in(sold_in_year.implode()) & (pl.col("parcel_id").hash(seed=2) % 10 < 6)
        return homes.select("parcel_id", pl.lit(day).alias("day"), is_vacant.alias("is_vacant"))

    in_time = noted(AS_OF - dt.timedelta(days=400))
    taught = fit_motivation_model(own, AS_OF, signals=in_time)
    assert learned_signals(taught) == ("is_vacant",)
    too_late = fit_motivation_model(own, AS_OF, signals=noted(AS_OF - dt.timedelta(days=30)))
    assert learned_signals(too_late) == ()
    homes = own.filter(pl.col("sale_date") < AS_OF).head(200).drop("market").with_columns(is_vacant=True)
    with_signal, without = taught.score(homes), without_terms(taught, ["is_vacant"]).score(homes)
    assert (with_signal["log_odds"] > without["log_odds"]).all()
