"""The marts from a small lake and ledger whose every number can be counted by hand."""

import datetime as dt
import shutil
from decimal import Decimal
from uuid import uuid4

import duckdb
import polars as pl
import psycopg
import pytest
from deltalake import write_deltalake
from sqlalchemy import text

from leadflow_pipelines.contracts import (
    ENRICHED_LEADS,
    LAKE_TABLES,
    LEAD_SCORES,
    MARTS,
    OUTREACH_LISTS,
)
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.errors import ContractBroken, LeadflowError
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.marts.build_marts import build_marts
from leadflow_pipelines.marts.dbt_worker import warm_up_marts
from leadflow_pipelines.marts.duckdb_file import add_lake, new_duckdb_file
from leadflow_pipelines.marts.run_dbt import PROJECT
from tests.small_backtest import AS_OF
from tests.small_lake import (
    COMPS,
    D1,
    D2,
    HOME_ZIP,
    LEADS,
    MONTH,
    NOW,
    OTHER_ZIP,
    decisions,
    enriched,
    fill,
    scores,
    write_ledger,
)

FROM_CAMPAIGNS = {"mart_campaign_performance", "mart_lead_outcomes"}
"""Those are under test with orgs that have campaigns."""
FROM_THE_LAKE = [mart for mart in MARTS if mart.name not in FROM_CAMPAIGNS]


@pytest.fixture(scope="module")
def small_lake(tmp_path_factory):
    lake = Lake(str(tmp_path_factory.mktemp("lake") / "org"))
    fill(lake)
    return lake


@pytest.fixture(scope="module")
def small_org(database):
    org = create_org(database, f"t{uuid4().hex[:12]}")
    write_ledger(database, org)
    return org


@pytest.fixture(scope="module")
def built(small_lake, small_org, database):
    return build_marts(small_lake, database, small_org, now=NOW, run_id="run-1")


def exported(built, name, **where):
    frame = pl.read_parquet(built.parquet[name])
    return frame.filter(*(pl.col(column) == value for column, value in where.items()))


def bi_rows(database, slug, query):
    with psycopg.connect(database.bi_url(slug)) as connection:
        return connection.execute(query).fetchall()


def test_mart_leads_holds_the_latest_day_of_each_zip_and_each_property_once(built):
    leads = exported(built, "mart_leads").sort("property_id")
    assert leads.select("property_id", "zip", "day").rows() == [
        ("a", HOME_ZIP, D2), ("b", HOME_ZIP, D2), ("d", OTHER_ZIP, D1), ("e", HOME_ZIP, D2),
    ]  # fmt: skip


def test_mart_leads_counts_cleared_contact_points_and_adds_cost(built):
    lead = exported(built, "mart_leads", property_id="a").row(0, named=True)
    cleared = [lead[f"cleared_{channel}"] for channel in ("mail", "voice", "sms", "email")]
    assert cleared == [1, 1, 0, 0]
    assert lead["cost_cents"] == Decimal("12.5")
    assert lead["reasons"] == "Taxes are late; Owner lives elsewhere"
    assert lead["is_vacant"] is None, "an unknown signal stays unknown"


def test_mart_leads_tells_the_value_with_its_interval_the_chance_and_the_deal(built):
    lead, other = exported(built, "mart_leads").filter(pl.col("property_id").is_in(["a", "b"])).rows(named=True)
    value = [lead[f"{name}_cents"] for name in ("estimated_value", "value_low", "value_high")]
    assert (value, lead["value_method"]) == ([210_000_00, 180_000_00, 240_000_00], "comps+model")
    assert (lead["probability"], lead["deal_score"], lead["comps"]) == (0.08, 71.5, 2)
    assert (lead["is_probate"], lead["loan_age_years"]) == (True, 16.5)
    unknown = ("estimated_value_cents", "value_method", "probability", "deal_score", "is_probate", "loan_age_years")
    assert [other[name] for name in (*unknown, "comps")] == [*[None] * len(unknown), 0]


