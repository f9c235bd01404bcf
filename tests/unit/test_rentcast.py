"""RentCast: recorded shapes into rows, requests and answers as its OpenAPI description has them, pages into calls."""

import datetime as dt
from decimal import Decimal
from urllib.parse import parse_qsl

import jsonschema
import orjson
import polars as pl
import pytest

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.pulls import Pull, Pulls
from leadflow_pipelines.providers.sandbox.vendor import Request
from leadflow_pipelines.providers.sandbox.vendors import rentcast as simulated
from leadflow_pipelines.providers.sandbox.world import World
from leadflow_pipelines.providers.sources.pages import ABSENT, FEWEST, distinct_items
from leadflow_pipelines.providers.sources.rentcast import RentCast, property_calls
from leadflow_pipelines.providers.sources.rentcast_rows import to_source_rows
from leadflow_pipelines.settings import load_settings
from tests.raw_items import DAY, FETCHED_AT, answer, raw_items, recorded, said

CLIENT = RentCast(base_url="http://127.0.0.1:1/v1/", api_key="top-secret", most_records=1200)
WORLD = World(records_per_zip=40, today=lambda: DAY)
OPERATION = recorded("rentcast_openapi.json")["paths"]["/properties"]["get"]


def _call(most=1200):
    (call,) = property_calls(["80212"], DAY, settings=load_settings(rentcast_max_records_per_zip=most))
    return call


def _simulated(**query):
    headers = {"x-api-key": simulated.KEY}
    return simulated.VENDOR.answer(WORLD, Request("GET", "/properties", {"zipCode": "80212", **query}, headers))


def _read(call, records, **headers):
    (reply,) = CLIENT.read(answer(records, **headers), [call])
    return reply


def _rows(*records):
    return [said(row) for row in to_source_rows(raw_items(*records, source="rentcast")).to_dicts()]


def test_the_recorded_shape_becomes_typed_rows():
    first, second = _rows(*recorded("rentcast_properties.json"))
    assert first == {
        "row_number": 1,
        "pull_id": "f1",
        "source_record_id": "100-Example-Ct,-Unit-4B,-Denver,-CO-80212",
        "street": "100 Example Ct",
        "unit": "Unit 4B",
        "city": "Denver",
        "state": "CO",
        "zip": "80212",
        "county_fips": "08031",
        "parcel_number": "00001-01-001-000",
        "owner_name": "Alma Sampleford & Hugo Sampleford",
        "mailing_address": "149 Sample Blvd, # 264, Boise, ID 83702",
        "is_owner_occupied": False,
        "land_use": "Condo",
        "year_built": 1973,
        "living_sqft": 1878,
        "lot_sqft": 8850,
        "beds": 3.0,
        "baths": 2.0,
        "units": 1,
        "assessed_cents": 21_651_300,
        "sale_date": dt.date(2024, 11, 18),
        "sale_price_cents": 27_000_000,
        "lat": 39.778926,
        "lon": -105.047775,
        "cost_cents": 10,
        "observed_at": FETCHED_AT,
    }
    assert (second["address"], second["zip"]) == ("12 Nowhere Rd, Denver, CO 80212", "80212")
    assert second["mailing_address"] == "PO Box 7, Boise, ID 83702"
    assert second["is_vacant"] is True
    assert not second.keys() & {"is_owner_occupied", "beds", "year_built", "sale_price_cents", "owner_name"}


def test_the_casing_of_keys_does_not_matter():
    def upper(value):
        if isinstance(value, dict):
            return {key[:1].upper() + key[1:]: upper(one) for key, one in value.items()}
        return value

    records = recorded("rentcast_properties.json")
    assert _rows(*[upper(one) for one in records]) == _rows(*records)
    assert [one.key for one in _read(_call(), [upper(one) for one in records]).items] == [one["id"] for one in records]


def test_what_makes_no_sense_is_null():
    broken = {"id": ["x"], "owner": "me", "ownerOccupied": "maybe", "lastSaleDate": "soon", "latitude": 500,
              "taxAssessments": [1], "yearBuilt": 20240, "zipCode": "8021", "state": "Colorado"}  # fmt: skip
    assert _rows(broken)[0].keys() == {"row_number", "pull_id", "cost_cents", "observed_at"}


def test_requests_are_those_the_openapi_description_allows():
    request = CLIENT.request([_call()])
    assert request.url.path == "/v1/properties"
    assert request.headers["x-api-key"] == "top-secret"
    given = dict(parse_qsl(request.url.query.decode()))
    described = {one["name"]: one["schema"] for one in OPERATION["parameters"]}
    read = {"integer": int, "boolean": lambda text: {"true": True, "false": False}[text], "string": str}
    for name, text in given.items():
        jsonschema.validate(read[described[name]["type"]](text), described[name])
    assert 1 <= int(given["limit"]) <= 500


