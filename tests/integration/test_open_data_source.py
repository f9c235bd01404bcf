"""County tables through the guard against simulated platforms, and `leadflow source` against the same."""

import datetime as dt

import orjson
import polars as pl
import pytest
from typer.testing import CliRunner

from leadflow_pipelines.cli.app import app
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.properties.addresses.places import zip_table
from leadflow_pipelines.properties.vendor_records import records_of_pull
from leadflow_pipelines.providers.open_data.county_calls import open_data_calls, refresh_day
from leadflow_pipelines.providers.open_data.county_rows import to_source_rows
from leadflow_pipelines.providers.open_data.county_source import COUNTIES, load_county_sources
from leadflow_pipelines.providers.open_data.stored_county_pulls import read_county_pulls
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.sources.pages import distinct_items
from tests.shop import DAY, ORIGIN, open_shop

COUNTY_SOURCES = load_county_sources(None)
RECORDS, PAGE_CAP = 24, 10
ZIPS = {"socrata": "60601", "arcgis": "33132", "carto": "19104"}
COUNTIES_OF = {
    "socrata": "county_cook_il",
    "arcgis": "county_miami_dade_fl",
    "carto": "county_philadelphia_pa",
}
LOST_IN_TRANSIT = ("slow", "slow_drip", "timeout", "reset", "cut_off", "truncated_json", "malformed_json")
SPOILED = ("missing_field", "renamed_field", "key_casing", "wrong_total", "duplicate_page")
REFUSED = ("expired_key", "empty_wallet", "wrong_shape")


@pytest.fixture(scope="module")
def vendors():
    with SandboxProcess(records_per_zip=RECORDS, page_cap=PAGE_CAP, today=DAY.isoformat()) as sandbox:
        yield sandbox


@pytest.fixture
def shop(database, org, sandbox, home, tmp_path, monkeypatch):
    for county in COUNTY_SOURCES.values():  # pages as small as the layers' own, on every platform
        monkeypatch.setitem(county.__dict__, "page_rows", PAGE_CAP)
    return open_shop(database, org, sandbox, home, tmp_path, "socrata")


def _places(*zips):
    return zip_table().filter(pl.col("zip").is_in(zips))


def _pull(shop, *zips, day=DAY, **overrides):
    with shop.guard(**overrides) as guard:
        return guard.pull_many(open_data_calls(_places(*zips), day, settings=shop.settings), origin=ORIGIN)


def _rows(shop, pulls, name):
    raw = distinct_items(pulls.read(shop.lake.raw).filter(pl.col("source") == name))
    return to_source_rows(raw, COUNTY_SOURCES[name]).drop("pull_id", "row_number", "observed_at")


def _first_zip(county):
    held = _standard().filter(pl.col("county_fips").is_in(county.county_fips))
    return held["zip"].sort()[0]


def _standard():
    return zip_table().filter(pl.col("zip_type") == "STANDARD")


def _run(*arguments):
    """Exit code, what was printed, and on stderr; a named fault counts as printed there."""
    result = CliRunner().invoke(app, ["source", *arguments])
    named = str(result.exception) if isinstance(result.exception, LeadflowError) else ""
    assert named or result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr + named


def test_every_county_gives_its_rows_once_for_nothing(shop):
    """No budget is set: what is free needs none."""
    names = [name for name, one in COUNTY_SOURCES.items() if one.zip_filter.match != "city"]
    zips = {name: _first_zip(COUNTY_SOURCES[name]) for name in names}
    pulls = _pull(shop, *zips.values())
    assert (pulls.unmade, pulls.cost_cents) == ((), 0)
    for name in names:
        raw = pulls.read(shop.lake.raw).filter(pl.col("source") == name)
        rows = to_source_rows(raw, COUNTY_SOURCES[name])
        records, rejected = records_of_pull(rows, raw, source=name, day=DAY, now=shop.now)
        assert (records.height, rejected.height) == (RECORDS, 0), name
        assert set(records["zip"]) == {zips[name]}, name
        assert records["record_id"].n_unique() == RECORDS
    assert {row["provider"] for row in shop.ledger()} == set(names)


