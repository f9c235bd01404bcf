"""ATTOM: recorded shapes into rows, answers into items, pages into further calls."""

import datetime as dt
import json
from pathlib import Path

import orjson
import polars as pl
import pytest

from leadflow_pipelines.contracts import PROPERTY_RECORDS, RAW_PULLS
from leadflow_pipelines.county_files import SOURCE_ROWS_SCHEMA
from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.source import HttpAnswer
from leadflow_pipelines.providers.sources.attom import Attom, property_calls
from leadflow_pipelines.providers.sources.attom_rows import SCHEMA, to_source_rows

DAY = dt.date(2026, 11, 21)
FETCHED_AT = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
FIXTURES = Path(__file__).parents[1] / "fixtures"
CLIENT = Attom(base_url="http://127.0.0.1:1/v1/", api_key="top-secret")


def _recorded(name):
    return json.loads((FIXTURES / name).read_text())


def _raw(estates):
    rows = {"item_number": range(len(estates)), "payload": [json.dumps(one) for one in estates]}
    frame = pl.DataFrame(rows, schema={"item_number": pl.Int64, "payload": pl.String}).with_columns(
        pl.lit("attom").alias("source"),
        pl.lit("80212").alias("zip"),
        pl.lit(DAY).alias("day"),
        pl.lit("f1").alias("fingerprint"),
        pl.lit(FETCHED_AT).alias("fetched_at"),
        pl.lit(10).alias("cost_cents"),
    )
    return RAW_PULLS.conform(frame)


def _rows(*estates):
    return to_source_rows(_raw(list(estates))).to_dicts()


def _answer(body, status=200):
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return HttpAnswer(status, {}, content, 1)


def _call(size=250):
    (call,) = property_calls(["80212"], DAY, most_records=size)
    return call


def test_the_recorded_shape_becomes_a_typed_row():
    first, second = to_source_rows(_raw(_recorded("attom_expandedprofile.json")["property"])).to_dicts()
    assert first == {
        "row_number": 1,
        "pull_id": "f1",
        "source_record_id": "900000001",
        "street": "100 EXAMPLE CT",
        "unit": None,
        "address": None,
        "city": "DENVER",
        "state": "CO",
        "zip": "80212",
        "county_fips": "08031",
        "parcel_number": "00001-01-001-000",
        "owner_name": "SAMPLE ONE LIVING TRUST & SAMPLE TWO LIVING TRUST",
        "mailing_address": "100 EXAMPLE ST, DENVER, CO 80205-0000",
        "is_owner_occupied": False,
        "is_vacant": None,
        "land_use": "SFR",
        "year_built": 1900,
        "living_sqft": 934,
        "lot_sqft": 4690,
        "beds": 2.0,
        "baths": 1.0,
        "units": 1,
        "assessed_cents": 3_714_000,
        "market_value_cents": 51_940_050,
        "mortgage_cents": 15_000_000,
        "mortgage_date": dt.date(2014, 3, 18),
        "sale_date": dt.date(2021, 6, 28),
        "sale_price_cents": None,
        "lat": 39.778926,
        "lon": -105.047775,
        "list_codes": None,
        "cost_cents": 10,
        "observed_at": FETCHED_AT,
    }
    assert second["owner_name"] == "ALMA B SAMPLE & HUGO SAMPLE"
    assert second["zip"] == "80212"
    assert (second["sale_price_cents"], second["sale_date"]) == (25_000_099, None)
    assert (second["year_built"], second["mortgage_cents"], second["is_owner_occupied"]) == (None, None, None)
    assert second["mortgage_date"] is None
    assert (second["is_vacant"], second["list_codes"]) == (True, ["tax_delinquent"])


def test_another_casing_and_place_of_the_keys_reads_the_same():
    (row,) = _rows(*_recorded("attom_lower_case.json")["property"])
    assert row["county_fips"] == "08031"
    assert row["owner_name"] == "Iris Exampleton"
    assert row["mailing_address"] == "100 EXAMPLE CT, DENVER, CO 80212"
    assert row["is_owner_occupied"] is True
    assert (row["year_built"], row["living_sqft"], row["lot_sqft"], row["baths"]) == (1953, 1832, 7405, 2.5)
    assert (row["sale_price_cents"], row["market_value_cents"], row["assessed_cents"]) == (
        31_000_000,
        51_940_000,
        3_714_000,
    )
    assert row["land_use"] == "SFR"
    assert (row["mortgage_cents"], row["mortgage_date"]) == (10_000_000, dt.date(2021, 6, 28))


def test_both_casings_in_one_pull_keep_their_rows_apart():
    upper = {"address": {"line1": "1 A ST"}, "sale": {"saleAmountData": {"saleAmt": 100}}}
    lower = {"address": {"LINE1": "2 B ST"}, "sale": {"amount": {"saleamt": 200}}}
    rows = _rows(upper, lower, {})
    assert [row["street"] for row in rows] == ["1 A ST", "2 B ST", None]
    assert [row["sale_price_cents"] for row in rows] == [10_000, 20_000, None]


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [
        ("OWNER OCCUPIED", None, True),
        ("owner occupied", "A", True),
        ("ABSENTEE(MAIL AND SITUS NOT =)", "O", False),
        (None, "O", True),
        (None, "A", False),
        ("SITUS FROM SALE (OCCUPIED)", None, None),
        (None, None, None),
    ],
)
def test_unknown_occupancy_is_null(said, status, expected):
    estate = {"summary": {"absenteeInd": said}, "owner": {"absenteeOwnerStatus": status, "x": 1}}
    assert _rows(estate)[0]["is_owner_occupied"] is expected