def test_comparable_sales_are_rows_that_name_what_was_sold(built):
    first, second = exported(built, "mart_value_comps").rows(named=True)
    assert (first["zip"], first["day"], first["property_id"], first["comp_number"]) == (HOME_ZIP, D2, "a", 1)
    assert (first["comp_property_id"], first["comp_address"]) == ("b", "12 OAK ST NASHVILLE TN 37203")
    told = {name: value for name, value in COMPS[0].items() if name != "parcel_id"}
    assert {name: first[name] for name in told} == told
    assert (second["comp_number"], second["comp_property_id"], second["comp_address"]) == (2, "gone", None)
    assert (second["distance_m"], second["adjusted_price_cents"]) == (None, 200_000_00)


def test_zip_summary(built):
    row = exported(built, "mart_zip_summary", zip=HOME_ZIP, day=D2).row(0, named=True)
    assert (row["leads"], row["leads_scored"], row["median_points"]) == (3, 2, 30.0)
    assert (row["absentee_leads"], row["tax_delinquent_leads"], row["stacked_leads"]) == (1, 1, 1)
    assert row["median_market_value_cents"] == 201  # of 100 and 301, rounded half away from zero
    assert row["cost_cents"] == Decimal("22.5")


@pytest.mark.parametrize(
    ("zip_code", "day", "items"),
    [
        (HOME_ZIP, D1, [6, 3, 3, 3, 0]),
        (HOME_ZIP, D2, [7, 3, 3, 2, 2]),  # c ended, e came from `unlocated` with one more record and no contact
        (OTHER_ZIP, D1, [2, 1, 1, 1, 0]),
        ("unlocated", D1, [2, 1, 1, 0, 0]),
    ],
)
def test_funnel(built, zip_code, day, items):
    stages = exported(built, "mart_lead_funnel", zip=zip_code, day=day).sort("stage_number")
    assert stages["stage"].to_list() == ["records", "properties", "leads", "contactable", "cleared"]
    assert stages["items"].to_list() == items


def test_provider_spend_counts_settled_and_lost_answers(built):
    made = exported(built, "mart_provider_spend").filter(pl.col("calls") > 0)
    spend = {row["provider"]: row for row in made.iter_rows(named=True)}
    attom, batchdata = spend["attom"], spend["batchdata"]
    assert (attom["zip"], attom["calls"], attom["cache_hits"], attom["failed_calls"]) == (HOME_ZIP, 2, 1, 1)
    assert (attom["records"], attom["cost_cents"], attom["median_latency_ms"]) == (250, Decimal("625.25"), 100.0)
    assert (batchdata["zip"], batchdata["calls"], batchdata["cost_cents"]) == ("many", 1, Decimal(50))


def test_cost_per_lead_and_per_field_is_one_query(built):
    path = built.parquet["mart_provider_spend"]
    query = f"""select sum(cost_cents), sum(leads), sum(field_values), sum(cost_cents) / sum(leads)
        from '{path}' where provider = 'attom'"""
    assert duckdb.sql(query).fetchall() == [(Decimal("625.25"), 4, 8, 156.3125)]
    assert "old_county" not in set(exported(built, "mart_provider_spend")["provider"]), "nobody is paid for a file"


def test_a_value_is_stale_by_its_sources_own_rule_unless_a_later_pull_confirmed_it(built):
    fields = {
        (row["source"], row["field"]): row
        for row in exported(built, "mart_fields", zip=OTHER_ZIP).iter_rows(named=True)
    }
    stale = {key: (row["field_values"], row["stale_values"], row["max_age_days"]) for key, row in fields.items()}
    assert stale["attom", "owner_name"] == (1, 1, 30)
    assert stale["attom", "address"] == (1, 0, 1825)
    assert stale["old_county", "owner_name"] == (1, 1, 90)
    assert stale["old_county", "year_built"] == (1, 0, 730)
    (home,) = exported(built, "mart_fields", zip=HOME_ZIP, source="attom", field="owner_name").iter_rows(named=True)
    assert (home["field_values"], home["stale_values"]) == (3, 0), "ATTOM answered for the ZIP lately"
    assert home["newest_on"] == D1


