"""The command line as a user meets it: results, one JSON line, exit codes, errors that say what to do."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import duckdb
import polars as pl
import psycopg
import pytest

from leadflow_pipelines.contracts import MARTS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from tests.commands import Finished, leadflow, leadflow_here, midday_zone

ZIP = "78704"
EMPTY = {
    "mart_campaign_performance", "mart_lead_outcomes", "mart_conflicts", "mart_value_comps", "mart_model_months",
    "mart_backtest", "mart_backtest_curves",
}  # fmt: skip
"""Marts that are readable and have no row yet: the org has no campaign and no model, one source contradicts nobody."""


@pytest.fixture(scope="module", autouse=True)
def _one_day() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LEADFLOW_TIMEZONE", midday_zone())
        yield


@pytest.fixture(scope="module")
def vendors() -> Iterator[SandboxProcess]:
    with SandboxProcess(records_per_zip=30) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def org(database: Database) -> str:
    """A simulated org with a budget."""
    slug = f"t{uuid4().hex[:12]}"
    create_org(database, slug, is_simulated=True)
    for provider in ([], ["--provider", "attom"], ["--provider", "batchdata"]):
        assert leadflow_here("spend", "limit", "--per-day", "1000", "--org", slug, *provider).exit_code == 0
    return slug


@pytest.fixture(scope="module")
def ran(org: str, vendors: SandboxProcess) -> Finished:
    """`leadflow run` for one ZIP."""
    finished = leadflow("run", "--zip", ZIP, "--org", org, "--json", environment=vendors.environment())
    assert finished.exit_code == 0, finished.err
    return finished


def test_run_reports_what_it_did(ran: Finished) -> None:
    result = ran.json
    assert {name: result[name] for name in ("zips", "records", "properties", "leads")} == {
        "zips": 1,
        "records": 30,
        "properties": 30,
        "leads": 30,
    }
    assert set(result["cleared"]) == {"sms", "voice", "mail", "email"}
    assert result["cleared"]["mail"] > 0
    assert result["blocked"]["no_consent"] > 0
    assert result["provider_calls"] == 2
    assert result["cost_cents"] == 30 * 10 + 7 * (result["cost_cents"] - 300) // 7
    assert result["seconds"] > 0


def test_run_shows_progress_on_stderr_only(ran: Finished) -> None:
    for step in ("raw/attom", "properties", "lead_scores", "outreach_lists", "marts"):
        assert step in ran.err
    assert "DEBUG" not in ran.err


def test_a_day_without_changes_is_not_worked_again(ran: Finished, org: str, vendors: SandboxProcess) -> None:
    arguments = ("run", "--zip", ZIP, "--org", org, "--json")
    again = leadflow_here(*arguments, environment=vendors.environment())
    assert "nothing has changed" in again.err
    assert "lead_scores:" not in again.err
    assert "outreach_lists:" in again.err
    counts = ("records", "properties", "leads", "cleared", "blocked")
    assert {name: again.json[name] for name in counts} == {name: ran.json[name] for name in counts}
    anew = leadflow_here(*arguments, "--again", environment=vendors.environment())
    assert "lead_scores:" in anew.err
    assert (anew.json["provider_calls"], anew.json["cleared"]) == (0, ran.json["cleared"])


def test_plan_knows_what_is_cached(ran: Finished, org: str, vendors: SandboxProcess) -> None:
    plan = leadflow_here(
        "plan", "--zip", ZIP, "--zip", "43206", "--org", org, "--json", environment=vendors.environment()
    )
    attom = next(line for line in plan.json["providers"] if line["provider"] == "attom")
    assert (attom["calls"], attom["cached"], attom["to_call"]) == (2, 1, 1)
    assert attom["worst_cents"] == 2500


def test_leads_as_csv_open_in_a_spreadsheet_as_text(ran: Finished, org: str) -> None:
    rows = list(csv.DictReader(io.StringIO(leadflow_here("leads", "--top", "5", "--format", "csv", "--org", org).out)))
    assert len(rows) == 5
    points = [int(row["points"]) for row in rows]
    assert points == sorted(points, reverse=True)
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]


def test_an_org_without_leads_has_a_csv_with_a_head_and_no_row(database: Database) -> None:
    nobody = create_org(database, f"t{uuid4().hex[:12]}").slug
    listed = leadflow_here("leads", "--format", "csv", "--org", nobody)
    assert (listed.exit_code, len(listed.out.splitlines())) == (0, 1)
    assert {"zip", "property_id", "points", "reasons"} <= set(listed.out.strip().split(","))


def test_explain_lead_names_facts_points_and_records(ran: Finished, org: str) -> None:
    best = leadflow_here("leads", "--top", "1", "--org", org, "--json").json["leads"][0]
    case = leadflow_here("explain", "lead", best["property_id"], "--org", org, "--json").json
    assert sum(reason["points"] for reason in case["score"]["reasons"]) == best["points"]
    assert [link["matched_by"] for link in case["links"]] == ["first"]
    assert {fact["source"] for fact in case["property"]["provenance"]} == {"attom"}


def test_spend_adds_up(ran: Finished, org: str) -> None:
    report = leadflow_here("spend", "--org", org, "--json").json
    assert sum(line["cost_cents"] for line in report["calls"]) == ran.json["cost_cents"]
    assert report["cost_cents"] == ran.json["cost_cents"]
    together = next(state for state in report["budgets"] if (state["provider"], state["period"]) == ("*", "day"))
    assert together["spent_cents"] == ran.json["cost_cents"]
    assert together["reserved_cents"] == 0


def test_a_month_is_limited_beside_the_day_and_what_is_nearly_used_is_marked(ran: Finished, org: str) -> None:
    assert ran.json["cost_cents"] >= 300
    limits = ("spend", "limit", "--provider", "attom", "--org", org)
    assert leadflow_here(*limits, "--per-month", "3.50", "--json").json["limits"] == [
        {"period": "month", "limit_cents": 350}
    ]
    states = {
        (one["provider"], one["period"]): one for one in leadflow_here("spend", "--org", org, "--json").json["budgets"]
    }
    assert states["attom", "month"]["is_nearly_used"]
    assert not states["attom", "day"]["is_nearly_used"]
    assert states["*", "month"]["available_cents"] is None
    assert "nearly used" in leadflow_here("spend", "--org", org).out
    assert leadflow_here(*limits, "--per-month", "10000").exit_code == 0
    refused = leadflow_here(*limits)
    assert (refused.exit_code, "No limit was given" in refused.err) == (1, True)


def test_max_spend_caps_a_run_and_the_next_one_goes_on(database: Database, vendors: SandboxProcess) -> None:
    slug = f"t{uuid4().hex[:12]}"
    create_org(database, slug, is_simulated=True)
    for provider in ([], ["--provider", "attom"], ["--provider", "batchdata"]):
        assert leadflow_here("spend", "limit", "--per-day", "1000", "--org", slug, *provider).exit_code == 0
    environment = {**vendors.environment(), "LEADFLOW_ATTOM_MAX_RECORDS_PER_ZIP": "30"}
    command = ("run", "--zip", "43206", "--zip", ZIP, "--org", slug, "--json", "--max-spend")
    capped = leadflow_here(*command, "4", environment=environment)
    assert capped.exit_code == 0, capped.err
    assert capped.json["is_partial"]
    assert capped.json["cost_cents"] <= 400
    assert capped.json["zips_left_out"][f"{slug}/raw/attom"] == [ZIP]
    assert any("this run may spend" in note and ZIP in note for note in capped.json["notes"])
    more = leadflow_here(*command, "100", environment=environment)
    assert (more.json["is_partial"], more.json["properties"]) == (False, 60)


def test_bi_reads_every_mart_and_nothing_else(ran: Finished, org: str) -> None:
    url = leadflow_here("db", "bi-url", "--org", org, "--json").json["url"]
    with psycopg.connect(url) as connection:
        for mart in MARTS:
            rows = connection.execute(f"select count(*), count(distinct org) from marts.{mart.name}").fetchone()  # type: ignore[arg-type]
            assert rows is not None
            assert rows == ((0, 0) if mart.name in EMPTY else (rows[0], 1)), mart.name
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from leadflow.provider_calls")


def test_duckdb_reads_every_mart(ran: Finished, org: str, home: Path) -> None:
    for mart in MARTS:
        file = home / "lake" / org / "marts" / f"{mart.name}.parquet"
        ((count,),) = duckdb.sql(f"select count(*) from '{file}'").fetchall()
        assert (count == 0) == (mart.name in EMPTY), mart.name


def test_doctor_finds_nothing_at_fault(ran: Finished, org: str, vendors: SandboxProcess) -> None:
    finished = leadflow_here("doctor", "--org", org, "--json", environment=vendors.environment())
    assert finished.exit_code == 0, finished.out
    checked = {finding["check"] for finding in finished.json["findings"]}
    assert checked == {
        "settings",
        "database",
        "clock",
        "lake",
        "providers",
        "breakers",
        "budgets",
        "freshness",
        "dagster",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--zip", "00000"], "00000: no such ZIP"),
        (["run", "--zip", ZIP, "--day", "2099-01-01"], "lies in the future"),
        (["run", "--zip", ZIP, "--day", "tomorrow"], "is not a date"),
        (["import", "/nowhere/county.csv", "--source", "x"], "/nowhere/county.csv"),
        (["explain", "lead", "p_nobody"], "No property has the id"),
        (["leads", "--org", "nobody_here"], "leadflow org create"),
        (["bench", "nothing"], "Choose from"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_remedy(arguments: list[str], message: str) -> None:
    finished = leadflow_here(*arguments)
    assert finished.exit_code == 1
    assert message in " ".join(finished.err.split())
    assert "Traceback" not in finished.err
    assert finished.out == ""


def test_a_bad_environment_exits_before_anything_starts(tmp_path: Path) -> None:
    home = tmp_path / "never"
    bad = {"LEADFLOW_HOME": str(home), "LEADFLOW_TIMEZONE": "Nowhere", "LEADFLOW_HTTP_ATTEMPTS": "0"}
    finished = leadflow("run", "--zip", ZIP, environment=bad)
    assert finished.exit_code == 1
    assert "LEADFLOW_TIMEZONE" in finished.err
    assert "LEADFLOW_HTTP_ATTEMPTS" in finished.err
    assert not home.exists()


def test_an_imported_file_keeps_its_good_rows(org: str, tmp_path: Path) -> None:
    file = tmp_path / "county.csv"
    file.write_text(
        "PARID,SITUS ADDRESS,CITY,STATE,ZIP CODE,OWNER NAME,SALE PRICE,SALE DATE\n"
        '1001,120 OAK ST,AUSTIN,TX,78704,"=HYPERLINK(""x"")","$210,000",04/09/2013\n'
        "1002,122 OAK ST,AUSTIN,TX,78704,EXAMPLE PAT,0,04/10/2013\n"
        ",,AUSTIN,TX,78704,NOBODY,1,04/11/2013\n"
    )
    arguments = ["import", str(file), "--source", "county", "--org", org, "--json"]
    first, second = leadflow_here(*arguments), leadflow_here(*arguments)
    assert first.exit_code == second.exit_code == 0, first.err
    counts = {name: first.json[name] for name in ("rows_in", "records", "rejected", "unlocated", "properties_new")}
    assert counts == {"rows_in": 3, "records": 2, "rejected": 1, "unlocated": 0, "properties_new": 2}
    assert {**first.json, "properties_new": 0}["records"] == second.json["records"]
    assert second.json["properties_new"] == 0
    assert leadflow_here("run", "--zip", ZIP, "--org", org, "--json").exit_code == 0
    output = leadflow_here("leads", "--top", "500", "--format", "csv", "--org", org).out
    owners = pl.read_csv(io.StringIO(output), infer_schema=False)["owner_name"].drop_nulls()
    assert '\'=HYPERLINK("x")' in owners.to_list()
