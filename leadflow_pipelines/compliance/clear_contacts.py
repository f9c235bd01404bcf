"""Clearing contact points for each channel, into the contract outreach_lists. Fails closed.

Here: from contact points and the org's records to verdicts, over a frame of any size. Not here: the conditions
(`conditions`), the hour (a list carries windows; `clear_sends` decides anew at the instant of sending), the rules'
content (`rules/`), where consents are stored (`clearance`).
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from leadflow_pipelines.compliance.calling_calendar import Width
from leadflow_pipelines.compliance.conditions import conditions
from leadflow_pipelines.compliance.conditions.number import US_PHONE, answer_ends
from leadflow_pipelines.compliance.conditions.place import EMAIL_SYNTAX, is_whole_address
from leadflow_pipelines.compliance.conditions.sending import cap_ends_at
from leadflow_pipelines.compliance.consents import (
    CONSENT_COLUMNS,
    INSTANT,
    SUPPRESSION_COLUMNS,
    are_suppressed,
    contact_key,
    mailing_line,
    weigh_consents,
)
from leadflow_pipelines.compliance.evidence import (
    EVIDENCE,
    EVIDENCE_LOOKED_UP,
    HOLD_COLUMNS,
    Question,
    conformed,
    hashed,
    written_consents,
    written_documents,
    written_points,
)
from leadflow_pipelines.compliance.places import with_places
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.contracts import CHANNELS, OUTREACH_LISTS
from leadflow_pipelines.errors import InvalidInput

MARKETING = "marketing"
"""The purpose a consent must have been given for, unless the caller names another."""
ELIGIBILITY = ("credit", "housing", "employment", "insurance")
"""Purposes that would make a list a consumer report (15 USC 1681a): refused, whatever the evidence."""
PHONE_CHANNELS, MAIL, EMAIL = ("sms", "voice"), "mail", "email"
SLICE_ROWS = 62_500
"""Contact points decided together: bounds the documents held in memory to 150 MB with all threads at work."""
THREADS = 2
"""Slices under way at once: writing and hashing a document each take one core."""
KEPT = (*OUTREACH_LISTS.columns, "evidence", "closes_at", "cap_ends_at")


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

    Arguments and errors as in `decide_contacts`.
    """
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
    points = identified(conformed(frame, EVIDENCE, "contact points", may_lack=tuple(EVIDENCE_LOOKED_UP)))
    question = Question(rules, aware(now), lawful(purpose), org_name, widen_to, known_holds(holds))
    decided = decide_points(
        points.with_columns(are_suppressed(points, conformed(suppressions, SUPPRESSION_COLUMNS, "suppressions"))),
        keyed(consents), question, with_evidence=with_evidence,
    )  # fmt: skip
    lists = OUTREACH_LISTS.conform(decided)
    return lists.with_columns(decided["evidence"]) if with_evidence else lists


def decide_points(
    points: pl.DataFrame, consents: pl.DataFrame, question: Question, *, with_evidence: bool
) -> pl.DataFrame:
    """Verdicts for contact points that say whether they are suppressed, as KEPT.

    points: EVIDENCE, contact_value, contact_key, is_suppressed; for a send also channel, attempts, is_registered.
    consents: contact_key and CONSENT_COLUMNS. Slice by slice, so that memory does not grow with the documents.
    """
    standing = weigh_consents(consents, question.rules, question.now, question.purpose, question.org_name)
    contacts = standing.by_contact.join(written_consents(consents), on="contact_key").with_row_index("contact")
    by_channel = standing.by_channel.join(contacts.select("contact_key", "contact"), on="contact_key")
    by_channel = by_channel.select(pl.exclude("contact_key", "channel", "contact"), contact_channel=_contact_channel())
    placed = _joined(with_places(points, question), contacts, "contact_key")

    def decide(rows: pl.DataFrame) -> pl.DataFrame:
        return _decide_slice(rows, by_channel, question, with_evidence)

    if placed.height <= SLICE_ROWS:
        return decide(placed)
    with ThreadPoolExecutor(THREADS) as pool:
        return pl.concat(pool.map(decide, placed.iter_slices(SLICE_ROWS)))


def _decide_slice(
    points: pl.DataFrame, by_channel: pl.DataFrame, question: Question, with_evidence: bool
) -> pl.DataFrame:
    value = pl.col("kind")
    rows = points.with_columns(
        point_text=written_points(points),
        is_us_phone=pl.when(value == "phone").then("phone_e164").str.contains(US_PHONE).fill_null(False),
        is_email=pl.when(value == "email").then("email").str.contains(EMAIL_SYNTAX).fill_null(False),
        is_whole_address=is_whole_address(),
    )
    if "channel" not in rows.columns:
        rows = rows.with_columns(channel=_channels()).explode("channel")
    rows = _joined(rows.with_columns(contact_channel=_contact_channel()), by_channel, "contact_channel").with_columns(
        pl.col("is_withdrawn", "^has_.*|lifts_.*$").fill_null(False),
        is_held=pl.col("held_channels").list.contains(pl.col("channel")),
    )
    documents = written_documents(rows, question)
    is_call = pl.col("channel").is_in(PHONE_CHANNELS)
    decided = _with_reasons(rows, question).with_columns(
        documents if with_evidence else pl.lit(None, pl.String).alias("evidence"),
        hashed(documents),
        pl.when(is_call).then("calling_windows"),
        pl.when(is_call).then("next_open_at"),
        closes_at=pl.when(is_call).then("closes_at"),
        cap_ends_at=cap_ends_at(question.limits, question.now) if question.limits else pl.lit(None, INSTANT),
        valid_until=_valid_until(question),
        rule_version=pl.lit(question.rules.rule_version),
    )
    return decided.select(KEPT)


