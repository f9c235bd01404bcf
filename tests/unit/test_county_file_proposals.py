"""Mappings proposed for layouts that nobody tuned them to: invented counties, and real files where they lie here."""

from pathlib import Path

import pytest

from leadflow_pipelines.county_files import (
    CountyFile,
    MappedRows,
    Proposal,
    apply_mapping,
    parse_mapping,
    propose_mapping,
    read_county_file,
)
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import get_settings
from tests.county_files import DAY, written

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
    proposal = propose_mapping(written(tmp_path, columns))
    assert {target: rule.short() for target, rule in proposal.mapping.columns.items()} == expected
    assert {item.column for item in proposal.reasons} == set(columns)
    assert all(item.reason for item in proposal.reasons)
    assert parse_mapping(proposal.to_yaml()) == proposal.mapping


def _proposal(folder: Path, columns: dict[str, list[str | None]], name: str = "county.csv") -> Proposal:
    return propose_mapping(written(folder, columns, name))


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


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("NEIGHBORHOOD", "neighborhood"), ("Nbhd_Name", "neighborhood"), ("NeighborhoodCode", "neighborhood"),
        ("Subdivision", "neighborhood"), ("Market Area", "neighborhood"), ("Style", "style"), ("BLDG_STYLE", "style"),
        ("Architectural Style", "style"),
    ],
)  # fmt: skip
def test_market_areas_and_styles_are_known_by_their_headers(tmp_path: Path, header: str, target: str) -> None:
    words = [f"{i % 7} Ranch Hill" for i in _n()]
    columns = {"Parcel ID": [f"P{i:04d}" for i in _n()], header: words}
    proposal = _proposal(tmp_path, columns)
    assert proposal.mapping.columns[target].columns == (header,)


@pytest.mark.parametrize(
    "header", ["MORTGAGE_DATE", "MTG_REC_DATE", "Loan 1 Date", "Open Loan Date", "Loan Origination Date", "LoanDt"]
)
def test_the_date_of_the_loan_is_known_by_its_header(tmp_path: Path, header: str) -> None:
    columns = {
        "Parcel ID": [f"P{i:04d}" for i in _n()], "Sale Date": [f"2016-01-{1 + i % 28:02d}" for i in _n()],
        "Sale Price": ["1000"] * 40, header: [f"{1 + i % 12}/{1 + i % 28}/2009" for i in _n()],
    }  # fmt: skip
    file = written(tmp_path, columns)
    proposal = propose_mapping(file)
    assert proposal.mapping.columns["mortgage_date"].columns == (header,)
    assert proposal.mapping.columns["sale_date"].columns == ("Sale Date",)
    rows = apply_mapping(file, proposal.mapping, day=DAY).rows
    assert rows["mortgage_date"].dt.year().unique().to_list() == [2009]


@pytest.mark.parametrize("header", ["Mortgage Due Date", "Loan Maturity Date", "Previous Mortgage Date"])
def test_the_end_of_a_loan_and_an_earlier_one_are_not_its_date(tmp_path: Path, header: str) -> None:
    columns = {"Parcel ID": [f"P{i:04d}" for i in _n()], header: ["3/1/2009"] * 40}
    assert "mortgage_date" not in _proposal(tmp_path, columns).mapping.columns


def test_a_column_of_a_loans_date_without_dates_is_left_out(tmp_path: Path) -> None:
    columns = {"Parcel ID": [f"P{i:04d}" for i in _n()], "Loan Date": ["see deed"] * 40}
    proposal = _proposal(tmp_path, columns)
    assert "mortgage_date" not in proposal.mapping.columns
    assert "0%" in _reason(proposal, "Loan Date")


@pytest.mark.parametrize(
    ("name", "code"),
    [("probate_2026.csv", "probate"), ("Letters Testamentary Oct.csv", "probate"), ("pre-probate.csv", "pre_probate")],
)
def test_a_file_named_for_probate_is_such_a_list(tmp_path: Path, name: str, code: str) -> None:
    columns = {"Property Address": _addresses(), "City": ["NASHVILLE"] * 40, "State": ["TN"] * 40}
    assert _proposal(tmp_path, columns, name).mapping.list_code == code


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
    assert rows["neighborhood"].n_unique() > 50
    assert rows["style"].null_count() == rows.height
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
