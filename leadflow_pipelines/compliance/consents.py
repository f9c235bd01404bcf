"""What consents and suppressions are worth for a contact point at an instant.

Here: reading consent rows under the consent kinds of the rules, and the one written form of a contact value.
Not here: which channel needs a consent (`clear_contacts`), storing them (`database`).
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.errors import InvalidInput

INSTANT = pl.Datetime("us", "UTC")
CONSENT_COLUMNS: dict[str, Any] = {
    "contact_value": pl.String,
    "channel": pl.String,
    "kind": pl.String,
    "purpose": pl.String,
    "given_to": pl.String,
    "captured_at": INSTANT,
    "expires_at": INSTANT,
    "revoked_at": INSTANT,
}
SUPPRESSION_COLUMNS: dict[str, Any] = {"kind": pl.String, "contact_value": pl.String, "contact_hash": pl.String}
"""Those that stand. contact_value: null once erased; contact_hash: null only where contact_value is there."""


@dataclass(frozen=True)
class Standing:
    """Consents weighed.

    `by_channel`, one row per contact_key and channel: has_consent, lifts_dnc, lifts_wireless, consent_given_at and
    consent_until (null: no end) of the consent relied on, and has_expired, has_insufficient, has_other_purpose,
    has_other_org among the others. `by_contact`, one row per contact_key: is_withdrawn.
    """

    by_channel: pl.DataFrame
    by_contact: pl.DataFrame


def contact_key(value: pl.Expr) -> pl.Expr:
    """A contact value as it is compared: E.164 for a US number however written, else folded case and spaces."""
    folded = value.str.strip_chars().str.to_lowercase().str.replace_all(r"[\s,]+", " ")
    digits = pl.when(~value.str.contains(r"[A-Za-z@]")).then(value).str.replace_all(r"\D", "")
    is_phone = digits.str.contains(r"^1?\d{10}$").fill_null(False)
    return pl.when(is_phone).then(pl.lit("+1") + digits.str.slice(-10)).otherwise(folded)


def mailing_line() -> pl.Expr:
    """The mailing columns as one line, the contact value of kind mailing; blank where there is nothing."""
    region = pl.concat_str("mailing_state", "mailing_zip5", separator=" ", ignore_nulls=True)
    return pl.concat_str(
        "mailing_street", "mailing_city", region.replace("", None), separator=", ", ignore_nulls=True
    )  # fmt: skip


def org_key(name: pl.Expr) -> pl.Expr:
    """An organisation's name as it is compared: letters and digits alone, folded."""
    return name.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")


def weigh_consents(
    consents: pl.DataFrame, rules: RuleBook, moment: pl.Expr, purpose: str, org_name: str | None
) -> Standing:
    """What the consent rows are worth at a moment for one purpose of the org that bears `org_name`; None: nothing.

    In: contact_key, CONSENT_COLUMNS and what `moment` reads. A withdrawal ends every consent of that contact given
    until then, on every channel (47 CFR 64.1200(a)(10), read strictly); only a consent given later counts again. A
    consent given to another organisation cannot be passed on.
    """
    rows = _judged(consents, rules, moment, purpose, org_name).sort(
        "holds", "lifts_dnc", "lifts_wireless", "ends_at", "captured_at", descending=True, nulls_last=False
    )
    by_channel = rows.group_by("contact_key", "channel", maintain_order=True).agg(
        has_consent=pl.col("holds").first(),
        lifts_dnc=(pl.col("holds") & pl.col("lifts_dnc")).first(),
        lifts_wireless=(pl.col("holds") & pl.col("lifts_wireless")).first(),
        consent_given_at=pl.col("captured_at").first(),
        consent_until=pl.col("ends_at").first(),
        has_expired=(pl.col("is_expired") & ~pl.col("is_revoked")).any(),
        has_insufficient=(~pl.col("suffices")).any(),
        has_other_purpose=(~pl.col("is_for_purpose")).any(),
        has_other_org=(~pl.col("is_for_org")).any(),
    )
    by_contact = rows.group_by("contact_key", maintain_order=True).agg(
        is_withdrawn=pl.col("withdrawn_at").first().is_not_null()
    )
    return Standing(by_channel, by_contact)


