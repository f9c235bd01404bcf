"""What a crawl has asked, what it still has to ask, and what it may ask today: its state, all in Postgres.

Functions take the caller's transaction. Not here: asking (`crawl`), the raw pulls and the ledger, which are those
of every provider.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from leadflow_pipelines.database.tables import crawl_days, crawl_pages, crawl_stops
from leadflow_pipelines.providers.scraper.addresses import hash_of
from leadflow_pipelines.spend.call import Call

PageKind = Literal["search", "list", "detail"]
PageState = Literal["queued", "done", "failed", "refused"]
ENDPOINT = "page"
MOST_ATTEMPTS = 12
"""Requests one page may have in all, over any number of runs: a page that never comes is not asked for forever."""

HOST_LOCK = text("select pg_advisory_xact_lock(hashtextextended('crawl:' || :site, 0))")
"""One page at a time per host, whatever the org: the lock ends with the transaction that stores the page."""


@dataclass(frozen=True)
class Found:
    """A page to ask for. `carried`: a form's values, or the list row that led to a detail."""

    kind: PageKind
    url: str
    zip: str | None
    carried: Mapping[str, Any]

    @property
    def url_hash(self) -> str:
        """Its identity within a recipe and day."""
        return hash_of(self.url, self.carried if self.kind == "search" else {})

    def call(self, recipe: str, day: dt.date) -> Call:
        """The page as a call: its fingerprint names its raw pull and its ledger rows."""
        values = self.carried if self.kind == "search" else {}
        return Call(recipe, ENDPOINT, {"url": self.url, **values}, self.zip, day)


@dataclass(frozen=True)
class Queued:
    """A page whose turn it is. `was_received`: an earlier run got it and wrote that down, but could not read it."""

    url_hash: str
    page: Found
    was_received: bool


@dataclass(frozen=True)
class Book:
    """One recipe's pages of one partition day."""

    org_id: uuid.UUID
    recipe: str
    day: dt.date

    def add(self, connection: Connection, pages: Sequence[Found], now: dt.datetime) -> None:
        """Queues pages; those known already are left as they are, so that no page is fetched twice."""
        rows = [
            {
                "org_id": self.org_id,
                "recipe": self.recipe,
                "day": self.day,
                "url_hash": page.url_hash,
                "url": page.url,
                "kind": page.kind,
                "zip": page.zip,
                "carried": dict(page.carried),
                "state": "queued",
                "queued_at": now,
                "place": place,
            }
            for place, page in enumerate(pages)
        ]
        if rows:
            connection.execute(insert(crawl_pages).on_conflict_do_nothing(), rows)

    def queue_failed(self, connection: Connection) -> None:
        """Lets pages that failed be tried again, within their bound."""
        pages = crawl_pages.c
        connection.execute(
            update(crawl_pages)
            .where(*self._own(), pages.state == "failed", pages.attempts < MOST_ATTEMPTS)
            .values(state="queued", message=None)
        )

    def next_page(self, connection: Connection) -> Queued | None:
        """The page that was found first of those still queued."""
        pages = crawl_pages.c
        row = connection.execute(
            select(pages.url_hash, pages.kind, pages.url, pages.zip, pages.carried, pages.fetched_at)
            .where(*self._own(), pages.state == "queued")
            .order_by(pages.queued_at, pages.place, pages.url_hash)
            .limit(1)
        ).one_or_none()
        if row is None:
            return None
        return Queued(row.url_hash, Found(row.kind, row.url, row.zip, row.carried), row.fetched_at is not None)

    def close(
        self,
        connection: Connection,
        url_hash: str,
        state: PageState,
        *,
        fetched_at: dt.datetime | None = None,
        items: int = 0,
        message: str | None = None,
        html_path: str | None = None,
    ) -> None:
        """Writes what became of a page."""
        connection.execute(
            update(crawl_pages)
            .where(*self._own(), crawl_pages.c.url_hash == url_hash)
            .values(state=state, fetched_at=fetched_at, items=items, message=message, html_path=html_path)
        )

    def counts(self, connection: Connection) -> dict[str, int]:
        """How many pages are in each state."""
        query = (
            select(crawl_pages.c.state, func.count().label("pages")).where(*self._own()).group_by(crawl_pages.c.state)
        )
        return {row.state: row.pages for row in connection.execute(query)}

    def count_request(self, connection: Connection, url_hash: str, *, today: dt.date, most: int) -> bool:
        """Counts one request against the day's budget; False, and nothing counted, where it has no room."""
        own = {"org_id": self.org_id, "recipe": self.recipe, "day": today}
        connection.execute(insert(crawl_days).values(**own).on_conflict_do_nothing())
        days = crawl_days.c
        counted = connection.execute(
            update(crawl_days)
            .where(days.org_id == self.org_id, days.recipe == self.recipe, days.day == today, days.requests < most)
            .values(requests=days.requests + 1)
        ).rowcount
        if counted:
            pages = crawl_pages.c
            connection.execute(
                update(crawl_pages).where(*self._own(), pages.url_hash == url_hash).values(attempts=pages.attempts + 1)
            )
        return bool(counted)

    def requests(self, connection: Connection, today: dt.date) -> int:
        """Requests counted today."""
        days = crawl_days.c
        query = select(days.requests).where(days.org_id == self.org_id, days.recipe == self.recipe, days.day == today)
        return connection.execute(query).scalar() or 0

    def stop(
        self, connection: Connection, *, kind: str, url: str, message: str, html_path: str | None, now: dt.datetime
    ) -> None:
        """Stops the recipe until an operator clears it."""
        row = {"kind": kind, "url": url, "message": message, "html_path": html_path, "stopped_at": now}
        connection.execute(
            insert(crawl_stops)
            .values(org_id=self.org_id, recipe=self.recipe, **row)
            .on_conflict_do_update(index_elements=["org_id", "recipe"], set_=row)
        )

    def standing_stop(self, connection: Connection) -> tuple[dt.datetime, str] | None:
        """Since when and why the recipe is stopped; None where it is not."""
        stops = crawl_stops.c
        row = connection.execute(
            select(stops.stopped_at, stops.message).where(stops.org_id == self.org_id, stops.recipe == self.recipe)
        ).one_or_none()
        return None if row is None else (row.stopped_at, row.message)

    def clear_stop(self, connection: Connection) -> bool:
        """Lets a stopped recipe crawl again; whether it was stopped. The page that stopped it stays refused."""
        stops = crawl_stops.c
        gone = delete(crawl_stops).where(stops.org_id == self.org_id, stops.recipe == self.recipe)
        return bool(connection.execute(gone).rowcount)

    def _own(self) -> tuple[Any, ...]:
        pages = crawl_pages.c
        return pages.org_id == self.org_id, pages.recipe == self.recipe, pages.day == self.day
