"""Recipes and what they may ask for: every fault at once, addresses that stay inside, rules of robots.txt, refusals."""

import datetime as dt
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
import yaml

from leadflow_pipelines.contracts import RAW_PULLS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.scraper.addresses import absolute_url, is_login, lies_below
from leadflow_pipelines.providers.scraper.crawl import starting_pages
from leadflow_pipelines.providers.scraper.disguise import user_agent
from leadflow_pipelines.providers.scraper.recipe import Recipe, load_recipe, parse_recipe
from leadflow_pipelines.providers.scraper.refusals import PageSigns, refusal_by_signs, refusal_by_status
from leadflow_pipelines.providers.scraper.robots import Robots
from leadflow_pipelines.providers.scraper.rows import to_source_rows
from leadflow_pipelines.settings import PROJECT_ROOT, load_settings

TODAY = dt.date(2026, 11, 22)
GOOD = Path(__file__).parents[1] / "fixtures/recipes/simulated_county.yaml"


def recipe(**changes: Any) -> Recipe:
    body = yaml.safe_load(GOOD.read_text()) | changes
    return parse_recipe(
        yaml.safe_dump({key: value for key, value in body.items() if value is not None}), "r.yaml", today=TODAY
    )


def faults(**changes: Any) -> str:
    with pytest.raises(InvalidInput) as told:
        recipe(**changes)
    return told.value.message


@pytest.mark.parametrize("path", [GOOD, PROJECT_ROOT / "docs/recipes/example_county.yaml"], ids=lambda path: path.stem)
def test_the_recipes_we_give_are_valid(path: Path) -> None:
    assert load_recipe(path, today=TODAY).mapping.columns


def test_every_fault_is_told_at_once_with_file_and_key() -> None:
    told = faults(
        name="X", title=None, paths=["sales"], start=["https://elsewhere.example/{county}"], pages_per_day="many",
        mapping={"columns": {"owner": "parcel", "street": "no_such_field"}}, stealth=True, colour="red",
        delay_seconds={"min": 3, "max": 1}, terms_reviewed_on="2027-01-01", terms_url="somewhere",
    )  # fmt: skip
    for line in (
        "r.yaml is no valid recipe",
        "name: String should match",
        "title: is missing",
        "paths: 'sales' must begin with /",
        "{county}",
        "does not lie on http://127.0.0.1:8900",
        "pages_per_day: Input should be a valid integer",
        "mapping.owner: no such target. Did you mean 'owner_name'",
        "mapping.street: 'no_such_field' is no field of the recipe",
        "stealth: is only for sites whose owner agreed in writing",
        "colour: there is no such key",
        "delay_seconds: max is less than min",
        "terms_reviewed_on: 2027-01-01 lies in the future",
        "terms_url: String should match",
    ):
        assert line in told, told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "attom"}, "name: 'attom' is another provider's"),
        ({"site": "assessor.example"}, "site: must be scheme and host alone"),
        ({"site": "https://assessor.example/sales"}, "site: must be scheme and host alone"),
        ({"start": None}, "start, search: give one of the two"),
        ({"detail": None}, "list.detail, detail:"),
        ({"start": ["/county-site/other"]}, "does not lie on"),
        ({"start": ["/county-site/sales/../members"]}, "does not lie on"),
        ({"start": ["/county-site/sales?zip={zip"]}, "expected '}'"),
        ({"site": "https://county.example"}, "delay_seconds.min: at least 1 second"),
        ({"permission": {"granted_by": "Pat Example"}}, "permission.document: is missing"),
        ({"permission": {"granted_by": "Pat Example", "granted_on": "2026-01-01", "document": None}}, "is missing"),
        ({"permission": {"granted_by": " ", "granted_on": "2026-01-01", "document": "7"}}, "permission.granted_by"),
        ({"detail": {"fields": {"page_url": "h1"}}}, "this name is LeadFlow's own"),
        ({"mapping": {"columns": {"owner_name": "owner"}}}, "or no row has an identity"),
    ],
)
def test_a_fault_is_told(changes: dict[str, Any], told: str) -> None:
    assert told in faults(**changes)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://a.example/sales?zip=1", True),
        ("https://a.example/sales/1", True),
        ("https://a.example/private", False),
        ("https://a.example/sales/../private", False),
        ("https://a.example/sales/%2e%2e/private", False),
        ("https://a.example/sales/..%2fprivate", False),
        ("https://a.example//sales", False),
        ("http://a.example/sales", False),
        ("https://a.example:8443/sales", False),
        ("https://b.example/sales", False),
        ("https://a.example@b.example/sales", False),
        ("javascript:alert(1)", False),
    ],
)
def test_only_the_site_and_its_paths_are_allowed(url: str, is_allowed: bool) -> None:
    assert lies_below(url, "https://a.example", ["/sales"]) is is_allowed


def test_links_are_made_whole() -> None:
    page = "https://a.example/sales/list?zip=1"
    assert absolute_url(page, "../parcel/7#top") == "https://a.example/parcel/7"
    assert absolute_url(page, "?zip=1&page=2") == "https://a.example/sales/list?zip=1&page=2"
    assert absolute_url(page, "//B.example") == "https://b.example/"


@pytest.mark.parametrize(
    "path", ["/login", "/Account/Login.aspx", "/users/sign_in", "/sign-in", "/sso/start", "/LogOn"]
)
def test_login_pages_are_known_by_their_path(path: str) -> None:
    assert is_login(f"https://a.example{path}")


