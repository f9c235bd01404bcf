"""Deals in exact cents: known cases by hand, one lead and a frame alike, money that never leaks."""

from dataclasses import fields, replace
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.valuation import Deal, DealAssumptions, deal_scores, score_deal

PRICES = st.integers(1, 100_000_000_00)
MONEY = st.integers(0, 100_000_000_00)
SHARES = st.integers(0, 20_000)
TERMS = st.builds(
    DealAssumptions,
    rule_bps=SHARES,
    assignment_fee_cents=st.integers(0, 5_000_000),
    buying_cost_bps=SHARES,
    holding_months=st.integers(0, 60),
    holding_rate_bps=SHARES,
    refinance_ltv_bps=SHARES,
    loan_rate_bps=SHARES,
    loan_years=st.integers(1, 50),
    rent_of_arv_bps=SHARES,
)


def test_the_seventy_percent_rule_by_hand() -> None:
    deal = score_deal(
        value_cents=120_000_00, arv_cents=200_000_00, arv_low_cents=160_000_00, repair_cost_cents=40_000_00
    )
    assert deal.max_offer_cents == 100_000_00
    assert deal.margin_cents == -20_000_00
    assert deal.margin_low_cents == -48_000_00
    assert deal.flip_score == 25


def test_brrrr_by_hand() -> None:
    terms = DealAssumptions(loan_rate_bps=600, holding_rate_bps=1_000, holding_months=6, buying_cost_bps=200)
    deal = score_deal(
        value_cents=150_000_00,
        asking_cents=100_000_00,
        arv_cents=200_000_00,
        arv_low_cents=180_000_00,
        repair_cost_cents=30_000_00,
        rent_cents=1_800_00,
        assumptions=terms,
    )
    # 100,000 + 2,000 + 30,000 = 132,000, held six months at 10 % a year: 138,600.
    assert deal.cash_in_cents == 138_600_00
    # 75 % of 200,000 less 2.5 % of the loan: 146,250 comes back.
    assert (deal.loan_cents, deal.cash_left_cents) == (150_000_00, -7_650_00)
    assert deal.cash_on_cash_bps is None
    # Rent 1,800 less 27 %, less 1.7 % of 200,000 a year, less the textbook payment of 150,000 at 6 % over 30 years.
    assert deal.monthly_cash_flow_cents == 1_800_00 - 486_00 - 283_33 - 899_33


def test_the_payment_is_the_textbook_annuity() -> None:
    assert DealAssumptions(loan_rate_bps=600).payment_factor == 5_995_505  # 5.9955 dollars per thousand
    assert DealAssumptions(loan_rate_bps=0, loan_years=10).payment_factor == round(Fraction(10**9, 120))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(PRICES, PRICES, MONEY, MONEY, st.none() | MONEY, st.none() | MONEY), min_size=1, max_size=8
    ),
    terms=TERMS,
)
def test_a_frame_and_single_leads_give_the_same_cents(
    rows: list[tuple[int, int, int, int, int | None, int | None]], terms: DealAssumptions
) -> None:
    names = ["value_cents", "arv_cents", "arv_low_cents", "repair_cost_cents", "asking_cents", "rent_cents"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row")
    scored = deal_scores(frame, terms).select(field.name for field in fields(Deal))
    for row, found in zip(frame.iter_rows(named=True), scored.iter_rows(named=True), strict=True):
        assert vars(score_deal(**row, assumptions=terms)) == found


@settings(max_examples=100, deadline=None)
@given(value=PRICES, arv=PRICES, repairs=MONEY, more=st.integers(0, 1_000_000))
def test_dearer_repairs_never_make_a_better_deal(value: int, arv: int, repairs: int, more: int) -> None:
    repairs = min(repairs, 100_000_000_00 - more)
    cheap = score_deal(value_cents=value, arv_cents=arv, arv_low_cents=arv, repair_cost_cents=repairs)
    dear = score_deal(value_cents=value, arv_cents=arv, arv_low_cents=arv, repair_cost_cents=repairs + more)
    assert cheap.max_offer_cents - dear.max_offer_cents == more
    assert cheap.margin_cents - dear.margin_cents == more
    assert dear.flip_score <= cheap.flip_score
    assert dear.cash_left_cents >= cheap.cash_left_cents + more
    assert dear.deal_score <= cheap.deal_score


@settings(max_examples=100, deadline=None)
@given(arv=PRICES, bps=SHARES)
def test_a_share_is_exact_to_half_a_cent(arv: int, bps: int) -> None:
    terms = replace(DealAssumptions(), rule_bps=bps)
    offer = score_deal(value_cents=1, arv_cents=arv, arv_low_cents=0, repair_cost_cents=0, assumptions=terms)
    assert abs(offer.max_offer_cents - Fraction(arv * bps, 10_000)) <= Fraction(1, 2)


def test_without_a_value_there_is_no_deal() -> None:
    leads = pl.DataFrame(
        {
            "lead": ["valued", "refused", "nonsense"],
            "value_cents": [100_000_00, None, -5],
            "arv_cents": [150_000_00, None, 150_000_00],
            "arv_low_cents": [120_000_00, None, 1],
            "repair_cost_cents": [20_000_00, 20_000_00, 1],
        }
    )
    scored = deal_scores(leads)
    assert scored["lead"].to_list() == leads["lead"].to_list()
    assert scored["deal_score"].is_null().to_list() == [False, True, True]
    assert scored["cash_in_cents"].is_null().to_list() == [False, True, True]


def test_every_assumption_states_why_and_can_be_overridden() -> None:
    for row in DealAssumptions().explained():
        assert len(str(row["why"])) > 10
    assert DealAssumptions(rule_bps=6_500).explained()[0]["value"] == 6_500


@pytest.mark.parametrize(
    "wrong", [{"rule_bps": -1}, {"rule_bps": 0.7}, {"loan_years": 0}, {"holding_rate_bps": 30_000}]
)
def test_impossible_assumptions_are_named(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        DealAssumptions(**wrong)


def test_impossible_money_is_refused() -> None:
    with pytest.raises(InvalidInput, match="arv_cents"):
        score_deal(value_cents=1, arv_cents=0, arv_low_cents=0, repair_cost_cents=0)
    with pytest.raises(InvalidInput, match="repair_cost_cents"):
        deal_scores(pl.DataFrame({"value_cents": [1], "arv_cents": [1], "arv_low_cents": [1]}))
