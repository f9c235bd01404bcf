"""No cell of an exported list is run as a formula."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.contracts.spreadsheet_safe import neutralise_formulas


def neutral(cell: str) -> str:
    return neutralise_formulas(pl.DataFrame({"cell": [cell]})).item()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n@x", "＝1+1"])
def test_what_a_spreadsheet_would_run_becomes_text(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["120 OAK ST", "O'NEIL EXAMPLE", "a=b", "73-04 193RD STREET", ""])
def test_ordinary_text_is_left_alone(cell: str) -> None:
    assert neutral(cell) == cell


@given(st.text())
def test_no_text_begins_a_formula(cell: str) -> None:
    assert not neutral(cell).lstrip().startswith(("=", "+", "-", "@"))


def test_numbers_and_nulls_stay_what_they_are() -> None:
    frame = pl.DataFrame({"n": [-5, None], "text": [None, "=x"]})
    assert neutralise_formulas(frame).rows() == [(-5, None), (None, "'=x")]


def test_every_text_column_is_treated() -> None:
    frame = pl.DataFrame({"a": ["=1"], "b": ["@x"], "n": [1]})
    assert neutralise_formulas(frame).rows() == [("'=1", "'@x", 1)]
