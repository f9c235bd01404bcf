"""Vendors' own files: our requests against their OpenAPI descriptions, our readers against every sample they give.

The files lie outside the tree, beside the folder that LEADFLOW_TEST_DATA names. What is expected of a reader is taken
from the sample itself, so that no value of it stands here.
"""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import orjson
import polars as pl
import pytest
import yaml

from leadflow_pipelines.errors import Terminal
from leadflow_pipelines.providers.open_data.arcgis import ArcGis
from leadflow_pipelines.providers.open_data.check_county import column_faults
from leadflow_pipelines.providers.open_data.county_source import load_county_sources
from leadflow_pipelines.providers.pulls import raw_frame
from leadflow_pipelines.providers.sandbox.vendor import Request
from leadflow_pipelines.providers.sandbox.vendors import rentcast as simulated_rentcast
from leadflow_pipelines.providers.sandbox.world import World
from leadflow_pipelines.providers.source import Reply
from leadflow_pipelines.providers.sources import attom, google, regrid, rentcast, zillow
from leadflow_pipelines.providers.sources.attom_rows import to_source_rows as attom_rows
from leadflow_pipelines.providers.sources.batchdata import BatchData, skip_trace_calls
from leadflow_pipelines.providers.sources.batchdata_rows import to_contact_rows
from leadflow_pipelines.providers.sources.regrid_rows import to_source_rows as regrid_rows
from leadflow_pipelines.providers.sources.rentcast_rows import to_source_rows as rentcast_rows
from leadflow_pipelines.providers.sources.zillow_rows import to_source_rows as zillow_rows
from leadflow_pipelines.settings import get_settings, load_settings
from leadflow_pipelines.spend.call import Call
from tests.raw_items import DAY, FETCHED_AT, answer, recorded

BESIDE_TEST_DATA = Path("providers/specs")
READ_HERE = {
    "arcgis/layer_meta.json",
    "attom/attom-property-detail-example.json",
    "attom/basicprofile_sample_from_attom_docs.json",
    "batchdata/skiptrace_v1_shape.json",
    "batchdata/skiptrace_v3_shape.json",
    "regrid/point_sample_abridged.json",
    "rentcast/openapi.json",
    "zillow/zillow56_search_polygon_sample.json",
}
NOT_OURS = {
    "arcgis/pa_sf_sample.json": "a property appraiser's own web service, no feature layer; no source asks it",
    "twilio": "messages: no source of records",
}
GOOGLE = google.Google(base_url="http://127.0.0.1:1", api_key="k")
HERE = {"street": "1 EXAMPLE ST", "city": "DENVER", "state": "CO", "zip5": "80212", "zip": "80212"}


@pytest.fixture(scope="module")
def specs() -> Path:
    """The folder of the vendors' files."""
    data = get_settings().test_data
    folder = data.parent / BESIDE_TEST_DATA if data else None
    if folder is None or not folder.is_dir():
        told = f"LEADFLOW_TEST_DATA does not name a folder beside which {BESIDE_TEST_DATA} lies"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    return folder


def _json(specs: Path, name: str) -> Any:
    return json.loads((specs / name).read_text())


def _raw(calls: list[Call], replies: list[Reply]) -> pl.DataFrame:
    return raw_frame(calls, replies, [Decimal(0)] * len(calls), FETCHED_AT)


def test_no_file_is_forgotten(specs):
    found = {str(path.relative_to(specs)) for path in specs.rglob("*") if path.is_file()}
    read = {name for name in found if name in READ_HERE or name.startswith("google/")}
    left = {name for name in found - read if not name.startswith(tuple(NOT_OURS))}
    assert left == set()
    assert read >= READ_HERE


@pytest.mark.parametrize("name", sorted(one for one in READ_HERE if one.startswith("attom/")))
def test_attoms_samples_become_rows(specs, name):
    sample = _json(specs, name)
    body = sample.get("response", sample)
    client = attom.Attom(base_url="http://127.0.0.1:1", api_key="k")
    (call,) = attom.property_calls(["80212"], DAY, most_records=250)
    assert client.accepts(answer(body))
    (reply,) = client.read(answer(body), [call])
    estates = body["property"]
    assert [item.key for item in reply.items] == [str(one["identifier"]["attomId"]) for one in estates]
    assert (reply.billed, reply.parameters["pagesize"]) == (len(estates), body["status"]["pagesize"])
    (row,), (estate,) = attom_rows(_raw([call], [reply])).to_dicts(), estates
    address, summary = estate["address"], {key.lower(): value for key, value in estate["summary"].items()}
    assert (row["street"], row["city"], row["zip"]) == (address["line1"], address["locality"], address["postal1"])
    assert (row["parcel_number"], row["county_fips"]) == (estate["identifier"]["apn"], estate["identifier"]["fips"])
    assert (row["year_built"], row["lat"]) == (summary["yearbuilt"], float(estate["location"]["latitude"]))
    assert row["is_owner_occupied"] is (summary["absenteeind"] == "OWNER OCCUPIED")
    if "mktTtlValue" in str(estate.get("assessment")):
        assert row["market_value_cents"] == 100 * estate["assessment"]["market"]["mktTtlValue"]
        assert row["owner_name"].count("&") == 1, "owners 1 and 3 are there, 2 and 4 are empty"
    if "request" in sample:
        asked = client.request([call])
        assert "apikey" in asked.headers.keys() & {key.lower() for key in sample["request"]["headers"]}
        assert asked.method == sample["request"]["method"]


