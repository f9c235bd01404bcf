"""Summaries of leads and first letters: by a model where one answers well, else from a template, and saying which.

A model gets one chance to mend a refused answer. Nothing here reads or changes a score or a clearance. Not here: the
rules of what may be said (`check_text`), buying (`ask_model`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from leadflow_pipelines.leads.lead_text.ask_model import Asked, Model
from leadflow_pipelines.leads.lead_text.check_text import check_letter, check_summary, read_parts
from leadflow_pipelines.leads.lead_text.facts import LeadFacts
from leadflow_pipelines.leads.lead_text.from_template import (
    HEADING,
    framed_letter,
    letter_paragraphs,
    summary_sentences,
)
from leadflow_pipelines.leads.lead_text.prompts import PARTS, PROMPT_DAY, Purpose, first_question, repair_question

Why = Literal[
    "answered", "repaired", "refused_by_check", "model_declined", "no_key", "simulated_org", "not_configured", "budget",
    "provider_down", "transient", "terminal",
]  # fmt: skip


@dataclass(frozen=True)
class LeadText:
    """A text and where it comes from.

    why: how it came that this one wrote it. findings: what the check refused, or why nobody answered; model: which one
    was asked; cost_cents: what it cost this time, nothing where the answers lay there.
    """

    text: str
    written_by: Literal["model", "template"]
    why: str
    findings: tuple[str, ...] = ()
    model: str | None = None
    prompt_version: str = PROMPT_DAY.isoformat()
    cost_cents: Decimal = Decimal(0)


@dataclass(frozen=True)
class LetterDraft:
    """A letter that nobody has approved: `body` is the text of a template for mail, with its merge fields."""

    heading: str
    body: str
    told: LeadText


@dataclass(frozen=True)
class _Draft:
    """What is known of one text while it is being written."""

    parts: list[str] | None
    answer: str
    findings: tuple[str, ...]
    why: str
    cost_cents: Decimal
    may_be_mended: bool = False


Check = Callable[[list[str], LeadFacts], list[str]]


def write_summaries(leads: Sequence[LeadFacts], model: Model) -> list[LeadText]:
    """A summary of three or four sentences for each lead, in their order."""
    return [
        _told(draft, " ".join(draft.parts if draft.parts is not None else summary_sentences(facts)), model)
        for facts, draft in zip(leads, _written("summary", leads, model, check_summary), strict=True)
    ]


def draft_letters(leads: Sequence[LeadFacts], model: Model) -> list[LetterDraft]:
    """A first letter for each kind of lead, in their order."""
    drafts = _written("letter", leads, model, check_letter)
    letters = []
    for facts, draft in zip(leads, drafts, strict=True):
        body = framed_letter(draft.parts if draft.parts is not None else letter_paragraphs(), facts)
        letters.append(LetterDraft(HEADING, body, _told(draft, body, model)))
    return letters


def _written(purpose: Purpose, leads: Sequence[LeadFacts], model: Model, check: Check) -> list[_Draft]:
    """All first answers together, then all repairs together: equal questions are bought once."""
    first = model.ask([first_question(purpose, facts) for facts in leads])
    drafts = [_judged(purpose, facts, asked, check) for facts, asked in zip(leads, first, strict=True)]
    open_places = [place for place, draft in enumerate(drafts) if draft.may_be_mended]
    again = model.ask(
        [repair_question(purpose, leads[place], drafts[place].answer, drafts[place].findings) for place in open_places]
    )
    for place, asked in zip(open_places, again, strict=True):
        before = drafts[place]
        mended = _judged(purpose, leads[place], asked, check)
        drafts[place] = replace(
            mended,
            findings=(*before.findings, *mended.findings),
            why="repaired" if mended.parts is not None else mended.why,
            cost_cents=before.cost_cents + mended.cost_cents,
        )
    return drafts


def _judged(purpose: Purpose, facts: LeadFacts, asked: Asked, check: Check) -> _Draft:
    """What an answer comes to: parts that may be used, or why none."""
    answer = asked.answer
    if answer is None:
        return _Draft(None, "", (asked.why or "",), asked.why_code or "terminal", asked.cost_cents)
    if answer.refusal is not None:
        return _Draft(None, "", ("The model declined.",), "model_declined", asked.cost_cents)
    content = answer.content or ""
    parts = None if answer.is_cut else read_parts(content, PARTS[purpose])
    if answer.is_cut:
        findings = ["it was cut off before its end; be shorter"]
    elif parts is None:
        findings = [f"it is not a JSON object with the one key {PARTS[purpose]!r}, a list of texts"]
    else:
        findings = list(dict.fromkeys(check(parts, facts)))
    if findings:
        return _Draft(None, content, tuple(findings), "refused_by_check", asked.cost_cents, may_be_mended=True)
    return _Draft(parts, content, (), "answered", asked.cost_cents)


def _told(draft: _Draft, text: str, model: Model) -> LeadText:
    return LeadText(
        text=text,
        written_by="template" if draft.parts is None else "model",
        why=draft.why,
        findings=draft.findings,
        model=None if draft.why in ("no_key", "simulated_org") else model.name,
        cost_cents=draft.cost_cents,
    )
