"""A county site to crawl in tests: the simulated one, a recipe for it, and what both sides say happened."""

import datetime as dt
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import pytest
import yaml
from playwright.sync_api import BrowserContext, Page, Playwright, Route, sync_playwright
from sqlalchemy import Table, select

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import crawl_pages, provider_calls
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.scraper import browser
from leadflow_pipelines.providers.scraper.crawl import Crawl, CrawlReport
from leadflow_pipelines.providers.scraper.recipe import Recipe, parse_recipe
from leadflow_pipelines.providers.stored_pulls import read_stored_pulls
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.ledger import Origin

RECIPE_FILE = Path(__file__).parents[1] / "fixtures/recipes/simulated_county.yaml"
DAY = dt.date(2026, 11, 21)
ZIP = "19103"
RECORDS = 12
LISTS, PRIVATE = 2, 1
DETAILS = RECORDS - PRIVATE
SITE = "/county-site"
T = TypeVar("T")
CRAWLERS = ThreadPoolExecutor(1)


def in_a_thread(work: Callable[[], T]) -> T:
    """Does the work in the crawls' thread: Playwright allows one of itself per thread, and other tests hold one."""
    return CRAWLERS.submit(work).result()


class _KeptReader:
    """The context and page of a crawl's reader: what is read leaves nothing in it, so the next crawl reads there."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._page: Page | None = None

    def route(self, url: str, handler: Callable[[Route], None]) -> None:
        if self._page is None:
            self._context.route(url, handler)

    def new_page(self) -> Page:
        self._page = self._page or self._context.new_page()
        return self._page


class _Chromium:
    """One chromium for many crawls. What a crawl opened for its site's pages is closed with it."""

    def __init__(self) -> None:
        self.playwright = sync_playwright().start()
        self._browser = browser._launch(self.playwright)
        self._reader: _KeptReader | None = None
        self._opened: list[BrowserContext] = []

    def new_context(self, **options: Any) -> BrowserContext | _KeptReader:
        if options.get("offline"):
            self._reader = self._reader or _KeptReader(self._browser.new_context(**options))
            return self._reader
        self._opened.append(self._browser.new_context(**options))
        return self._opened[-1]

    @contextmanager
    def crawl(self) -> Iterator[Playwright]:
        try:
            yield self.playwright
        finally:
            while self._opened:
                self._opened.pop().close()

    def stop(self) -> None:
        self._browser.close()
        self.playwright.stop()


@contextmanager
def one_chromium() -> Iterator[None]:
    """All crawls meanwhile are in one chromium, launched as theirs would be: starting it and its pages takes longer
    than most of them.
    """
    chromium = in_a_thread(_Chromium)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(browser, "sync_playwright", chromium.crawl)
        patched.setattr(browser, "_launch", lambda _: chromium)
        yield
    in_a_thread(chromium.stop)


def recipe_text(site: str, **changes: Any) -> str:
    """The fixture recipe for a site listening elsewhere, its keys replaced; None takes a key out."""
    body = yaml.safe_load(RECIPE_FILE.read_text()) | {"site": site} | changes
    kept = {key: value for key, value in body.items() if value is not None}
    return yaml.safe_dump(kept)


@dataclass
class County:
    """A site, an org that crawls it, and notes of every wait."""

    database: Database
    org: Org
    lake: Lake
    settings: Settings
    sandbox: SandboxProcess
    waits: list[float] = field(default_factory=list)

    def recipe(self, **changes: Any) -> Recipe:
        """The fixture recipe for this site."""
        return parse_recipe(recipe_text(**({"site": self.sandbox.url} | changes)), "test.yaml", today=DAY)

    def at(self, path: str, **changes: Any) -> Recipe:
        """A recipe that starts at another page of the site."""
        return self.recipe(start=[f"{SITE}/{path}"], paths=[f"{SITE}/"], **changes)

    def crawl(self, recipe: Recipe | None = None, *, max_pages: int | None = None, **settings: Any) -> CrawlReport:
        """One run that never sleeps."""
        return in_a_thread(lambda: self.run(recipe or self.recipe(), max_pages=max_pages, **settings).run([ZIP]))

    def run(self, recipe: Recipe, *, max_pages: int | None = None, **settings: Any) -> Crawl:
        """A run, not begun."""
        return Crawl(
            recipe=recipe,
            day=DAY,
            database=self.database,
            org=self.org,
            raw=self.lake.raw,
            settings=self.settings.model_copy(update=settings),
            origin=Origin(run_id="run-1", correlation_id="correlation-1"),
            sleep=self.waits.append,
            draw=random.Random(7).uniform,
            max_pages=max_pages,
        )

    def asked(self) -> dict[str, int]:
        """How often each path was asked for, by the site's own books."""
        account = self.sandbox.ledger().get("county_site", {})
        return dict(account.get("calls_by_path", {}))

    def pages(self) -> list[Mapping[str, Any]]:
        """Every page the org's crawls know of."""
        return self._rows(crawl_pages)

    def ledger(self) -> list[Mapping[str, Any]]:
        """Every ledger row of the org."""
        return self._rows(provider_calls)

    def raw(self, recipe: str = "simulated_county") -> pl.DataFrame:
        """The raw pulls of the ZIP and day."""
        return read_stored_pulls(self.database, self.org.org_id, self.lake.raw, providers=[recipe], zips=[ZIP], day=DAY)

    def environment(self) -> dict[str, str]:
        """What another process needs to crawl the same site into the same lake."""
        return {
            **os.environ,
            "LEADFLOW_LAKE_URL": str(Path(self.lake.root).parent),
            "LEADFLOW_ORG": self.org.slug,
            "LEADFLOW_CRAWL_CONTACT": "crawler@county.example",
        }

    def _rows(self, table: Table) -> list[Mapping[str, Any]]:
        with self.database.as_org(self.org.org_id) as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]


class Listener:
    """A server that answers every GET with a page of one sale, and notes path and user agent."""

    def __enter__(self) -> tuple[str, list[tuple[str, str]]]:
        heard: list[tuple[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append((self.path, self.headers["user-agent"]))
                is_robots = self.path.endswith("/robots.txt")
                body = b"" if is_robots else b"<p id='no-sales'>none</p>"
                self.send_response(200)
                self.send_header("Content-Type", "text/plain" if is_robots else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_CONNECT(self) -> None:
                heard.append((self.path, ""))
                self.send_error(502)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}", heard

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
