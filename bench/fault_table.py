"""The fault table: every provider under every fault of the dial at 30 %, against a pull where nothing goes wrong.

Here: one cell, and whether it keeps the promise: nothing twice, nothing wrong, what is missing named with a reason that
fits, the bill within the budget. Not here: what is asked of whom (`fault_subjects`), printing (`faults`).
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from sqlalchemy import update

from bench.fault_subjects import DAY, Records, Subject
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.database.tables import provider_breakers
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.guard import open_guard
from leadflow_pipelines.providers.pulls import Pulls
from leadflow_pipelines.providers.retry import RecordedWaits, RetryPolicy
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.sandbox.vendors import load_vendors
from leadflow_pipelines.providers.sources.pages import ABSENT, FEWEST
from leadflow_pipelines.settings import Settings, load_settings
from leadflow_pipelines.spend import budget
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import Origin
from leadflow_pipelines.spend.price_book import load_price_book

NOON = dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
SHARE = 0.3
ATTEMPTS = 3
SEEDS = 5
"""So many seeds of the dial are tried until the fault strikes at all: few calls are made."""
HURRIED_SECONDS = 0.25
"""The time limit under the fault that never answers, which hangs up a little later."""
LOST, REFUSED, SHAPE = {"transient", "provider_down", "budget"}, {"terminal"}, {"terminal", "budget"}


@dataclass(frozen=True)
class Fault:
    """One row of the table: a setting of the dial, and the reasons for which a call may then stay without an answer."""

    kind: str
    reasons: set[str] = field(default_factory=lambda: LOST)
    details: Mapping[str, Any] = field(default_factory=dict)


FAULTS: Mapping[str, Fault] = {
    "slow": Fault("slow", details={"seconds": 0.05}),
    "slow drip": Fault("slow_drip", details={"seconds": 0.1}),
    "no answer": Fault("timeout", details={"seconds": 2 * HURRIED_SECONDS}),
    "429": Fault("too_many"),
    "429, Retry-After": Fault("too_many", details={"retry_after": "2"}),
    "500": Fault("status", details={"status": 500}),
    "503": Fault("status", details={"status": 503}),
    "reset": Fault("reset"),
    "reset mid-body": Fault("reset_midway"),
    "cut off": Fault("cut_off"),
    "truncated JSON": Fault("truncated_json"),
    "malformed JSON": Fault("malformed_json"),
    "another shape": Fault("wrong_shape", SHAPE),
    "missing field": Fault("missing_field", SHAPE),
    "renamed field": Fault("renamed_field", SHAPE),
    "key casing": Fault("key_casing"),
    "wrong total": Fault("wrong_total", SHAPE),
    "duplicate page": Fault("duplicate_page"),
    "expired key": Fault("expired_key", REFUSED),
    "empty wallet": Fault("empty_wallet", REFUSED),
}
DRIFTED = {"missing_field", "renamed_field"}


@dataclass(frozen=True)
class Cell:
    """What came of one provider under one fault.

    missing: records by the reason of the calls that did not bring them; unexplained: those without any. null_fields:
    those that are null here and hold something in truth; told_fields: those of which the result says that a whole page
    lacks them; untold: records with such fields of which nobody says so. struck: calls that the fault struck, and
    billed_cents, both by the vendor's own books. later: records that the next pull, without the fault, still lacks.
    """

    provider: str
    fault: str
    expected: int
    arrived: int
    missing: Mapping[str, int]
    said: tuple[str, ...]
    unexplained: int
    twice: int
    wrong: int
    null_fields: tuple[str, ...]
    told_fields: tuple[str, ...]
    untold: int
    struck: int
    calls: int
    cost_cents: Decimal
    spent_cents: Decimal
    billed_cents: Decimal
    limit_cents: Decimal
    later: int
    reasons: set[str]

    @property
    def broken(self) -> tuple[str, ...]:
        """The promises that were not kept, in words."""
        return tuple(
            words
            for words, is_kept in {
                "no call was struck": self.struck,
                f"{self.unexplained} records are missing without a reason": not self.unexplained,
                f"{self.twice} records arrived twice": not self.twice,
                f"{self.wrong} values are wrong": not self.wrong,
                f"{self.untold} records lack {', '.join(self.null_fields)} and nobody says so": not self.untold,
                f"reasons that do not fit: {sorted(self.missing)}": self.missing.keys() <= self.reasons,
                f"{self.spent_cents} cents of a budget of {self.limit_cents}": self.spent_cents <= self.limit_cents,
                f"the vendor billed {self.billed_cents}, the budget says {self.spent_cents}": (
                    self.billed_cents <= self.spent_cents
                ),
                f"{self.later} records are missing for good": not self.later,
            }.items()
            if not is_kept
        )


class FaultTable:
    """Cells over one database and one set of simulated vendors. `settings`: those that small pages need."""

    def __init__(self, database: Database, vendors: SandboxProcess, folder: Path, **settings: Any) -> None:
        self._database, self._vendors, self._folder = database, vendors, folder
        self._settings = settings
        self._loaded: dict[str, Settings] = {}
        self._truths: dict[str, tuple[Records, Decimal]] = {}

    def cell(self, subject: Subject, name: str) -> Cell | None:
        """One provider under one fault; None where its answers have nothing that the fault could spoil."""
        fault = FAULTS[name]
        (vendor,) = load_vendors([subject.vendor])
        if not vendor.can_suffer(fault.kind):
            return None
        for seed in range(SEEDS):
            played = self._played(subject, name, seed)
            if played.struck:
                break
        return played

    def _played(self, subject: Subject, name: str, seed: int) -> Cell:
        """One pull under the fault, and one after it."""
        fault = FAULTS[name]
        truth, cost = self._truth(subject)
        buying = self._buying(subject)
        worst = load_price_book().worst_case(subject.calls(buying.settings), DAY)
        limit = max(Decimal(1), 2 * worst + 3 * cost)
        buying.allow(limit)
        self._vendors.arm_fault(subject.vendor, fault.kind, share=SHARE, seed=seed, **fault.details)
        pulls = buying.pull(HURRIED_SECONDS if fault.kind == "timeout" else 30)
        billed, struck = self._billed(subject, pulls)
        money = {"spent_cents": buying.spent(), "billed_cents": billed, "limit_cents": limit, "struck": struck}
        self._vendors.disarm_faults()
        self._reset()
        buying.allow(limit * 10)
        later = dict(subject.records(buying.pull(30).read(buying.lake.raw), buying.settings))
        return _judged(subject, name, buying, truth, pulls, later, money)

    def _truth(self, subject: Subject) -> tuple[Records, Decimal]:
        """What arrives where nothing goes wrong, and what it costs."""
        if subject.vendor not in self._truths:
            buying = self._buying(subject)
            buying.allow(Decimal(1_000_000))
            pulls = buying.pull(30)
            told = subject.records(pulls.read(buying.lake.raw), buying.settings)
            assert not pulls.is_partial, pulls.unmade[:1]
            assert len(dict(told)) == len(told) > 0
            self._truths[subject.vendor] = dict(told), pulls.cost_cents
        return self._truths[subject.vendor]

    def _buying(self, subject: Subject) -> "_Buying":
        self._vendors.disarm_faults()
        self._vendors.clear_ledger()
        self._reset()
        org = create_org(self._database, f"f{uuid.uuid4().hex[:12]}")
        lake = self._folder / org.slug
        if subject.vendor not in self._loaded:
            overrides = self._vendors.settings_overrides(subject.vendor)
            self._loaded[subject.vendor] = load_settings(**{**overrides, **self._settings})
        settings = self._loaded[subject.vendor].model_copy(update={"lake_url": str(lake)})
        return _Buying(self._database, org.org_id, Lake(str(lake)), settings, subject)

    def _reset(self) -> None:
        """The vendors are well again, whatever they did under the fault before."""
        with self._database.anonymous() as connection:
            connection.execute(
                update(provider_breakers)
                .where(provider_breakers.c.host == urlsplit(self._vendors.url).netloc)
                .values(state="closed", failures=0, openings=0, open_until=None, probe_until=None)
            )

    def _billed(self, subject: Subject, pulls: Pulls) -> tuple[Decimal, int]:
        """The vendor's bill, and how many calls the fault struck, by its own books."""
        calls = [*(pull.call for pull in pulls.pulls), *(one.call for one in pulls.unmade)]
        account = self._vendors.ledger()[subject.vendor]
        price = load_price_book().price(subject.provider, calls[0].endpoint, DAY)
        return price.cents * account["billed"], account["suffered"]


