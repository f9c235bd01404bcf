"""The facts of a lead that words may be made of: an allow-list, and how each is written.

No name, no contact and no street address is on it, and none can get in: what is not on the list is an error. Free text
of the sources is quoted data, short and without control characters. Not here: what is written of it (`prompts`,
`from_template`), nor how an answer is held against it (`check_text`).
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, Literal

from leadflow_pipelines.errors import InvalidInput

Kind = Literal[
    "money", "count", "area", "years", "share", "year", "date", "flag", "quoted", "word", "codes", "reasons", "score",
]  # fmt: skip
MOST_REASONS = 5
MOST_QUOTED = 60
"""Characters of a quoted text: a style or a land use is a few words."""


@dataclass(frozen=True)
class Field:
    """One fact that may be written of. `label` is how the model, and the reader of a finding, know it."""

    name: str
    kind: Kind
    label: str


_SUMMARY: tuple[tuple[str, Kind, str], ...] = (
    ("city", "word", "city"),
    ("state", "word", "state"),
    ("zip", "word", "ZIP"),
    ("land_use", "quoted", "land use, quoted from the records"),
    ("style", "quoted", "style, quoted from the records"),
    ("year_built", "year", "year built"),
    ("beds", "count", "bedrooms"),
    ("baths", "count", "bathrooms"),
    ("units", "count", "units"),
    ("living_sqft", "area", "living area"),
    ("lot_sqft", "area", "lot area"),
    ("owner_type", "word", "kind of owner"),
    ("is_absentee", "flag", "owner's mail goes elsewhere than to the property"),
    ("is_out_of_state", "flag", "owner's mail goes to another state"),
    ("owner_parcel_count", "count", "properties of the owner here"),
    ("tenure_years", "years", "owned for"),
    ("sale_date", "date", "last sale or transfer"),
    ("sale_price_cents", "money", "last sale price"),
    ("market_value_cents", "money", "market value per the records"),
    ("assessed_cents", "money", "assessed value"),
    ("estimated_value_cents", "money", "estimated value"),
    ("value_low_cents", "money", "low end of its 80 % interval"),
    ("value_high_cents", "money", "high end of its 80 % interval"),
    ("equity_share", "share", "equity as a share of market value"),
    ("is_tax_delinquent", "flag", "property tax delinquent"),
    ("is_pre_foreclosure", "flag", "in pre-foreclosure"),
    ("is_vacant", "flag", "vacant"),
    ("has_code_violation", "flag", "open code violation"),
    ("list_codes", "codes", "lists that hold it"),
    ("stacked_list_count", "count", "number of lists that hold it"),
    ("points", "score", "score in points of 100"),
    ("rank_in_zip", "score", "rank in its ZIP"),
    ("probability", "share", "probability of a sale within 12 months"),
    ("reasons", "reasons", "reasons for its score, to be repeated word for word or left out"),
    ("day", "date", "as of"),
)
SUMMARY_FIELDS: Mapping[str, Field] = {name: Field(name, kind, label) for name, kind, label in _SUMMARY}
"""What a summary for an analyst may speak of."""
LETTER_FIELDS: Mapping[str, Field] = {name: SUMMARY_FIELDS[name] for name in ("land_use", "owner_type")}
"""What a letter may: nothing that is true of one home only, because a draft becomes the template of many letters; no
distress, no value and no score, because nobody wants to read of them in a stranger's letter."""
DENIED = (
    "owner_name", "owner_id", "owner_form", "person_name", "first_name", "full_name", "phone_e164", "phone", "email",
    "contact_value", "contact_point_id", "address", "address_key", "house_number", "street", "street_name",
    "mailing_street", "mailing_city", "mailing_state", "mailing_zip5", "parcel_number", "parcel_key", "property_id",
    "lat", "lon",
)  # fmt: skip
"""Fields that name a person or lead to one. Any other that is not allowed is refused as well."""
SCORE_FIELDS = ("points", "rank_in_zip", "probability", "reasons")
OWNERS: Mapping[str, str] = {
    "person": "a person", "company": "a company", "trust": "a trust", "public": "a public body",
}  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NOT_PRINTED = re.compile(r"[^\x20-\x7e\u00a1-\u00ac\u00ae-\u024f]+")
"""What is neither ASCII nor a Latin letter or sign; the soft hyphen among it, which nobody sees."""


@dataclass(frozen=True)
class LeadFacts:
    """What is known of one lead, as allowed for one purpose; nothing here is null."""

    values: Mapping[str, Any]

    @cached_property
    def shown(self) -> dict[str, str | list[str]]:
        """Each fact under its label, written as it should be repeated. False flags are left out: nothing follows."""
        written: dict[str, str | list[str]] = {}
        for name, value in self.values.items():
            field = SUMMARY_FIELDS[name]
            if field.kind == "flag":
                if value:
                    written[field.label] = "yes"
            elif field.kind in ("codes", "reasons"):
                written[field.label] = [one.replace("_", " ") for one in value]
            else:
                written[field.label] = _written(field, value)
        return written


