"""One request, bought once: lock, look again, breaker, reserve, rate, ask, store, settle.

Money is set aside on disk before anything is sent, and each attempt has a reservation of its own, so that a crash at
any moment leaves it counted. Not here: what to buy and in which order (`guard`), the statements of a call's beginning
and end (`books`).
"""

import datetime as dt
import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import Connection

from leadflow_pipelines.contracts import UNLOCATED
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.errors import BudgetExceeded, ProviderError, Terminal, Transient
from leadflow_pipelines.providers.exchange import check_data, exchange, refusal
from leadflow_pipelines.providers.guard import breaker
from leadflow_pipelines.providers.guard.books import Books, open_books
from leadflow_pipelines.providers.guard.breaker import CLEAN, Line, Passed
from leadflow_pipelines.providers.guard.rate_limit import Rate, rate_key, rate_of, take_slot
from leadflow_pipelines.providers.guard.turnstile import Turnstile
from leadflow_pipelines.providers.pulls import Pull, RawStore, raw_table, unsent_row
from leadflow_pipelines.providers.retry import RetryPolicy
from leadflow_pipelines.providers.source import HttpAnswer, Reply, Source
from leadflow_pipelines.spend import budget
from leadflow_pipelines.spend.budget import Wish
from leadflow_pipelines.spend.call import Call, fingerprint_of, zip_of
from leadflow_pipelines.spend.ledger import LedgerRow, Origin, Outcome, append_calls
from leadflow_pipelines.spend.price_book import PriceBook, split_cents

logger = logging.getLogger(__name__)
SUCCESSES = range(200, 300)
"""Of another success than the one we know, nobody can say that it was not billed."""


@dataclass
class Bought:
    """What came of one request. `error` says why `unanswered` calls have no pull."""

    pulls: list[Pull] = field(default_factory=list)
    attempts: int = 0
    cost_cents: Decimal = Decimal(0)
    error: ProviderError | BudgetExceeded | None = None


@dataclass(frozen=True)
class _Attempt:
    """One attempt: what it is for, what is to be set aside for it, and how the breaker let it pass."""

    calls: Sequence[Call]
    number: int
    wish: Wish
    request: httpx.Request
    line: Line
    passed: Passed


