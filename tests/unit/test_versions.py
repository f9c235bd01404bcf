"""Versioned rows: any day can be read back as it was recorded, and repeating a day changes nothing."""

import datetime as dt

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.lake import apply_versions, holds_on
from tests.examples import tried

EMPTY = pl.DataFrame(
    schema={"thing": pl.String, "zip": pl.String, "content_hash": pl.String, "valid_from": pl.Date, "valid_to": pl.Date}
)
FIRST = dt.date(2026, 1, 1)

states = st.dictionaries(
    st.sampled_from("abcde"), st.tuples(st.sampled_from(["10001", "10002"]), st.sampled_from("xyz"))
)
days = st.integers(0, 9).map(lambda offset: FIRST + dt.timedelta(days=offset))


def snapshot(state: dict[str, tuple[str, str]]) -> pl.DataFrame:
    rows = [(thing, zip_code, content) for thing, (zip_code, content) in sorted(state.items())]
    types = dict.fromkeys(("thing", "zip", "content_hash"), pl.String)
    return pl.DataFrame(rows, schema=types, orient="row")


def state_on(versions: pl.DataFrame, day: dt.date) -> dict[str, tuple[str, str]]:
    held = versions.filter(holds_on(day))
    assert held["thing"].is_unique().all(), "two versions hold on one day"
    return {row["thing"]: (row["zip"], row["content_hash"]) for row in held.iter_rows(named=True)}


@given(st.lists(states, min_size=1, max_size=6))
def test_days_in_order_read_back_as_recorded(history: list[dict[str, tuple[str, str]]]) -> None:
    versions = EMPTY
    for offset, state in enumerate(history):
        versions = apply_versions(versions, snapshot(state), day=FIRST + dt.timedelta(days=offset), id_column="thing")
    for offset, state in enumerate(history):
        assert state_on(versions, FIRST + dt.timedelta(days=offset)) == state


@given(st.lists(st.tuples(days, states), min_size=1, max_size=8))
@tried(60)
def test_days_in_any_order_keep_one_version_a_day(steps: list[tuple[dt.date, dict[str, tuple[str, str]]]]) -> None:
    versions = EMPTY
    for day, state in steps:
        versions = apply_versions(versions, snapshot(state), day=day, id_column="thing")
        assert state_on(versions, day) == state
        for offset in range(12):
            state_on(versions, FIRST + dt.timedelta(days=offset))


@given(states)
def test_an_unchanged_day_costs_nothing(state: dict[str, tuple[str, str]]) -> None:
    versions = apply_versions(EMPTY, snapshot(state), day=FIRST, id_column="thing")
    again = apply_versions(versions, snapshot(state), day=FIRST + dt.timedelta(days=1), id_column="thing")
    assert again is versions


def test_a_correction_of_the_same_day_replaces_its_version() -> None:
    versions = apply_versions(EMPTY, snapshot({"a": ("10001", "x")}), day=FIRST, id_column="thing")
    corrected = apply_versions(versions, snapshot({"a": ("10001", "y")}), day=FIRST, id_column="thing")
    assert corrected.height == 1
    assert state_on(corrected, FIRST) == {"a": ("10001", "y")}
