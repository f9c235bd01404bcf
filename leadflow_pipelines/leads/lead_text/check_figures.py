"""Every figure of a text held against the facts: the right number of the right thing, rounded no further than allowed.

Rounding: money and areas to three significant digits or finer; percentages to whole ones or one decimal; years owned
down, to the nearest, or to one decimal; everything else as it is. "More than" and "nearly" must be true as well.
A figure that stands by no known thing (a unit, or a word such as "assessed") is refused, whatever its value.
Not here: finding figures (`figures`), words that are no figures (`check_words`).
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from leadflow_pipelines.leads.lead_text.facts import SUMMARY_FIELDS, LeadFacts
from leadflow_pipelines.leads.lead_text.figures import Figure, figures_in

FEWEST_DIGITS = 3
"""Significant digits that money and areas keep at least: $184,950 may be called $185,000, and not $180,000."""
ESTIMATE = ("estimated_value_cents", "value_low_cents", "value_high_cents")
MONEY = ("sale_price_cents", "market_value_cents", "assessed_cents", *ESTIMATE)
DATES = ("sale_date", "day")
Cues = Sequence[tuple[str, Collection[str]]]
"""Words, and the facts that a figure beside them may state; none: no fact is about that."""
MONEY_CUES: Cues = (
    (r"assessed (?:market )?value|assess\w*", ["assessed_cents"]),
    (r"market value", ["market_value_cents"]),
    (r"estimated (?:market )?value|estimat\w*|interval|range\w*|between|low end|high end|likely", ESTIMATE),
    (r"sale price|sold|sale|bought|purchas\w*|paid|acquir\w*|price[sd]?", ["sale_price_cents"]),
    (r"loans?|mortgag\w*|tax\w*|ow(?:es|ed|ing)|debts?|rents?|repairs?|profits?|equity|arv|liens?|fees?|spread", ()),
    (r"valu\w*|worth", ["market_value_cents", *ESTIMATE]),
)
PERCENT_CUES: Cues = (
    (r"interval|confidence", ["interval"]),
    (r"equity", ["equity_share"]),
    (r"probab\w*|chances?|likel\w*|odds|sale within|sells?|selling|score[sd]?|model", ["probability"]),
    (r"rise\w*|rose|grow\w*|grew|gain\w*|fell|drop\w*|discount\w*|rates?|margin|return\w*", ()),
)
YEARS_CUES: Cues = (
    (r"vacan\w*|empty|delinq\w*|unpaid|behind|violat\w*|foreclos\w*|old|age[ds]?|lists?|listed", ()),
    (r"own\w*|held|hold\w*|tenure|sold|sale|transfer\w*|ago|since", ["tenure_years"]),
)
AREA_CUES: Cues = (
    (r"lots?|land|parcel|site", ["lot_sqft"]),
    (r"garage|basement|attic|yard|pool|porch|deck|unfinished|addition", ()),
    (r"living|home|house|building|interior|inside|dwelling|residence|property", ["living_sqft"]),
)
DATE_CUES: Cues = (
    (r"built|construct\w*|dates? (?:from|to)|building|year", ["year_built"]),
    (r"delinq\w*|vacan\w*|foreclos\w*|violat\w*|unpaid|empty|tax\w*|ow(?:es|ed|ing)|liens?|lists?|listed|probate", ()),
    (r"sold|sale|bought|purchas\w*|transfer\w*|acquir\w*|own\w*|held|changed hands", ["sale_date"]),
    (r"as of|records? of|known", ["day"]),
)
UNITS: Sequence[tuple[str, Collection[str]]] = (
    (r"(?:bed(?:room)?s?|br|bd)\b", ["beds"]),
    (r"(?:bath(?:room)?s?|ba)\b", ["baths"]),
    (r"(?:sq(?:uare|\.)?[\s-]?f(?:ee|oo)?t|sqft|sf)\b", ["living_sqft", "lot_sqft"]),
    (r"(?:years?|yrs?)\b", ["tenure_years"]),
    (r"(?:(?:dwelling |housing |residential )?units?|dwellings|apartments)\b", ["units"]),
    (r"(?:(?:distress |public |stacked |separate )*lists?)\b", ["stacked_list_count"]),
    (r"(?:properties|parcels)\b", ["owner_parcel_count"]),
    (r"(?:points?|pts)\b", ["points"]),
    (r"months?\b", ["horizon"]),
)
"""What may follow a number, and the facts that it may then be."""
BEFORE: Sequence[tuple[str, Collection[str]]] = (
    (r"(?:rank(?:s|ed|ing)?|number|no\.|position|place)\s*(?:is|of|at|as|:|#)?\s*(?:number\s|no\.\s?|#)?$|#\s?$",
     ["rank_in_zip"]),
    (r"(?:score[sd]?|points)\s*(?:is|of|at|:)?\s?$", ["points"]),
)  # fmt: skip
"""What may precede a number that nothing known follows."""
RANGE = re.compile(r"\s?(?:[-\u2013\u2014]|to|and)\s?$")
AT_LEAST = re.compile(
    r"(?:more than|over|above|exceed(?:s|ing)|at least|greater than|upwards? of|north of|no less than|beyond)\s$", re.I
)
AT_MOST = re.compile(r"(?:less than|under|below|at most|up to|nearly|almost|short of|no more than|not quite)\s$", re.I)
COMPARED = re.compile(r"\s(?:below|above|less|more|higher|lower|off|under|over|cheaper|smaller|larger)\b", re.I)
ELSEWHERE = re.compile(r" (?:in|of|among|within|across) (?!(?:its|the|this) ZIP\b|ZIP\b)", re.I)
"""What follows a rank that is not the one within the ZIP."""
OUT_OF = re.compile(r"points?,? (?:out )?of (?:a possible )?$", re.I)
CONSTANTS = {
    "scale": (100, "points"), "horizon": (12, "probability"), "interval": (80, "value_low_cents"),
}  # fmt: skip
"""Numbers that belong to a fact's meaning, and the fact: points of 100, 12 months, the 80 % interval."""
NEAR = 40
CUE_REACH = 60
"""Characters between a figure and the word that says what it is, at most."""


