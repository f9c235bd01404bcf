"""One request, bought once: lock, look again, breaker, reserve, rate, ask, store, settle.

Two processes that want the same thing wait for each other on an advisory lock, and the second finds the first
one's answer. The lock lives in a transaction that is open, but idle, during the call: it writes the pull, the
ledger row and the settlement, and ends the lock, in one commit. Reservations and failures commit on connections
of their own, so that a crash at any moment leaves money counted. Not here: what to buy and in which order
(`guard`).
"""

import datetime as dt
import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import Connection, text

from leadflow_pipelines.contracts import UNLOCATED
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.errors import BudgetExceeded, ProviderError, Terminal, Transient
from leadflow_pipelines.providers import breaker
from leadflow_pipelines.providers.breaker import Line, Passed
from leadflow_pipelines.providers.exchange import exchange, refusal
from leadflow_pipelines.providers.pulls import Pull, RawStore, look_up, raw_frame, record_pulls, unsent_row
from leadflow_pipelines.providers.rate_limit import Rate, rate_key, rate_of, take_slot
from leadflow_pipelines.providers.retry import RetryPolicy
from leadflow_pipelines.providers.source import HttpAnswer, Reply, Source
from leadflow_pipelines.providers.turnstile import Turnstile
from leadflow_pipelines.spend import budget
from leadflow_pipelines.spend.call import Call, fingerprint_of, zip_of
from leadflow_pipelines.spend.ledger import LedgerRow, Origin, Outcome, append_calls
from leadflow_pipelines.spend.price_book import PriceBook, split_cents

logger = logging.getLogger(__name__)
LOCKS = text(
    "select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest(cast(:names as text[])) as names(name)"
)


@dataclass
class Bought:
    """What came of one request. `error` says why `unanswered` calls have no pull."""

    pulls: list[Pull] = field(default_factory=list)
    attempts: int = 0
    cost_cents: Decimal = Decimal(0)
    error: ProviderError | BudgetExceeded | None = None


@dataclass(frozen=True)
class _Attempt:
    """One attempt under way: what it is for, what is set aside for it, since when, and how the breaker let it pass."""

    calls: Sequence[Call]
    number: int
    day: dt.date
    called_at: dt.datetime
    worst_cents: Decimal
    reservation_id: uuid.UUID | None
    request: httpx.Request
    line: Line
    passed: Passed