@dataclass(frozen=True)
class _Buying:
    """One org's turn with one provider."""

    database: Database
    org_id: uuid.UUID
    lake: Lake
    settings: Settings
    subject: Subject

    def allow(self, cents: Decimal) -> None:
        with self.database.as_org(self.org_id) as connection:
            for provider in (self.subject.provider, budget.ALL_PROVIDERS):
                budget.set_limit(
                    connection, self.org_id, provider=provider, limit_cents=cents, set_by="faults", now=NOON
                )

    def pull(self, seconds: float) -> Pulls:
        with open_guard(
            database=self.database,
            org_id=self.org_id,
            raw=self.lake.raw,
            settings=self.settings.model_copy(update={"http_timeout_seconds": seconds}),
            clock=lambda: NOON,
            retry_policy=RetryPolicy(attempts=ATTEMPTS, total_seconds=60, sleep=RecordedWaits()),
            is_simulated=True,
        ) as guard:
            return guard.pull_many(self.subject.calls(self.settings), origin=Origin("faults"))

    def spent(self) -> Decimal:
        with self.database.as_org(self.org_id) as connection:
            states = budget.read_budgets(connection, self.org_id, DAY)
        return sum((one.spent_cents for one in states if one.period == "day" and one.provider == "*"), Decimal(0))