def check_figures(text: str, facts: LeadFacts) -> list[str]:
    """A finding for each figure that the facts do not hold; empty where they hold all."""
    figures = figures_in(text)
    findings = [
        f'"{figure.raw}" is not among the facts' for place, figure in enumerate(figures)
        if not _holds(text, figures, place, facts)
    ]  # fmt: skip
    covered = {place for figure in figures for place in range(figure.start, figure.end)}
    stray = [sign for place, sign in enumerate(text) if sign.isdigit() and place not in covered]
    return [*findings, *([f'"{"".join(stray)}" is not among the facts'] if stray else [])]


def _holds(text: str, figures: Sequence[Figure], place: int, facts: LeadFacts) -> bool:
    figure = figures[place]
    names: Collection[str]
    match figure.kind:
        case "date":
            return _date_holds(text, figures, place, facts)
        case "decade":
            years = [_year_of(facts, name) for name in ("year_built", "sale_date")]
            return any(year is not None and year - year % 10 == int(figure.value) for year in years)
        case "money" | "percent" if COMPARED.match(text, figure.end):
            names = ()
        case "money":
            names = _told_by(MONEY_CUES, text, figures, place, otherwise=MONEY)
        case "percent":
            names = _told_by(PERCENT_CUES, text, figures, place, otherwise=("equity_share", "probability"))
        case "ordinal":
            names = ["rank_in_zip"] if _is_rank(text, figure) else ()
        case "number":
            names = _number_names(text, figures, place, facts)
        case "relative":
            names = ()
    return any(_states(text, figure, name, facts) for name in names)