def test_compliance_audit_counts_each_reason_once(built):
    audit = exported(built, "mart_compliance_audit", zip=HOME_ZIP, day=D2)
    counts = {(row["channel"], row["verdict"], row["reason_code"]): row["contact_points"]
              for row in audit.iter_rows(named=True)}  # fmt: skip
    assert counts == {
        ("mail", "cleared", "cleared"): 2,
        ("voice", "cleared", "cleared"): 1,
        ("voice", "blocked", "dnc"): 1,
        ("voice", "blocked", "no_consent"): 1,
        ("sms", "blocked", "dnc"): 2,
        ("sms", "blocked", "no_consent"): 2,
    }


def test_a_conflict_names_both_sources_their_words_and_why_one_stands(built):
    agreeing, told = exported(built, "mart_conflicts").sort("why").rows(named=True)
    assert (agreeing["other_source"], agreeing["other_value"], agreeing["why"]) == ("county", "1986", "agrees")
    assert (told["property_id"], told["zip"], told["field"], told["why"]) == (
        "a",
        HOME_ZIP,
        "year_built",
        "source_rank",
    )
    assert (told["chosen_source"], told["chosen_value"], told["chosen_at"]) == (
        "old_county", "1986", NOW - dt.timedelta(days=100),
    )  # fmt: skip
    others = {"attom": ("1990", NOW)}
    assert {told["other_source"]: (told["other_value"], told["other_at"])} == others
    fields = dict(exported(built, "mart_leads").select("property_id", "conflicting_fields").iter_rows())
    assert fields == {"a": "year_built", "b": None, "d": None, "e": None}


def test_an_owner_is_one_row_over_all_zips_as_of_each_leads_latest_day(built):
    (owner,) = exported(built, "mart_owners").rows(named=True)
    assert (owner["owner_id"], owner["owner_type"], owner["owner_name"]) == ("doe", "person", "DOE, JANE")
    assert (owner["properties"], owner["zips"], owner["zip_count"]) == (3, f"{HOME_ZIP}, {OTHER_ZIP}", 2)
    assert (owner["absentee_properties"], owner["out_of_state_properties"], owner["stacked_properties"]) == (1, 0, 1)
    assert (owner["market_value_cents"], owner["best_points"]) == (401, 50)


def test_the_months_of_the_models_stand_with_what_no_longer_holds(built):
    months = exported(built, "mart_model_months").sort("kind")
    assert months.select("month", "kind", "version", "homes", "alert_codes", "alerts").rows() == [
        (MONTH, "motivation", "motivation-1", 40, ["drift"], ["land_use has moved."]),
        (MONTH, "value", "value-1", 40, [], []),
    ]


def test_a_backtest_stands_with_scores_and_values_in_one_row_and_the_newest_of_each_question_is_marked(built):
    figures = exported(built, "mart_backtest", model="leadflow").sort("day", "market", "segment", "period")
    told = figures.select("day", "market", "is_newest", "segment", "period", "as_of", "auc", "median_error").rows()
    assert told == [
        (D1, "37203", True, "all", f"{AS_OF}", AS_OF, 0.61, None),
        (D1, "37203", True, "all", "all dates", None, 0.61, None),
        (D1, "all", False, "all", f"{AS_OF}", AS_OF, 0.58, 0.125),
        (D1, "all", False, "all", "all dates", None, 0.58, 0.125),
        (D1, "all", False, "cheapest third", "all dates", None, None, 0.125),
        (D2, "all", True, "all", f"{AS_OF}", AS_OF, 0.6, 0.125),
        (D2, "all", True, "all", "all dates", None, 0.6, 0.125),
        (D2, "all", True, "cheapest third", "all dates", None, None, 0.125),
    ]
    baselines = exported(built, "mart_backtest", model="tenure")
    assert (baselines.height, set(baselines["auc"])) == (6, {0.5})
    curves = exported(built, "mart_backtest_curves").sort("day", "market", "point")
    assert curves.select("market", "is_newest", "point", "x").rows() == [
        (market, is_newest, point, x)
        for market, is_newest in (("37203", True), ("all", False), ("all", True))
        for point, x in ((1, 0.05), (2, 0.1))
    ]


def as_text(row):
    """A row as text, instants in one zone: each driver has its own name for UTC."""
    return str([cell.astimezone(dt.UTC) if isinstance(cell, dt.datetime) else cell for cell in row])


