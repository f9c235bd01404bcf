"""Which records are one property, and the ids that never change."""

from datetime import date
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow_pipelines.properties import Resolution, resolve_properties
from leadflow_pipelines.properties.matching.clustering import connected_components
from tests.examples import tried

SCHEMA = dict.fromkeys(["record_id", "source", "address_key", "parcel_key"], pl.String)
OAK, OAK_5, ELM = "12||OAK|ST|||37210", "12||OAK|ST||5|37210", "14||ELM|ST|||37210"
OAK_IN_CITY, OAK_ELSEWHERE = "12||OAK|ST|||NASHVILLE,TN", "12||OAK|ST|||37203"
Row = tuple[str, str | None, str | None]


def frame(*rows: Row, source: str = "county") -> pl.DataFrame:
    """record_id, address_key, parcel_key."""
    return pl.DataFrame([(row[0], source, *row[1:]) for row in rows], schema=SCHEMA, orient="row")


def groups(resolution: Resolution) -> set[frozenset[str]]:
    return {frozenset(ids) for ids in resolution.links.group_by("property_id").agg("record_id")["record_id"]}


def together(*rows: Row) -> set[frozenset[str]]:
    return groups(resolve_properties(frame(*rows)))


def sets(*texts: str) -> set[frozenset[str]]:
    return {frozenset(text) for text in texts}


def as_previous(resolution: Resolution, records: pl.DataFrame, day: int = 1) -> pl.DataFrame:
    return resolution.links.join(records, on="record_id").with_columns(linked_on=pl.lit(date(2020, 1, day)))


def test_one_address_is_one_property() -> None:
    assert together(("a", OAK, None), ("b", OAK, None), ("c", ELM, None)) == sets("ab", "c")


def test_a_parcel_joins_records_without_address_to_its_only_property() -> None:
    assert together(("a", OAK, "P"), ("b", None, "P"), ("c", None, "P"), ("d", None, "Q")) == sets("abc", "d")
    assert together(("a", None, "P"), ("b", None, "P")) == sets("ab")


def test_a_shared_parcel_merges_nothing() -> None:
    rows = [("a", OAK, "P"), ("b", OAK_5, "P"), ("c", ELM, "P"), ("d", None, "P"), ("e", None, "P")]
    assert together(*rows) == sets("a", "b", "c", "d", "e")


def test_records_without_any_key_stay_alone() -> None:
    assert together(("a", None, None), ("b", None, None)) == sets("a", "b")


def test_a_parcel_joins_the_same_street_with_zip_and_with_city() -> None:
    assert together(("a", OAK, "P"), ("b", OAK_IN_CITY, "P"), ("c", OAK_IN_CITY, None)) == sets("abc")
    assert together(("a", OAK, "P"), ("b", OAK_ELSEWHERE, "P")) == sets("ab")
    assert together(("a", OAK, None), ("b", OAK_ELSEWHERE, None)) == sets("a", "b")


def test_a_city_without_zip_joins_the_only_address_that_fits() -> None:
    assert together(("a", OAK, None), ("b", OAK_IN_CITY, None)) == sets("ab")
    assert together(("a", OAK, None), ("b", OAK_IN_CITY, None), ("c", OAK_ELSEWHERE, None)) == sets("a", "b", "c")


def test_no_chain_puts_two_zips_into_one_property() -> None:
    one = frame(("a", OAK, "P"), ("b", OAK_IN_CITY, "P"))
    other = frame(("c", OAK_IN_CITY, "Q"), ("d", OAK_ELSEWHERE, "Q"), source="other")
    assert groups(resolve_properties(pl.concat([one, other]))) == sets("a", "bc", "d")


def test_parcels_that_one_source_lists_at_one_address_stay_apart() -> None:
    rows = [("a", OAK, "P"), ("b", OAK, "Q"), ("c", OAK, "Q"), ("d", OAK, None), ("e", None, "P")]
    assert together(*rows) == sets("ae", "bc", "d")


def test_a_condominiums_parcel_joins_its_unit_with_and_without_the_unit_number() -> None:
    county = frame(("a", OAK, "P"), ("b", OAK, "Q"))
    tax = frame(("c", OAK_5, "P"), ("d", OAK_5, None), source="tax")
    assert groups(resolve_properties(pl.concat([county, tax]))) == sets("acd", "b")
    # One parcel at the address: it may be the whole building, and the unit one of many.
    assert groups(resolve_properties(pl.concat([county.head(1), tax]))) == sets("a", "cd")
    both = frame(("c", OAK_5, "P"), ("d", OAK_5, "Q"), source="tax")
    assert not any({"a", "b"} <= group for group in groups(resolve_properties(pl.concat([county, both]))))


