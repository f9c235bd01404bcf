"""Spellings of one address that are joined, and lookalikes that are not."""

from random import Random

import polars as pl
import pytest

from leadflow_pipelines.properties import Resolution, resolve_properties

PLACE = {"city": "NASHVILLE", "state": "TN", "zip": "37210", "county_fips": "47037"}


def records(*rows: dict[str, str | None]) -> pl.DataFrame:
    """One record a row, named a, b, c, ...; what a row does not say is PLACE."""
    columns = ("street", "unit", *PLACE, "parcel_number", "owner_name")
    told = [{**dict.fromkeys(columns), **PLACE, **row} for row in rows]
    return pl.DataFrame(told, schema=dict.fromkeys(columns, pl.String)).with_columns(
        record_id=pl.Series([chr(ord("a") + at) for at in range(len(rows))]),
        source=pl.Series([f"source_{at % 3}" for at in range(len(rows))]),
    )


def groups(resolution: Resolution) -> set[str]:
    ids = resolution.links.group_by("property_id").agg(pl.col("record_id").sort().str.join(""))
    return set(ids["record_id"])


def together(*rows: dict[str, str | None], decisions: pl.DataFrame | None = None) -> set[str]:
    return groups(resolve_properties(records(*rows), decisions=decisions))


JUST = {"street": "12 Larchmont St"}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"street": "12 Larchmnt St"}, id="a letter lost"),
        pytest.param({"street": "12 Larhcmont St"}, id="two letters exchanged"),
        pytest.param({"street": "12 Larchmont"}, id="no suffix"),
        pytest.param({"street": "12 Larchmont St", "zip": None}, id="no ZIP"),
        pytest.param({"street": "12 Larchmont St", "city": None, "zip": "37210"}, id="no city"),
        pytest.param({"street": "12 Larchmont St", "zip": "37211"}, id="a neighbouring ZIP of the same city"),
        pytest.param({"street": "12 Larchmnt", "zip": None}, id="two faults"),
    ],
)
def test_one_address_under_two_spellings_is_one_property(other: dict[str, str | None]) -> None:
    assert together(JUST, other) == {"ab"}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"street": "14 Larchmont St"}, id="the neighbour"),
        pytest.param({"street": "12 Larchmont Ave"}, id="another suffix"),
        pytest.param({"street": "12 Larchmont St", "unit": "Apt 4"}, id="a unit of the building"),
        pytest.param({"street": "12 Larchmont St", "city": "MEMPHIS", "zip": "38103"}, id="another city"),
        pytest.param({"street": "12 Larchmont St", "city": None, "zip": "38103"}, id="a distant ZIP and nothing else"),
    ],
)
def test_a_lookalike_is_another_property(other: dict[str, str | None]) -> None:
    assert together(JUST, other) == {"a", "b"}


def test_two_zips_that_several_sources_write_each_are_no_slip_but_two_places() -> None:
    there = {**JUST, "zip": "37211"}
    assert together(JUST, JUST, JUST, there) == {"abcd"}
    assert together(JUST, JUST, JUST, there, there) == {"abc", "de"}
    numbered = {"parcel_number": "123-45-678.00"}
    assert together(*({**row, **numbered} for row in (JUST, JUST, JUST, there, there))) == {"abcde"}


def test_two_units_of_a_mistyped_building_stay_apart() -> None:
    four, five = {"street": "12 Larchmont St", "unit": "4"}, {"street": "12 Larchmnt St", "unit": "5"}
    assert together(four, five, {**five, "unit": "4"}) == {"ac", "b"}


def test_numbered_streets_are_never_slips_of_each_other() -> None:
    assert together({"street": "12 21st Ave S"}, {"street": "12 22nd Ave S"}) == {"a", "b"}


def test_a_directional_may_stand_before_or_behind() -> None:
    assert together({"street": "12 N Larchmont St"}, {"street": "12 Larchmont St N"}) == {"ab"}
    assert together({"street": "12 N Larchmont St"}, {"street": "12 S Larchmont St"}) == {"a", "b"}


def test_what_fits_two_addresses_alike_joins_neither() -> None:
    street, avenue, bare = {"street": "12 Larchmont St"}, {"street": "12 Larchmont Ave"}, {"street": "12 Larchmont"}
    resolution = resolve_properties(records(street, avenue, bare))
    assert groups(resolution) == {"a", "b", "c"}
    assert set(resolution.verdicts["verdict"]) == {"refused"}
    number = {"parcel_number": "093 06 0 012.00"}
    assert together({**street, **number}, avenue, {**bare, **number}) == {"ac", "b"}


def test_a_parcel_number_of_its_own_outweighs_the_spelling() -> None:
    number = {"parcel_number": "093-06-0-012.00"}
    assert together({**JUST, **number}, {"street": "12 Larchmond Strt", **number}) == {"ab"}


def test_what_one_source_numbers_apart_is_apart() -> None:
    one, other = (
        {**JUST, "parcel_number": "093 06 0 012.00"},
        {"street": "12 BLarchmont St", "parcel_number": "093060 01300"},
    )
    assert together(one, other) == {"ab"}
    listed = records(one, other).with_columns(source=pl.lit("county"))
    assert groups(resolve_properties(listed)) == {"a", "b"}


