"""Which value of a property wins, and where it came from."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_RECORDS
from leadflow_pipelines.properties import best_values, survivorship

EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
OAK = {"house_number": "12", "street_name": "OAK", "suffix": "ST", "city": "NASHVILLE", "state": "TN",
       "address_key": "12||OAK|ST|||NASHVILLE,TN"}  # fmt: skip
OAK_ZIP = {**OAK, "zip5": "37210", "zip": "37210", "address_key": "12||OAK|ST|||37210"}


def merge(*rows: dict[str, Any], **options: Any) -> dict[str, Any]:
    """One property from records, given in any order."""
    (best,) = merge_all({"p_1": list(rows)}, **options)
    return best


def merge_all(properties: dict[str, list[dict[str, Any]]], **options: Any) -> list[dict[str, Any]]:
    rows, links = [], []
    for property_id, records in properties.items():
        for number, row in enumerate(records):
            record_id = f"{property_id}_{number}"
            defaults = {"record_id": record_id, "source": "county", "observed_at": EARLY, "zip": "unlocated"}
            rows.append({**dict.fromkeys(PROPERTY_RECORDS.schema), **defaults, **row})
            links.append((record_id, property_id))
    frame = pl.DataFrame(rows, schema=PROPERTY_RECORDS.schema)
    linked = pl.DataFrame(links, schema=["record_id", "property_id"], orient="row")
    return best_values(frame, linked, **options).to_dicts()


def test_the_county_wins_over_a_vendor_and_a_vendor_fills_what_it_lacks() -> None:
    best = merge(
        {"source": "attom", "observed_at": LATE, "owner_name": "B. SAMPLE", "year_built": 1990, "beds": 3.0},
        {"owner_name": "A. SAMPLE", "year_built": 1986},
    )
    assert (best["owner_name"], best["year_built"], best["beds"]) == ("A. SAMPLE", 1986, 3.0)
    given = {entry["field"]: entry["source"] for entry in best["provenance"]}
    assert given == {"beds": "attom", "owner_name": "county", "year_built": "county"}
    assert [entry["field"] for entry in best["provenance"]] == sorted(given)


def test_ranks_are_a_parameter() -> None:
    rows = ({"source": "attom", "owner_name": "B. SAMPLE"}, {"owner_name": "A. SAMPLE"})
    assert merge(*rows, source_ranks={"county": 1})["owner_name"] == "B. SAMPLE"


def test_the_newest_observation_wins_within_a_rank() -> None:
    best = merge(
        {"observed_at": LATE, "assessed_cents": 2, "land_use": None}, {"assessed_cents": 1, "land_use": "HOUSE"}
    )
    assert (best["assessed_cents"], best["land_use"]) == (2, "HOUSE")
    assert [entry["observed_at"] for entry in best["provenance"]] == [LATE, EARLY]


def test_the_owner_of_the_newest_sale_wins_within_one_file() -> None:
    best = merge(
        {"owner_name": "A. SAMPLE", "sale_date": date(2013, 1, 1)},
        {"owner_name": "B. SAMPLE", "sale_date": date(2016, 1, 1)},
        {"owner_name": "C. SAMPLE"},
    )
    assert best["owner_name"] == "B. SAMPLE"


def test_sale_date_and_price_belong_together() -> None:
    old = {"sale_date": date(2013, 1, 1), "sale_price_cents": 100}
    transfer = {"sale_date": date(2016, 1, 1), "sale_price_cents": None}
    priced = {"source": "attom", "sale_date": date(2016, 1, 1), "sale_price_cents": 300}
    silent = {"observed_at": LATE}
    assert [merge(old, transfer, silent)[name] for name in ("sale_date", "sale_price_cents")] == [
        date(2016, 1, 1),
        None,
    ]
    assert merge(old, transfer, priced)["sale_price_cents"] == 300
    assert merge(old, silent)["sale_date"] == date(2013, 1, 1)


def test_address_parts_come_from_one_record_with_a_zip_first() -> None:
    best = merge({**OAK, "observed_at": LATE, "unit_number": None}, {**OAK_ZIP, "source": "attom", "zip4": "0001"})
    assert best["address"] == "12 OAK ST, NASHVILLE, TN 37210-0001"
    assert (best["zip"], best["address_key"]) == ("37210", "12||OAK|ST|||37210")
    assert merge(OAK)["zip"] == "unlocated"
    assert merge({"street_name": "OAK", "suffix": "ST"})["address"] == "OAK ST"
    assert merge({"parcel_key": "P"})["address"] is None


def test_a_record_located_by_its_parcel_places_the_property() -> None:
    assert merge({**OAK}, {"zip": "37210", "parcel_number": "1"})["zip"] == "37210"


def test_mail_goes_to_the_chosen_owner_only() -> None:
    mail = {"mailing_street": "9 ELM ST", "mailing_city": "MEMPHIS"}
    chosen = {"owner_name": "A. SAMPLE", "observed_at": LATE}
    assert merge(chosen, {"owner_name": "B. SAMPLE", **mail})["mailing_street"] is None
    assert merge(chosen, {"owner_name": "A. SAMPLE", **mail})["mailing_street"] == "9 ELM ST"
    assert merge(chosen, {"source": "attom", **mail})["mailing_city"] == "MEMPHIS"
    assert merge(mail)["mailing_street"] == "9 ELM ST"


def test_a_loans_date_is_that_of_the_chosen_amount() -> None:
    county = {"mortgage_cents": 100}
    dated = {"source": "attom", "mortgage_date": date(2009, 1, 1)}
    assert merge(county, dated)["mortgage_date"] == date(2009, 1, 1)
    assert merge(county, {**dated, "mortgage_cents": 100})["mortgage_date"] == date(2009, 1, 1)
    assert merge(county, {**dated, "mortgage_cents": 200})["mortgage_date"] is None
    best = merge(dated, {"source": "attom", "mortgage_date": date(2021, 1, 1), "observed_at": LATE})
    assert (best["mortgage_cents"], best["mortgage_date"]) == (None, date(2021, 1, 1))
    assert [(one["field"], one["source"]) for one in best["provenance"]] == [("mortgage_date", "attom")]


def test_lists_sources_and_costs_add_up() -> None:
    best = merge(
        {"list_codes": ["vacant", "tax_delinquent"], "cost_cents": Decimal("1.5")},
        {"source": "attom", "list_codes": ["vacant"], "cost_cents": Decimal("2")},
        {"source": "attom", "list_codes": []},
    )
    assert best["list_codes"] == ["tax_delinquent", "vacant"]
    assert best["sources"] == ["attom", "county"]
    assert (best["record_count"], best["cost_cents"]) == (3, Decimal("3.5"))
    assert merge({})["list_codes"] is None
    assert merge({})["cost_cents"] is None


def test_coordinates_come_in_pairs() -> None:
    best = merge({"lat": 1.0, "observed_at": LATE}, {"lat": 2.0, "lon": 3.0})
    assert (best["lat"], best["lon"]) == (2.0, 3.0)


def test_the_content_hash_changes_with_values_only() -> None:
    row = {**OAK_ZIP, "owner_name": "A. SAMPLE", "list_codes": ["vacant"]}
    plain = merge(row)["content_hash"]
    assert merge({**row, "observed_at": LATE})["content_hash"] == plain
    assert merge({**row, "owner_name": "B. SAMPLE"})["content_hash"] != plain
    assert merge({**row, "list_codes": ["vacant", "x"]})["content_hash"] != plain
    assert merge(row, row)["content_hash"] != plain  # two records now


def test_a_property_whose_loan_has_no_date_keeps_the_hash_it_had_before_there_were_dates() -> None:
    row = {**OAK_ZIP, "owner_name": "A. SAMPLE", "mortgage_cents": 100, "list_codes": ["vacant"],
           "sale_date": date(2013, 1, 1)}  # fmt: skip
    no_loan = {**row, "mortgage_cents": None}
    assert merge(row)["content_hash"] == "0a18c9814c56e06dd73728a6db30cbad"
    assert merge(no_loan)["content_hash"] == "51f0c67dca4d36fc5aa30b2369329b2d"
    dates = [None, date(2009, 1, 1), date(2009, 1, 2)]
    assert len({merge({**one, "mortgage_date": day})["content_hash"] for one in (row, no_loan) for day in dates}) == 6


def test_properties_do_not_mix_and_the_result_obeys_the_contract() -> None:
    made = merge_all({f"p_{number:04x}": [{**OAK_ZIP, "owner_name": f"OWNER {number}"}, {"beds": number + 0.0}]
                      for number in range(50)})  # fmt: skip
    assert [row["property_id"] for row in made] == sorted(row["property_id"] for row in made)
    assert all(row["owner_name"] == f"OWNER {int(row['property_id'][2:], 16)}" for row in made)
    assert all(row["beds"] == int(row["property_id"][2:], 16) for row in made)
    frame = pl.DataFrame(
        made, schema={k: v for k, v in PROPERTIES.schema.items() if k not in ("valid_from", "valid_to")}
    )
    dated = frame.with_columns(valid_from=pl.lit(date(2020, 1, 1)), valid_to=pl.lit(None, dtype=pl.Date))
    assert PROPERTIES.faults(dated.select(PROPERTIES.schema.keys())) == []


def test_parts_merged_apart_equal_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = {f"p_{number * 997 % 65536:04x}": [{"beds": 1.0, "source": "attom"}, {"owner_name": f"O {number}"}]
                  for number in range(60)}  # fmt: skip
    whole = merge_all(properties)
    monkeypatch.setattr(survivorship, "_CHUNK_RECORDS", 16)
    assert merge_all(properties) == whole


def test_records_without_a_link_are_left_out() -> None:
    records = pl.DataFrame({"record_id": ["a", "b"], "source": ["x", "x"], "owner_name": ["A. SAMPLE", "B. SAMPLE"]})
    links = pl.DataFrame({"record_id": ["a"], "property_id": ["p_1"]})
    assert best_values(records, links)["owner_name"].to_list() == ["A. SAMPLE"]
    assert best_values(records, links.clear()).height == 0
