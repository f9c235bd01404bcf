"""The freshness policy: whole, and its faults named at once."""

import datetime as dt
from pathlib import Path

import pytest

from leadflow_pipelines.contracts.policy import FRESHNESS_RULES
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.marts.freshness import freshness_table, load_freshness, stale_shares
from leadflow_pipelines.properties import survivorship


def test_every_field_of_any_source_has_a_rule_with_its_origin() -> None:
    rules = load_freshness()
    assert {rule.field for rule in rules if rule.source == "*"} == {*survivorship._GROUPS, "phone", "email"}
    assert all(rule.because for rule in rules)


def test_the_table_is_the_policy_as_of_a_day() -> None:
    table = freshness_table(dt.date(2026, 11, 22))
    assert FRESHNESS_RULES.faults(table) == []
    assert table.height == len(load_freshness())


def test_all_faults_of_a_policy_are_named(tmp_path: Path) -> None:
    file = tmp_path / "freshness.yaml"
    file.write_text(
        "groups: {owner: [owner_name]}\nrules:\n"
        "  - {source: '*', group: owner, max_age_days: 9, because: x}\n"
        "  - {source: '*', group: owner, max_age_days: 8, because: x}\n"
        "  - {source: a, group: boats, max_age_days: 9, because: x}\n"
        "  - {source: a, group: owner, max_age_days: soon, because: x}\n"
        "  - {source: a, group: owner, max_age_days: 9}\n"
    )
    with pytest.raises(InvalidInput) as caught:
        load_freshness(file)
    for fault in ("two rules for * owner_name", "no group 'boats'", "'soon' is no number", "because is missing"):
        assert fault in caught.value.message


def test_without_marts_nothing_is_stale(tmp_path: Path) -> None:
    assert stale_shares(Lake(str(tmp_path))).is_empty()
