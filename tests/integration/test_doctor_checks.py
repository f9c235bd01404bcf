"""What the doctor says of open breakers, budgets near their end, and stale ZIPs."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest

from leadflow_pipelines.cli.checks import check_breakers, check_budgets, check_freshness
from leadflow_pipelines.contracts.marts import MART_FIELDS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.providers.guard.breaker import THRESHOLD, Line, enter, note_failure, note_success
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend import budget
from resources.workspace import Workspace


@pytest.fixture
def workspace(database: Database, org: Org, settings: Settings) -> Workspace:
    return Workspace(settings, org, database, open_lake(settings, org.slug))


def test_an_open_breaker_is_told_with_since_and_until(workspace: Workspace) -> None:
    line, now = Line("attom", f"{uuid4().hex}.example"), dt.datetime.now(dt.UTC)
    with workspace.database.anonymous() as connection:
        for _ in range(THRESHOLD):
            note_failure(connection, line, "HTTP 500", now, enter(connection, line, now))
    try:
        (finding,) = [one for one in check_breakers(workspace) if line.host in one.text]
    finally:
        with workspace.database.anonymous() as connection:
            note_success(connection, line, now)
    since, until = (at.astimezone(workspace.settings.zone) for at in (now, now + dt.timedelta(seconds=30)))
    assert finding.state == "note"
    assert f"open since {since:%Y-%m-%d %H:%M}, {THRESHOLD} failures in a row" in finding.text
    assert f"not asked until {until:%H:%M:%S}" in finding.text


def test_a_limit_that_is_nearly_used_is_noted(workspace: Workspace) -> None:
    org_id, now = workspace.org.org_id, dt.datetime.now(dt.UTC)
    today = now.astimezone(workspace.settings.zone).date()
    with workspace.database.as_org(org_id) as connection:
        for provider, period, cents in (("*", "day", 1000), ("attom", "day", 5000), ("*", "month", 100_000)):
            budget.set_limit(
                connection, org_id, provider=provider, limit_cents=Decimal(cents), set_by="test", now=now, period=period
            )
        budget.open_day(connection, org_id, "attom", today)
        budget.reserve(connection, org_id, budget.Wish("attom", today, Decimal(850), "f", now))
    told = {finding.text: finding.state for finding in check_budgets(workspace)}
    assert told["all providers together: $1.50 of $10.00 left today, nearly used"] == "note"
    assert not [text for text in told if "census" in text], "what is free needs no budget"
    assert told["all providers together: $991.50 of $1,000.00 left this month"] == "ok"


def test_the_stalest_zips_are_named(workspace: Workspace) -> None:
    (silent,) = check_freshness(workspace)
    assert (silent.state, silent.remedy) == ("note", "leadflow run")
    day = dt.date(2026, 11, 20)
    rows = [
        {"org": workspace.org.slug, "zip": zip_code, "source": "attom", "field": "owner_name", "as_of": day,
         "field_values": 10, "stale_values": stale, "oldest_on": day, "newest_on": day, "cost_cents": Decimal(0)}
        for zip_code, stale in (("43206", 9), ("78704", 1), ("98103", 4))
    ]  # fmt: skip
    path = Path(workspace.lake.path("marts")) / "mart_fields.parquet"
    path.parent.mkdir(parents=True)
    MART_FIELDS.conform(pl.DataFrame(rows)).write_parquet(path)
    (finding,) = check_freshness(workspace)
    assert finding.text == "47% of 30 field values were stale on 2026-11-20; most in 43206 90%, 98103 40%."
    assert finding.remedy == "leadflow plan --zip 43206 --zip 98103, then leadflow run"
