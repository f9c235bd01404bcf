"""Geocoders through the guard against the simulated ones: addresses found where they stand, whatever happens."""

from decimal import Decimal

import polars as pl
import pytest

from leadflow_pipelines.providers.sandbox.homes import homes_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.world import World
from leadflow_pipelines.providers.sources.geocoding import GEOCODERS
from tests.shop import DAY, ORIGIN, RECORDS_PER_ZIP, open_shop

ZIPS = ("19103", "80212")
MONEY = 1_000_000
REFUSED = ("expired_key", "empty_wallet", "wrong_shape")
LOST = ("timeout", "reset", "cut_off", "truncated_json", "malformed_json", "slow", "slow_drip", "status")
HOMES = {
    f"{zip_code}-{home.number}": home
    for zip_code in ZIPS
    for home in homes_of(World(RECORDS_PER_ZIP, today=lambda: DAY), find_place(zip_code), 0, RECORDS_PER_ZIP)
}
FRAME = pl.DataFrame(
    [
        {
            "record_key": key,
            "zip": home.place.zip,
            "street": home.street,
            "city": home.place.city,
            "state": home.place.state,
            "zip5": home.place.zip,
        }
        for key, home in HOMES.items()
    ]
    + [{"record_key": "nowhere", "zip": "19103", "street": "1 NOWHERE ST", "zip5": "19103"}]
)


@pytest.fixture(params=GEOCODERS.values(), ids=lambda one: one.name)
def geocoder(request):
    return request.param


@pytest.fixture
def shop(database, org, sandbox, home, tmp_path, geocoder):
    opened = open_shop(database, org, sandbox, home, tmp_path, geocoder.name)
    opened.settings = opened.settings.model_copy(update={"census_batch_size": 3})
    opened.allow(MONEY, provider=geocoder.name)
    return opened


def _ask(shop, geocoder, **overrides):
    with shop.guard(**overrides) as guard:
        pulls = guard.pull_many(geocoder.geocode_calls(FRAME, DAY), origin=ORIGIN)
    told = geocoder.to_coordinates(pulls.read(shop.lake.raw))
    assert told["record_key"].is_unique().all()
    return pulls, {row["record_key"]: row for row in told.to_dicts()}


def test_every_address_is_found_where_it_stands_and_asked_once(shop, geocoder):
    pulls, told = _ask(shop, geocoder)
    assert not pulls.is_partial
    assert told.keys() == HOMES.keys() | {"nowhere"}
    assert all((told[key]["lat"], told[key]["lon"]) == (home.lat, home.lon) for key, home in HOMES.items())
    assert told["nowhere"]["quality"] == "none"
    cents = {"census": Decimal(0), "google": Decimal("0.5") * len(FRAME)}
    assert pulls.cost_cents == cents[geocoder.name]
    assert pulls.provider_calls == {"census": 4, "google": len(FRAME)}[geocoder.name]
    again, known = _ask(shop, geocoder)
    assert (again.provider_calls, known) == (0, told)


@pytest.mark.parametrize("kind", [*LOST, *REFUSED])
def test_under_each_fault_no_place_is_wrong_and_the_missing_are_named(shop, geocoder, kind):
    shop.sandbox.arm_fault(geocoder.name, kind, share=0.3, seconds=0.3, status=503)
    pulls, told = _ask(shop, geocoder, http_timeout_seconds=0.25 if kind == "timeout" else 30)
    unmade = {key for one in pulls.unmade for key in one.call.item_key.split("\n")}
    assert told.keys() == (HOMES.keys() | {"nowhere"}) - unmade
    assert all((told[key]["lat"], told[key]["lon"]) == (HOMES[key].lat, HOMES[key].lon) for key in told.keys() & HOMES)
    assert shop.budget(geocoder.name).spent_cents >= Decimal("0.5") * shop.billed("google")
    shop.sandbox.disarm_faults()
    _, later = _ask(shop, geocoder)
    assert later.keys() == HOMES.keys() | {"nowhere"}


def test_a_refused_key_costs_nothing_and_says_what_to_do(database, org, sandbox, home, tmp_path):
    shop = open_shop(database, org, sandbox, home, tmp_path, "google")
    shop.allow(MONEY, provider="google")
    sandbox.arm_fault("google", "expired_key", share=1.0)
    pulls, told = _ask(shop, GEOCODERS["google"])
    assert told == {}
    assert {one.reason for one in pulls.unmade} == {"terminal"}
    assert "REQUEST_DENIED" in pulls.unmade[0].message
    assert "LEADFLOW_GOOGLE_API_KEY" in pulls.unmade[0].message
    assert (pulls.cost_cents, shop.budget("google").spent_cents) == (0, 0)
