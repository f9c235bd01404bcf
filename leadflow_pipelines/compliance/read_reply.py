"""What a reply means: a withdrawal of consent first, in standard words and free ones, English and Spanish.

The words are dated data (rules/reply_words.csv). Here: reading one text. Not here: what is done about it (`outreach`).
A person may revoke "in any reasonable manner" (47 CFR 64.1200(a)(10)): so what may be a withdrawal counts as one, and a
person is asked.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from leadflow_pipelines.compliance.holidays import is_in_force
from leadflow_pipelines.compliance.rule_tables import Faults, Row, one_of, optional_date, parse_rows, some
from leadflow_pipelines.errors import InvalidInput

ReplyClass = Literal["interested", "not_interested", "wrong_number", "revocation", "start", "help", "other"]
READINGS = (
    "vocabulary", "revocation", "exception", "doubt", "wrong_number", "not_interested", "interested", "start", "help",
    "courtesy",
)  # fmt: skip
FORMS = ("whole", "phrase", "word", "list")
SIGNS = {"🛑✋🚫⛔🖐🤚🙅": " stop ", "🖕🤬": " rude sign ", "#": " number "}
"""What signs say, to be read as words."""
SHORT = 4
"""Words up to which a slip of the pen in a standard word is looked for."""
SLIP_LENGTH = 4
NO_SLIPS = frozenset({"shop", "step", "top", "atop", "stow", "quiet", "quite", "suit", "stoop", "chancel", "ends"})
"""Ordinary words one letter away from a standard one."""
LIST_NAME = re.compile(r"(?<!\?)<(\w+)>")
NEGATIVE, TYPED_AS = re.compile(r"[^a-z0-9 ]+"), str.maketrans("013457$@", "oieastsa")


@dataclass(frozen=True)
class WordRule:
    """One row of the words: `whole` is the whole text, `phrase` a part of it, `word` one that adds nothing.

    A `list`, written name=words, stands in phrases as <name>.
    """

    reading: str
    form: str
    pattern: str
    language: str
    effective_from: date | None
    effective_to: date | None
    source: str
    confidence: str


@dataclass(frozen=True)
class Reading:
    """What was read. `suppresses`: nobody of the org writes or calls there any more. `matched` is what decided."""

    reply_class: ReplyClass
    suppresses: bool = False
    needs_person: bool = False
    matched: str | None = None


@dataclass(frozen=True)
class ReplyWords:
    """The words in force on a day, ready to read with."""

    wholes: dict[str, str]
    phrases: dict[str, re.Pattern[str]]
    courtesies: frozenset[str]
    standard: tuple[str, ...]


def read_reply(text: str, *, opt_out_type: str | None = None, words: ReplyWords | None = None) -> Reading:
    """What a reply means.

    `opt_out_type` is what the messenger recognised (Twilio's OptOutType) and outranks the text. A text that may be a
    withdrawal is one, with `needs_person`; so is one that nothing can be made of and that holds a standard word.
    """
    words = words or load_reply_words(date.today())  # noqa: DTZ011 - the words of the calendar day; none ends at an hour
    if told := {"STOP": "revocation", "START": "start", "HELP": "help"}.get(opt_out_type or ""):
        return _told(told, f"OptOutType={opt_out_type}")
    plain = plain_text(text)
    core = " ".join(word for word in plain.split() if word not in words.courtesies)
    for whole in (plain, core, core.replace(" ", "")):
        if whole and (reading := words.wholes.get(whole)):
            return _told(reading, whole)
    rest = words.phrases["exception"].sub(" … ", plain)
    return _read_withdrawal(rest, words) or _read_phrases(plain, words) or Reading("other")


def plain_text(text: str) -> str:
    """The text as it is compared: lower case, no accents, signs of stopping as `stop`, s.t.o.p and stooop as stop."""
    signed = text.translate({ord(sign): words for signs, words in SIGNS.items() for sign in signs})
    folded = unicodedata.normalize("NFKD", signed).casefold()
    letters = "".join(sign for sign in folded if not unicodedata.combining(sign))
    letters = re.sub(r"(?<=\w)['’`´](?=\w)", "", letters)
    joined = re.sub(r"\b(?:\w[\s.\-_*]+){3,}\w\b", lambda found: re.sub(r"[\W_]+", "", found.group()), letters)
    words = (_as_letters(word) for word in NEGATIVE.sub(" ", joined.replace("@", "a").replace("$", "s")).split())
    return re.sub(r"(\w)\1{2,}", r"\1", " ".join(words))


@cache
def load_reply_words(day: date) -> ReplyWords:
    """The packaged words in force on a day. Raises InvalidInput naming every fault in the table."""
    text = (files(__package__) / "rules" / "reply_words.csv").read_text(encoding="utf-8")
    faults = Faults()
    rules = [
        rule
        for rule in parse_rows("reply_words", text, _word_rule, faults)
        if is_in_force(rule.effective_from, rule.effective_to, day)
    ]
    if faults.found:
        raise InvalidInput("The words of replies are not valid:\n" + "\n".join(faults.found))
    lists = dict(rule.pattern.split("=", 1) for rule in rules if rule.form == "list")
    return ReplyWords(
        wholes={rule.pattern: rule.reading for rule in rules if rule.form == "whole"},
        phrases={
            reading: _any_of(
                _spelled_out(rule.pattern, lists) for rule in rules if rule.form == "phrase" and rule.reading == reading
            )
            for reading in READINGS
            if reading not in ("vocabulary", "courtesy")
        },
        courtesies=frozenset(rule.pattern for rule in rules if rule.form == "word"),
        standard=tuple(
            rule.pattern
            for rule in rules
            if (rule.reading, rule.form, rule.confidence) == ("revocation", "whole", "high")
            and len(rule.pattern) >= SLIP_LENGTH
        ),
    )


def _word_rule(row: Row) -> WordRule:
    re.compile(row["pattern"])
    return WordRule(
        reading=one_of(row["reading"], READINGS),
        form=one_of(row["form"], FORMS),
        pattern=some(row["pattern"]),
        language=some(row["language"]),
        effective_from=optional_date(row["effective_from"]),
        effective_to=optional_date(row["effective_to"]),
        source=some(row["source"]),
        confidence=one_of(row["confidence"], ("low", "medium", "high")),
    )


def _spelled_out(pattern: str, lists: Mapping[str, str]) -> str:
    """The pattern with the words of each list in the place of its name. Raises KeyError for a list there is not."""
    return LIST_NAME.sub(lambda found: f"(?:{lists[found[1]]})", pattern)


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(f"(?:{pattern})" for pattern in patterns) + r")(?!\w)")


def _told(reading: str, matched: str) -> Reading:
    classes: dict[str, ReplyClass] = {
        "revocation": "revocation", "start": "start", "help": "help", "interested": "interested",
        "not_interested": "not_interested", "wrong_number": "wrong_number",
    }  # fmt: skip
    return Reading(classes[reading], suppresses=reading in ("revocation", "wrong_number"), matched=matched)


def _read_withdrawal(rest: str, words: ReplyWords) -> Reading | None:
    """A withdrawal in a text without what only looks like one: certain ones first, then doubtful ones and slips."""
    if found := words.phrases["revocation"].search(rest):
        return _told("revocation", found.group())
    found = words.phrases["doubt"].search(rest)
    if doubtful := found.group() if found else _slip(rest, words):
        return Reading("revocation", suppresses=True, needs_person=True, matched=doubtful)
    return None


def _slip(rest: str, words: ReplyWords) -> str | None:
    """A word of a short text that is one slip away from a standard one."""
    short = [word for word in rest.split() if word not in words.courtesies]
    if len(short) > SHORT:
        return None
    for word in (*short, "".join(short)):
        likely = len(word) >= SLIP_LENGTH and word not in NO_SLIPS
        if likely and any(is_one_slip(word, standard) for standard in words.standard):
            return word
    return None


def _read_phrases(plain: str, words: ReplyWords) -> Reading | None:
    for reading in ("wrong_number", "not_interested", "interested"):
        if found := words.phrases[reading].search(plain):
            return _told(reading, found.group())
    return None


def is_one_slip(one: str, other: str) -> bool:
    """Whether two words differ by one letter more, less, other, or by two neighbours in the wrong order."""
    if one == other:
        return True
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        return True
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _as_letters(word: str) -> str:
    """`st0p` as stop: digits within letters are letters."""
    return word if word.isdigit() or word.isalpha() else word.translate(TYPED_AS)
