"""Words about leads: a summary for an analyst and a first letter, from allowed facts only, checked against them.

A model may word them, a template does where none may or can. Nothing that scores or clears imports this.
"""

from leadflow_pipelines.leads.lead_text.ask_model import Model, NoModel, open_model, why_not_ask
from leadflow_pipelines.leads.lead_text.facts import (
    LETTER_FIELDS,
    SUMMARY_FIELDS,
    LeadFacts,
    check_facts,
    letter_facts,
    summary_facts,
)
from leadflow_pipelines.leads.lead_text.write_texts import LeadText, LetterDraft, draft_letters, write_summaries

__all__ = [
    "LETTER_FIELDS",
    "SUMMARY_FIELDS",
    "LeadFacts",
    "LeadText",
    "LetterDraft",
    "Model",
    "NoModel",
    "check_facts",
    "draft_letters",
    "letter_facts",
    "open_model",
    "summary_facts",
    "why_not_ask",
    "write_summaries",
]
