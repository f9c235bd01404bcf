"""How fast a paged vendor's records reach the raw layer, beside plain httpx that keeps nothing."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.buying import DAY, ORIGIN, a_guard, open_shop, some_zips
from bench.figures import Figure, at_least, at_most
from leadflow_pipelines.cli.console import progress
from leadflow_pipelines.providers.sources.attom import property_calls

PER_ZIP, PER_PAGE = 1000, 500


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Each figure as it is measured. `quick` takes a tenth of the size, to try the benchmark itself."""
    zips = some_zips(10 if quick else 100)
    records = PER_ZIP * len(zips)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_shop(Path(folder), records_per_zip=PER_ZIP, page_cap=PER_PAGE) as (shop, vendors),
    ):
        progress(f"{records:,} records of {len(zips)} ZIPs, {PER_PAGE} a page, by plain httpx")
        settings = shop.settings
        assert settings.attom_api_key is not None
        pages = [(one, page) for one in zips for page in range(1, PER_ZIP // PER_PAGE + 1)]
        began = time.monotonic()
        with httpx.Client(headers={"apikey": settings.attom_api_key.get_secret_value()}) as client:
            for zip_code, page in pages:
                query = {"postalcode": zip_code, "page": str(page), "pagesize": str(PER_ZIP)}
                client.get(f"{settings.attom_base_url}/property/expandedprofile", params=query).raise_for_status()
        plain = time.monotonic() - began
        vendors.clear_ledger()
        progress("the same through the guard into the raw layer")
        with a_guard(shop, concurrency=6) as guard:
            began = time.monotonic()
            pulls = guard.pull_many(property_calls(zips, DAY, most_records=PER_ZIP), origin=ORIGIN)
            seconds = time.monotonic() - began
        yield at_least("records a second, from vendor to raw", pulls.items / seconds, 5000, "records/s").beside(
            f"httpx, nothing kept: {records / plain:,.0f} records/s", plain / seconds
        )
        yield at_most("records missing", records - pulls.items, 0, "records")
        yield at_most("calls beyond one a page", vendors.ledger()["attom"]["calls"] - len(pages), 0, "calls")
