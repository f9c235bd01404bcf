"""Decay and fairness reports: what must raise an alert does, what holds stays silent."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import cut_history
from leadflow_pipelines.scoring import fairness_report, fit_motivation_model, watch_decay
from leadflow_pipelines.scoring.additive_terms import AdditiveModel
from leadflow_pipelines.scoring.binning import Binning
from leadflow_pipelines.scoring.decay import (
    LATE_DAYS,
    facts_of_same_age,
    month_alerts,
    monthly_calibration,
    pace_alerts,
    population_drift,
    sales_pace,
)
from leadflow_pipelines.scoring.features import parcel_features
from tests.unit.motivation_market import market

TERMS = AdditiveModel(0.0, {"price_vs_area": Binning("price_vs_area", edges=(100.0, 200.0))}, ())


def closed_scores(rates: dict[date, float]) -> pl.DataFrame:
    """2,000 scores a month with chances of 2 to 10 %, sold at `rates` times as often as said."""
    random = np.random.default_rng(3)
    parts = []
    for month, times in rates.items():
        chances = random.uniform(0.02, 0.1, 2_000)
        sold = (random.random(2_000) < chances * times).astype(int)
        parts.append(pl.DataFrame({"month": [month] * 2_000, "probability": chances, "sold": sold}))
    return pl.concat(parts)


def homes(price: float) -> pl.DataFrame:
    return pl.DataFrame({"price_vs_area": [price + step for step in range(50)]})


def test_a_model_that_holds_raises_no_alert() -> None:
    scored = closed_scores({date(2020, 1, 15): 1.0, date(2020, 2, 15): 1.0})
    report = watch_decay(scored, terms=TERMS, then=homes(10), now=homes(20), auc_at_fit=0.6)
    assert report.alerts == []
    assert report.months["month"].to_list() == [date(2020, 1, 1), date(2020, 2, 1)]


def test_a_month_that_sells_half_of_what_was_said_raises_an_alert() -> None:
    scored = closed_scores({date(2020, 1, 15): 1.0, date(2020, 2, 15): 0.5})
    report = watch_decay(scored, terms=TERMS, then=homes(10), now=homes(10), auc_at_fit=None)
    assert len(report.alerts) == 1
    assert report.alerts[0].code == "calibration"
    assert report.alerts[0].month == date(2020, 2, 1)
    assert report.alerts[0].text.startswith("2020-02: ")


def test_a_ranking_that_is_lost_raises_an_alert() -> None:
    scored = closed_scores({date(2020, 1, 15): 1.0}).with_columns(pl.col("probability").shuffle(seed=1))
    alerts = watch_decay(scored, terms=TERMS, then=homes(10), now=homes(10), auc_at_fit=0.65).alerts
    assert [alert.code for alert in alerts] == ["ranking"]


def test_a_ranking_of_few_sales_raises_none() -> None:
    """Of 1,500 homes 31 sold, at random: an AUC of .5 where .58 was measured lies within three standard errors."""
    scored = pl.DataFrame({"month": [date(2020, 1, 1)] * 1_500, "probability": np.linspace(0.01, 0.03, 1_500)})
    few = scored.with_columns(sold=(pl.int_range(pl.len()) % 48 == 0).cast(pl.Int64))
    months = monthly_calibration(few)
    assert months["auc"].item() == pytest.approx(0.5, abs=0.02)
    assert month_alerts(months, 0.58) == []
    assert [alert.code for alert in month_alerts(months, 0.75)] == ["ranking"]


def test_a_record_that_grows_longer_is_no_drift() -> None:
    """After a year of sales hardly a home has sold twice; after four many have, in one and the same market."""
    sales, today = market(), date(2018, 12, 31)
    terms = AdditiveModel(0.0, {"earlier_sales": Binning("earlier_sales", edges=(0.5,))}, ())
    fitted = replace(fit_motivation_model(sales, date(2016, 1, 1)), terms=terms)
    whole = parcel_features(cut_history(sales, today), buildings_are_dated=False)
    assert population_drift(terms, fitted.facts, whole)["psi"].item() > 0.1
    same_age = facts_of_same_age(fitted, sales, today)
    assert population_drift(terms, fitted.facts, same_age)["psi"].item() < 0.005


def sold_each_day(first: date, days: int, *, every: int = 1) -> pl.DataFrame:
    dates = [first + timedelta(days=day) for day in range(0, days, every)]
    return pl.DataFrame({"sale_date": dates, "sale_price_cents": [20_000_000] * len(dates)})


def test_a_market_that_sells_less_raises_an_alert_and_its_newest_weeks_do_not() -> None:
    fitted_on, day = date(2020, 1, 1), date(2020, 12, 1)
    before = sold_each_day(date(2018, 1, 1), 730)
    until_late = (day - fitted_on).days - LATE_DAYS
    steady = pl.concat([before, sold_each_day(fitted_on, until_late)])
    pace = sales_pace(steady, fitted_on=fitted_on, day=day)
    assert pace is not None
    assert pace.ratio == pytest.approx(1, abs=0.02)
    assert pace_alerts(pace) == []
    slower = sales_pace(
        pl.concat([before, sold_each_day(fitted_on, until_late, every=2)]), fitted_on=fitted_on, day=day
    )
    assert [alert.code for alert in pace_alerts(slower)] == ["pace"]


def test_no_pace_is_told_where_nothing_newer_is_known_or_the_record_is_short() -> None:
    sales = sold_each_day(date(2019, 6, 1), 700)
    assert sales_pace(sales, fitted_on=date(2020, 1, 1), day=date(2020, 2, 1)) is None
    assert sales_pace(sales, fitted_on=date(2020, 1, 1), day=date(2020, 6, 1)) is None
    assert sales_pace(sales, fitted_on=date(2020, 6, 1), day=date(2021, 4, 1)) is not None


def test_other_homes_than_those_of_the_fit_raise_an_alert() -> None:
    report = watch_decay(
        closed_scores({date(2020, 1, 1): 1.0}), terms=TERMS, then=homes(10), now=homes(500), auc_at_fit=None
    )
    assert report.drift.row(0)[0] == "price_vs_area"
    assert any("price_vs_area has moved" in alert.text for alert in report.alerts)


def leads(chance_by_tract: dict[str, float]) -> tuple[pl.DataFrame, pl.DataFrame]:
    tracts = list(chance_by_tract)
    rows = [(f"{tract}-{n:03d}", tract, chance_by_tract[tract] + n / 1e5) for tract in tracts for n in range(100)]
    shares = [place / len(tracts) for place in range(len(tracts))]
    return pl.DataFrame(rows, schema=["parcel_id", "tract", "probability"], orient="row"), pl.DataFrame(
        {"tract": tracts, "renters": shares}
    )


def test_selection_that_avoids_some_tracts_deserves_a_look() -> None:
    given, tracts = leads({"1": 0.2, "2": 0.1, "3": 0.1, "4": 0.1})
    report = fairness_report(given, tracts, share="renters", top_share=0.1)
    assert report["quarter"].to_list() == [1, 2, 3, 4]
    assert report["selection_rate"].to_list() == [0.4, 0.0, 0.0, 0.0]
    assert report["deserves_a_look"].to_list() == [False, True, True, True]


def test_even_selection_and_contact_deserve_none() -> None:
    given, tracts = leads({"1": 0.1, "2": 0.1, "3": 0.1, "4": 0.1})
    contacted = given.with_columns((pl.int_range(pl.len()) % 2 == 0).alias("was_contacted"))
    report = fairness_report(contacted, tracts, share="renters", top_share=0.2)
    assert not report["deserves_a_look"].any()
    assert report["contact_rate"].to_list() == [0.5] * 4


def test_homes_of_unknown_tracts_stand_in_their_own_row() -> None:
    given, tracts = leads({"1": 0.1, "2": 0.1})
    report = fairness_report(given, tracts.filter(pl.col("tract") == "1"), share="renters")
    assert report["homes"].sum() == given.height
    assert report["quarter"].null_count() == 1


def test_scores_are_the_same_to_the_bit_with_and_without_tracts() -> None:
    sales, as_of = market(1_500), date(2018, 1, 1)
    share = (pl.col("parcel_id").hash(1) % 100 / 100).alias("renters")
    placed = sales.with_columns(share, pl.col("parcel_id").str.head(1).alias("tract"))
    plain, told = fit_motivation_model(sales, as_of), fit_motivation_model(placed, as_of)
    assert told.model_version == plain.model_version
    assert told.score(placed, as_of).equals(plain.score(sales, as_of))


def test_a_difference_among_few_homes_deserves_no_look() -> None:
    given, tracts = leads({"1": 0.2, "2": 0.1})
    few = given.group_by("tract").head(12)
    contacted = few.with_columns(
        was_contacted=pl.int_range(pl.len()).over("tract") < pl.when(pl.col("tract") == "1").then(4).otherwise(2)
    )
    report = fairness_report(contacted, tracts, share="renters", top_share=0.01)
    assert report["contact_ratio"].min() == pytest.approx(0.5)
    assert not report["deserves_a_look"].any()


def test_a_tract_named_twice_is_refused() -> None:
    given, tracts = leads({"1": 0.1})
    with pytest.raises(InvalidInput, match="twice"):
        fairness_report(given, pl.concat([tracts, tracts]), share="renters")
