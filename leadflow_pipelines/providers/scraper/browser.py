"""Chromium, one page at a time: it goes where it is sent and nowhere else.

Every request passes `_Gate`: the page itself, and with `javascript` its scripts and data from the same allowed
paths; no images, styles, frames, other hosts. Redirects are followed by hand, each hop checked first, because a
browser would follow them before anyone could look. Not here: which page, when, and what its answer means (`crawl`).
"""

import datetime as dt
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, Route, sync_playwright
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout

from leadflow_pipelines.errors import InvalidInput, Terminal, Transient
from leadflow_pipelines.providers.exchange import retry_after_seconds
from leadflow_pipelines.providers.scraper.addresses import absolute_url, is_login
from leadflow_pipelines.providers.scraper.disguise import Disguise, put_on_stealth
from leadflow_pipelines.providers.scraper.extract import Reader
from leadflow_pipelines.providers.scraper.recipe import Recipe

INSTALLED = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
MOST_HOPS = 5
SCRIPTED = ("script", "xhr", "fetch")
HTML = ("text/html", "application/xhtml+xml")


class OffLimits(Exception):
    """A page sent us on to where we may not go. Nothing was asked there."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


@dataclass(frozen=True)
class Fetched:
    """A page as it was received; `url` is its own address, after redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    html: str
    latency_ms: int

    def retry_after(self, now: dt.datetime) -> float | None:
        """Seconds that the site asks us to wait."""
        return retry_after_seconds(self.headers.get("retry-after"), now)


