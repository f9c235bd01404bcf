"""Which ZIP a record stands in when it does not say so itself."""

from datetime import date
from typing import Any

import polars as pl

from leadflow_pipelines.properties import build_records, find_place_of_unlocated, locate_records

COLUMNS = ["zip", "located_by", "address_key"]


def records(*rows: dict[str, Any], known: pl.DataFrame | None = None) -> pl.DataFrame:
    numbered = [{"row_number": number, "state": "TN", **row} for number, row in enumerate(rows, start=1)]
    frame = pl.DataFrame(numbered, infer_schema_length=None)
    return build_records(frame, source="county", pull_id="file", day=date(2020, 3, 1), known=known)


def placed(*rows: dict[str, Any], known: pl.DataFrame | None = None) -> list[tuple[str | None, ...]]:
    return records(*rows, known=known).select(COLUMNS).rows()


ELM = {"street": "14 ELM ST", "city": "NASHVILLE", "county_fips": "47037", "parcel_number": "09211020400"}


def test_own_zip_wins() -> None:
    assert placed({**ELM, "zip": "37210"}) == [("37210", "record", "14||ELM|ST|||37210")]


def test_a_zip_that_does_not_exist_is_no_evidence() -> None:
    assert placed({**ELM, "zip": "37299"}) == [("unlocated", "nothing", "14||ELM|ST|||NASHVILLE,TN")]
    assert placed({**ELM, "city": "GOODLETTSVILLE", "zip": "37299"})[0][:2] == ("37072", "city")


def test_a_record_placed_elsewhere_in_a_zip_that_does_not_exist_is_placed_anew() -> None:
    claimed = records(ELM).with_columns(zip5=pl.lit("37299"))
    assert locate_records(claimed)["zip"].to_list() == ["unlocated"]


def test_the_parcel_decides_then_the_address() -> None:
    with_zip = {**ELM, "zip": "37210"}
    assert placed(with_zip, {**ELM, "street": None})[1] == ("37210", "parcel", None)
    assert placed(with_zip, {**ELM, "parcel_number": None})[1] == ("37210", "address", "14||ELM|ST|||37210")
    elsewhere = {**ELM, "parcel_number": "1111111", "zip": "37203"}
    assert placed(with_zip, elsewhere, ELM)[2][:2] == ("37210", "parcel")


def test_evidence_for_two_zips_is_none() -> None:
    two = [{**ELM, "street": f"{number} OAK ST", "zip": code} for number, code in ((1, "37210"), (2, "37203"))]
    assert placed(*two, ELM)[2][:2] == ("unlocated", "nothing")
    two = [{**ELM, "parcel_number": f"555555{code}", "zip": code} for code in ("37210", "37203")]
    assert placed(*two, {**ELM, "parcel_number": None})[2][:2] == ("unlocated", "nothing")


def test_a_city_of_one_zip_decides() -> None:
    assert placed({"address": "12 OAK DR, GOODLETTSVILLE"}) == [("37072", "city", "12||OAK|DR|||37072")]


def test_another_unit_of_the_building_stands_in_its_zip() -> None:
    unit = {**ELM, "parcel_number": None, "unit": "APT 5"}
    assert placed({**ELM, "zip": "37210"}, unit)[1] == ("37210", "address", "14||ELM|ST||5|37210")


def test_earlier_records_are_evidence() -> None:
    known = records({**ELM, "zip": "37210"})
    assert placed(ELM, known=known)[0][:2] == ("37210", "parcel")
    assert placed(ELM, known=known.select("parcel_key", "zip"))[0][:2] == ("37210", "parcel")
    assert placed(ELM, known=known.clear())[0][:2] == ("unlocated", "nothing")


def test_unlocated_records_are_evidence_for_nothing() -> None:
    assert placed(ELM, ELM, known=records(ELM))[1][:2] == ("unlocated", "nothing")


def test_nothing_is_lost_and_order_is_kept() -> None:
    rows = [ELM, {**ELM, "zip": "37210"}, {"owner_name": "A. Sample"}, {**ELM, "zip": "37299", "street": None}]
    made = records(*rows)
    assert made["row_number"].to_list() == [1, 2, 3, 4]
    assert made["zip"].to_list() == ["37210", "37210", "unlocated", "37210"]
    assert locate_records(made).equals(made.with_columns(located_by=pl.lit("record")).with_columns(
        pl.when(pl.col("zip") == "unlocated").then(pl.lit("nothing")).otherwise("located_by").alias("located_by")
    ))  # fmt: skip


def test_later_evidence_finds_the_unlocated() -> None:
    waiting = records(ELM, {**ELM, "parcel_number": "7777777", "street": "99 OAK ST"})
    assert waiting["zip"].to_list() == ["unlocated", "unlocated"]
    found = find_place_of_unlocated(waiting, records({**ELM, "zip": "37210"}))
    assert found.select("row_number", *COLUMNS).rows() == [(1, "37210", "parcel", "14||ELM|ST|||37210")]
    assert found.columns == waiting.columns
    assert find_place_of_unlocated(waiting, records(ELM)).is_empty()


MAIN = {"street": "14 MAIN ST", "county_fips": "47037"}
IN_MADISON = {"lat": 36.26, "lon": -86.71}
"""Inside 37115."""


def test_coordinates_choose_among_the_addresses_of_a_county() -> None:
    known = records({**MAIN, "city": "MADISON", "zip": "37115"})
    assert placed({**MAIN, **IN_MADISON}, known=known)[0] == ("37115", "address", "14||MAIN|ST|||37115")
    assert placed(MAIN, known=known)[0][:2] == ("unlocated", "nothing")
    far = {"lat": 36.05, "lon": -86.95}
    assert placed({**MAIN, **far}, known=known)[0][:2] == ("unlocated", "nothing")
    another_county = {**MAIN, **IN_MADISON, "county_fips": "47165"}
    assert placed(another_county, known=known)[0][:2] == ("unlocated", "nothing")


def test_an_address_that_a_county_has_twice_is_not_chosen() -> None:
    known = records({**MAIN, "city": "MADISON", "zip": "37115"}, {**MAIN, "city": "OLD HICKORY", "zip": "37138"})
    assert placed({**MAIN, **IN_MADISON}, known=known)[0][:2] == ("unlocated", "nothing")