def test_regrids_sample_becomes_a_row(specs):
    body = _json(specs, "regrid/point_sample_abridged.json")
    settings = load_settings(regrid_api_key="k")
    (call,) = regrid.property_calls(["48202"], DAY, settings=settings)
    client = regrid.Regrid.from_settings(settings)
    assert client is not None
    (reply,) = client.read(answer(body), [call])
    (row,), (feature,) = regrid_rows(_raw([call], [reply])).to_dicts(), body["parcels"]["features"]
    fields = feature["properties"]["fields"]
    assert reply.billed == 1
    assert (row["parcel_number"], row["county_fips"]) == (fields["parcelnumb"], fields["geoid"])
    assert (row["street"], row["year_built"]) == (fields["address"], fields["yearbuilt"])
    assert row["mailing_address"].startswith(fields["mailadd"])
    assert (row["assessed_cents"], row["market_value_cents"], row["sale_price_cents"]) == (None, None, None)
    assert row["is_owner_occupied"] is None


def test_zillows_sample_becomes_rows(specs):
    body = _json(specs, "zillow/zillow56_search_polygon_sample.json")
    settings = load_settings(zillow_api_key="k")
    (call,) = zillow.property_calls(["90404"], DAY, settings=settings)
    client = zillow.Zillow.from_settings(settings)
    assert client is not None
    (reply,) = client.read(answer(body), [call])
    assert (reply.billed, reply.parameters["pages"], reply.parameters["page_size"]) == (1, 4, 41)
    rows = zillow_rows(_raw([call], [reply])).to_dicts()
    assert [row["source_record_id"] for row in rows] == [str(one["zpid"]) for one in body["results"]]
    for row, home in zip(rows, body["results"], strict=True):
        worth = home.get("zestimate")
        assert row["market_value_cents"] == (worth and worth * 100)
        square_feet = home["lotAreaValue"] * (43_560 if home["lotAreaUnit"] == "acres" else 1)
        assert row["lot_sqft"] == pytest.approx(square_feet, abs=1)
        assert (row["street"], row["zip"], row["sale_date"]) == (home["streetAddress"], home["zipcode"], None)


@pytest.mark.parametrize(("version", "shape", "people"), [("v1", "results", "persons"), ("v3", "result", "data")])
def test_batchdatas_shapes_become_contacts(specs, version, shape, people):
    body = _json(specs, f"batchdata/skiptrace_{version}_shape.json")
    calls = skip_trace_calls(pl.DataFrame([{"request_id": "lead", **HERE}]), DAY)
    client = BatchData(base_url="http://127.0.0.1:1", api_key="k")
    (asked,) = orjson.loads(client.request(calls).read())["requests"]
    (entry,) = body[shape][people]
    entry["request" if version == "v1" else "input"]["requestId"] = asked["requestId"]
    replies = client.read(answer(body), calls)
    assert [reply.billed for reply in replies] == [1]
    phone = entry["phoneNumbers"][0] if version == "v1" else entry["persons"][0]["phones"][0]
    email = (entry if version == "v1" else entry["persons"][0])["emails"][0]
    first, second = to_contact_rows(_raw(calls, replies), calls).to_dicts()
    assert (first["phone_e164"], first["line_type"]) == (f"+1{phone['number']}", phone["type"].lower())
    assert (first["is_on_dnc"], first["is_reachable"], first["is_litigator"]) == (False, True, False)
    assert (second["kind"], second["email"]) == ("email", email["email"])
    assert asked.keys() <= entry.keys() | {"requestId", "propertyAddress", "name"}


def test_googles_samples_become_coordinates_or_the_error_they_mean(specs):
    files = sorted((specs / "google").glob("*.yml"))
    assert len(files) >= 16
    asked = pl.DataFrame([{"record_key": "a", **HERE}])
    (call,) = google.geocode_calls(asked, DAY)
    for file in files:
        body = yaml.safe_load(file.read_text())
        if body["status"] == "INVALID_REQUEST":
            with pytest.raises(Terminal, match="INVALID_REQUEST"):
                GOOGLE.accepts(answer(body))
            continue
        assert GOOGLE.accepts(answer(body)), file.name
        (reply,) = GOOGLE.read(answer(body), [call])
        (row,) = google.to_coordinates(_raw([call], [reply])).to_dicts()
        if body["status"] == "ZERO_RESULTS":
            assert (row["quality"], row["lat"]) == ("none", None), file.name
            continue
        place = body["results"][0]["geometry"]
        assert (row["lat"], row["lon"]) == (place["location"]["lat"], place["location"]["lng"]), file.name
        is_rooftop = place["location_type"] == "ROOFTOP" and not body["results"][0].get("partial_match")
        assert (row["quality"] == "rooftop") is is_rooftop, file.name
        assert row["matched_address"] == body["results"][0]["formatted_address"], file.name


