"""The one path every paid or remote call takes: cache, price, reserve, call, store, settle; in bulk, in order.

Here: what is asked, what is cached, how many calls run at once, where buying stops. One request's own life is in
`purchase`. A breaker and a rate limit belong between reserving and calling, in `purchase.Buyer`.
"""

import datetime as dt
import logging
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Self
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import Connection

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.errors import BudgetExceeded, Transient
from leadflow_pipelines.providers.configured import configured_sources
from leadflow_pipelines.providers.pulls import Pull, Pulls, RawStore, Reason, Unmade, find_pulls, unsent_row
from leadflow_pipelines.providers.purchase import Bought, Buyer
from leadflow_pipelines.providers.retry import RetryPolicy
from leadflow_pipelines.providers.source import Source
from leadflow_pipelines.settings import PREFIX, Settings
from leadflow_pipelines.spend import budget
from leadflow_pipelines.spend.budget import StaleReservation
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import LedgerRow, Origin, append_calls
from leadflow_pipelines.spend.price_book import PriceBook, load_price_book

logger = logging.getLogger(__name__)
Clock = Callable[[], dt.datetime]
Progress = Callable[[int, int], None]
CONCURRENCY = 6
"""Calls at once. Each holds two database connections for a moment; the pool has 15."""
STALE_AFTER = dt.timedelta(minutes=15)
"""Reservations older than this belong to a dead process: no attempt lives longer than its five-minute time limit."""


@dataclass
class _Bulk:
    """The state of one bulk pull: requests still to make, answers, and calls that got none."""

    origin: Origin
    queue: deque[list[Call]]
    pulls: dict[str, Pull]
    unmade: list[Unmade] = field(default_factory=list)
    refused: list[tuple[list[Call], BudgetExceeded]] = field(default_factory=list)
    provider_calls: int = 0
    cost_cents: Decimal = Decimal(0)

    def leave(self, request: list[Call], reason: Reason, message: str) -> None:
        """Notes calls that stay without an answer."""
        self.unmade += [Unmade(call, reason, message) for call in request]

    def refuse(self, request: list[Call], error: BudgetExceeded) -> None:
        """Notes that the budget has no room for the request."""
        self.refused.append((request, error))
        self.leave(request, "budget", str(error))

    def stop(self, provider: str, error: BudgetExceeded) -> None:
        """Buys nothing more from a provider."""
        for request in [request for request in self.queue if request[0].provider == provider]:
            self.refuse(request, error)
        self.queue = deque(request for request in self.queue if request[0].provider != provider)


