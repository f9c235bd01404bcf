"""The fingerprint names a question, however it is written down."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.spend.call import Call, fingerprint_of, zip_of

DAY = dt.date(2026, 11, 21)
CALL = Call("attom", "property/expandedprofile", {"postalcode": "19103", "page": 1}, "19103", DAY)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=6), VALUES, max_size=5), st.randoms())
def test_order_of_parameters_and_nulls_are_nothing(parameters, random):
    shuffled = list(parameters.items())
    random.shuffle(shuffled)
    again = {**dict(shuffled), "absent": None}
    assert _with(parameters).fingerprint == _with(again).fingerprint


@pytest.mark.parametrize(
    "other",
    [
        Call("other", "property/expandedprofile", CALL.parameters, "19103", DAY),
        Call("attom", "property/basicprofile", CALL.parameters, "19103", DAY),
        Call("attom", "property/expandedprofile", {"postalcode": "19103", "page": 2}, "19103", DAY),
        Call("attom", "property/expandedprofile", {"postalcode": "19103", "page": "1"}, "19103", DAY),
        Call("attom", "property/expandedprofile", CALL.parameters, "19104", DAY),
        Call("attom", "property/expandedprofile", CALL.parameters, "19103", DAY + dt.timedelta(days=1)),
    ],
)
def test_another_question_has_another_fingerprint(other):
    assert other.fingerprint != CALL.fingerprint


def test_who_asks_and_what_it_may_cost_is_not_part_of_the_question():
    asked_for_a_lead = Call(CALL.provider, CALL.endpoint, CALL.parameters, CALL.zip, DAY, most_items=9, item_key="lead")
    assert asked_for_a_lead.fingerprint == CALL.fingerprint


def test_fingerprint_is_stable_over_releases():
    """It is stored: a change would make everything bought so far look unbought."""
    assert CALL.fingerprint == "868bbba9c4207ec2e72f6a7b124aae98f37b95c4e75aecabb0c9d11886f360dd"


def test_a_request_of_several_calls_has_its_own_fingerprint_and_zip():
    elsewhere = Call("attom", "e", {}, "19104", DAY)
    assert fingerprint_of([CALL]) == CALL.fingerprint
    assert fingerprint_of([CALL, elsewhere]) not in (CALL.fingerprint, elsewhere.fingerprint)
    assert zip_of([CALL, CALL]) == "19103"
    assert zip_of([CALL, elsewhere]) == "many"


def _with(parameters):
    return Call("attom", "endpoint", parameters, "19103", DAY)
