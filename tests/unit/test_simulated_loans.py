"""Loans of the simulated world: told alike by the vendors that tell them, the same from day to day."""

import datetime as dt
from dataclasses import replace

import polars as pl

from leadflow_pipelines.contracts import PROPERTIES
from leadflow_pipelines.leads.signals import derive_signals
from leadflow_pipelines.properties import best_values, build_records
from leadflow_pipelines.providers.sandbox.vendor import Request
from leadflow_pipelines.providers.sandbox.vendors import attom, datatree
from leadflow_pipelines.providers.sandbox.world import World
from leadflow_pipelines.providers.sources import attom_rows, datatree_rows
from tests.raw_items import DAY, raw_items

WORLD = World(records_per_zip=90, today=lambda: DAY)
KEYS = ("parcel_number", "sale_date", "mortgage_cents", "mortgage_date")


def told_by_attom(world: World) -> pl.DataFrame:
    query = {"postalcode": "80212", "page": "1", "pagesize": "90"}
    asked = Request("GET", "/property/expandedprofile", query, {"apikey": attom.KEY}, b"")
    return attom_rows.to_source_rows(raw_items(*attom.VENDOR.answer(world, asked).body["property"], source="attom"))


def told_by_datatree(world: World) -> pl.DataFrame:
    query = {"zipCode": "80212", "page": "1", "pageSize": "90"}
    asked = Request("GET", "/properties/search", query, {"authorization": f"Bearer {datatree.KEY}"}, b"")
    reports = datatree.VENDOR.answer(world, asked).body["reports"]
    return datatree_rows.to_source_rows(raw_items(*reports, source="datatree"))


def test_two_vendors_tell_the_same_loan_of_the_same_day() -> None:
    told = told_by_attom(WORLD).select(KEYS)
    assert told.equals(told_by_datatree(WORLD).select(KEYS), null_equal=True)
    dated = told.drop_nulls("mortgage_date")
    assert 30 < dated.height < told["mortgage_cents"].count(), "some loans are told without their date"
    assert dated.select((pl.col("mortgage_date") >= pl.col("sale_date")).all()).item()
    refinanced = dated.select((pl.col("mortgage_date") > pl.col("sale_date")).mean()).item()
    assert 0.1 < refinanced < 0.5
    assert dated["mortgage_date"].max() <= DAY


def test_a_loan_stays_until_the_home_is_sold_or_refinanced() -> None:
    later = DAY + dt.timedelta(days=30)
    before, after = told_by_attom(WORLD), told_by_attom(replace(WORLD, today=lambda: later))
    moved = before.join(after, on="parcel_number").filter(
        pl.col("mortgage_date").ne_missing(pl.col("mortgage_date_right"))
    )
    assert moved.height < 6
    assert moved.filter(pl.col("mortgage_date_right") <= DAY).is_empty(), "only what happened since is new"


def test_leads_of_the_simulated_world_show_how_old_loans_are() -> None:
    records = build_records(told_by_attom(WORLD).drop("pull_id"), source="attom", pull_id="p", day=DAY)
    links = records.select("record_id", property_id=pl.format("p_{}", "record_id"))
    leads = derive_signals(PROPERTIES.conform(best_values(records, links, valid_from=DAY)), day=DAY)
    assert leads["loan_age_years"].count() == records["mortgage_date"].count() > 30
    assert leads["loan_age_years"].max() > 15
    assert leads["is_probate"].count() == 0, "no vendor tells of probate"
