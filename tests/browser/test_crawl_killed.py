"""A crawl killed without warning: the next run goes on, and asks for no page that was fetched before."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.scraper.book import Book, Found
from leadflow_pipelines.providers.scraper.browser import INSTALLED
from leadflow_pipelines.providers.scraper.crawl import starting_pages
from leadflow_pipelines.providers.scraper.kept_html import Received
from leadflow_pipelines.settings import load_settings
from tests.browser.county import DAY, DETAILS, LISTS, RECORDS, SITE, ZIP, County, recipe_text
from tests.commands import leadflow, leadflow_here

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not any(shutil.which(name) for name in INSTALLED) and os.environ.get("CI") != "true",
        reason="no chromium is installed",
    ),
]
CRAWLER = """
import datetime as dt, sys
from pathlib import Path
from leadflow_pipelines.database.orgs import find_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.providers.scraper.crawl import Crawl
from leadflow_pipelines.providers.scraper.recipe import parse_recipe
from leadflow_pipelines.settings import get_settings
from leadflow_pipelines.spend.ledger import Origin

settings = get_settings()
database = open_database(settings)
org = find_org(database, settings.org)
recipe = parse_recipe(Path(sys.argv[1]).read_text(), "test.yaml", today=dt.date.fromisoformat(sys.argv[2]))
Crawl(
    recipe=recipe, day=dt.date.fromisoformat(sys.argv[2]), database=database, org=org,
    raw=open_lake(settings, org.slug).raw, settings=settings, origin=Origin(), sleep=lambda seconds: None,
).run([sys.argv[3]])
"""
LONGEST_SECONDS = 120


@pytest.fixture(scope="module")
def site() -> Iterator[SandboxProcess]:
    with SandboxProcess(records_per_zip=RECORDS, today=DAY.isoformat()) as sandbox:
        yield sandbox


@pytest.fixture
def county(database: Database, org: Org, site: SandboxProcess, home: Path, tmp_path: Path) -> County:
    site.clear_ledger()
    settings = load_settings(home=home, lake_url=str(tmp_path / "lake"), crawl_contact="crawler@county.example")
    return County(database, org, Lake(str(tmp_path / "lake" / org.slug)), settings, site)


def test_after_a_kill_no_fetched_page_is_asked_for_again(county: County, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe_text(county.sandbox.url))
    for pages_done in (2, 6):
        crawler = subprocess.Popen(
            [sys.executable, "-c", CRAWLER, str(recipe), DAY.isoformat(), ZIP],
            env=county.environment(),
            start_new_session=True,
        )
        deadline = time.monotonic() + LONGEST_SECONDS
        while len(_done(county)) < pages_done and crawler.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)  # until the other process has come so far
        assert crawler.poll() is None
        os.killpg(crawler.pid, signal.SIGKILL)
        crawler.wait()
    done = _done(county)
    asked = county.asked()
    assert 6 <= len(done) < LISTS + DETAILS
    report = county.crawl()
    assert (report.ended_by, report.is_partial) == ("finished", False)
    again = county.asked()
    fetched = {page["url"].removeprefix(county.sandbox.url) for page in done}
    assert (
        {path: again[path] for path in fetched} == {path: asked[path] for path in fetched} == dict.fromkeys(fetched, 1)
    )
    assert sum(again.values()) <= LISTS + DETAILS + 1 + 2  # at worst the page under way at each kill
    raw = county.raw()
    assert raw.height == raw["item_key"].n_unique() == RECORDS
    assert [row["outcome"] for row in county.ledger()] == ["ok"] * (LISTS + DETAILS)


def test_a_page_received_before_the_kill_is_read_from_disk(county: County) -> None:
    """Killed between receiving and storing: the HTML lies on disk, the page is still queued."""
    recipe = county.recipe()
    run = county.run(recipe)
    (page,) = starting_pages(recipe, [ZIP], [])
    with county.database.as_org(county.org.org_id) as connection:
        run.book.add(connection, [page], run.clock())
    run.kept.keep("received", page.url_hash, Received(page.url, run.clock(), "<p id='no-sales'>none</p>"))
    report = county.crawl(recipe)
    assert (report.ended_by, report.requests, report.pages) == ("finished", 0, {"done": 1})
    assert set(county.asked()) == {"/robots.txt"}
    assert [row["outcome"] for row in county.ledger()] == ["ok"]


def test_the_budget_is_never_passed_by_concurrent_counts(county: County) -> None:
    book = Book(county.org.org_id, "simulated_county", DAY)
    page = Found("list", f"{county.sandbox.url}{SITE}/sales", ZIP, {})

    def count() -> bool:
        with county.database.as_org(county.org.org_id) as connection:
            return book.count_request(connection, page.url_hash, today=DAY, most=7)

    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(6) as pool:
        counted = list(pool.map(lambda _: count(), itertools.repeat(None, 20)))
    assert sum(counted) == 7


def test_the_command_crawls_and_says_what_came(county: County, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe_text(county.sandbox.url))
    crawled = leadflow(
        "source", "crawl", str(recipe), "--zip", ZIP, "--max-pages", "1", "--json", environment=county.environment()
    )
    assert crawled.exit_code == 0, crawled.err
    assert (crawled.json["ended_by"], crawled.json["requests"], crawled.json["is_partial"]) == ("max_pages", 1, True)
    assert crawled.json["cost_cents"] == 0

    recipe.write_text(recipe_text(county.sandbox.url, start=[f"{SITE}/forbidden"], paths=[f"{SITE}/"]))
    stopped = leadflow("source", "crawl", str(recipe), "--zip", ZIP, environment=county.environment())
    assert stopped.exit_code == 1
    told = " ".join(stopped.err.split())
    assert "answered that we may not have the page (HTTP 403)" in told
    assert "Ask the site's owner" in told


def test_the_command_checks_a_recipe(county: County, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe_text(county.sandbox.url))
    good = leadflow_here("source", "recipe-check", str(recipe), "--json", environment=county.environment())
    assert good.exit_code == 0, good.err
    assert good.json["name"] == "simulated_county"
    recipe.write_text(recipe_text(county.sandbox.url, pages_per_day="many", terms_reviewed_by=None))
    bad = leadflow_here("source", "recipe-check", str(recipe), environment=county.environment())
    assert bad.exit_code == 1
    assert "recipe.yaml" in bad.err
    assert "pages_per_day" in bad.err
    assert "terms_reviewed_by: is missing" in bad.err
    assert county.asked() == {}


def _done(county: County) -> list[dict[str, object]]:
    return [dict(page) for page in county.pages() if page["state"] == "done"]
