"""A crawl: one recipe's pages, one after another, within its budget, until they are done or the site says no.

Each page is one transaction that holds the host's lock: wait, ask, keep the HTML, read it, store the items as a raw
pull, write the ledger, queue what it links to. Killed at any moment, the next run goes on: what was received is on
disk, what is done is in Postgres, and the budget counted each request before it was made. Not here: one request
(`asking`), the state (`book`), what a page gives (`landing`).
"""

import datetime as dt
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput, ProviderError, Terminal
from leadflow_pipelines.providers.pulls import RawStore
from leadflow_pipelines.providers.retry import RetryPolicy
from leadflow_pipelines.providers.scraper import addresses
from leadflow_pipelines.providers.scraper.book import HOST_LOCK, Book, Found, Queued
from leadflow_pipelines.providers.scraper.disguise import permitted_disguise, user_agent
from leadflow_pipelines.providers.scraper.kept_html import KeptHtml, Received, prune_kept_html
from leadflow_pipelines.providers.scraper.landing import read_page, row_alone, store_items
from leadflow_pipelines.providers.scraper.recipe import Recipe
from leadflow_pipelines.providers.scraper.refusals import CrawlStopped
from leadflow_pipelines.providers.scraper.robots import Robots, read_robots
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.ledger import Origin, append_calls

if TYPE_CHECKING:
    from leadflow_pipelines.providers.scraper.asking import Asked, Asker

FAILURES_IN_A_ROW = 3
"""So many failed pages after one another mean that the site is down or has changed: asking on helps nobody."""
BYTES_PER_MB = 1_000_000
Ending = Literal["finished", "budget", "max_pages", "failures"]


