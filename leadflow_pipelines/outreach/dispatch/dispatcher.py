"""The dispatcher: rounds of claiming, deciding, sending once and settling, for one org, beside any number of others.

While one batch is on its way the next is claimed and decided. Every message is committed as `sending` before its
request is made, and its request is made once: what dies in between is unknown, and stays so until the messenger is
asked. Not here: the steps themselves (`claim`, `decide`, `fates`).
"""

import logging
import random
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Self, TypeVar

from psycopg.errors import DeadlockDetected
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.head_anchor import publish_head
from leadflow_pipelines.clearance.profile import Profile, Sender, list_senders, read_profile
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import DatabaseUnavailable, LeadflowError
from leadflow_pipelines.outreach.campaigns.outbox import queue_due_steps
from leadflow_pipelines.outreach.dispatch.claim import (
    Claimed,
    claim,
    give_back,
    return_unsent,
    running_campaigns,
    settle_unsent,
    try_chores,
)
from leadflow_pipelines.outreach.dispatch.decide import Decided, Ready, decide_claimed, lock_people
from leadflow_pipelines.outreach.dispatch.fates import Answer, Outcome, pause_where_failing, settle
from leadflow_pipelines.outreach.messengers.messenger import Messenger, NotProcessed, OutcomeUnknown, Refused, Sent
from leadflow_pipelines.settings import Settings

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
Result = TypeVar("Result")
BATCH = 100
"""Messages of one claim. Deciding costs 40 ms a call and next to nothing a message."""
CONCURRENCY = 16
LANDS_WITHIN_SECONDS = 2.0
"""A batch is as large as lands in this time once it is committed: what was not asked for by then would be lost with its
dispatcher. Deciding does not count: it takes as long for few."""
START_WITHIN_SECONDS = 5.0
"""A request that could not be made so soon after its decision is not made: hours and wishes may have changed."""
CHORES_SECONDS = 1.0
CHORES_REST = 20
"""Chores rest so many times as long as they took: with a million intents they take a second."""
CHORES_LATEST = 10.0
"""Sending goes first, as chores change nothing about what may be sent; but they wait no longer than so many seconds."""
QUEUED_AT_ONCE = 5_000
"""Intents queued in one transaction: twenty thousand took 8 s, in which the first could have been on their way."""
ATTEMPTS = 5
"""How often a transaction that Postgres broke to end a deadlock is done again."""
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

    Safe beside any number of others, in this process or in others. Use it as a context manager. `refuse` is called
    before each batch is decided; what it raises ends the dispatcher, and nothing of that batch is sent.
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
        refuse: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = f"dispatcher-{uuid.uuid4().hex[:12]}"
        self._database, self._org, self._settings, self._clock = database, org, settings, clock
        self._messengers, self._batch, self._first = messengers, batch, min(batch, 2 * concurrency)
        self._size, self._refuse = batch, refuse
        self._keys = load_hash_keys(settings)
        self._pool = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="send")
        self._settler = ThreadPoolExecutor(max_workers=1, thread_name_prefix="settle")
        self._flying: Future[Tally] | None = None
        self._next_chores, self._latest_chores = 0.0, time.monotonic() + CHORES_LATEST

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._settler.shutdown(wait=True)
        self._pool.shutdown(wait=True)

    def run(self, stop: Event, *, poll_seconds: float = 1.0, on_round: Callable[[Tally], None] | None = None) -> Tally:
        """Rounds until `stop` is set; then what is under way is finished and nothing more is claimed.

        A database that is away is waited for.
        """
        total, self._size = Tally(), self._first
        while True:
            is_last = stop.is_set()
            try:
                tally = self._land() if is_last else self._sending_first(stop)
            except DatabaseUnavailable as away:
                logger.warning("the database is away", extra={"fault": away.message})
                tally = Tally()
            total += tally
            if on_round is not None:
                on_round(tally)
            if is_last:
                return total
            if not tally.claimed and not tally.queued:
                stop.wait(poll_seconds)

    def round(self) -> Tally:
        """Chores, then one claim for each running campaign, channel and sender, to its end.

        Raises DatabaseUnavailable where Postgres is away.
        """
        return Tally(queued=self._chores()) + self._round(Event()) + self._land()

    def _sending_first(self, stop: Event) -> Tally:
        """A round; chores where it found nothing to send, or where they have waited long enough."""
        tally = Tally() if time.monotonic() > self._latest_chores else self._round(stop)
        return tally if tally.claimed else tally + Tally(queued=self._chores())

    def _round(self, stop: Event) -> Tally:
        """A round whose last batch is still on its way. What of the one before it has landed is part of its tally."""
        tally = Tally()
        profile, senders, campaigns = self._in_transaction(self._state)
        random.shuffle(campaigns)
        random.shuffle(senders)
        for campaign_id in campaigns:
            for channel in self._messengers:
                for sender in senders if channel == "sms" else [None]:
                    tally += self._send_some(campaign_id, channel, sender, profile, stop)
        return tally if tally.claimed else tally + self._land()

    def _state(self, connection: Connection) -> tuple[Profile, list[Sender | None], list[uuid.UUID]]:
        """Profile, active senders and running campaigns, without those of which too much fails."""
        org_id, now = self._org.org_id, self._clock()
        running = [
            campaign_id
            for campaign_id in running_campaigns(connection, org_id)
            if not pause_where_failing(connection, self._org, campaign_id, now=now)
        ]
        senders = [sender for sender in list_senders(connection) if sender.is_active]
        return read_profile(connection, self._org), [*senders], running

    def _chores(self) -> int:
        """What one dispatcher at a time does: settle what was lost or is over, queue the steps that are due."""
        if time.monotonic() < self._next_chores:
            return 0
        began, org_id, queued = time.monotonic(), self._org.org_id, 0
        with self._database.as_org(org_id) as connection:
            if try_chores(connection, org_id):
                settle_unsent(connection, org_id, now=self._clock())
        with self._database.as_org(org_id) as connection:
            if try_chores(connection, org_id):
                queued = queue_due_steps(connection, org_id, now=self._clock(), most=QUEUED_AT_ONCE)
        ended = time.monotonic()
        rest = 0.0 if queued == QUEUED_AT_ONCE else max(CHORES_SECONDS, CHORES_REST * (ended - began))
        self._next_chores = ended + rest
        self._latest_chores = max(self._next_chores, ended + CHORES_LATEST)
        return queued

    def _send_some(
        self, campaign_id: uuid.UUID, channel: str, sender: Sender | None, profile: Profile, stop: Event
    ) -> Tally:
        org_id = self._org.org_id

        def take(connection: Connection) -> Claimed:
            return claim(
                connection, org_id, campaign_id, channel=channel, sender=sender, profile=profile,
                dispatcher=self.name, most=self._size, now=self._clock(),
            )  # fmt: skip

        if stop.is_set():
            return Tally()
        claimed = self._in_transaction(take)
        if not claimed.message_ids:
            return Tally()
        self._refuse()
        began = time.monotonic()

        def commit(connection: Connection) -> tuple[Decided, int]:
            nonlocal began
            lock_people(connection, claimed.contact_hashes)
            began = time.monotonic()
            decided = Decided() if stop.is_set() else decide_claimed(
                connection, self._org, claimed, profile=profile, dispatcher=self.name, settings=self._settings,
                now=self._clock(),
            )  # fmt: skip
            returned = give_back(connection, org_id, claimed.message_ids, dispatcher=self.name)
            return decided, returned

        decided, returned = self._in_transaction(commit)
        unsent = decided.blocked + decided.postponed + returned  # a claim that was lost with the database counted none
        fault = self._note_head() if decided.ready else None
        committed = time.monotonic()
        ask = self._send if fault is None else _not_asked
        asked = [self._pool.submit(ask, ready, began) for ready in decided.ready]
        before, self._flying = (
            self._flying,
            self._settler.submit(self._settle, claimed, profile, unsent, asked, committed),
        )
        landed = before.result() if before is not None else Tally()
        if fault is not None:
            self._land()
            raise fault
        return landed + Tally(0, len(claimed.message_ids), decided.blocked, decided.postponed)

    def _note_head(self) -> LeadflowError | None:
        """Notes outside the database what is committed, before any of it is asked for; what went wrong, if anything."""
        try:
            publish_head(self._database, self._org, self._settings, now=self._clock())
        except LeadflowError as fault:
            return fault
        return None

    def _land(self) -> Tally:
        """Waits for the batch that is on its way."""
        flying, self._flying = self._flying, None
        return flying.result() if flying is not None else Tally()

    def _send(self, ready: Ready, decided_at: float) -> Answer:
        """The one request for a message. Whatever goes wrong in an unforeseen way leaves it unknown."""
        if time.monotonic() - decided_at > START_WITHIN_SECONDS:
            return Answer(ready, NotProcessed("The request was not made: its turn came too late.", retry_after=0))
        outcome: Outcome
        try:
            outcome = self._messengers[ready.channel].send(ready.outgoing)
        except (Refused, NotProcessed, OutcomeUnknown) as told:
            outcome = told
        except Exception as fault:  # it may have been sent, so it must never be sent again
            _log_fault(fault, ready)
            outcome = OutcomeUnknown(f"An unforeseen fault: {type(fault).__name__}.", why="fault")
        return Answer(ready, outcome)

    def _settle(
        self, claimed: Claimed, profile: Profile, unsent: int, asked: Sequence[Future[Answer]], committed: float
    ) -> Tally:
        """Writes answers down, as long as it takes while the database is away."""
        answers = [one.result() for one in asked]
        self._resize(len(answers), time.monotonic() - committed)
        unsent += sum(isinstance(answer.outcome, NotProcessed) for answer in answers)
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                if answers:
                    self._in_transaction(
                        lambda connection: settle(connection, self._org, answers, now=self._clock(), keys=self._keys)
                    )
                if unsent:
                    self._in_transaction(
                        lambda connection: return_unsent(connection, self._org.org_id, claimed, profile, unsent)
                    )
                return Tally(answers=Counter(type(answer.outcome).__name__ for answer in answers))
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _resize(self, landed: int, seconds: float) -> None:
        """The next batch: as many as land in time at this one's pace, and at most twice as many as now."""
        if landed:
            in_time = int(landed * LANDS_WITHIN_SECONDS / max(seconds, 0.001))
            self._size = min(self._batch, 2 * self._size, max(self._first, in_time))

    def _in_transaction(self, work: Callable[[Connection], Result]) -> Result:
        """Does it in one transaction, and again where Postgres broke it to end a deadlock."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._database.as_org(self._org.org_id) as connection:
                    return work(connection)
            except OperationalError as error:
                if not isinstance(error.orig, DeadlockDetected) or attempt == ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")


def _not_asked(ready: Ready, _: float) -> Answer:
    return Answer(ready, NotProcessed("The request was not made: the proof's head could not be noted.", retry_after=0))


def _log_fault(fault: Exception, ready: Ready) -> None:
    """Its kind and where it arose. What it says may repeat number, text or token, and so may its causes."""
    at = traceback.extract_tb(fault.__traceback__)[-1]
    where = {"fault": type(fault).__name__, "at": f"{at.filename}:{at.lineno}"}
    logger.error("a message could not be sent", extra={"message_id": str(ready.outgoing.message_id), **where})


def sent(tally: Tally) -> int:
    """How many messages the messenger took."""
    return tally.answers[Sent.__name__]