def test_what_makes_no_sense_is_null_and_never_a_crash():
    broken = {
        "identifier": {"fips": "8", "apn": {"nested": 1}, "attomId": [1, 2]},
        "address": "100 EXAMPLE CT",
        "location": {"latitude": "0", "longitude": "191"},
        "summary": {"yearBuilt": 20240, "absenteeInd": True},
        "building": {"size": {"livingSize": -5}, "rooms": {"beds": "many", "bathsTotal": 1e9}},
        "lot": None,
        "sale": {"saleTransDate": "0000-00-00", "saleAmountData": [1]},
        "assessment": {"market": {"mktTtlValue": "n/a"}, "assessed": {"assdTtlValue": 1e18}},
    }
    row = _rows(broken)[0]
    known = {name for name, value in row.items() if value is not None}
    assert known == {"row_number", "pull_id", "county_fips", "cost_cents", "observed_at"}


def test_rows_fit_what_county_files_yield_and_the_contract():
    shared = {name: dtype for name, dtype in SCHEMA.items() if name in SOURCE_ROWS_SCHEMA}
    assert shared == {name: SOURCE_ROWS_SCHEMA[name] for name in shared}
    assert {name for name in SCHEMA if name in PROPERTY_RECORDS.schema} >= {"pull_id", "observed_at", "cost_cents"}
    assert to_source_rows(RAW_PULLS.empty()).schema == pl.Schema(SCHEMA)


def test_a_page_becomes_items_each_billed():
    (reply,) = CLIENT.read(_answer(_recorded("attom_expandedprofile.json")), [_call()])
    assert [item.key for item in reply.items] == ["900000001", "900000002"]
    assert json.loads(reply.items[0].payload) == _recorded("attom_expandedprofile.json")["property"][0]
    assert reply.billed == 2
    assert reply.parameters.items() >= {"postalcode": "80212", "page": 1, "pagesize": 10, "returned": 2}.items()


@pytest.mark.parametrize("status", [200, 400])
def test_nothing_found_is_an_answer(status):
    answer = _answer({"Status": {"code": 400, "msg": "SuccessWithoutResult", "total": 0}}, status)
    assert CLIENT.accepts(answer)
    (reply,) = CLIENT.read(answer, [_call()])
    assert (reply.items, reply.billed) == ([], 0)


def test_other_refusals_are_no_answer():
    assert not CLIENT.accepts(_answer({"status": {"code": 400, "msg": "Invalid Parameter"}}, 400))
    assert not CLIENT.accepts(_answer({"status": {"msg": "SuccessWithoutResult"}}, 401))


def test_a_cut_body_is_worth_another_try_and_a_wrong_shape_is_not():
    with pytest.raises(Transient):
        CLIENT.read(_answer(b'{"status": {"co'), [_call()])
    for body in ({"unexpected": True}, {"status": {"code": 0}}, {"status": {"code": 0}, "property": ["x"]}, [1]):
        with pytest.raises(Terminal):
            CLIENT.read(_answer(body), [_call()])


def test_pages_follow_where_the_vendor_makes_them_smaller_and_within_the_bound():
    taken = {"postalcode": "80212", "page": 1, "pagesize": 100}
    second = CLIENT.follow_up(_call(250), taken, 100)
    assert second is not None
    assert dict(second.parameters) == {"postalcode": "80212", "page": 2, "pagesize": 250}
    assert CLIENT.follow_up(_call(250), taken, 99) is None, "the last page"
    assert CLIENT.follow_up(second, {**taken, "page": 2}, 100) is None, "a third page could pass 250"
    assert CLIENT.follow_up(_call(250), {**taken, "pagesize": 250}, 250) is None, "all that was wanted"


def test_the_page_before_is_asked_for_again_and_a_property_twice_is_one_billed_twice():
    page = {"status": {"code": 0, "pagesize": 2}, "property": [{"identifier": {"attomId": n}} for n in (1, 2)]}
    (first,) = CLIENT.read(_answer(page), [_call()])
    following = CLIENT.follow_up(_call(), first.parameters, 2)
    with pytest.raises(Transient, match="the page before came again"):
        CLIENT.read(_answer(page), [following])
    (twice,) = CLIENT.read(_answer({**page, "property": page["property"][:1] * 2}), [_call()])
    assert (len(twice.items), twice.billed) == (1, 2)
    assert CLIENT.follow_up(_call(), twice.parameters, 1) is not None, "the page was full"


def test_the_request_carries_the_key_in_its_header_alone():
    request = CLIENT.request([_call()])
    assert str(request.url) == ("http://127.0.0.1:1/v1/property/expandedprofile?postalcode=80212&page=1&pagesize=250")
    assert request.headers["apikey"] == "top-secret"