def test_the_match_says_what_it_rests_on() -> None:
    number = {"parcel_number": "093 06 0 012.00"}
    links = resolve_properties(records({**JUST, **number}, {"street": "12 Larchmnt St", **number})).links
    joined = links.filter(pl.col("matched_by") == "similar").row(0, named=True)
    assert joined["score"] > 0.9
    for words in ("12 LARCHMONT ST 37210", "one letter apart", "same ZIP", "same parcel number"):
        assert words in joined["evidence"]


def decided(left: str, right: str, decision: str) -> pl.DataFrame:
    return pl.DataFrame({"left_record_id": [left], "right_record_id": [right], "decision": [decision]})


def test_what_an_operator_put_apart_stays_apart() -> None:
    rows = (JUST, {"street": "12 Larchmnt St"}, JUST)
    assert together(*rows) == {"abc"}
    assert together(*rows, decisions=decided("a", "b", "apart")) == {"ac", "b"}
    assert together(JUST, JUST, decisions=decided("a", "b", "apart")) == {"a", "b"}
    # What resembles both now fits neither better.
    assert together(*rows, decisions=decided("a", "c", "apart")) == {"a", "b", "c"}
    assert together(*rows, decisions=decided("a", "unknown", "apart")) == {"abc"}


def test_what_an_operator_put_together_stays_together() -> None:
    rows = (JUST, {"street": "9 Elm St"}, {"street": "9 Elm St"})
    assert together(*rows) == {"a", "bc"}
    assert together(*rows, decisions=decided("c", "a", "together")) == {"abc"}


def test_a_parting_keeps_the_ids_of_the_rest() -> None:
    rows = records(JUST, {"street": "12 Larchmnt St"}, JUST)
    before = resolve_properties(rows)
    keys = pl.DataFrame(
        {"record_id": ["a"], "address_key": [None], "parcel_key": [None]},
        schema_overrides={"address_key": pl.String, "parcel_key": pl.String},
    )
    previous = before.links.join(keys, on="record_id", how="left")
    after = resolve_properties(rows, previous, decided("a", "b", "apart"))
    kept, gone = before.links["property_id"][0], after.links.filter(pl.col("record_id") == "b")
    assert after.links.filter(pl.col("record_id").is_in(["a", "c"]))["property_id"].unique().to_list() == [kept]
    assert (gone["property_id"] != kept).all()
    assert gone["previous_property_id"].to_list() == [kept]
    assert gone["matched_by"].to_list() == ["first"]


def test_the_order_of_rows_changes_nothing() -> None:
    streets = [
        "12 Larchmont St",
        "12 Larchmnt St",
        "12 Larchmont",
        "12 Larchmont Ave",
        "12 Larchmond Ave",
        "14 Larchmont",
    ]
    rows = records(
        *({"street": street, "zip": zip_code} for street in streets for zip_code in ("37210", "37211", None))
    )
    expected = groups(resolve_properties(rows))
    for seed in range(5):
        order = list(range(rows.height))
        Random(seed).shuffle(order)
        assert groups(resolve_properties(rows[order])) == expected


def test_one_building_of_many_units_costs_little() -> None:
    units = [
        {"street": "12 Larchmont St" if at % 2 else "12 Larchmnt St", "unit": str(at % 2000)} for at in range(6000)
    ]
    frame = records(*units[:1]).clear()
    frame = pl.concat(
        [frame, pl.DataFrame(units).with_columns(**{name: pl.lit(value) for name, value in PLACE.items()},
         parcel_number=pl.lit("P 000 111"), owner_name=pl.lit("A" * 10_000),
         record_id=pl.int_range(pl.len()).cast(pl.String), source=pl.lit("county")).select(frame.columns)]
    )  # fmt: skip
    sizes = resolve_properties(frame).links.group_by("property_id").len()["len"]
    assert sizes.max() <= 6


NO_PLACE = {"city": None, "state": None, "zip": None}


def test_an_address_without_a_place_joins_its_like_in_the_county() -> None:
    assert together(JUST, {**JUST, **NO_PLACE}) == {"ab"}
    assert together(JUST, {**JUST, **NO_PLACE, "county_fips": "47157"}) == {"a", "b"}


def test_parcel_numbers_of_two_schemes_say_nothing_and_of_one_scheme_differ() -> None:
    assessor = {**JUST, "parcel_number": "093 06 0 041.00"}
    assert together(assessor, {**JUST, **NO_PLACE, "parcel_number": "152559"}) == {"ab"}
    assert together(assessor, {**JUST, **NO_PLACE, "parcel_number": "093 06 0 042.00"}) == {"a", "b"}


def test_an_address_without_a_place_is_looked_at_again_on_a_later_day() -> None:
    both = records(JUST, {**JUST, **NO_PLACE})
    for earlier, later in ((both[:1], both[1:]), (both[1:], both[:1])):
        first = resolve_properties(earlier)
        previous = first.records.join(first.links, on="record_id")
        second = resolve_properties(later, previous)
        assert set(second.links["property_id"]) == set(first.links["property_id"])
