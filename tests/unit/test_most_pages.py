"""What one call may become at worst: as many requests as its source will ever ask for."""

import datetime as dt

import pytest

from leadflow_pipelines.providers.configured import configured_sources
from leadflow_pipelines.providers.listings import LISTINGS
from leadflow_pipelines.providers.most_pages import MOST_PAGES, most_pages
from leadflow_pipelines.settings import load_settings
from leadflow_pipelines.spend.price_book import load_price_book

DAY = dt.date(2026, 11, 20)
KEYS = {f"{listing.name}_api_key": "k" for listing in LISTINGS} | {"datatree_base_url": "https://datatree.example"}


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.name)
def test_every_listing_ends_within_its_own_bound(listing, home) -> None:
    settings = load_settings(home=home, **KEYS)
    source = configured_sources(settings)[listing.name]
    for call in listing.property_calls(["78704"], DAY, settings):
        pages = list(most_pages(source, call))
        assert 1 <= len(pages) < MOST_PAGES
        assert len({page.fingerprint for page in pages}) == len(pages)
        assert sum(load_price_book().worst_case([page], DAY) for page in pages) > 0


def test_a_vendor_that_bills_requests_is_reckoned_page_by_page(home) -> None:
    settings = load_settings(home=home, **KEYS, rentcast_max_records_per_zip=1200)
    rentcast = next(listing for listing in LISTINGS if listing.name == "rentcast")
    (call,) = rentcast.property_calls(["78704"], DAY, settings)
    pages = list(most_pages(configured_sources(settings)["rentcast"], call))
    assert [page.parameters["offset"] for page in pages] == [0, 500, 1000]