def _judged(
    subject: Subject,
    name: str,
    buying: _Buying,
    truth: Records,
    pulls: Pulls,
    later: Records,
    money: Mapping[str, Any],
) -> Cell:
    raw = pulls.read(buying.lake.raw)
    arrived = subject.records(raw, buying.settings)
    here, may_lack = dict(arrived), FAULTS[name].kind in DRIFTED
    compared = {record: _differences(truth.get(record, {}), values) for record, values in here.items()}
    nulls = sorted({column for lost, _ in compared.values() for column in lost})
    lacking = {record for record, (lost, _) in compared.items() if lost}
    absent = truth.keys() - here.keys()
    missing, explained = Counter[str](), set[str]()
    for one in pulls.unmade:
        brings = (subject.covered(one.call, truth) & absent) - explained
        explained |= brings
        missing[one.reason] += len(brings)
    telling = [pull.call for pull in pulls.pulls if pull.parameters.get(ABSENT)]
    fields = {one.partition(": ")[2] for one in pulls.absent_fields}
    without = {record for call in telling for record in subject.covered(call, truth)} & (absent - explained)
    if without:
        missing[f"no {' or '.join(sorted(fields))}"] = len(without)
    together = Counter[str]()
    for pull in pulls.pulls:
        together[pull.path] += pull.items
    short = [pull.call for pull in pulls.pulls if together[pull.path] < FEWEST]
    if lacking and not subject.leaves_nulls_out:
        lacking -= _given(subject, [*telling, *short], raw, buying.settings)
    elif lacking:
        lacking = set()
    return Cell(
        provider=subject.vendor,
        fault=name,
        expected=len(truth),
        arrived=len(here),
        missing=dict(missing),
        said=tuple(dict.fromkeys(one.message for one in pulls.unmade)),
        unexplained=len(absent - explained - without),
        twice=len(arrived) - len(here),
        wrong=sum(wrong + (0 if may_lack else len(lost)) for lost, wrong in compared.values())
        + len(here.keys() - truth.keys()),
        null_fields=tuple(nulls),
        told_fields=tuple(sorted(fields)),
        untold=len(lacking),
        later=len(truth.keys() - later.keys() - without),
        calls=pulls.provider_calls,
        cost_cents=pulls.cost_cents,
        reasons=FAULTS[name].reasons | ({one for one in missing if one.startswith("no ")} if may_lack else set()),
        **money,
    )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[str], int]:
    """What is null, or not there at all, and was not; how many values are others."""
    lost = [name for name, value in before.items() if value is not None and now.get(name) is None]
    others = sum(value is not None and value != before.get(name) for name, value in now.items())
    return lost, others


def _given(subject: Subject, calls: list[Call], raw: pl.DataFrame, settings: Settings) -> set[str]:
    """The records that these calls brought."""
    some = raw.filter(pl.col("fingerprint").is_in([call.fingerprint for call in calls]))
    return {record for record, _ in subject.records(some, settings)}
