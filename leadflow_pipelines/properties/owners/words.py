"""The words of `words.toml` as patterns and lookups. Not here: how a name is read with them (`parse`)."""

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

_INITIALS = ("CO", "GP", "G P", "LC", "L C", "L P")
_FILE = Path(__file__).with_name("words.toml")


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def given_names() -> pl.Series:
    """Frequent given names, upper case."""
    return pl.Series(_words()["given_names"].split(), dtype=pl.String)


@cache
def placeholders() -> pl.Series:
    """What stands for an owner and names none, upper case."""
    return pl.Series(_words()["placeholders"], dtype=pl.String)


@cache
def company_pattern() -> str:
    """Matches a word that companies bear, legal forms apart."""
    return _any_of(_words()["company_words"])


@cache
def legal_form_pattern() -> str:
    """Matches a legal form behind a comma or a space; two letters that a person may bear count at the end alone."""
    sure = [form for form in _words()["legal_forms"] if form not in _INITIALS]
    return r"[ ,](?:" + "|".join(_longest_first(sure)) + r")\b|[ ,](?:CO|GP|LC|L P)$"


@cache
def legal_forms() -> list[str]:
    """The canonical legal forms."""
    return sorted(set(_words()["legal_forms"].values()))


@cache
def particle_pattern() -> str:
    """Matches a particle (group 1), a space and the next word's first two letters (group 2)."""
    return r"\b(" + "|".join(_words()["surname_particles"]) + r") (\p{L}{2})"


@cache
def bound_pattern() -> str:
    """Matches a surname to whose particle `~` binds it, as in VAN~DER~SAMPLE."""
    return "^(?:" + "|".join(words.replace(" ", "~") for words in _words()["surname_particles"]) + ")~"


def rewrite(text: pl.Series, pattern: str, replacement: str) -> pl.Series:
    """replace_all on the strings that match only: most do not, and looking is cheaper than rewriting."""
    return put(text, where := matching(text, pattern), text.gather(where).str.replace_all(pattern, replacement))


def matching(text: pl.Series, pattern: str) -> pl.Series:
    """Places of the strings that match."""
    return text.str.contains(pattern).fill_null(value=False).arg_true()


def put(values: pl.Series, where: pl.Series, new: pl.Series) -> pl.Series:
    """The series with new values at these places. (Series.scatter alone would change the caller's.)"""
    return values if where.is_empty() else values.clone().scatter(where, new)


def canonical_words(text: pl.Series) -> pl.Series:
    """Legal forms and abbreviations in their canonical form; the text's words stand apart by single spaces."""
    as_written = {**_words()["legal_forms"], **_words()["abbreviations"]}
    as_written = {written: form for written, form in as_written.items() if written != form}
    # Two spaces between words: neighbouring words are then found without sharing one.
    patterns = {f" {written.replace(' ', '  ')} ": f" {form} " for written, form in as_written.items()}
    spaced = " " + text.str.replace_all(" ", "  ", literal=True) + " "
    where = spaced.str.contains_any(list(patterns)).fill_null(value=False).arg_true()
    replaced = spaced.gather(where).str.replace_many(list(patterns), list(patterns.values()), leftmost=True)
    return put(text, where, replaced.str.replace_all("  ", " ", literal=True).str.strip_chars(" "))


def _any_of(patterns: Iterable[str]) -> str:
    return r"\b(?:" + "|".join(patterns) + r")(?:\b|$)"


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(words, key=lambda word: (-len(word), word))
