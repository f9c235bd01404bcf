"""`leadflow explain lead` and `merge` on a property whose sources contradict each other."""

import datetime as dt
from uuid import uuid4

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_LINKS, PROPERTY_RECORDS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties
from leadflow_pipelines.settings import get_settings
from tests.commands import leadflow_here

DAY = dt.date(2026, 11, 2)


def test_every_sources_value_is_shown_and_why_one_was_chosen(database: Database) -> None:
    slug = f"t{uuid4().hex[:12]}"
    create_org(database, slug, is_simulated=True)
    lake = open_lake(get_settings(), slug)
    said = {"roll": 1986, "attom": 1990, "earlier_roll": 1980}
    records = [
        build_records(
            pl.DataFrame({"address": ["12 QUILLFEATHER ST"], "zip": "37206", "row_number": 1, "year_built": year,
                          "beds": 3.0}),
            source=source, pull_id=source, day=DAY - dt.timedelta(days=source == "earlier_roll"),
        ).with_columns(pl.lit(DAY).alias("day"))
        for source, year in said.items()
    ]  # fmt: skip
    lake.replace(PROPERTY_RECORDS, pl.concat(records), day=DAY)
    refresh_properties(lake, zips=["37206"], day=DAY)
    (property_id,) = set(lake.read(PROPERTY_LINKS)["property_id"])

    told = leadflow_here("explain", "lead", property_id, "--org", slug, "--json").json["conflicts"]
    assert {(row["field"], row["chosen_value"], row["chosen_source"]) for row in told} == {
        ("year_built", "1986", "roll")
    }
    assert [(row["other_value"], row["other_source"], row["why"]) for row in told] == [
        ("1990", "attom", "source_rank"),
        ("1980", "earlier_roll", "age"),
    ]
    assert leadflow_here("explain", "merge", property_id, "--org", slug, "--json").json["conflicts"] == told
    for what in ("lead", "merge"):
        shown = " ".join(leadflow_here("explain", what, property_id, "--org", slug).out.split())
        assert "Conflicts between sources" in shown
        assert "roll ranks before it" in shown
        assert "older" in shown