def _judged(
    consents: pl.DataFrame, rules: RuleBook, moment: pl.Expr, purpose: str, org_name: str | None
) -> pl.DataFrame:
    kinds = pl.DataFrame(
        [(row.kind, row.channel, row.holds_days, row.lifts_dnc, row.lifts_wireless) for row in rules.consent_kinds],
        schema={"kind": pl.String, "channel": pl.String, "holds_days": pl.Int64,
                "lifts_dnc": pl.Boolean, "lifts_wireless": pl.Boolean},
        orient="row",
    )  # fmt: skip
    captured = pl.col("captured_at")
    given_to = org_key(pl.col("given_to"))
    return (
        consents.join(kinds.with_columns(suffices=True), on=["kind", "channel"], how="left")
        .with_columns(
            pl.col("suffices", "lifts_dnc", "lifts_wireless").fill_null(False),
            withdrawn_at=pl.col("revoked_at").max().over("contact_key"),
            ends_at=pl.min_horizontal("expires_at", captured + pl.duration(days=pl.col("holds_days"))),
            is_past=(captured <= moment).fill_null(False),
            is_for_purpose=(pl.col("purpose") == purpose).fill_null(False),
            is_for_org=((given_to == org_key(pl.lit(org_name, pl.String))) & (given_to != "")).fill_null(False),
        )
        .with_columns(
            is_revoked=pl.col("revoked_at").is_not_null()
            | (captured <= pl.col("withdrawn_at")).fill_null(False),
            is_expired=(pl.col("ends_at") <= moment).fill_null(False),
        )
        .with_columns(
            holds=pl.col("suffices") & pl.col("is_past") & pl.col("is_for_purpose") & pl.col("is_for_org")
            & ~pl.col("is_revoked") & ~pl.col("is_expired")
        )
    )  # fmt: skip


def lacks_hashes(points: pl.DataFrame) -> bool:
    """Whether some point's contact_hashes are missing, all or one."""
    hashes = pl.col("contact_hashes")
    is_whole = (hashes.list.len() > 0) & ~hashes.list.contains(None, nulls_equal=True)
    return not points.select(is_whole.fill_null(False).all()).item()


def are_suppressed(points: pl.DataFrame, suppressions: pl.DataFrame) -> pl.Series:
    """Whether each point (contact_key, contact_hashes) is on the list (SUPPRESSION_COLUMNS), by value or by hash.

    A list with hashes alone says nothing about points without theirs: raises InvalidInput, because to pass over
    them would clear whoever was erased.
    """
    if not suppressions.filter(pl.all_horizontal(pl.col("contact_value", "contact_hash").is_null())).is_empty():
        raise InvalidInput(
            "A suppression names nobody: it has neither value nor hash.", remedy="Give contact_value or contact_hash."
        )
    values = suppressions.select(contact_key(pl.col("contact_value"))).to_series().drop_nulls().unique()
    hashes = suppressions["contact_hash"].drop_nulls().unique()
    by_value = pl.col("contact_key").is_in(values.implode())
    if hashes.is_empty():
        return points.select(is_suppressed=by_value).to_series()
    if lacks_hashes(points) and suppressions["contact_value"].null_count():
        raise InvalidInput(
            "Some suppressed contacts are known by their hash alone, and the contact points carry no hashes.",
            remedy="Add them with contact_hash.with_every_hash before deciding.",
        )
    hit = (
        points.select("contact_hashes").with_row_index("row").explode("contact_hashes")
        .filter(pl.col("contact_hashes").is_in(hashes.implode()))["row"]
    )  # fmt: skip
    is_hit = pl.int_range(pl.len(), dtype=pl.UInt32).is_in(hit.implode())
    return points.select(is_suppressed=by_value | is_hit).to_series()
