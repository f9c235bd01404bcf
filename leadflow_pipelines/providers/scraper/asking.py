"""One page asked for: the budget first, then the wait, then the request; again where that may help, never past a no.

Here: what a request was answered, told apart into received, refused and failed, with its ledger rows. Not here: which
page is next (`crawl`), what stands in it (`extract`), storing it (`landing`).
"""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.errors import ProviderError, Terminal, Transient
from leadflow_pipelines.providers.retry import RetryPolicy
from leadflow_pipelines.providers.scraper.addresses import filled
from leadflow_pipelines.providers.scraper.book import Book, Found
from leadflow_pipelines.providers.scraper.browser import CrawlBrowser, Fetched, OffLimits
from leadflow_pipelines.providers.scraper.kept_html import KeptHtml, Received
from leadflow_pipelines.providers.scraper.recipe import Recipe
from leadflow_pipelines.providers.scraper.refusals import (
    Refusal,
    refusal_by_address,
    refusal_by_signs,
    refusal_by_status,
)
from leadflow_pipelines.providers.scraper.robots import Robots
from leadflow_pipelines.spend.ledger import LedgerRow, Origin, Outcome

logger = logging.getLogger(__name__)
TOO_EARLY = (408, 425, 429)
"""Statuses besides 5xx after which the same request may succeed; 429 only where it says when (`refusals`)."""


class OutOfRequests(Exception):
    """No further request may be made: by the day's budget, or by this run's own bound."""

    def __init__(self, ending: Literal["budget", "max_pages"]) -> None:
        super().__init__(ending)
        self.ending = ending


@dataclass
class Asked:
    """What came of one page: exactly one of `received`, `refusal` (the site said no at `url`), `off_limits` (it leads
    to where we may not go), `error` and `out_of_requests`. `html_path`: where the HTML of a failure is kept.
    """

    url: str
    received: Received | None = None
    refusal: Refusal | None = None
    off_limits: str | None = None
    error: ProviderError | None = None
    out_of_requests: OutOfRequests | None = None
    html_path: str | None = None
    ledger: list[LedgerRow] = field(default_factory=list)


def delay_bounds(recipe: Recipe, robots: Robots) -> tuple[float, float]:
    """Least and most seconds before a request: the recipe's, moved up where robots.txt asks for a longer delay."""
    least, most = recipe.delay_seconds.min, recipe.delay_seconds.max
    moved = max(least, robots.delay_seconds)
    return moved, most if moved <= most else moved + (most - least)


