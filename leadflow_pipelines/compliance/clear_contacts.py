"""Clearing contact points for each channel, into the contract outreach_lists. Fails closed.

Here: the conditions, all of them at once, over a frame. Not here: the hour (a list carries windows; the sender
decides anew at the instant of sending), the rules' content (`rules/`), where consents are stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import polars_hash as plh

from leadflow_pipelines.compliance.calling_calendar import CallingCalendar, Width
from leadflow_pipelines.compliance.consents import (
    CONSENT_COLUMNS,
    INSTANT,
    SUPPRESSION_COLUMNS,
    contact_key,
    suppressed_keys,
    weigh_consents,
)
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.compliance.whereabouts import AREA_CODE, Places, whereabouts
from leadflow_pipelines.contracts import OUTREACH_LISTS
from leadflow_pipelines.errors import InvalidInput

MARKETING = "marketing"
"""The purpose a consent must have been given for, unless the caller names another."""
CLOCK_TOLERANCE = timedelta(days=1)
"""A vendor's answer may carry an instant a little after `now`: a run buys contacts after it began."""

EVIDENCE: dict[str, Any] = {
    "zip": pl.String, "day": pl.Date, "property_id": pl.String, "contact_point_id": pl.String,
    "kind": pl.String, "person_name": pl.String, "phone_e164": pl.String, "line_type": pl.String,
    "email": pl.String, "mailing_street": pl.String, "mailing_city": pl.String, "mailing_state": pl.String,
    "mailing_zip5": pl.String, "is_on_dnc": pl.Boolean, "is_litigator": pl.Boolean, "is_reachable": pl.Boolean,
    "fetched_at": INSTANT, "source": pl.String, "property_state": pl.String, "property_zip": pl.String,
    "is_owner_occupied": pl.Boolean,
}  # fmt: skip
"""What a decision looks at, one row per contact point: lead_contacts, and three columns about the property."""

PHONE_CHANNELS, MAIL, EMAIL = ("sms", "voice"), "mail", "email"
US_PHONE = r"^\+1[2-9]\d{2}[2-9]\d{6}$"
EMAIL_SYNTAX = r"^[^@\s,;<>()\[\]\x22]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$"


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


def decide_contact(
    contact: Mapping[str, Any],
    *,
    rules: RuleBook,
    now: datetime,
    consents: pl.DataFrame,
    suppressions: pl.DataFrame,
    purpose: str = MARKETING,
    widen_to: Width = "default",
) -> tuple[Decision, ...]:
    """One contact point, decided for each channel it can carry; the same verdicts as in a frame of many.

    Arguments and errors as in `decide_contacts`.
    """
    decided = decide_contacts(
        pl.DataFrame([dict(contact)], schema_overrides=EVIDENCE, infer_schema_length=None),
        rules=rules, now=now, consents=consents, suppressions=suppressions, purpose=purpose, widen_to=widen_to,
    )  # fmt: skip
    return tuple(Decision(**row) for row in decided.iter_rows(named=True))


def decide_contacts(
    frame: pl.DataFrame,
    *,
    rules: RuleBook,
    now: datetime,
    consents: pl.DataFrame,
    suppressions: pl.DataFrame,
    purpose: str = MARKETING,
    widen_to: Width = "default",
) -> pl.DataFrame:
    """Each contact point cleared or blocked for each channel it can carry, with every reason.

    `frame` has the columns of EVIDENCE (others are ignored), `consents` and `suppressions` those named in
    `consents.py`; both are the org's own, and required so that nobody forgets them. A phone gives rows for sms
    and voice, an e-mail address one for email, a mailing address one for mail. Out: exactly the columns of
    outreach_lists, in the order of `frame`. Clearance does not depend on the hour of `now`; its staleness does.
    Raises ValueError for a naive `now`, InvalidInput for missing columns.
    """
    if now.tzinfo is None or now.utcoffset() is None:
        raise ValueError("clearance needs an aware instant: a naive one names no moment")
    now = now.astimezone(UTC)
    points = _conformed(frame, EVIDENCE, "contact points")
    unknown_kinds = set(points["kind"].unique()) - {"phone", "email", "mailing"}
    if unknown_kinds:
        raise InvalidInput(f"Contact points of unknown kind: {unknown_kinds}.", remedy="Use phone, email or mailing.")
    standing = weigh_consents(_conformed(consents, CONSENT_COLUMNS, "consents"), rules, now, purpose)
    suppressed = suppressed_keys(_conformed(suppressions, SUPPRESSION_COLUMNS, "suppressions"))
    calendar = CallingCalendar(rules, widen_to)
    rows = (
        _with_places(_with_values(points), calendar, now)
        .with_columns(is_suppressed=pl.col("contact_key").is_in(suppressed.implode()))
        .with_columns(channel=_channels())
        .explode("channel")
        .join(standing.by_contact, on="contact_key", how="left", maintain_order="left")
        .join(standing.by_channel, on=["contact_key", "channel"], how="left", maintain_order="left")
        .with_columns(
            pl.col("^is_withdrawn|has_.*|lifts_.*$").fill_null(False),
            pl.col("consents").fill_null([]),
        )
    )
    is_call = pl.col("channel").is_in(PHONE_CHANNELS)
    decided = _with_reasons(rows, rules, now).with_columns(
        pl.when(is_call).then("calling_windows"),
        pl.when(is_call).then("next_open_at"),
        valid_until=_valid_until(rules, now),
        rule_version=pl.lit(rules.rule_version),
        evidence_hash=_evidence_hash(rules, purpose, widen_to),
    )
    return OUTREACH_LISTS.conform(decided)


