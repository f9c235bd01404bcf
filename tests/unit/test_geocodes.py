"""Which addresses are asked of a geocoder, what its answers place, and what is dropped in time."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.contracts import GEOCODES, PROPERTIES
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.geocodes import (
    forget_expired,
    geocoders_to_forget,
    store_geocodes,
    unplaced_addresses,
)
from leadflow_pipelines.properties.record_store import write_records
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import refresh_properties

DAY = dt.date(2026, 11, 20)
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
ZIP = "37206"
FOUND = {"lat": 36.1, "lon": -86.7, "quality": "interpolated"}
MISS = {"lat": None, "lon": None, "quality": "none", "matched_address": None}


def put(lake: Lake, *rows: dict[str, object], source: str = "roll", day: dt.date = DAY) -> None:
    """Source rows into the lake's records."""
    told = [{"zip": ZIP, "city": "NASHVILLE", "state": "TN", "row_number": at, **row} for at, row in enumerate(rows, 1)]
    records = build_records(pl.DataFrame(told), source=source, pull_id=source, day=day)
    write_records(lake, records, source=source, pull_ids=[source], day=day)


def asked(lake: Lake, *, now: dt.datetime = NOW, provider: str = "census") -> dict[str, str]:
    """Streets that would be asked, by the address key."""
    frame = unplaced_addresses(lake, zips=[ZIP], day=now.date(), now=now, provider=provider)
    return dict(frame.select("record_key", "street").iter_rows())


def answer(lake: Lake, said: dict[str, dict[str, object]], *, provider: str = "census", at: dt.datetime = NOW) -> None:
    """Stores what a geocoder said of streets."""
    keys = {street: key for key, street in asked(lake, now=at, provider=provider).items()}
    rows = [
        {
            "record_key": keys[street],
            "zip": ZIP,
            "matched_address": f"{street}, NASHVILLE, TN, {ZIP}",
            "geocoded_at": at,
            "cost_cents": Decimal(0),
            **told,
        }
        for street, told in said.items()
    ]
    schema = {"record_key": pl.String, **{name: GEOCODES.schema[name] for name in GEOCODES.schema if name in rows[0]}}
    stored = store_geocodes(
        lake,
        pl.DataFrame(rows, schema=schema),
        provider=provider,
        keep_days=29 if provider == "google" else None,
        misses_again_days=90,
        zips=[ZIP],
    )
    assert (stored.faults, stored.rows) == ((), {ZIP: len(rows)})


def places(lake: Lake, day: dt.date = DAY) -> dict[str, tuple[float | None, str | None]]:
    """Latitude and who told it, by the current property's address, after the day's refresh."""
    assert refresh_properties(lake, zips=[ZIP], day=day).faults == ()
    rows = lake.read(PROPERTIES, where=pl.col("valid_to").is_null()).to_dicts()
    told = {one["address"]: [word for word in one["provenance"] if word["field"] == "lat"] for one in rows}
    assert all(
        [word["field"] for word in one["provenance"]] == sorted(w["field"] for w in one["provenance"]) for one in rows
    )
    return {
        one["address"].split(",")[0]: (one["lat"], told[one["address"]][0]["source"] if told[one["address"]] else None)
        for one in rows
    }


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_only_addresses_that_nothing_places_are_asked(lake: Lake) -> None:
    put(
        lake,
        {"address": "12 Quillfeather St"},
        {"address": "14 Quillfeather St", "lat": 36.1, "lon": -86.7},
        {"address": "16 Quillfeather St", "county_fips": "47037", "parcel_number": "042-07"},
        {"address": "18 Quillfeather St Apt 1"},
        {"address": "18 Quillfeather St Apt 2"},
        {"address": "PO Box 12"},
        {"address": "Quillfeather St"},
    )
    put(lake, {"county_fips": "47037", "parcel_number": "042 07", "lat": 36.2, "lon": -86.8}, source="parcels")
    frame = unplaced_addresses(lake, zips=[ZIP], day=DAY, now=NOW, provider="census")
    assert sorted(frame["street"]) == ["12 QUILLFEATHER ST", "18 QUILLFEATHER ST", "18 QUILLFEATHER ST"]
    assert frame["record_key"].n_unique() == 3
    assert frame.select("zip", "city", "state", "zip5").unique().rows() == [(ZIP, "NASHVILLE", "TN", ZIP)]
    put(lake, {"address": "12 QUILLFEATHER STREET", "lat": 36.1, "lon": -86.7}, source="later")
    assert "12 QUILLFEATHER ST" not in asked(lake).values()


def test_records_of_a_later_day_are_not_looked_at(lake: Lake) -> None:
    put(lake, {"address": "12 Quillfeather St"}, day=DAY + dt.timedelta(days=1))
    assert asked(lake) == {}


def test_an_answer_is_not_asked_for_again_and_a_miss_after_its_time(lake: Lake) -> None:
    put(lake, {"address": "12 Quillfeather St"}, {"address": "14 Quillfeather St"})
    answer(lake, {"12 QUILLFEATHER ST": FOUND, "14 QUILLFEATHER ST": MISS})
    assert asked(lake) == {}
    assert asked(lake, now=NOW + dt.timedelta(days=89)) == {}
    assert [*asked(lake, now=NOW + dt.timedelta(days=90)).values()] == ["14 QUILLFEATHER ST"]
    assert [*asked(lake, provider="google").values()] == ["14 QUILLFEATHER ST"], "another geocoder may know more"
    answer(lake, {"14 QUILLFEATHER ST": FOUND}, at=NOW + dt.timedelta(days=90))
    assert lake.read(GEOCODES).height == 2


