"""Signals: what the records say becomes true or false, what they do not say stays null."""

import datetime as dt
from collections.abc import Collection

import polars as pl
import pytest

from leadflow_pipelines.contracts import ENRICHED_LEADS, PROPERTIES
from leadflow_pipelines.leads.signals import derive_signals
from leadflow_pipelines.properties.link_owners import LINK_COLUMNS

DAY = dt.date(2026, 11, 21)
HOME = {
    "property_id": "p_1",
    "zip": "78704",
    "valid_from": DAY,
    "house_number": "120",
    "street_name": "BARTON SPRINGS",
    "suffix": "RD",
    "city": "AUSTIN",
    "state": "TX",
    "zip5": "78704",
    "sources": ["attom"],
    "record_count": 1,
    "provenance": [],
    "content_hash": "x",
}
MAIL_HOME = {
    "mailing_street": "120 Barton Springs Road",
    "mailing_city": "Austin",
    "mailing_state": "TX",
    "mailing_zip5": "78704",
}
MAIL_ELSEWHERE = {
    "mailing_street": "9 Example Ave",
    "mailing_city": "Tulsa",
    "mailing_state": "OK",
    "mailing_zip5": "74103",
}


def signals(probate_states: Collection[str] | None = None, **facts: object) -> dict[str, object]:
    frame = PROPERTIES.conform(pl.DataFrame([{**HOME, **facts}], infer_schema_length=None))
    leads = derive_signals(frame, day=DAY, probate_states=probate_states)
    assert ENRICHED_LEADS.faults(leads) == []
    return leads.row(0, named=True)


def test_nothing_known_is_null_not_false() -> None:
    known = signals()
    for name, dtype in ENRICHED_LEADS.schema.items():
        if dtype == pl.Boolean:
            assert known[name] is None, name
    assert known["tenure_years"] is None
    assert known["loan_age_years"] is None
    assert known["stacked_list_count"] == 0
    assert known["estimated_value_cents"] is None


def test_an_owner_whose_mail_comes_home_is_not_absentee() -> None:
    assert signals(**MAIL_HOME)["is_absentee"] is False


def test_an_owner_whose_mail_goes_elsewhere_is_absentee() -> None:
    known = signals(**MAIL_ELSEWHERE)
    assert (known["is_absentee"], known["is_out_of_state"]) == (True, True)


def test_a_local_post_box_says_nothing_about_where_the_owner_lives() -> None:
    box = {**MAIL_HOME, "mailing_street": "PO BOX 12"}
    assert signals(**box)["is_absentee"] is None
    assert signals(**box, is_owner_occupied=True)["is_absentee"] is False


def test_lists_become_signals_and_stack() -> None:
    known = signals(list_codes=["tax_delinquent", "probate"], is_vacant=True)
    assert (known["is_tax_delinquent"], known["is_vacant"], known["is_pre_foreclosure"]) == (True, True, None)
    assert known["stacked_list_count"] == 3


def test_probate_is_a_lists_word_and_no_names() -> None:
    assert signals(list_codes=["probate"])["is_probate"] is True
    assert signals(list_codes=["pre_probate"])["is_probate"] is None
    assert signals(list_codes=["vacant"])["is_probate"] is None
    estate = signals(owner_name="EXAMPLE PAT EST")
    assert (estate["owner_form"], estate["is_probate"]) == ("estate", None)


@pytest.mark.parametrize(
    ("states", "state", "probate", "lists", "stacked"),
    [
        (None, "TX", True, ["pre_probate", "probate", "vacant"], 3),
        ({"TX", "TN"}, "TX", True, ["pre_probate", "probate", "vacant"], 3),
        ({"TN"}, "TX", None, ["vacant"], 1),
        ({"TN"}, None, None, ["vacant"], 1),
        (set(), "TX", None, ["vacant"], 1),
    ],
)
def test_probate_lists_count_only_where_the_org_lets_them(
    states: Collection[str] | None, state: str | None, probate: bool | None, lists: list[str], stacked: int
) -> None:
    held = ["pre_probate", "probate", "vacant"]
    known = signals(probate_states=states, state=state, list_codes=held)
    assert (known["is_probate"], known["list_codes"], known["stacked_list_count"]) == (probate, lists, stacked)
    alone = signals(probate_states=states, state=state, list_codes=["probate"])
    assert alone["list_codes"] == (["probate"] if probate else None)


