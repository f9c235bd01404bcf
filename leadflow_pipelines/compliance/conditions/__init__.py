"""The conditions that block, by subject: each a reason code and a Boolean expression over the rows of a decision.

A condition that comes out null applies. Not here: where the rows come from (`clear_contacts`), words (`reasons`).
"""

import polars as pl

from leadflow_pipelines.compliance.conditions.agreement import agreement_conditions
from leadflow_pipelines.compliance.conditions.number import number_conditions
from leadflow_pipelines.compliance.conditions.place import place_conditions
from leadflow_pipelines.compliance.conditions.sending import sending_conditions
from leadflow_pipelines.compliance.evidence import Question


def conditions(question: Question) -> dict[str, pl.Expr]:
    """Every condition that a question has, by its reason code, in the order in which reasons are told."""
    told = {**agreement_conditions(), **number_conditions(question), **place_conditions()}
    return {**told, **sending_conditions(question.limits, question.now)} if question.limits else told


__all__ = ["conditions"]
