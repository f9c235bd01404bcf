"""How often a vendor may be asked with one key, kept in Postgres for all processes and orgs that share the key.

Here: the limits as data and the slots they give. Not here: what the vendor does to those who ask too often (`retry`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml
from sqlalchemy import Connection, text

from leadflow_pipelines.database.queries import named_query
from leadflow_pipelines.errors import InvalidInput

RATES_FILE = Path(__file__).with_name("rates.yaml")
LOSABLE = text("set local synchronous_commit = off")
"""A slot lost in a crash lets one more call through; waiting for the disk would cost every call."""


@dataclass(frozen=True)
class Rate:
    """`per_second` calls with one key, up to `burst` at once after a rest."""

    per_second: float
    burst: int


def rate_of(rates: Mapping[str, Rate], provider: str) -> Rate | None:
    """The provider's own rate, else that of the first pattern (`county_*`) it fits; None where none is known."""
    return rates.get(provider) or next((rate for name, rate in rates.items() if fnmatchcase(provider, name)), None)


@cache
def load_rates(path: Path = RATES_FILE) -> Mapping[str, Rate]:
    """Provider, or a pattern of providers → rate. Raises InvalidInput naming every faulty line at once."""
    rates: dict[str, Rate] = {}
    faults: list[str] = []
    for number, line in enumerate(yaml.safe_load(path.read_text()) or [], start=1):
        try:
            rate = Rate(float(line["per_second"]), int(line["burst"]))
            if rate.per_second <= 0 or rate.burst < 1:
                raise ValueError("per_second must be above 0 and burst at least 1")
            rates[line["provider"]] = rate
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"{path.name}, rate {number}: {error}")
    if faults:
        raise InvalidInput("\n".join(faults), remedy="Mend the file of rates.")
    return rates


def rate_key(provider: str, host: str, secret: str) -> str:
    """What stands for a vendor's key where the key itself must not be."""
    return hashlib.sha256(f"{provider}@{host}:{secret}".encode()).hexdigest()[:32]


def take_slot(connection: Connection, provider: str, key: str, rate: Rate) -> float:
    """Takes the key's next slot; returns the seconds to wait for it. Commit at once: others wait for the row."""
    connection.execute(LOSABLE)
    told = {"rate_key": key, "provider": provider, "interval": 1 / rate.per_second, "burst": rate.burst}
    return max(0.0, float(connection.execute(named_query("take_slot"), told).scalar_one()))
