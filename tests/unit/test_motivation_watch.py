"""Decay and fairness reports: what must raise an alert does, what holds stays silent."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.scoring import fairness_report, watch_decay
from leadflow_pipelines.scoring.additive_terms import AdditiveModel
from leadflow_pipelines.scoring.binning import Binning

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


def test_a_tract_named_twice_is_refused() -> None:
    given, tracts = leads({"1": 0.1})
    with pytest.raises(InvalidInput, match="twice"):
        fairness_report(given, pl.concat([tracts, tracts]), share="renters")
