"""`leadflow leads` in its four formats, on a lake whose every figure is known."""

import csv
import io
from pathlib import Path
from uuid import uuid4

import orjson
import polars as pl
import pytest

from leadflow_pipelines.contracts import LEAD_SCORES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.settings import get_settings
from tests.commands import Finished, leadflow_here
from tests.small_lake import COMPS, D2, HOME_ZIP, REASONS, fill

VALUE = {"estimated_value_cents": 210_000_00, "value_low_cents": 180_000_00, "value_high_cents": 240_000_00}


@pytest.fixture(scope="module")
def slug(database: Database) -> str:
    slug = f"t{uuid4().hex[:12]}"
    create_org(database, slug)
    fill(open_lake(get_settings(), slug))
    return slug


def listed(slug: str, *options: str) -> Finished:
    finished = leadflow_here("leads", "--zip", HOME_ZIP, "--as-of", D2.isoformat(), "--org", slug, *options)
    assert finished.exit_code == 0, finished.err
    return finished


def test_a_program_gets_lists_as_lists(slug: str, tmp_path: Path) -> None:
    best, *others = listed(slug, "--json").json["leads"]
    assert best["property_id"] == "a"
    assert best["reasons"] == REASONS
    assert {name: best[name] for name in VALUE} == VALUE
    assert (best["value_method"], best["probability"], best["deal_score"]) == ("comps+model", 0.08, 71.5)
    assert (best["is_probate"], best["loan_age_years"]) == (True, 16.5)
    assert [comp["adjusted_price_cents"] for comp in best["value_comps"]] == [220_000_00, 200_000_00]
    assert {lead["estimated_value_cents"] for lead in others} == {None}
    file = tmp_path / "leads.parquet"
    listed(slug, "--format", "parquet", "--output", str(file))
    stored = pl.read_parquet(file)
    assert stored.schema["reasons"] == LEAD_SCORES.schema["reasons"]
    assert stored["value_comps"].to_list()[0] == COMPS


def test_a_spreadsheet_gets_sentences_and_json(slug: str) -> None:
    best, *_ = csv.DictReader(io.StringIO(listed(slug, "--format", "csv").out))
    assert best["reasons"] == "Taxes are late; Owner lives elsewhere"
    assert {name: int(best[name]) for name in VALUE} == VALUE
    assert (best["value_method"], best["probability"], best["deal_score"]) == ("comps+model", "0.08", "71.5")
    comps = orjson.loads(best["value_comps"])
    assert [comp["parcel_id"] for comp in comps] == ["b", "gone"]


def test_a_person_gets_lines_that_fit(slug: str) -> None:
    head, figures, value, reasons, *_ = listed(slug).out.splitlines()
    assert head.split() == ["points", "chance", "value", "address", "mail", "voice", "sms"]
    assert figures.split()[:3] == ["50", "8.0%", "$210,000"]
    assert value.strip() == "a, 80 % interval $180,000 to $240,000 (comps+model), deal score 72"
    assert reasons.strip() == "Taxes are late; Owner lives elsewhere"


def test_of_two_leads_of_as_many_points_the_likelier_comes_first(slug: str) -> None:
    lake = open_lake(get_settings(), slug)
    scores = lake.read(LEAD_SCORES, where=pl.col("day") == D2)
    likely = {"b": 0.02, "e": 0.31}
    levelled = scores.with_columns(
        points=pl.lit(50, pl.Int32), probability=pl.col("property_id").replace_strict(likely, default=None)
    )
    try:
        lake.replace(LEAD_SCORES, levelled, day=D2)
        assert [lead["property_id"] for lead in listed(slug, "--json").json["leads"]] == ["e", "b", "a"]
    finally:
        lake.replace(LEAD_SCORES, scores, day=D2)
