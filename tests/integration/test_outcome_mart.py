"""What became of leads, as BI reads it: counts per ZIP and month, and lift against those left alone."""

import datetime as dt
from math import sqrt
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy import insert, text

from leadflow_pipelines.contracts import MARTS, PROPERTIES, PROPERTY_LINKS, PROPERTY_RECORDS
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.marts.build_marts import build_marts
from leadflow_pipelines.outcomes.note_outcomes import Outcome, note_outcomes, withdraw_outcome
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from leadflow_pipelines.settings import load_settings

MART = next(mart for mart in MARTS if mart.name == "mart_lead_outcomes")
NOW = dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)
BEGUN = dt.datetime(2026, 9, 1, 2, tzinfo=dt.UTC)  # the evening of August 31st in New York
ZIP, DAY = "37206", dt.date(2026, 11, 2)
LEADS, HELD_OUT = 40, 10
SALES = {0: (dt.date(2026, 10, 1), 30_000_000), 1: (dt.date(2026, 8, 30), 30_000_000), 2: (dt.date(2026, 10, 1), 1_000),
         30: (dt.date(2026, 10, 1), None)}  # fmt: skip
"""Sales on record: since, the day before, for ten dollars, and at a price that nobody tells."""


@pytest.fixture(scope="module")
def published(database: Database, home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Org, pl.DataFrame]:
    """An org with one campaign to forty leads, ten of them held out, and what became of some; and its mart."""
    settings = load_settings(home=home, lake_url=str(tmp_path_factory.mktemp("lake")))
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    lake = open_lake(settings, org.slug)
    frame = pl.DataFrame(
        {
            "address": [f"{number + 1} QUILLFEATHER ST" for number in range(LEADS)],
            "zip": ZIP,
            "row_number": range(1, LEADS + 1),
            "sale_date": [SALES.get(number, (None,))[0] for number in range(LEADS)],
            "sale_price_cents": [SALES.get(number, (None, None))[1] for number in range(LEADS)],
        }
    )
    records = build_records(frame, source="roll", pull_id="roll", day=DAY)
    lake.replace(PROPERTY_RECORDS, records.with_columns(pl.lit(DAY).alias("day")), day=DAY)
    refresh_properties(lake, zips=[ZIP], day=DAY)
    known = lake.read(PROPERTIES).with_columns(number=pl.col("house_number").cast(pl.Int64)).sort("number")
    ids = known["property_id"].to_list()
    assert len(ids) == LEADS
    was_given_up = pl.when(pl.col("property_id") == ids[3]).then(pl.lit("p_given_up"))
    lake.change_rows(PROPERTY_LINKS, pl.lit(value=True), {"previous_property_id": was_given_up})
    with database.as_org(org.org_id) as connection:
        campaign(connection, org, ["p_given_up" if one == ids[3] else one for one in ids])
        noted = [
            Outcome(ids[0], "interested", dt.date(2026, 9, 5)),
            Outcome(ids[0], "deal", dt.date(2026, 9, 20), 20_000_000),
            Outcome("p_given_up", "appointment", dt.date(2026, 9, 6)),
            Outcome(ids[3], "offer", dt.date(2026, 9, 7), 15_000_000),
            Outcome(ids[4], "offer", dt.date(2026, 9, 8)),
            Outcome(ids[5], "interested", dt.date(2026, 8, 30)),  # before the campaign
            Outcome(ids[31], "interested", dt.date(2026, 10, 8)),
            Outcome("p_nowhere", "deal", dt.date(2026, 9, 9), 9_000_000),
        ]
        note_outcomes(connection, org.org_id, noted, source="member", actor="ada", now=NOW)
        slip = note_outcomes(
            connection, org.org_id, [Outcome(ids[6], "deal", dt.date(2026, 9, 9), 100)], source="member", actor="ada",
            now=NOW,
        )  # fmt: skip
        withdraw_outcome(connection, org.org_id, str(slip.new[0]), because=None, actor="ada", now=NOW)
    built = build_marts(lake, database, org, now=NOW, run_id="run-1")
    return org, pl.read_parquet(built.parquet[MART.name])


