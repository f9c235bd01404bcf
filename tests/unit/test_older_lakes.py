"""A lake written before a table had all its columns is read, written to and changed as if they had been empty."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl

from leadflow_pipelines.contracts import ENRICHED_LEADS, PROPERTIES, Contract
from leadflow_pipelines.contracts.contract import column
from leadflow_pipelines.contracts.leads import VALUE_COMPS
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.marts.duckdb_file import add_lake, new_duckdb_file
from tests.small_lake import D1, D2, LEADS, enriched

VERSION = {"property_id": "p_1", "zip": "37203", "valid_from": D1, "sources": ["county"], "record_count": 1,
           "provenance": [], "conflicts": [], "content_hash": "x"}  # fmt: skip


def before(contract: Contract, *names: str) -> Contract:
    """The contract as it was before these columns."""
    assert {*names} <= contract.columns.keys()
    return replace(contract, columns={name: col for name, col in contract.columns.items() if name not in names})


def leads_of(day: dt.date) -> pl.DataFrame:
    frame: pl.DataFrame = enriched([lead for lead in LEADS if day in lead[2]], day)
    return frame


def test_leads_of_days_before_a_signal_was_known_stand_beside_later_ones(tmp_path: Path) -> None:
    lake, old = Lake(str(tmp_path / "org")), before(ENRICHED_LEADS, "is_probate", "loan_age_years")
    lake.replace(old, old.conform(leads_of(D1)), day=D1)
    assert lake.read(ENRICHED_LEADS).equals(
        ENRICHED_LEADS.conform(old.conform(leads_of(D1))).sort("zip"), null_equal=True
    )
    lake.replace(ENRICHED_LEADS, leads_of(D2), day=D2)
    known = lake.read(ENRICHED_LEADS, columns=["day", "property_id", "is_probate", "loan_age_years"])
    assert known.filter(pl.col("is_probate")).rows() == [(D2, "a", True, 16.5)]
    assert known.height == leads_of(D1).height + leads_of(D2).height


def test_sales_behind_a_value_gain_a_field(tmp_path: Path) -> None:
    lake, now = Lake(str(tmp_path / "org")), leads_of(D2)
    kept = [name for name in VALUE_COMPS if name != "nearness"]
    fewer = pl.element().struct
    comps = pl.col("value_comps").list.eval(pl.struct(fewer.field(name) for name in kept))
    was = replace(
        ENRICHED_LEADS, columns={**ENRICHED_LEADS.columns, "value_comps": column(now.select(comps).dtypes[0], "")}
    )
    lake.replace(was, now.with_columns(comps, day=pl.lit(D1)), day=D1)
    assert lake.read(ENRICHED_LEADS, zips=["37203"]).height == now.height
    lake.replace(ENRICHED_LEADS, now, day=D2)
    with new_duckdb_file(tmp_path / "work" / "x.duckdb") as duck:
        add_lake(duck, lake)
        told = "select day, unnest(value_comps).nearness from lake.enriched_leads where property_id = 'a' order by day"
        assert duck.sql(told).fetchall() == [(D1, None)] * 2 + [(D2, "same street"), (D2, "same ZIP")]


def test_properties_from_before_loans_had_dates_are_changed_in_place(tmp_path: Path) -> None:
    lake, old = Lake(str(tmp_path / "org")), before(PROPERTIES, "mortgage_date")
    first = pl.DataFrame([VERSION, {**VERSION, "property_id": "p_2"}], infer_schema_length=None)
    lake.update(old, {"zip_prefix": ["372"]}, lambda _: old.conform(first))
    assert lake.read(PROPERTIES)["mortgage_date"].to_list() == [None, None]
    dated = pl.when(pl.col("property_id") == "p_2").then(pl.lit(D1)).alias("mortgage_date")
    lake.update(PROPERTIES, {"zip_prefix": ["372"]}, lambda stored: stored.with_columns(dated))
    assert lake.read(PROPERTIES).sort("property_id")["mortgage_date"].to_list() == [None, D1]
