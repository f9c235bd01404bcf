"""What only the instant of sending can tell: how often the person was contacted, whether the sender is registered.

The hour itself is told per place (`calling_time`).
"""

from datetime import timedelta

import polars as pl

from leadflow_pipelines.compliance.consents import INSTANT
from leadflow_pipelines.compliance.evidence import Question

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
CAPPED = ("sms", "voice", "email")
"""Letters are not counted: nobody is woken by one."""


def sending_conditions(channel: str, question: Question) -> dict[str, pl.Expr]:
    """Nothing where the question is not whether to send now.

    Reads attempts (instants in order), is_registered and state_cap (least of the plausible states' own, null: none).
    An attempt whose outcome is unknown counts like any other.
    """
    limits = question.limits
    if limits is None:
        return {}
    told = {}
    if channel in CAPPED:
        told["cap_24h"] = _holds(pl.lit(limits.most_per_24h), DAY, question)
        told["cap_7d"] = _holds(pl.lit(limits.most_per_7d), WEEK, question)
        told["cap_state"] = _holds(pl.col("state_cap"), DAY, question) & pl.col("state_cap").is_not_null()
    if channel == "sms":
        told["campaign_unregistered"] = ~pl.col("is_registered").fill_null(False)
    return told


def cap_ends_at(channel: str, question: Question) -> pl.Expr:
    """The instant at which no cap stands against the person any more; null where none does now."""
    limits = question.limits
    if limits is None or channel not in CAPPED:
        return pl.lit(None, INSTANT)
    most_24h = pl.min_horizontal(pl.lit(limits.most_per_24h, pl.Int64), pl.col("state_cap"))
    return pl.max_horizontal(_freed_at(most_24h, DAY, question), _freed_at(pl.lit(limits.most_per_7d), WEEK, question))


def _holds(most: pl.Expr, span: timedelta, question: Question) -> pl.Expr:
    """Whether `most` attempts lie within the span before the instant; one noted after it counts too."""
    return (most <= 0) | _freed_at(most, span, question).is_not_null()


def _freed_at(most: pl.Expr, span: timedelta, question: Question) -> pl.Expr:
    """When the attempt that fills a cap of `most` falls out of the span; null where it has, or there is none.

    The span reaches back from the instant and is open at its far end: what was sent exactly 24 hours ago no longer
    counts.
    """
    filling = pl.col("attempts").list.get(-most, null_on_oob=True)
    return pl.when(most > 0).then(pl.when(filling > question.moment - span).then(filling + span))
