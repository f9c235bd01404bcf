"""HTML of failed pages on disk: kept for diagnosis, pruned by age and by size."""

import datetime as dt
import os
from pathlib import Path

import pytest

from leadflow_pipelines.providers.scraper.kept_html import FOLDER, KeptHtml, Received, prune_kept_html

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
BIG = "x" * 1000


def keep(home: Path, days_ago: int, name: str = "a", *, org: str = "acme", recipe: str = "county") -> Path:
    """A page that failed so many days ago."""
    day = (NOW - dt.timedelta(days=days_ago)).date()
    kept = KeptHtml(home, org, recipe, day).keep("failures", name, Received("http://site.example/", NOW, BIG))
    path = home / kept
    then = (NOW - dt.timedelta(days=days_ago)).timestamp()
    for one in (path, *path.parents[:3]):
        os.utime(one, (then, then))
    return path


def prune(home: Path, *, days: int = 30, size: int = 1_000_000) -> int:
    return prune_kept_html(home, "acme", now=NOW, keep_days=days, keep_bytes=size, in_use=NOW.date())


def test_what_is_too_old_goes_with_its_folder_and_nothing_else(tmp_path: Path) -> None:
    old, gone, young, others = (
        keep(tmp_path, 31),
        keep(tmp_path, 40, recipe="another"),
        keep(tmp_path, 29),
        keep(tmp_path, 31, org="other"),
    )
    assert prune(tmp_path) == 2
    assert [path.exists() for path in (old, gone, young, others)] == [False, False, True, True]
    assert prune(tmp_path) == 0


def test_of_too_much_the_oldest_go_and_todays_stay(tmp_path: Path) -> None:
    pages = [keep(tmp_path, days, f"page{days}") for days in (0, 1, 2, 3)]
    assert prune(tmp_path, size=2500) == 2
    assert [page.exists() for page in pages] == [True, True, False, False]
    assert prune(tmp_path, size=100) == 1
    assert pages[0].exists(), "a run that was killed goes on from it"


def test_empty_folders_of_long_ago_go(tmp_path: Path) -> None:
    page = keep(tmp_path, 31)
    prune(tmp_path)
    folder = page.parents[1]
    for one in (page.parent, folder):
        os.utime(one, (0, 0))
    prune(tmp_path)
    os.utime(folder, (0, 0)) if folder.exists() else None
    prune(tmp_path)
    assert not folder.exists()


def test_without_a_crawl_there_is_nothing_to_prune(tmp_path: Path) -> None:
    assert prune(tmp_path) == 0
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.parametrize("place", ["received", "failures"])
def test_both_places_are_pruned(tmp_path: Path, place: str) -> None:
    path = keep(tmp_path, 31)
    moved = path.parents[1] / place / "b.html"
    moved.parent.mkdir(exist_ok=True)
    path.rename(moved)
    assert prune(tmp_path) == 1
