"""States with a do-not-call list of their own: dated rules with source and confidence, that an org may add to."""

import datetime as dt

import pytest

from leadflow_pipelines.compliance.rule_book import build_rules, load_rules
from leadflow_pipelines.compliance.rule_tables import read_tables
from leadflow_pipelines.compliance.stricter_rules import Change, build_own_rules, looser_points, tightened
from leadflow_pipelines.errors import InvalidInput

DAY = dt.date(2026, 11, 22)
SHIPPED = {"CO", "FL", "IN", "LA", "MA", "MO", "OK", "PA", "TN", "TX", "WY"}


def with_rows(rows: str) -> dict[str, str]:
    texts, _ = read_tables()
    return {**texts, "state_registries": f"state,effective_from,effective_to,source,confidence\n{rows}"}


def test_the_shipped_states_bind_though_confidence_in_them_is_low() -> None:
    assert {row.confidence for row in load_rules().state_registries} == {"low"}
    assert load_rules().states_with_lists(DAY) == SHIPPED


def test_rows_are_dated() -> None:
    rules = build_rules(with_rows("TX,2027-01-01,,a statute,high\n"), "0" * 64)
    assert (rules.states_with_lists(DAY), rules.states_with_lists(dt.date(2027, 1, 1))) == (set(), {"TX"})
    assert rules.as_of(dt.date(2027, 1, 1)).states_with_lists(DAY) == {"TX"}


def test_every_fault_is_named_by_line() -> None:
    with pytest.raises(InvalidInput, match=r"line 2: (.|\n)*line 3: "):
        build_rules(with_rows("TX,soon,,a statute,high\nFL,,,,high\n"), "0" * 64)
    with pytest.raises(InvalidInput, match="states without a rule"):
        build_rules(with_rows("QQ,,,a statute,high\n"), "0" * 64)


def test_an_org_may_add_a_state_and_take_none_away() -> None:
    texts, _ = read_tables()
    own = build_own_rules(tightened(texts, [Change("state_registries", "ga", {})]))
    assert own.states_with_lists(DAY) == SHIPPED | {"GA"}
    assert looser_points(load_rules(), own, DAY) == []
    assert looser_points(own, load_rules(), DAY) == ["a state's do-not-call list would not be asked"]