def test_two_sources_that_number_differently_agree_on_the_address() -> None:
    records = pl.concat([frame(("a", OAK, "P")), frame(("b", OAK, "Q"), source="other")])
    assert groups(resolve_properties(records)) == sets("ab")


def test_an_address_without_place_counts_within_its_source_only() -> None:
    bare = "12||OAK|ST|||"
    records = pl.concat([frame(("a", bare, None), ("b", bare, None)), frame(("c", bare, None), source="other")])
    assert groups(resolve_properties(records)) == sets("ab", "c")


def test_keys_follow_from_addresses() -> None:
    records = pl.DataFrame(
        {
            "record_id": ["a", "b", "c"],
            "source": ["x", "y", "z"],
            "address": ["12 Oak Street, Nashville, TN 37210", "12 OAK ST, NASHVILLE TN 37210-0001", None],
            "county_fips": ["47037"] * 3,
            "parcel_number": [None, "09-2110", "092110"],
        }
    )
    resolution = resolve_properties(records)
    assert groups(resolution) == sets("abc")
    assert resolution.properties["record_count"].to_list() == [3]


def test_evidence_names_rule_and_key() -> None:
    links = resolve_properties(
        frame(("a", OAK, "P"), ("b", OAK, "P"), ("c", OAK, None), ("d", None, "P"), ("e", ELM, None))
    ).links
    rules = dict(links.select("record_id", "matched_by").iter_rows())
    assert rules == {"a": "first", "b": "address+parcel", "c": "address", "d": "parcel", "e": "first"}
    said = dict(links.select("record_id", "evidence").iter_rows())
    assert said["b"] == "Same address 12 OAK ST 37210, same parcel number P."
    assert said["d"] == "Same parcel number P."
    assert links["score"].unique().to_list() == [1.0]


KEYS = st.sampled_from([None, OAK, OAK_5, ELM, OAK_IN_CITY, OAK_ELSEWHERE, "12||OAK|ST|||"])
PARCELS = st.sampled_from([None, "P", "Q", "R"])
RECORDS = st.lists(st.tuples(KEYS, PARCELS, st.sampled_from(["x", "y"])), min_size=1, max_size=14)


