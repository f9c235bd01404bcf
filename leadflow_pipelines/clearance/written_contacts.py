"""A contact as it may stand written in a text or a vendor's answer: finding it there, and cutting it out.

Pure: text and frames in, text and frames out. Not here: where such texts lie (`erase_lake`).
"""

import re
from collections.abc import Collection
from typing import Any

import orjson
import polars as pl

from leadflow_pipelines.compliance.consents import contact_key

TEN_DIGITS = re.compile(r"\+1\d{10}")
"""However impossible: a vendor may have answered with it all the same."""
GAP = r"[ ().\-/]{0,3}"
ERASED = "erased"
"""What stands where a forgotten contact stood."""


def written_as(kind: str, value: str) -> str | None:
    """A pattern that finds a number or an e-mail in any usual form; None for what has none, a mailing line.

    For Postgres, Polars and Python alike, so without looking ahead or behind: groups 1 and 2 are what stands around it.
    """
    key = key_of(value)
    if kind == "phone" and TEN_DIGITS.fullmatch(key):
        return rf"(^|[^0-9])(?:1{GAP})?{key[2:5]}{GAP}{key[5:8]}{GAP}{key[8:]}([^0-9]|$)"
    if kind == "email":
        # Dots may end a sentence, but not lead on to a longer address.
        return rf"(?i)(^|[^a-z0-9._+-]){_quoted(key)}(\.?$|\.?[^a-z0-9._-]|\.[^a-z0-9])"
    return None


def without_contact(items: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """Raw items (RAW_PULLS) without the contact: one about it goes, of another the person it belongs to."""
    is_about_it = pl.col("item_key").str.contains(pattern).fill_null(False)
    kept = items.filter(~is_about_it)
    holds = kept["payload"].str.contains(pattern).fill_null(False)
    cut = [cut_payload(text, pattern) for text in kept.filter(holds)["payload"]]
    places = pl.int_range(holds.len(), eager=True).filter(holds)
    return kept.with_columns(payload=kept["payload"].scatter(places, cut))


def cut_payload(payload: str, pattern: str) -> str:
    """A vendor's answer without the contact: the outermost element of a list that holds it goes, a person with all that
    was said of them; where no list holds it the value alone. What is no JSON loses the letters themselves.
    """
    found = re.compile(pattern)
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return found.sub(rf"\1{ERASED}\2", payload)
    return orjson.dumps(_cut(document, found)).decode()


def key_of(value: str) -> str:
    """The contact as it is compared."""
    return str(pl.select(contact_key(pl.lit(value))).item())


def is_among(keys: Collection[str], value: pl.Expr) -> pl.Expr:
    """Whether a contact value is one of these, as they are compared."""
    return contact_key(value).is_in(list(keys))


def _cut(node: Any, found: re.Pattern[str]) -> Any:
    if isinstance(node, list):
        return [one for one in node if not _holds(one, found)]
    if isinstance(node, dict):
        return {name: _cut(value, found) for name, value in node.items() if not found.search(name)}
    return None if _holds(node, found) else node


def _holds(node: Any, found: re.Pattern[str]) -> bool:
    return any(found.search(text) for text in _texts(node))


def _texts(node: Any) -> list[str]:
    """Every name and value in a document, as text."""
    if isinstance(node, dict):
        return [*node, *(text for value in node.values() for text in _texts(value))]
    if isinstance(node, list):
        return [text for value in node for text in _texts(value)]
    return [str(node)]


def _quoted(text: str) -> str:
    return re.sub(r"([.+*?^$()\[\]{}|\\-])", r"\\\1", text)