@pytest.mark.parametrize("mart", FROM_THE_LAKE, ids=lambda mart: mart.name)
def test_duckdb_and_postgres_read_the_same_rows(built, small_org, database, mart):
    columns = ", ".join(f'"{name}"' for name in mart.schema)
    with duckdb.connect() as duck:
        in_parquet = duck.sql(f"select {columns} from '{built.parquet[mart.name]}'").fetchall()
    in_postgres = bi_rows(database, small_org.slug, f"select {columns} from marts.{mart.name}")
    assert len(in_parquet) == built.rows[mart.name] > 0
    assert sorted(map(as_text, in_postgres)) == sorted(map(as_text, in_parquet))


@pytest.mark.parametrize("mart", FROM_THE_LAKE, ids=lambda mart: mart.name)
def test_each_login_sees_its_own_org_only(*, built, org, small_org, database, mart):
    query = f"select count(*) from marts.{mart.name}"
    assert bi_rows(database, org.slug, query) == [(0,)]
    assert bi_rows(database, small_org.slug, query) == [(built.rows[mart.name],)]
    assert built.rows[mart.name] > 0
    with database.anonymous() as connection:
        assert connection.execute(text(query)).scalar() == 0
    with database.as_org(org.org_id) as connection:
        assert connection.execute(text(query)).scalar() == 0
    with database.as_org(small_org.org_id) as connection:
        assert connection.execute(text(query)).scalar() == built.rows[mart.name]


def test_no_login_reads_a_partition_past_its_mart(built, org, small_org, database):
    query = f"select * from marts.mart_leads__{small_org.slug}"
    for slug in (org.slug, small_org.slug):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bi_rows(database, slug, query)


@pytest.mark.parametrize("mart", MARTS, ids=lambda mart: mart.name)
def test_postgres_carries_the_contracts_texts(built, small_org, database, mart):
    described = dict(
        bi_rows(
            database,
            small_org.slug,
            "select attname, col_description(attrelid, attnum) from pg_attribute"
            f" where attrelid = 'marts.{mart.name}'::regclass and attnum > 0",
        )
    )
    for name, column in mart.columns.items():
        assert described[name].startswith(column.description)


def test_building_again_changes_no_row_and_says_nothing_on_stdout(built, small_lake, small_org, database, capfd):
    warm_up_marts(database.settings.home, small_org.slug)
    before = {name: pl.read_parquet(path) for name, path in built.parquet.items()}
    again = build_marts(small_lake, database, small_org, now=NOW, run_id="run-2")
    assert capfd.readouterr().out == ""
    assert (again.rows, again.warnings) == (built.rows, ())
    for name, path in again.parquet.items():
        assert pl.read_parquet(path).equals(before[name])


def test_marts_stand_while_a_build_would_make_the_same(small_lake, database, tmp_path):
    org, lake = create_org(database, f"t{uuid4().hex[:12]}"), Lake(str(tmp_path / "copy"))
    shutil.copytree(small_lake.root, lake.root)

    def is_new(run_id):
        return build_marts(lake, database, org, now=NOW, run_id=run_id, may_stand=True).is_new

    assert is_new("first")
    cleared_later = decisions(day_two(), D2).with_columns(
        pl.col("valid_until").dt.offset_by("1h"), evidence_hash=pl.lit("i")
    )
    lake.replace(OUTREACH_LISTS, cleared_later, day=D2)
    assert not is_new("lists were only cleared anew")
    lake.replace(OUTREACH_LISTS, cleared_later.with_columns(rule_version=pl.lit("2026-12")), day=D2)
    assert is_new("other rules")
    write_ledger(database, org)
    assert is_new("money was spent")
    lake.replace(LEAD_SCORES, scores(day_two(), D2), day=D2)
    assert is_new("a table was written")
    (tmp_path / "copy" / "marts" / "mart_leads.parquet").unlink()
    assert is_new("a file is gone")
    with database.as_org(org.org_id) as connection:
        connection.execute(text("set local role leadflow_marts"))
        connection.execute(text(f"comment on table marts.\"mart_leads__{org.slug}\" is 'restored'"))
    assert is_new("Postgres holds something else")
    assert not is_new("nothing has changed")
    build_marts(lake, database, org, now=NOW, run_id="asked for")
    assert bi_rows(database, org.slug, "select count(*) from marts.mart_leads")[0][0] > 0


