"""Leads in pre-foreclosure are flagged where a state regulates buying from such owners."""

import datetime as dt

import polars as pl
import pytest

from leadflow_pipelines.compliance.foreclosure_rules import foreclosure_rules, is_flagged, parse_foreclosure_rules
from leadflow_pipelines.errors import InvalidInput

DAY = dt.date(2026, 11, 22)
HEAD = "state,statute,effective_from,effective_to,source,confidence\n"


def test_every_row_names_its_statute_and_how_sure_it_is() -> None:
    rules = foreclosure_rules(DAY)
    assert {"CA", "MD", "MN", "NY", "IL", "WA", "MA", "CO", "HI"} <= set(rules)
    assert all(rule.statute and rule.source and rule.confidence == "low" for rule in rules.values())


def test_only_leads_in_pre_foreclosure_in_such_a_state_are_flagged() -> None:
    leads = pl.DataFrame(
        {"state": ["CA", "CA", "CA", "OH", None], "is_pre_foreclosure": [True, False, None, True, True]}
    )
    assert leads.select(is_flagged(DAY)).to_series().fill_null(False).to_list() == [True, False, False, False, False]


@pytest.mark.parametrize("row", [",a statute,,,src,low", "CA,,,,src,low", "CA,a,soon,,src,low", "CA,a,,,src,certain"])
def test_a_row_that_cannot_be_read_is_named(row: str) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        parse_foreclosure_rules(HEAD + row)