def _with_reasons(rows: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Adds every reason that applies, and the verdict. A condition that cannot be told applies.

    A row's reasons are first one bit each, and the few distinct sets become lists once: for 200,000 rows 0.2 s,
    against 2.2 s with a list built per row.
    """
    named = conditions(question)
    bits = [condition.fill_null(True).cast(pl.Int64) * (1 << bit) for bit, condition in enumerate(named.values())]
    masks = rows.select(mask=pl.sum_horizontal(bits))
    distinct = masks["mask"].unique()
    lists = [[code for bit, code in enumerate(named) if mask >> bit & 1] for mask in distinct]
    told = pl.DataFrame(
        {"mask": distinct, "reason_codes": lists}, schema={"mask": pl.Int64, "reason_codes": pl.List(pl.String)}
    )
    reasons = masks.join(told, on="mask", how="left", maintain_order="left").drop("mask")
    decided = pl.concat([rows, reasons], how="horizontal")
    if question.is_send:
        hours = pl.when(pl.col("channel").is_in(PHONE_CHANNELS)).then("hours_against")
        nothing = pl.lit([], dtype=pl.List(pl.String))
        decided = decided.with_columns(reason_codes=pl.concat_list("reason_codes", hours.fill_null(nothing)))
    verdict = pl.when(pl.col("reason_codes").list.len() == 0).then(pl.lit("cleared")).otherwise(pl.lit("blocked"))
    return decided.with_columns(verdict=verdict)


def identified(points: pl.DataFrame) -> pl.DataFrame:
    """Adds contact_value, as it is shown, and contact_key, as it is compared. Raises InvalidInput for other kinds."""
    unknown_kinds = set(points["kind"].unique()) - {"phone", "email", "mailing"}
    if unknown_kinds:
        raise InvalidInput(f"Contact points of unknown kind: {unknown_kinds}.", remedy="Use phone, email or mailing.")
    kind = pl.col("kind")
    value = pl.when(kind == "phone").then("phone_e164").when(kind == "email").then("email").otherwise(mailing_line())
    is_e164 = (kind == "phone") & pl.col("contact_value").str.contains(US_PHONE)
    other = pl.when(~is_e164).then("contact_value")
    return points.with_columns(contact_value=value.replace("", None).fill_null("(none)")).with_columns(
        contact_key=pl.when(is_e164).then("contact_value").otherwise(contact_key(other))
    )


def keyed(consents: pl.DataFrame) -> pl.DataFrame:
    """The consents (CONSENT_COLUMNS) of contacts whose value is there, with contact_key. Raises InvalidInput."""
    rows = conformed(consents, CONSENT_COLUMNS, "consents")
    return rows.with_columns(contact_key=contact_key(pl.col("contact_value"))).filter(
        pl.col("contact_key").is_not_null()
    )


def known_holds(holds: pl.DataFrame | None) -> pl.DataFrame:
    """The holds as HOLD_COLUMNS; none where none are given. Raises InvalidInput for missing columns."""
    return pl.DataFrame(schema=HOLD_COLUMNS) if holds is None else conformed(holds, HOLD_COLUMNS, "holds")


def aware(instant: datetime) -> datetime:
    """The instant in UTC. Raises ValueError for a naive one."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError("clearance needs an aware instant: a naive one names no moment")
    return instant.astimezone(UTC)


def lawful(purpose: str) -> str:
    """The purpose, if it is none of ELIGIBILITY. Raises InvalidInput."""
    if any(word in purpose.lower() for word in ELIGIBILITY):
        raise InvalidInput(
            f"Contacts are not cleared for {purpose!r}: data of LeadFlow must not decide who gets credit, housing, "
            "employment or insurance.",
            remedy="Use a consumer reporting agency for that purpose (15 USC 1681b).",
        )
    return purpose


def _contact_channel() -> pl.Expr:
    """A contact with consents and a channel as one number: joining by text took four times as long."""
    codes = pl.col("channel").replace_strict(list(CHANNELS), range(len(CHANNELS)), default=None, return_dtype=pl.UInt32)
    return pl.col("contact").cast(pl.UInt32) * len(CHANNELS) + codes


def _joined(rows: pl.DataFrame, right: pl.DataFrame, on: str) -> pl.DataFrame:
    if right.is_empty():
        return rows.with_columns(pl.lit(None, right.schema[name]).alias(name) for name in right.columns if name != on)
    return rows.join(right, on=on, how="left", maintain_order="left")


def _channels() -> pl.Expr:
    kind = pl.col("kind")
    return (
        pl.when(kind == "phone").then(pl.lit(list(PHONE_CHANNELS)))
        .when(kind == "email").then(pl.lit([EMAIL]))
        .when(kind == "mailing").then(pl.lit([MAIL]))
    )  # fmt: skip


def _valid_until(question: Question) -> pl.Expr:
    """The earliest end of what a clearance rests on; a blocked row may be asked again at once."""
    instant = pl.lit(question.now, dtype=INSTANT)
    ends = pl.when(pl.col("kind") == "phone").then(answer_ends(question.rules))
    consent_ends = pl.when("has_consent").then("consent_until")
    latest = pl.min_horizontal(instant + question.rules.clearance_max_age, ends, consent_ends)
    return pl.when(pl.col("verdict") == "cleared").then(latest).otherwise(instant)