def test_no_model_reads_what_only_says_when_a_list_was_cleared():
    models = "\n".join(path.read_text() for path in PROJECT.rglob("*.sql"))
    assert "reason_codes" in models
    assert [name for name in OUTREACH_LISTS.volatile if name in models] == []


def test_an_empty_lake_makes_empty_marts_with_the_right_columns(org, database, tmp_path):
    result = build_marts(Lake(str(tmp_path / "empty")), database, org, now=NOW, run_id="run-1")
    assert set(result.rows.values()) == {0}
    for mart in MARTS:
        frame = pl.read_parquet(result.parquet[mart.name])
        assert frame.schema == pl.Schema(mart.schema)
        assert bi_rows(database, org.slug, f"select * from marts.{mart.name}") == []


def broken_copy(lake, tmp_path, contract, frame):
    copy = Lake(str(tmp_path / "broken"))
    shutil.copytree(lake.root, copy.root)
    copy.replace(contract, frame, day=D2)
    return copy


def day_two():
    return [lead for lead in LEADS if D2 in lead[2]]


@pytest.mark.parametrize(
    ("contract", "frame", "error", "named"),
    [
        (LEAD_SCORES, scores(day_two(), D2).with_columns(points=pl.lit(101, pl.Int32)), ContractBroken,
         r"mart_leads\.points: in_range\(0, 100\) fails in 3 rows of ZIP 37203"),
        (OUTREACH_LISTS, decisions(day_two(), D2).with_columns(reason_codes=pl.lit([], pl.List(pl.String))),
         ContractBroken, "audit_counts_every_decision"),
        (ENRICHED_LEADS, enriched(day_two(), D2).with_columns(owner_type=pl.lit(None, pl.String)), LeadflowError,
         r"mart_leads: .*owner_type"),
        (ENRICHED_LEADS, enriched(day_two()[:1], D2), ContractBroken, "every_latest_lead_stands_once"),
    ],
    ids=["a value out of range", "a decision without a reason", "a missing value", "a score without its lead"],
)  # fmt: skip
def test_what_breaks_the_rules_is_named_and_not_published(
    *, built, small_lake, small_org, database, tmp_path, contract, frame, error, named
):
    lake = broken_copy(small_lake, tmp_path, contract, frame)
    before = pl.read_parquet(f"{lake.path('marts')}/mart_leads.parquet")
    with pytest.raises(error, match=named):
        build_marts(lake, database, small_org, now=NOW, run_id="run-x")
    assert pl.read_parquet(f"{lake.path('marts')}/mart_leads.parquet").equals(before)
    served = bi_rows(database, small_org.slug, "select max(points), count(*) from marts.mart_leads")
    assert served == [(50, built.rows["mart_leads"])]


def test_files_written_before_a_column_was_added_read_as_null(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    old = scores(day_two(), D2).drop("probability", "deal_score")
    write_deltalake(lake.path("lead_scores"), old, partition_by=["day"])
    with new_duckdb_file(tmp_path / "work" / "x.duckdb") as duck:
        add_lake(duck, lake)
        found = duck.sql("select day, probability, deal_score from lake.lead_scores limit 1")
        assert [str(kind) for kind in found.types] == ["DATE", "DOUBLE", "DOUBLE"]
        assert found.fetchall() == [(D2, None, None)]


class LakeElsewhere(Lake):
    """A lake whose files DuckDB cannot open by path."""

    is_local = False


def test_a_lake_that_duckdb_cannot_open_gives_the_same_sources(small_lake, tmp_path):
    contents = []
    for number, lake in enumerate((small_lake, LakeElsewhere(small_lake.root))):
        with new_duckdb_file(tmp_path / str(number) / "x.duckdb") as duck:
            add_lake(duck, lake)
            contents.append(
                [
                    (found.columns, [str(kind) for kind in found.types], sorted(map(str, found.fetchall())))
                    for found in (duck.sql(f"from lake.{contract.name}") for contract in LAKE_TABLES)
                ]
            )
    assert contents[0] == contents[1]
