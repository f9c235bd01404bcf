"""The dispatcher: rounds of claiming, deciding, sending once and settling, for one org, beside any number of others.

Every message is committed as `sending` before its request is made, and its request is made once. What dies in between
is unknown and stays so until the messenger is asked. Not here: the steps themselves (`claim`, `decide`, `fates`).
"""

import logging
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Self

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.profile import Profile, Sender, list_senders, read_profile
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.outreach.campaigns.outbox import queue_due_steps
from leadflow_pipelines.outreach.dispatch.claim import claim, give_back, running_campaigns, settle_unsent
from leadflow_pipelines.outreach.dispatch.decide import Ready, decide_claimed
from leadflow_pipelines.outreach.dispatch.fates import Answer, Outcome, pause_where_failing, settle
from leadflow_pipelines.outreach.messengers.messenger import Messenger, NotProcessed, OutcomeUnknown, Refused, Sent
from leadflow_pipelines.settings import Settings

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
BATCH = 64
"""Messages of one claim. Deciding costs 40 ms a call and next to nothing a message."""
CONCURRENCY = 16
START_WITHIN_SECONDS = 5.0
"""A request that could not be made so soon after its commitment is not made: the person may have written STOP."""
CHORES_SECONDS = 1.0
SETTLE_SECONDS = 45.0
"""How long an answer is kept while the database is away; less than a claim's lease."""


@dataclass
class Tally:
    """What a dispatcher did, in messages."""

    queued: int = 0
    claimed: int = 0
    blocked: int = 0
    postponed: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.queued + other.queued,
            self.claimed + other.claimed,
            self.blocked + other.blocked,
            self.postponed + other.postponed,
            self.answers + other.answers,
        )


class Dispatcher:
    """Sends what an org's running campaigns owe. `messengers` by channel; a channel without one is left alone.

    Safe beside any number of others, in this process or in others. Use it as a context manager.
    """

    def __init__(
        self,
        database: Database,
        org: Org,
        messengers: Mapping[str, Messenger],
        settings: Settings,
        clock: Clock,
        *,
        batch: int = BATCH,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self.name = f"dispatcher-{uuid.uuid4().hex[:12]}"
        self._database, self._org, self._settings, self._clock = database, org, settings, clock
        self._messengers, self._batch = messengers, batch
        self._keys = load_hash_keys(settings)
        self._pool = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="send")
        self._next_chores = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(wait=True)

    def run(self, stop: Event, *, poll_seconds: float = 1.0, on_round: Callable[[Tally], None] | None = None) -> Tally:
        """Rounds until `stop` is set; then what is under way is finished and nothing more is claimed.

        A database that is away is waited for.
        """
        total = Tally()
        while not stop.is_set():
            try:
                tally = self.round(stop)
            except DatabaseUnavailable as away:
                logger.warning("the database is away", extra={"fault": away.message})
                stop.wait(poll_seconds)
                continue
            total += tally
            if on_round is not None:
                on_round(tally)
            if not tally.claimed:
                stop.wait(poll_seconds)
        return total

    def round(self, stop: Event | None = None) -> Tally:
        """One claim for each running campaign and channel. Raises DatabaseUnavailable where Postgres is away."""
        tally = Tally(queued=self._chores())
        with self._database.as_org(self._org.org_id) as connection:
            profile = read_profile(connection, self._org)
            senders: list[Sender | None] = [sender for sender in list_senders(connection) if sender.is_active]
            campaigns = running_campaigns(connection, self._org.org_id)
        random.shuffle(campaigns)
        random.shuffle(senders)
        for campaign_id in campaigns:
            for channel in self._messengers:
                for sender in senders if channel == "sms" else [None]:
                    if stop is not None and stop.is_set():
                        return tally
                    tally += self._send_some(campaign_id, channel, sender, profile)
        return tally

    def _chores(self) -> int:
        """What anybody may do now and then: settle what was lost or is over, queue the steps that are due."""
        if time.monotonic() < self._next_chores:
            return 0
        self._next_chores = time.monotonic() + CHORES_SECONDS
        with self._database.as_org(self._org.org_id) as connection:
            settle_unsent(connection, self._org.org_id, now=self._clock())
        with self._database.as_org(self._org.org_id) as connection:
            return queue_due_steps(connection, self._org.org_id, now=self._clock())

    def _send_some(self, campaign_id: uuid.UUID, channel: str, sender: Sender | None, profile: Profile) -> Tally:
        org_id = self._org.org_id
        with self._database.as_org(org_id) as connection:
            claimed = claim(
                connection, org_id, campaign_id, channel=channel, sender=sender, profile=profile,
                dispatcher=self.name, most=self._batch, now=self._clock(),
            )  # fmt: skip
        if not claimed.message_ids:
            return Tally()
        with self._database.as_org(org_id) as connection:
            decided = decide_claimed(
                connection, self._org, claimed, profile=profile, dispatcher=self.name, settings=self._settings,
                now=self._clock(),
            )  # fmt: skip
            give_back(connection, org_id, claimed.message_ids, dispatcher=self.name)
        committed = time.monotonic()
        answers = list(self._pool.map(lambda ready: self._send(ready, committed), decided.ready))
        self._settle(campaign_id, answers)
        counted = Counter(type(answer.outcome).__name__ for answer in answers)
        return Tally(0, len(claimed.message_ids), decided.blocked, decided.postponed, counted)

    def _send(self, ready: Ready, committed: float) -> Answer:
        """The one request for a message. Whatever goes wrong in an unforeseen way leaves it unknown."""
        if time.monotonic() - committed > START_WITHIN_SECONDS:
            return Answer(ready, NotProcessed("The request was not made: its turn came too late.", retry_after=0))
        outcome: Outcome
        try:
            outcome = self._messengers[ready.channel].send(ready.outgoing)
        except (Refused, NotProcessed, OutcomeUnknown) as told:
            outcome = told
        except Exception as fault:  # it may have been sent, so it must never be sent again
            logger.exception("a message could not be sent", extra={"message_id": str(ready.outgoing.message_id)})
            outcome = OutcomeUnknown(f"An unforeseen fault: {type(fault).__name__}.", why="fault")
        return Answer(ready, outcome)

    def _settle(self, campaign_id: uuid.UUID, answers: Sequence[Answer]) -> None:
        """Writes answers down, as long as it takes while the database is away."""
        if not answers:
            return
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                with self._database.as_org(self._org.org_id) as connection:
                    settle(connection, self._org, answers, now=self._clock(), keys=self._keys)
                with self._database.as_org(self._org.org_id) as connection:
                    pause_where_failing(connection, self._org, campaign_id, now=self._clock())
                return
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


def sent(tally: Tally) -> int:
    """How many messages the messenger took."""
    return tally.answers[Sent.__name__]
