"""States with a do-not-call list of their own: dated data with source and confidence, part of the rules' version."""

import datetime as dt

import pytest

from leadflow_pipelines.compliance.do_not_call.state_registries import parse_state_registries, states_with_lists
from leadflow_pipelines.compliance.rule_tables import read_tables
from leadflow_pipelines.errors import InvalidInput

HEADING = "state,effective_from,effective_to,source,confidence\n"


def test_the_shipped_states_bind_though_confidence_in_them_is_low():
    texts, _ = read_tables()
    rows = parse_state_registries(texts["state_registries"])
    assert {row.state for row in rows} == {"CO", "FL", "IN", "LA", "MA", "MO", "OK", "PA", "TN", "TX", "WY"}
    assert {row.confidence for row in rows} == {"low"}
    assert states_with_lists(dt.date(2026, 11, 22)) == {row.state for row in rows}


def test_rows_are_dated():
    (row,) = parse_state_registries(HEADING + "TX,2027-01-01,,a statute,high\n")
    assert (row.effective_from, row.effective_to) == (dt.date(2027, 1, 1), None)


def test_every_fault_is_named_by_line():
    with pytest.raises(InvalidInput, match=r"line 2: (.|\n)*line 3: "):
        parse_state_registries(HEADING + "TX,soon,,a statute,high\nFL,,,,high\n")
