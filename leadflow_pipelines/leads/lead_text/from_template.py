"""The same texts without a model: plain sentences from the same facts, the same each time.

They pass the check that a model's answers pass. Not here: when they are used (`write_texts`).
"""

from collections.abc import Sequence

from leadflow_pipelines.leads.lead_text.check_words import is_plain
from leadflow_pipelines.leads.lead_text.facts import LeadFacts

SIGNALS = {
    "is_pre_foreclosure": "in pre-foreclosure", "is_tax_delinquent": "tax delinquent", "is_vacant": "vacant",
    "has_code_violation": "under an open code violation",
}  # fmt: skip
MOST_REASONS = 110
"""Characters of a score's reasons."""
GREETING = "Dear {first_name|neighbor},"
COMPANY_GREETING = "To the owner of {street}:"
CLOSING = "Sincerely,\n{sender_name}\n{postal_address}"
HEADING = "About your property on {street}"
NO_MORE = "If you would rather not hear from us again, write to the address below and you will not."


def summary_sentences(facts: LeadFacts) -> list[str]:
    """Four sentences: the home, its owner, its value, its signals and score."""
    return [_home(facts), _owner(facts), _value(facts), _signals(facts)]


def letter_paragraphs() -> list[str]:
    """The middle of a letter."""
    return [
        "I am writing about the property on {street} in {city}. We buy property in this area, and we would like to "
        "hear whether you have thought of selling it, now or later.",
        "If you have, write to us at the address below and tell us what would matter to you. If you have not, please "
        "set this letter aside.",
    ]


def framed_letter(paragraphs: Sequence[str], facts: LeadFacts) -> str:
    """The letter around its middle: merge fields in place of names, who writes, and how to stop it."""
    is_person = facts.values.get("owner_type", "person") == "person"
    greeting = GREETING if is_person else COMPANY_GREETING
    return "\n\n".join([greeting, *paragraphs, NO_MORE, CLOSING])


def _home(facts: LeadFacts) -> str:
    known, shown = facts.values, facts.shown
    place = ", ".join(known[name] for name in ("city", "state") if name in known)
    place = " ".join(part for part in (place, known.get("zip")) if part)
    kind = known.get("land_use") if is_plain(known.get("land_use", "")) else None
    said = [f'A property recorded as "{kind}"' if kind else "A property"]
    said += [f" in {place}"] if place else []
    said += [f", built in {known['year_built']}"] if "year_built" in known else []
    parts = [
        _counted(shown["bedrooms"], "bedroom") if "beds" in known else None,
        _counted(shown["bathrooms"], "bathroom") if "baths" in known else None,
        f"{shown['living area']} of living area" if "living_sqft" in known else None,
        _counted(shown["units"], "unit") if known.get("units", 1) != 1 else None,
        f"a lot of {shown['lot area']}" if "lot_sqft" in known else None,
    ]
    listed = _listed([part for part in parts if part])
    return f"{''.join(said)}{', with ' + listed if listed else ''}."


def _owner(facts: LeadFacts) -> str:
    known, shown = facts.values, facts.shown
    kind = shown.get("kind of owner", "not known by kind")
    away = "; mail goes to another state" if known.get("is_out_of_state") else (
        "; mail goes elsewhere than to the property" if known.get("is_absentee") else "")  # fmt: skip
    if "sale_date" not in known:
        held = "; no sale is on record"
    else:
        price = f" for {shown['last sale price']}" if "sale_price_cents" in known else ""
        held = f"; it last sold or changed hands on {shown['last sale or transfer']}{price}"
        held += f" and has been owned for {_years(shown['owned for'])}" if "tenure_years" in known else ""
    return f"The owner is {kind}{away}{held}."


def _value(facts: LeadFacts) -> str:
    known, shown = facts.values, facts.shown
    parts = [
        f"its market value in the records is {shown['market value per the records']}"
        if "market_value_cents" in known else None,
        f"it is assessed at {shown['assessed value']}" if "assessed_cents" in known else None,
        f"it is estimated at {shown['estimated value']}" if "estimated_value_cents" in known else None,
        f"equity is {shown['equity as a share of market value']}" if "equity_share" in known else None,
    ]  # fmt: skip
    listed = _listed([part for part in parts if part])
    return f"{listed[0].upper()}{listed[1:]}." if listed else "Nothing is on record about what it is worth."


def _signals(facts: LeadFacts) -> str:
    known, shown = facts.values, facts.shown
    held = [words for name, words in SIGNALS.items() if known.get(name)]
    lists = _counted(shown["number of lists that hold it"], "list") if known.get("stacked_list_count") else None
    signs = _listed([*held, *([f"on {lists}"] if lists else [])])
    said = f"It is {signs}" if signs else "No sign of distress is on record"
    if "points" in known:
        said += f"; it scores {_counted(shown['score in points of 100'], 'point')}"
        said += f", rank {known['rank_in_zip']} in its ZIP" if "rank_in_zip" in known else ""
    if "probability" in known:
        said += f"; a sale within 12 months has a probability of {shown['probability of a sale within 12 months']}"
    reasons = "; ".join(_first(known.get("reasons", ()), MOST_REASONS))
    return f"{said}{'; its points are for: ' if reasons else ''}{reasons}."


def _first(texts: Sequence[str], characters: int) -> list[str]:
    """As many of the texts as fit."""
    return [text for place, text in enumerate(texts) if sum(map(len, texts[: place + 1])) <= characters]


def _counted(number: object, thing: str) -> str:
    return f"{number} {thing}" if str(number) == "1" else f"{number} {thing}s"


def _years(shown: object) -> str:
    return {"1 years": "1 year", "0 years": "less than a year"}.get(str(shown), str(shown))


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), *parts[-1:]] if len(parts) > 1 else parts)
