"""Codes of the lists that hold a property. Here: a list's name to its code. Not here: what a list is worth."""

import re

_SYNONYMS = (
    (r"\bpre ?foreclos|\blis pendens\b|\bnotice of default\b|\bnod\b", "pre_foreclosure"),
    (r"\bforeclos|\btrustee'?s? sale\b|\bsheriff'?s? sale\b", "foreclosure"),
    (r"\btax(?:es)?\b.*\b(?:delinq|default|lien|sale|forfeit|arrear|unpaid|past due)", "tax_delinquent"),
    (r"\bdelinq|\bunpaid tax", "tax_delinquent"),
    (r"\bcode (?:violation|enforcement|case)|\bviolation|\bnuisance\b|\bunsafe\b|\bcondemn", "code_violation"),
    (r"\bvacan|\babandon", "vacant"),
    (r"\bpre ?probate\b", "pre_probate"),
    (r"\bprobates?\b|\bletters (?:testamentary|of administration)\b", "probate"),
    (r"\bevict", "eviction"),
    (r"\blien\b|\bliens\b", "lien"),
)  # fmt: skip


def list_code_of(name: str) -> str | None:
    """Code of a list's name: a known list's own code, else the name in snake case; null where nothing is left."""
    words = re.sub(r"[^a-z0-9']+", " ", name.lower()).strip()
    return known_list_code(name) or re.sub(r"[^a-z0-9]+", "_", words).strip("_") or None


def known_list_code(text: str) -> str | None:
    """Code of the known list that a text names, such as a file name; null where it names none."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    words = re.sub(r"[^a-z0-9']+", " ", spaced.lower()).strip()
    return next((code for pattern, code in _SYNONYMS if re.search(pattern, words)), None)