def _conformed(frame: pl.DataFrame, schema: Mapping[str, Any], what: str) -> pl.DataFrame:
    missing = [name for name in schema if name not in frame.columns]
    if missing:
        raise InvalidInput(
            f"The {what} lack the columns {', '.join(missing)}.", remedy="Give each, null where unknown."
        )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _with_values(points: pl.DataFrame) -> pl.DataFrame:
    """Adds contact_value, as it is shown, and contact_key, as it is compared."""
    kind = pl.col("kind")
    region = pl.concat_str("mailing_state", "mailing_zip5", separator=" ", ignore_nulls=True)
    mailing = pl.concat_str(
        "mailing_street", "mailing_city", region.replace("", None), separator=", ", ignore_nulls=True
    )
    value = pl.when(kind == "phone").then("phone_e164").when(kind == "email").then("email").otherwise(mailing)
    return points.with_columns(contact_value=value.replace("", None).fill_null("(none)")).with_columns(
        contact_key=contact_key(pl.col("contact_value"))
    )


def _with_places(points: pl.DataFrame, calendar: CallingCalendar, now: datetime) -> pl.DataFrame:
    """Adds states, zones, whether either is unknown, and the calling windows: worked out once per set of places."""
    places_of_row, found = whereabouts(points, calendar.rules)
    told = pl.DataFrame(
        [_told(places, calendar, now) for places in found],
        schema={"states": pl.List(pl.String), "zones": pl.List(pl.String), "is_state_unknown": pl.Boolean,
                "is_zone_unknown": pl.Boolean, "calling_windows": pl.String, "next_open_at": INSTANT},
        orient="row",
    )  # fmt: skip
    return pl.concat([points, told[places_of_row]], how="horizontal")


def _told(places: Places, calendar: CallingCalendar, now: datetime) -> tuple[Any, ...]:
    weekly = opening = None
    if not (places.is_state_unknown or places.is_zone_unknown):
        weekly = calendar.weekly_windows(now.date(), places.states, places.zones)
        opening = calendar.next_open(now, places.states, places.zones) if weekly else None
    return (
        list(places.states), list(places.zones), places.is_state_unknown, places.is_zone_unknown,
        weekly and weekly.json, opening,
    )  # fmt: skip


def _channels() -> pl.Expr:
    kind = pl.col("kind")
    return (
        pl.when(kind == "phone").then(pl.lit(list(PHONE_CHANNELS)))
        .when(kind == "email").then(pl.lit([EMAIL]))
        .when(kind == "mailing").then(pl.lit([MAIL]))
    )  # fmt: skip


def _with_reasons(rows: pl.DataFrame, rules: RuleBook, now: datetime) -> pl.DataFrame:
    """Adds every reason that applies, and the verdict. A condition that cannot be told applies.

    A row's reasons are first one bit each, and the few distinct sets become lists once: for 200,000 rows 0.2 s,
    against 2.2 s with a list built per row.
    """
    conditions = {**_consent_conditions(), **_phone_conditions(rules, now), **_place_conditions(rules, now)}
    bits = [condition.fill_null(True).cast(pl.Int64) * (1 << bit) for bit, condition in enumerate(conditions.values())]
    masks = rows.select(mask=pl.sum_horizontal(bits))
    distinct = masks["mask"].unique()
    lists = [[code for bit, code in enumerate(conditions) if mask >> bit & 1] for mask in distinct]
    told = pl.DataFrame(
        {"mask": distinct, "reason_codes": lists}, schema={"mask": pl.Int64, "reason_codes": pl.List(pl.String)}
    )
    named = masks.join(told, on="mask", how="left", maintain_order="left").drop("mask")
    verdict = pl.when(pl.col("reason_codes").list.len() == 0).then(pl.lit("cleared")).otherwise(pl.lit("blocked"))
    return pl.concat([rows, named], how="horizontal").with_columns(verdict=verdict)


