"""Mappings of county files: their form, and what they make of rows."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.county_files import (
    SOURCE_ROWS_SCHEMA,
    MappedRows,
    Mapping,
    apply_mapping,
    load_mapping,
    parse_mapping,
    read_county_file,
)
from leadflow_pipelines.county_files.source_name import find_mapping, source_name
from leadflow_pipelines.errors import InvalidInput
from tests.county_files import DAY, written


def _mapped(folder: Path, columns: dict[str, list[str | None]], mapping: str) -> MappedRows:
    return apply_mapping(written(folder, columns), parse_mapping(mapping), day=DAY)


FULL = """
county_fips: 01001
state: al
city: Prattville
list_code: tax_delinquent
observed_at: 2026-01-31
columns:
  address: [Number, Street]
  parcel_number: {columns: [Boro, Block, Lot], pad: [1, 5, 4], join: ""}
  lot_sqft: {column: Acres, transform: acres}
  sale_date: {column: Sold, day_first: true}
"""


def test_a_mapping_round_trips_through_yaml() -> None:
    mapping = parse_mapping(FULL)
    assert (mapping.county_fips, mapping.state) == ("01001", "AL")
    assert mapping.observed_at == date(2026, 1, 31)
    assert mapping.columns["parcel_number"].pad == (1, 5, 4)
    assert parse_mapping(mapping.to_yaml()) == mapping
    assert Mapping.model_validate(mapping.model_dump(mode="json")) == mapping


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("columns: {", "is not YAML"),
        ("just text", "holds no `columns:`"),
        ("columns: {address: A}\ncounty: X", "county"),
        ("columns: {address: A}\ncounty_fips: 12", "five digits"),
        ("columns: {address: A}\nstate: Tenn", "two-letter"),
        ("columns: {address: {column: A, transfrom: text}}", "transfrom"),
    ],
)
def test_a_malformed_mapping_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_mapping(text)


def test_every_fault_of_a_mapping_is_listed_at_once_with_suggestions(tmp_path: Path) -> None:
    file = written(tmp_path, {"PROP_ADDR": ["1 OAK DR"], "SALE DATE": ["2020-01-01"]})
    mapping = parse_mapping(
        "columns: {adress: PROP_ADDR, street: PROP_ADR, sale_date: {column: SALE DATE, transform: dat},"
        " year_built: {column: SALE DATE, transform: money}, parcel_number: {columns: [PROP_ADDR], pad: [1, 2]}}"
    )
    with pytest.raises(InvalidInput) as caught:
        apply_mapping(file, mapping)
    text = str(caught.value)
    for fault in ("adress", "'address'", "'PROP_ADR'", "'PROP_ADDR'", "'dat'", "'date'", "year_built", "pad has 2"):
        assert fault in text
    assert "county.csv" in text


def test_a_mapping_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"absent\.yaml"):
        load_mapping(tmp_path / "absent.yaml")


def test_sources_and_mappings_are_found_by_name(tmp_path: Path) -> None:
    assert source_name("rolling_2019-11_2020-10.xlsx") == "rolling"
    assert source_name("Tax Delinquent 2026-04-27.csv.gz") == "tax_delinquent"
    assert source_name("2020.csv") == "county_file"
    data = tmp_path / "roll_2020.csv.gz"
    assert find_mapping(data) is None
    (tmp_path / "mapping.yaml").touch()
    assert find_mapping(data) == tmp_path / "mapping.yaml"
    (tmp_path / "roll_2020.yaml").touch()
    assert find_mapping(data) == tmp_path / "roll_2020.yaml"


def test_rows_come_out_in_their_types(tmp_path: Path) -> None:
    mapped = _mapped(
        tmp_path,
        {
            "Number": ["12", "14"], "Street": ["OAK DR", "OAK DR"], "Boro": ["4", "4"], "Block": ["949", "12345"],
            "Lot": ["31", "7"], "Acres": ["0.25", "2"], "Sold": ["25/12/2019", "1/2/2020"], "Price": ["$775,000", "0"],
            "Full": ["2", None], "Half": ["1", None], "Built": ["1945.0", "0"],
        },
        """
        state: NY
        list_code: tax_delinquent
        observed_at: 2020-10-31
        columns:
          street: [Number, Street]
          parcel_number: {columns: [Boro, Block, Lot], pad: [1, 5, 4], join: ""}
          lot_sqft: {column: Acres, transform: acres}
          sale_date: Sold
          sale_price_cents: Price
          baths: {columns: [Full, Half], transform: full_half}
          year_built: Built
        """,
    )  # fmt: skip
    assert mapped.rows.schema == pl.Schema(SOURCE_ROWS_SCHEMA)
    first, second = mapped.rows.rows(named=True)
    assert first["street"] == "12 OAK DR"
    assert (first["parcel_number"], second["parcel_number"]) == ("4009490031", "4123450007")
    assert (first["lot_sqft"], first["baths"], second["baths"]) == (10_890, 2.5, None)
    assert (first["sale_date"], second["sale_date"]) == (date(2019, 12, 25), date(2020, 2, 1))
    assert (first["sale_price_cents"], second["sale_price_cents"]) == (77_500_000, None)
    assert (first["year_built"], second["year_built"]) == (1945, None)
    assert first["list_codes"] == ["tax_delinquent"]
    assert first["observed_at"] == datetime(2020, 10, 31, tzinfo=UTC)
    assert first["state"] == "NY"
    warned = [(w.target, w.count, w.first_rows) for w in mapped.warnings]
    assert warned == [("year_built", 1, (2,))]  # a price of 0 is a transfer without a price, no fault


def test_bad_optional_values_become_null_and_are_counted(tmp_path: Path) -> None:
    tomorrow = (DAY + timedelta(days=1)).isoformat()
    mapped = _mapped(
        tmp_path,
        {
            "A": ["1 OAK DR"] * 4, "D": ["2020-01-01", "never", tomorrow, "1900-01-01"],
            "P": ["5", "-5", "x", "1e30"], "S": ["1200", "-1", "0", "1e300"], "Z": ["37201", "0", "99999", "abc"],
        },
        "columns: {address: A, sale_date: D, sale_price_cents: P, living_sqft: S, zip: Z}",
    )  # fmt: skip
    assert mapped.rows.height == 4
    for column in ("sale_date", "sale_price_cents", "living_sqft", "zip"):
        assert mapped.rows[column].is_not_null().to_list() == [True, False, False, False]
    assert [(w.target, w.count) for w in mapped.warnings] == [
        ("sale_date", 3), ("sale_price_cents", 3), ("living_sqft", 3), ("zip", 3),
    ]  # fmt: skip
    assert "rows 2, 3, 4" in str(mapped.warnings[0])


def test_only_rows_that_name_no_property_are_rejected(tmp_path: Path) -> None:
    mapped = _mapped(
        tmp_path,
        {"A": ["1 OAK DR", None, "N/A", None], "P": [None, "1-1", "-", "4.00949E+09"], "N": ["a", "b", "c", "d"]},
        "columns: {address: A, parcel_number: P, owner_name: N}",
    )
    assert mapped.rows["row_number"].to_list() == [1, 2]
    assert mapped.rejected.columns == ["row_number", "column", "reason_code", "reason", "raw_row"]
    assert mapped.rejected.select("row_number", "column", "reason_code").rows() == [
        (3, "A, P", "no_identity"), (4, "A, P", "no_identity"),
    ]  # fmt: skip
    assert "line 4" in mapped.rejected["reason"][0]
    assert json.loads(mapped.rejected["raw_row"][0]) == {"A": "N/A", "P": "-", "N": "c"}


def test_unreadable_rows_and_rows_without_identity_are_rejected_together(tmp_path: Path) -> None:
    path = tmp_path / "county.csv"
    path.write_text('P,A\n1-1,1 OAK DR\n1-2,2 OAK DR,x,y\n,\n,""\n , n/a\nTotal,\n')
    file = read_county_file(path)
    mapped = apply_mapping(file, parse_mapping("columns: {parcel_number: P, address: A}"))
    assert mapped.rows.height + mapped.rejected.height == file.rows_in == 4
    assert mapped.rejected["reason_code"].to_list() == ["too_many_fields", "no_identity", "footer"]


def test_county_names_become_codes_and_lists_become_slugs(tmp_path: Path) -> None:
    mapped = _mapped(
        tmp_path,
        {
            "A": ["1 OAK DR"] * 3, "C": ["Davidson", "SUMNER COUNTY", "Nowhere"], "S": ["TN"] * 3,
            "T": ["Tax Delinquent", "Pre-Foreclosure", "Weed Lot List"],
        },
        "columns: {address: A, county_fips: {column: C, transform: county_name}, state: S, list_codes: T}",
    )  # fmt: skip
    assert mapped.rows["county_fips"].to_list() == ["47037", "47165", None]
    assert mapped.rows["list_codes"].to_list() == [["tax_delinquent"], ["pre_foreclosure"], ["weed_lot_list"]]
    assert [(w.target, w.count) for w in mapped.warnings] == [("county_fips", 1)]


def test_acreage_glued_to_an_address_is_dropped(tmp_path: Path) -> None:
    mapped = _mapped(
        tmp_path,
        {"A": ["333 22ND AVE N .20", "9 OAK DR 12.5", "5 HIGHWAY 12"]},
        "columns: {address: {column: A, transform: without_acreage}}",
    )
    assert mapped.rows["address"].to_list() == ["333 22ND AVE N", "9 OAK DR", "5 HIGHWAY 12"]
