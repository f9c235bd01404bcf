"""Zillow on RapidAPI: recorded shapes into rows, pages it cuts itself, the end of a plan's quota."""

import datetime as dt
from urllib.parse import parse_qsl

import pytest

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.sources.zillow import MOST_PAGES, Zillow, property_calls
from leadflow_pipelines.providers.sources.zillow_rows import to_source_rows
from leadflow_pipelines.settings import load_settings
from tests.raw_items import DAY, answer, raw_items, recorded, said

CLIENT = Zillow(base_url="https://zillow.example/", api_key="top-secret", most_records=820)
SIBLING = recorded("zillow_results.json")["results"]
SOLD = recorded("zillow_props.json")["props"]


def _call():
    (call,) = property_calls(["80212"], DAY, settings=load_settings())
    return call


def _page(first, count, **told):
    return {"props": [{"zpid": number} for number in range(first, first + count)], "resultsPerPage": 41} | told


def _read(call, body, **headers):
    (reply,) = CLIENT.read(answer(body, **headers), [call])
    return reply


def _next(call, body):
    reply = _read(call, body)
    return CLIENT.follow_up(call, reply.parameters, len(reply.items))


def _rows(*homes):
    return [said(row) for row in to_source_rows(raw_items(*homes, source="zillow")).to_dicts()]


def test_the_siblings_shape_becomes_typed_rows():
    first, second = _rows(*SIBLING)
    assert (
        first.items()
        >= {
            "source_record_id": "900001",
            "street": "100 Example Ct UNIT 10",
            "city": "Denver",
            "state": "CO",
            "zip": "80212",
            "land_use": "CONDO",
            "living_sqft": 784,
            "lot_sqft": 300,
            "beds": 2.0,
            "baths": 1.0,
            "market_value_cents": 69_270_000,
            "assessed_cents": 68_666_300,
            "lat": 39.7789,
        }.items()
    )
    assert not first.keys() & {"sale_price_cents", "is_owner_occupied", "list_codes", "owner_name", "is_vacant"}
    assert (second["lot_sqft"], second["list_codes"], second["is_vacant"]) == (10_890, ["pre_foreclosure"], True)
    assert "market_value_cents" not in second, "an asking price is no value"


def test_a_sold_home_in_one_line_has_its_sale():
    (row,) = _rows(*SOLD)
    assert (row["address"], row["zip"]) == ("104 Example Ct, Denver, CO 80212", "80212")
    assert (row["sale_date"], row["sale_price_cents"]) == (dt.date(2024, 6, 1), 41_000_000)
    assert row["lot_sqft"] == 52_272
    assert not row.keys() & {"street", "living_sqft", "market_value_cents"}


def test_a_lot_without_a_unit_has_no_size():
    rows = _rows(*({"zpid": 1, "lotAreaValue": 5, "lotAreaUnit": unit} for unit in ("Acres", "sqft", None, "hectares")))
    assert [row.get("lot_sqft") for row in rows] == [217_800, 5, None, None]


def test_the_request_names_the_zip_the_page_and_the_host():
    request = CLIENT.request([_call()])
    assert request.url.path == "/propertyExtendedSearch"
    assert dict(parse_qsl(request.url.query.decode())) == {"location": "80212", "status_type": "ForSale", "page": "1"}
    assert (request.headers["x-rapidapi-key"], request.headers["x-rapidapi-host"]) == ("top-secret", "zillow.example")


@pytest.mark.parametrize("pages", [0, 1, 2, 99, None, "many"])
def test_a_full_page_is_followed_whatever_the_total_says(pages):
    assert _next(_call(), _page(0, 41, totalPages=pages)).parameters["page"] == 2


def test_a_short_page_ends_the_zip_where_the_total_agrees_and_an_empty_one_always():
    assert _next(_call(), _page(0, 40, totalPages=1)) is None
    assert _next(_call(), _page(0, 40)) is None
    assert _next(_call(), _page(0, 40, totalPages=3)).parameters["page"] == 2
    assert _next(_call(), _page(0, 0, totalPages=3)) is None


def test_paging_ends_with_the_records_asked_for_and_with_the_vendors_last_page():
    call, pages = _call(), 0
    while call:
        pages += 1
        call = _next(call, _page(41 * pages, 41, totalPages=999))
    assert pages == MOST_PAGES
    few = Zillow(base_url="https://zillow.example", api_key="k", most_records=60)
    second = few.follow_up(_call(), _read(_call(), _page(0, 41)).parameters, 41)
    assert few.follow_up(second, _read(second, _page(41, 41)).parameters, 41) is None


def test_the_page_before_is_asked_for_again():
    following = _next(_call(), _page(0, 41))
    with pytest.raises(Transient, match="came again"):
        _read(following, _page(0, 41))


def test_haste_is_tried_again_and_the_end_of_the_plan_is_not():
    hasty = answer({"message": "Too many requests"}, 429, x_ratelimit_requests_remaining="17")
    assert not CLIENT.accepts(hasty)
    spent = answer({"message": "quota"}, 429, x_ratelimit_requests_remaining="0", x_ratelimit_requests_reset="216000")
    with pytest.raises(Terminal, match=r"used up for another 2\.5 days.*larger plan"):
        CLIENT.accepts(spent)
    assert _read(_call(), _page(0, 1), x_ratelimit_requests_remaining="9").parameters["quota_left"] == 9


@pytest.mark.parametrize("body", [{"unexpected": True}, [], {"props": {"zpid": 1}}, {"props": [None]}])
def test_another_shape_is_terminal(body):
    with pytest.raises(Terminal, match=r"no list of homes.*zillow\.py"):
        _read(_call(), body)


def test_a_broken_body_is_worth_another_try():
    with pytest.raises(Transient):
        _read(_call(), b'{"props"')


def test_without_a_key_there_is_no_client():
    assert Zillow.from_settings(load_settings()) is None