@dataclass
class _Answer:
    """What came of one navigation, noted by the gate."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    hop: str | None = None
    error: str | None = None


class _Gate:
    """Decides on each request of a context, and notes what the page itself was answered."""

    def __init__(self, may_ask: Callable[[str], bool], timeout_seconds: float, *, with_scripts: bool) -> None:
        self.may_ask = may_ask
        self.timeout_ms = timeout_seconds * 1000
        self.is_open = False
        self._with_scripts = with_scripts
        self._answer = _Answer()

    def open(self) -> _Answer:
        """Lets one navigation through; what it is answered will stand in the value returned."""
        self.is_open, self._answer = True, _Answer()
        return self._answer

    def __call__(self, route: Route, request: Request) -> None:
        with suppress(BrowserError):  # the page may be gone by the time its request is decided on
            if request.is_navigation_request() and request.frame.parent_frame is None:
                self._page(route, request)
            elif self._with_scripts and request.resource_type in SCRIPTED and self.may_ask(request.url):
                self._script(route)
            else:
                route.abort()

    def _page(self, route: Route, request: Request) -> None:
        if not self.is_open:
            route.abort()
            return
        self.is_open = False
        url = absolute_url(request.url, "")
        if not self.may_ask(url):
            self._answer.hop = url
            route.fulfill(status=200, content_type="text/html", body="")
            return
        try:
            response = route.fetch(max_redirects=0, timeout=self.timeout_ms)
        except BrowserError as error:
            is_late = isinstance(error, BrowserTimeout)
            self._answer.error = "no answer in time" if is_late else "the connection broke"
            route.abort()
            return
        headers = {name.lower(): value for name, value in response.headers.items()}
        self._answer.status, self._answer.headers = response.status, headers
        is_html = headers.get("content-type", "text/html").split(";")[0].strip().lower() in HTML
        if 300 <= response.status < 400 and "location" in headers:
            self._answer.hop = absolute_url(url, headers["location"])
        elif not is_html and response.status < 400:
            self._answer.error = f"the answer is {headers['content-type'].split(';')[0]}, not HTML"
        if self._answer.hop or not is_html:
            route.fulfill(status=200, content_type="text/html", body="")
        else:
            route.fulfill(response=response)

    def _script(self, route: Route) -> None:
        response = route.fetch(max_redirects=0, timeout=self.timeout_ms)
        if 300 <= response.status < 400:
            route.abort()
        else:
            route.fulfill(response=response)


class CrawlBrowser:
    """An open browser for one recipe. With proxies, each page goes through the next of them."""

    def __init__(self, recipe: Recipe, contexts: list[BrowserContext], gate: _Gate, reader: Reader) -> None:
        self._recipe = recipe
        self._contexts = contexts
        self._gate = gate
        self._turn = 0
        self._pages: dict[int, Page] = {}
        self.reader = reader

    def fetch(self, url: str) -> Fetched:
        """The page at an address. Raises Transient where no answer came, Terminal where it is no page, OffLimits
        where it leads to where we may not go.
        """
        with self._page() as page:
            return self._visit(page, url)

    def search(self, url: str, inputs: Mapping[str, str], submit: str, before_submit: Callable[[], None]) -> Fetched:
        """The page that a form gives once filled in. `before_submit` is called between the form and its answer.

        Returns the form's own page where that is no success. Raises as `fetch`, and Terminal for a form without the
        inputs.
        """
        with self._page() as page:
            form = self._visit(page, url)
            if form.status >= 400 or self.reader.signs(form.html).has_password:
                return form
            for selector in (*inputs, submit):
                if page.locator(selector).count() == 0:
                    raise Terminal(f"the form has no {selector!r}: its layout changed", provider=self._recipe.name)
            before_submit()
            for selector, text in inputs.items():
                field = page.locator(selector).first
                if field.evaluate("one => one.tagName") == "SELECT":
                    field.select_option(text)
                else:
                    field.fill(text)
            return self._visit(page, form.url, page.locator(submit).first.click)

    @contextmanager
    def _page(self) -> Iterator[Page]:
        """The next context's page. Without scripts it is used again: a new one costs a process, 0.3 s of two cores.
        With scripts it is closed, so that they ask for nothing while we wait.
        """
        turn = self._turn % len(self._contexts)
        self._turn += 1
        page = self._pages.pop(turn, None) or self._contexts[turn].new_page()
        try:
            yield page
        except BaseException:
            with suppress(BrowserError):
                page.close()
            raise
        if self._recipe.javascript:
            page.close()
        else:
            self._pages[turn] = page

    def _visit(self, page: Page, url: str, act: Callable[[], None] | None = None) -> Fetched:
        """Goes to `url`, or does `act` on the page and goes where that leads; follows redirects it may follow."""
        started = time.perf_counter()
        for _ in range(MOST_HOPS):
            answer = self._go(page, url, act)
            if answer.hop is None:
                break
            if answer.status == 0 or not self._gate.may_ask(answer.hop) or is_login(answer.hop):
                raise OffLimits(answer.hop)
            url, act = answer.hop, None
        else:
            raise Terminal(f"more than {MOST_HOPS} redirects", provider=self._recipe.name)
        if self._recipe.javascript:
            with suppress(BrowserTimeout):
                page.wait_for_load_state("networkidle", timeout=self._gate.timeout_ms)
        latency_ms = round((time.perf_counter() - started) * 1000)
        return Fetched(absolute_url(page.url, ""), answer.status, answer.headers, page.content(), latency_ms)

    def _go(self, page: Page, url: str, act: Callable[[], None] | None) -> _Answer:
        """One navigation, and what it was answered."""
        gate, name = self._gate, self._recipe.name
        answer = gate.open()
        try:
            if act is None:
                page.goto(url, wait_until="domcontentloaded", timeout=gate.timeout_ms)
            else:
                with page.expect_navigation(wait_until="domcontentloaded", timeout=gate.timeout_ms):
                    act()
        except BrowserTimeout as error:
            raise Transient("no answer in time", provider=name, may_be_billed=False) from error
        except BrowserError as error:
            # Only the first line: the rest is the browser's call log.
            told = answer.error or str(error).splitlines()[0]
            raise Transient(told, provider=name, may_be_billed=False) from error
        finally:
            gate.is_open = False
        if answer.error is not None:
            raise Terminal(answer.error, provider=name)
        return answer


@contextmanager
def open_browser(
    recipe: Recipe,
    *,
    user_agent: str,
    disguise: Disguise,
    may_ask: Callable[[str], bool],
    timeout_seconds: float,
) -> Iterator[CrawlBrowser]:
    """A browser for this recipe, closed at the end. Raises InvalidInput where no chromium is installed."""
    gate = _Gate(may_ask, timeout_seconds, with_scripts=recipe.javascript)
    with sync_playwright() as playwright:
        chromium = _launch(playwright)
        contexts = []
        for proxy in disguise.proxies or (None,):
            context = chromium.new_context(
                user_agent=user_agent,
                java_script_enabled=recipe.javascript,
                service_workers="block",
                accept_downloads=False,
                proxy=proxy,
            )
            context.route("**/*", gate)
            context.route_web_socket("**/*", lambda socket: socket.close())
            if disguise.is_stealthy:
                put_on_stealth(context)
            contexts.append(context)
        blank = chromium.new_context(java_script_enabled=False, offline=True, service_workers="block")
        blank.route("**/*", lambda route: route.abort())
        yield CrawlBrowser(recipe, contexts, gate, Reader(blank.new_page()))


def _launch(playwright: Playwright) -> Browser:
    """The installed chromium, else Playwright's own. Its sandbox stays on, but for root, who cannot have it."""
    installed = next((path for name in INSTALLED if (path := shutil.which(name))), None)
    if installed is None and not os.path.exists(playwright.chromium.executable_path):
        raise InvalidInput(
            "There is no chromium to crawl with.",
            remedy="Install the distribution's, or run `playwright install chromium`.",
        )
    return playwright.chromium.launch(
        executable_path=installed, args=list(ARGUMENTS), chromium_sandbox=os.geteuid() != 0
    )
