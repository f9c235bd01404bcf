"""What the plausible places of a person forbid, and whether an address is whole."""

import polars as pl

from leadflow_pipelines.compliance.conditions.number import is_barred_from_wireless

EMAIL_SYNTAX = r"^[^@\s,;<>()\[\]\x22]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$"
ADDRESS_PARTS = {"street": r"\S", "city": r"\S", "state": r"^[A-Z]{2}$", "zip5": r"^\d{5}$"}


def place_conditions() -> dict[str, pl.Expr]:
    """Reads kind, channel, line_type and what `with_places` added."""
    is_phone = pl.col("kind") == "phone"
    is_placed = ~pl.col("is_state_unknown") & ~pl.col("is_zone_unknown")
    return {
        "wireless_restricted": (pl.col("channel") == "voice") & is_barred_from_wireless() & ~pl.col("lifts_wireless"),
        "state_unknown": is_phone & pl.col("is_state_unknown"),
        "zone_unknown": is_phone & pl.col("is_zone_unknown"),
        "no_calling_window": is_phone & is_placed & pl.col("calling_windows").is_null(),
        "invalid_email": (pl.col("kind") == "email") & ~pl.col("is_email"),
        "address_incomplete": (pl.col("kind") == "mailing") & ~pl.col("is_whole_address"),
    }


def is_whole_address() -> pl.Expr:
    """Street, city, state and ZIP are all there; null for what is no mailing address."""
    is_mailing = pl.col("kind") == "mailing"
    return pl.all_horizontal(
        [
            pl.when(is_mailing).then(f"mailing_{part}").str.contains(told).fill_null(False)
            for part, told in ADDRESS_PARTS.items()
        ]
    )