def test_an_arcgis_layers_description_has_the_columns_that_we_ask_for(specs):
    county = load_county_sources(None)["county_miami_dade_fl"]
    client = ArcGis(county)
    description = _json(specs, "arcgis/layer_meta.json")
    columns = client.read_columns(answer(description))
    assert len(columns) == len(description["fields"])
    assert column_faults(client, columns) == (), "names are compared without their case"
    assert county.page_rows <= description["maxRecordCount"]


@pytest.fixture(scope="module")
def openapi(specs) -> Any:
    return _json(specs, "rentcast/openapi.json")


def test_rentcasts_requests_are_those_its_openapi_file_allows(openapi):
    settings = load_settings(rentcast_api_key="k")
    client = rentcast.RentCast.from_settings(settings)
    assert client is not None
    operation = openapi["paths"][f"/{rentcast.ENDPOINT}"]["get"]
    assert str(settings.rentcast_base_url).rstrip("/") in {one["url"] for one in openapi["servers"]}
    (call,) = rentcast.property_calls(["80212"], DAY, settings=settings)
    pages = [call]
    for number in (1, 2):
        taken = {"returned": call.parameters["limit"], "digest": str(number)}
        following = client.follow_up(pages[-1], taken, call.parameters["limit"])
        pages += [following] if following else []
    described = {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "query"}
    kinds = {"integer": int, "number": float, "boolean": lambda text: {"true": True, "false": False}[text]}
    for page in pages:
        request = client.request([page])
        assert (request.method, urlsplit(str(request.url)).path) == ("GET", f"/v1/{rentcast.ENDPOINT}")
        for name, text in parse_qsl(request.url.query.decode()):
            schema = described[name]
            jsonschema.validate(kinds.get(schema["type"], str)(text), schema)
        scheme = openapi["components"]["securitySchemes"]["sec0"]
        assert (scheme["in"], request.headers[scheme["name"]]) == ("header", "k")
        required = {one["name"] for one in operation["parameters"] if one.get("required")}
        assert required <= dict(parse_qsl(request.url.query.decode())).keys()


def test_rentcasts_own_examples_become_rows(openapi):
    (call,) = rentcast.property_calls(["80212"], DAY, settings=load_settings())
    client = rentcast.RentCast(base_url="http://127.0.0.1:1", api_key="k", most_records=500)
    examples = openapi["paths"]["/properties"]["get"]["responses"]["200"]["content"]["application/json"]["examples"]
    assert examples
    for example in examples.values():
        (reply,) = client.read(answer(example["value"]), [call])
        rows = rentcast_rows(_raw([call], [reply])).to_dicts()
        for row, record in zip(rows, example["value"], strict=True):
            assert (row["source_record_id"], row["street"]) == (record["id"], record["addressLine1"])
            assert (row["parcel_number"], row["zip"]) == (record["assessorID"], record["zipCode"])
            assert row["county_fips"] == record["stateFips"] + record["countyFips"]
            assert row["sale_price_cents"] == record["lastSalePrice"] * 100
            assert str(row["sale_date"]) == record["lastSaleDate"][:10]
            newest = max(record["taxAssessments"])
            assert row["assessed_cents"] == record["taxAssessments"][newest]["value"] * 100
            assert row["owner_name"].count(" & ") == len(record["owner"]["names"]) - 1
            assert row["is_owner_occupied"] is record["ownerOccupied"]


def test_the_simulated_rentcast_answers_as_the_openapi_file_says(openapi):
    responses = openapi["paths"]["/properties"]["get"]["responses"]
    world = World(records_per_zip=40, today=lambda: DAY)

    def asked(**headers: str) -> Any:
        return simulated_rentcast.VENDOR.answer(world, Request("GET", "/properties", {"zipCode": "80212"}, headers))

    for status, reply in (("200", asked(**{"x-api-key": simulated_rentcast.KEY})), ("401", asked())):
        assert str(reply.status) == status
        jsonschema.validate(orjson.loads(reply.content), responses[status]["content"]["application/json"]["schema"])


def test_the_excerpt_in_the_tree_is_the_vendors_own(openapi):
    excerpt = recorded("rentcast_openapi.json")["paths"]["/properties"]["get"]
    operation = openapi["paths"]["/properties"]["get"]
    official = {one["name"]: one["schema"] for one in operation["parameters"]}
    for one in excerpt["parameters"]:
        kept = {key: one["schema"].get(key) for key in ("type", "minimum", "maximum")}
        assert kept == {key: official[one["name"]].get(key) for key in kept}, one["name"]