@dataclass(frozen=True)
class CrawlReport:
    """What one run did. `pages` counts all of the recipe's pages of that day by state, other runs' included.

    `ended_by`: finished (nothing is queued), budget (the day's), max_pages (this run's), failures (several pages
    after one another). `cost_cents` is 0: a site bills nobody for its pages.
    """

    recipe: str
    day: dt.date
    ended_by: Ending
    requests: int
    requests_left_today: int
    items: int
    pages: dict[str, int]
    failures: tuple[str, ...]
    cost_cents: Decimal = Decimal(0)

    @property
    def is_partial(self) -> bool:
        """Whether something is missing that another run may still bring."""
        return self.ended_by != "finished" or "failed" in self.pages

    def as_json(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return asdict(self) | {"is_partial": self.is_partial}


@dataclass
class _Outcome:
    """What became of one page, to be told once its transaction has ended."""

    items: int = 0
    failure: str | None = None
    stop: CrawlStopped | None = None
    ending: Ending | None = None


@dataclass
class Crawl:
    """One run of a recipe for one org. `sleep` and `draw` (a random number between two) are replaced in tests."""

    recipe: Recipe
    day: dt.date
    database: Database
    org: Org
    raw: RawStore
    settings: Settings
    origin: Origin
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[float, float], float] = random.uniform
    max_pages: int | None = None

    def __post_init__(self) -> None:
        self.book = Book(self.org.org_id, self.recipe.name, self.day)
        self.kept = KeptHtml(self.settings.home, self.org.slug, self.recipe.name, self.day)
        self._retry_policy = replace(RetryPolicy.from_settings(self.settings), sleep=self.sleep)
        self._robots: Robots | None = None

    def run(self, zips: Sequence[str], streets: Sequence[str] = ()) -> CrawlReport:
        """Crawls until nothing is queued or no further request may be made.

        Raises CrawlStopped where the site turns the recipe away, Terminal where it did before and no operator has
        cleared that, Transient where its robots.txt cannot be had, InvalidInput where the recipe or the settings do
        not allow a crawl.
        """
        agent = user_agent(self.settings)
        disguise = permitted_disguise(self.recipe, self.settings)
        if self.org.is_simulated and not addresses.is_loopback(self.recipe.site):
            raise InvalidInput(
                f"The org {self.org.slug} is simulated and {self.recipe.site} is real: the two never meet.",
                remedy="Crawl it in another org, e.g. --org default.",
            )
        self._prune()
        with self.database.as_org(self.org.org_id) as connection:
            self._check_not_stopped(connection)
            self.book.add(connection, starting_pages(self.recipe, zips, streets), self.clock())
            self.book.queue_failed(connection)
            if self.book.next_page(connection) is None:
                return self._report(connection, "finished")
        open_browser, new_asker = _browser_parts()
        with open_browser(
            self.recipe,
            user_agent=agent,
            disguise=disguise,
            may_ask=self._may_ask,
            timeout_seconds=self.settings.http_timeout_seconds,
        ) as browser:
            browser.reader.check_selectors(self.recipe)
            self._robots = self._read_robots(agent)
            asker = new_asker(
                recipe=self.recipe,
                robots=self._robots,
                browser=browser,
                book=self.book,
                database=self.database,
                kept=self.kept,
                retry_policy=self._retry_policy,
                origin=self.origin,
                clock=self.clock,
                today=self._today,
                sleep=self.sleep,
                draw=self.draw,
                max_pages=self.max_pages,
            )
            return self._work(asker)

    def clear_stop(self) -> bool:
        """Lets a recipe crawl again that a site has stopped; whether it was stopped."""
        with self.database.as_org(self.org.org_id) as connection:
            return self.book.clear_stop(connection)

    def _prune(self) -> None:
        """Before a crawl keeps more, what earlier ones of the org kept too long or too much of is removed."""
        settings = self.settings
        prune_kept_html(
            settings.home,
            self.org.slug,
            now=self.clock(),
            keep_days=settings.crawl_keep_html_days,
            keep_bytes=settings.crawl_keep_html_mb * BYTES_PER_MB,
            in_use=self.day,
        )

    def _check_not_stopped(self, connection: Connection) -> None:
        standing = self.book.standing_stop(connection)
        if standing is not None:
            since, message = standing
            raise Terminal(
                f"stopped since {since:%Y-%m-%d %H:%M} UTC: {message}",
                provider=self.recipe.name,
                remedy="Settle it with the site's owner, then crawl once with --clear-stop.",
            )

    def _today(self) -> dt.date:
        return self.clock().astimezone(self.settings.zone).date()

    def _may_ask(self, url: str) -> bool:
        return self._robots is not None and self.recipe.allows(url) and self._robots.allows(url)

    def _read_robots(self, agent: str) -> Robots:
        return read_robots(
            self.database,
            self.org.org_id,
            self.recipe.site,
            product=self.settings.crawl_product,
            user_agent=agent,
            day=self._today(),
            now=self.clock(),
            retry_policy=self._retry_policy,
            timeout_seconds=self.settings.http_timeout_seconds,
        )

    def _work(self, asker: "Asker") -> CrawlReport:
        """Page after page. A stop is committed before it is raised."""
        items, in_a_row, ending = 0, 0, None
        failures: list[str] = []
        while ending is None:
            with self.database.as_org(self.org.org_id) as held:
                held.execute(HOST_LOCK, {"site": self.recipe.site})
                self._check_not_stopped(held)  # another process may have met a no
                queued = self.book.next_page(held)
                outcome = self._page(held, asker, queued) if queued else _Outcome(ending="finished")
            if outcome.stop is not None:
                raise outcome.stop
            items += outcome.items
            ending = outcome.ending
            if outcome.failure is not None:
                failures.append(outcome.failure)
                in_a_row += 1
            else:
                in_a_row = 0
                if queued and ending is None:
                    self.kept.discard(queued.url_hash)
            if in_a_row == FAILURES_IN_A_ROW:
                ending = "failures"
        with self.database.as_org(self.org.org_id) as connection:
            return self._report(connection, ending, asker.requests, items, failures)

    def _page(self, held: Connection, asker: "Asker", queued: Queued) -> _Outcome:
        """One page, from the queue to the lake. What is written is one commit, the caller's."""
        url_hash, page = queued.url_hash, queued.page
        if not self._may_ask(page.url):
            return self._refuse(held, url_hash, page, page.url)
        received = self.kept.received(url_hash)
        if received is not None:
            ledger = [] if queued.was_received else [asker.row_of_received(page, received)]
        else:
            asked = asker.ask(url_hash, page)
            ledger, received = asked.ledger, asked.received
            if received is None:
                return self._not_received(held, url_hash, page, asked)
        try:
            items = self._store(held, asker, url_hash, page, received)
        except ProviderError as error:
            append_calls(held, self.org.org_id, ledger)
            html_path = self.kept.path_of_received(url_hash)
            return self._fail(held, url_hash, page, error, html_path, received.fetched_at)
        append_calls(held, self.org.org_id, [*ledger[:-1], *(replace(row, items=items) for row in ledger[-1:])])
        return _Outcome(items=items)

    def _store(self, held: Connection, asker: "Asker", url_hash: str, page: Found, received: Received) -> int:
        landed = read_page(asker.browser.reader, self.recipe, page, received)
        store_items(
            held,
            self.raw,
            self.org.org_id,
            self.recipe,
            page,
            landed.items,
            day=self.day,
            fetched_at=received.fetched_at,
        )
        self.book.add(held, landed.found, self.clock())
        self.book.close(held, url_hash, "done", fetched_at=received.fetched_at, items=len(landed.items))
        return len(landed.items)

    def _not_received(self, held: Connection, url_hash: str, page: Found, asked: "Asked") -> _Outcome:
        append_calls(held, self.org.org_id, asked.ledger)
        if asked.out_of_requests is not None:
            return _Outcome(ending=asked.out_of_requests.ending)
        if asked.refusal is not None:
            return self._stop(held, url_hash, asked)
        if asked.off_limits is not None:
            return self._refuse(held, url_hash, page, asked.off_limits)
        assert asked.error is not None
        return self._fail(held, url_hash, page, asked.error, asked.html_path, None)

    def _refuse(self, held: Connection, url_hash: str, page: Found, url: str) -> _Outcome:
        """A page that may not be asked for. What its list row says of the property lands all the same."""
        by = "robots.txt forbids" if self.recipe.allows(url) else "the recipe's site and paths do not cover"
        items = [row_alone(page)] if page.kind == "detail" else []
        if items:
            store_items(
                held, self.raw, self.org.org_id, self.recipe, page, items, day=self.day, fetched_at=self.clock()
            )
        self.book.close(held, url_hash, "refused", items=len(items), message=f"{by} {url}")
        return _Outcome(items=len(items))

    def _stop(self, held: Connection, url_hash: str, asked: "Asked") -> _Outcome:
        assert asked.refusal is not None
        stop = CrawlStopped(
            self.recipe.name,
            asked.refusal.kind,
            asked.url,
            detail=asked.refusal.detail,
            html_path=str(self.settings.home / asked.html_path) if asked.html_path else None,
        )
        self.book.close(held, url_hash, "refused", message=asked.refusal.detail, html_path=asked.html_path)
        self.book.stop(
            held,
            kind=stop.kind,
            url=stop.url,
            message=stop.message,
            html_path=asked.html_path,
            now=self.clock(),
        )
        return _Outcome(stop=stop)

    def _fail(
        self,
        held: Connection,
        url_hash: str,
        page: Found,
        error: ProviderError,
        html_path: str | None,
        fetched_at: dt.datetime | None,
    ) -> _Outcome:
        kept = f" Its HTML is kept in {self.settings.home / html_path}." if html_path else ""
        message = f"{page.url}: {error.message}.{kept}"
        self.book.close(held, url_hash, "failed", fetched_at=fetched_at, message=message, html_path=html_path)
        return _Outcome(failure=f"{message} {error.remedy}" if error.remedy else message)

    def _report(
        self, connection: Connection, ending: Ending, requests: int = 0, items: int = 0, failures: Sequence[str] = ()
    ) -> CrawlReport:
        spent = self.book.requests(connection, self._today())
        return CrawlReport(
            recipe=self.recipe.name,
            day=self.day,
            ended_by=ending,
            requests=requests,
            requests_left_today=max(0, self.recipe.pages_per_day - spent),
            items=items,
            pages=self.book.counts(connection),
            failures=tuple(failures),
        )