def test_the_cache_answers_until_the_tables_period_ends(shop):
    county = COUNTY_SOURCES["county_miami_dade_fl"]
    begins = refresh_day(county, DAY)
    first = _pull(shop, ZIPS["arcgis"], day=begins)
    last = _pull(shop, ZIPS["arcgis"], day=begins + dt.timedelta(days=county.refresh_days - 1))
    after = _pull(shop, ZIPS["arcgis"], day=begins + dt.timedelta(days=county.refresh_days))
    assert (first.provider_calls, last.provider_calls, after.provider_calls) == (3, 0, 3)
    assert last.items == RECORDS


def test_stored_rows_are_found_on_every_day_of_the_period_and_by_their_zip(shop):
    _pull(shop, ZIPS["socrata"], ZIPS["carto"], "06614")
    stored = {"database": shop.database, "org_id": shop.org.org_id, "raw": shop.lake.raw}

    def found(*zips, day=DAY):
        raw = read_county_pulls(**stored, counties=COUNTY_SOURCES.values(), zips=zips, day=day)
        return dict(raw.group_by("source").len().iter_rows())

    cook = COUNTY_SOURCES["county_cook_il"]
    last = refresh_day(cook, DAY) + dt.timedelta(days=cook.refresh_days - 1)
    town = RECORDS * zip_table().filter(city="STRATFORD", state="CT").height
    assert found(ZIPS["socrata"]) == {"county_cook_il": RECORDS, "county_connecticut_sales": town}
    assert found(ZIPS["socrata"], day=last)["county_cook_il"] == RECORDS
    assert "county_cook_il" not in found(ZIPS["socrata"], day=last + dt.timedelta(days=1))
    assert found("99501") == {"county_connecticut_sales": town}
    assert read_county_pulls(**stored, counties=[], zips=["60601"], day=DAY).is_empty()


def test_a_table_without_zips_gives_the_whole_town_once(shop):
    pulls = _pull(shop, "06103", "06105")
    assert {pull.call.zip for pull in pulls.pulls} == {None}
    rows = _rows(shop, pulls, "county_connecticut_sales")
    assert set(rows["city"]) == {"Hartford"}
    assert rows.height == RECORDS * zip_table().filter(city="HARTFORD", state="CT").height


def test_one_countys_trouble_is_not_anothers(shop):
    shop.sandbox.arm_fault("arcgis", "status", share=1.0, status=503)
    pulls = _pull(shop, *ZIPS.values())
    assert {one.call.provider for one in pulls.unmade} == {"county_miami_dade_fl"}
    assert _rows(shop, pulls, "county_cook_il").height == RECORDS


@pytest.fixture(scope="module")
def truths(database, vendors, home, tmp_path_factory):
    """What arrives from each platform where nothing goes wrong."""
    vendors.disarm_faults()
    well = open_shop(
        database, create_org(database, "open_data_truth"), vendors, home, tmp_path_factory.mktemp("t"), "socrata"
    )
    pulls = _pull(well, *ZIPS.values())
    found = {platform: _rows(well, pulls, name) for platform, name in COUNTIES_OF.items()}
    assert {rows.height for rows in found.values()} == {RECORDS}
    return found


@pytest.mark.parametrize("platform", ZIPS)
@pytest.mark.parametrize("kind", [*LOST_IN_TRANSIT, *SPOILED, *REFUSED, "status"])
def test_under_each_fault_rows_arrive_once_and_the_missing_are_named(shop, truths, platform, kind):
    name, truth = COUNTIES_OF[platform], truths[platform]
    shop.sandbox.arm_fault(platform, kind, share=0.3, seconds=0.3, status=503)
    pulls = _pull(shop, ZIPS[platform], http_timeout_seconds=0.25 if kind == "timeout" else 30)
    rows = _rows(shop, pulls, name)
    assert rows["parcel_number"].n_unique() == rows.height
    assert set(rows["parcel_number"]) <= set(truth["parcel_number"])
    assert (rows.height == RECORDS) is (not pulls.unmade), "what is missing is named"
    if kind not in ("missing_field", "renamed_field"):
        assert rows.equals(truth.filter(pl.col("parcel_number").is_in(rows["parcel_number"].implode())))
    shop.sandbox.disarm_faults()
    assert _rows(shop, _pull(shop, ZIPS[platform]), name).height == RECORDS, "the next run goes on where this stopped"


