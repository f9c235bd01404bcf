"""What is known of a number: its form, its line, do-not-call lists, litigants, whether it changed hands."""

from datetime import timedelta

import polars as pl

from leadflow_pipelines.compliance.evidence import Question
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.compliance.whereabouts import AREA_CODE

NOT_N11 = r"(?:[2-9][02-9]\d|[2-9]1[02-9])"
AREA = r"(?:[24578][02-8]\d|3[02-68]\d|6[02-8]\d|9[02-578]\d|[2-9]1[02-9])"
US_PHONE = rf"^\+1{AREA}{NOT_N11}\d{{4}}$"
"""What a subscriber's number can look like (ATIS-0300051, ATIS-0300055): area code and exchange begin with 2 to 9 and
are no service code N11; area codes N9X, 37X and 96X are kept back. Without looking ahead, for Polars and Postgres too.

Which area codes there are, and which are toll-free, premium or personal, is dated data: `rules/area_code_zones.csv`.
"""
CLOCK_TOLERANCE = timedelta(days=1)
"""A vendor's answer may carry an instant a little after `now`: a run buys contacts after it began."""


def number_facts(question: Question) -> dict[str, pl.Expr]:
    """Columns about phones that the conditions of both their channels read."""
    kinds = {code.area_code: code.kind for code in question.rules.area_codes.values()}
    return {"number_kind": AREA_CODE.replace_strict(kinds, default=None, return_dtype=pl.String)}


def number_conditions(channel: str, question: Question) -> dict[str, pl.Expr]:
    """Reads the number's own columns, number_facts and what was looked up about it."""
    is_valid, kind, line_type = pl.col("is_us_phone"), pl.col("number_kind"), pl.col("line_type")
    takes_texts = {
        "not_mobile": (line_type != "mobile").fill_null(False),
        "line_type_unknown": line_type.is_null(),
    }
    return {
        "invalid_phone": ~is_valid,
        "not_us_number": is_valid & kind.is_null(),
        "not_geographic": is_valid & (kind != "geographic").fill_null(False),
        **(takes_texts if channel == "sms" else {}),
        "not_reachable": ~pl.col("is_reachable").fill_null(True),
        **_lists(question),
        **_reassignment(channel, question),
    }


def _lists(question: Question) -> dict[str, pl.Expr]:
    """Three may answer for a number: the vendor that traced it, the registries the org reads, a lookup of its own.

    One fresh answer is needed and none may say listed, however old. A lookup that came back without an answer
    counts as a hit.
    """
    rules, today = question.rules, question.moment.dt.date()
    vendor, registry, lookup = pl.col("is_on_dnc"), pl.col("is_registry_listed"), pl.col("dnc_answer")
    is_vendor_fresh = _is_fresh(pl.col("fetched_at"), question, rules.dnc_max_age)
    listed_on = pl.col("registry_as_of")
    is_registry_fresh = listed_on.is_between(today - rules.dnc_max_age, today + CLOCK_TOLERANCE).fill_null(False)
    is_lookup_fresh = _is_fresh(pl.col("dnc_answered_at"), question, rules.dnc_max_age)
    is_definite = lookup.is_in(["yes", "no"]).fill_null(False)
    is_too_old = listed_on.is_not_null() & ~is_registry_fresh
    is_answered = vendor.is_not_null() | registry.is_not_null() | is_too_old | lookup.is_not_null()
    has_fresh = (
        (vendor.is_not_null() & is_vendor_fresh)
        | (registry.is_not_null() & is_registry_fresh)
        | (is_definite & is_lookup_fresh)
    )
    return {
        "dnc_listed": is_listed() & ~pl.col("lifts_dnc"),
        "dnc_unknown": ~is_answered | (lookup.is_not_null() & ~is_definite),
        "dnc_stale": ~has_fresh & (is_answered | ~is_vendor_fresh),
        "litigator": pl.col("is_litigator").fill_null(False),
        "litigator_unknown": pl.col("is_litigator").is_null(),
    }


def is_listed() -> pl.Expr:
    """Some do-not-call answer says so, however old."""
    vendor, registry = pl.col("is_on_dnc").fill_null(False), pl.col("is_registry_listed").fill_null(False)
    return vendor | registry | (pl.col("dnc_answer") == "yes").fill_null(False)


def is_barred_from_wireless() -> pl.Expr:
    """A plausible state bars cold calls to wireless numbers, and the line is not known to be a landline."""
    return pl.col("is_wireless_restricted") & (pl.col("line_type") != "landline").fill_null(True)


def _reassignment(channel: str, question: Question) -> dict[str, pl.Expr]:
    """A number that changed hands is blocked. A text relying on an old consent needs a fresh no about that consent.

    So does a call that relies on a consent to lift a list or a wireless restriction.
    """
    rules, given_at = question.rules, pl.col("consent_given_at")
    is_old = (given_at < question.moment - rules.reassigned_after).fill_null(True)
    says_no = (
        (pl.col("is_reassigned") == False).fill_null(False)  # noqa: E712 - a null answer is not a no
        & _is_fresh(pl.col("reassigned_checked_at"), question, rules.reassigned_max_age)
        & (pl.col("reassigned_asked_about") <= given_at.dt.date()).fill_null(False)
    )
    relies = pl.col("has_consent")
    if channel == "voice":
        relies &= (is_listed() & pl.col("lifts_dnc")) | (is_barred_from_wireless() & pl.col("lifts_wireless"))
    moved = pl.col("is_reassigned").fill_null(False)
    return {"reassigned": moved, "reassigned_unknown": relies & is_old & ~says_no & ~moved}


def _is_fresh(answered_at: pl.Expr, question: Question, max_age: timedelta) -> pl.Expr:
    return answered_at.is_between(question.moment - max_age, question.moment + CLOCK_TOLERANCE).fill_null(False)


def answer_ends(rules: RuleBook) -> pl.Expr:
    """When the freshest definite do-not-call answer is too old to stand on."""
    registry = pl.when(pl.col("is_registry_listed").is_not_null()).then(
        pl.col("registry_as_of").cast(pl.Datetime("us"))
    )
    lookup = pl.when(pl.col("dnc_answer").is_in(["yes", "no"])).then("dnc_answered_at")
    vendor = pl.when(pl.col("is_on_dnc").is_not_null()).then("fetched_at")
    return pl.max_horizontal(vendor, registry.dt.replace_time_zone("UTC"), lookup) + rules.dnc_max_age
