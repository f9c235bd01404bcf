"""County tables: their files and every fault in them, what is asked when, answers into rows, prices."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import orjson
import polars as pl
import pytest
from pydantic import SecretStr

from leadflow_pipelines.contracts import PROPERTY_RECORDS, RAW_PULLS
from leadflow_pipelines.errors import InvalidInput, Terminal, Transient
from leadflow_pipelines.properties.addresses.places import zip_table
from leadflow_pipelines.properties.vendor_records import records_of_pull
from leadflow_pipelines.providers.open_data.arcgis import ArcGis
from leadflow_pipelines.providers.open_data.county_calls import county_client, open_data_calls, refresh_day
from leadflow_pipelines.providers.open_data.county_rows import SCHEMA, to_source_rows
from leadflow_pipelines.providers.open_data.county_source import (
    COUNTIES,
    NAME_PREFIX,
    load_county_source,
    load_county_sources,
)
from leadflow_pipelines.providers.source import HttpAnswer
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.price_book import Price, PriceBook, load_price_book

DAY = dt.date(2026, 11, 22)
FETCHED_AT = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
SETTINGS = Settings(_env_file=None)
SHIPPED = load_county_sources()
FILES = sorted(COUNTIES.glob("*.yaml"))


def _client(name, **settings):
    return county_client(SHIPPED[name], SETTINGS.model_copy(update=settings))


def _calls(*zips, day=DAY, names=None):
    places = zip_table().filter(pl.col("zip").is_in(zips))
    return [one for one in open_data_calls(places, day, settings=SETTINGS) if not names or one.provider in names]


def _call(name, zip_code):
    (call,) = _calls(zip_code, names=[name])
    return call


def _answer(body, status=200):
    return HttpAnswer(status, {}, body if isinstance(body, bytes) else orjson.dumps(body), 1)


def _raw(name, *rows):
    frame = pl.DataFrame(
        {"item_number": range(len(rows)), "payload": [json.dumps(row) for row in rows]},
        schema={"item_number": pl.Int64, "payload": pl.String},
    ).with_columns(
        pl.lit(name).alias("source"),
        pl.lit("33132").alias("zip"),
        pl.lit(DAY).alias("day"),
        pl.lit("f1").alias("fingerprint"),
        pl.lit(FETCHED_AT).alias("fetched_at"),
        pl.lit(0).alias("cost_cents"),
    )
    return RAW_PULLS.conform(frame)


def _rows(name, *rows):
    return to_source_rows(_raw(name, *rows), SHIPPED[name]).to_dicts()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_shipped_county_has_a_whole_file_under_its_own_name(path):
    county = load_county_source(path)
    assert county.name == path.stem
    assert county.name.startswith(NAME_PREFIX)
    assert set(county.county_fips) <= set(zip_table()["county_fips"])
    assert county.zip_filter.match == "city" or "zip" in county.columns


def test_there_are_counties_on_every_platform():
    assert {one.platform for one in SHIPPED.values()} == {"socrata", "arcgis", "carto"}
    assert len(SHIPPED) >= 10


def test_a_bad_file_gives_every_fault_at_once_with_file_and_key(tmp_path):
    text = (COUNTIES / "county_miami_dade_fl.yaml").read_text()
    for before, after in (
        ("platform: arcgis", "platform: ckan"),
        ('["12086"]', '["1208"]'),
        ("refresh_days: 7", "refresh_days: often"),
        ("terms: ", "term: "),
        ("sale_date: ", "sold_date: "),
        ("transform: full_half", "transform: full_haf"),
        ("match: prefix", "match: begins"),
        ("column: TRUE_SITE_ZIP_CODE, ", "column: TRUE_SITE_ZIP_CODE, colum: X, "),
    ):
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(InvalidInput) as fault:
        load_county_source(tmp_path / "wrong.yaml")
    lines = fault.value.message.splitlines()
    assert all(line.startswith("wrong.yaml: ") for line in lines)
    for told in (
        "platform: ", "county_fips.0: ", "refresh_days: ", "terms: Field required", "term: no such key. Did you mean",
        "zip_filter.match: ", "zip_filter.colum: no such key. Did you mean 'column'",
        "columns: sold_date: no such target. Did you mean 'sale_date'",
        "columns: baths: no transform 'full_haf'. Did you mean 'full_half'",
    ):  # fmt: skip
        assert any(line.removeprefix("wrong.yaml: ").startswith(told) for line in lines), told


def test_every_bad_file_of_a_folder_is_named_at_once(tmp_path):
    (tmp_path / "a.yaml").write_text("name: [")
    (tmp_path / "b.yaml").write_text("just text")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match=r"(?s)a\.yaml: is not YAML.*b\.yaml: holds no keys.*c\.yaml: cannot be rea"):
        load_county_sources(tmp_path)


def test_a_file_that_maps_no_identity_is_refused(tmp_path):
    body = (COUNTIES / "county_nyc_sales.yaml").read_text().split("columns:")[0] + "columns:\n  zip: zip_code\n"
    (tmp_path / "x.yaml").write_text(body)
    with pytest.raises(InvalidInput, match="an address, street or parcel_number is needed"):
        load_county_source(tmp_path / "x.yaml")


def test_own_files_stand_beside_the_shipped_ones_and_win(tmp_path):
    text = (COUNTIES / "county_denver_co.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text.replace("title: Denver", "title: Our Denver"))
    (tmp_path / "new.yaml").write_text(text.replace("name: county_denver_co", "name: county_denver_two"))
    found = load_county_sources(tmp_path)
    assert found["county_denver_co"].title.startswith("Our Denver")
    assert len(found) == len(SHIPPED) + 1


def test_a_zip_is_asked_of_the_tables_that_hold_its_county():
    assert {one.provider for one in _calls("11101")} == {"county_nyc_pluto", "county_nyc_sales"}
    assert {one.provider for one in _calls("33132", "19104")} == {"county_miami_dade_fl", "county_philadelphia_pa"}
    assert _calls("99501") == []


def test_each_platform_is_asked_in_its_own_words():
    socrata = _call("county_cook_il", "60601").parameters
    assert socrata["$where"] == "(year = '2025') AND prop_address_zipcode_1 = '60601'"
    assert (socrata["$order"], socrata["$limit"], socrata["$offset"]) == (":id", 1000, 0)
    assert socrata["$select"].startswith(":id,prop_address_zipcode_1,pin,")
    arcgis = _call("county_miami_dade_fl", "33132").parameters
    assert (arcgis["where"], arcgis["orderByFields"]) == ("TRUE_SITE_ZIP_CODE LIKE '33132%'", "OBJECTID")
    assert (arcgis["resultRecordCount"], arcgis["returnGeometry"], arcgis["f"]) == (2000, "false", "json")
    carto = _client("county_philadelphia_pa").request([_call("county_philadelphia_pa", "19104")])
    assert carto.url.params["q"].endswith(
        "FROM opa_properties_public WHERE zip_code LIKE '19104%' ORDER BY cartodb_id LIMIT 1000 OFFSET 0"
    )


def test_a_zip_held_as_a_number_is_asked_for_as_one():
    county = SHIPPED["county_franklin_oh"]
    county = county.model_copy(update={"zip_filter": county.zip_filter.model_copy(update={"is_number": True})})
    assert ArcGis.parameters(county, "43215")["where"] == "ZIPCD = 43215"


def test_a_table_without_zips_is_asked_once_for_the_whole_city():
    calls = _calls("06103", "06105", "06114")
    assert [(one.provider, one.zip) for one in calls] == [("county_connecticut_sales", None)]
    assert calls[0].parameters["$where"] == "upper(town) = 'HARTFORD'"


def test_a_table_is_asked_again_only_when_its_period_ends():
    county = SHIPPED["county_miami_dade_fl"]
    begins = refresh_day(county, DAY)
    days = [begins + dt.timedelta(days=number) for number in range(-1, county.refresh_days + 1)]
    asked = [_calls("33132", day=day)[0] for day in days]
    assert {one.day for one in asked[1:-1]} == {begins}
    assert len({one.fingerprint for one in asked[1:-1]}) == 1
    assert len({one.fingerprint for one in asked}) == 3
    assert len({refresh_day(one, DAY) for one in SHIPPED.values()}) > 1, "not all tables are fetched on one day"


def test_a_token_and_another_base_url_change_the_request_and_not_the_question():
    plain = _client("county_cook_il")
    other = _client("county_cook_il", open_data_base_url="http://127.0.0.1:9/", socrata_app_token=SecretStr("t0ken"))
    call = _call("county_cook_il", "60601")
    assert plain.request([call]).url.host == "datacatalog.cookcountyil.gov"
    assert other.request([call]).url.path == "/socrata/datacatalog.cookcountyil.gov/resource/3723-97qp.json"
    assert "x-app-token" not in plain.request([call]).headers
    assert other.request([call]).headers["x-app-token"] == other.columns_request().headers["x-app-token"] == "t0ken"
    assert plain.columns_request().url.path == "/api/views/3723-97qp.json"


def test_full_pages_continue_where_the_last_ended_and_short_ones_end():
    client, call = _client("county_nyc_sales"), _call("county_nyc_sales", "11101")
    call = Call(call.provider, call.endpoint, {**call.parameters, "$limit": 2}, call.zip, call.day)
    (full,) = client.read(_answer([{":id": "row-1"}, {":id": "row-2"}]), [call])
    following = client.follow_up(call, full.parameters, len(full.items))
    assert following.parameters["$offset"] == 2
    (short,) = client.read(_answer([{":id": "row-3"}]), [following])
    assert client.follow_up(following, short.parameters, 1) is None
    (empty,) = client.read(_answer([]), [following])
    assert client.follow_up(following, empty.parameters, 0) is None
    assert (full.billed, [item.key for item in full.items]) == (0, ["row-1", "row-2"])


def test_a_page_that_comes_again_is_asked_for_anew_and_not_taken():
    client, call = _client("county_nyc_sales"), _call("county_nyc_sales", "11101")
    call = Call(call.provider, call.endpoint, {**call.parameters, "$limit": 1}, call.zip, call.day)
    first = _answer([{":id": "row-1"}])
    (reply,) = client.read(first, [call])
    following = client.follow_up(call, reply.parameters, 1)
    with pytest.raises(Transient, match="came again"):
        client.read(first, [following])


def _whole(client, **given):
    """A row with every column asked for, null but those given."""
    return dict.fromkeys(client.county.wanted_columns) | given


def test_arcgis_pages_follow_the_transfer_limit_and_not_the_size_asked_for():
    client, call = _client("county_miami_dade_fl"), _call("county_miami_dade_fl", "33132")
    lowered = {name.lower(): value for name, value in _whole(client, OBJECTID=8).items()}
    features = [{"attributes": _whole(client, OBJECTID=7)}, {"Attributes": lowered}]
    (capped,) = client.read(_answer({"features": features, "exceededTransferLimit": True}), [call])
    assert client.follow_up(call, capped.parameters, 2).parameters["resultOffset"] == 2
    (last,) = client.read(_answer({"features": features}), [call])
    assert client.follow_up(call, last.parameters, 2) is None
    assert [item.key for item in last.items] == ["7", "8"]


@pytest.mark.parametrize("flag", [{}, {"exceededTransferLimit": False}, {"exceededTransferLimit": "no"}])
def test_a_full_arcgis_page_is_followed_whatever_its_flag_says(flag):
    client, call = _client("county_miami_dade_fl"), _call("county_miami_dade_fl", "33132")
    call = Call(call.provider, call.endpoint, {**call.parameters, "resultRecordCount": 2}, call.zip, call.day)
    features = [{"attributes": _whole(client, OBJECTID=number)} for number in (1, 2)]
    (full,) = client.read(_answer({"features": features, **flag}), [call])
    assert client.follow_up(call, full.parameters, 2).parameters["resultOffset"] == 2
    (short,) = client.read(_answer({"features": features[:1], **flag}), [call])
    assert client.follow_up(call, short.parameters, 1) is None


@pytest.mark.parametrize(
    ("name", "zip_code", "column", "wrapped"),
    [
        ("county_miami_dade_fl", "33132", "YEAR_BUILT", lambda row: {"features": [{"attributes": row}]}),
        ("county_philadelphia_pa", "19104", "sale_date", lambda row: {"rows": [row]}),
        ("county_cook_il", "60601", "mail_address_full", lambda row: [row]),
    ],
)
def test_a_renamed_column_is_named_and_never_read_as_null(name, zip_code, column, wrapped):
    client, call = _client(name), _call(name, zip_code)
    row = _whole(client)
    renamed = {("NEWNAME" if key == column else key): value for key, value in row.items()}
    with pytest.raises(Terminal, match=f"lacks the column '{column}' and has, without being asked, .* 'NEWNAME'"):
        client.read(_answer(wrapped(renamed)), [call])
    assert len(client.read(_answer(wrapped(row)), [call])[0].items) == 1
    gone = _answer(wrapped({key: value for key, value in row.items() if key != column}))
    if client.tells_nulls:
        with pytest.raises(Terminal, match=f"lacks the column '{column}'"):
            client.read(gone, [call])
    else:
        assert len(client.read(gone, [call])[0].items) == 1, "a missing key is how it writes null"


def test_rows_are_bounded():
    client, call = _client("county_miami_dade_fl", open_data_max_rows=2), _call("county_miami_dade_fl", "33132")
    features = [{"attributes": _whole(client, OBJECTID=number)} for number in (1, 2)]
    page = _answer({"features": features, "exceededTransferLimit": True})
    (reply,) = client.read(page, [call])
    assert client.follow_up(call, reply.parameters, 2) is None


def test_a_closed_layer_and_haste_are_told_as_what_they_are():
    client = _client("county_miami_dade_fl")
    with pytest.raises(Terminal, match=r"498 Invalid token.*no longer public"):
        client.accepts(_answer({"error": {"code": 498, "message": "Invalid token."}}))
    with pytest.raises(Transient) as haste:
        client.accepts(_answer({"error": {"code": 429, "message": "Too many requests."}}))
    assert (haste.value.is_throttled, haste.value.may_be_billed) == (True, False)


@pytest.mark.parametrize(
    ("name", "zip_code", "body", "status", "error", "told"),
    [
        ("county_miami_dade_fl", "33132", {"error": {"code": 400, "message": "Bad query", "details": ["No field: X"]}},
         200, Terminal, "400 Bad query No field: X"),
        ("county_miami_dade_fl", "33132", {"error": {"code": 503, "message": "Busy"}}, 200, Transient, "503 Busy"),
        ("county_cook_il", "60601", {"message": "No such column: pinn", "errorCode": "query.soql.no-such-column"},
         400, Terminal, "No such column: pinn"),
        ("county_philadelphia_pa", "19104", {"error": ['column "x" does not exist']}, 400, Terminal, 'column "x"'),
        ("county_philadelphia_pa", "19104", {"error": ["timeout"], "context": "limit"}, 400, Transient, "timeout"),
    ],
)  # fmt: skip
def test_a_platforms_own_error_is_told_in_its_own_words(name, zip_code, body, status, error, told):
    with pytest.raises(error) as raised:
        _client(name).accepts(_answer(body, status))
    assert told in str(raised.value)
    assert _call(name, zip_code).provider == raised.value.provider


@pytest.mark.parametrize("name", ["county_miami_dade_fl", "county_cook_il", "county_philadelphia_pa"])
def test_broken_json_is_worth_another_try_and_a_wrong_shape_is_not(name):
    client = _client(name)
    call = client.first_page(client.county, "33132", zip_code="33132", day=DAY)
    assert client.accepts(_answer(b'{"features": [{"attr'))
    with pytest.raises(Transient, match="not whole JSON"):
        client.read(_answer(b'{"features": [{"attr'), [call])
    with pytest.raises(Terminal, match="has no list of"):
        client.read(_answer({"unexpected": True}), [call])
    assert not client.accepts(_answer({"error": "no"}, 503))
    assert not client.accepts(_answer(b"<html>", 400))


def test_an_arcgis_row_with_epoch_dates_split_baths_and_three_owners():
    (row,) = _rows(
        "county_miami_dade_fl",
        {
            "OBJECTID": 1, "FOLIO": "0131234567890", "TRUE_SITE_ADDR": "100 NW 1 AVE", "TRUE_SITE_UNIT": " ",
            "TRUE_SITE_CITY": "Miami", "TRUE_SITE_ZIP_CODE": "33132-1000", "TRUE_OWNER1": "SAMPLEFORD ALMA",
            "TRUE_OWNER2": "", "TRUE_OWNER3": "TESTWELL BASIL", "TRUE_MAILING_STATE": "FL", "YEAR_BUILT": 1950,
            "BATHROOM_COUNT": 2, "HALF_BATHROOM_COUNT": 1, "ASSESSED_VAL_CUR": 250000.5, "LOT_SIZE": 0,
            "DATEOFSALE_UTC": 1546300800000, "PRICE_1": 0,
        },
    )  # fmt: skip
    assert list(row) == list(SCHEMA)
    assert (row["sale_date"], row["sale_price_cents"]) == (dt.date(2019, 1, 1), None)
    assert (row["baths"], row["assessed_cents"], row["lot_sqft"]) == (2.5, 25_000_050, None)
    assert (row["owner_name"], row["unit"]) == ("SAMPLEFORD ALMA & TESTWELL BASIL", None)
    assert (row["county_fips"], row["state"], row["zip"]) == ("12086", "FL", "33132-1000")
    assert (row["pull_id"], row["row_number"], row["observed_at"]) == ("f1", 1, FETCHED_AT)


@pytest.mark.parametrize(
    ("written", "read"),
    [(-3600000, dt.date(1969, 12, 31)), (86400000 * 365, dt.date(1971, 1, 1)), ("20190405", dt.date(2019, 4, 5)),
     (None, None), (4102444800000, None)],
)  # fmt: skip
def test_dates_of_a_layer_are_milliseconds_unless_they_are_written_out(written, read):
    (row,) = _rows("county_miami_dade_fl", {"FOLIO": "1", "DATEOFSALE_UTC": written})
    assert row["sale_date"] == read


def test_a_parcel_number_in_three_columns_is_put_together_with_its_zeros():
    (row,) = _rows(
        "county_nyc_pluto",
        {":id": "row-1", "borocode": "4", "block": "73", "lot": "1", "address": "7 MAPLE STREET", "zipcode": "11101",
         "bbl": "4000730001.00000000", "assesstot": "99000.00000000", "latitude": "40.74", "longitude": "-73.9"},
    )  # fmt: skip
    assert (row["parcel_number"], row["assessed_cents"], row["lat"]) == ("4000730001", 9_900_000, 40.74)
    assert (row["county_fips"], row["state"]) == (None, "NY"), "five counties: the row's ZIP tells its own"


def test_columns_are_read_in_any_casing_and_missing_ones_are_null():
    row, bare = _rows("county_davidson_tn", {"parid": "1", "APN": "09313", "ACRES": 0.5}, {"ParID": "2"})
    assert (row["parcel_number"], row["lot_sqft"], row["owner_name"]) == ("09313", 21_780, None)
    assert bare["parcel_number"] is None


def test_rows_become_property_records_and_a_nameless_one_is_set_aside():
    raw = _raw(
        "county_philadelphia_pa",
        {"cartodb_id": 1, "parcel_number": "883", "location": "12 N MAPLE ST", "zip_code": "19104", "sale_price": 1.0},
        {"cartodb_id": 2, "zip_code": "19104", "year_built": "1920"},
    )
    rows = to_source_rows(raw, SHIPPED["county_philadelphia_pa"])
    records, rejected = records_of_pull(rows, raw, source="county_philadelphia_pa", day=DAY, now=FETCHED_AT)
    assert records.columns == PROPERTY_RECORDS.empty().columns
    assert records.select("zip", "city", "county_fips", "source").row(0) == (
        "19104", "PHILADELPHIA", "42101", "county_philadelphia_pa",
    )  # fmt: skip
    assert rejected["reason_code"].to_list() == ["no_identity"]


def test_no_pulls_are_no_rows():
    assert to_source_rows(RAW_PULLS.empty(), SHIPPED["county_cook_il"]).is_empty()


@pytest.mark.parametrize("name", [*SHIPPED, "county_of_anyone"])
def test_county_tables_are_free_whatever_their_name(name):
    call = Call(name, "resource/x.json", {}, "11101", DAY, most_items=50_000)
    assert load_price_book().worst_case([call], DAY) == Decimal(0)


def test_a_providers_own_price_wins_over_a_pattern():
    def line(provider, endpoint, cents):
        return Price(provider, endpoint, "per_call", Decimal(cents), dt.date(2026, 1, 1), "test")

    book = PriceBook([line("county_*", "deeds", 1), line("county_*", "*", 2), line("county_paid", "*", 3)])
    assert [book.price(name, "deeds", DAY).cents for name in ("county_paid", "county_x")] == [3, 1]
    with pytest.raises(InvalidInput):
        book.price("attom", "deeds", DAY)


def test_the_shipped_files_stand_in_the_package():
    assert Path(COUNTIES).is_dir()
    assert len(FILES) == len(SHIPPED)
