"""Regrid: recorded shapes into rows, a cursor into calls, a token that shows nowhere."""

import datetime as dt
import logging
from urllib.parse import parse_qsl

import httpx
import pytest

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.exchange import exchange
from leadflow_pipelines.providers.sources.regrid import Regrid, property_calls
from leadflow_pipelines.providers.sources.regrid_rows import to_source_rows
from leadflow_pipelines.settings import load_settings
from tests.raw_items import DAY, answer, raw_items, recorded, said

TOKEN = "top-secret-token"
CLIENT = Regrid(base_url="http://127.0.0.1:1/api/v2/", token=TOKEN, most_records=2300)


def _call(most=2300):
    (call,) = property_calls(["48202"], DAY, settings=load_settings(regrid_max_records_per_zip=most))
    return call


def _features(first, count):
    return [{"type": "Feature", "id": number, "properties": {"fields": {}}} for number in range(first, first + count)]


def _read(call, features):
    (reply,) = CLIENT.read(answer({"parcels": {"type": "FeatureCollection", "features": features}}), [call])
    return reply


def _rows(*features):
    return [said(row) for row in to_source_rows(raw_items(*features, source="regrid")).to_dicts()]


def test_the_recorded_shape_becomes_typed_rows():
    first, second = _rows(*recorded("regrid_query.json")["parcels"]["features"])
    assert (
        first.items()
        >= {
            "source_record_id": "00000000-0000-4000-8000-000000900001",
            "street": "440 EXAMPLE ST UNIT 3",
            "city": "DETROIT",
            "state": "MI",
            "zip": "48202",
            "county_fips": "26163",
            "parcel_number": "00001069-71",
            "owner_name": "EXAMPLE ONE DEVELOPMENT LLC & SAMPLE TWO LLC",
            "mailing_address": "440 EXAMPLE, DETROIT, MI 48202",
            "land_use": "OFFICE BLDG-3 STORIES OR MORE",
            "year_built": 1926,
            "lot_sqft": 21_780,
            "assessed_cents": 12_500_050,
            "sale_date": dt.date(2019, 5, 7),
            "lat": 42.36511,
            "lon": -83.073107,
        }.items()
    )
    assert not first.keys() & {"unit", "sale_price_cents", "market_value_cents", "is_owner_occupied", "is_vacant"}
    assert (
        second.items()
        >= {
            "source_record_id": "900002",
            "unit": "A",
            "lot_sqft": 3200,
            "market_value_cents": 900_000,
            "sale_price_cents": 450_000,
            "is_owner_occupied": True,
            "is_vacant": True,
        }.items()
    )
    assert "assessed_cents" not in second


def test_no_homestead_says_nothing_and_no_word_of_the_mail_carrier_neither():
    def row(**fields):
        return _rows({"properties": {"fields": fields}})[0]

    assert "is_owner_occupied" not in row(homestead_exemption="0")
    assert row(homestead_exemption=True)["is_owner_occupied"] is True
    assert "is_vacant" not in row(usedesc="OFFICE")
    assert row(usps_vacancy="N")["is_vacant"] is False


def test_the_request_is_as_described_and_asks_for_no_geometry():
    request = CLIENT.request([_call(most=40)])
    assert request.url.path == "/api/v2/parcels/query"
    given = dict(parse_qsl(request.url.query.decode()))
    assert (
        given.items()
        >= {
            "fields[szip][eq]": "48202",
            "limit": "40",
            "return_geometry": "false",
            "token": TOKEN,
        }.items()
    )
    assert "offset_id" not in given


def test_the_token_goes_over_the_wire_and_shows_nowhere_else(caplog):
    call = _call()
    request = CLIENT.request([call])
    seen = []

    def vendor(arrived: httpx.Request) -> httpx.Response:
        seen.append(arrived.url.raw_path.decode())
        return httpx.Response(500)

    with caplog.at_level(logging.DEBUG), httpx.Client(transport=httpx.MockTransport(vendor)) as client:
        exchange(client, request, provider="regrid", seconds=1)
    assert TOKEN in seen[0]
    assert "HTTP Request" in caplog.text
    with caplog.at_level(logging.DEBUG), httpx.Client() as client, pytest.raises(Transient) as refused:
        exchange(client, CLIENT.request([call]), provider="regrid", seconds=1)
    cause = refused.value.__cause__
    shown = [caplog.text, str(refused.value), repr(cause), str(cause.request.url), repr(cause.request), repr(request)]
    assert not [text for text in shown if TOKEN in text]
    assert TOKEN not in str(call)


def test_the_cursor_goes_on_behind_the_last_parcel_up_to_those_asked_for():
    call, asked = _call(), []
    while call:
        asked.append((call.parameters.get("offset_id"), call.parameters["limit"], call.most_items))
        first = int(call.parameters.get("offset_id", -1)) + 1
        reply = _read(call, _features(first, call.parameters["limit"]))
        assert reply.billed == call.parameters["limit"]
        call = CLIENT.follow_up(call, reply.parameters, len(reply.items))
    assert asked == [(None, 1000, 1000), ("999", 1000, 1000), ("1999", 300, 300)]


def test_a_short_page_ends_the_zip():
    reply = _read(_call(), _features(0, 999))
    assert CLIENT.follow_up(_call(), reply.parameters, 999) is None
    assert CLIENT.follow_up(_call(), _read(_call(), []).parameters, 0) is None


def test_a_parcel_twice_is_one_record_and_billed_twice():
    reply = _read(_call(most=2), _features(7, 1) * 2)
    assert (len(reply.items), reply.billed) == (1, 2)


def test_the_page_before_is_asked_for_again():
    page = _features(0, 1000)
    following = CLIENT.follow_up(_call(), _read(_call(), page).parameters, 1000)
    with pytest.raises(Transient, match="came again"):
        _read(following, page)


def test_more_than_was_asked_for_is_refused_because_it_is_billed():
    with pytest.raises(Terminal, match="3 parcels came where 2 were asked for"):
        _read(_call(most=2), _features(0, 3))


def test_a_full_page_without_ids_can_not_be_gone_on_from():
    with pytest.raises(Terminal, match="no id to go on from"):
        _read(_call(most=1), [{"properties": {}}])


@pytest.mark.parametrize("body", [{"parcels": {}}, {"unexpected": True}, [], {"parcels": {"features": [1]}}])
def test_another_shape_is_terminal(body):
    with pytest.raises(Terminal, match=r"no list of parcels.*regrid\.py"):
        CLIENT.read(answer(body), [_call()])


def test_a_broken_body_is_worth_another_try():
    with pytest.raises(Transient):
        CLIENT.read(answer(b'{"parcels": '), [_call()])


def test_without_a_token_there_is_no_client():
    assert Regrid.from_settings(load_settings()) is None
