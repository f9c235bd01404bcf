"""Prices: each billing rule's worst case and actual cost, dated lines, and faults named all at once."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers import PROVIDER_NAMES
from leadflow_pipelines.providers.sources.attom import property_calls
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.price_book import Price, PriceBook, load_price_book, split_cents

DAY = dt.date(2026, 11, 21)


def _call(provider="vendor", most_items=250):
    return Call(provider, "things", {}, "19103", DAY, most_items=most_items)


def _book(rule, cents="0.62", endpoint="*", since=dt.date(2026, 1, 1)):
    return PriceBook([Price("vendor", endpoint, rule, Decimal(cents), since, "test")])


@pytest.mark.parametrize(
    ("rule", "worst", "actual"),
    [
        ("per_call", "0.62", "0.62"),
        ("per_record", "155", "1.86"),
        ("per_hit", "155", "1.86"),
        ("metered", "155", "1.86"),
        ("free", "0", "0"),
    ],
)
def test_rules(rule, worst, actual):
    book = _book(rule)
    assert book.worst_case([_call()], DAY) == Decimal(worst)
    assert book.actual([_call()], 3, DAY) == Decimal(actual)


def test_a_request_of_many_calls_may_cost_the_worst_of_each():
    calls = [_call(most_items=1)] * 100
    assert _book("per_hit", "7").worst_case(calls, DAY) == 700
    assert _book("per_call", "7").worst_case(calls, DAY) == 7


def test_the_line_in_force_and_the_endpoint_of_its_own_win():
    old, new = dt.date(2026, 1, 1), dt.date(2026, 11, 1)
    book = PriceBook(
        [
            Price("vendor", "*", "per_call", Decimal(1), old, "a"),
            Price("vendor", "*", "per_call", Decimal(2), new, "b"),
            Price("vendor", "things", "per_call", Decimal(9), new, "c"),
        ]
    )
    assert book.price("vendor", "other", dt.date(2026, 10, 31)).cents == 1
    assert book.price("vendor", "other", DAY).cents == 2
    assert book.price("vendor", "things", DAY).cents == 9


def test_what_has_no_price_is_not_bought():
    with pytest.raises(InvalidInput, match=r"No price is known for nobody things"):
        load_price_book().worst_case([_call("nobody")], DAY)
    with pytest.raises(InvalidInput, match="No price"):
        _book("per_call", since=dt.date(2027, 1, 1)).price("vendor", "things", DAY)


def test_the_shipped_book_prices_every_provider():
    endpoints = {
        "attom": "property/expandedprofile",
        "batchdata": "property/skip-trace",
        "rentcast": "properties",
        "regrid": "parcels/query",
        "zillow": "propertyExtendedSearch",
        "datatree": "properties/search",
        "census": "geographies/addressbatch",
        "google": "maps/api/geocode/json",
        "dncscrub": "app/main/rpc/scrub",
        "realphonevalidation": "rpvWebService/DNCLookup.php",
        "llm": "chat/completions",
    }
    for name in PROVIDER_NAMES:
        price = load_price_book().price(name, endpoints[name], DAY)
        assert price.cents > 0 or price.rule == "free"


def test_the_page_size_bounds_what_a_zip_can_cost():
    (call,) = property_calls(["19103"], DAY, most_records=250)
    assert load_price_book().worst_case([call], DAY) == 2500


def test_every_faulty_line_is_named(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text(
        "- {provider: a, endpoint: '*', rule: per_moon, cents: '1', effective_from: 2026-01-01, source: x}\n"
        "- {provider: b, endpoint: '*', rule: per_call, cents: '-1', effective_from: 2026-01-01, source: x}\n"
        "- {provider: c, endpoint: '*', rule: per_call, cents: '0.00001', effective_from: 2026-01-01, source: x}\n"
        "- {provider: d, endpoint: '*', rule: per_call, cents: '1', effective_from: soon, source: x}\n"
        "- {provider: e, endpoint: '*', rule: per_call, cents: '1', effective_from: 2026-01-01}\n"
    )
    with pytest.raises(InvalidInput) as fault:
        load_price_book(path)
    assert [line.split(":")[0] for line in fault.value.message.splitlines()] == [
        f"prices.yaml, price {number}" for number in range(1, 6)
    ]


@given(
    st.decimals(0, 10**9, places=4),
    st.lists(st.integers(0, 1000), min_size=1, max_size=20),
)
def test_shares_sum_to_the_cent(total, weights):
    shares = split_cents(total, weights)
    assert sum(shares) == total
    assert all(share >= 0 for share in shares)
    if sum(weights):
        assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


def test_what_is_free_needs_no_budget():
    book, day = load_price_book(), dt.date(2026, 11, 22)
    assert book.is_free("census", day)
    assert book.is_free("county_somewhere", day)
    assert not book.is_free("attom", day)
    assert not book.is_free("nobody", day), "what has no price is not bought"


def test_a_past_price_is_told_at_todays():
    def line(rule, cents, since):
        return Price("attom", "*", rule, Decimal(cents), dt.date(2026, since, 1), "test")

    call, (june, july, august) = _call("attom"), (dt.date(2026, month, 9) for month in (6, 7, 8))
    book = PriceBook([line("per_record", 10, 1), line("per_record", 15, 7), line("per_call", 90, 8)])
    assert book.at_price_of(Decimal(200), call, paid_on=june, day=june) == 200
    assert book.at_price_of(Decimal(200), call, paid_on=june, day=july) == 300
    assert book.at_price_of(Decimal(200), call, paid_on=june, day=august) == 200, "another rule: nothing to scale"