def test_the_simulated_vendor_answers_as_described():
    def schema(status):
        return OPERATION["responses"][str(status)]["content"]["application/json"]["schema"]

    reply = _simulated(limit="40", includeTotalCount="true")
    records = orjson.loads(reply.content)
    jsonschema.validate(records, schema(200))
    assert len(records) == 40
    known = schema(200)["items"]["properties"].keys() | {"stateFips", "countyFips"}
    assert {name for record in records for name in record} <= known
    refused = simulated.VENDOR.answer(WORLD, Request("GET", "/properties", {"zipCode": "80212"}, {}))
    jsonschema.validate(refused.body, schema(401))
    assert refused.status == 401
    assert _simulated(limit="501").status == 400


def test_pages_follow_full_pages_until_the_records_asked_for_are_there():
    call, offsets = _call(), []
    while call:
        offsets.append((call.parameters["offset"], call.parameters["limit"]))
        first = call.parameters["offset"]
        reply = _read(call, [{"id": str(number)} for number in range(first, first + 500)])
        assert reply.billed == 1
        call = CLIENT.follow_up(call, reply.parameters, len(reply.items))
    assert offsets == [(0, 500), (500, 500), (1000, 500)]
    assert _call(most=100).parameters["limit"] == 100


@pytest.mark.parametrize("total", ["3", "9999", "many"])
def test_paging_rests_on_pages_and_not_on_the_total(total):
    full = _read(_call(), [{"id": str(number)} for number in range(500)], x_total_count=total)
    assert CLIENT.follow_up(_call(), full.parameters, 500) is not None
    short = _read(_call(), [{"id": "1"}], x_total_count=total)
    assert CLIENT.follow_up(_call(), short.parameters, 1) is None


def test_a_record_twice_on_a_page_is_one_and_does_not_end_paging():
    reply = _read(_call(), [{"id": str(number // 2)} for number in range(500)])
    assert len(reply.items) == 250
    assert CLIENT.follow_up(_call(), reply.parameters, 250) is not None


def test_the_page_before_is_asked_for_again():
    page = [{"id": str(number)} for number in range(500)]
    following = CLIENT.follow_up(_call(), _read(_call(), page).parameters, 500)
    with pytest.raises(Transient, match="the page before came again"):
        _read(following, page)
    assert len(_read(following, [{"id": "500"}]).items) == 1


def test_records_of_two_pages_are_told_apart_by_their_id():
    raw = raw_items({"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}, source="rentcast", keys=["a", "b", "a", None])
    later = raw.with_columns(pl.lit("f2").alias("fingerprint"))
    kept = distinct_items(pl.concat([raw, later]))
    assert kept["item_key"].to_list() == ["a", "b", None, None]
    assert distinct_items(pl.concat([raw, raw.with_columns(zip=pl.lit("80213"))])).height == 6


def test_a_field_that_a_whole_page_lacks_is_named_and_what_was_paid_for_is_kept(caplog):
    whole = {"addressLine1": "1 Example Ct", "propertyType": "Condo", "owner": {"names": []}, "lastSaleDate": "2024"}
    renamed = {("soldOn" if name == "lastSaleDate" else name): value for name, value in whole.items()}
    page = [{"id": str(number), **renamed} for number in range(FEWEST)]
    reply = _read(_call(), page)
    assert reply.parameters[ABSENT] == ["lastSaleDate"]
    assert (len(reply.items), reply.billed) == (FEWEST, 1)
    assert [record.fields for record in caplog.records if "may have changed" in record.message] == [["lastSaleDate"]]
    assert ABSENT not in _read(_call(), page[1:]).parameters, "a few records without it prove nothing"
    assert ABSENT not in _read(_call(), [{"id": "x", **whole}, *page]).parameters, "one record has it"
    pull = Pull(_call(), "p", FEWEST, Decimal(0), FETCHED_AT, reply.parameters, is_cached=False)
    assert Pulls((pull,), (), 1, Decimal(0)).absent_fields == ("rentcast: lastSaleDate",)


def test_nothing_there_is_an_empty_answer_and_a_wrong_address_is_not():
    nothing = answer({"status": 404, "error": "resource/not-found", "message": "none"}, 404)
    assert CLIENT.accepts(nothing)
    assert CLIENT.read(nothing, [_call()])[0].items == []
    assert not CLIENT.accepts(answer({"error": "no such path"}, 404))
    assert _read(_call(), []).items == []


def test_broken_and_changed_answers_are_told_apart():
    with pytest.raises(Transient, match="not whole JSON"):
        _read(_call(), b'[{"id": "1"')
    for body in ({"unexpected": True}, [1, 2], None):
        with pytest.raises(Terminal, match=r"no list of records.*rentcast\.py"):
            _read(_call(), body)


def test_without_a_key_there_is_no_client():
    assert RentCast.from_settings(load_settings()) is None