def test_a_vacancy_list_and_a_reported_vacancy_are_one() -> None:
    assert signals(list_codes=["vacant"], is_vacant=True)["stacked_list_count"] == 1


@pytest.mark.parametrize(
    ("sale_date", "years"),
    [(dt.date(2016, 11, 21), 10.0), (dt.date(2026, 11, 21), 0.0), (dt.date(2027, 1, 1), None), (None, None)],
)
def test_tenure_counts_from_the_latest_sale_and_never_from_the_future(
    sale_date: dt.date | None, years: float | None
) -> None:
    tenure = signals(sale_date=sale_date)["tenure_years"]
    assert tenure == (pytest.approx(years, abs=0.01) if years is not None else None)


MADE = dt.date(2016, 11, 21)


@pytest.mark.parametrize(
    ("facts", "years"),
    [
        ({"mortgage_date": MADE}, 10.0),
        ({"mortgage_date": MADE, "mortgage_cents": 100_000_00}, 10.0),
        ({"mortgage_date": MADE, "mortgage_cents": 0}, None),
        ({"mortgage_date": dt.date(2027, 1, 1)}, None),
        ({"mortgage_cents": 100_000_00}, None),
        ({"mortgage_date": MADE, "sale_date": dt.date(2017, 1, 10), "sale_price_cents": 1}, 10.0),
        ({"mortgage_date": MADE, "sale_date": dt.date(2020, 1, 10), "sale_price_cents": 1}, None),
        ({"mortgage_date": MADE, "sale_date": dt.date(2020, 1, 10)}, 10.0),
    ],
)
def test_a_loans_age_counts_while_it_is_open(facts: dict[str, object], years: float | None) -> None:
    age = signals(**facts)["loan_age_years"]
    assert age == (pytest.approx(years, abs=0.01) if years is not None else None)


def test_equity_needs_value_and_loan() -> None:
    assert signals(market_value_cents=400_000_00)["equity_share"] is None
    assert signals(market_value_cents=400_000_00, mortgage_cents=100_000_00)["equity_share"] == 0.75
    assert signals(market_value_cents=100_000_00, mortgage_cents=150_000_00)["equity_share"] == -0.5


def test_an_owner_has_one_id_in_all_of_the_area_and_its_parcels_are_counted_there() -> None:
    frame = PROPERTIES.conform(
        pl.DataFrame(
            [
                {**HOME, **MAIL_ELSEWHERE, "property_id": "p_1", "owner_name": "EXAMPLE, PAT A"},
                {**HOME, **MAIL_ELSEWHERE, "property_id": "p_2", "owner_name": "Pat A. Example", "zip": "78705"},
                {**HOME, **MAIL_HOME, "property_id": "p_3", "owner_name": "EXAMPLE, PAT A"},
            ],
            infer_schema_length=None,
        )
    )
    alone = derive_signals(frame[:1], day=DAY).row(0, named=True)
    within = derive_signals(frame[:1], day=DAY, area=frame.select(LINK_COLUMNS)).row(0, named=True)
    assert (alone["owner_parcel_count"], within["owner_parcel_count"]) == (1, 2)
    assert alone["owner_id"] == within["owner_id"]


def test_an_estate_is_a_persons_and_a_trust_an_entitys() -> None:
    estate, trust = signals(owner_name="EXAMPLE PAT EST"), signals(owner_name="EXAMPLE FAMILY TRUST")
    assert (estate["owner_type"], estate["owner_form"], estate["is_entity_owned"]) == ("person", "estate", False)
    assert (trust["owner_type"], trust["owner_form"], trust["is_entity_owned"]) == ("trust", "trust", True)