def campaign(connection: Any, org: Org, ids: list[str]) -> None:
    """A campaign that began, with the last ten held out and all others but two written to the month after."""
    campaign_id = uuid4()
    connection.execute(insert(tables.campaigns).values(
        campaign_id=campaign_id, org_id=org.org_id, name="autumn", state="running", created_by="ada", created_at=BEGUN,
        approved_by="grace",
    ))  # fmt: skip
    connection.execute(insert(tables.campaign_changes), [
        {"org_id": org.org_id, "campaign_id": campaign_id, "to_state": state, "changed_by": "ada", "changed_at": at}
        for state, at in (("running", BEGUN), ("paused", NOW), ("running", NOW))
    ])  # fmt: skip
    audience = [
        {"org_id": org.org_id, "campaign_id": campaign_id, "contact_point_id": f"c{number}-{point}", "property_id": one,
         "kind": "phone", "contact_hash": f"v1:{number}-{point}", "is_holdout": number >= LEADS - HELD_OUT}
        for number, one in enumerate(ids) for point in range(2)
    ]  # fmt: skip
    connection.execute(insert(tables.campaign_audience), audience)
    connection.execute(insert(tables.messages), [
        {"message_id": uuid4(), "org_id": org.org_id, "campaign_id": campaign_id, "step": 1, "channel": "sms",
         "due_at": BEGUN, "attempted_at": BEGUN + dt.timedelta(days=2), "state": "delivered",
         **{name: row[name] for name in ("contact_point_id", "property_id", "contact_hash")}}
        for row in audience[4:] if not row["is_holdout"]
    ])  # fmt: skip


def row(published: tuple[Org, pl.DataFrame], month: str, zip5: str = ZIP) -> dict[str, Any]:
    return published[1].row(
        by_predicate=(pl.col("zip") == zip5) & (pl.col("month") == dt.date.fromisoformat(month)), named=True
    )


def newcombe(successes: int, trials: int, others: int, other_trials: int) -> tuple[float, float]:
    """The interval as its author writes it: Wilson's limits as roots of a quadratic."""

    def wilson(hits: int, of: int) -> tuple[float, float]:
        z = 1.959964
        middle, width = 2 * hits + z * z, z * sqrt(z * z + 4 * hits * (1 - hits / of))
        return (middle - width) / (2 * (of + z * z)), (middle + width) / (2 * (of + z * z))

    share, other = successes / trials, others / other_trials
    (low, high), (other_low, other_high) = wilson(successes, trials), wilson(others, other_trials)
    return (
        share - other - sqrt((share - low) ** 2 + (other_high - other) ** 2),
        share - other + sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )


def test_what_happened_counts_in_its_month_and_zip(published: tuple[Org, pl.DataFrame]) -> None:
    september, august, october = (row(published, f"2026-{month}-01") for month in ("09", "08", "10"))
    named = ("leads_contacted", "interested", "appointments", "offers", "deals", "priced_offers", "offered_cents",
             "deal_cents")  # fmt: skip
    assert [september[name] for name in named] == [28, 1, 1, 2, 1, 1, 15_000_000, 20_000_000]
    assert (august["interested"], october["interested"], october["leads_contacted"]) == (1, 1, 0)


def test_an_outcome_of_an_unknown_place_is_not_lost(published: tuple[Org, pl.DataFrame]) -> None:
    nowhere = row(published, "2026-09-01", "unlocated")
    assert (nowhere["deals"], nowhere["deal_cents"], nowhere["contact_group"]) == (1, 9_000_000, 0)
    assert nowhere["sold_lift"] is None


def test_both_groups_are_judged_alike_since_the_campaign_began(published: tuple[Org, pl.DataFrame]) -> None:
    begun = row(published, "2026-08-01")
    groups = {name: begun[name] for name in MART.schema if name.startswith(("contact_group", "held_out"))}
    assert groups == {
        "contact_group": 30, "contact_group_responded": 3, "contact_group_deals": 1, "contact_group_sold": 1,
        "held_out": 10, "held_out_responded": 1, "held_out_deals": 0, "held_out_sold": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("what", "counts"), [("responded", (3, 30, 1, 10)), ("deals", (1, 30, 0, 10)), ("sold", (1, 30, 1, 10))]
)
def test_a_lift_has_newcombes_interval(
    published: tuple[Org, pl.DataFrame], what: str, counts: tuple[int, int, int, int]
) -> None:
    begun = row(published, "2026-08-01")
    told = [begun[f"{what}_lift{end}"] for end in ("", "_low", "_high")]
    assert told[0] == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3])
    assert told[1:] == pytest.approx(newcombe(*counts), abs=1e-6)


def test_the_interval_is_that_of_the_literature() -> None:
    """Newcombe 1998, table II: 56/70 against 48/80."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_bi_reads_its_own_rows(database: Database, published: tuple[Org, pl.DataFrame]) -> None:
    org, mart = published
    assert MART.faults(mart) == []
    with database.as_org(org.org_id) as connection:
        assert connection.execute(text(f"select count(*) from marts.{MART.name}")).scalar_one() == mart.height