def summary_facts(signals: Mapping[str, Any], score: Mapping[str, Any]) -> LeadFacts:
    """The allowed part of a lead's row (ENRICHED_LEADS) and of its score (LEAD_SCORES), for a summary.

    Reasons that repeat a source's own words are left out: the words are there already, as what they are.
    """
    row = {**signals, **{name: score[name] for name in SCORE_FIELDS if name in score}}
    told = row.get("reasons")
    texts = told.split("; ") if isinstance(told, str) else [one["text"] for one in told or ()]
    quoted = [str(row[name]).lower() for name in ("land_use", "style") if row.get(name)]
    row["reasons"] = [text for text in texts if not any(words in text.lower() for words in quoted)] or None
    return check_facts({name: row.get(name) for name in SUMMARY_FIELDS}, SUMMARY_FIELDS)


def letter_facts(signals: Mapping[str, Any]) -> LeadFacts:
    """The allowed part of a lead's row, for a letter."""
    return check_facts({name: signals.get(name) for name in LETTER_FIELDS}, LETTER_FIELDS)


def check_facts(given: Mapping[str, Any], allowed: Mapping[str, Field]) -> LeadFacts:
    """The facts without the nulls. Raises InvalidInput naming every field that is not allowed, or of another kind."""
    personal, other = "a person's name, or what leads to a person", "not among the fields that may be written of"
    faults = [f"{name}: {personal if name in DENIED else other}." for name in given if name not in allowed]
    values: dict[str, Any] = {}
    for name in allowed:
        value = given.get(name)
        if value is None:
            continue
        try:
            cleaned = _cleaned(allowed[name], value)
        except (ArithmeticError, TypeError, ValueError):
            faults.append(f"{name}: not a {allowed[name].kind} (given: a {type(value).__name__}).")
            continue
        if cleaned is not None:
            values[name] = cleaned
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise InvalidInput(f"These facts cannot be written of:\n{listed}", remedy="Leave them out.")
    return LeadFacts(values)


def plain_number(value: Decimal) -> str:
    """Thousands separated, without idle zeros: 1,482 or 1.5."""
    return f"{value.normalize():,f}"


def dollars_of(cents: int) -> Decimal:
    """Whole dollars."""
    return (Decimal(cents) / 100).quantize(Decimal(1), ROUND_HALF_UP)


def percent_of(share: Decimal) -> Decimal:
    """Percent with one decimal."""
    return (share * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _cleaned(field: Field, value: Any) -> Any:  # noqa: PLR0911 - one line a kind
    """The value in the kind's own form; None where it says nothing. Raises ValueError or TypeError for another kind."""
    match field.kind:
        case "money":
            return cents if dollars_of(cents := int(_number(value))) else None
        case "year" | "score" | "area":
            return int(_number(value))
        case "count" | "years":
            return _number(value)
        case "share":
            share = _number(value)
            return share if 0 <= share <= 1 else None
        case "date":
            return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
        case "flag":
            if not isinstance(value, bool):
                raise TypeError
            return value
        case "codes":
            return tuple(code for one in value if (code := _quoted(one))) or None
        case "reasons":
            return tuple(one for reason in value if (one := _reason(reason)))[:MOST_REASONS] or None
        case "quoted":
            return _quoted(value)
        case "word":
            if field.name == "owner_type":
                return value if value in OWNERS else None
            return _place(field.name, value)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    return number


def _quoted(value: Any) -> str | None:
    """A source's own words: printable, one line, short."""
    if not isinstance(value, str):
        raise TypeError
    return " ".join(_NOT_PRINTED.sub(" ", value).split())[:MOST_QUOTED].strip() or None


def _reason(value: Any) -> str | None:
    """A score's reason in words of ours; one that is not made of plain signs is left out."""
    return value if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ,.%$&()'/:-]{0,119}", value) else None


def _place(name: str, value: Any) -> str | None:
    """A city, state or ZIP; what does not look like one is left out."""
    if not isinstance(value, str):
        raise TypeError
    forms = {"city": r"[A-Za-z][A-Za-z .'-]{1,39}", "state": r"[A-Z]{2}", "zip": r"[0-9]{5}"}
    found = " ".join(value.split())
    if not re.fullmatch(forms[name], found):
        return None
    return found.title() if name == "city" and found.isupper() else found


def _written(field: Field, value: Any) -> str:
    written: Mapping[str, Callable[[Any], str]] = {
        "money": lambda cents: f"${plain_number(dollars_of(cents))}",
        "area": lambda feet: f"{feet:,} square feet",
        "years": lambda years: f"{int(years)} years",
        "share": lambda share: f"{plain_number(percent_of(share))} %",
        "date": lambda date: f"{MONTHS[date.month - 1]} {date.day}, {date.year}",
        "count": plain_number,
        "word": lambda word: OWNERS[word] if field.name == "owner_type" else word,
    }
    return written.get(field.kind, str)(value)
