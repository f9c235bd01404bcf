"""Geocoders: addresses asked once each, answers by CSV and by JSON into coordinates, a key that shows nowhere."""

import csv
import io
from email import message_from_bytes
from urllib.parse import parse_qsl

import orjson
import polars as pl
import pytest

from leadflow_pipelines.contracts.geocodes import QUALITIES
from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.sources import census, google
from leadflow_pipelines.providers.sources.coordinates import COORDINATES
from leadflow_pipelines.providers.sources.geocoding import GEOCODERS, chosen_geocoder, why_not_geocode
from leadflow_pipelines.settings import load_settings
from tests.raw_items import DAY, answer, raw_items, recorded

CENSUS = census.Census.from_settings(load_settings(census_base_url="http://127.0.0.1:1/geocoder/"))
GOOGLE = google.Google(base_url="http://127.0.0.1:1", api_key="top-secret-key")
FOUND = recorded("google_geocode.json")
NOTHING = {"results": [], "status": "ZERO_RESULTS"}


def _frame(*rows, **more):
    columns = ("record_key", "street", "city", "state", "zip5")
    made = [dict(zip(columns, row, strict=True)) | {"zip": row[-1] or "unlocated"} | more for row in rows]
    schema = dict.fromkeys((*columns, "zip"), pl.String) | dict.fromkeys(more, pl.Float64)
    return pl.DataFrame(made, schema=schema)


HERE = _frame(
    ("a", "100 EXAMPLE CT, # 4", "DENVER", "CO", "80212"),
    ("b", "102 EXAMPLE CT", "DENVER", "CO", "80212"),
    ("c", "104 EXAMPLE CT", None, None, "80212"),
)


def _row_ids(calls):
    return [row[0] for row in _file_of(CENSUS.request(calls))]


def _file_of(request):
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True).decode()
        for part in message_from_bytes(head + request.read()).get_payload()
    }
    assert (parts["benchmark"], parts["vintage"]) == ("Public_AR_Current", "Current_Current")
    return [*csv.reader(io.StringIO(parts["addressFile"]))]


def _csv(*rows):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def _match(key, where="-105.047700000001,39.778900000001", kind="Exact"):
    return [key, "asked", "Match", kind, "100 EXAMPLE CT, DENVER, CO, 80212", where, "9000", "L", "08", "031", "1", "2"]


def _coordinates(module, client, calls, body):
    replies = client.read(answer(body), calls)
    items = [item for reply in replies for item in reply.items]
    payloads = [orjson.loads(item.payload) for item in items]
    raw = raw_items(*payloads, source=module.NAME, keys=[item.key for item in items])
    told = module.to_coordinates(raw)
    assert told.schema == pl.Schema(COORDINATES)
    assert set(told["quality"]) <= set(QUALITIES)
    return told.select("record_key", "lat", "lon", "matched_address", "quality").rows()


@pytest.mark.parametrize("module", [census, google], ids=["census", "google"])
def test_an_address_is_asked_once_for_all_its_records(module):
    street = "1 EXAMPLE CT"
    frame = _frame(
        ("a", street, "X", "CO", "80212"), ("b", "2 EXAMPLE CT", "X", "CO", "80212"), ("c", street, "X", "CO", "80212")
    )
    calls = module.geocode_calls(frame, DAY)
    assert [(call.item_key, call.zip) for call in calls] == [("a\nc", "80212"), ("b", "80212")]


@pytest.mark.parametrize("module", [census, google], ids=["census", "google"])
def test_what_can_not_be_found_and_what_is_known_is_not_asked(module):
    unknown = _frame(
        ("a", None, "X", "CO", "80212"), ("b", " ", "X", "CO", "80212"), ("c", "1 EXAMPLE CT", "X", None, None)
    )
    assert module.geocode_calls(unknown, DAY) == []
    assert module.geocode_calls(HERE.with_columns(lat=pl.lit(39.7), lon=pl.lit(-105.0)), DAY) == []
    assert len(module.geocode_calls(HERE.with_columns(lat=pl.lit(39.7), lon=pl.lit(None)), DAY)) == 3