@pytest.mark.parametrize("path", ["/parcels/loginson-street", "/blogin", "/catalogin", "/sales"])
def test_other_paths_are_no_login(path: str) -> None:
    assert not is_login(f"https://a.example{path}")


RULES = """
User-agent: *
Disallow: /private/
Disallow: /*?*print=
Allow: /private/notice
Crawl-delay: 7
User-agent: LeadFlow
User-agent: OtherBot
Disallow: /*.pdf$
Request-rate: 1/20
"""


def test_robots_wildcards_and_the_longest_match_count() -> None:
    anyone, ours = Robots("Nobody", 200, RULES), Robots("LeadFlow", 200, RULES)
    for url, by_anyone, by_us in (
        ("https://a.example/private/1", False, True),
        ("https://a.example/private/notice", True, True),
        ("https://a.example/sales?zip=1&print=1", False, True),
        ("https://a.example/sales?zip=1", True, True),
        ("https://a.example/map.pdf", True, False),
        ("https://a.example/map.pdf?x=1", True, True),
    ):
        assert (anyone.allows(url), ours.allows(url)) == (by_anyone, by_us), url
    assert (anyone.delay_seconds, ours.delay_seconds) == (7.0, 20.0)


@pytest.mark.parametrize(("status", "is_allowed"), [(404, True), (410, True), (401, False), (403, False), (429, False)])
def test_robots_that_are_not_there_allow_and_refused_ones_forbid(status: int, is_allowed: bool) -> None:
    assert Robots("LeadFlow", status, "").allows("https://a.example/") is is_allowed


def signs(**shown: Any) -> PageSigns:
    return PageSigns(
        **{"has_password": False, "sources": (), "has_captcha_box": False, "title": "", "text": "", **shown}
    )


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        ({"has_password": True}, "login"),
        ({"sources": ("https://www.google.com/recaptcha/api2/anchor",)}, "captcha"),
        ({"sources": ("https://newassets.hcaptcha.com/captcha/v1",)}, "captcha"),
        ({"sources": ("https://challenges.cloudflare.com/turnstile/v0/api.js",)}, "captcha"),
        ({"has_captcha_box": True}, "captcha"),
        ({"text": "Please tell us: are you a robot?"}, "captcha"),
        ({"title": "Just a moment..."}, "block_page"),
        ({"text": "Access Denied. Reference #18"}, "block_page"),
    ],
)
def test_a_refusal_is_known_by_what_a_page_shows(shown: dict[str, Any], kind: str) -> None:
    refusal = refusal_by_signs(signs(**shown))
    assert refusal is not None
    assert refusal.kind == kind


def test_a_long_page_may_speak_of_blocks() -> None:
    assert refusal_by_signs(signs(title="Sales", text="Deed notes: access denied to lot 7. " * 100)) is None


def test_a_wish_to_wait_is_no_refusal() -> None:
    assert refusal_by_status(429, {"retry-after": "9"}) is None
    assert refusal_by_status(503, {}) is None
    assert refusal_by_status(404, {}) is None
    kinds = [one.kind for status in (401, 403, 429, 451) if (one := refusal_by_status(status, {}))]
    assert kinds == ["login", "forbidden", "too_many", "forbidden"]


def test_a_crawl_begins_once_for_each_zip_and_street() -> None:
    by_street = recipe(start=["/county-site/sales?zip={zip}&street={street}"])
    pages = starting_pages(by_street, ["19103", "19104"], ["MAPLE ST", "ELM & OAK"])
    assert [page.url.partition("?")[2] for page in pages[:2]] == [
        "zip=19103&street=MAPLE%20ST", "zip=19103&street=ELM%20%26%20OAK",
    ]  # fmt: skip
    assert len(pages) == 4
    with pytest.raises(InvalidInput, match="--street"):
        starting_pages(by_street, ["19103"], [])
    (everywhere,) = starting_pages(recipe(start=["/county-site/sales"]), ["19103", "19104"], [])
    assert everywhere.zip is None


def test_the_crawler_says_who_it_is() -> None:
    settings = load_settings(crawl_product="CountyReader", crawl_contact="https://leadflow.example/crawler")
    assert user_agent(settings).startswith("CountyReader/")
    assert user_agent(settings).endswith(" (+https://leadflow.example/crawler)")


def test_scraped_text_becomes_typed_rows() -> None:
    item = {
        "parcel": "9103-00-001", "street": "102 MAPLE ST", "sold": "03/04/2019", "price": "250,000", "lot": "2,400",
        "owner": "EXAMPLE ROBIN", "assessed": "$120,500", "year_built": "c. 1900?", "zip_asked": "19103",
    }  # fmt: skip
    raw = RAW_PULLS.conform(
        pl.DataFrame(
            {
                "source": ["simulated_county"], "zip": ["19103"], "day": [TODAY], "fingerprint": ["f"],
                "item_number": [0], "payload": [orjson.dumps(item).decode()],
                "fetched_at": [dt.datetime(2026, 11, 22, tzinfo=dt.UTC)], "cost_cents": ["0"],
            }
        )
    )  # fmt: skip
    (row,) = to_source_rows(raw, recipe(), day=TODAY).to_dicts()
    assert row["sale_date"] == dt.date(2019, 3, 4)
    assert (row["sale_price_cents"], row["assessed_cents"], row["lot_sqft"]) == (25_000_000, 12_050_000, 2400)
    assert (row["zip"], row["parcel_number"], row["pull_id"]) == ("19103", "9103-00-001", "f")
    assert row["year_built"] is None
    assert row["observed_at"] == dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    assert to_source_rows(RAW_PULLS.empty(), recipe(), day=TODAY).is_empty()