@pytest.mark.parametrize("name", COUNTY_SOURCES)
def test_source_test_proves_each_shipped_county(name, sandbox):
    code, out, err = _run("test", name, "--base-url", sandbox.url, "--json")
    told = orjson.loads(out)
    assert (code, told["faults"], told["is_right"]) == (0, [], True), err
    assert (told["pages"], 0 < told["rows"] <= 50, told["cost_cents"]) == (2, True, 0)
    assert all("owner" not in column for row in told["preview"] for column in row)


def test_source_test_names_a_renamed_column_and_what_it_may_be_now(sandbox, tmp_path):
    text = (COUNTIES / "county_miami_dade_fl.yaml").read_text()
    (tmp_path / "new.yaml").write_text(
        text.replace("YEAR_BUILT", "YEAR_BILT").replace("row_id: OBJECTID", "row_id: OID")
    )
    code, out, err = _run("test", str(tmp_path / "new.yaml"), "--base-url", sandbox.url)
    said = " ".join(err.split())
    assert code == 1
    assert "columns.year_built: the table has no column 'YEAR_BILT'. Did you mean 'YEAR_BUILT'" in said
    assert "row_id: the table has no column 'OID'" in said
    assert "2 fault(s)" in out


def test_source_test_finds_a_filter_that_lets_other_zips_through(sandbox, tmp_path):
    text = (COUNTIES / "county_franklin_oh.yaml").read_text()
    (tmp_path / "new.yaml").write_text(text.replace("{column: ZIPCD, match: exact}", "{column: BEDRMS, match: exact}"))
    code, _, err = _run("test", str(tmp_path / "new.yaml"), "--base-url", sandbox.url)
    assert code == 1
    assert "zip_filter: " in err


def test_source_test_finds_a_column_of_another_kind_and_a_row_id_that_repeats(sandbox, tmp_path):
    text = (COUNTIES / "county_philadelphia_pa.yaml").read_text()
    text = text.replace("sale_date: sale_date", "sale_date: location").replace("row_id: cartodb_id", "row_id: unit")
    (tmp_path / "new.yaml").write_text(text)
    code, _, err = _run("test", str(tmp_path / "new.yaml"), "--base-url", sandbox.url)
    said = " ".join(err.split())
    assert code == 1
    assert "columns.sale_date: none of" in said
    assert "row_id: " in said


def test_source_test_says_that_the_county_does_not_answer(sandbox):
    sandbox.arm_fault("socrata", "status", share=1.0, status=503)
    code, out, _ = _run("test", "county_cook_il", "--base-url", sandbox.url, "--json")
    assert (code, orjson.loads(out)["faults"]) == (1, ["county_cook_il: HTTP 503"])


def test_source_test_refuses_unknown_names_foreign_zips_and_bad_files(tmp_path):
    code, _, err = _run("test", "county_cook")
    assert code == 1
    assert "Did you mean 'county_cook_il'" in " ".join(err.split())
    assert _run("test", "county_cook_il", "--zip", "90210")[0] == 1
    (tmp_path / "bad.yaml").write_text("name: x\nplatform: ckan\n")
    code, _, err = _run("test", str(tmp_path / "bad.yaml"))
    assert code == 1
    assert "bad.yaml: platform:" in err
    assert "bad.yaml: endpoint: Field required" in err


def test_source_list_tells_every_county():
    code, out, _ = _run("list", "--json")
    told = orjson.loads(out)["sources"]
    assert (code, {one["name"] for one in told}) == (0, set(COUNTY_SOURCES))
    assert all(one["terms_url"] and one["attribution"] and one["confirmed_by"] for one in told)
    assert _run("list")[0] == 0
