"""From a page's HTML to its fields, links and signs, by the recipe's selectors.

The HTML is read in a blank page without scripts or network, so that a page kept on disk after a crash reads the same
as one just received. Not here: fetching (`browser`), what the fields mean (`rows`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.scraper.addresses import absolute_url
from leadflow_pipelines.providers.scraper.recipe import GUIDE, FieldRule, Recipe
from leadflow_pipelines.providers.scraper.refusals import PageSigns

if TYPE_CHECKING:
    from playwright.sync_api import Page

MOST_TEXT = 20_000
META_HEADER = re.compile("http-equiv", re.IGNORECASE)
"""Made harmless before a page is read: a refresh would lead the reader away from it."""

FAULTY_SELECTORS = """selectors => selectors.filter(([, one]) => {
  if (one === '.') return false;
  try { document.createDocumentFragment().querySelector(one); return false; } catch { return true; }
})"""

SIGNS = """limit => ({
  has_password: document.querySelector('input[type=password]') !== null,
  sources: [...document.querySelectorAll('iframe[src], script[src]')].map(one => one.getAttribute('src')),
  has_captcha_box: document.querySelector(
    '.g-recaptcha, .h-captcha, .cf-turnstile, #px-captcha, [data-sitekey], form[action*="captcha" i]') !== null,
  title: document.title,
  text: (document.body ? document.body.innerText : '').slice(0, limit),
})"""

READ = """({rows, fields, detail, empty, next}) => {
  const find = (root, one) => one === '.' ? root : root.querySelector(one);
  const read = (root, {selector, attribute}) => {
    const found = find(root, selector);
    return found === null ? null : attribute ? found.getAttribute(attribute) : found.innerText;
  };
  const link = (root, one) => one ? (find(root, one)?.getAttribute('href') ?? null) : null;
  const fieldsOf = root => Object.fromEntries(Object.entries(fields).map(([name, rule]) => [name, read(root, rule)]));
  return {
    rows: rows ? [...document.querySelectorAll(rows)].map(row => ({fields: fieldsOf(row), detail: link(row, detail)}))
      : [{fields: fieldsOf(document), detail: null}],
    is_empty: empty ? document.querySelector(empty) !== null : false,
    next: link(document, next),
    base: document.querySelector('base[href]')?.getAttribute('href') ?? null,
  };
}"""


@dataclass(frozen=True)
class Row:
    """One row's own fields (text as the page shows it, blank as null) and the address of its page, if it has one."""

    fields: dict[str, str | None]
    detail_url: str | None


@dataclass(frozen=True)
class Reading:
    """What a page of rows holds."""

    rows: tuple[Row, ...]
    is_empty: bool
    next_url: str | None


class Reader:
    """Reads HTML in a page that reaches no network."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self._shown: str | None = None

    def check_selectors(self, recipe: Recipe) -> None:
        """Raises InvalidInput naming every selector that is none, before any site is asked for anything."""
        faulty: list[list[str]] = self._page.evaluate(FAULTY_SELECTORS, [list(one) for one in recipe.selectors()])
        if faulty:
            listed = "\n".join(f"  - {key}: {selector!r} is no CSS selector." for key, selector in faulty)
            raise InvalidInput(f"The recipe {recipe.name} cannot be used:\n{listed}\n", remedy=GUIDE)

    def signs(self, html: str) -> PageSigns:
        """What the page shows of itself."""
        self._show(html)
        found = self._page.evaluate(SIGNS, MOST_TEXT)
        return PageSigns(
            found["has_password"], tuple(found["sources"]), found["has_captcha_box"], found["title"], found["text"]
        )

    def list_page(self, html: str, url: str, recipe: Recipe) -> Reading:
        """The rows of a list page, and where it goes on."""
        rules = recipe.list
        self._show(html)
        found = self._read(rules.fields, rows=rules.rows, detail=rules.detail, empty=rules.empty, next=rules.next)
        base = absolute_url(url, found["base"]) if found["base"] else url
        rows = tuple(Row(_texts(one["fields"], rules.fields), _link(base, one["detail"])) for one in found["rows"])
        return Reading(rows, found["is_empty"], _link(base, found["next"]))

    def detail_page(self, html: str, fields: Mapping[str, FieldRule]) -> dict[str, str | None]:
        """The fields of one property's page."""
        self._show(html)
        return _texts(self._read(fields)["rows"][0]["fields"], fields)

    def _show(self, html: str) -> None:
        if html == self._shown:
            return
        self._shown = None
        self._page.set_content(META_HEADER.sub("data-http-equiv", html), wait_until="domcontentloaded")
        self._shown = html

    def _read(self, fields: Mapping[str, FieldRule], **selectors: str | None) -> Any:
        rules = {name: {"selector": rule.selector, "attribute": rule.attribute} for name, rule in fields.items()}
        absent = {"rows": None, "detail": None, "empty": None, "next": None}
        return self._page.evaluate(READ, {"fields": rules, **absent, **selectors})


def _texts(found: Mapping[str, str | None], rules: Mapping[str, FieldRule]) -> dict[str, str | None]:
    """Each field's text, white space folded, cut to its pattern; null where nothing is left."""
    made: dict[str, str | None] = {}
    for name, text in found.items():
        folded = " ".join(text.split()) if text else ""
        pattern = rules[name].pattern
        if pattern is not None:
            match = re.search(pattern, folded)
            folded = (match.group(1) or "").strip() if match else ""
        made[name] = folded or None
    return made


def _link(page: str, href: str | None) -> str | None:
    """The whole address of a link; None for none, for scripts and for a link to the page itself."""
    if href is None or not href.strip() or href.strip().startswith("#"):
        return None
    url = absolute_url(page, href)
    return url if url.startswith(("http://", "https://")) else None
