"""The conditions that block, by subject: each a reason code and a Boolean expression over the rows of one channel.

A condition that comes out null applies. Not here: where the rows come from (`decide_points`), words (`reasons`).
"""

import polars as pl

from leadflow_pipelines.compliance.conditions.agreement import agreement_conditions
from leadflow_pipelines.compliance.conditions.number import number_conditions
from leadflow_pipelines.compliance.conditions.place import address_conditions, calling_conditions
from leadflow_pipelines.compliance.conditions.sending import sending_conditions
from leadflow_pipelines.compliance.evidence import PHONE_CHANNELS, Question


def conditions(channel: str, question: Question) -> dict[str, pl.Expr]:
    """Every condition that stands on a channel, by its reason code."""
    told = agreement_conditions(channel)
    if channel in PHONE_CHANNELS:
        told |= number_conditions(channel, question) | calling_conditions(channel)
    else:
        told |= address_conditions(channel)
    return told | sending_conditions(channel, question)


__all__ = ["conditions"]
