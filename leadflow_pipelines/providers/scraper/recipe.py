"""A recipe: which pages of one site hold which fields, and how gently they are asked for. Its model and its faults.

Not here: asking (`crawl`), reading pages (`extract`), turning what was read into rows (`rows`).
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers import PROVIDER_NAMES
from leadflow_pipelines.providers.scraper.addresses import absolute_url, is_loopback, lies_below, site_of
from leadflow_pipelines.source_rows import mapping as source_mapping

GUIDE = "docs/scraping.md tells how to write a recipe."
PLACEHOLDERS = ("zip", "street")
BLANK = ("", "~", "null", "Null", "NULL")
LEAST_DELAY_SECONDS = 1.0
"""What any site may expect between two requests; only a site on this machine may be asked faster."""
PAGE_FIELDS = ("zip_asked", "page_url")
"""Fields of every item besides the recipe's own: the ZIP that was asked for and the page it was read from."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class FieldRule(_Part):
    """Where a field's text stands: a CSS selector within the row or page (`.`: the row itself).

    attribute: read it from this attribute. pattern: keep the first group of this regular expression.
    """

    selector: str = Field(min_length=1)
    attribute: str | None = None
    pattern: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"selector": value} if isinstance(value, str) else value

    @field_validator("pattern")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                groups = re.compile(value).groups
            except re.error as error:
                raise ValueError(f"is no regular expression: {error}") from error
            if groups != 1:
                raise ValueError("must have exactly one (group)")
        return value


class ListPage(_Part):
    """A page of rows. `empty` is what the site shows where a search finds nothing: without it, a page without rows
    is a changed layout. `next` leads to the following page, `detail` within a row to the row's own page.
    """

    rows: str = Field(min_length=1)
    empty: str = Field(min_length=1)
    fields: dict[str, FieldRule] = Field(min_length=1)
    next: str | None = None
    detail: str | None = None


class DetailPage(_Part):
    """A page about one property; its fields join those of the row that led there."""

    fields: dict[str, FieldRule] = Field(min_length=1)


class SearchForm(_Part):
    """A form to fill in for each ZIP or street: selector of each input → text, selector of the button."""

    url: str
    inputs: dict[str, str] = Field(min_length=1)
    submit: str = Field(min_length=1)


class DelaySeconds(_Part):
    """Each request waits a random time between these two; a longer crawl-delay in robots.txt wins."""

    min: float = Field(ge=0, le=600)
    max: float = Field(ge=0, le=600)

    @model_validator(mode="after")
    def _in_order(self) -> "DelaySeconds":
        if self.max < self.min:
            raise ValueError("max is less than min")
        return self


class Permission(_Part):
    """The site owner's written permission: who gave it, when, and where the paper is."""

    granted_by: str = Field(min_length=1)
    granted_on: dt.date
    document: str = Field(min_length=1)


class Recipe(_Part):
    """One site. `name` is its source and provider name; `terms_*` say who read the site's terms of use, and when."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{2,59}$")
    title: str = Field(min_length=1)
    site: str
    paths: tuple[str, ...] = Field(min_length=1)
    start: tuple[str, ...] = ()
    search: SearchForm | None = None
    javascript: bool = False
    list: ListPage
    detail: DetailPage | None = None
    mapping: source_mapping.Mapping
    delay_seconds: DelaySeconds
    pages_per_day: int = Field(ge=1, le=100_000)
    terms_url: str = Field(pattern=r"^https?://\S+$")
    terms_reviewed_by: str = Field(min_length=1)
    terms_reviewed_on: dt.date
    permission: Permission | None = None
    stealth: bool = False
    proxies: bool = False

    def allows(self, url: str) -> bool:
        """Whether the recipe's own limits let this address be asked for."""
        return lies_below(url, self.site, self.paths)

    @property
    def needs_street(self) -> bool:
        """Whether its searches want a street."""
        texts = [*self.start, *(self.search.inputs.values() if self.search else ())]
        return any("street" in names(text) for text in texts)

    def selectors(self) -> Iterator[tuple[str, str]]:
        """Every CSS selector with its key, so that a browser can say which of them are none."""
        yield "list.rows", self.list.rows
        yield "list.empty", self.list.empty
        for key, rule in self.list.fields.items():
            yield f"list.fields.{key}", rule.selector
        for key, selector in (("list.next", self.list.next), ("list.detail", self.list.detail)):
            if selector:
                yield key, selector
        for key, rule in (self.detail.fields if self.detail else {}).items():
            yield f"detail.fields.{key}", rule.selector
        if self.search:
            yield "search.submit", self.search.submit
            yield from (("search.inputs", selector) for selector in self.search.inputs)


