"""Words that may not stand in a text of ours, whoever wrote it, and signals that the facts do not hold.

A word list is no understanding of language: it is the net below the prompt, and errs towards refusing. Not here:
figures (`check_figures`), lengths and shapes (`check_text`).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from leadflow_pipelines.leads.lead_text.facts import MONTHS, SUMMARY_FIELDS, LeadFacts

WORDS_FILE = Path(__file__).with_name("words.yaml")
SIGNALS: Sequence[tuple[str, str, str | None]] = (
    ("is_vacant", r"vacan(?:t|cy)|\bempty\b|unoccupied|uninhabited|abandon\w*|stands idle", "vacant"),
    ("is_tax_delinquent", r"delinquen\w*|back taxes|unpaid (?:property )?tax\w*|tax debt|tax arrears|behind on",
     "tax_delinquent"),
    ("is_pre_foreclosure", r"foreclos\w*|lis pendens|notice of default|in default\b", "pre_foreclosure"),
    ("has_code_violation", r"violation\w*|code enforcement|condemn\w*|nuisance|unsafe", "code_violation"),
    ("is_absentee", r"absentee|lives? elsewhere|mail (?:goes|is sent) elsewhere|does not live there",
     None),
    ("is_out_of_state", r"out[- ]of[- ]state|another state|different state|other state", None),
)  # fmt: skip
"""A flag, the words that speak of it, and the list that means the same."""
LISTS: Mapping[str, str] = {"probate": "probate", "eviction": r"evict\w*", "lien": r"\bliens?\b"}
OWNERS: Mapping[str, str] = {
    "company": r"\b(?:compan(?:y|ies)|corporat\w*|LLC|L\.L\.C\.|Inc|business|firm|investor\w*)\b",
    "trust": r"\b(?:trusts?|trustees?)\b",
    "public": r"\b(?:publicly owned|public body|city-owned|county-owned|authority)\b",
    "person": r"\b(?:individual(?:ly)?|private person|a person)\b",
}
NEGATION = re.compile(r"\b(?:no|not|never|neither|nor|without|none)\b|n't\b", re.I)
CLAUSE_END = re.compile(
    r"[;:]|,? but\b|,? while\b|,? although\b|,? yet\b|,? however\b|,? and (?:it|is|the|has)\b", re.I
)
NEAR = 25
TYPOGRAPHIC = set("\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u00a0\u00b7\u00b0\u00d7\u00bd\u00bc\u00be\u00b2")
KNOWN_CAPITALS = {"i", "zip", "us", "u.s", "usa", "id", "arv", "mls", "tv", "american", *(m.lower() for m in MONTHS)}
CAPITAL = re.compile(r"(?<![.!?:\u201c\"(] )(?<!^)(?<![\w'{])([A-Z][\w'-]*)", re.M)

FIRST = re.compile(r"(?:^|(?<=[.!?:\u201c\"(] ))[\u201c\"(]?([A-Z][\w'-]*)", re.M)


def check_words(text: str, facts: LeadFacts) -> list[str]:
    """A finding for each thing that must not be said, or that the facts do not say."""
    return [*_odd_signs(text), *_forbidden(text), *_signals(text, facts), *_owners(text, facts), *_names(text, facts)]


def is_plain(quoted: str) -> bool:
    """Whether a source's own words are what a style or land use looks like, so that a text of ours may repeat them."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9 ,./&()'-]{0,39}", quoted)) and not _forbidden(quoted.lower())


def _odd_signs(text: str) -> list[str]:
    """Signs that no plain English text has: other scripts, invisible characters, markup."""
    odd = {
        sign
        for sign in text
        if not (sign.isascii() and (sign.isprintable() or sign == "\n"))
        and sign not in TYPOGRAPHIC
        and not (sign.isalpha() and unicodedata.name(sign, "").startswith("LATIN "))
    }
    odd |= {sign for sign in text if sign in "<>[]`*_|\\^~#="}
    return [f"the sign {unicodedata.name(sign, repr(sign))} does not belong" for sign in sorted(odd)]


def _forbidden(text: str) -> list[str]:
    found = ((what, words.search(text)) for what, words in _words().forbidden)
    return [f'"{match.group()}" is {what}' for what, match in found if match]


@dataclass(frozen=True)
class _Words:
    """The file: kinds of what is forbidden, each in one expression, and what may begin a sentence."""

    forbidden: Sequence[tuple[str, re.Pattern[str]]]
    openers: frozenset[str]


@cache
def _words() -> _Words:
    told = yaml.safe_load(WORDS_FILE.read_text(encoding="utf-8"))
    forbidden = [(kind["what"], re.compile("|".join(kind["words"]), re.I)) for kind in told["forbidden"]]
    return _Words(forbidden, frozenset(told["openers"].split()))


def _signals(text: str, facts: LeadFacts) -> list[str]:
    """Signals said to hold that do not, said not to hold that do, or of which nobody knows."""
    findings = []
    lists = facts.values.get("list_codes", ())
    for name, words, code in SIGNALS:
        for found in re.finditer(words, text, re.I):
            known = facts.values.get(name)
            if known is None and code in lists:
                known = True
            if known is None:
                findings.append(f'"{found.group()}": no fact says so')
            elif known and NEGATION.search(_clause_before(text, found.start())[-NEAR:]):
                findings.append(f'"{found.group()}" is denied, and the facts say yes: {SUMMARY_FIELDS[name].label}')
            elif not known and not NEGATION.search(_clause_before(text, found.start())):
                findings.append(f'"{found.group()}": the facts say no')
    for code, words in LISTS.items():
        found_list = re.search(words, text, re.I)
        if found_list and code not in lists:
            findings.append(f'"{found_list.group()}": no list says so')
    return findings


def _clause_before(text: str, place: int) -> str:
    """What precedes within the same sentence and clause."""
    sentence = re.split(r"[.!?]\s", text[:place])[-1]
    return CLAUSE_END.split(sentence)[-1]


def _owners(text: str, facts: LeadFacts) -> list[str]:
    """Owners called a company, a trust or a person who are something else."""
    found = {kind: re.search(words, text, re.I) for kind, words in OWNERS.items()}
    return [
        f'"{match.group()}": the facts do not say that the owner is one'
        for kind, match in found.items()
        if match and facts.values.get("owner_type") != kind
    ]


def _names(text: str, facts: LeadFacts) -> list[str]:
    """Words with a capital within a sentence that are in no fact: people, streets and firms are written so."""
    said = " ".join([one if isinstance(one, str) else " ".join(one) for one in facts.shown.values()])
    known = {*re.findall(r"[\w'-]+", said.lower()), *KNOWN_CAPITALS}
    outside = re.sub(r"\{[^{}]*\}", "", text)
    strange = {
        word
        for word in CAPITAL.findall(outside)
        if not ({part for part in re.split(r"[-']", word.lower()) if part} <= known or word.lower() in known)
    }
    openers = _words().openers
    first = {
        word for word in FIRST.findall(outside)
        if word.lower() not in openers and not set(re.split(r"[-']", word.lower())) <= known | openers | {"s", "t"}
    }  # fmt: skip
    return [f'"{word}" may name something that is not among the facts' for word in sorted(strange | first)]
