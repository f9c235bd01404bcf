"""What only the instant of sending can tell: how often the person was contacted, whether the sender is registered.

The hour itself is told per place (`calling_time`).
"""

from datetime import datetime, timedelta

import polars as pl

from leadflow_pipelines.compliance.consents import INSTANT
from leadflow_pipelines.compliance.evidence import Limits

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
CAPPED = ("sms", "voice", "email")
"""Letters are not counted: nobody is woken by one."""


def sending_conditions(limits: Limits, now: datetime) -> dict[str, pl.Expr]:
    """Reads channel, attempts (instants), is_registered and state_cap (least of the plausible states' own, null: none).

    An attempt whose outcome is unknown counts like any other. A window reaches from `now` back and is open at its
    far end: what was sent exactly 24 hours ago no longer counts.
    """
    is_capped = pl.col("channel").is_in(CAPPED)
    return {
        "cap_24h": is_capped & (attempts_within(DAY, now) >= limits.most_per_24h),
        "cap_7d": is_capped & (attempts_within(WEEK, now) >= limits.most_per_7d),
        "cap_state": is_capped & pl.col("state_cap").is_not_null()
        & (attempts_within(DAY, now) >= pl.col("state_cap").fill_null(0)),
        "campaign_unregistered": (pl.col("channel") == "sms") & ~pl.col("is_registered").fill_null(False),
    }  # fmt: skip


def attempts_within(span: timedelta, now: datetime) -> pl.Expr:
    """How many attempts lie within the span before `now`; one noted after it counts too."""
    since = pl.lit(now - span, dtype=INSTANT)
    return pl.col("attempts").list.eval((pl.element() > since).cast(pl.UInt32)).list.sum().fill_null(0)


def cap_ends_at(limits: Limits, now: datetime) -> pl.Expr:
    """The instant at which no cap stands against the person any more; null where none does now."""
    newest_first = pl.col("attempts").list.sort(descending=True)

    def frees(most: pl.Expr, span: timedelta) -> pl.Expr:
        holding = newest_first.list.get(most - 1, null_on_oob=True)
        return pl.when(most > 0).then(pl.when(holding > pl.lit(now - span, dtype=INSTANT)).then(holding + span))

    most_24h = pl.min_horizontal(pl.lit(limits.most_per_24h, pl.Int64), pl.col("state_cap").cast(pl.Int64))
    return pl.when(pl.col("channel").is_in(CAPPED)).then(
        pl.max_horizontal(frees(most_24h, DAY), frees(pl.lit(limits.most_per_7d, pl.Int64), WEEK))
    )
