"""`leadflow dnc` as a person uses it: a licence, a list, how it stands; what is refused teaches."""

import datetime as dt
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from leadflow_pipelines.database.orgs import create_org
from tests.commands import leadflow_here

TODAY = dt.datetime.now(ZoneInfo("America/New_York")).date()


@pytest.fixture
def run(database, tmp_path):
    org = create_org(database, f"t{uuid4().hex[:12]}")
    environment = {"LEADFLOW_REGISTRIES_DIR": str(tmp_path / "registries")}
    return lambda *words: leadflow_here("dnc", *words, "--org", org.slug, environment=environment)


def test_from_a_licence_to_a_list_that_answers(run, tmp_path):
    path = tmp_path / "202.txt"
    path.write_text("202,5550110\n202,5550111\n")
    refused = run("import", "ftc", str(path), "--as-of", TODAY.isoformat())
    assert refused.exit_code == 1
    assert "leadflow dnc licence ftc" in " ".join(refused.err.split())
    days = ("--from", TODAY.isoformat(), "--to", (TODAY + dt.timedelta(days=365)).isoformat())
    assert run("licence", "ftc", "--account", "10000001", *days).exit_code == 0
    made = run("import", "ftc", str(path), "--as-of", TODAY.isoformat(), "--json").json
    assert (made["numbers"], made["area_codes"], made["is_new"]) == (2, ["202"], True)
    assert made["reading"] == {"rows": 2, "rejected": 0, "faults": []}
    told = run("status", "--json").json
    assert [(one["version_id"], one["is_stale"]) for one in told["lists"]] == [(made["version_id"], False)]
    assert told["licences"][0]["account"] == "10000001"
    assert "TX" in told["missing_states"]
    shown = run("status").out
    assert "not legal advice" in shown


def test_a_look_up_without_a_vendor_says_what_to_set(run):
    refused = run("lookup", "+12025550110")
    assert refused.exit_code == 1
    assert "LEADFLOW_DNCSCRUB_API_KEY" in refused.err
    assert "LEADFLOW_LOOKUP_CANARIES" in run("canary").err
