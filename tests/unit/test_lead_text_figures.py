"""Every figure in a text about a lead is found, however it is written, and refused where the facts do not hold it."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadflow_pipelines.leads.lead_text import LeadFacts, summary_facts
from leadflow_pipelines.leads.lead_text.check_figures import check_figures
from leadflow_pipelines.leads.lead_text.figures import figures_in, without_vulgar_fractions

LEAD = {
    "city": "Nashville", "state": "TN", "zip": "37206", "land_use": "SINGLE FAMILY", "style": "2 STORY",
    "year_built": 1962, "beds": 3.0, "baths": 1.5, "units": 1, "living_sqft": 1482, "lot_sqft": 9583,
    "owner_type": "person", "is_absentee": True, "owner_parcel_count": 2, "tenure_years": 14.43,
    "sale_date": dt.date(2011, 6, 14), "sale_price_cents": 15_000_000, "market_value_cents": 21_034_500,
    "assessed_cents": 12_130_000, "estimated_value_cents": 20_512_300, "value_low_cents": 19_000_000,
    "value_high_cents": 23_000_000, "equity_share": 0.8234, "is_tax_delinquent": True, "stacked_list_count": 3,
    "list_codes": ["tax_delinquent", "probate", "lien"], "day": dt.date(2026, 11, 21),
}  # fmt: skip
FACTS = summary_facts(LEAD, {"points": 62, "rank_in_zip": 3, "probability": 0.0712})
NOTHING = LeadFacts({})


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("$185k", "money", 185_000),
        ("$ 1.2 million", "money", 1_200_000),
        ("one hundred and eighty-five thousand dollars", "money", 185_000),
        ("185,000 USD", "money", 185_000),
        ("82 percent", "percent", 82),
        ("eighty-two per cent", "percent", 82),
        ("forty-two point five percent", "percent", Decimal("42.5")),
        ("third", "ordinal", 3),
        ("twenty-first", "ordinal", 21),
        ("22nd", "ordinal", 22),
        ("1½", "number", Decimal("1.5")),
        ("2 1/2", "number", Decimal("2.5")),
        ("a dozen", "number", 12),
        ("1960s", "decade", 1960),
        ("twice", "relative", 0),
        ("half", "relative", 0),
    ],
)
def test_a_figure_is_read_however_it_is_written(text, kind, value):
    (found,) = figures_in(without_vulgar_fractions(f"It has {text} of them."))
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("June 14th, 2011", (2011, 6, 14)),
        ("14 June 2011", (2011, 6, 14)),
        ("2011-06-14", (2011, 6, 14)),
        ("6/14/11", (2011, 6, 14)),
        ("Jun. 2011", (2011, 6, None)),
        ("June of 2011", (2011, 6, None)),
        ("Sept. 3", (None, 9, 3)),
    ],
)
def test_a_date_is_read_however_it_is_written(text, parts):
    (found,) = figures_in(f"It sold on {text}, they say.")
    assert (found.year, found.month, found.day) == parts


@pytest.mark.parametrize(
    "text",
    [
        "A single-family home in Nashville, TN 37206, built in 1962, with 3 bedrooms and 1.5 baths.",
        "It has 1,482 square feet of living area on a lot of 9,580 square feet.",
        "A three-bedroom, 1 1/2-bath home from the 1960s, two stories high: a two-story home.",
        "It last sold for $150,000 on June 14, 2011 and has been owned for 14 years.",
        "Owned for more than fourteen years; bought in June 2011 at $150k.",
        "Its market value is $210,345 against an assessed value of $121,300.",
        "Assessed at $121,300, it sold for $150,000. It sold for $150,000 (assessed: $121,300).",
        "About $210 thousand in market value, and over $210,000 in market value.",
        "The estimate is $205,000, between $190,000 and $230,000 (80 % interval).",
        "Equity is about 82 %, and the probability of a sale within 12 months is 7.1 %.",
        "It scores 62 points of 100, ranks third in its ZIP, and is on three lists.",
        "Rank 3 in ZIP 37206 as of November 21, 2026; one of the stronger leads.",
    ],
)
def test_figures_of_the_facts_may_stand(text):
    assert check_figures(text, FACTS) == []


@pytest.mark.parametrize(
    "text",
    [
        # the value of another fact
        "3 bathrooms", "1.5 bedrooms", "It sold for $121,300.", "assessed at $150,000", "built in 2011",
        "sold in 1962", "62 % equity", "an 82 % chance of a sale", "a lot of 1,482 square feet", "worth $150,000",
        "It has 14 units.", "owned for 3 years", "on 62 lists", "3 points", "ranks 62",
        # a value of no fact
        "4 bedrooms", "owned for 15 years", "$185k", "ranks second", "June 15, 2011", "June 2012", "built in 1963",
        "between $180,000 and $230,000", "3 to 4 bedrooms", "3 and 4 bedrooms", "7.5 % probability", "ZIP 37207",
        # rounded further than allowed, or compared falsely
        "$200,000 market value", "$0.2 million market value", "more than $211,000 market value",
        "nearly $210,000 market value", "owned for more than 15 years", "less than 82 % equity", "early 2011",
        # of nothing that is known
        "2 fireplaces", "3 garages", "vacant for 14 years", "62 years old", "taxes of $150,000", "it owes $121,300",
        "rent of $1,500", "82 % below market", "5 %", "3x", "a family of three", "7 in 100", "100 points",
        "a 14-year-old roof", "two owners", "a garage of 1,482 square feet", "call 615-555-0100", "R-1",
        "tax delinquent since 2011", "ranks third in the state", "rank 3 in the county", "$210,345 above market value",
        "vacant for three years", "a lien of $150,000", "on a list since 2011",
        # in disguise
        "twice the price", "a decade", "half its value", "a third of it", "a couple of rooms", "dozens", "the '60s",
        "four hundred dollars", "a million", "one-and-a-half", "Q2", "1,482 apples", "one two bedrooms",
        "٤ bedrooms", "-3 bedrooms", "3⁴", "€150,000 more", "150 grand", "the eighties",
    ],
)  # fmt: skip
def test_other_figures_are_refused(text):
    assert check_figures(without_vulgar_fractions(text), FACTS), text


@pytest.mark.parametrize(
    ("dollars", "text", "stands"),
    [
        (210_630, "more than $210,000", False),  # rounded it is $211,000
        (210_630, "about $211,000", True),
        (210_630, "more than $211,000", False),
        (210_630, "nearly $211,000", True),
        (210_345, "more than $210,000", True),
        (210_345, "nearly $210,000", False),
    ],
)
def test_a_comparison_has_to_be_true_of_the_exact_value(dollars, text, stands):
    facts = summary_facts({"market_value_cents": dollars * 100}, {})
    assert (check_figures(f"Its market value is {text}.", facts) == []) is stands


def test_a_finding_names_the_figure():
    assert check_figures("It has 4 bedrooms.", FACTS) == ['"4" is not among the facts']


@given(st.integers(1, 9_999_999), st.sampled_from(["sold for", "assessed at", "a market value of", "for"]))
def test_no_other_sum_of_money_may_stand(dollars, label):
    allowed = {15_000_000, 21_034_500, 12_130_000, 20_512_300, 19_000_000, 23_000_000}
    assume(all(abs(dollars * 100 - cents) > cents * 0.005 for cents in allowed))
    assert check_figures(f"It is {label} ${dollars:,}.", FACTS)


@given(st.integers(0, 200), st.sampled_from(["bedrooms", "bathrooms", "units", "lists", "points", "years", "months"]))
def test_no_other_count_may_stand(number, unit):
    true = {"bedrooms": {3}, "units": {1}, "lists": {3}, "points": {62}, "years": {14}, "months": {12}}
    assert bool(check_figures(f"It has {number} {unit}.", FACTS)) == (number not in true.get(unit, set()))


@given(st.text(st.sampled_from("0123456789 ,.%$k-/th"), min_size=1, max_size=12))
def test_without_facts_no_digit_may_stand(text):
    assert bool(check_figures(f"It is {text} there", NOTHING)) == any(sign.isdigit() for sign in text)


@given(st.dates(dt.date(1950, 1, 1), dt.date(2026, 11, 20)))
def test_no_other_date_may_stand(date):
    assume(date not in (LEAD["sale_date"], LEAD["day"]))
    assert check_figures(f"It last sold on {date:%B} {date.day}, {date.year}.", FACTS)
    assert check_figures(f"It last sold on {date.month}/{date.day}/{date.year}.", FACTS)
