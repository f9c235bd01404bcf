"""Buying answers about numbers through the guard: on a do-not-call list, or in other hands since a day.

Only possible numbers are asked about (one bad number makes vendors refuse all), only where no fresh answer is kept,
and only of a vendor whose canaries are right. Not here: what the answers add up to (`registries`).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from leadflow_pipelines.clearance.canaries import check_vendor, check_world
from leadflow_pipelines.clearance.lookup_store import LOOKUPS, store_lookups, stored_lookups
from leadflow_pipelines.compliance import load_rules
from leadflow_pipelines.compliance.conditions.number import US_PHONE
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.guard.guard import Guard
from leadflow_pipelines.providers.pulls import Pulls
from leadflow_pipelines.providers.sources.number_vendors import DNC, KINDS, REASSIGNED, number_vendor
from leadflow_pipelines.settings import PREFIX, Settings
from leadflow_pipelines.spend.ledger import Origin

UNKNOWN = "unknown"


@dataclass(frozen=True)
class LookedUp:
    """What buying came to. `kept`: numbers with a fresh answer already; `impossible`: no US numbers, never asked;
    `unanswered`: asked in vain, each unknown for now, `notes` say why.
    """

    asked: int
    kept: int
    impossible: int
    yes: int
    no: int
    unknown: int
    unanswered: int
    cost_cents: Decimal
    notes: tuple[str, ...]


def look_up_numbers(
    database: Database,
    org: Org,
    guard: Guard,
    lake: Lake,
    phones: Sequence[str],
    *,
    provider: str,
    kind: str,
    now: dt.datetime,
    settings: Settings,
    since: Sequence[dt.date] = (),
    origin: Origin | None = None,
) -> LookedUp:
    """Answers about E.164 phones, bought in their order from one vendor and kept for this org alone.

    kind: dnc, or reassigned with `since`, for each phone the day of its consent or last contact. Answers come within
    the org's budget; what it does not reach stays unknown. Raises InvalidInput where the vendor is not configured, or
    not to be believed (`canaries`).
    """
    vendor, origin = number_vendor(provider), origin or Origin()
    if kind not in KINDS or (kind == REASSIGNED) != bool(since) or (since and len(since) != len(phones)):
        raise InvalidInput(
            f"A look-up is of kind {' or '.join(KINDS)}.",
            remedy="reassigned asks since which day, one for each number; dnc does not.",
        )
    if getattr(settings, f"{provider}_api_key") is None:
        raise InvalidInput(f"{provider} is not configured.", remedy=f"Set {PREFIX}{provider.upper()}_API_KEY.")
    check_world(org, provider, settings)
    asked = pl.DataFrame(
        {"phone": list(phones), "since": list(since) or [None] * len(phones)},
        schema={"phone": pl.String, "since": pl.Date},
    )
    possible = asked.filter(pl.col("phone").str.contains(US_PHONE).fill_null(False))
    wanted = possible.with_columns(pl.col("since").min().over("phone")).unique("phone", maintain_order=True)
    with database.as_org(org.org_id) as connection:
        kept = stored_lookups(
            connection, org, wanted["phone"], kind, settings=settings, answered_since=now - load_rules().dnc_max_age
        )
    missing = wanted.join(_answered(wanted, kept, provider), on="phone", how="anti", maintain_order="left")
    has_answer, impossible = wanted.height - missing.height, asked.height - possible.height
    if missing.is_empty():
        return LookedUp(0, has_answer, impossible, 0, 0, 0, 0, Decimal(0), ())
    check_vendor(guard, lake, provider, kind, now=now, settings=settings, origin=origin)
    day = now.astimezone(settings.zone).date()
    if kind == DNC:
        calls = vendor.dnc_calls(missing["phone"].to_list(), day)
    else:
        calls = vendor.reassigned_calls(list(missing.select("phone", "since").iter_rows()), day)
    pulls = guard.pull_many(calls, origin=origin)
    answers = _answers(pulls, lake, missing, provider=provider, kind=kind, day=day)
    with database.as_org(org.org_id) as connection:
        store_lookups(connection, org, kind, answers, settings=settings)
    said = dict(answers.group_by("answer").len().iter_rows())
    notes = tuple(dict.fromkeys(one.message for one in pulls.unmade))
    return LookedUp(
        missing.height, has_answer, impossible, said.get("yes", 0), said.get("no", 0),
        said.get(UNKNOWN, 0), missing.height - answers.height, pulls.cost_cents, notes,
    )  # fmt: skip


def _answered(wanted: pl.DataFrame, kept: pl.DataFrame, provider: str) -> pl.DataFrame:
    """The numbers that this vendor has answered lately, about the day in question where it is about one."""
    said, about, since = pl.col("answer"), pl.col("asked_about"), pl.col("since")
    is_about_it = since.is_null() | ((said == "no") & (about <= since)) | ((said == "yes") & (about >= since))
    told = kept.filter((said != UNKNOWN) & (pl.col("provider") == provider))
    return wanted.join(told, on="phone").filter(is_about_it).select(pl.col("phone").unique())


def _answers(pulls: Pulls, lake: Lake, asked: pl.DataFrame, *, provider: str, kind: str, day: dt.date) -> pl.DataFrame:
    """LOOKUPS, details and cost_cents of what the vendor said about the numbers that were asked."""
    raw = pulls.read(lake.raw)
    if raw.is_empty():
        return pl.DataFrame(schema={**LOOKUPS, "details": pl.String, "cost_cents": pl.Decimal(14, 4)})
    bought = pl.concat(
        [number_vendor(provider).readers[kind](raw), raw.select("cost_cents", answered_at="fetched_at")],
        how="horizontal",
    )
    details = pl.struct("is_litigator", "told").struct.json_encode()
    return (
        bought.join(asked, on="phone", how="inner", maintain_order="left")
        .unique("phone", keep="first", maintain_order=True)
        .select(
            "phone", "answer", "is_litigator", "answered_at", "cost_cents", provider=pl.lit(provider),
            list_version=pl.lit(f"{provider}:{day}"), asked_about="since", details=details,
        )
    )  # fmt: skip
