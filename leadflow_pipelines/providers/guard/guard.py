"""The one path every paid or remote call takes: cache, price, breaker, reserve, rate, call, store, settle; in bulk.

Here: what is asked, what is cached, how many calls run at once, where buying stops. One request's own life is in
`purchase`.
"""

import datetime as dt
import logging
import ssl
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from heapq import heapify, heappop, heappush
from itertools import count, groupby
from queue import SimpleQueue
from typing import Self
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import Connection

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.errors import BudgetExceeded, ProviderDown, Transient
from leadflow_pipelines.providers.configured import configured_sources, provider_keys
from leadflow_pipelines.providers.deadline import bound_exchanges
from leadflow_pipelines.providers.guard.books import put_on_disk
from leadflow_pipelines.providers.guard.purchase import Bought, Buyer
from leadflow_pipelines.providers.guard.rate_limit import Rate, load_rates
from leadflow_pipelines.providers.guard.turnstile import Turnstile
from leadflow_pipelines.providers.pulls import Pull, Pulls, RawStore, Reason, Unmade, find_pulls, unsent_row
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
"""Calls on the wire at once. Each, and the one AHEAD, holds two database connections for a moment; the pool has 15."""
AHEAD = 1
"""Requests beyond them that may be under way: one sets money aside, or stores its answer, while another is asked."""
STALE_AFTER = dt.timedelta(minutes=15)
"""Reservations older than this belong to a dead process: no attempt lives longer than its five-minute time limit."""


@dataclass(order=True)
class _Request:
    """Calls that go over the wire together. `order` is their place in what was asked for."""

    order: tuple[int, ...]
    calls: list[Call] = field(compare=False)

    @property
    def provider(self) -> str:
        return self.calls[0].provider


