"""Source rows to property records: ids, inferred places, canonical parts."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_RECORDS
from leadflow_pipelines.properties import build_records, parcel_key

DAY = date(2020, 3, 1)


def records(rows: list[dict[str, Any]], source: str = "county") -> pl.DataFrame:
    numbered = [{"row_number": number, **row} for number, row in enumerate(rows, start=1)]
    return build_records(pl.DataFrame(numbered, infer_schema_length=None), source=source, pull_id="file", day=DAY)


DAVIDSON = [
    {"address": "12  OAK DR, GOODLETTSVILLE", "parcel_number": "007 00 0 125.00"},
    {"address": "14 ELM ST, NASHVILLE", "parcel_number": "092 11 0 204.00"},
    {"address": "16 ELM ST, NASHVILLE", "parcel_number": "09211020500"},
    {"address": None, "parcel_number": "042070A02600CO"},
]
"""As Metro Nashville writes: no state, no ZIP, parcel numbers with and without spaces."""


def test_records_obey_the_contract() -> None:
    made = records([*DAVIDSON, {"address": "", "parcel_number": None, "owner_name": " A. Sample "}])
    assert made.columns == list(PROPERTY_RECORDS.schema)
    assert PROPERTY_RECORDS.faults(made) == []
    assert made["row_number"].to_list() == [1, 2, 3, 4, 5]
    assert made["observed_at"].unique().to_list() == [datetime(2020, 3, 1, tzinfo=UTC)]
    assert made["owner_name"].to_list()[-1] == "A. Sample"


def test_state_and_county_follow_from_the_files_cities() -> None:
    made = records(DAVIDSON)
    assert made["state"].unique().to_list() == ["TN"]
    assert made["county_fips"].unique().to_list() == ["47037"]
    assert made["address_key"].to_list()[1] == "14||ELM|ST|||NASHVILLE,TN"
    assert made["parcel_key"].to_list() == [
        "47037:00700012500", "47037:09211020400", "47037:09211020500", "47037:042070A02600",
    ]  # fmt: skip


def test_a_city_that_many_states_have_names_none() -> None:
    made = records([{"address": f"{number} OAK ST, SPRINGFIELD"} for number in range(1, 9)])
    assert made["state"].null_count() == 8
    assert made["county_fips"].null_count() == 8


def test_mailing_state_decides_between_states_that_fit() -> None:
    rows = [{"address": f"{number} OAK ST, SPRINGFIELD", "mailing_state": "OR"} for number in range(1, 9)]
    assert records(rows)["state"].unique().to_list() == ["OR"]


AT_NASHVILLE = {"lat": 36.16, "lon": -86.78}


def test_coordinates_name_the_county_of_a_file_that_names_no_place() -> None:
    made = records([{"address": f"{number} OAK ST", "parcel_number": "152559", **AT_NASHVILLE} for number in range(9)])
    assert made.select("county_fips", "state").unique().rows() == [("47037", "TN")]
    assert made["parcel_key"].unique().to_list() == ["47037:152559"]


def test_coordinates_at_sea_or_all_over_the_country_name_no_county() -> None:
    at_sea = [{"address": f"{number} OAK ST", "lat": 30.0, "lon": -60.0} for number in range(9)]
    assert records(at_sea)["county_fips"].null_count() == 9
    spread = [
        {"address": f"{number} OAK ST", "lat": lat, "lon": lon}
        for number, (lat, lon) in enumerate([(36.16, -86.78), (40.73, -73.87), (41.88, -87.63), (29.76, -95.37)])
    ]
    assert records(spread)["county_fips"].null_count() == 4


def test_few_rows_with_a_place_say_nothing_about_the_rest() -> None:
    rows: list[dict[str, Any]] = [{"address": f"{number} OAK ST"} for number in range(99)]
    made = records([{"address": "1 ELM ST, GOODLETTSVILLE"}, *rows])
    assert made["state"].null_count() == 100
    assert made["county_fips"].null_count() == 100


def test_the_files_county_holds_where_a_zip_lies_mostly_in_the_next() -> None:
    rows = [
        {"address": f"{number} OAK ST", "zip": "37210", "parcel_number": f"{number:06d}"} for number in range(1, 40)
    ]
    stray = {"address": "1 ELM ST", "zip": "37122", "parcel_number": "000999"}  # Mount Juliet, Wilson County
    assert records([*rows, stray])["county_fips"].unique().to_list() == ["47037"]
    mixed = records([*rows[:3], *[{**stray, "address": f"{n} ELM ST"} for n in range(3)]])
    assert set(mixed["county_fips"]) == {"47037", "47189"}


def test_a_zip_without_a_city_gets_its_postal_city() -> None:
    rows = [
        {"address": "1 OAK ST", "zip": "43206"},
        {"address": "2 OAK ST", "city": "German Village", "zip": "43206"},
        {"address": "3 OAK ST"},
    ]
    made = records(rows)
    assert made["city"].to_list()[0] == "COLUMBUS"
    assert made["city"].to_list()[2] is None
    assert made["address_key"].to_list() == records([{**row, "city": None} for row in rows])["address_key"].to_list()


def test_own_county_wins() -> None:
    made = records([{"address": "1 OAK ST", "zip": "37210", "county_fips": "1001", "parcel_number": "12345"}])
    assert made["parcel_key"].to_list() == ["01001:12345"]


def test_parcel_keys() -> None:
    numbers = {
        "092 11 0 204.00": "09211020400", "09211020400": "09211020400", "042070A02600CO": "042070A02600",
        " 12-345-67 ": "1234567", "0000-00": None, "12": None, "": None, None: None, "acme co": "ACMECO",
    }  # fmt: skip
    frame = pl.DataFrame({"number": list(numbers)})
    keys = frame.select(parcel_key(pl.lit("47037"), pl.col("number")).alias("key"))["key"]
    assert keys.to_list() == [None if key is None else f"47037:{key}" for key in numbers.values()]


def test_a_parcel_number_without_a_county_is_no_key() -> None:
    nowhere = parcel_key(pl.lit(None, dtype=pl.String), pl.lit("09211020400"))
    assert pl.select(nowhere.alias("key"))["key"].to_list() == [None]


ROW = {"address": "1 OAK ST, NASHVILLE", "state": "TN", "owner_name": "A. Sample", "assessed_cents": 5_000_000}


def ids(rows: list[dict[str, Any]], source: str = "county") -> list[str]:
    return records(rows, source)["record_id"].to_list()


def test_the_same_row_has_the_same_id_wherever_it_stands() -> None:
    (alone,) = ids([ROW])
    other = {**ROW, "owner_name": "B. Sample"}
    assert ids([other, ROW])[1] == alone
    assert ids([{**ROW, "cost_cents": 3, "observed_at": datetime(2021, 1, 1, tzinfo=UTC)}]) == [alone]
    assert ids([{**ROW, "beds": None, "owner_name": " A. Sample "}]) == [alone]
    assert ids([ROW], source="elsewhere") != [alone]
    assert ids([other]) != [alone]
    assert ids([{**ROW, "assessed_cents": None, "market_value_cents": 5_000_000}]) != [alone]


def test_identical_rows_of_one_file_have_ids_of_their_own() -> None:
    first, second, third = ids([ROW, ROW, ROW])
    assert len({first, second, third}) == 3
    assert ids([ROW]) == [first]
    assert ids([ROW, {**ROW, "owner_name": "B. Sample"}, ROW])[2] == second


def test_ids_never_change() -> None:
    assert ids([ROW]) == ["6d26b9d19086c9683eb0afaab5692d98"]
    assert ids([{**ROW, "mortgage_date": None}]) == ids([ROW])


def test_a_row_that_now_dates_its_loan_is_another() -> None:
    dated = {**ROW, "mortgage_date": date(2009, 1, 1)}
    assert ids([dated]) != ids([ROW])
    assert records([dated])["mortgage_date"].to_list() == [date(2009, 1, 1)]


def test_mailing_address_takes_the_same_form_as_the_property() -> None:
    made = records([
        {**ROW, "mailing_address": "77 north Elm Street Apt 4, Memphis, TN 38103-0001"},
        {**ROW, "mailing_street": "PO Box 9", "mailing_city": "memphis", "mailing_zip": "38103"},
        {**ROW, "mailing_street": "c/o the  trustee", "mailing_state": "Tennessee"},
        ROW,
    ])  # fmt: skip
    assert made.select("mailing_street", "mailing_city", "mailing_state", "mailing_zip5").rows() == [
        ("77 N ELM ST APT 4", "MEMPHIS", "TN", "38103"),
        ("PO BOX 9", "MEMPHIS", "TN", "38103"),
        ("C/O THE TRUSTEE", None, "TN", None),
        (None, None, None, None),
    ]


def test_typed_values_pass_unchanged() -> None:
    row = {**ROW, "sale_date": date(2014, 6, 10), "sale_price_cents": 24_000_000, "baths": 2.5, "units": 1,
           "year_built": 1986, "is_vacant": True, "list_codes": ["tax_delinquent"], "lat": 36.1, "lon": -86.7,
           "cost_cents": 3}  # fmt: skip
    made = records([row]).row(0, named=True)
    assert {name: made[name] for name in row if name in made and name not in ("address", "state")} == {
        name: value for name, value in row.items() if name in made and name not in ("address", "state")
    }
    assert made["address_raw"] == ROW["address"]


def test_no_rows_give_no_records() -> None:
    assert build_records(pl.DataFrame(schema={"row_number": pl.Int64}), source="s", pull_id="p", day=DAY).height == 0


def test_market_area_and_style_are_kept_and_leave_ids_as_they_were() -> None:
    area = {"neighborhood": " Maple Hill ", "style": "RANCH"}
    made = records([{**row, **area} for row in DAVIDSON])
    assert made["neighborhood"].unique().to_list() == ["Maple Hill"]
    assert made["style"].unique().to_list() == ["RANCH"]
    assert made["record_id"].to_list() == records(DAVIDSON)["record_id"].to_list()
