"""The scorecard: every point has its reason, unknown signals add nothing, ranks are unique and stable."""

import datetime as dt

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_SCORES
from leadflow_pipelines.scoring import score_leads

DAY = dt.date(2026, 11, 21)
maybe = st.sampled_from([True, False, None])


def lead(number: int = 1, **facts: object) -> dict[str, object]:
    return {
        "zip": "78704",
        "day": DAY,
        "property_id": f"p_{number:04}",
        "owner_type": "person",
        "stacked_list_count": 0,
        "sources": ["attom"],
        **facts,
    }


def score(*leads: dict[str, object]) -> pl.DataFrame:
    return score_leads(ENRICHED_LEADS.conform(pl.DataFrame(list(leads), infer_schema_length=None)), run_id="r")


def test_a_lead_of_which_nothing_is_known_scores_zero_without_reasons() -> None:
    row = score(lead()).row(0, named=True)
    assert (row["points"], row["reasons"]) == (0, [])
    assert row["probability"] is None
    assert row["deal_score"] is None


def test_points_are_the_sum_of_the_reasons_most_first() -> None:
    row = score(
        lead(is_tax_delinquent=True, is_absentee=True, is_out_of_state=True, tenure_years=20.0, stacked_list_count=1)
    ).row(0, named=True)
    assert [reason["signal"] for reason in row["reasons"]] == [
        "tax_delinquent",
        "absentee",
        "tenure_15",
        "out_of_state",
    ]
    assert row["points"] == sum(reason["points"] for reason in row["reasons"]) == 50
    assert row["reasons"][2]["text"] == "Owned for 20 years"


def test_probate_counts_as_a_vacancy_does_and_an_old_loan_little() -> None:
    row = score(lead(is_probate=True, loan_age_years=15.9, stacked_list_count=1)).row(0, named=True)
    assert row["reasons"] == [
        {"signal": "probate", "points": 15, "text": "In probate"},
        {"signal": "loan_15", "points": 4, "text": "Open loan is 15 years old"},
    ]
    assert row["points"] == 19
    assert score(lead(loan_age_years=14.9))["points"].to_list() == [0]


def test_public_owners_are_no_leads() -> None:
    assert score(lead(owner_type="public", is_vacant=True))["points"].to_list() == [0]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "is_pre_foreclosure": maybe,
                "is_tax_delinquent": maybe,
                "is_probate": maybe,
                "is_vacant": maybe,
                "is_absentee": maybe,
                "has_code_violation": maybe,
                "is_out_of_state": maybe,
                "tenure_years": st.none() | st.floats(0, 90),
                "loan_age_years": st.none() | st.floats(0, 90),
                "equity_share": st.none() | st.floats(-5, 1),
                "stacked_list_count": st.integers(0, 6),
            }
        ),
        min_size=1,
        max_size=30,
    )
)
def test_scores_obey_the_contract_and_do_not_depend_on_row_order(facts: list[dict[str, object]]) -> None:
    leads = [lead(number, **known) for number, known in enumerate(facts)]
    scores = score(*leads)
    assert LEAD_SCORES.faults(scores) == []
    assert sorted(scores["rank_in_zip"]) == list(range(1, len(leads) + 1))
    assert scores.sort("rank_in_zip")["points"].is_sorted(descending=True)
    assert score(*reversed(leads)).sort("property_id").equals(scores.sort("property_id"))


@given(st.sampled_from(["is_pre_foreclosure", "is_tax_delinquent", "is_probate", "is_vacant", "is_absentee"]))
def test_false_and_unknown_add_the_same_nothing(signal: str) -> None:
    points = [score(lead(**{signal: value}))["points"][0] for value in (False, None)]
    assert points == [0, 0]
