"""Clearing contact points for each channel, into the contract outreach_lists. Fails closed.

Here: from contact points and the org's records to verdicts, over a frame of any size. Not here: the conditions
(`conditions`), the hour (a list carries windows; `clear_sends` decides anew at the instant of sending), the rules'
content (`rules/`), where consents are stored (`clearance`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from leadflow_pipelines.compliance.calling_calendar import Width
from leadflow_pipelines.compliance.conditions.number import US_PHONE
from leadflow_pipelines.compliance.consents import (
    CONSENT_COLUMNS,
    SUPPRESSION_COLUMNS,
    are_suppressed,
    contact_key,
    mailing_line,
)
from leadflow_pipelines.compliance.decide_points import decide_points
from leadflow_pipelines.compliance.evidence import (
    EVIDENCE,
    EVIDENCE_LOOKED_UP,
    HOLD_COLUMNS,
    Question,
    conformed,
)
from leadflow_pipelines.compliance.instants import aware
from leadflow_pipelines.compliance.purposes import MARKETING, lawful
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.compliance.slices import by_slices
from leadflow_pipelines.contracts import CHANNELS, OUTREACH_LISTS
from leadflow_pipelines.errors import InvalidInput


@dataclass(frozen=True)
class Decision:
    """One verdict for one contact point and channel: a row of outreach_lists."""

    zip: str
    day: Any
    property_id: str
    contact_point_id: str
    channel: str
    verdict: str
    reason_codes: list[str]
    contact_value: str
    person_name: str | None
    zones: list[str]
    states: list[str]
    calling_windows: str | None
    next_open_at: datetime | None
    valid_until: datetime
    rule_version: str
    evidence_hash: str


def decide_contact(contact: Mapping[str, Any], **asked: Any) -> tuple[Decision, ...]:
    """One contact point, decided for each channel it can carry; the same verdicts as in a frame of many.

    Arguments and errors as in `decide_contacts`; raises ValueError for a naive instant in `contact`, too.
    """
    for value in contact.values():
        if isinstance(value, datetime):
            aware(value)
    decided = decide_contacts(
        pl.DataFrame([dict(contact)], schema_overrides=EVIDENCE, infer_schema_length=None), **asked
    )
    return tuple(Decision(**row) for row in decided.iter_rows(named=True))


def decide_contacts(
    frame: pl.DataFrame,
    *,
    rules: RuleBook,
    now: datetime,
    consents: pl.DataFrame,
    suppressions: pl.DataFrame,
    holds: pl.DataFrame | None = None,
    org_name: str | None = None,
    purpose: str = MARKETING,
    widen_to: Width = "default",
    with_evidence: bool = False,
) -> pl.DataFrame:
    """Each contact point cleared or blocked for each channel it can carry, with every reason.

    `frame` has the columns of EVIDENCE (those of EVIDENCE_LOOKED_UP may be missing, others are ignored), `consents`
    and `suppressions` those named in `consents.py`; both are the org's own, and required so that nobody forgets
    them. `holds`: HOLD_COLUMNS. `org_name`: to whom consents must have been given; None: none counts. A phone gives
    rows for sms and voice, an e-mail address one for email, a mailing address one for mail. Out: exactly the columns
    of outreach_lists, in the order of `frame`, and the document behind evidence_hash as `evidence` where it is
    asked for. Clearance does not depend on the hour of `now`; its staleness does.
    Raises ValueError for a naive `now`, InvalidInput for missing columns and for a purpose that is refused.
    """
    points = by_slices(identified, conformed(frame, EVIDENCE, "contact points", may_lack=tuple(EVIDENCE_LOOKED_UP)))
    question = Question(rules, aware(now), lawful(purpose), org_name, widen_to, known_holds(holds))
    decided = decide_points(
        points.with_columns(are_suppressed(points, conformed(suppressions, SUPPRESSION_COLUMNS, "suppressions"))),
        keyed(consents), question, with_evidence=with_evidence,
    )  # fmt: skip
    lists = OUTREACH_LISTS.conform(decided)
    return lists.with_columns(decided["evidence"]) if with_evidence else lists


def identified(points: pl.DataFrame) -> pl.DataFrame:
    """Adds contact_value, as it is shown, contact_key, as it is compared, and is_us_phone: it can be a US number.

    Raises InvalidInput for other kinds, and for one without an id.
    """
    unknown_kinds = set(points["kind"].unique()) - {"phone", "email", "mailing"}
    if unknown_kinds:
        raise InvalidInput(f"Contact points of unknown kind: {unknown_kinds}.", remedy="Use phone, email or mailing.")
    if points["contact_point_id"].null_count():
        raise InvalidInput("Contact points without contact_point_id.", remedy="Give each an id: its decision bears it.")
    kind = pl.col("kind")
    value = pl.when(kind == "phone").then("phone_e164").when(kind == "email").then("email").otherwise(mailing_line())
    is_us_phone = (kind == "phone") & pl.col("contact_value").str.contains(US_PHONE)
    other = pl.when(~pl.col("is_us_phone")).then("contact_value")
    return (
        points.with_columns(contact_value=value.replace("", None).fill_null("(none)"))
        .with_columns(is_us_phone=is_us_phone)
        .with_columns(contact_key=pl.when("is_us_phone").then("contact_value").otherwise(contact_key(other)))
    )


def keyed(consents: pl.DataFrame) -> pl.DataFrame:
    """The consents (CONSENT_COLUMNS) of contacts whose value is there, with contact_key. Raises InvalidInput."""
    rows = conformed(consents, CONSENT_COLUMNS, "consents")
    return rows.with_columns(contact_key=contact_key(pl.col("contact_value"))).filter(
        pl.col("contact_key").is_not_null()
    )


def known_holds(holds: pl.DataFrame | None) -> pl.DataFrame:
    """The holds as HOLD_COLUMNS; none where none are given.

    Raises InvalidInput for missing columns, and for a hold that would hold nobody: it was meant to.
    """
    if holds is None:
        return pl.DataFrame(schema=HOLD_COLUMNS)
    known = conformed(holds, HOLD_COLUMNS, "holds")
    holds_somebody = pl.col("state").str.contains(r"^([A-Z]{2}|\*)$") & pl.col("channel").is_in(CHANNELS)
    for row in known.filter(~holds_somebody.fill_null(False)).iter_rows():
        raise InvalidInput(
            f"The hold {row} names no state or no channel.",
            remedy=f"A state is two capital letters or *, a channel one of {', '.join(CHANNELS)}.",
        )
    return known