class Buyer:
    """Buys single requests for one org. Safe to share between threads."""

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
            with self._database.as_org(self._org_id) as held:
                with turnstile.turn(ticket):
                    if turnstile.is_shut:
                        return bought
                    wanted = self._look_again(held, calls, origin, bought)
                    first = self._reserve_in_turn(source, wanted, origin, turnstile) if wanted else None
                if first:
                    self._ask_and_store(held, source, first, origin, bought)
        except (ProviderError, BudgetExceeded) as error:
            bought.error = error
        return bought

    def _look_again(self, held: Connection, calls: Sequence[Call], origin: Origin, bought: Bought) -> Sequence[Call]:
        """Locks the calls and returns those that nobody has bought meanwhile."""
        names = sorted(f"{self._org_id}:{call.fingerprint}" for call in calls)
        held.execute(LOCKS, {"names": names})
        found = look_up(held, self._org_id, calls, self._raw)
        for path in found.gone:
            logger.warning("a paid pull's file is gone; it is bought again", extra={"path": path, **vars(origin)})
        if found.pulls:
            self._note_hits(held, list(found.pulls.values()), origin)
        bought.pulls += found.pulls.values()
        return [call for call in calls if call.fingerprint not in found.pulls]

    def _reserve_in_turn(self, source: Source, calls: Sequence[Call], origin: Origin, turnstile: Turnstile) -> _Attempt:
        try:
            return self._reserve(source, calls, origin, 1)
        except BudgetExceeded:
            turnstile.is_shut = True
            raise

    def _note_hits(self, held: Connection, pulls: list[Pull], origin: Origin) -> None:
        """Someone else bought it while we waited for the lock."""
        row = unsent_row(pulls, "cache_hit", day=self.budget_day(), now=self._clock(), origin=origin)
        append_calls(held, self._org_id, [row])

    def _ask_and_store(self, held: Connection, source: Source, first: _Attempt, origin: Origin, bought: Bought) -> None:
        calls = first.calls
        deadline = time.perf_counter() + self._retry_policy.total_seconds

        def ask() -> tuple[_Attempt, HttpAnswer, list[Reply]]:
            number = bought.attempts + 1
            attempt = first if number == 1 else self._reserve(source, calls, origin, number)
            return self._ask(source, attempt, origin, bought, deadline)

        attempt, answer, replies = self._retry_policy.retrying()(ask)
        cost = self._price_book.actual(calls, sum(reply.billed for reply in replies), attempt.day)
        bought.cost_cents += cost
        fetched_at = self._clock()
        shares = split_cents(cost, [reply.billed for reply in replies])
        try:
            frame = raw_frame(calls, replies, shares, fetched_at)
            path = self._raw.write_raw(
                source.name, calls[0].day, zip_of(calls) or UNLOCATED, fingerprint_of(calls), frame
            )
        except Exception as error:
            message = f"the answer could not be stored ({type(error).__name__})"
            self._close(attempt, origin, "terminal", cost, answer=answer, message=message)
            raise
        pulls = [
            Pull(call, path, len(reply.items), share, fetched_at, reply.parameters, is_cached=False)
            for call, reply, share in zip(calls, replies, shares, strict=True)
        ]
        record_pulls(held, self._org_id, pulls)
        self._close_in(held, attempt, origin, "ok", cost, answer=answer, items=sum(pull.items for pull in pulls))
        bought.pulls += pulls

    def _ask(
        self, source: Source, attempt: _Attempt, origin: Origin, bought: Bought, deadline: float
    ) -> tuple[_Attempt, HttpAnswer, list[Reply]]:
        """One attempt with a reservation of its own; if it fails, the reservation is closed before the error leaves."""
        calls = attempt.calls
        bought.attempts += 1
        answer = None
        is_accepted = False
        try:
            self._wait_for_slot(attempt.line)
            seconds = max(0.1, min(self._timeout_seconds, deadline - time.perf_counter()))
            answer = exchange(self._client, attempt.request, provider=source.name, seconds=seconds)
            is_accepted = source.accepts(answer)
            if not is_accepted:
                raise refusal(answer, source, self._clock())
            return attempt, answer, _read(source, answer, calls)
        except ProviderError as error:
            may_be_billed = error.may_be_billed if isinstance(error, Transient) else is_accepted
            cost = attempt.worst_cents if may_be_billed else Decimal(0)
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

    def _reserve(self, source: Source, calls: Sequence[Call], origin: Origin, number: int) -> _Attempt:
        now = self._clock()
        day = now.astimezone(self._zone).date()
        provider = calls[0].provider
        worst = self._price_book.worst_case(calls, day)
        request = source.request(calls)
        if request.method == "POST":
            request.headers["idempotency-key"] = self._purchase_key(calls)
        line = Line(provider, request.url.netloc.decode())
        reservation_id = None
        with self._database.as_org(self._org_id) as connection:
            passed = breaker.enter(connection, line, now)
            if worst:
                if (provider, day) not in self._open_days:
                    budget.open_day(connection, self._org_id, provider, day)
                reserved = budget.reserve(
                    connection,
                    self._org_id,
                    provider=provider,
                    day=day,
                    amount_cents=worst,
                    fingerprint=fingerprint_of(calls),
                    now=now,
                    run_id=origin.run_id,
                    correlation_id=origin.correlation_id,
                )
                reservation_id = reserved.reservation_id
                for alert in reserved.alerts:
                    logger.warning("a budget is nearly used: %s", alert, extra=vars(origin))
        if worst:
            self._open_days.add((provider, day))
        return _Attempt(calls, number, day, now, worst, reservation_id, request, line, passed)

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
        with self._database.as_org(self._org_id) as connection:
            self._close_in(
                connection, attempt, origin, outcome, cost, answer=answer, message=message, is_failure=is_failure
            )

    def _close_in(
        self,
        connection: Connection,
        attempt: _Attempt,
        origin: Origin,
        outcome: Outcome,
        cost: Decimal,
        *,
        answer: HttpAnswer | None,
        items: int = 0,
        message: str | None = None,
        is_failure: bool = False,
    ) -> None:
        """Ends an attempt in the books: breaker, ledger row and, last, the reservation, whose row many wait for."""
        first = attempt.calls[0]
        if is_failure:
            breaker.note_failure(connection, attempt.line, message or "", self._clock(), attempt.passed)
        elif not attempt.passed.is_clean:
            breaker.note_success(connection, attempt.line, self._clock())
        row = LedgerRow(
            provider=first.provider,
            endpoint=first.endpoint,
            fingerprint=fingerprint_of(attempt.calls),
            day=attempt.day,
            outcome=outcome,
            called_at=attempt.called_at,
            origin=origin,
            zip=zip_of(attempt.calls),
            attempt=attempt.number,
            reservation_id=attempt.reservation_id,
            http_status=answer.status if answer else None,
            latency_ms=answer.latency_ms if answer else None,
            items=items,
            cost_cents=cost,
            message=message,
        )
        append_calls(connection, self._org_id, [row])
        reservation_id = attempt.reservation_id
        if reservation_id and not self._end_reservation(connection, reservation_id, outcome, cost):
            logger.warning("the reservation of a call was given up before it ended", extra=_log_fields(row))
        level = logging.INFO if outcome == "ok" else logging.WARNING
        logger.log(level, "provider call", extra=_log_fields(row))

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
