"""The outreach rules as dated data, and the decisions they lead to: calling times and clearance.

Pure: time is an argument. Not here: stores of consents and suppressions (`database`), sending.
"""

from leadflow_pipelines.compliance.calling_calendar import Width
from leadflow_pipelines.compliance.calling_time import CallingTime, check_calling_time
from leadflow_pipelines.compliance.clear_contacts import (
    Decision,
    decide_contact,
    decide_contacts,
)
from leadflow_pipelines.compliance.clear_sends import SEND_COLUMNS, decide_sends
from leadflow_pipelines.compliance.consents import CONSENT_COLUMNS, SUPPRESSION_COLUMNS
from leadflow_pipelines.compliance.evidence import EVIDENCE, HOLD_COLUMNS, Limits
from leadflow_pipelines.compliance.purposes import MARKETING, lawful
from leadflow_pipelines.compliance.reasons import Reason, explain_reason, is_passing
from leadflow_pipelines.compliance.replay import replay_decisions
from leadflow_pipelines.compliance.rule_book import RuleBook, load_rules

__all__ = [
    "CONSENT_COLUMNS",
    "EVIDENCE",
    "HOLD_COLUMNS",
    "MARKETING",
    "SEND_COLUMNS",
    "SUPPRESSION_COLUMNS",
    "CallingTime",
    "Decision",
    "Limits",
    "Reason",
    "RuleBook",
    "Width",
    "check_calling_time",
    "decide_contact",
    "decide_contacts",
    "decide_sends",
    "explain_reason",
    "is_passing",
    "lawful",
    "load_rules",
    "replay_decisions",
]