class Buyer:
    """Buys single requests for one org. Safe to share between threads; at most `concurrency` ask at once, while
    others set money aside or store what they got."""

    def __init__(
        self,
        *,
        database: Database,
        org_id: uuid.UUID,
        raw: RawStore,
        price_book: PriceBook,
        clock: Callable[[], dt.datetime],
        zone: ZoneInfo,
        retry_policy: RetryPolicy,
        client: httpx.Client,
        timeout_seconds: float,
        rates: Mapping[str, Rate],
        keys: Mapping[str, str],
        concurrency: int,
    ) -> None:
        self._database = database
        self._org_id = org_id
        self._raw = raw
        self._price_book = price_book
        self._clock = clock
        self._zone = zone
        self._retry_policy = retry_policy
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._rates = rates
        self._keys = keys
        self._wire = threading.Semaphore(concurrency)
        self._open_days: set[tuple[str, dt.date]] = set()

    def budget_day(self) -> dt.date:
        """The day that pays for what is bought now."""
        return self._clock().astimezone(self._zone).date()

    def buy(self, source: Source, calls: Sequence[Call], origin: Origin, turnstile: Turnstile, ticket: int) -> Bought:
        """Answers for calls of one endpoint, from whoever bought them meanwhile or from the vendor.

        Failures of the vendor and of the budget are in `Bought.error`; those of our own storage are raised,
        after the money is accounted for. The budget's refusal shuts the turnstile; behind a shut one nothing
        is done, and `Bought` is empty.
        """
        bought = Bought()
        try:
            with open_books(self._database, self._org_id) as books:
                with turnstile.turn(ticket):
                    if turnstile.is_shut:
                        return bought
                    first = self._begin_in_turn(books, source, calls, origin, bought, turnstile)
                if first:
                    self._ask_and_store(books, source, first, origin, bought)
        except (ProviderError, BudgetExceeded) as error:
            bought.error = error
        return bought

    def _begin_in_turn(
        self, books: Books, source: Source, calls: Sequence[Call], origin: Origin, bought: Bought, turnstile: Turnstile
    ) -> _Attempt | None:
        try:
            return self._begin(books, source, calls, origin, bought)
        except BudgetExceeded:
            turnstile.is_shut = True
            raise

    def _begin(
        self, books: Books, source: Source, calls: Sequence[Call], origin: Origin, bought: Bought
    ) -> _Attempt | None:
        """The first attempt at what nobody has bought meanwhile; None where all of it is there."""
        attempt = self._prepare(source, calls, origin, 1)
        self._open_day(attempt)
        begun = books.begin(calls, attempt.wish, attempt.line.host, self._raw)
        for path in begun.found.gone:
            logger.warning("a paid pull's file is gone; it is bought again", extra={"path": path, **vars(origin)})
        if found := begun.found.pulls:
            self._note_hits(list(found.values()), origin)
            bought.pulls += found.values()
            calls = [call for call in calls if call.fingerprint not in found]
            return self._reserve(self._prepare(source, calls, origin, 1)) if calls else None
        if begun.found.gone or not begun.is_breaker_closed:
            return self._reserve(attempt)
        if attempt.wish.amount_cents and not begun.room.is_reserved:
            with self._database.as_org(self._org_id) as connection:
                raise budget.exceeded(connection, self._org_id, attempt.wish, begun.room)
        if attempt.wish.amount_cents:
            self._tell_alerts(budget.alerts(attempt.wish, begun.room), origin)
        return replace(attempt, passed=Passed(is_probe=False, is_clean=not begun.room.breaker_failures))

    def _note_hits(self, pulls: list[Pull], origin: Origin) -> None:
        """Someone else bought it while we waited for the lock."""
        row = unsent_row(pulls, "cache_hit", day=self.budget_day(), now=self._clock(), origin=origin)
        with self._database.as_org(self._org_id) as connection:
            append_calls(connection, self._org_id, [row])

    def _ask_and_store(self, books: Books, source: Source, first: _Attempt, origin: Origin, bought: Bought) -> None:
        calls = first.calls
        with self._wire:
            attempt, answer, replies = self._ask_until_answered(source, first, origin, bought)
        cost = self._price_book.actual(calls, sum(reply.billed for reply in replies), attempt.wish.day)
        bought.cost_cents += cost
        fetched_at = self._clock()
        shares = split_cents(cost, [reply.billed for reply in replies])
        try:
            rows = raw_table(calls, replies, shares, fetched_at)
            path = self._raw.write_raw(
                source.name, calls[0].day, zip_of(calls) or UNLOCATED, fingerprint_of(calls), rows
            )
        except Exception as error:
            message = f"the answer could not be stored ({type(error).__name__})"
            self._close(attempt, origin, "terminal", cost, answer=answer, message=message)
            raise
        pulls = [
            Pull(call, path, len(reply.items), share, fetched_at, reply.parameters, is_cached=False)
            for call, reply, share in zip(calls, replies, shares, strict=True)
        ]
        row = self._row(attempt, origin, "ok", cost, answer=answer, items=sum(pull.items for pull in pulls))
        if not books.end(pulls, row, attempt.wish, self._clock()):
            logger.warning("the reservation of a call was given up before it ended", extra=_log_fields(row))
        logger.info("provider call", extra=_log_fields(row))
        bought.pulls += pulls
        if not attempt.passed.is_clean:
            with self._database.as_org(self._org_id) as connection:
                breaker.note_success(connection, attempt.line, self._clock())

    def _ask_until_answered(
        self, source: Source, first: _Attempt, origin: Origin, bought: Bought
    ) -> tuple[_Attempt, HttpAnswer, list[Reply]]:
        """The first attempt and, as far as the policy allows, those after it."""
        deadline = time.perf_counter() + self._retry_policy.total_seconds

        def ask() -> tuple[_Attempt, HttpAnswer, list[Reply]]:
            number = bought.attempts + 1
            again = first if number == 1 else self._reserve(self._prepare(source, first.calls, origin, number))
            return self._ask(source, again, origin, bought, deadline)

        return self._retry_policy.retrying()(ask)

    def _ask(
        self, source: Source, attempt: _Attempt, origin: Origin, bought: Bought, deadline: float
    ) -> tuple[_Attempt, HttpAnswer, list[Reply]]:
        """One attempt with a reservation of its own; if it fails, the reservation is closed before the error leaves."""
        calls = attempt.calls
        bought.attempts += 1
        answer = None
        is_billable = True
        try:
            self._wait_for_slot(attempt.line)
            seconds = max(0.1, min(self._timeout_seconds, deadline - time.perf_counter()))
            answer = exchange(self._client, attempt.request, provider=source.name, seconds=seconds)
            is_billable = False
            if not source.accepts(answer):
                is_billable = answer.status in SUCCESSES
                raise refusal(answer, source, self._clock())
            is_billable = True
            check_data(answer, source.name)
            return attempt, answer, _read(source, answer, calls)
        except ProviderError as error:
            may_be_billed = error.may_be_billed if isinstance(error, Transient) else is_billable
            cost = attempt.wish.amount_cents if may_be_billed else Decimal(0)
            outcome: Outcome = "terminal" if not isinstance(error, Transient) else "transient"
            bought.cost_cents += cost
            is_failure = isinstance(error, Transient) and not error.is_throttled
            self._close(
                attempt, origin, "unknown" if may_be_billed else outcome, cost, answer=answer, message=str(error),
                is_failure=is_failure,
            )  # fmt: skip
            raise

    def _purchase_key(self, calls: Sequence[Call]) -> str:
        """Names the purchase, the same for every attempt at it, so that a vendor may recognise a repetition."""
        return hashlib.sha256(f"{self._org_id}:{fingerprint_of(calls)}".encode()).hexdigest()

    def _wait_for_slot(self, line: Line) -> None:
        if rate := rate_of(self._rates, line.provider):
            key = rate_key(line.provider, line.host, self._keys.get(line.provider, ""))
            with self._database.anonymous() as connection:
                seconds = take_slot(connection, line.provider, key, rate)
            if seconds:
                self._retry_policy.sleep(seconds)

    def _prepare(self, source: Source, calls: Sequence[Call], origin: Origin, number: int) -> _Attempt:
        """An attempt of which nobody knows yet."""
        now = self._clock()
        day = now.astimezone(self._zone).date()
        provider = calls[0].provider
        worst = self._price_book.worst_case(calls, day)
        request = source.request(calls)
        if request.method == "POST":
            request.headers["idempotency-key"] = self._purchase_key(calls)
        wish = Wish(provider, day, worst, fingerprint_of(calls), now, origin.run_id, origin.correlation_id)
        line = Line(provider, request.url.netloc.decode())
        return _Attempt(calls, number, wish, request, line, CLEAN)

    def _open_day(self, attempt: _Attempt) -> None:
        """Makes the rows that a reservation changes, once for each provider and day."""
        wish = attempt.wish
        if wish.amount_cents and (wish.provider, wish.day) not in self._open_days:
            with self._database.as_org(self._org_id) as connection:
                budget.open_day(connection, self._org_id, wish.provider, wish.day)
            self._open_days.add((wish.provider, wish.day))

    def _reserve(self, attempt: _Attempt) -> _Attempt:
        """Passes the breaker, perhaps as its probe, and sets the worst case aside; both or neither."""
        self._open_day(attempt)
        wish = attempt.wish
        with self._database.as_org(self._org_id) as connection:
            passed = breaker.enter(connection, attempt.line, wish.now)
            alerts = budget.reserve(connection, self._org_id, wish) if wish.amount_cents else ()
        self._tell_alerts(alerts, Origin(wish.run_id, wish.correlation_id))
        return replace(attempt, passed=passed)

    def _tell_alerts(self, alerts: Sequence[str], origin: Origin) -> None:
        for alert in alerts:
            logger.warning("a budget is nearly used: %s", alert, extra=vars(origin))

    def _close(
        self,
        attempt: _Attempt,
        origin: Origin,
        outcome: Outcome,
        cost: Decimal,
        *,
        answer: HttpAnswer | None,
        message: str,
        is_failure: bool = False,
    ) -> None:
        """Ends a failed attempt: breaker, ledger row and, last, the reservation, for whose sums others wait."""
        row = self._row(attempt, origin, outcome, cost, answer=answer, message=message)
        with self._database.as_org(self._org_id) as connection:
            if is_failure:
                breaker.note_failure(connection, attempt.line, message, self._clock(), attempt.passed)
            elif not attempt.passed.is_clean:
                breaker.note_success(connection, attempt.line, self._clock())
            append_calls(connection, self._org_id, [row])
            is_ended = row.reservation_id is None or self._end_reservation(
                connection, row.reservation_id, outcome, cost
            )
        if not is_ended:
            logger.warning("the reservation of a call was given up before it ended", extra=_log_fields(row))
        logger.warning("provider call", extra=_log_fields(row))

    def _row(
        self,
        attempt: _Attempt,
        origin: Origin,
        outcome: Outcome,
        cost: Decimal,
        *,
        answer: HttpAnswer | None,
        items: int = 0,
        message: str | None = None,
    ) -> LedgerRow:
        wish = attempt.wish
        return LedgerRow(
            provider=wish.provider,
            endpoint=attempt.calls[0].endpoint,
            fingerprint=wish.fingerprint,
            day=wish.day,
            outcome=outcome,
            called_at=wish.now,
            origin=origin,
            zip=zip_of(attempt.calls),
            attempt=attempt.number,
            reservation_id=wish.reservation_id if wish.amount_cents else None,
            http_status=answer.status if answer else None,
            latency_ms=answer.latency_ms if answer else None,
            items=items,
            cost_cents=cost,
            message=message,
        )

    def _end_reservation(
        self, connection: Connection, reservation_id: uuid.UUID, outcome: Outcome, cost: Decimal
    ) -> bool:
        now = self._clock()
        if outcome == "unknown":
            return budget.mark_unknown(connection, self._org_id, reservation_id, now)
        if outcome == "ok" or cost:
            return budget.settle(connection, self._org_id, reservation_id, cost, now)
        return budget.release(connection, self._org_id, reservation_id, now)


def _read(source: Source, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
    """The replies. A shape that trips the reader is the vendor's fault, not ours: it is Terminal, not a crash."""
    try:
        return source.read(answer, calls)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise Terminal(f"the answer has an unexpected shape ({type(error).__name__})", provider=source.name) from error


def _log_fields(row: LedgerRow) -> dict[str, object]:
    """What a log line says of a call: no parameters, which may name a person."""
    return {
        "provider": row.provider,
        "endpoint": row.endpoint,
        "zip": row.zip,
        "fingerprint": row.fingerprint,
        "attempt": row.attempt,
        "outcome": row.outcome,
        "http_status": row.http_status,
        "latency_ms": row.latency_ms,
        "items": row.items,
        "cost_cents": str(row.cost_cents),
        "error": row.message,
        "run_id": row.origin.run_id,
        "correlation_id": row.origin.correlation_id,
        "asset_key": row.origin.asset_key,
    }
