"""The outreach rules as dated data, and the decisions they lead to: calling times and clearance.

Pure: time is an argument. Not here: stores of consents and suppressions (`database`), sending.
"""

from leadflow_pipelines.compliance.calling_time import CallingTime, check_calling_time
from leadflow_pipelines.compliance.rule_book import RuleBook, load_rules

__all__ = ["CallingTime", "RuleBook", "check_calling_time", "load_rules"]
