"""Scores whose year is over beside what became of their leads, and what the doctor says of a model that decays."""

import datetime as dt
from collections.abc import Mapping, Sequence

import polars as pl
import pytest

from leadflow_pipelines.cli.checks import check_models
from leadflow_pipelines.contracts import LEAD_SCORES, PROPERTY_LINKS, PROPERTY_RECORDS, Contract
from leadflow_pipelines.contracts.outcomes import LEAD_OUTCOMES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.lake import Lake, open_lake
from leadflow_pipelines.outcomes.closed_scores import closed_scores
from leadflow_pipelines.outcomes.note_outcomes import Outcome, note_outcomes
from leadflow_pipelines.settings import Settings
from resources.workspace import Workspace

TODAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=2)
SCORED = TODAY - dt.timedelta(days=400)
SOLD, TOO_LATE, BEFORE = (SCORED + dt.timedelta(days=days) for days in (364, 365, -1))
ZIP = "37206"
VERSION = "scorecard-2026.1+motivation-1"


def store(lake: Lake, contract: Contract, rows: Sequence[Mapping[str, object]], day: dt.date) -> None:
    """Rows of a day; what a test does not care about is null."""
    filled = pl.DataFrame([{"zip": ZIP, "day": day, **row} for row in rows], infer_schema_length=None)
    lake.replace(contract, contract.conform(filled), day=day)


def score(number: int, day: dt.date, probability: float | None = 0.1) -> dict[str, object]:
    return {"property_id": f"p{number}", "probability": probability, "model_version": VERSION, "day": day}


@pytest.fixture
def lake(settings: Settings, org: Org) -> Lake:
    return open_lake(settings, org.slug)


def sell(lake: Lake, sales: dict[int, tuple[dt.date, int | None]]) -> None:
    told = [
        {"record_id": f"r{number}", "sale_date": day, "sale_price_cents": cents}
        for number, (day, cents) in sales.items()
    ]
    store(lake, PROPERTY_RECORDS, told, SCORED)
    links = PROPERTY_LINKS.conform(
        pl.DataFrame([{"zip": ZIP, "record_id": f"r{number}", "property_id": f"p{number}"} for number in sales])
    )
    lake.update(PROPERTY_LINKS, {"zip_prefix": [ZIP[:3]]}, lambda _: links)


def test_a_score_is_told_by_sales_of_its_own_year_alone(lake: Lake) -> None:
    month_later = SCORED.replace(day=1) + dt.timedelta(days=27)
    store(lake, LEAD_SCORES, [score(number, SCORED) for number in range(7)], SCORED)
    if month_later.month == SCORED.month and month_later > SCORED:
        store(lake, LEAD_SCORES, [score(0, month_later)], month_later)  # the same month: the first one counts
    store(lake, LEAD_SCORES, [score(0, TODAY)], TODAY)  # its year is not over
    sell(lake, {0: (SOLD, 20_000_000), 1: (TOO_LATE, 20_000_000), 2: (BEFORE, 20_000_000), 3: (SOLD, 1_000),
                4: (SCORED, None)})  # fmt: skip
    noted = [("p5", "deal", SOLD), ("p6", "interested", SOLD), ("p6", "sold_elsewhere", TOO_LATE)]
    outcomes = pl.DataFrame(
        [{"property_id": name, "kind": kind, "happened_on": day} for name, kind, day in noted],
    )
    closed = closed_scores(lake, LEAD_OUTCOMES.conform(outcomes), today=TODAY)
    assert dict(closed.select("property_id", "sold").iter_rows()) == {
        "p0": 1, "p1": 0, "p2": 0, "p3": 0, "p4": 1, "p5": 1, "p6": 0,
    }  # fmt: skip
    assert closed["day"].unique().to_list() == [SCORED]
    assert closed["model_version"].unique().to_list() == ["motivation-1"]


def test_scorecard_scores_are_not_judged_as_chances(lake: Lake) -> None:
    store(lake, LEAD_SCORES, [score(0, SCORED, None)], SCORED)
    assert closed_scores(lake, LEAD_OUTCOMES.empty(), today=TODAY).is_empty()


def test_the_doctor_names_a_model_that_promised_too_much(
    database: Database, org: Org, settings: Settings, lake: Lake
) -> None:
    workspace = Workspace(settings, org, database, lake)
    assert check_models(workspace) == []
    store(lake, LEAD_SCORES, [score(number, SCORED, 0.4) for number in range(200)], SCORED)
    sell(lake, dict.fromkeys(range(10), (SOLD, 20000000)))
    (finding,) = check_models(workspace)
    assert finding.state == "note"
    assert finding.text == f"motivation: {SCORED:%Y-%m}: 5.0% were sold where 40.0% were predicted."
    assert finding.remedy == "leadflow models train --kind motivation"

    deals = [Outcome(f"p{number}", "deal", SOLD) for number in range(10, 80)]
    with database.as_org(org.org_id) as connection:
        note_outcomes(connection, org.org_id, deals, source="file", actor="ada", now=dt.datetime.now(dt.UTC))
    (finding,) = check_models(workspace)
    assert finding.state == "ok"
    assert "200 scores are a year old, 80 of those leads sold, as the model said" in finding.text


def test_no_model_is_blamed_for_sales_that_were_never_brought(
    database: Database, org: Org, settings: Settings, lake: Lake
) -> None:
    """The scores' year is over by the calendar, but the county's records end a hundred days before."""
    workspace = Workspace(settings, org, database, lake)
    store(lake, LEAD_SCORES, [score(number, SCORED, 0.4) for number in range(200)], SCORED)
    sell(lake, dict.fromkeys(range(10), (SOLD - dt.timedelta(days=100), 20_000_000)))
    assert check_models(workspace) == []
