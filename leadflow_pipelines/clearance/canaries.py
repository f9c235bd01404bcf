"""Numbers whose answers are known, asked before a vendor is believed: they catch answers that are the wrong way round.

An org names its own (LEADFLOW_LOOKUP_CANARIES), e.g. a line it registered and one it did not: a yes and a no for each
vendor and kind. Not here: what other numbers are (`number_lookups`).
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import yaml

from leadflow_pipelines.compliance.conditions.number import US_PHONE
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput, LeadflowError
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.guard.guard import Guard
from leadflow_pipelines.providers.sources.number_vendors import DNC, KINDS, NUMBER_VENDORS, number_vendor
from leadflow_pipelines.settings import PREFIX, Settings
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import Origin

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TRUTHS = ("yes", "no")
REMEDY = (
    f'Write a YAML list of rows like {{provider: dncscrub, kind: dnc, phone: "+1…", answer: "yes"}} and name it in '
    f"{PREFIX}LOOKUP_CANARIES; kind reassigned has `since`, a day, as well."
)


@dataclass(frozen=True)
class Canary:
    """A number whose answer must be so. `since`: the day that a question about reassignment names."""

    provider: str
    kind: str
    phone: str
    answer: str
    since: dt.date | None


@dataclass(frozen=True)
class CanaryResult:
    """What a vendor said of one canary; `said` is None where it said nothing. unasked: why no request was paid for."""

    canary: Canary
    said: str | None
    unasked: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether the vendor said what is true."""
        return self.said == self.canary.answer


class Unasked(LeadflowError):
    """The budget does not reach a vendor's known numbers, so nothing is bought of it."""


def load_canaries(settings: Settings) -> list[Canary]:
    """The canaries that the settings name; none where they name no file. Raises InvalidInput with every fault."""
    path = settings.lookup_canaries
    if path is None:
        return []
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", remedy=REMEDY) from error
    faults: list[str] = []
    found: list[Canary] = []
    for number, row in enumerate(rows, start=1):
        try:
            found.append(_canary(row))
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"{path.name}, row {number}: {error}")
    if faults:
        raise InvalidInput("\n".join(faults), remedy=REMEDY)
    return found


def check_world(org: Org, provider: str, settings: Settings) -> None:
    """Raises InvalidInput where a simulated org would ask a real vendor, or a real one the simulator: simulated and
    real numbers never meet, and what the simulator says is true of nobody.
    """
    hosts = [
        urlsplit(str(getattr(settings, name))).hostname or ""
        for name in (f"{provider}_base_url", f"{provider}_data_base_url")
        if name in Settings.model_fields
    ]
    if any((host in LOOPBACK) != org.is_simulated for host in hosts):
        raise InvalidInput(
            f"{org.slug} is {'simulated' if org.is_simulated else 'no simulated org'}, and {provider} is "
            f"{'not ' if org.is_simulated else ''}the simulator's.",
            remedy=f"Set {PREFIX}{provider.upper()}_BASE_URL, or work for another org with --org.",
        )


def ask_canaries(
    guard: Guard, lake: Lake, canaries: Sequence[Canary], *, now: dt.datetime, settings: Settings, origin: Origin
) -> list[CanaryResult]:
    """What the vendors say of these canaries today; each is asked once a day and costs what a look-up costs."""
    day = now.astimezone(settings.zone).date()
    results = []
    for provider, kind in dict.fromkeys((one.provider, one.kind) for one in canaries):
        asked = [one for one in canaries if (one.provider, one.kind) == (provider, kind)]
        vendor = number_vendor(provider)
        pulls = guard.pull_many(_calls(asked, kind, day), origin=origin)
        unasked = next((one.message for one in pulls.unmade if one.reason == "budget"), None)
        raw = pulls.read(lake.raw)
        answers = vendor.readers[kind](raw) if raw.height else pl.DataFrame({"phone": [], "answer": []})
        said = dict(zip(answers["phone"].to_list(), answers["answer"].to_list(), strict=True))
        results += [CanaryResult(one, said.get(one.phone), unasked) for one in asked]
    return results


def check_vendor(
    guard: Guard, lake: Lake, provider: str, kind: str, *, now: dt.datetime, settings: Settings, origin: Origin
) -> None:
    """Raises InvalidInput where a vendor's answers of a kind cannot be believed: canaries are missing or wrong; and
    Unasked where the budget does not reach them.
    """
    canaries = [one for one in load_canaries(settings) if (one.provider, one.kind) == (provider, kind)]
    missing = [truth for truth in TRUTHS if truth not in {one.answer for one in canaries}]
    if missing:
        raise InvalidInput(
            f"No number is known for which {provider} ({kind}) must answer {' and one for '.join(missing)}, so its "
            "answers cannot be told from their opposite.",
            remedy=REMEDY,
        )
    wrong = [
        result
        for result in ask_canaries(guard, lake, canaries, now=now, settings=settings, origin=origin)
        if not result.is_right
    ]
    if why := next((one.unasked for one in wrong if one.said is None and one.unasked), None):
        raise Unasked(f"{provider} ({kind}) is not asked, as its known numbers come first: {why}")
    if wrong:
        told = "; ".join(f"expected {one.canary.answer}, heard {one.said or 'nothing'}" for one in wrong)
        raise InvalidInput(
            f"{provider} ({kind}) answers known numbers wrongly: {told}. Nothing it says is kept.",
            remedy="Run `leadflow dnc canary`; ask the vendor, or read its reference again, before it is asked more.",
        )


def _calls(canaries: Sequence[Canary], kind: str, day: dt.date) -> list[Call]:
    vendor = number_vendor(canaries[0].provider)
    if kind == DNC:
        return vendor.dnc_calls([one.phone for one in canaries], day)
    return vendor.reassigned_calls([(one.phone, one.since) for one in canaries if one.since], day)


def _canary(row: dict[str, Any]) -> Canary:
    canary = Canary(row["provider"], row["kind"], row["phone"], row["answer"], row.get("since"))
    for value, allowed in ((canary.provider, NUMBER_VENDORS), (canary.kind, KINDS), (canary.answer, TRUTHS)):
        if value not in allowed:
            raise ValueError(f"{value!r} is none of {', '.join(allowed)} (write yes and no in quotes)")
    if not re.fullmatch(US_PHONE, str(canary.phone)):
        raise ValueError("phone is no US number like +12025550100")
    if (canary.kind == DNC) != (canary.since is None) or not isinstance(canary.since, dt.date | None):
        raise ValueError("kind reassigned has `since`, a day; kind dnc has none")
    return canary