def test_the_census_gets_a_file_of_five_columns_without_commas_in_them():
    calls = census.geocode_calls(HERE, DAY)
    request = CENSUS.request(calls)
    assert (request.method, request.url.path) == ("POST", "/geocoder/geographies/addressbatch")
    rows = _file_of(request)
    assert [row[1:] for row in rows] == [
        ["100 EXAMPLE CT # 4", "DENVER", "CO", "80212"],
        ["102 EXAMPLE CT", "DENVER", "CO", "80212"],
        ["104 EXAMPLE CT", "", "", "80212"],
    ]
    assert len({row[0] for row in rows}) == 3
    assert 1 <= CENSUS.batch_size <= 10_000


def test_census_rows_come_in_any_order_and_ties_are_nothing_found():
    calls = census.geocode_calls(HERE, DAY)
    one, two, three = _row_ids(calls)
    body = _csv([three, "asked", "No_Match"], [two, "asked", "Tie"], _match(one))
    assert _coordinates(census, CENSUS, calls, body) == [
        ("a", 39.778900000001, -105.047700000001, "100 EXAMPLE CT, DENVER, CO, 80212", "interpolated"),
        ("b", None, None, None, "none"),
        ("c", None, None, None, "none"),
    ]


def test_a_census_match_of_a_changed_address_is_approximate_and_a_wrong_place_is_none():
    calls = census.geocode_calls(HERE, DAY)
    one, two, three = _row_ids(calls)
    body = _csv(_match(one, kind="Non_Exact"), _match(two, where="39.7"), _match(three, where="999,39.7"))
    assert [row[-1] for row in _coordinates(census, CENSUS, calls, body)] == ["approximate", "none", "none"]


def test_a_cut_off_census_answer_is_asked_again():
    calls = census.geocode_calls(HERE, DAY)
    one, two, three = _row_ids(calls)
    whole = _csv([three, "asked", "No_Match"], [two, "asked", "No_Match"], _match(one))
    with pytest.raises(Transient, match="1 of 3 addresses were not answered"):
        CENSUS.read(answer(whole[:-60]), calls)
    with pytest.raises(Transient, match="web page"):
        CENSUS.read(answer(b"<html>busy</html>"), calls)
    with pytest.raises(Terminal, match="no row tells of a match"):
        CENSUS.read(answer({"unexpected": True}), calls)
    with pytest.raises(Terminal, match="1 rows answer what was not asked"):
        CENSUS.read(answer(whole + _csv(["stranger", "asked", "No_Match"])), calls)


def test_google_is_asked_for_the_address_in_the_united_states():
    first, *_, last = google.geocode_calls(HERE, DAY)
    request = GOOGLE.request([first])
    assert dict(parse_qsl(request.url.query.decode())) == {
        "address": "100 EXAMPLE CT, # 4, DENVER, CO 80212",
        "components": "country:US",
        "key": "top-secret-key",
    }
    assert "top-secret-key" not in f"{request!r} {request.url} {request.url!r} {first}"
    assert last.parameters["address"] == "104 EXAMPLE CT, 80212"


@pytest.mark.parametrize(
    ("kind", "partial", "quality"),
    [
        ("ROOFTOP", None, "rooftop"),
        ("RANGE_INTERPOLATED", False, "interpolated"),
        ("GEOMETRIC_CENTER", None, "approximate"),
        ("ROOFTOP", True, "approximate"),
        (None, None, "approximate"),
    ],
)
def test_googles_answer_becomes_coordinates(kind, partial, quality):
    body = orjson.loads(orjson.dumps(FOUND))
    body["results"][0]["geometry"]["location_type"] = kind
    body["results"][0]["partial_match"] = partial
    call, *_ = google.geocode_calls(HERE, DAY)
    assert _coordinates(google, GOOGLE, [call], body) == [
        ("a", 39.7789, -105.0477, "100 Example Ct, Denver, CO 80212, USA", quality)
    ]


