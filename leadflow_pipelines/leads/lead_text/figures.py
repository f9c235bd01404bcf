"""Every figure in a text: digits, words, money, percentages, dates, ordinals, fractions, decades.

Reading errs towards finding one: what merely looks like a figure is one, and has to be among the facts. Not here:
which figures may stand there (`check_figures`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from leadflow_pipelines.leads.lead_text.facts import MONTHS

Kind = Literal["number", "money", "percent", "ordinal", "date", "decade", "relative"]

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
WORDS: dict[str, int] = {
    **{word: value for value, word in enumerate(ONES)},
    **{word: 10 * value for value, word in enumerate(TENS, start=2)},
    "dozen": 12,
}
ORDINALS: dict[str, int] = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19,
    **{f"{word[:-1]}ieth": 10 * value for value, word in enumerate(TENS, start=2)}, "hundredth": 100,
    "thousandth": 1_000, "millionth": 1_000_000,
}  # fmt: skip
RELATIVE = (
    "half", "halves", "halved", "quarter", "quarters", "thirds", "fifths", "tenths", "twice", "thrice", "double",
    "doubled", "doubles", "triple", "tripled", "triples", "quadruple", "quadrupled", "dozens", "hundreds", "thousands",
    "millions", "billions", "decade", "decades", "century", "centuries", "couple", "pair", "trio", "twofold",
    "threefold", "fourfold", "fivefold", "tenfold", "hundredfold", "twenties", "thirties", "forties", "fifties",
    "sixties", "seventies", "eighties", "nineties", "teens", "grand", "bucks", "fortnight",
)  # fmt: skip
"""Figures in disguise. None of the facts is written so, and so none of these may stand."""
SUFFIXES = {"k": 1_000, "m": 1_000_000, "mm": 1_000_000, "mn": 1_000_000, "mil": 1_000_000, "b": 10**9, "bn": 10**9}

_MONTH = "|".join([*MONTHS, *(month[:3] for month in MONTHS if month != "May"), "Sept"])
_DATES = (
    rf"\b(?P<month>{_MONTH})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?\b",
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<month>{_MONTH})\.?(?:,?\s+(?P<year>\d{{4}}))?\b",
    rf"\b(?P<month>{_MONTH})\.?(?:,|\s+of)?\s+(?P<year>\d{{4}})\b",
    r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})\b",
    r"\b(?P<month>\d{1,2})(?P<sign>[/.-])(?P<day>\d{1,2})(?P=sign)(?P<year>\d{4}|\d{2})\b",
)
_DECADE = r"(?:\b|(?<!\w))(?P<decade>(?:\d{2})?\d0)['\u2019]?s\b"
_WORD = "|".join(sorted([*WORDS, *SCALES, *ORDINALS], key=len, reverse=True))
_ROUND = r"(?:hundred|thousand|million|billion|dozen)"
_SPELLED = rf"\b(?:an?\s+(?={_ROUND}\b))?(?:{_WORD})(?:(?:[\s-]+|(?<=d|n)\s+and\s+|\s+point\s+)(?:{_WORD}))*\b"
_DIGITS = (
    r"(?P<currency>[$\u20ac\u00a3\u00a5]\s?)?(?<![\d.,])(?P<digits>\d+(?:,\d+)*(?:\.\d+)?|\.\d+)(?:\s(?P<part>\d)/(?P<of>\d))?"
    r"(?:(?P<ordinal>st|nd|rd|th)\b|\s?(?P<suffix>k|mm|mn|mil|m|bn|b)\b|[\s-](?P<scale>hundred|thousand|million|billion)\b)?"
)
_PERCENT = re.compile(r"\s?(?:%|percent\b|per\s?cent\b|percentage\b|pct\b)", re.I)
_MONEY = re.compile(r"[\s-]?(?:US\s?)?(?:dollars?\b|USD\b|US\$)", re.I)
_RELATIVE = rf"\b(?:{'|'.join(RELATIVE)})\b"
_VULGAR = {"\u00bd": "5", "\u00bc": "25", "\u00be": "75"}
"""Fractions as characters: 1\u00bd is 1.5."""


@dataclass(frozen=True)
class Figure:
    """One figure as the text has it, from `start` to `end`. A date has the parts that were written."""

    kind: Kind
    raw: str
    start: int
    end: int
    value: Decimal = Decimal(0)
    year: int | None = None
    month: int | None = None
    day: int | None = None


def without_vulgar_fractions(text: str) -> str:
    """The text with \u00bd, \u00bc and \u00be as decimals, and without the raised 2 of square feet."""
    text = re.sub("(\\d*)\\s?([\u00bd\u00bc\u00be])", lambda found: f"{found[1] or '0'}.{_VULGAR[found[2]]}", text)
    return text.replace("ft\u00b2", "square feet").replace("ft.\u00b2", "square feet")


def figures_in(text: str) -> list[Figure]:
    """Every figure of the text, in order; each character belongs to one at most."""
    taken = bytearray(len(text))
    found: list[Figure] = []
    for figure in _candidates(text):
        if not any(taken[figure.start : figure.end]):
            taken[figure.start : figure.end] = b"\1" * (figure.end - figure.start)
            found.append(figure)
    return sorted(found, key=lambda figure: figure.start)


def _candidates(text: str) -> Iterator[Figure]:
    """Figures, the longer readings before the shorter ones."""
    for pattern in _DATES:
        for match in re.finditer(pattern, text, re.I):
            yield _date(match)
    for match in re.finditer(_DECADE, text):
        yield Figure("decade", match.group(), match.start(), match.end(), Decimal(match["decade"]))
    for match in re.finditer(_DIGITS, text, re.I):
        yield _digits(text, match)
    for match in re.finditer(_SPELLED, text, re.I):
        if not _is_pronoun(text, match):
            yield _spelled(text, match)
    for match in re.finditer(_RELATIVE, text, re.I):
        yield Figure("relative", match.group(), match.start(), match.end())


def _date(match: re.Match[str]) -> Figure:
    parts = match.groupdict()
    month = parts["month"]
    number = int(month) if month.isdecimal() else _month_number(month)
    year = int(parts["year"]) if parts.get("year") else None
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    day = int(parts["day"]) if parts.get("day") else None
    return Figure("date", match.group(), match.start(), match.end(), year=year, month=number, day=day)


def _month_number(word: str) -> int:
    return next(place for place, month in enumerate(MONTHS, start=1) if month[:3].lower() == word[:3].lower())


def _digits(text: str, match: re.Match[str]) -> Figure:
    value = Decimal(match["digits"].replace(",", ""))
    if match["part"] and int(match["of"]):
        value += Decimal(match["part"]) / Decimal(match["of"])
    if (match["currency"] or "$").strip() != "$":
        return Figure("relative", match.group(), match.start(), match.end())
    value *= SUFFIXES.get((match["suffix"] or "").lower(), 1) * SCALES.get((match["scale"] or "").lower(), 1)
    return _figure(text, match, value, is_money=bool(match["currency"]), is_ordinal=bool(match["ordinal"]))


def _spelled(text: str, match: re.Match[str]) -> Figure:
    words = re.findall(r"[a-z]+", match.group().lower())
    is_ordinal = words[-1] in ORDINALS
    whole, _, decimals = (list(part) for part in _split(words, "point"))
    value = Decimal(_sum(whole))
    if decimals:
        value += Decimal("0." + "".join(str(WORDS.get(word, 0)) for word in decimals))
    return _figure(text, match, value, is_money=False, is_ordinal=is_ordinal)


def _split(words: list[str], at: str) -> tuple[list[str], list[str], list[str]]:
    place = words.index(at) if at in words else len(words)
    return words[:place], words[place : place + 1], words[place + 1 :]


def _sum(words: list[str]) -> int:
    """What spelled-out words come to: one hundred and eighty-five thousand is 185,000; -1 where they are no number."""
    total, group, before = 0, 0, ""
    for word in (one for one in words if one not in ("a", "an", "and")):
        if before and word not in SCALES and word != "dozen" and not (before in SCALES or _is_tens(before, word)):
            return -1
        before = word
        if word == "hundred":
            group = max(group, 1) * 100
        elif word in SCALES:
            total, group = total + max(group, 1) * SCALES[word], 0
        elif word == "dozen":
            group = max(group, 1) * 12
        else:
            group += WORDS.get(word, ORDINALS.get(word, 0))
    return total + group


def _is_tens(before: str, word: str) -> bool:
    """Whether the words are tens and ones, such as twenty and one."""
    return before in TENS and 0 < WORDS.get(word, ORDINALS.get(word, 0)) < 10


def _figure(text: str, match: re.Match[str], value: Decimal, *, is_money: bool, is_ordinal: bool) -> Figure:
    """A number with what stands around it: a sign before, percent or dollars behind."""
    start, end = match.span()
    if re.search(r"(?:^|[\s(])[-\u2212\u2013]\s?$", text[:start]) and not re.search(r"\w\s[-\u2013]\s?$", text[:start]):
        value = -value
    kind: Kind = "ordinal" if is_ordinal else "money" if is_money else "number"
    if kind == "number":
        for sign, named in ((_PERCENT, "percent"), (_MONEY, "money")):
            if behind := sign.match(text, end):
                kind, end = ("percent" if named == "percent" else "money"), behind.end()
                break
    return Figure(kind, text[start:end], start, end, value)


def _is_pronoun(text: str, match: re.Match[str]) -> bool:
    """Whether "one" stands for a thing: "one of the", "no one", "this one"."""
    if match.group().lower() != "one":
        return False
    before, behind = text[: match.start()].lower(), text[match.end() :].lower()
    return bool(re.search(r"\b(?:no|this|that|which|each)\s$", before) or re.match(r"\s+of\s+(?:the|its)\b", behind))
