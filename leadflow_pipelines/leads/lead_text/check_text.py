"""Whether an answer may be used: its shape, its length, and each word and figure of it held against the facts."""

import re
from typing import Any

import orjson

from leadflow_pipelines.leads.lead_text.check_figures import check_figures
from leadflow_pipelines.leads.lead_text.check_words import check_words
from leadflow_pipelines.leads.lead_text.facts import LeadFacts
from leadflow_pipelines.leads.lead_text.figures import without_vulgar_fractions

SENTENCES = range(3, 5)
MOST_SENTENCE, MOST_SUMMARY = 300, 800
PARAGRAPHS = range(2, 5)
FEWEST_LETTER, MOST_LETTER = 150, 1_500
LETTER_MERGE_FIELDS = ("{street}", "{city}", "{sender_name}")
"""Merge fields that a model may use in the middle of a letter; the frame around it has the others."""
_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.S)


def read_parts(content: str, name: str) -> list[str] | None:
    """The texts under the one key `name` of the JSON object that `content` is; None where it is of another shape."""
    fenced = _FENCE.fullmatch(content)
    try:
        told: Any = orjson.loads(fenced[1] if fenced else content)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict) or told.keys() != {name} or not isinstance(told[name], list):
        return None
    parts = told[name]
    return [part.strip() for part in parts] if all(isinstance(part, str) for part in parts) else None


def check_summary(sentences: list[str], facts: LeadFacts) -> list[str]:
    """What speaks against these sentences as the summary of a lead with these facts; empty where nothing does."""
    findings = []
    if len(sentences) not in SENTENCES:
        findings.append(f"it has {len(sentences)} sentences, not {SENTENCES.start} to {SENTENCES.stop - 1}")
    for sentence in sentences:
        if not re.fullmatch(r"[A-Z\d\"'].*[.]", sentence):
            findings.append("an entry is not one whole sentence")
        if len(sentence) > MOST_SENTENCE:
            findings.append(f"a sentence has more than {MOST_SENTENCE} characters")
    text = " ".join(sentences)
    if len(text) > MOST_SUMMARY:
        findings.append(f"it has more than {MOST_SUMMARY} characters")
    if re.search(r"[{}]", text):
        findings.append("it has braces")
    return [*findings, *_content(text, facts)]


def check_letter(paragraphs: list[str], facts: LeadFacts) -> list[str]:
    """What speaks against these paragraphs as the middle of a letter; empty where nothing does."""
    findings = []
    text = "\n\n".join(paragraphs)
    if len(paragraphs) not in PARAGRAPHS or any("\n" in part for part in paragraphs):
        findings.append(f"it has {len(paragraphs)} paragraphs, not {PARAGRAPHS.start} to {PARAGRAPHS.stop - 1}")
    if not FEWEST_LETTER <= len(text) <= MOST_LETTER:
        findings.append(f"it has {len(text)} characters, not {FEWEST_LETTER} to {MOST_LETTER}")
    rest = text
    for field in LETTER_MERGE_FIELDS:
        rest = rest.replace(field, "")
    if re.search(r"[{}]", rest):
        findings.append(f"it has braces other than {', '.join(LETTER_MERGE_FIELDS)}")
    if re.search(r"\b(?:dear|sincerely|regards|yours (?:truly|faithfully))\b", text, re.I):
        findings.append("it has a salutation or a closing, which the frame has already")
    return [*findings, *_content(re.sub(r"\{\w+\}", "{}", text), facts)]


def _content(text: str, facts: LeadFacts) -> list[str]:
    """What is wrong with the words and figures. A score's reason, word for word, is ours and stands as it is."""
    for reason in facts.values.get("reasons", ()):
        text = re.sub(rf"(?<!\w){re.escape(reason)}(?!\w)", "it", text, flags=re.I)
    plain = without_vulgar_fractions(text)
    return [*check_words(text, facts), *check_figures(plain, facts)]