def test_nothing_found_is_an_answer_and_billed():
    call, *_ = google.geocode_calls(HERE, DAY)
    assert GOOGLE.accepts(answer(NOTHING))
    (reply,) = GOOGLE.read(answer(NOTHING), [call])
    assert reply.billed == 1
    assert _coordinates(google, GOOGLE, [call], NOTHING) == [("a", None, None, None, "none")]


@pytest.mark.parametrize("http", [200, 403, 500])
def test_googles_status_decides_and_not_the_http_code(http):
    with pytest.raises(Transient) as haste:
        GOOGLE.accepts(answer({"status": "OVER_QUERY_LIMIT", "results": []}, http))
    assert haste.value.may_be_billed is False
    with pytest.raises(Transient) as lost:
        GOOGLE.accepts(answer({"status": "UNKNOWN_ERROR"}, http))
    assert lost.value.may_be_billed is True
    for status, remedy in google.REFUSALS.items():
        with pytest.raises(Terminal, match=status) as refused:
            GOOGLE.accepts(answer({"status": status, "error_message": "asked from 192.0.2.1"}, http))
        assert refused.value.remedy == remedy
        assert "192.0.2.1" not in str(refused.value)
    assert GOOGLE.accepts(answer(FOUND, http))


def test_a_body_without_a_status_is_judged_by_its_code_and_shape():
    call, *_ = google.geocode_calls(HERE, DAY)
    assert not GOOGLE.accepts(answer(b"busy", 503))
    with pytest.raises(Transient):
        GOOGLE.read(answer(b'{"results"'), [call])
    with pytest.raises(Terminal, match=r"no status or results.*google\.py"):
        GOOGLE.read(answer({"unexpected": True}), [call])


def test_the_settings_choose_the_geocoder_and_the_free_one_is_the_default():
    assert chosen_geocoder(load_settings()) is GEOCODERS["census"]
    assert chosen_geocoder(load_settings(geocoder="google")) is GEOCODERS["google"]
    assert chosen_geocoder(load_settings(geocoder="none")) is None
    assert google.Google.from_settings(load_settings()) is None


def test_an_answer_from_the_cache_serves_every_record_that_asks_now():
    one, *_ = google.geocode_calls(HERE, DAY)
    raw = raw_items(FOUND, source="google", keys=["a"]).with_columns(fingerprint=pl.lit(one.fingerprint))
    more = pl.concat([HERE, _frame(("d", "100 EXAMPLE CT, # 4", "DENVER", "CO", "80212"))])
    calls = google.geocode_calls(more, DAY)
    assert calls[0].fingerprint == one.fingerprint
    told = GEOCODERS["google"].read_places(raw, calls)
    assert told["record_key"].to_list() == ["a", "d"]
    assert told["cost_cents"].cast(pl.Float64).to_list() == [raw["cost_cents"].cast(pl.Float64)[0], 0]


def test_a_simulated_org_knows_no_real_geocoder():
    assert why_not_geocode(load_settings(), is_simulated=False) is None
    assert "simulated" in why_not_geocode(load_settings(), is_simulated=True)
    assert why_not_geocode(load_settings(census_base_url="http://127.0.0.1:1/geocoder"), is_simulated=True) is None
    with_key = {"geocoder": "google", "google_api_key": "k"}
    assert "simulated" in why_not_geocode(load_settings(**with_key), is_simulated=True)
    assert "LEADFLOW_GOOGLE_API_KEY" in why_not_geocode(load_settings(geocoder="google"), is_simulated=False)
    assert "LEADFLOW_GEOCODER=none" in why_not_geocode(load_settings(geocoder="none"), is_simulated=False)