def load_recipe(path: str | Path, *, today: dt.date) -> Recipe:
    """Read a recipe file. Raises InvalidInput naming the file and every faulty key at once."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The recipe {path} cannot be read: {error}.", remedy="Check the path.") from error
    return parse_recipe(text, path.name, today=today)


def parse_recipe(text: str, name: str, *, today: dt.date) -> Recipe:
    """Read a recipe from YAML text. Raises InvalidInput listing every fault with its key."""
    try:
        # BaseLoader builds only strings, lists and dicts: FIPS 01001 stays text, NO is no boolean.
        body = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise InvalidInput(f"{name} is not YAML: {error}.", remedy=GUIDE) from error
    body = _given(body)
    if not isinstance(body, dict):
        raise InvalidInput(f"{name} holds no keys.", remedy=GUIDE)
    faults: list[str] = []
    recipe = None
    try:
        recipe = Recipe.model_validate(body)
    except ValidationError as error:
        faults = [_described(fault, tuple(Recipe.model_fields)) for fault in error.errors()]
    faults += _cross_faults(body, today)
    if faults or recipe is None:
        listed = "\n".join(f"  - {fault}" for fault in dict.fromkeys(faults))
        raise InvalidInput(f"{name} is no valid recipe:\n{listed}\n", remedy=GUIDE)
    return recipe


def _given(value: Any) -> Any:
    """What was read without the keys that are left blank: a blank document is no document."""
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item not in BLANK}
    return [_given(item) for item in value] if isinstance(value, list) else value


def names(template: str) -> set[str]:
    """The placeholders of a template. Raises ValueError where its braces do not match."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _described(fault: Any, known: tuple[str, ...]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"{key}: is missing."
    if fault["type"] == "extra_forbidden":
        near = source_mapping.did_you_mean(key, known) if len(fault["loc"]) == 1 else ""
        return f"{key}: there is no such key.{near}"
    return f"{key}: {str(fault['msg']).removeprefix('Value error, ')} (given: {fault['input']!r})."


def _cross_faults(body: Mapping[str, Any], today: dt.date) -> list[str]:
    """What is wrong between the keys. Works on the YAML as read, so that it is reported beside faults of form."""
    return [
        *_name_faults(body),
        *_address_faults(body),
        *_page_faults(body),
        *_mapping_faults(body),
        *_date_faults(body, today),
        *_permission_faults(body),
        *_delay_faults(body),
    ]


def _name_faults(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("name") in PROVIDER_NAMES:
        yield f"name: {body['name']!r} is another provider's; pulls and ledger go by it."


def _address_faults(body: Mapping[str, Any]) -> Iterator[str]:
    site, paths = _text(body, "site"), [one for one in _many(body, "paths") if isinstance(one, str)]
    if site is not None and site_of(site) != site:
        yield f"site: must be scheme and host alone, like https://assessor.example (given: {site!r})."
        return
    yield from (f"paths: {path!r} must begin with /." for path in paths if not path.startswith("/"))
    has_search, starts = "search" in body, _many(body, "start")
    if has_search == bool(starts):
        yield "start, search: give one of the two: addresses to start at, or a form to fill in."
    search = _section(body, "search")
    inputs = _section(search, "inputs")
    for key, template in [("start", one) for one in starts] + [("search.inputs", one) for one in inputs.values()]:
        yield from (f"{key}: {fault}" for fault in _template_faults(template))
    for key, url in [("start", one) for one in starts] + ([("search.url", search["url"])] if "url" in search else []):
        if site and isinstance(url, str) and not lies_below(absolute_url(site, url), site, paths):
            yield f"{key}: {url!r} does not lie on {site} below one of the paths."


def _template_faults(template: Any) -> Iterator[str]:
    if not isinstance(template, str):
        return
    try:
        unknown = names(template).difference(PLACEHOLDERS)
    except ValueError as error:
        yield f"{template!r}: {error}."
        return
    yield from (f"{template!r} has {{{one}}}; there are {{zip}} and {{street}}." for one in sorted(unknown))


def _page_faults(body: Mapping[str, Any]) -> Iterator[str]:
    rows = _section(body, "list")
    if ("detail" in rows) != ("detail" in body):
        yield "list.detail, detail: a link to the row's page and the fields of that page belong together."
    for key, fields in (("list", _section(rows, "fields")), ("detail", _section(_section(body, "detail"), "fields"))):
        yield from (f"{key}.fields.{one}: this name is LeadFlow's own." for one in fields if one in PAGE_FIELDS)


def _mapping_faults(body: Mapping[str, Any]) -> Iterator[str]:
    fields = [*_section(_section(body, "list"), "fields"), *_section(_section(body, "detail"), "fields"), *PAGE_FIELDS]
    try:
        mapping = source_mapping.Mapping.model_validate(_section(body, "mapping"))
    except ValidationError:
        return  # reported with the faults of form
    for fault in source_mapping.mapping_faults(mapping, fields):
        yield f"mapping.{fault}".replace("is not a column of the file", "is no field of the recipe")


def _date_faults(body: Mapping[str, Any], today: dt.date) -> Iterator[str]:
    granted_on = _text(_section(body, "permission"), "granted_on")
    for key, text in (
        ("terms_reviewed_on", _text(body, "terms_reviewed_on")),
        ("permission.granted_on", granted_on),
    ):
        try:
            is_future = text is not None and dt.date.fromisoformat(text) > today
        except ValueError:
            continue  # reported with the faults of form
        if is_future:
            yield f"{key}: {text} lies in the future."


def _permission_faults(body: Mapping[str, Any]) -> Iterator[str]:
    for key in ("stealth", "proxies"):
        if str(body.get(key, "false")).lower() in ("true", "yes", "on", "1") and "permission" not in body:
            yield (
                f"{key}: is only for sites whose owner agreed in writing; name that in permission: "
                "granted_by, granted_on, document."
            )


def _delay_faults(body: Mapping[str, Any]) -> Iterator[str]:
    try:
        least = float(_section(body, "delay_seconds")["min"])
    except (KeyError, TypeError, ValueError):
        return  # reported with the faults of form
    if least < LEAST_DELAY_SECONDS and not is_loopback(_text(body, "site") or ""):
        yield f"delay_seconds.min: at least {LEAST_DELAY_SECONDS:g} second between two requests (given: {least:g})."


def _section(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def _many(body: Mapping[str, Any], key: str) -> list[Any]:
    found = body.get(key)
    return found if isinstance(found, list) else []


def _text(body: Mapping[str, Any], key: str) -> str | None:
    found = body.get(key)
    return found if isinstance(found, str) else None
