"""Mappings of county files: their form, the values they make, and proposals for layouts nobody tuned them to."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadflow_pipelines.county_files import (
    SOURCE_ROWS_SCHEMA,
    CountyFile,
    MappedRows,
    Mapping,
    Proposal,
    apply_mapping,
    load_mapping,
    parse_mapping,
    propose_mapping,
    read_county_file,
)
from leadflow_pipelines.county_files.source_name import find_mapping, source_name
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import get_settings
from leadflow_pipelines.source_rows.parse_dates import parse_dates
from leadflow_pipelines.source_rows.transforms import parse_flag, parse_money, parse_state, parse_zip

DAY = date(2026, 11, 21)


def _file(folder: Path, columns: dict[str, list[str | None]], name: str = "county.csv") -> CountyFile:
    path = folder / name
    pl.DataFrame(columns).write_csv(path)
    return read_county_file(path)


def _mapped(folder: Path, columns: dict[str, list[str | None]], mapping: str) -> MappedRows:
    return apply_mapping(_file(folder, columns), parse_mapping(mapping), day=DAY)


# --- values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("$1,234.50", 123450),
        ("(1,234)", -123400),
        ("$(1,234.00)", None),
        ("-$5", -500),
        ("1234-", -123400),
        ("1234", 123400),
        ("USD 12.5", 1250),
        ("1.2E+06", 120000000),
        (".5", 50),
        ("0", 0),
        ("1.234,50", None),
        ("12,34", None),
        ("12 OAK", None),
        ("$", None),
        ("", None),
    ],
)
def test_money_as_counties_write_it(text: str, cents: int | None) -> None:
    assert parse_money(pl.Series([text])).to_list() == [cents]


@given(st.integers(0, 10**13), st.booleans(), st.booleans(), st.booleans())
def test_money_survives_every_way_of_writing_it(cents: int, sign: bool, commas: bool, negative: bool) -> None:
    text = f"{cents // 100:,}.{cents % 100:02d}" if commas else f"{cents // 100}.{cents % 100:02d}"
    text = f"${text}" if sign else text
    text = f"({text})" if negative else text
    assert parse_money(pl.Series([text])).to_list() == [-cents if negative else cents]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("April 9, 2013", date(2013, 4, 9)),
        ("20 Mar 2018", date(2018, 3, 20)),
        ("2019-04-05 00:00:00", date(2019, 4, 5)),
        ("2019-04-05T10:00:00Z", date(2019, 4, 5)),
        ("4/5/2019 12:00:00 AM", date(2019, 4, 5)),
        ("04/05/19", date(2019, 4, 5)),
        ("05-JAN-1998", date(1998, 1, 5)),
        ("Sept. 3rd, 2015", date(2015, 9, 3)),
        ("20190405", date(2019, 4, 5)),
        ("04052019", date(2019, 4, 5)),
        ("1554422400", date(2019, 4, 5)),
        ("1554422400000", date(2019, 4, 5)),
        ("43560", date(2019, 4, 5)),
        ("43560.5", date(2019, 4, 5)),
        ("10:00 a.m. on Tuesday, February 3, 2026", date(2026, 2, 3)),
        ("2/30/2019", None),
        ("2019", None),
        ("soon", None),
    ],
)
def test_dates_as_counties_write_them(text: str, day: date | None) -> None:
    assert parse_dates(pl.Series([text])).to_list() == [day]


FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%m-%d-%Y", "%B %d, %Y", "%b %d %Y", "%d %b %Y", "%d-%b-%Y", "%Y%m%d",
    "%Y-%m-%d %H:%M:%S", "%A, %B %d, %Y",
)  # fmt: skip


@given(st.dates(date(1901, 1, 1), date(2099, 12, 31)), st.sampled_from(FORMATS))
@example(date(2000, 2, 29), "%d %b %Y")
def test_a_date_survives_every_format(day: date, form: str) -> None:
    assert parse_dates(pl.Series([day.strftime(form)]), day_first=False).to_list() == [day]


@given(st.dates(date(1930, 1, 1), date(2099, 12, 31)))
def test_serials_and_epochs_name_their_day(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    seconds = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    assert parse_dates(pl.Series([str(serial), f"{serial}.75"])).to_list() == [day, day]
    if len(str(abs(seconds))) in (9, 10):
        assert parse_dates(pl.Series([str(seconds), str(seconds * 1000)])).to_list() == [day, day]


def test_day_first_is_read_only_where_the_column_proves_it() -> None:
    assert parse_dates(pl.Series(["4/5/2019", "6/5/2019"])).to_list() == [date(2019, 4, 5), date(2019, 6, 5)]
    assert parse_dates(pl.Series(["4/5/2019", "25/5/2019"])).to_list() == [date(2019, 5, 4), date(2019, 5, 25)]
    mixed = parse_dates(pl.Series(["4/5/2019", "25/5/2019", "5/25/2019"])).to_list()
    assert mixed == [date(2019, 4, 5), date(2019, 5, 25), date(2019, 5, 25)]


def test_zips_states_and_flags() -> None:
    zips = parse_zip(pl.Series(["37201", "37201-1234", "372011234", "2139", "37201.0", "00000", "N/A", "3720"]))
    assert zips.to_list() == ["37201", "37201-1234", "37201-1234", "02139", "37201", None, None, "03720"]
    assert parse_state(pl.Series(["tn", "Tennessee", "N.Y.", "XX"])).to_list() == ["TN", "TN", None, None]
    flags = parse_flag(pl.Series(["Yes", "N", "y", "No", "1", "false", "maybe"]))
    assert flags.to_list() == [True, False, True, False, True, False, None]


# --- the mapping's form ---------------------------------------------------------------------------------------

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
    file = _file(tmp_path, {"PROP_ADDR": ["1 OAK DR"], "SALE DATE": ["2020-01-01"]})
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


# --- applying -------------------------------------------------------------------------------------------------


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


# --- proposals ------------------------------------------------------------------------------------------------

STREETS = ("OAK DR", "ELM ST", "MAPLE AVE", "PINE CT")


def _n(count: int = 40) -> range:
    return range(1, count + 1)


def _addresses(first: int = 100) -> list[str | None]:
    return [f"{first + i} {STREETS[i % 4]}" for i in _n()]


LAYOUTS: dict[str, tuple[dict[str, list[str | None]], dict[str, object]]] = {
    "assessor roll with street parts and glued names": (
        {
            "PARID": [f"R{i:06d}" for i in _n()],
            "ADRNO": [str(100 + i) for i in _n()],
            "ADRDIR": ["N" if i % 2 else None for i in _n()],
            "ADRSTR": [STREETS[i % 4].split()[0] for i in _n()],
            "ADRSUF": [STREETS[i % 4].split()[1] for i in _n()],
            "CITYNAME": ["SPRINGFIELD"] * 40,
            "ZIP1": ["62701"] * 40,
            "OWN1": [f"EXAMPLE, A{i}" for i in _n()],
            "OWN2": [f"EXAMPLE, B{i}" if i % 3 else None for i in _n()],
            "MAILADR1": [f"PO BOX {i}" for i in _n()],
            "MAILCITY": ["CHICAGO"] * 40,
            "MAILST": ["IL"] * 40,
            "MAILZIP": ["60601"] * 40,
            "YRBLT": [str(1950 + i) for i in _n()],
            "SFLA": [str(1000 + i) for i in _n()],
            "CALC_ACREAGE": [f"0.{i:02d}" for i in _n()],
            "APRTOT": [str(100000 + i) for i in _n()],
            "SALEDT": [f"{1 + i % 12:02d}/{1 + i % 28:02d}/2015" for i in _n()],
        },
        {
            "parcel_number": "PARID",
            "street": ["ADRNO", "ADRDIR", "ADRSTR", "ADRSUF"],
            "city": "CITYNAME",
            "zip": "ZIP1",
            "owner_name": {"columns": ["OWN1", "OWN2"], "join": " & "},
            "mailing_street": "MAILADR1",
            "mailing_city": "MAILCITY",
            "mailing_state": "MAILST",
            "mailing_zip": "MAILZIP",
            "year_built": "YRBLT",
            "living_sqft": "SFLA",
            "lot_sqft": {"column": "CALC_ACREAGE", "transform": "acres"},
            "market_value_cents": "APRTOT",
            "sale_date": "SALEDT",
        },
    ),
    "one table with two unnamed address blocks": (
        {
            "Folio": [f"30-{i:04d}-001-0010" for i in _n()],
            "Site Address": _addresses(),
            "City": ["MIAMI"] * 40,
            "Zip Code": ["33101-0001"] * 40,
            "Owner": [f"EXAMPLE HOLDINGS {i} LLC" for i in _n()],
            "Mailing Address": _addresses(900),
            "City_2": ["OCALA"] * 40,
            "State": ["FL"] * 40,
            "Zip Code_2": ["34470"] * 40,
            "Just Value": [f"${200000 + i:,}" for i in _n()],
            "Last Sale Date": [str(43000 + i) for i in _n()],
            "Last Sale Amt": [f"${150000 + i:,}.00" for i in _n()],
            "Bed/Bath": ["3/2"] * 40,
            "Homestead": ["Y" if i % 2 else "N" for i in _n()],
            "X": [str(900000 + i) for i in _n()],
            "Y": [str(500000 + i) for i in _n()],
        },
        {
            "parcel_number": "Folio",
            "address": "Site Address",
            "city": "City",
            "zip": "Zip Code",
            "owner_name": "Owner",
            "mailing_street": "Mailing Address",
            "mailing_city": "City_2",
            "mailing_state": "State",
            "mailing_zip": "Zip Code_2",
            "market_value_cents": "Just Value",
            "sale_date": "Last Sale Date",
            "sale_price_cents": "Last Sale Amt",
            "is_owner_occupied": "Homestead",
        },
    ),
    "open-data export with epochs and coordinates": (
        {
            "OBJECTID": [str(i) for i in _n()],
            "APN": [f"{i:03d}-{i:03d}-{i:02d}" for i in _n()],
            "SITUS_STREET_NUM": [str(100 + i) for i in _n()],
            "SITUS_STREET": [STREETS[i % 4] for i in _n()],
            "OWNER_FIRST_NAME": ["ADA"] * 40,
            "OWNER_LAST_NAME": [f"EXAMPLE{i}" for i in _n()],
            "OWNER_ADDRESS": _addresses(700),
            "OWNER_CITY_STATE_ZIP": ["RENO NV 89501"] * 40,
            "TRANSFER_DATE": [str(1_420_070_400_000 + i * 86_400_000) for i in _n()],
            "CONSIDERATION": [str(100000 * i) for i in _n()],
            "BLDG_SQFT": [str(1000 + i) for i in _n()],
            "LOT_SIZE": [f"{0.1 * i:.2f}" for i in _n()],
            "FULL_BATHS": ["2"] * 40,
            "HALF_BATHS": ["1"] * 40,
            "BDRMS": ["3"] * 40,
            "X": [f"-119.8{i:02d}" for i in _n()],
            "Y": [f"39.5{i:02d}" for i in _n()],
        },
        {
            "parcel_number": "APN",
            "street": ["SITUS_STREET_NUM", "SITUS_STREET"],
            "owner_name": ["OWNER_FIRST_NAME", "OWNER_LAST_NAME"],
            "mailing_address": {"columns": ["OWNER_ADDRESS", "OWNER_CITY_STATE_ZIP"], "join": ", "},
            "sale_date": "TRANSFER_DATE",
            "sale_price_cents": "CONSIDERATION",
            "living_sqft": "BLDG_SQFT",
            "lot_sqft": {"column": "LOT_SIZE", "transform": "acres"},
            "baths": {"columns": ["FULL_BATHS", "HALF_BATHS"], "transform": "full_half"},
            "beds": "BDRMS",
            "lat": "Y",
            "lon": "X",
        },
    ),
    "two address blocks of the same names": (
        {
            "PIN": [f"{i:04d}" for i in _n()],
            "Address": _addresses(),
            "City": ["AKRON"] * 40,
            "Owner Name": ["EXAMPLE"] * 40,
            "Address_2": _addresses(800),
            "City_2": ["PARMA"] * 40,
            "State": ["OH"] * 40,
        },
        {
            "address": "Address",
            "city": "City",
            "parcel_number": "PIN",
            "owner_name": "Owner Name",
            "mailing_street": "Address_2",
            "mailing_city": "City_2",
            "mailing_state": "State",
        },
    ),
    "names that say nothing": (
        {"F1": [str(i) for i in _n()], "F2": _addresses(), "F3": ["x"] * 40},
        {"address": "F2"},
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_other_counties_are_understood(tmp_path: Path, layout: str) -> None:
    columns, expected = LAYOUTS[layout]
    proposal = propose_mapping(_file(tmp_path, columns))
    assert {target: rule.short() for target, rule in proposal.mapping.columns.items()} == expected
    assert {item.column for item in proposal.reasons} == set(columns)
    assert all(item.reason for item in proposal.reasons)
    assert parse_mapping(proposal.to_yaml()) == proposal.mapping


def _proposal(folder: Path, columns: dict[str, list[str | None]], name: str = "county.csv") -> Proposal:
    return propose_mapping(_file(folder, columns, name))


def _reason(proposal: Proposal, column: str) -> str:
    return next(item.reason for item in proposal.reasons if item.column == column)


def test_an_owner_address_that_copies_the_property_is_no_mailing_address(tmp_path: Path) -> None:
    situs = _addresses()
    copies = [f"{text}, MADISON, TN" for text in situs]
    proposal = _proposal(tmp_path, {"PropertyAddress": situs, "OwnerAddress": [*copies[:39], "1 FAR RD, RENO, TN"]})
    assert "mailing_address" not in proposal.mapping.columns
    assert "97.5%" in _reason(proposal, "OwnerAddress")
    assert proposal.mapping.state == "TN"
    half = [*copies[:20], *(f"PO BOX {i}, RENO, NV" for i in range(20))]
    proposal = _proposal(tmp_path, {"PropertyAddress": situs, "OwnerAddress": half})
    assert proposal.mapping.columns["mailing_address"].columns == ("OwnerAddress",)


def test_the_day_of_a_tax_sale_is_not_the_property_s_sale(tmp_path: Path) -> None:
    columns: dict[str, list[str | None]] = {
        "record_type": ["Tax Delinquent", "Pre-Foreclosure"] * 20,
        "property_address": _addresses(),
        "parcel_id": [f"0{i:08d}" for i in _n()],
        "amount_owed": [f"${i},305.81" for i in _n()],
        "sale_date": ["July 16, 2025"] * 40,
    }
    proposal = _proposal(tmp_path, columns)
    assert "sale_date" not in proposal.mapping.columns
    assert proposal.mapping.columns["list_codes"].columns == ("record_type",)
    del columns["record_type"]
    proposal = _proposal(tmp_path, columns)
    assert (proposal.mapping.list_code, "sale_date" in proposal.mapping.columns) == ("tax_delinquent", False)


def test_a_file_s_name_can_put_every_row_on_a_list(tmp_path: Path) -> None:
    columns = {"Address": _addresses(), "Case Number": [f"C{i}" for i in _n()]}
    assert _proposal(tmp_path, columns, "code_violations_2026.csv").mapping.list_code == "code_violation"
    assert _proposal(tmp_path, columns, "parcels_2026.csv").mapping.list_code is None


def test_a_column_named_like_a_target_but_holding_something_else_is_left_out(tmp_path: Path) -> None:
    proposal = _proposal(tmp_path, {"Address": _addresses(), "Sale Date": ["see deed"] * 40, "Zip": ["n.a"] * 40})
    assert set(proposal.mapping.columns) == {"address"}
    assert "0%" in _reason(proposal, "Sale Date")


def test_a_sales_file_is_observed_at_its_sales_and_a_roll_is_not(tmp_path: Path) -> None:
    sales: dict[str, list[str | None]] = {
        "Parcel ID": [f"P{i % 20:04d}" for i in _n()],
        "Sale Date": [f"2015-01-{1 + i % 28:02d}" for i in _n()],
        "Sale Price": ["1000"] * 40,
    }
    assert _proposal(tmp_path, sales).mapping.columns["observed_at"].columns == ("Sale Date",)
    sales["Parcel ID"] = [f"P{i:04d}" for i in _n()]
    assert "observed_at" not in _proposal(tmp_path, sales).mapping.columns


def test_a_file_without_an_address_or_parcel_column_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Color, Size.*") as caught:
        _proposal(tmp_path, {"Color": ["red", "blue"], "Size": ["a", "b"]})
    assert "--mapping" in str(caught.value)


# --- real files -----------------------------------------------------------------------------------------------


def _real(name: str) -> tuple[CountyFile, Proposal, MappedRows]:
    folder = get_settings().test_data
    if folder is None:
        pytest.skip("LEADFLOW_TEST_DATA is not set")
    file = read_county_file(folder / name)
    proposal = propose_mapping(file)
    mapped = apply_mapping(file, proposal.mapping, day=DAY)
    assert mapped.rows.height + mapped.rejected.height == file.rows_in
    return file, proposal, mapped


@pytest.mark.accuracy
def test_the_queens_sales_yield_parcels_prices_and_dates() -> None:
    _, _, mapped = _real("queens/annual_2019.xlsx")
    rows = mapped.rows
    assert mapped.rejected.height == 0
    assert rows["parcel_number"].str.contains(r"^4\d{9}$").all()
    assert rows["sale_date"].dt.year().unique().to_list() == [2019]
    assert rows["zip"].null_count() < 10
    free = rows["sale_price_cents"].null_count()
    assert 8_000 < free < 10_000  # transfers without a price
    assert not any(warning.target == "sale_price_cents" for warning in mapped.warnings)


@pytest.mark.accuracy
def test_the_nashville_tax_list_yields_list_codes_and_loses_nothing() -> None:
    _, proposal, mapped = _real("nashville/tax_delinquent_2026-04-27.csv")
    assert "sale_date" not in proposal.mapping.columns
    assert mapped.rows["list_codes"].null_count() == 0
    assert set(mapped.rows["list_codes"].explode()) == {"tax_delinquent"}
    assert mapped.rejected["reason_code"].unique().to_list() == ["no_identity"]
    assert not mapped.rows["address"].drop_nulls().str.contains(r"\s\.\d+$").any()


@pytest.mark.accuracy
def test_the_nashville_sales_and_parcels_are_mapped_whole() -> None:
    _, proposal, mapped = _real("nashville/sales_2013_2016.csv")
    assert not {"mailing_address", "mailing_street", "is_vacant"} & set(proposal.mapping.columns)
    assert (mapped.rejected.height, mapped.rows["sale_date"].null_count(), mapped.rows["address"].null_count()) == (
        0,
        0,
        29,
    )
    _, proposal, mapped = _real("nashville/investor_parcels.csv.gz")
    assert proposal.mapping.county_fips == "47037"
    assert mapped.rows["sale_date"].count() == 12_056
    assert "owner_name" not in proposal.mapping.columns


def test_a_rhythm_of_broken_rows_does_not_hide_a_column(tmp_path: Path) -> None:
    """Every hundredth row without address: a sample of every hundredth row would see nothing else."""
    rows = [f'{n},"{"" if n % 100 == 0 else f"{n} OAK ST"}",AUSTIN,TX,78704' for n in range(200_000)]
    file = tmp_path / "county.csv"
    file.write_text("\n".join(["ACCOUNT,SITUS ADDRESS,CITY,STATE,ZIP", *rows]))
    proposal = propose_mapping(read_county_file(file))
    assert proposal.mapping.columns["address"].columns == ("SITUS ADDRESS",)