def _consent_conditions() -> dict[str, pl.Expr]:
    lacks = ~pl.col("has_consent")
    needs = pl.col("channel").is_in(["sms", EMAIL]) & lacks
    return {
        "suppressed": pl.col("is_suppressed"),
        "consent_revoked": pl.col("is_withdrawn") & lacks,
        "no_consent": needs,
        "consent_expired": needs & pl.col("has_expired"),
        "consent_insufficient": needs & pl.col("has_insufficient"),
        "consent_other_purpose": needs & pl.col("has_other_purpose"),
    }


def _phone_conditions(rules: RuleBook, now: datetime) -> dict[str, pl.Expr]:
    is_phone, is_sms = pl.col("kind") == "phone", pl.col("channel") == "sms"
    is_valid = pl.col("phone_e164").str.contains(US_PHONE).fill_null(False)
    placed = [code.area_code for code in rules.area_codes.values() if code.kind == "geographic"]
    placeless = [code.area_code for code in rules.area_codes.values() if code.kind != "geographic"]
    answered = pl.col("fetched_at")
    is_fresh = answered.is_between(now - rules.dnc_max_age, now + CLOCK_TOLERANCE)
    return {
        "invalid_phone": is_phone & ~is_valid,
        "not_us_number": is_phone & is_valid & ~AREA_CODE.is_in(placed + placeless),
        "not_geographic": is_phone & is_valid & AREA_CODE.is_in(placeless),
        "not_mobile": is_sms & (pl.col("line_type") != "mobile").fill_null(False),
        "line_type_unknown": is_sms & pl.col("line_type").is_null(),
        "not_reachable": is_phone & ~pl.col("is_reachable").fill_null(True),
        "dnc_listed": is_phone & pl.col("is_on_dnc").fill_null(False) & ~pl.col("lifts_dnc"),
        "dnc_unknown": is_phone & pl.col("is_on_dnc").is_null(),
        "dnc_stale": is_phone & ~is_fresh,
        "litigator": is_phone & pl.col("is_litigator").fill_null(False),
        "litigator_unknown": is_phone & pl.col("is_litigator").is_null(),
    }


def _place_conditions(rules: RuleBook, now: datetime) -> dict[str, pl.Expr]:
    is_phone = pl.col("kind") == "phone"
    is_placed = ~pl.col("is_state_unknown") & ~pl.col("is_zone_unknown")
    restricted = pl.lit(sorted(rules.wireless_restricted(now.date())), dtype=pl.List(pl.String))
    may_be_wireless = pl.col("line_type") != "landline"
    patterns = {"street": r"\S", "city": r"\S", "state": r"^[A-Z]{2}$", "zip5": r"^\d{5}$"}
    is_complete = pl.all_horizontal([pl.col(f"mailing_{part}").str.contains(told) for part, told in patterns.items()])
    return {
        "wireless_restricted": (pl.col("channel") == "voice") & may_be_wireless & ~pl.col("lifts_wireless")
        & (pl.col("states").list.set_intersection(restricted).list.len() > 0),
        "state_unknown": is_phone & pl.col("is_state_unknown"),
        "zone_unknown": is_phone & pl.col("is_zone_unknown"),
        "no_calling_window": is_phone & is_placed & pl.col("calling_windows").is_null(),
        "invalid_email": (pl.col("kind") == "email") & ~pl.col("email").str.contains(EMAIL_SYNTAX),
        "address_incomplete": (pl.col("kind") == "mailing") & ~is_complete,
    }  # fmt: skip


def _valid_until(rules: RuleBook, now: datetime) -> pl.Expr:
    """The earliest end of what a clearance rests on; a blocked row may be asked again at once."""
    instant = pl.lit(now, dtype=INSTANT)
    answer_ends = pl.when(pl.col("kind") == "phone").then(pl.col("fetched_at") + rules.dnc_max_age)
    consent_ends = pl.when("has_consent").then("consent_until")
    latest = pl.min_horizontal(instant + rules.clearance_max_age, answer_ends, consent_ends)
    return pl.when(pl.col("verdict") == "cleared").then(latest).otherwise(instant)


def _evidence_hash(rules: RuleBook, purpose: str, widen_to: Width) -> pl.Expr:
    """sha256 over the evidence as JSON. Of instants it holds the day, so that a rerun of the day agrees."""
    evidence = pl.struct(
        "day", "property_id", "contact_point_id", "channel", "contact_value", "line_type", "is_on_dnc",
        pl.col("fetched_at").dt.date().alias("answered_on"), "is_litigator", "is_reachable", "source",
        "is_suppressed", "consents", "states", "zones", "is_state_unknown", "is_zone_unknown", "reason_codes",
        pl.lit(purpose).alias("purpose"), pl.lit(widen_to).alias("widen_to"),
        pl.lit(rules.rule_version).alias("rule_version"),
    ).struct.json_encode()  # fmt: skip
    hashed: pl.Expr = plh.CryptographicHashingNameSpace(evidence).sha2_256()
    return hashed