@dataclass
class _Bulk:
    """The state of one bulk pull: requests still to make (a heap), answers, and calls that got none."""

    origin: Origin
    pulls: dict[str, Pull]
    queue: list[_Request] = field(default_factory=list)
    unmade: list[Unmade] = field(default_factory=list)
    refused: list[tuple[list[Call], BudgetExceeded]] = field(default_factory=list)
    provider_calls: int = 0
    cost_cents: Decimal = Decimal(0)
    awaits_probe: bool = False
    """A provider was found while one call was probing it: until something is answered, one request at a time."""

    def leave(self, calls: Sequence[Call], reason: Reason, message: str) -> None:
        """Notes calls that stay without an answer."""
        self.unmade += [Unmade(call, reason, message) for call in calls]

    def refuse(self, calls: list[Call], error: BudgetExceeded) -> None:
        """Notes calls for which the budget has no room."""
        self.refused.append((calls, error))
        self.leave(calls, "budget", str(error))

    def stop(self, provider: str, error: BudgetExceeded) -> None:
        """Buys nothing more from a provider: its budget has no room."""
        for request in self._drop(provider):
            self.refuse(request.calls, error)

    def give_up(self, provider: str, error: ProviderDown) -> None:
        """Asks a provider nothing more: its breaker is open."""
        for request in self._drop(provider):
            self.leave(request.calls, "provider_down", str(error))

    def _drop(self, provider: str) -> list[_Request]:
        """Takes the provider's requests out of the queue, in order."""
        dropped = sorted(request for request in self.queue if request.provider == provider)
        self.queue = [request for request in self.queue if request.provider != provider]
        heapify(self.queue)
        return dropped


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
        rates: Mapping[str, Rate] | None = None,
        keys: Mapping[str, str] | None = None,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._database = database
        self._org_id = org_id
        self._raw = raw
        self._sources = sources
        self._price_book = price_book
        self._clock = clock
        self._concurrency = min(concurrency, CONCURRENCY)
        self._client = bound_exchanges(
            httpx.Client(
                verify=_authorities(),
                limits=httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency),
            )
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
            rates=rates or {},
            keys=keys or {},
            concurrency=self._concurrency,
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
        bulk = _Bulk(origin, dict(cached))
        for request in self._requests(wanted):
            if request.provider in self._sources:
                heappush(bulk.queue, request)
            else:
                key = f"{PREFIX}{request.provider.upper()}_API_KEY"
                bulk.leave(request.calls, "not_configured", f"{request.provider} is not configured; set {key}.")
        self._work(bulk, progress)
        if bulk.provider_calls:
            put_on_disk(self._database)
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

    def _requests(self, calls: Sequence[Call]) -> Iterator[_Request]:
        """The calls as requests, in order: as many of one endpoint and day together as the source takes."""
        order = count()
        for _, group in groupby(calls, key=lambda call: (call.provider, call.endpoint, call.day)):
            alike = list(group)
            source = self._sources.get(alike[0].provider)
            size = source.batch_size if source else len(alike)
            for start in range(0, len(alike), size):
                yield _Request((next(order),), alike[start : start + size])

    def _work(self, bulk: _Bulk, progress: Progress | None) -> None:
        """Makes the requests, several at once, until the budget refuses one.

        Each request under way holds its worst case aside, so a refusal may be for now only: then all those
        under way are awaited, and from there on one request is made at a time, where a refusal is final.
        """
        turnstile, tickets = Turnstile(), count()
        is_careful = False
        running: dict[Future[Bought], _Request] = {}
        done: SimpleQueue[Future[Bought]] = SimpleQueue()
        at_once = self._concurrency + AHEAD
        with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="guard") as pool:
            while bulk.queue or running:
                if not running:
                    is_careful, turnstile.is_shut = is_careful or turnstile.is_shut, False
                width = 1 if is_careful or bulk.awaits_probe else at_once
                while bulk.queue and len(running) < width and not turnstile.is_shut:
                    request = heappop(bulk.queue)
                    source = self._sources[request.provider]
                    asking = (source, request.calls, bulk.origin, turnstile, next(tickets))
                    future = pool.submit(self._buyer.buy, *asking)
                    running[future] = request
                    future.add_done_callback(done.put)
                future = done.get()
                request = running.pop(future)
                self._take(bulk, request, future.result(), is_final=is_careful, is_alone=not running)
                if progress is not None:
                    made = len(bulk.pulls) + len(bulk.unmade)
                    waiting = sum(len(request.calls) for request in (*bulk.queue, *running.values()))
                    progress(made, made + waiting)

    def _take(self, bulk: _Bulk, request: _Request, bought: Bought, *, is_final: bool, is_alone: bool) -> None:
        """Puts one request's outcome into the bulk. What was refused for now goes back into the queue."""
        bulk.awaits_probe = bulk.awaits_probe and not bought.pulls
        bulk.provider_calls += bought.attempts
        bulk.cost_cents += bought.cost_cents
        for pull in bought.pulls:
            bulk.pulls[pull.call.fingerprint] = pull
            for call in self._follow_up(pull):
                heappush(bulk.queue, _Request((*request.order, 1), [call]))
        still_open = [call for call in request.calls if call.fingerprint not in bulk.pulls]
        error = bought.error
        if isinstance(error, BudgetExceeded) and bought.attempts:
            bulk.refuse(still_open, error)
        elif isinstance(error, BudgetExceeded) and is_final:
            self._shrink_or_stop(bulk, _Request(request.order, still_open), error)
        elif isinstance(error, BudgetExceeded) or (still_open and error is None):
            heappush(bulk.queue, _Request(request.order, still_open))
        elif isinstance(error, ProviderDown) and error.is_probing and not (bulk.awaits_probe and is_alone):
            bulk.awaits_probe = True
            heappush(bulk.queue, _Request(request.order, still_open))
        elif isinstance(error, ProviderDown):
            bulk.leave(still_open, "provider_down", str(error))
            bulk.give_up(request.provider, error)
        elif error is not None:
            bulk.leave(still_open, "transient" if isinstance(error, Transient) else "terminal", str(error))

    def _shrink_or_stop(self, bulk: _Bulk, request: _Request, error: BudgetExceeded) -> None:
        """Tries as many of the request's first calls as fit what is left; where none does, buying stops."""
        day, room, calls = self._buyer.budget_day(), Decimal(error.available_cents), request.calls
        fitting = (n for n in range(len(calls) - 1, 0, -1) if self._price_book.worst_case(calls[:n], day) <= room)
        if size := next(fitting, 0):
            heappush(bulk.queue, _Request((*request.order, 0), calls[:size]))
            heappush(bulk.queue, _Request((*request.order, 1), calls[size:]))
        else:
            heappush(bulk.queue, request)
            bulk.stop(request.provider, error)

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
    concurrency: int = CONCURRENCY,
    is_simulated: bool = False,
) -> Guard:
    """The guard of an org under these settings, with every provider that has a key.

    The known rates are those of real vendors: a simulated org's vendors say for themselves when it is too much.
    """
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
        rates={} if is_simulated else load_rates(),
        keys=provider_keys(settings),
        concurrency=concurrency,
    )


@cache
def _authorities() -> ssl.SSLContext:
    """Whose certificates a vendor's may rest on. Reading them takes 30 ms, and each step has a guard of its own."""
    return httpx.create_ssl_context()


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
