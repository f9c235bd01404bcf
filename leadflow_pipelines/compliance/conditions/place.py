"""What the plausible places of a person forbid, and whether an address is whole."""

import polars as pl

from leadflow_pipelines.compliance.conditions.number import is_barred_from_wireless

EMAIL_SYNTAX = r"^[^@\s,;<>()\[\]\x22]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$"
ADDRESS_PARTS = {"street": r"\S", "city": r"\S", "state": r"^[A-Z]{2}$", "zip5": r"^\d{5}$"}


def calling_conditions(channel: str) -> dict[str, pl.Expr]:
    """What stands against calling a place. Reads line_type and what `places_of` told."""
    is_placed = ~pl.col("is_state_unknown") & ~pl.col("is_zone_unknown")
    wireless = {"wireless_restricted": is_barred_from_wireless() & ~pl.col("lifts_wireless")}
    return (wireless if channel == "voice" else {}) | {
        "state_unknown": pl.col("is_state_unknown"),
        "zone_unknown": pl.col("is_zone_unknown"),
        "no_calling_window": is_placed & ~pl.col("has_calling_window"),
    }


def address_conditions(channel: str) -> dict[str, pl.Expr]:
    """What stands against writing to an address, of the mail or of e-mail, as it is."""
    if channel == "email":
        return {"invalid_email": ~pl.col("email").str.contains(EMAIL_SYNTAX).fill_null(False)}
    parts = [pl.col(f"mailing_{part}").str.contains(told).fill_null(False) for part, told in ADDRESS_PARTS.items()]
    return {"address_incomplete": ~pl.all_horizontal(parts)}
