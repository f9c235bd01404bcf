"""Deciding anew at the instant of sending: everything a list was cleared by, and what only the instant can tell.

Here: hours, caps and registration on top of a clearance. Not here: claiming and sending (`outreach`).
"""

from datetime import datetime
from typing import Any

import polars as pl

from leadflow_pipelines.compliance.calling_calendar import Width
from leadflow_pipelines.compliance.clear_contacts import (
    identified,
    keyed,
    known_holds,
)
from leadflow_pipelines.compliance.consents import INSTANT, SUPPRESSION_COLUMNS, are_suppressed, lacks_hashes
from leadflow_pipelines.compliance.decide_points import decide_points
from leadflow_pipelines.compliance.evidence import (
    EVIDENCE,
    EVIDENCE_LOOKED_UP,
    KIND_CHANNELS,
    Limits,
    Question,
    conformed,
)
from leadflow_pipelines.compliance.instants import aware
from leadflow_pipelines.compliance.purposes import MARKETING, lawful
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.contracts import OUTREACH_LISTS
from leadflow_pipelines.errors import InvalidInput

SEND_COLUMNS: dict[str, Any] = {**EVIDENCE, "channel": pl.String, "is_registered": pl.Boolean}
"""One row per message: a contact point, the channel it is about to be sent on, and whether the sender is registered
with the carriers (texts only). contact_hashes are needed to find earlier attempts."""
HISTORY_COLUMNS: dict[str, Any] = {"contact_hash": pl.String, "attempted_at": INSTANT}
CHANNEL_KINDS = {channel: kind for kind, channels in KIND_CHANNELS.items() for channel in channels}


def decide_sends(
    frame: pl.DataFrame,
    *,
    instant: datetime,
    rules: RuleBook,
    consents: pl.DataFrame,
    suppressions: pl.DataFrame,
    history: pl.DataFrame,
    limits: Limits,
    holds: pl.DataFrame | None = None,
    org_name: str | None = None,
    purpose: str = MARKETING,
    widen_to: Width = "default",
) -> pl.DataFrame:
    """Whether each message may go out at `instant`, with every reason against it.

    `frame` has SEND_COLUMNS, `history` the attempts of the last seven days on any sender as HISTORY_COLUMNS, those
    with unknown outcome among them; the rest as in `decide_contacts`. Out: the columns of outreach_lists in the order
    of `frame`, and `evidence` (the document behind evidence_hash), `closes_at` (end of the opening that holds the
    instant; null for mail and e-mail, and where it is closed) and `cap_ends_at` (when no cap stands any more).
    `next_open_at` is the instant itself where it is open. Raises as `decide_contacts`, and InvalidInput for a
    channel that does not fit the kind of contact, and for attempts that cannot be matched for want of hashes.
    """
    given = conformed(frame, SEND_COLUMNS, "messages", may_lack=(*EVIDENCE_LOOKED_UP, "is_registered"))
    if unfit := set(given.select("channel", "kind").unique().iter_rows()) - set(CHANNEL_KINDS.items()):
        raise InvalidInput(f"No such messages are sent: {sorted(unfit, key=str)}.", remedy="Channel and kind must fit.")
    points = identified(given)
    points = points.with_columns(
        are_suppressed(points, conformed(suppressions, SUPPRESSION_COLUMNS, "suppressions")),
        _attempts(points, conformed(history, HISTORY_COLUMNS, "attempts")),
    )
    question = Question(rules, aware(instant), lawful(purpose), org_name, widen_to, known_holds(holds), limits)
    decided = decide_points(points, keyed(consents), question, with_evidence=True)
    extra = decided.select("evidence", "closes_at", "cap_ends_at")
    return pl.concat([OUTREACH_LISTS.conform(decided), extra], how="horizontal")


def _attempts(points: pl.DataFrame, history: pl.DataFrame) -> pl.Series:
    """The instants of earlier attempts at each contact, under whichever key version they were noted, in order."""
    if history.is_empty():
        return pl.Series("attempts", [[]] * points.height, dtype=pl.List(INSTANT))
    if history.select(pl.any_horizontal(pl.all().is_null()).any()).item():
        raise InvalidInput("An attempt lacks its contact or its instant.", remedy="Give each both: it counts to caps.")
    if lacks_hashes(points):
        raise InvalidInput(
            "Earlier attempts are known by hashes, and the messages carry none.",
            remedy="Add them with contact_hash.with_every_hash before deciding.",
        )
    rows = points.select("contact_hashes").with_row_index("row")
    found = (
        rows.explode("contact_hashes")
        .join(history, left_on="contact_hashes", right_on="contact_hash", how="inner")
        .group_by("row")
        .agg(attempts=pl.col("attempted_at").sort())
    )
    joined = rows.select("row").join(found, on="row", how="left", maintain_order="left")
    return joined.select(pl.col("attempts").fill_null(pl.lit([], dtype=pl.List(INSTANT)))).to_series()
