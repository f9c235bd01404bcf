"""What is simulated: how many properties a ZIP has, which seed drew them, how the vendors limit their callers."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


@dataclass(frozen=True)
class World:
    """One simulated world. `page_cap`: most records on one page; `calls_per_second`: by provider, unlimited where
    absent.
    """

    records_per_zip: int = 250
    seed: int = 1
    page_cap: int = 1000
    today: Callable[[], dt.date] = _today
    calls_per_second: Mapping[str, float] = field(default_factory=dict)