def test_coordinates_stand_with_the_property_and_say_from_whom(lake: Lake) -> None:
    put(
        lake,
        {"address": "12 Quillfeather St"},
        {"address": "14 Quillfeather St"},
        {"address": "16 Quillfeather St", "lat": 36.5, "lon": -86.5},
    )
    assert places(lake)["12 QUILLFEATHER ST"] == (None, None)
    answer(lake, {"12 QUILLFEATHER ST": FOUND, "14 QUILLFEATHER ST": MISS})
    expected = {
        "12 QUILLFEATHER ST": (36.1, "census"),
        "14 QUILLFEATHER ST": (None, None),
        "16 QUILLFEATHER ST": (36.5, "roll"),
    }
    assert places(lake, DAY + dt.timedelta(days=1)) == expected
    versions = lake.read(PROPERTIES).height
    assert places(lake, DAY + dt.timedelta(days=2)) == expected
    assert lake.read(PROPERTIES).height == versions == 4, "one changed, and the same again is no version"


def test_a_source_that_speaks_later_outweighs_the_geocoder(lake: Lake) -> None:
    put(lake, {"address": "12 Quillfeather St"})
    answer(lake, {"12 QUILLFEATHER ST": FOUND})
    put(lake, {"address": "12 Quillfeather St", "lat": 36.5, "lon": -86.5}, source="county")
    assert places(lake) == {"12 QUILLFEATHER ST": (36.5, "county")}


@pytest.mark.parametrize(
    ("matched", "lat"),
    [
        ("12 Quillfeather Ave, Nashville, TN 37206, USA", 36.1),
        ("12 Quillfeather St, Nashville, TN 37207, USA", None),
        ("Nashville, TN 37206, USA", None),
        ("120 Quillfeather St, Nashville, TN 37206, USA", None),
    ],
)
def test_an_approximate_answer_counts_if_number_and_zip_are_kept(lake: Lake, matched: str, lat: float | None) -> None:
    put(lake, {"address": "12 Quillfeather St"})
    answer(lake, {"12 QUILLFEATHER ST": {**FOUND, "quality": "approximate", "matched_address": matched}})
    assert places(lake)["12 QUILLFEATHER ST"][0] == lat


def test_what_may_be_kept_for_a_time_only_leaves_every_version(lake: Lake) -> None:
    put(lake, {"address": "12 Quillfeather St"}, {"address": "14 Quillfeather St"}, {"address": "16 Quillfeather St"})
    answer(lake, {"16 QUILLFEATHER ST": FOUND})
    answer(lake, {"12 QUILLFEATHER ST": FOUND, "14 QUILLFEATHER ST": MISS}, provider="google")
    assert places(lake)["12 QUILLFEATHER ST"] == (36.1, "google")
    put(lake, {"address": "12 Quillfeather St", "year_built": 1950}, source="assessor", day=DAY + dt.timedelta(days=3))
    places(lake, DAY + dt.timedelta(days=3))  # another version that has them
    in_time, too_late = (NOW + dt.timedelta(days=29, hours=hours) for hours in (-1, 1))
    assert geocoders_to_forget(lake, now=in_time) == []
    before = lake.digest(PROPERTIES)
    forget_expired(lake, now=in_time)
    assert lake.digest(PROPERTIES) == before
    assert geocoders_to_forget(lake, now=too_late) == ["google"]
    forget_expired(lake, now=too_late)
    told = lake.read(PROPERTIES).explode("provenance").unnest("provenance")
    assert set(told.filter(pl.col("field") == "lat")["source"]) == {"census"}
    assert lake.read(PROPERTIES)["lat"].drop_nulls().len() == 1
    assert lake.read(GEOCODES)["provider"].sort().to_list() == ["census", "google"], "the miss stays"
    assert [*asked(lake, now=too_late, provider="google").values()] == ["12 QUILLFEATHER ST"]
    answer(lake, {"12 QUILLFEATHER ST": FOUND}, provider="google", at=too_late)
    assert places(lake, too_late.date())["12 QUILLFEATHER ST"] == (36.1, "google")


def test_killed_after_the_properties_it_begins_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, {"address": "12 Quillfeather St"})
    answer(lake, {"12 QUILLFEATHER ST": FOUND}, provider="google")
    places(lake)
    later, update = NOW + dt.timedelta(days=30), Lake.update

    def die(self: Lake, contract: object, *rest: object) -> None:
        if contract is GEOCODES:
            raise KeyboardInterrupt
        update(self, contract, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "update", die)
        with pytest.raises(KeyboardInterrupt):
            forget_expired(lake, now=later)
    assert lake.read(PROPERTIES)["lat"].null_count() == 1
    assert geocoders_to_forget(lake, now=later) == ["google"]
    forget_expired(lake, now=later)
    assert lake.read(GEOCODES).is_empty()
