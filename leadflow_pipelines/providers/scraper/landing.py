"""A received page into the lake and the queue: its items as a raw pull, its links as pages to ask for.

Everything in Postgres is written in the caller's transaction, after the raw file is published. Not here: asking for
pages (`asking`), what the items mean (`rows`).
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import orjson
from sqlalchemy import Connection

from leadflow_pipelines.contracts import UNLOCATED
from leadflow_pipelines.errors import Terminal
from leadflow_pipelines.providers.pulls import Pull, RawStore, raw_frame, record_pulls
from leadflow_pipelines.providers.scraper.book import Found
from leadflow_pipelines.providers.scraper.extract import Reader
from leadflow_pipelines.providers.scraper.kept_html import Received
from leadflow_pipelines.providers.scraper.recipe import Recipe
from leadflow_pipelines.providers.source import Item, Reply

REMEDY = "Look at the kept HTML, mend the recipe's selectors, and crawl again: the page is then read, not asked for."


@dataclass(frozen=True)
class Landed:
    """What a page gave: its items, and the pages it leads to."""

    items: tuple[Mapping[str, str | None], ...]
    found: tuple[Found, ...]


def read_page(reader: Reader, recipe: Recipe, page: Found, received: Received) -> Landed:
    """The page's items and links. Raises Terminal where its layout is not the recipe's."""
    if page.kind == "detail":
        assert recipe.detail is not None
        fields = reader.detail_page(received.html, recipe.detail.fields)
        if not any(fields.values()):
            raise Terminal("none of detail.fields is on the page", provider=recipe.name, remedy=REMEDY)
        own = {name: value for name, value in fields.items() if value is not None}
        return Landed((_item({**page.carried, **own}, page, received.url),), ())
    reading = reader.list_page(received.html, received.url, recipe)
    if not reading.rows and not reading.is_empty:
        raise Terminal("the page has neither list.rows nor list.empty", provider=recipe.name, remedy=REMEDY)
    if reading.rows and not any(value for row in reading.rows for value in row.fields.values()):
        raise Terminal("no row holds any of list.fields", provider=recipe.name, remedy=REMEDY)
    filled = [row for row in reading.rows if any(row.fields.values())]
    items = tuple(_item(row.fields, page, received.url) for row in filled if row.detail_url is None)
    found = [Found("detail", row.detail_url, page.zip, row.fields) for row in filled if row.detail_url is not None]
    if reading.next_url is not None:
        found.append(Found("list", reading.next_url, page.zip, {}))
    return Landed(items, tuple(found))


def row_alone(page: Found) -> Mapping[str, str | None]:
    """What a list row says of a property whose own page may not be asked for."""
    return _item(page.carried, page, page.url)


def store_items(
    connection: Connection,
    raw: RawStore,
    org_id: uuid.UUID,
    recipe: Recipe,
    page: Found,
    items: Sequence[Mapping[str, str | None]],
    *,
    day: dt.date,
    fetched_at: dt.datetime,
) -> None:
    """Publishes the page's items as a raw pull and makes it the cached answer for that page. It costs nothing."""
    call = page.call(recipe.name, day)
    reply = Reply([Item(_key(one, recipe), orjson.dumps(one).decode()) for one in items], 0, call.parameters)
    frame = raw_frame([call], [reply], [Decimal(0)], fetched_at)
    path = raw.write_raw(recipe.name, day, page.zip or UNLOCATED, call.fingerprint, frame)
    pull = Pull(call, path, len(items), Decimal(0), fetched_at, call.parameters, is_cached=False)
    record_pulls(connection, org_id, [pull])


def _item(fields: Mapping[str, str | None], page: Found, url: str) -> Mapping[str, str | None]:
    return {**fields, "zip_asked": page.zip, "page_url": url}


def _key(item: Mapping[str, str | None], recipe: Recipe) -> str | None:
    """The source's own id of the item, where the recipe maps one; else its parcel number."""
    for target in ("source_record_id", "parcel_number"):
        rule = recipe.mapping.columns.get(target)
        values = _present(item.get(name) for name in rule.columns) if rule else ()
        if values:
            return " ".join(values)
    return None


def _present(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(value for value in values if value)
