"""Asking the configured model through the guard: every question a purchase, cached by its content.

Here: questions in, answers or the reason for none out. Not here: the questions (`prompts`), the checks (`check_text`).
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from typing import Protocol

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import LakeUnavailable
from leadflow_pipelines.leads.lead_text.prompts import PROMPT_DAY, Question
from leadflow_pipelines.providers.guard import Guard, open_guard
from leadflow_pipelines.providers.pulls import RawStore
from leadflow_pipelines.providers.retry import RetryPolicy
from leadflow_pipelines.providers.sources.llm import ChatAnswer, chat_call, read_answer
from leadflow_pipelines.settings import PREFIX, Settings
from leadflow_pipelines.spend.ledger import Origin


@dataclass(frozen=True)
class Asked:
    """What came of one question: an answer, or a code and a sentence that say why there is none."""

    answer: ChatAnswer | None
    why_code: str | None = None
    why: str | None = None
    cost_cents: Decimal = Decimal(0)
    is_cached: bool = False


class Model(Protocol):
    """Whoever answers questions."""

    @property
    def name(self) -> str:
        """The model's name at its endpoint."""
        ...

    def ask(self, questions: Sequence[Question]) -> list[Asked]:
        """One outcome for each question, in their order."""
        ...


def why_not_ask(settings: Settings, *, is_simulated: bool) -> tuple[str, str] | None:
    """Why no model is asked, as a code and a sentence; None where one may be.

    A simulated org spends no real money, so it asks only an endpoint on this machine.
    """
    if settings.llm_api_key is None:
        return "no_key", f"No model is configured; set {PREFIX}LLM_API_KEY."
    if is_simulated and not _is_loopback(settings.llm_base_url.host or ""):
        told = "A simulated org asks no model outside this machine"
        return "simulated_org", f"{told}; set {PREFIX}LLM_BASE_URL to a simulator (`leadflow sandbox`)."
    return None


@contextmanager
def open_model(
    database: Database,
    org: Org,
    raw: RawStore,
    settings: Settings,
    *,
    clock: Callable[[], dt.datetime],
    origin: Origin,
    retry_policy: RetryPolicy | None = None,
) -> Iterator[Model]:
    """The configured model, or one that answers nothing and says why."""
    why_not = why_not_ask(settings, is_simulated=org.is_simulated)
    if why_not is not None:
        yield NoModel(*why_not)
        return
    patient = settings.model_copy(update={"http_timeout_seconds": settings.llm_timeout_seconds})
    with open_guard(
        database=database, org_id=org.org_id, raw=raw, settings=patient, clock=clock, retry_policy=retry_policy,
        is_simulated=org.is_simulated,
    ) as guard:  # fmt: skip
        yield GuardedModel(guard, raw, settings, origin)


@dataclass(frozen=True)
class NoModel:
    """A model that is not there."""

    why_code: str
    why: str
    name: str = "none"

    def ask(self, questions: Sequence[Question]) -> list[Asked]:
        """No answer, each time for the same reason."""
        return [Asked(None, self.why_code, self.why) for _ in questions]


class GuardedModel:
    """The model of the settings, behind an org's guard."""

    def __init__(self, guard: Guard, raw: RawStore, settings: Settings, origin: Origin) -> None:
        self._guard, self._raw, self._settings, self._origin = guard, raw, settings, origin

    @property
    def name(self) -> str:
        """The model's name at its endpoint."""
        return self._settings.llm_model or ""

    def ask(self, questions: Sequence[Question]) -> list[Asked]:
        """Answers from the cache, else bought as far as the budget goes. Equal questions are one purchase."""
        calls = [
            chat_call(self._settings, messages=one.messages, shape_name=one.shape_name, shape=one.shape, day=PROMPT_DAY)
            for one in questions
        ]
        pulls = self._guard.pull_many(calls, origin=self._origin)
        found = {pull.call.fingerprint: pull for pull in pulls.pulls}
        missing = {one.call.fingerprint: one for one in pulls.unmade}
        payloads: dict[str, str] = dict(pulls.read(self._raw).select("fingerprint", "payload").iter_rows())
        outcomes, paid = [], set()
        for call in calls:
            mark = call.fingerprint
            if mark in found:
                is_free = found[mark].is_cached or mark in paid
                paid.add(mark)
                cost = Decimal(0) if is_free else found[mark].cost_cents
                outcomes.append(Asked(_read(payloads, mark), cost_cents=cost, is_cached=is_free))
            else:
                outcomes.append(Asked(None, missing[mark].reason, missing[mark].message))
        return outcomes


def _read(payloads: dict[str, str], mark: str) -> ChatAnswer:
    if mark not in payloads:
        raise LakeUnavailable("A stored answer of the model is empty.", remedy="Run the command again.")
    return read_answer(payloads[mark])


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
