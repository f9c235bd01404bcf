"""HTML on disk, below LEADFLOW_HOME: pages received but not yet stored, and pages that failed, for diagnosis.

A page is on disk before it is read, so that a crash between receiving and storing does not ask for it again. Pages
that are done are in the lake, and their HTML is removed; what failed is pruned by age and by size.
"""

import datetime as dt
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

FOLDER = "crawl"
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
        return self.home / FOLDER / self.org_slug / self.recipe / self.day.isoformat() / place / f"{url_hash}.html"


def prune_kept_html(
    home: Path, org_slug: str, *, now: dt.datetime, keep_days: int, keep_bytes: int, in_use: dt.date
) -> int:
    """Removes the org's kept HTML older than `keep_days`, then the oldest of what is more than `keep_bytes`.

    Returns how many files went. The pages of the day that is being crawled stay, whatever their size: they are what a
    run that was killed goes on from.
    """
    root = home / FOLDER / org_slug
    files = sorted((path for path in root.glob("*/*/*/*") if path.is_file()), key=lambda path: path.stat().st_mtime)
    oldest, held, removed = (now - dt.timedelta(days=keep_days)).timestamp(), 0, 0
    for path in reversed(files):
        of_today = path.parents[1].name == in_use.isoformat()
        held += path.stat().st_size
        if not of_today and (path.stat().st_mtime < oldest or held > keep_bytes):
            path.unlink(missing_ok=True)
            removed += 1
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        if folder.stat().st_mtime < oldest and not any(folder.iterdir()):  # a new one is another run's
            folder.rmdir()
    return removed