def numbered(rows: list[tuple[str | None, str | None, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(f"{number:02d}", source, key, parcel) for number, (key, parcel, source) in enumerate(rows)],
        schema=SCHEMA, orient="row",
    )  # fmt: skip


@tried(10)
@given(RECORDS, st.randoms(use_true_random=False))
def test_order_of_rows_says_nothing(rows: list[tuple[str | None, str | None, str]], random: Random) -> None:
    records = numbered(rows)
    shuffled = records[random.sample(range(records.height), records.height)]
    one, other = resolve_properties(records), resolve_properties(shuffled)
    assert one.links.sort("record_id").equals(other.links.sort("record_id"))
    assert other.links["record_id"].to_list() == shuffled["record_id"].to_list()


@tried(10)
@given(RECORDS)
def test_no_property_has_two_units_or_numbers(rows: list[tuple[str | None, str | None, str]]) -> None:
    records = numbered(rows)
    resolution = resolve_properties(records)
    assert sorted(resolution.links["record_id"]) == sorted(records["record_id"])
    joined = resolution.links.join(records, on="record_id").group_by("property_id").agg(
        pl.col("address_key").drop_nulls().str.replace(r"(\|[^|]*){2}$", "").n_unique().alias("streets"),
        pl.col("address_key").drop_nulls().str.extract(r"\|([^|]+)\|[^|]*$").drop_nulls().n_unique().alias("units"),
    )  # fmt: skip
    assert joined["streets"].max() <= 1
    assert joined["units"].max() <= 1


@tried(10)
@given(RECORDS)
def test_a_second_call_with_previous_changes_nothing(rows: list[tuple[str | None, str | None, str]]) -> None:
    records = numbered(rows)
    first = resolve_properties(records)
    again = resolve_properties(records, previous=as_previous(first, records))
    assert again.links.equals(first.links)
    assert again.merges.is_empty()
    assert again.relinked.is_empty()


def test_new_records_join_the_old_id() -> None:
    old = frame(("z", OAK, "P"), ("y", ELM, None))
    first = resolve_properties(old)
    previous = as_previous(first, old)
    second = resolve_properties(frame(("a", OAK, None), ("b", None, "P"), ("c", OAK_5, None)), previous=previous)
    ids = dict(second.links.select("record_id", "property_id").iter_rows())
    old_id = dict(first.links.select("record_id", "property_id").iter_rows())["z"]
    assert ids["a"] == ids["b"] == old_id != ids["c"]
    assert second.links["matched_by"].to_list() == ["address", "parcel", "first"]


def test_ids_name_the_cluster_and_are_the_same_in_every_run() -> None:
    (one,) = resolve_properties(frame(("a", OAK, "P"))).links["property_id"]
    assert resolve_properties(frame(("b", OAK, None), ("c", None, None))).links["property_id"][0] == one
    assert one == "p_905b2287a4d27ce1b0eb"


@pytest.mark.parametrize("days", [(1, 2), (2, 1)])
def test_when_two_properties_turn_out_to_be_one_the_older_id_survives(days: tuple[int, int]) -> None:
    city, zipped = frame(("a", OAK_IN_CITY, "P")), frame(("b", OAK, None))
    first, second = resolve_properties(city), resolve_properties(zipped)
    previous = pl.concat([as_previous(first, city, days[0]), as_previous(second, zipped, days[1])])
    records = frame(("a", OAK_IN_CITY, "P"), ("b", OAK, "P"), ("c", OAK, "P"))
    merged = resolve_properties(records, previous=previous)
    ids = {"a": first.links["property_id"][0], "b": second.links["property_id"][0]}
    older, newer = ("a", "b") if days[0] < days[1] else ("b", "a")
    assert merged.merges.rows() == [(ids[newer], ids[older])]
    assert merged.links["property_id"].unique().to_list() == [ids[older]]
    (moved,) = merged.links.filter(pl.col("record_id") == newer).to_dicts()
    assert (moved["matched_by"], moved["previous_property_id"]) == ("merge", ids[newer])
    # Once recorded, a merge stays recorded.
    assert resolve_properties(records, previous=as_previous(merged, records)).links.equals(merged.links)


def test_earlier_records_that_are_not_given_move_too() -> None:
    city, zipped = frame(("a", OAK_IN_CITY, "P")), frame(("b", OAK, None))
    first, second = resolve_properties(city), resolve_properties(zipped)
    previous = pl.concat([as_previous(first, city, day=2), as_previous(second, zipped, day=1)])
    merged = resolve_properties(frame(("c", OAK, "P")), previous=previous)
    assert merged.links["record_id"].to_list() == ["c"]
    survivor, given_up = second.links["property_id"][0], first.links["property_id"][0]
    assert merged.relinked.select("record_id", "property_id", "matched_by", "previous_property_id").rows() == [
        ("a", survivor, "merge", given_up)
    ]


def test_a_split_keeps_the_id_with_the_most_records_and_never_reuses_it() -> None:
    old = frame(("a", OAK, None), ("b", OAK, None), ("c", OAK_5, None), ("d", ELM, None))
    links = pl.DataFrame({"record_id": ["a", "b", "c", "d"], "property_id": ["p_x", "p_x", "p_x", "p_y"]})
    previous = links.join(old, on="record_id")
    split = resolve_properties(old, previous=previous)
    ids = dict(split.links.select("record_id", "property_id").iter_rows())
    assert (ids["a"], ids["b"], ids["d"]) == ("p_x", "p_x", "p_y")
    assert ids["c"] not in ("p_x", "p_y")
    moved = split.links.filter(pl.col("record_id") == "c").row(0, named=True)
    assert moved["previous_property_id"] == "p_x"
    assert split.merges.is_empty()


def test_an_id_that_another_property_holds_is_not_given_again() -> None:
    (natural,) = resolve_properties(frame(("a", OAK, None))).links["property_id"]
    previous = pl.DataFrame({"record_id": ["z"], "property_id": [natural], "address_key": [ELM], "parcel_key": [None]},
                            schema_overrides={"parcel_key": pl.String})  # fmt: skip
    resolution = resolve_properties(frame(("a", OAK, None), ("b", ELM, None)), previous=previous)
    ids = dict(resolution.links.select("record_id", "property_id").iter_rows())
    assert ids["b"] == natural != ids["a"]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=20))
def test_components_are_the_connected_ones(pairs: list[tuple[int, int]]) -> None:
    found = connected_components(pl.DataFrame(pairs, schema={"left": pl.UInt64, "right": pl.UInt64}, orient="row"))
    label = {node: node for pair in pairs for node in pair}
    for _ in label:
        for left, right in pairs:
            label[left] = label[right] = min(label[left], label[right])
    assert dict(found.iter_rows()) == label


def test_a_long_chain_is_one_component() -> None:
    chain = pl.DataFrame({"left": range(2000), "right": range(1, 2001)}, schema={"left": pl.UInt64, "right": pl.UInt64})
    assert connected_components(chain)["component"].unique().to_list() == [0]


def test_one_parcel_number_on_everything_makes_no_giant() -> None:
    rows = pl.DataFrame({"number": range(5000)}).select(
        record_id=pl.format("r{}", "number"), source=pl.lit("county"), parcel_key=pl.lit("P"),
        address_key=pl.format("12||OAK|ST||{}|37210", "number"),
    )  # fmt: skip
    assert resolve_properties(rows).links["property_id"].n_unique() == 5000
