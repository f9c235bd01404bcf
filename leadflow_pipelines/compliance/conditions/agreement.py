"""What the person said, and what the org said: suppression, holds, consents."""

import polars as pl

NEEDS_CONSENT = ("sms", "email")


def agreement_conditions() -> dict[str, pl.Expr]:
    """Reads channel, is_suppressed, is_held, and the consents as weighed."""
    lacks = ~pl.col("has_consent")
    needs = pl.col("channel").is_in(NEEDS_CONSENT) & lacks
    return {
        "suppressed": pl.col("is_suppressed"),
        "jurisdiction_hold": pl.col("is_held"),
        "consent_revoked": pl.col("is_withdrawn") & lacks,
        "no_consent": needs,
        "consent_expired": needs & pl.col("has_expired"),
        "consent_insufficient": needs & pl.col("has_insufficient"),
        "consent_other_purpose": needs & pl.col("has_other_purpose"),
        "consent_other_org": needs & pl.col("has_other_org"),
    }
