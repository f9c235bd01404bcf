"""Crawling a county site with a real chromium: what lands, what is never asked for, where it stops."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.errors import InvalidInput, Terminal, Transient
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.scraper.browser import INSTALLED
from leadflow_pipelines.providers.scraper.crawl import CrawlReport
from leadflow_pipelines.providers.scraper.kept_html import KeptHtml, Received
from leadflow_pipelines.providers.scraper.refusals import CrawlStopped
from leadflow_pipelines.providers.scraper.rows import to_source_rows
from leadflow_pipelines.settings import load_settings
from tests.browser.county import (
    DAY,
    DETAILS,
    LISTS,
    PRIVATE,
    RECORDS,
    SITE,
    ZIP,
    County,
    Listener,
    in_a_thread,
    one_chromium,
)

HAS_CHROMIUM = any(shutil.which(name) for name in INSTALLED)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not HAS_CHROMIUM and os.environ.get("CI") != "true", reason="no chromium is installed"),
]


@pytest.fixture(scope="module", autouse=True)
def _chromium() -> Iterator[None]:
    with one_chromium():
        yield


@pytest.fixture(scope="module")
def site() -> Iterator[SandboxProcess]:
    with SandboxProcess(records_per_zip=RECORDS, today=DAY.isoformat()) as sandbox:
        yield sandbox


@pytest.fixture
def county(database: Database, org: Org, site: SandboxProcess, home: Path, tmp_path: Path) -> County:
    site.disarm_faults()
    site.clear_ledger()
    settings = load_settings(
        home=home, lake_url=str(tmp_path / "lake"), crawl_contact="crawler@county.example", http_attempts=3
    )
    return County(database, org, Lake(str(tmp_path / "lake" / org.slug)), settings, site)


Crawled = tuple[County, CrawlReport, dict[str, int]]


@pytest.fixture(scope="module")
def crawled(database: Database, site: SandboxProcess, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """A whole crawl, what it reported, and how often each path was asked for."""
    site.clear_ledger()
    lake = tmp_path_factory.mktemp("lake")
    org = create_org(database, f"t{uuid4().hex[:12]}")
    settings = load_settings(home=home, lake_url=str(lake), crawl_contact="crawler@county.example")
    county = County(database, org, Lake(str(lake / org.slug)), settings, site)
    report = county.crawl()
    return county, report, county.asked()


def test_every_sale_lands_once_with_its_parcels_facts(crawled: Crawled) -> None:
    county, report, _ = crawled
    assert (report.ended_by, report.items, report.is_partial) == ("finished", RECORDS, False)
    assert report.pages == {"done": LISTS + DETAILS, "refused": PRIVATE}
    raw = county.raw()
    payloads = [orjson.loads(one) for one in raw["payload"]]
    assert len({one["parcel"] for one in payloads}) == raw.height == RECORDS
    assert sum(one.get("owner") is not None for one in payloads) > DETAILS // 2
    rows = to_source_rows(raw, county.recipe(), day=DAY)
    assert rows.height == RECORDS
    assert set(rows["zip"]) == {ZIP}
    assert rows["sale_date"].null_count() == 0
    assert rows["assessed_cents"].null_count() == PRIVATE  # those know what the list says of them, no more
    assert rows["street"].null_count() == rows["parcel_number"].null_count() == 0


def test_the_ledger_has_each_page_and_no_price(crawled: Crawled) -> None:
    county, _, _ = crawled
    rows = county.ledger()
    assert {row["provider"] for row in rows} == {"simulated_county"}
    assert {row["outcome"] for row in rows} == {"ok"}
    assert len(rows) == LISTS + DETAILS
    assert sum(row["items"] for row in rows) == DETAILS
    assert {row["cost_cents"] for row in rows} == {0}


def test_disallowed_paths_are_never_asked_for(crawled: Crawled) -> None:
    county, _, asked = crawled
    assert asked["/robots.txt"] == 1
    assert set(asked.values()) == {1}
    assert len(asked) == LISTS + DETAILS + 1
    assert not [path for path in asked if "/private/" in path or "print=" in path]
    refused = [page for page in county.pages() if page["state"] == "refused"]
    assert {page["attempts"] for page in refused} == {0}
    assert all("robots.txt forbids" in page["message"] for page in refused)


def test_paths_outside_the_recipe_are_never_asked_for(county: County) -> None:
    report = county.crawl(county.recipe(paths=[f"{SITE}/sales"]))
    assert report.pages == {"done": LISTS, "refused": RECORDS}
    assert report.items == RECORDS
    assert not [path for path in county.asked() if "/parcel/" in path]
    assert all("do not cover" in page["message"] for page in county.pages() if page["state"] == "refused")


def test_a_redirect_to_a_closed_path_is_not_followed(county: County) -> None:
    report = county.crawl(county.at("elsewhere"))
    assert report.pages == {"refused": 1}
    assert set(county.asked()) == {"/robots.txt", f"{SITE}/elsewhere"}


def test_the_days_budget_holds_over_runs(county: County) -> None:
    recipe = county.recipe(pages_per_day=3)
    first = county.crawl(recipe)
    assert (first.ended_by, first.requests, first.requests_left_today, first.is_partial) == ("budget", 3, 0, True)
    second = county.crawl(recipe)
    assert (second.ended_by, second.requests) == ("budget", 0)
    asked = county.asked()
    assert sum(count for path, count in asked.items() if path != "/robots.txt") == 3


def test_max_pages_caps_a_run_and_the_next_goes_on(county: County) -> None:
    first = county.crawl(max_pages=4)
    assert (first.ended_by, first.requests) == ("max_pages", 4)
    second = county.crawl()
    assert (second.ended_by, second.requests) == ("finished", LISTS + DETAILS - 4)
    assert set(county.asked().values()) == {1}  # robots.txt too: it is kept for the day
    assert county.raw().height == RECORDS
    assert county.crawl().requests == 0


def test_each_request_waits_within_the_bounds(crawled: Crawled) -> None:
    county, _, _ = crawled
    assert len(county.waits) == LISTS + DETAILS
    assert all(0.2 <= wait <= 0.5 for wait in county.waits)  # the recipe 0.1 to 0.5, robots.txt 0.2
    assert len(set(county.waits)) > 10


def test_a_longer_crawl_delay_wins(county: County) -> None:
    county.crawl(county.recipe(delay_seconds={"min": 0.05, "max": 0.1}), max_pages=4)
    assert all(0.2 <= wait <= 0.2501 for wait in county.waits)


@pytest.mark.parametrize(
    ("page", "kind", "told"),
    [
        ("members", "login", "asks for a login (sent on to a login page)"),
        ("account", "login", "asks for a login (a password field)"),
        ("checked", "captcha", "shows a CAPTCHA (a CAPTCHA frame)"),
        ("forbidden", "forbidden", "HTTP 403"),
        ("busy", "too_many", "HTTP 429 without Retry-After"),
        ("blocked", "block_page", 'it says "Access denied"'),
    ],
)
def test_a_no_stops_the_recipe_at_once(county: County, page: str, kind: str, told: str) -> None:
    recipe = county.recipe(start=[f"{SITE}/{page}", f"{SITE}/sales?zip={{zip}}"], paths=[f"{SITE}/"])
    with pytest.raises(CrawlStopped) as stopped:
        county.crawl(recipe)
    error = stopped.value
    assert error.kind == kind
    assert told in error.message
    assert "--clear-stop" in (error.remedy or "")
    assert county.asked() == {"/robots.txt": 1, f"{SITE}/{page}": 1}
    if page != "members":
        assert error.html_path is not None
        assert Path(error.html_path).read_text().startswith("<!-- leadflow ")

    with pytest.raises(Terminal, match="stopped since") as still:
        county.crawl(recipe)
    assert told in str(still.value)
    assert sum(county.asked().values()) == 2


def test_after_a_stop_is_cleared_the_page_that_said_no_is_not_asked_for_again(county: County) -> None:
    recipe = county.recipe(start=[f"{SITE}/forbidden", f"{SITE}/sales?zip={{zip}}"], paths=[f"{SITE}/"])
    with pytest.raises(CrawlStopped):
        county.crawl(recipe)
    in_a_thread(county.run(recipe).clear_stop)
    assert county.crawl(recipe, max_pages=1).requests == 1
    assert county.asked()[f"{SITE}/forbidden"] == 1


def test_a_no_stops_the_other_processes_too(county: County) -> None:
    run = county.run(county.recipe())

    def another_process_is_stopped(seconds: float) -> None:
        county.waits.append(seconds)
        if len(county.waits) == 2:
            with county.database.as_org(county.org.org_id) as connection:
                run.book.stop(connection, kind="captcha", url="u", message="no", html_path=None, now=run.clock())

    run.sleep = another_process_is_stopped
    with pytest.raises(Terminal, match="stopped since"):
        in_a_thread(lambda: run.run([ZIP]))
    assert sum(county.asked().values()) == 1 + 2  # robots.txt, and the page that was under way


def test_a_page_that_fails_at_first_is_asked_again(county: County) -> None:
    report = county.crawl(county.at("flaky?zip={zip}", detail=None, list=_list_without_details(county)))
    assert report.ended_by == "finished"
    assert county.asked()[f"{SITE}/flaky?zip={ZIP}"] == 2
    outcomes = [row["outcome"] for row in sorted(county.ledger(), key=lambda row: (row["called_at"], row["attempt"]))]
    assert outcomes[:2] == ["transient", "ok"]
    assert report.requests == len(outcomes)


def test_a_site_that_stays_down_is_left_after_bounded_attempts(county: County) -> None:
    county.crawl(max_pages=1)
    county.sandbox.arm_fault("county_site", "status", status=502, share=1.0)
    county.sandbox.clear_ledger()
    report = county.crawl()
    assert report.ended_by == "failures"
    assert report.pages["failed"] == 3
    assert max(county.asked().values()) == 3
    assert "HTTP 502" in report.failures[0]
    failed = next(page for page in county.pages() if page["state"] == "failed")
    assert (county.settings.home / failed["html_path"]).exists()
    county.sandbox.disarm_faults()
    again = county.crawl(max_pages=3)
    assert again.pages["done"] == 4
    assert again.pages.get("failed") is None


def test_a_wish_to_wait_is_granted(county: County) -> None:
    county.crawl(max_pages=1)
    county.sandbox.arm_fault("county_site", "status", status=429, retry_after="17", times=1)
    report = county.crawl(max_pages=3)
    assert report.pages.get("failed") is None
    assert max(county.waits) >= 17


def test_a_changed_layout_is_told_and_read_again_once_mended(county: County) -> None:
    recipe = county.at("redesigned", detail=None, list=_list_without_details(county))
    report = county.crawl(recipe)
    assert report.is_partial
    assert "neither list.rows nor list.empty" in report.failures[0]
    (page,) = county.pages()
    assert "new-look" in (county.settings.home / page["html_path"]).read_text()
    mended = county.at("redesigned", detail=None, list={**_list_without_details(county), "empty": ".new-look"})
    assert county.crawl(mended).pages == {"done": 1}
    assert county.asked()[f"{SITE}/redesigned"] == 1


def test_a_crawl_removes_html_kept_too_long(county: County) -> None:
    kept = KeptHtml(county.settings.home, county.org.slug, "another_county", dt.date(2020, 1, 2))
    page = kept.keep("failures", "a", Received("http://site.example/", dt.datetime(2020, 1, 2, tzinfo=dt.UTC), "x"))
    os.utime(county.settings.home / page, (0, 0))
    county.crawl(max_pages=1)
    assert not (county.settings.home / page).exists()


def test_a_form_is_filled_in_for_each_zip(county: County) -> None:
    search = {"url": f"{SITE}/search", "inputs": {"#zip": "{zip}"}, "submit": "#go"}
    recipe = county.recipe(start=None, search=search, paths=[f"{SITE}/"])
    report = county.crawl(recipe, max_pages=4)
    assert county.asked()[f"{SITE}/results"] == county.asked()[f"{SITE}/search"] == 1
    assert (report.requests, report.items) == (4, 2)
    assert {page["zip"] for page in county.pages()} == {ZIP}
    assert report.pages == {"done": 3, "queued": 9}


def test_robots_that_cannot_be_had_forbid_everything(county: County) -> None:
    county.sandbox.arm_fault("county_site", "status", status=503, share=1.0)
    with pytest.raises(Transient, match=r"robots\.txt answered HTTP 503"):
        county.crawl()
    assert set(county.asked()) == {"/robots.txt"}
    county.sandbox.disarm_faults()
    assert county.crawl(max_pages=1).requests == 1  # it is asked for again


def test_no_robots_allow_everything(county: County) -> None:
    county.sandbox.arm_fault("county_site", "status", status=404, times=1)
    report = county.crawl(max_pages=1 + 10)
    assert report.pages.get("refused") is None
    assert [path for path in county.asked() if "/private/" in path]


def test_who_asks_is_said(county: County) -> None:
    with Listener() as (url, heard):
        recipe = county.recipe(site=url, paths=["/"], start=["/sales"])
        county.crawl(recipe, max_pages=1)
    assert {agent for _, agent in heard} == {"LeadFlow/0.1.0 (+crawler@county.example)"}
    assert [path for path, _ in heard] == ["/robots.txt", "/sales"]


def test_without_a_contact_nothing_is_crawled(county: County) -> None:
    with pytest.raises(InvalidInput, match="LEADFLOW_CRAWL_CONTACT"):
        county.crawl(crawl_contact=None)
    assert county.asked() == {}


def test_faulty_selectors_are_told_before_anything_is_asked(county: County) -> None:
    rules = county.recipe().list.model_dump(exclude_none=True) | {"rows": "table >", "next": "a[["}
    with pytest.raises(InvalidInput) as told:
        county.crawl(county.recipe(list=rules))
    assert "list.rows: 'table >'" in told.value.message
    assert "list.next: 'a[['" in told.value.message
    assert county.asked() == {}


def test_a_simulated_org_never_meets_a_real_site(county: County, database: Database) -> None:
    county.org = create_org(database, f"s{county.org.slug[1:]}", is_simulated=True)
    recipe = county.recipe(
        site="https://assessor.example", delay_seconds={"min": 2, "max": 3}, paths=["/"], start=["/"]
    )
    with pytest.raises(InvalidInput, match="never meet"):
        county.crawl(recipe)


PERMISSION = {"granted_by": "Pat Example, county clerk", "granted_on": "2026-10-01", "document": "letter 2026-17"}


def test_stealth_and_proxies_need_the_owners_permission(county: County) -> None:
    for wish in ("stealth", "proxies"):
        with pytest.raises(InvalidInput, match=f"{wish}: is only for sites whose owner agreed in writing"):
            county.recipe(**{wish: True})
        with pytest.raises(InvalidInput, match=r"permission\.document: is missing"):
            county.recipe(**{wish: True, "permission": {**PERMISSION, "document": None}})
        permitted = county.recipe(**{wish: True, "permission": PERMISSION})
        with pytest.raises(InvalidInput, match=f"LEADFLOW_CRAWL_{wish.upper()} is off here"):
            county.crawl(permitted)
        unpermitted = permitted.model_copy(update={"permission": None})
        with pytest.raises(InvalidInput, match="without the owner's written permission"):
            county.crawl(unpermitted, crawl_stealth=True)
    assert county.asked() == {}


def test_a_permission_alone_disguises_nothing(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    worn: list[Any] = []
    monkeypatch.setattr("leadflow_pipelines.providers.scraper.browser.put_on_stealth", worn.append)
    county.crawl(county.recipe(permission=PERMISSION), max_pages=1, crawl_stealth=True)
    assert worn == []
    county.crawl(county.recipe(permission=PERMISSION, stealth=True), max_pages=1, crawl_stealth=True)
    assert len(worn) == 1


def test_a_no_stops_a_disguised_recipe_too(county: County) -> None:
    recipe = county.at("forbidden", permission=PERMISSION, stealth=True)
    with pytest.raises(CrawlStopped, match="HTTP 403"):
        county.crawl(recipe, crawl_stealth=True)
    assert county.asked()[f"{SITE}/forbidden"] == 1


def test_pages_take_turns_through_the_proxies(county: County) -> None:
    with Listener() as (first, through_first), Listener() as (second, through_second):
        settings = load_settings(crawl_proxies=f"{first},{second}")
        recipe = county.recipe(permission=PERMISSION, proxies=True)
        county.crawl(recipe, max_pages=2, crawl_proxies=settings.crawl_proxies)
    assert len(through_first) == len(through_second) == 1
    assert {path for path, _ in through_first + through_second} == {county.sandbox.url.removeprefix("http://")}
    assert not [path for path in county.asked() if path != "/robots.txt"]


def test_the_stealth_package_is_asked_for_where_it_is_missing(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "playwright_stealth", None)
    recipe = county.recipe(permission=PERMISSION, stealth=True)
    with pytest.raises(InvalidInput, match=r"leadflow\[stealth\]"):
        county.crawl(recipe, crawl_stealth=True)


def _list_without_details(county: County) -> dict[str, Any]:
    rules = county.recipe().list.model_dump(exclude_none=True) | {"detail": None}
    everything = ("owner", "mailing", "land_use", "year_built", "living_area", "lot", "assessed")
    fields = {**rules["fields"], **{name: {"selector": f".{name}"} for name in everything}}
    return {key: value for key, value in (rules | {"fields": fields}).items() if value is not None}