def _number_names(text: str, figures: Sequence[Figure], place: int, facts: LeadFacts) -> Collection[str]:
    """The facts that a bare number may state, by its unit, by what precedes it, or as a year."""
    figure = figures[place]
    if OUT_OF.search(_before(text, figure)):
        return ["scale"]
    unit, names = _unit_after(text, figures, place)
    if unit is not None:
        return _among(names, text, figures, place)
    before = next((names for words, names in BEFORE if re.search(words, _before(text, figure), re.I)), ())
    if before:
        return () if ELSEWHERE.match(text, figure.end) else before
    alone = {5: ["zip"], 4: ["year"]}.get(len(figure.raw), []) if figure.raw.isdecimal() else []
    return [*alone, *_quoted_pairs(text, figure, facts)]


def _unit_after(text: str, figures: Sequence[Figure], place: int) -> tuple[str | None, Collection[str]]:
    """The unit behind a number; of a range, the one behind its end."""
    figure = figures[place]
    behind = text[figure.end :]
    for words, names in UNITS:
        if re.match(rf"[\s-]?(?:(?:total|living) )?{words}", behind, re.I):
            return words, names
    following = figures[place + 1] if place + 1 < len(figures) else None
    if following and following.kind == "number" and RANGE.fullmatch(text[figure.end : following.start]):
        return _unit_after(text, figures, place + 1)
    return None, ()


def _among(names: Collection[str], text: str, figures: Sequence[Figure], place: int) -> Collection[str]:
    """Of the facts with that unit, those that the words beside the number speak of."""
    figure = figures[place]
    if "tenure_years" in names:
        if re.match(r"[\s-](?:years?|yrs?)[\s-](?:old|of age)", text[figure.end :], re.I):
            return ()
        return _told_by(YEARS_CUES, text, figures, place, otherwise=names)
    if "lot_sqft" in names:
        beside = re.match(r"[^,;.]{0,20}?f(?:ee|oo)?t\.?[\s-](?:of )?(\w+)", text[figure.end :], re.I)
        said = next((of for words, of in AREA_CUES if beside and re.fullmatch(words, beside[1], re.I)), None)
        return _told_by(AREA_CUES, text, figures, place, otherwise=["living_sqft"]) if said is None else said
    return names


def _told_by(
    cues: Cues, text: str, figures: Sequence[Figure], place: int, *, otherwise: Collection[str]
) -> Collection[str]:
    """The facts of the cue nearest before the figure, with no figure of its kind between; else nearest behind it."""
    figure = figures[place]
    pattern = re.compile("|".join(rf"\b(?P<c{number}>{words})\b" for number, (words, _) in enumerate(cues)), re.I)
    start = max([figure.start - CUE_REACH, 0, *(one.end for one in figures[:place] if one.kind == figure.kind)])
    following = [one.start for one in figures[place + 1 :] if one.kind == figure.kind]
    end = min([figure.end + CUE_REACH, *following])
    before = list(pattern.finditer(text, start, figure.start))
    behind = pattern.search(text, figure.end, end)
    chosen = before[-1] if before else behind
    if chosen is None or chosen.lastgroup is None:
        if (
            place
            and figures[place - 1].kind == figure.kind
            and RANGE.fullmatch(text[figures[place - 1].end : figure.start])
        ):
            return _told_by(cues, text, figures, place - 1, otherwise=otherwise)
        return otherwise
    return cues[int(chosen.lastgroup[1:])][1]


def _states(text: str, figure: Figure, name: str, facts: LeadFacts) -> bool:
    """Whether the figure is what that fact may be written as, its comparison included."""
    if name in ("quoted", "year"):
        return name == "quoted" or _year_holds(text, figure, facts)
    if name in CONSTANTS:
        number, beside = CONSTANTS[name]
        return figure.value == number and beside in facts.values
    if name not in facts.values:
        return False
    if name == "zip":
        return bool(figure.raw == facts.values["zip"])
    true, written = _written_as(name, facts.values[name])
    before = _before(text, figure)
    if (AT_LEAST.search(before) and true < figure.value) or (AT_MOST.search(before) and true > figure.value):
        return False
    return figure.value in written