class Guard:
    """Buys answers for one org. `sources` are the configured providers by name.

    Use it as a context manager, or close it, to give its connections back.
    """

    def __init__(
        self,
        *,
        database: Database,
        org_id: uuid.UUID,
        raw: RawStore,
        sources: Mapping[str, Source],
        price_book: PriceBook,
        clock: Clock,
        zone: ZoneInfo,
        retry_policy: RetryPolicy,
        timeout_seconds: float = 30.0,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._database = database
        self._org_id = org_id
        self._raw = raw
        self._sources = sources
        self._price_book = price_book
        self._clock = clock
        self._concurrency = min(concurrency, CONCURRENCY)
        self._client = httpx.Client(
            limits=httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency)
        )
        self._buyer = Buyer(
            database=database,
            org_id=org_id,
            raw=raw,
            price_book=price_book,
            clock=clock,
            zone=zone,
            retry_policy=retry_policy,
            client=self._client,
            timeout_seconds=timeout_seconds,
        )

    def pull_many(self, calls: Sequence[Call], *, origin: Origin, progress: Progress | None = None) -> Pulls:
        """Answers for the calls: from the cache where it has them, else bought, in order, several at once.

        Buying from a provider stops where the next worst case does not fit its budget; what a vendor refuses is
        left out and reported; neither is an error. Raises DatabaseUnavailable and faults of our own storage.
        `progress` is told how many of how many calls are done.
        """
        asked = {call.fingerprint: call for call in calls}
        cached = self._open(list(asked.values()), origin)
        wanted = [call for fingerprint, call in asked.items() if fingerprint not in cached]
        wanted += self._follow_cached(cached, origin)
        bulk = _Bulk(origin, deque(), dict(cached))
        for request in self._requests(wanted):
            name = request[0].provider
            if name in self._sources:
                bulk.queue.append(request)
            else:
                bulk.leave(request, "not_configured", f"{name} is not configured; set {PREFIX}{name.upper()}_API_KEY.")
        self._work(bulk, progress)
        self._report_refused(bulk)
        order = {fingerprint: number for number, fingerprint in enumerate(asked)}
        ranked = sorted(bulk.pulls.values(), key=lambda pull: order.get(pull.call.fingerprint, len(order)))
        return Pulls(tuple(ranked), tuple(bulk.unmade), bulk.provider_calls, bulk.cost_cents)

    def close(self) -> None:
        """Closes the connections to providers."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, calls: Sequence[Call], origin: Origin) -> dict[str, Pull]:
        """One transaction before anything is bought: counts dead processes' reservations, looks every call up."""
        now = self._clock()
        with self._database.as_org(self._org_id) as connection:
            stale = budget.mark_stale_unknown(connection, self._org_id, before=now - STALE_AFTER, now=now)
            append_calls(connection, self._org_id, [_stale_row(one, now) for one in stale])
            return self._look_up(connection, calls, origin)

    def _look_up(self, connection: Connection, calls: Sequence[Call], origin: Origin) -> dict[str, Pull]:
        """Cached answers by fingerprint, noted in the ledger: one row for each earlier request they spare."""
        found = find_pulls(connection, self._org_id, calls, self._raw) if calls else {}
        by_path: defaultdict[str, list[Pull]] = defaultdict(list)
        for pull in found.values():
            by_path[pull.path].append(pull)
        now, day = self._clock(), self._buyer.budget_day()
        hits = [unsent_row(pulls, "cache_hit", day=day, now=now, origin=origin) for pulls in by_path.values()]
        append_calls(connection, self._org_id, hits)
        if found:
            logger.info("answered from the cache", extra={"calls": len(found), **vars(origin)})
        return found

    def _follow_cached(self, cached: dict[str, Pull], origin: Origin) -> list[Call]:
        """The further pages of cached pages: those cached too join `cached`, the others are returned."""
        wanted: list[Call] = []
        newest = list(cached.values())
        while calls := [call for pull in newest for call in self._follow_up(pull)]:
            with self._database.as_org(self._org_id) as connection:
                found = self._look_up(connection, calls, origin)
            cached |= found
            wanted += [call for call in calls if call.fingerprint not in found]
            newest = list(found.values())
        return wanted

    def _follow_up(self, pull: Pull) -> list[Call]:
        source = self._sources.get(pull.call.provider)
        call = source.follow_up(pull.call, pull.parameters, pull.items) if source else None
        return [call] if call else []

    def _requests(self, calls: Sequence[Call]) -> Iterator[list[Call]]:
        """The calls as requests, in order: as many of one endpoint and day together as the source takes."""
        for _, group in groupby(calls, key=lambda call: (call.provider, call.endpoint, call.day)):
            alike = list(group)
            source = self._sources.get(alike[0].provider)
            size = source.batch_size if source else len(alike)
            yield from (alike[start : start + size] for start in range(0, len(alike), size))

    def _work(self, bulk: _Bulk, progress: Progress | None) -> None:
        """Makes the requests, several at once. One that the budget refuses waits until no other is under way,
        because each holds its worst case aside until it is settled; refused alone, it shrinks or buying stops.
        """
        width = self._concurrency
        running: dict[Future[Bought], list[Call]] = {}
        with ThreadPoolExecutor(max_workers=width, thread_name_prefix="guard") as pool:
            while bulk.queue or running:
                while bulk.queue and len(running) < width:
                    request = bulk.queue.popleft()
                    source = self._sources[request[0].provider]
                    running[pool.submit(self._buyer.buy, source, request, bulk.origin)] = request
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    request = running.pop(future)
                    if self._take(bulk, request, future.result(), is_alone=not running):
                        width = max(1, len(running))
                if progress is not None:
                    done = len(bulk.pulls) + len(bulk.unmade)
                    progress(done, done + sum(map(len, (*bulk.queue, *running.values()))))

    def _take(self, bulk: _Bulk, request: list[Call], bought: Bought, *, is_alone: bool) -> bool:
        """Puts one request's outcome into the bulk. True where the budget made it wait."""
        bulk.provider_calls += bought.attempts
        bulk.cost_cents += bought.cost_cents
        for pull in bought.pulls:
            bulk.pulls[pull.call.fingerprint] = pull
            bulk.queue.extendleft([call] for call in self._follow_up(pull))
        open_calls = [call for call in request if call.fingerprint not in bulk.pulls]
        error = bought.error
        if isinstance(error, BudgetExceeded):
            self._yield_to_budget(bulk, open_calls, error, is_alone=is_alone)
            return True
        if error is not None:
            bulk.leave(open_calls, "transient" if isinstance(error, Transient) else "terminal", str(error))
        return False

    def _yield_to_budget(self, bulk: _Bulk, calls: list[Call], error: BudgetExceeded, *, is_alone: bool) -> None:
        if not is_alone:
            bulk.queue.appendleft(calls)
            return
        affordable = self._affordable(calls, error)
        if affordable:
            bulk.queue.extendleft([calls[affordable:], calls[:affordable]])
        else:
            bulk.queue.appendleft(calls)
            bulk.stop(calls[0].provider, error)

    def _affordable(self, calls: list[Call], error: BudgetExceeded) -> int:
        """How many of the request's first calls fit what is left; always fewer than all, which did not fit."""
        day, room = self._buyer.budget_day(), Decimal(error.available_cents)
        fitting = (n for n in range(len(calls) - 1, 0, -1) if self._price_book.worst_case(calls[:n], day) <= room)
        return next(fitting, 0)

    def _report_refused(self, bulk: _Bulk) -> None:
        if not bulk.refused:
            return
        now, day = self._clock(), self._buyer.budget_day()
        rows = [
            unsent_row(calls, "budget", day=day, now=now, origin=bulk.origin, message=str(error))
            for calls, error in bulk.refused
        ]
        with self._database.as_org(self._org_id) as connection:
            append_calls(connection, self._org_id, rows)
        logger.warning("the budget stopped buying", extra={"requests": len(rows), **vars(bulk.origin)})


def open_guard(
    *,
    database: Database,
    org_id: uuid.UUID,
    raw: RawStore,
    settings: Settings,
    clock: Clock,
    retry_policy: RetryPolicy | None = None,
) -> Guard:
    """The guard of an org under these settings, with every provider that has a key."""
    return Guard(
        database=database,
        org_id=org_id,
        raw=raw,
        sources=configured_sources(settings),
        price_book=load_price_book(),
        clock=clock,
        zone=settings.zone,
        retry_policy=retry_policy or RetryPolicy.from_settings(settings),
        timeout_seconds=settings.http_timeout_seconds,
    )


def _stale_row(stale: StaleReservation, now: dt.datetime) -> LedgerRow:
    return LedgerRow(
        provider=stale.provider,
        endpoint="unknown",
        fingerprint=stale.fingerprint,
        day=stale.day,
        outcome="unknown",
        called_at=now,
        origin=Origin(stale.run_id, stale.correlation_id),
        reservation_id=stale.reservation_id,
        cost_cents=stale.amount_cents,
        message="The process that reserved ended before the call did.",
    )
