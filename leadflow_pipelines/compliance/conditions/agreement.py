"""What the person said, and what the org said: suppression, holds, consents."""

import polars as pl

NEEDS_CONSENT = ("sms", "email")


def agreement_conditions(channel: str) -> dict[str, pl.Expr]:
    """Reads is_suppressed, is_held, and the consents as weighed."""
    lacks = ~pl.col("has_consent")
    told = {
        "suppressed": pl.col("is_suppressed"),
        "jurisdiction_hold": pl.col("is_held"),
        "consent_revoked": pl.col("is_withdrawn") & lacks,
    }
    if channel not in NEEDS_CONSENT:
        return told
    return told | {
        "no_consent": lacks,
        "consent_expired": lacks & pl.col("has_expired"),
        "consent_insufficient": lacks & pl.col("has_insufficient"),
        "consent_other_purpose": lacks & pl.col("has_other_purpose"),
        "consent_other_org": lacks & pl.col("has_other_org"),
    }
