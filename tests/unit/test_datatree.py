"""DataTree: a shape that is configuration. The default one into rows, another by a file, a wrong one named whole."""

import datetime as dt
from urllib.parse import parse_qsl

import pytest

from leadflow_pipelines.errors import InvalidInput, Terminal, Transient
from leadflow_pipelines.providers.configured import provider_states
from leadflow_pipelines.providers.sources.datatree import DEFAULT_MAP, DataTree, load_field_map, property_calls
from leadflow_pipelines.providers.sources.datatree_rows import to_source_rows
from leadflow_pipelines.settings import load_settings
from tests.raw_items import DAY, FETCHED_AT, answer, raw_items, recorded, said

OTHER = """
request: {path: Reports/List, zip: Zip5, page: PageNo, page_size: Rows, first_page: 0, most_per_page: 20}
answer: {items: Result.Rows, id: Key}
columns:
  {parcel_number: Parcel.Apn, lot_sqft: Parcel.Lot, is_vacant: Parcel.Vacant,
   owner_name: {columns: [A, B], join: " / "}}
"""


def _client(path=None, most=250):
    field_map = load_field_map(path)
    return DataTree(base_url="http://127.0.0.1:1/api/", token="top-secret", most_records=most, field_map=field_map)


def _call(path=None, most=250):
    settings = load_settings(datatree_field_map=path, datatree_max_records_per_zip=most)
    (call,) = property_calls(["80212"], DAY, settings=settings)
    return call


def _reports(first, count):
    return {"reports": [{"propertyId": number} for number in range(first, first + count)]}


def _read(client, call, body):
    (reply,) = client.read(answer(body), [call])
    return reply


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "contract.yaml"
    path.write_text(OTHER)
    return path


def test_the_default_map_reads_the_shape_it_describes():
    (row,) = to_source_rows(raw_items(*recorded("datatree_reports.json")["reports"], source="datatree")).to_dicts()
    assert said(row) == {
        "row_number": 1,
        "pull_id": "f1",
        "source_record_id": "900001",
        "street": "100 EXAMPLE CT",
        "unit": "4B",
        "city": "DENVER",
        "state": "CO",
        "zip": "80212",
        "county_fips": "08031",
        "parcel_number": "00001-01-001-000",
        "owner_name": "ALMA SAMPLEFORD & HUGO SAMPLEFORD",
        "mailing_address": "149 SAMPLE BLVD, BOISE, ID, 83702",
        "is_owner_occupied": False,
        "land_use": "CONDO",
        "year_built": 1973,
        "living_sqft": 1878,
        "lot_sqft": 10_890,
        "beds": 3.0,
        "baths": 2.5,
        "units": 1,
        "assessed_cents": 21_651_300,
        "market_value_cents": 51_940_000,
        "mortgage_cents": 15_000_000,
        "mortgage_date": dt.date(2014, 3, 25),
        "sale_date": dt.date(2024, 11, 18),
        "sale_price_cents": 27_000_000,
        "lat": 39.7789,
        "lon": -105.0477,
        "cost_cents": 10,
        "observed_at": FETCHED_AT,
    }


def test_another_map_is_asked_and_read_as_it_says(other):
    call = _call(other)
    request = _client(other).request([call])
    assert request.url.path == "/api/Reports/List"
    assert dict(parse_qsl(request.url.query.decode())) == {"Zip5": "80212", "PageNo": "0", "Rows": "20"}
    assert request.headers["authorization"] == "Bearer top-secret"
    reports = [{"key": 7, "parcel": {"APN": "1-2", "lot": 900, "vacant": True}, "a": "X", "b": "Y"}]
    (item,) = _read(_client(other), call, {"result": {"rows": reports}}).items
    assert item.key == "7"
    (row,) = to_source_rows(raw_items(*reports, source="datatree"), load_field_map(other)).to_dicts()
    assert (row["parcel_number"], row["lot_sqft"], row["is_vacant"], row["owner_name"]) == ("1-2", 900, True, "X / Y")


def test_a_wrong_map_names_every_fault(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(DEFAULT_MAP.read_text().replace("living_sqft:", "living_area:").replace("beds:", "mailing_zip:"))
    with pytest.raises(InvalidInput) as fault:
        load_field_map(path)
    assert "living_area" in str(fault.value)
    assert "mailing_zip" in str(fault.value)
    path.write_text("request: {path: x}\nanswer: {items: y, id: z}\ncolumns: {address: a}")
    load_field_map.cache_clear()
    with pytest.raises(InvalidInput, match=r"(?s)request\.zip.*request\.page_size"):
        load_field_map(path)
    path.write_text("columns: {address: a}")
    load_field_map.cache_clear()
    with pytest.raises(InvalidInput, match="must hold request, answer and columns"):
        load_field_map(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_field_map(tmp_path / "none.yaml")


def test_another_shape_than_configured_stops_and_says_what_is_missing():
    with pytest.raises(Terminal, match=r"has no reports.*LEADFLOW_DATATREE_FIELD_MAP"):
        _read(_client(), _call(), {"unexpected": True})
    with pytest.raises(Terminal, match="no list of reports at reports"):
        _read(_client(), _call(), {"reports": {"a": 1}})
    with pytest.raises(Transient):
        _read(_client(), _call(), b'{"reports": [')
    with pytest.raises(Terminal, match="3 reports came where 2 were asked for"):
        _read(_client(), _call(most=2), _reports(0, 3))


def test_pages_of_one_size_never_pass_the_reports_asked_for():
    client, call, asked = _client(most=250), _call(most=250), []
    while call:
        asked.append((call.parameters["page"], call.parameters["pageSize"]))
        reply = _read(client, call, _reports(100 * call.parameters["page"], 100))
        assert reply.billed == call.most_items == 100
        call = client.follow_up(call, reply.parameters, len(reply.items))
    assert asked == [(1, 100), (2, 100)]
    short = _read(client, _call(), _reports(0, 99))
    assert client.follow_up(_call(), short.parameters, 99) is None


def test_the_page_before_is_asked_for_again():
    client = _client()
    following = client.follow_up(_call(), _read(client, _call(), _reports(0, 100)).parameters, 100)
    with pytest.raises(Transient, match="came again"):
        _read(client, following, _reports(0, 100))


def test_without_a_token_or_an_address_there_is_no_client():
    assert DataTree.from_settings(load_settings()) is None
    assert DataTree.from_settings(load_settings(datatree_api_key="k")) is None


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "LEADFLOW_DATATREE_API_KEY and LEADFLOW_DATATREE_BASE_URL;"),
        ({"datatree_api_key": "k"}, "set LEADFLOW_DATATREE_BASE_URL;"),
        ({"datatree_base_url": "https://datatree.example"}, "set LEADFLOW_DATATREE_API_KEY;"),
    ],
)
def test_what_is_missing_is_named_with_the_address_and_the_unconfirmed_shape(given, wanted):
    (state,) = (one for one in provider_states(load_settings(**given)) if one.provider == "datatree")
    assert not state.is_configured
    assert wanted in state.note
    assert "unconfirmed, so set LEADFLOW_DATATREE_FIELD_MAP right" in state.note