def _written_as(name: str, value: Decimal | int) -> tuple[Decimal, set[Decimal]]:
    """What the fact is, and every number that it may be written as."""
    true = Decimal(value)
    match SUMMARY_FIELDS[name].kind:
        case "money":
            true /= 100
            return true, {true, _rounded(true, "1"), *_significant(true)}
        case "area":
            return true, {true, *_significant(true)}
        case "share":
            true *= 100
            return true, {_rounded(true, "1"), _rounded(true, "0.1"), true}
        case "years":
            return true, {Decimal(int(true)), _rounded(true, "1"), _rounded(true, "0.1"), true}
        case _:
            return true, {true}


def _significant(value: Decimal) -> Iterable[Decimal]:
    """The value rounded to three significant digits and to every finer whole number of them."""
    if not value:
        return
    for digits in range(FEWEST_DIGITS, value.adjusted() + 2):
        unit = Decimal(1).scaleb(value.adjusted() + 1 - digits)
        yield value.quantize(unit, ROUND_HALF_UP)
        yield value.quantize(unit, ROUND_HALF_EVEN)


def _rounded(value: Decimal, to: str) -> Decimal:
    return value.quantize(Decimal(to), ROUND_HALF_UP)


def _date_holds(text: str, figures: Sequence[Figure], place: int, facts: LeadFacts) -> bool:
    figure = figures[place]
    names = [name for name in _told_by(DATE_CUES, text, figures, place, otherwise=DATES) if name in DATES]
    return any(_is_date(figure, facts.values.get(name)) for name in names)


def _is_date(figure: Figure, date: dt.date | None) -> bool:
    """Whether every part that was written is the date's; a year has to be among them."""
    if date is None or figure.year is None:
        return False
    return (figure.year, figure.month or date.month, figure.day or date.day) == (date.year, date.month, date.day)


def _year_holds(text: str, figure: Figure, facts: LeadFacts) -> bool:
    """A year alone. "Early" and "late" say more than it does."""
    before = _before(text, figure)
    if re.search(r"\b(?:early|mid|late|spring|summer|fall|autumn|winter)(?:\s(?:of\s)?|-)$", before, re.I):
        return False
    told: Callable[[Collection[str]], Collection[str]] = lambda names: _told_by(  # noqa: E731
        DATE_CUES, text, [figure], 0, otherwise=names
    )
    years = [_year_of(facts, name) for name in told(("year_built", *DATES))]
    return int(figure.value) in years


def _year_of(facts: LeadFacts, name: str) -> int | None:
    value = facts.values.get(name)
    return value.year if isinstance(value, dt.date) else value


def _before(text: str, figure: Figure) -> str:
    """The words right before a figure."""
    return text[max(0, figure.start - NEAR) : figure.start]


def _is_rank(text: str, figure: Figure) -> bool:
    """Whether an ordinal is a place in the ranking of a ZIP: "ranks third", "3rd in its ZIP"."""
    if ELSEWHERE.match(text, figure.end):
        return False
    before, behind = _before(text, figure), text[figure.end :]
    return bool(
        re.search(r"\brank(?:s|ed|ing)?(?: it| as)?(?: the)? $", before, re.I)
        or re.match(r" (?:in|of|within|among) (?:its|the|this) ZIP\b", behind, re.I)
    )


def _quoted_pairs(text: str, figure: Figure, facts: LeadFacts) -> Collection[str]:
    """A number of the kind of building, as a source's own words have it: "2 FAMILY" lets "two-family" stand."""
    behind = re.match(r"[\s-](family|fam|stor(?:y|ies)|plex)\b", text[figure.end :], re.I)
    if behind is None:
        return ()
    kind = behind[1].lower()[:3]
    units = facts.values.get("units")
    if kind == "fam" and units is not None and units == figure.value:
        return ["quoted"]
    for name in ("land_use", "style"):
        quoted = str(facts.values.get(name, ""))
        for said in figures_in(quoted):
            if said.value == figure.value and re.match(rf"[\s-]{kind}", quoted[said.end :], re.I):
                return ["quoted"]
    return ()
