"""Damaged records of real parcels end in the same properties, in whatever order and on whatever day they come."""

from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.properties import resolve_properties
from leadflow_pipelines.properties.matching import FEATURES
from leadflow_pipelines.settings import get_settings
from tests.accuracy import identity_report

pytestmark = [pytest.mark.accuracy, pytest.mark.parametrize("city", ["nashville", "queens"])]
PARCELS = 3_000
DAY = 800


@pytest.fixture
def shuffled(city: str) -> pl.DataFrame:
    data: Path | None = get_settings().test_data
    if data is None:
        pytest.skip("LEADFLOW_TEST_DATA is not set")
    records = identity_report.dialect_records(data, city, "hard", size=PARCELS, seed=51)
    return records.drop("truth", "kind", "changes").sample(fraction=1, shuffle=True, seed=51)


def properties(links: pl.DataFrame) -> set[frozenset[str]]:
    return {frozenset(ids) for ids in links.group_by("property_id").agg("record_id")["record_id"].to_list()}


def test_another_order_gives_the_same_properties(shuffled: pl.DataFrame) -> None:
    again = shuffled.sample(fraction=1, shuffle=True, seed=1)
    assert properties(resolve_properties(again).links) == properties(resolve_properties(shuffled).links)


def test_a_later_day_gives_the_properties_of_all_at_once(shuffled: pl.DataFrame) -> None:
    before, day = shuffled[:-DAY], shuffled[-DAY:]
    first = resolve_properties(before)
    told = {"record_id", "source", "address_key", "parcel_key", *FEATURES} & set(first.records.columns)
    previous = first.records.select(told).join(first.links, on="record_id")
    second = resolve_properties(day, previous)
    moved = pl.concat([second.links, second.relinked])
    kept = first.links.join(moved, on="record_id", how="anti")
    assert properties(pl.concat([kept, moved])) == properties(resolve_properties(shuffled).links)
