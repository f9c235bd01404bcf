"""HTML on disk, below LEADFLOW_HOME: pages received but not yet stored, and pages that failed, for diagnosis.

A page is on disk before it is read, so that a crash between receiving and storing does not ask for it again. Pages
that are done are in the lake, and their HTML is removed.
"""

import datetime as dt
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

BEGIN, END = b"<!-- leadflow ", b" -->\n"
Place = Literal["received", "failures"]


@dataclass(frozen=True)
class Received:
    """A page as it was received: its own address after redirects, when, and its HTML."""

    url: str
    fetched_at: dt.datetime
    html: str


@dataclass(frozen=True)
class KeptHtml:
    """The files of one recipe and day: `<home>/crawl/<org>/<recipe>/<day>/`."""

    home: Path
    org_slug: str
    recipe: str
    day: dt.date

    def keep(self, place: Place, url_hash: str, page: Received) -> str:
        """Writes the page whole or not at all; returns its path below the home."""
        target = self._file(place, url_hash)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = orjson.dumps({"url": page.url, "fetched_at": page.fetched_at}).replace(b">", b"\\u003e")
        unfinished = target.with_name(f".{url_hash}.{uuid.uuid4().hex}")
        with unfinished.open("wb") as sink:
            sink.write(BEGIN + told + END + page.html.encode("utf-8", "replace"))
            sink.flush()
            os.fsync(sink.fileno())
        unfinished.replace(target)
        return str(target.relative_to(self.home))

    def received(self, url_hash: str) -> Received | None:
        """A page that was received before, by this run or one that was killed; None where there is none."""
        try:
            content = self._file("received", url_hash).read_bytes()
        except FileNotFoundError:
            return None
        told, _, html = content.removeprefix(BEGIN).partition(END)
        head = orjson.loads(told)
        return Received(head["url"], dt.datetime.fromisoformat(head["fetched_at"]), html.decode())

    def path_of_received(self, url_hash: str) -> str:
        """Where a received page lies, below the home."""
        return str(self._file("received", url_hash).relative_to(self.home))

    def discard(self, url_hash: str) -> None:
        """Removes what was kept of a page, once it is in the lake."""
        for place in ("received", "failures"):
            self._file(place, url_hash).unlink(missing_ok=True)

    def _file(self, place: str, url_hash: str) -> Path:
        return self.home / "crawl" / self.org_slug / self.recipe / self.day.isoformat() / place / f"{url_hash}.html"
