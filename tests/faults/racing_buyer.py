"""One buyer among many in a race for a budget: asks for ZIPs nobody else asks for, until it is killed."""

import datetime as dt
import time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.guard import open_guard
from leadflow_pipelines.providers.retry import RetryPolicy
from leadflow_pipelines.settings import load_settings
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import Origin

PRICE_CENTS = Decimal(10)
DAY = dt.date(2026, 11, 21)


def buy_until_killed(home: str, lake: str, org_id: str, vendors: dict[str, str], zips: list[str]) -> None:
    """Buys one record of each ZIP, a few at a time; a lost database is waited for, a spent budget asked again."""
    settings = load_settings(home=Path(home), lake_url=lake, **vendors)
    database = Database(settings)
    while True:
        try:
            with open_guard(
                database=database,
                org_id=UUID(org_id),
                raw=Lake(lake).raw,
                settings=settings,
                clock=lambda: dt.datetime.now(dt.UTC),
                retry_policy=RetryPolicy(attempts=2, total_seconds=5.0),
            ) as guard:
                for start in range(0, len(zips), 4):
                    calls = [
                        Call(
                            "attom", "property/expandedprofile", {"postalcode": one, "page": 1, "pagesize": 1}, one, DAY
                        )
                        for one in zips[start : start + 4]
                    ]
                    guard.pull_many(calls, origin=Origin(run_id="race"))
            time.sleep(0.05)
        except DatabaseUnavailable:
            time.sleep(0.2)
