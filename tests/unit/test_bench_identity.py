"""The identity benchmark measures what it says: its records, its hostile file, its figures."""

import polars as pl
import pytest

from bench import identity
from bench.county_addresses import REPEATED_SHARE, invent_hostile_records, invent_lines, invent_records
from bench.figures import at_least, grown, less_than_peer, times_as_fast
from bench.identity_steps import STEPS
from leadflow_pipelines.properties import normalize_addresses


@pytest.fixture(scope="module")
def records():
    return invent_records(2_000)


def test_records_repeat_properties_in_other_words(records):
    assert records["record_id"].n_unique() == records.height == 2_000
    assert records["truth"].n_unique() == 2_000 * (1 - REPEATED_SHARE)
    repeated = records.filter(pl.len().over("truth") > 1)
    spelled = repeated.group_by("truth").agg(pl.struct("address", "street", "city").n_unique().alias("n"))
    assert (spelled["n"] > 1).mean() > 0.8


def test_records_are_the_same_each_time_and_other_ones_by_seed(records):
    assert records.equals(invent_records(2_000))
    assert not records.equals(invent_records(2_000, seed=8))


def test_an_address_names_one_property(records):
    keyed = normalize_addresses(records)
    assert keyed["address_key"].null_count() == 0
    assert keyed.group_by("address_key").agg(pl.col("truth").n_unique())["truth"].max() == 1


def test_lines_are_distinct():
    assert invent_lines(20_000)["address"].n_unique() == 20_000


def test_hostile_file_is_hostile():
    hostile = invent_hostile_records(100_000)
    keys = normalize_addresses(hostile)["address_key"]
    assert keys.null_count() == 50_000
    assert keys.drop_nulls().n_unique() == 5_000
    assert hostile["parcel_number"].eq("000-SHARED").sum() == 5_000
    assert hostile["owner_name"].str.len_bytes().max() == 10_000


def test_the_resolve_step_finds_the_repeats(records, tmp_path):
    file = tmp_path / "records.parquet"
    records.write_parquet(file)
    measured = STEPS["resolve"](file=str(file), keep=str(tmp_path / "previous.parquet"))
    assert measured["f1"] > 0.97
    assert measured["largest"] < 10
    again = STEPS["day"](file=str(file), previous=str(tmp_path / "previous.parquet"))
    assert again["joined"] == records.height


def test_a_figure_fails_below_its_goal():
    assert not at_least("x", 299_999, 300_000, "rows/s").holds
    slow = times_as_fast("x", 390, "rows/s", peer="peer", peer_speed=10, goal=40)
    assert (slow.holds, slow.ratio, slow.peer) == (False, 39, "peer: 10 rows/s")


def test_growth_beyond_its_share_fails():
    assert grown("x", 30, "s", from_value=5, times=6).holds
    assert not grown("x", 30.1, "s", from_value=5, times=6).holds
    assert not less_than_peer("x", 2, "GB", peer="peer", of_peer=1.9).holds


def test_a_missing_peer_is_named_and_the_rest_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr(identity, "is_installed", lambda module: module != "scourgify")
    monkeypatch.setattr(identity.Steps, "__call__", lambda self, step, **_: {"rows_per_second": 10.0, "keyed": 1.0})
    figures = identity.compare_normalizing(identity.Steps(tmp_path), [1_000], 100)
    by_peer = {figure.what.rpartition("beside ")[2]: figure for figure in figures if figure.peer}
    assert {name: figure.ratio for name, figure in by_peer.items()} == {
        "usaddress-scourgify": None, "fastaddress": 1.0, "doorplate": 1.0,
    }  # fmt: skip
    assert "not installed" in by_peer["usaddress-scourgify"].peer