def check_recipe(recipe: Recipe, settings: Settings) -> None:
    """Raises InvalidInput where the recipe's selectors are none, or it asks for a disguise it may not wear."""
    disguise = permitted_disguise(recipe, settings)
    open_browser, _ = _browser_parts()
    with open_browser(
        recipe,
        user_agent=settings.crawl_product,
        disguise=disguise,
        may_ask=lambda _: False,
        timeout_seconds=settings.http_timeout_seconds,
    ) as browser:
        browser.reader.check_selectors(recipe)


def starting_pages(recipe: Recipe, zips: Sequence[str], streets: Sequence[str]) -> list[Found]:
    """Where a crawl of these ZIPs and streets begins. Raises InvalidInput where a search lacks its streets."""
    if recipe.needs_street and not streets:
        raise InvalidInput(f"The recipe {recipe.name} searches by street.", remedy="Name them: --street 'MAPLE ST'.")
    found: dict[str, Found] = {}
    for zip_code, street in product(zips, streets if recipe.needs_street else [""]):
        values = {"zip": zip_code} | ({"street": street} if street else {})
        if recipe.search is not None:
            pages = [Found("search", addresses.absolute_url(recipe.site, recipe.search.url), zip_code, values)]
        else:
            pages = [_start(recipe, template, values) for template in recipe.start]
        found |= {page.url_hash: page for page in pages if page.url_hash not in found}
    return list(found.values())


def _start(recipe: Recipe, template: str, values: dict[str, str]) -> Found:
    """A starting page; it belongs to the ZIP only where its address asks for it."""
    url = addresses.absolute_url(recipe.site, addresses.filled(template, values, is_url=True))
    is_of_zip = addresses.filled(template, {**values, "zip": ""}, is_url=True) != addresses.filled(
        template, values, is_url=True
    )
    return Found("list", url, values["zip"] if is_of_zip else None, {})


def _browser_parts() -> "tuple[Any, type[Asker]]":
    """What drives the browser, imported when a crawl begins: Playwright is an extra."""
    try:
        from leadflow_pipelines.providers.scraper.asking import Asker  # noqa: PLC0415
        from leadflow_pipelines.providers.scraper.browser import open_browser  # noqa: PLC0415
    except ImportError as error:
        raise InvalidInput(
            "Crawling needs Playwright, which is not installed.",
            remedy="Install it: pip install 'leadflow[scraper]', then `playwright install chromium` if there is none.",
        ) from error
    return open_browser, Asker
