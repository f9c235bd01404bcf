"""What consents and suppressions are worth for a contact point at an instant.

Here: reading consent rows under the consent kinds of the rules, and the one written form of a contact value.
Not here: which channel needs a consent (`clear_contacts`), storing them (`database`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from leadflow_pipelines.compliance.rule_book import RuleBook

INSTANT = pl.Datetime("us", "UTC")
CONSENT_COLUMNS: dict[str, Any] = {
    "contact_value": pl.String,
    "channel": pl.String,
    "kind": pl.String,
    "purpose": pl.String,
    "captured_at": INSTANT,
    "expires_at": INSTANT,
    "revoked_at": INSTANT,
}
SUPPRESSION_COLUMNS: dict[str, Any] = {"kind": pl.String, "contact_value": pl.String}


@dataclass(frozen=True)
class Standing:
    """Consents weighed.

    `by_channel`, one row per contact_key and channel: has_consent, lifts_dnc, lifts_wireless, consent_until (null:
    no end; of the consent relied on), and has_expired, has_insufficient, has_other_purpose among the others.
    `by_contact`, one row per contact_key: is_withdrawn, and consents, every row as text, for the evidence.
    """

    by_channel: pl.DataFrame
    by_contact: pl.DataFrame


def contact_key(value: pl.Expr) -> pl.Expr:
    """A contact value as it is compared: E.164 for a US number however written, else folded case and spaces."""
    folded = value.str.strip_chars().str.to_lowercase().str.replace_all(r"[\s,]+", " ")
    digits = value.str.replace_all(r"\D", "")
    is_phone = ~value.str.contains(r"[A-Za-z@]") & digits.str.contains(r"^1?\d{10}$")
    return pl.when(is_phone).then(pl.lit("+1") + digits.str.slice(-10)).otherwise(folded)


def weigh_consents(consents: pl.DataFrame, rules: RuleBook, now: datetime, purpose: str) -> Standing:
    """What the consent rows are worth at `now` for one purpose.

    A withdrawal ends every consent of that contact given until then, on every channel (47 CFR 64.1200(a)(10),
    read strictly); only a consent given later counts again.
    """
    rows = _judged(consents, rules, now, purpose).sort(
        "holds", "lifts_dnc", "lifts_wireless", "ends_at", "captured_at", "record",
        descending=True, nulls_last=False,
    )  # fmt: skip
    by_channel = rows.group_by("contact_key", "channel", maintain_order=True).agg(
        has_consent=pl.col("holds").first(),
        lifts_dnc=(pl.col("holds") & pl.col("lifts_dnc")).first(),
        lifts_wireless=(pl.col("holds") & pl.col("lifts_wireless")).first(),
        consent_until=pl.col("ends_at").first(),
        has_expired=(pl.col("is_expired") & ~pl.col("is_revoked")).any(),
        has_insufficient=(~pl.col("suffices")).any(),
        has_other_purpose=(~pl.col("is_for_purpose")).any(),
    )
    by_contact = rows.group_by("contact_key", maintain_order=True).agg(
        is_withdrawn=pl.col("withdrawn_at").first().is_not_null(), consents=pl.col("record").sort()
    )
    return Standing(by_channel, by_contact)


def _judged(consents: pl.DataFrame, rules: RuleBook, now: datetime, purpose: str) -> pl.DataFrame:
    kinds = pl.DataFrame(
        [(row.kind, row.channel, row.holds_days, row.lifts_dnc, row.lifts_wireless) for row in rules.consent_kinds],
        schema={"kind": pl.String, "channel": pl.String, "holds_days": pl.Int64,
                "lifts_dnc": pl.Boolean, "lifts_wireless": pl.Boolean},
        orient="row",
    )  # fmt: skip
    moment, captured = pl.lit(now, dtype=INSTANT), pl.col("captured_at")
    return (
        consents.select(pl.col(name).cast(dtype) for name, dtype in CONSENT_COLUMNS.items())
        .with_columns(
            contact_key=contact_key(pl.col("contact_value")),
            record=pl.concat_str(
                [pl.col(name).cast(pl.String).fill_null("") for name in CONSENT_COLUMNS if name != "contact_value"],
                separator="|",
            ),
        )
        .join(kinds.with_columns(suffices=True), on=["kind", "channel"], how="left")
        .with_columns(
            pl.col("suffices", "lifts_dnc", "lifts_wireless").fill_null(False),
            withdrawn_at=pl.col("revoked_at").max().over("contact_key"),
            ends_at=pl.min_horizontal("expires_at", captured + pl.duration(days=pl.col("holds_days"))),
            is_past=(captured <= moment).fill_null(False),
            is_for_purpose=(pl.col("purpose") == purpose).fill_null(False),
        )
        .with_columns(
            is_revoked=pl.col("revoked_at").is_not_null()
            | (captured <= pl.col("withdrawn_at")).fill_null(False),
            is_expired=(pl.col("ends_at") <= moment).fill_null(False),
        )
        .with_columns(
            holds=pl.col("suffices") & pl.col("is_past") & pl.col("is_for_purpose")
            & ~pl.col("is_revoked") & ~pl.col("is_expired")
        )
    )  # fmt: skip


def suppressed_keys(suppressions: pl.DataFrame) -> pl.Series:
    """The contact keys that nobody may use, on any channel."""
    return suppressions.select(contact_key(pl.col("contact_value").cast(pl.String))).to_series().drop_nulls().unique()