@dataclass
class Asker:
    """Asks one site for pages, on behalf of one run. `draw`: a random number between two."""

    recipe: Recipe
    robots: Robots
    browser: CrawlBrowser
    book: Book
    database: Database
    kept: KeptHtml
    retry_policy: RetryPolicy
    origin: Origin
    clock: Callable[[], dt.datetime]
    today: Callable[[], dt.date]
    sleep: Callable[[float], None]
    draw: Callable[[float, float], float]
    max_pages: int | None
    requests: int = 0

    def ask(self, url_hash: str, page: Found) -> Asked:
        """Asks for a page, within the retries' bounds. Failures are in what is returned, never raised."""
        asked = Asked(page.url)
        try:
            self.retry_policy.retrying()(lambda: self._attempt(url_hash, page, asked))
        except OffLimits as elsewhere:
            asked.url = elsewhere.url
            asked.refusal = refusal_by_address(elsewhere.url)
            asked.off_limits = None if asked.refusal else elsewhere.url
        except ProviderError as error:
            asked.error = error
        except OutOfRequests as out:
            asked.out_of_requests = out
        return asked

    def requests_left(self) -> int:
        """Requests that the day's budget still has room for."""
        with self.database.as_org(self.book.org_id) as connection:
            return max(0, self.recipe.pages_per_day - self.book.requests(connection, self.today()))

    def row_of_received(self, page: Found, received: Received) -> LedgerRow:
        """The ledger row of a page that a killed run had received, but not yet written down."""
        return self._row(page, Asked(page.url), "ok", received.fetched_at)

    def _attempt(self, url_hash: str, page: Found, asked: Asked) -> None:
        self._wait_and_count(url_hash)
        called_at = self.clock()
        try:
            fetched = self._fetch(url_hash, page)
        except ProviderError as error:
            outcome: Outcome = "transient" if isinstance(error, Transient) else "terminal"
            asked.ledger.append(self._row(page, asked, outcome, called_at, message=str(error)))
            raise
        except OffLimits as elsewhere:
            message = f"sent on to {elsewhere.url}"
            asked.ledger.append(self._row(page, asked, "terminal", called_at, message=message))
            raise
        self._judge(url_hash, page, asked, fetched, called_at)

    def _judge(self, url_hash: str, page: Found, asked: Asked, fetched: Fetched, called_at: dt.datetime) -> None:
        """Tells a page from a no and from a failure; keeps its HTML in each case."""
        refusal = (
            refusal_by_status(fetched.status, fetched.headers)
            or refusal_by_address(fetched.url)
            or refusal_by_signs(self.browser.reader.signs(fetched.html))
        )
        received = Received(fetched.url, called_at, fetched.html)
        outcome: Outcome = "ok"
        error: ProviderError | None = None
        if refusal is not None:
            asked.url, asked.refusal, outcome = fetched.url, refusal, "terminal"
        elif fetched.status >= 500 or fetched.status in TOO_EARLY:
            outcome = "transient"
            error = Transient(
                f"HTTP {fetched.status}",
                provider=self.recipe.name,
                retry_after_seconds=fetched.retry_after(called_at),
                may_be_billed=False,
            )
        elif fetched.status >= 400:
            outcome = "terminal"
            error = Terminal(f"HTTP {fetched.status}", provider=self.recipe.name)
        if outcome == "ok":
            self.kept.keep("received", url_hash, received)
            asked.received = received
        else:
            asked.html_path = self.kept.keep("failures", url_hash, received)
        message = str(error) if error else refusal.detail if refusal else None
        asked.ledger.append(self._row(page, asked, outcome, called_at, fetched=fetched, message=message))
        if error is not None:
            raise error

    def _fetch(self, url_hash: str, page: Found) -> Fetched:
        search = self.recipe.search
        if page.kind == "search" and search is not None:
            values = {name: str(value) for name, value in page.carried.items()}
            inputs = {one: filled(text, values, is_url=False) for one, text in search.inputs.items()}
            return self.browser.search(page.url, inputs, search.submit, lambda: self._wait_and_count(url_hash))
        return self.browser.fetch(page.url)

    def _wait_and_count(self, url_hash: str) -> None:
        """Waits, then counts the request, both before it is made. Raises OutOfRequests where there is no room."""
        if self.max_pages is not None and self.requests >= self.max_pages:
            raise OutOfRequests("max_pages")
        if self.requests_left() == 0:
            raise OutOfRequests("budget")
        self.sleep(self.draw(*delay_bounds(self.recipe, self.robots)))
        with self.database.as_org(self.book.org_id) as connection:
            has_room = self.book.count_request(connection, url_hash, today=self.today(), most=self.recipe.pages_per_day)
        if not has_room:
            raise OutOfRequests("budget")
        self.requests += 1

    def _row(
        self,
        page: Found,
        asked: Asked,
        outcome: Outcome,
        called_at: dt.datetime,
        *,
        fetched: Fetched | None = None,
        message: str | None = None,
    ) -> LedgerRow:
        call = page.call(self.recipe.name, self.book.day)
        row = LedgerRow(
            provider=call.provider,
            endpoint=call.endpoint,
            fingerprint=call.fingerprint,
            day=self.today(),
            outcome=outcome,
            called_at=called_at,
            origin=self.origin,
            zip=page.zip,
            attempt=len(asked.ledger) + 1,
            http_status=fetched.status if fetched else None,
            latency_ms=fetched.latency_ms if fetched else None,
            message=message,
        )
        logger.info(
            "page asked for",
            extra={
                "recipe": row.provider,
                "fingerprint": row.fingerprint,
                "attempt": row.attempt,
                "outcome": outcome,
                "http_status": row.http_status,
                "latency_ms": row.latency_ms,
                "error": message,
            },
        )
        return row
