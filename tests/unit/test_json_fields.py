"""Fields picked out of a vendor's JSON."""

import json

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.providers.json_fields import BATCH, pick_fields

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.text(st.characters(blacklist_categories=["Cs"], min_codepoint=1), max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "A", "b"]), inner, max_size=3),
    max_leaves=6,
)


def picked(documents: list[object], *paths: str) -> list[dict[str, str | None]]:
    return pick_fields(pl.Series([json.dumps(one) for one in documents], dtype=pl.String), paths).to_dicts()


def by_hand(document: object, path: str) -> str | None:
    """The first spelling in alphabetical order that leads to a text or a number, depth first."""
    key, _, rest = path.partition(".")
    if not isinstance(document, dict):
        return None
    for spelling in sorted(name for name in document if name.lower() == key):
        value = document[spelling]
        found = by_hand(value, rest) if rest else value
        if isinstance(found, str) or (isinstance(found, int) and not isinstance(found, bool)):
            return str(found)
    return None


def test_keys_are_compared_in_lower_case_and_rows_kept_apart() -> None:
    documents = [{"Sale": {"saleAmt": 1}}, {"sale": {"SALEAMT": "2"}}, {}, {"sale": [3]}, {"sale": {"saleamt": {}}}]
    assert picked(documents, "sale.saleamt") == [{"sale.saleamt": said} for said in ("1", "2", None, None, None)]


def test_a_key_that_looks_like_a_path_is_a_key() -> None:
    assert picked([{"a.b": 1, 'a"b': 2, "a": {"b": 3}}], "a.b") == [{"a.b": "3"}]


def test_nothing_found_is_null_in_every_row() -> None:
    assert picked([{}, {}], "a") == [{"a": None}, {"a": None}]
    assert picked([], "a") == []


def test_rows_keep_their_order_over_many_batches() -> None:
    count = 3 * BATCH + 1
    assert [row["n"] for row in picked([{"n": n} for n in range(count)], "n")] == [str(n) for n in range(count)]


@given(st.lists(st.dictionaries(st.sampled_from(["a", "A", "b"]), VALUES, max_size=3), max_size=4))
def test_agrees_with_reading_by_hand(documents: list[object]) -> None:
    paths = ("a", "a.b", "a.a.b", "b")
    assert picked(documents, *paths) == [{path: by_hand(one, path) for path in paths} for one in documents]
