"""How a site says no, and the error with which a recipe then stops: at once, never tried around.

Here: telling a refusal from a page, by status and by what stands in it. Not here: asking (`browser`, `crawl`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from leadflow_pipelines.errors import Terminal
from leadflow_pipelines.providers.scraper.addresses import is_login

Kind = Literal["login", "captcha", "forbidden", "too_many", "block_page"]

CAPTCHA_SOURCE = re.compile(
    r"recaptcha|hcaptcha\.com|challenges\.cloudflare\.com|turnstile|captcha-delivery|arkoselabs", re.I
)
CAPTCHA_TEXT = re.compile(
    r"are you (a )?(robot|human)|i am not a robot|i'm not a robot|verify (that )?you are (a )?human", re.I
)
BLOCK_TEXT = re.compile(
    r"access (to this page )?(has been )?denied|request (was |has been )?blocked|you have been blocked|"
    r"pardon our interruption|attention required|just a moment|unusual traffic|automated (access|queries|requests)",
    re.I,
)
SHORT_PAGE = 1500
"""Words of refusal count in a title, or on a page of at most so many characters: a long one may only speak of them."""

SAID: Mapping[Kind, str] = {
    "login": "asks for a login",
    "captcha": "shows a CAPTCHA",
    "forbidden": "answered that we may not have the page",
    "too_many": "answered that we ask too often, without saying when to come back",
    "block_page": "shows a page that blocks us",
}
REMEDIES: Mapping[Kind, str] = {
    "login": "What lies behind a login is not crawled: leave that page out, or ask the county for the data.",
    "captcha": "The site wants no robots there. Ask the county for the data or for an API; do not try around it.",
    "forbidden": "Ask the site's owner whether crawling is welcome; do not try around it.",
    "too_many": "Raise delay_seconds and lower pages_per_day, and ask the site's owner what it can bear.",
    "block_page": "Ask the site's owner whether crawling is welcome; do not try around it.",
}


class CrawlStopped(Terminal):
    """A site turned the recipe away. `html_path` is where its answer lies, below LEADFLOW_HOME."""

    def __init__(self, recipe: str, kind: Kind, url: str, *, detail: str, html_path: str | None) -> None:
        kept = f" Its answer is kept in {html_path}." if html_path else ""
        super().__init__(
            f"{url} {SAID[kind]} ({detail}). The recipe is stopped.{kept}",
            provider=recipe,
            remedy=f"{REMEDIES[kind]} Once that is settled: leadflow source crawl RECIPE --clear-stop.",
        )
        self.kind = kind
        self.url = url
        self.html_path = html_path


@dataclass(frozen=True)
class PageSigns:
    """What a page shows of itself: fields for passwords, where its frames and scripts come from, title, text."""

    has_password: bool
    sources: tuple[str, ...]
    has_captcha_box: bool
    title: str
    text: str


@dataclass(frozen=True)
class Refusal:
    """A no, and by which sign it was told."""

    kind: Kind
    detail: str


def refusal_by_status(status: int, headers: Mapping[str, str]) -> Refusal | None:
    """The refusal that a status means. 429 and 503 with Retry-After are a wish to wait, not a no."""
    if status == 401:
        return Refusal("login", "HTTP 401")
    if status in (403, 407, 451):
        return Refusal("forbidden", f"HTTP {status}")
    if status == 429 and "retry-after" not in headers:
        return Refusal("too_many", "HTTP 429 without Retry-After")
    if headers.get("cf-mitigated") == "challenge":
        return Refusal("captcha", "a challenge in place of the page")
    return None


def refusal_by_address(url: str) -> Refusal | None:
    """The refusal that being sent to this address means."""
    return Refusal("login", "sent on to a login page") if is_login(url) else None


def refusal_by_signs(signs: PageSigns) -> Refusal | None:
    """The refusal that stands in a page, whatever its status says."""
    source = next((one for one in signs.sources if CAPTCHA_SOURCE.search(one)), None)
    is_short = len(signs.text) <= SHORT_PAGE
    said = signs.title + (f"\n{signs.text}" if is_short else "")
    if source is not None or signs.has_captcha_box:
        return Refusal("captcha", "a CAPTCHA frame" if source else "a CAPTCHA box")
    if found := CAPTCHA_TEXT.search(f"{signs.title}\n{signs.text}"):
        return Refusal("captcha", f'it says "{found.group(0)}"')
    if signs.has_password:
        return Refusal("login", "a password field")
    if found := BLOCK_TEXT.search(said):
        return Refusal("block_page", f'it says "{found.group(0)}"')
    return None
