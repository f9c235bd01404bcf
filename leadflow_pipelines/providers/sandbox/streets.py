"""Where the invented properties stand, by their street: what the simulated geocoders know."""

import datetime as dt
from functools import lru_cache

from leadflow_pipelines.providers.sandbox.homes import Home, homes_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.world import World


def find_home(world: World, street: str, zip_code: str) -> Home | None:
    """The property at a street address of a ZIP, whatever its unit, or None where nobody built one."""
    line = " ".join(street.upper().split(" UNIT ")[0].split())
    return _by_street(zip_code[:5], world.records_per_zip, world.seed, world.today()).get(line)


@lru_cache(maxsize=64)
def _by_street(zip_code: str, records: int, seed: int, today: dt.date) -> dict[str, Home]:
    world = World(records, seed, today=lambda: today)
    homes = homes_of(world, find_place(zip_code), 0, records)
    return {home.street: home for home in homes if home.lat is not None}
