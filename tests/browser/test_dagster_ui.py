"""`leadflow up` in a real browser: the graph from raw to marts, a partition materialised by hand, its metadata."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from tests.commands import leadflow_here, midday_zone, start_leadflow

ZIP = "78704"
READY_SECONDS = 150
RUN_SECONDS = 150
TABLES = ("property_records", "properties", "enriched_leads", "lead_scores", "lead_contacts", "outreach_lists")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def served(database: Database) -> Iterator[tuple[str, str]]:
    """`leadflow up` for a simulated org with one ZIP: (its URL, the org)."""
    org = f"t{uuid4().hex[:12]}"
    create_org(database, org, is_simulated=True)
    for provider in ([], ["--provider", "attom"], ["--provider", "batchdata"]):
        assert leadflow_here("spend", "limit", "--per-day", "1000", "--org", org, *provider).exit_code == 0
    with SandboxProcess(records_per_zip=20) as vendors, socket.socket() as probe, socket.socket() as other:
        environment = {**vendors.environment(), "LEADFLOW_TIMEZONE": midday_zone()}
        assert leadflow_here("run", "--zip", ZIP, "--org", org, environment=environment).exit_code == 0
        probe.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, gateway_port = probe.getsockname()[1], other.getsockname()[1]
        probe.close()
        other.close()
        ports = {"LEADFLOW_DAGSTER_PORT": str(port), "LEADFLOW_GATEWAY_PORT": str(gateway_port)}
        up = start_leadflow("up", "--org", org, environment={**environment, **ports})
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_served(url, up)
            yield url, org
        finally:
            os.killpg(up.pid, signal.SIGTERM)
            up.communicate(timeout=60)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 2600, "height": 1600})
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def test_the_graph_shows_every_table_from_raw_to_marts(served: tuple[str, str], page: Page) -> None:
    url, org = served
    page.goto(f"{url}/assets/{org}/mart_leads?view=lineage&lineageScope=upstream&lineageDepth=12")
    for name in ("attom", "batchdata", "county_files", *TABLES, "mart_leads"):
        expect(page.locator("body")).to_contain_text(name, timeout=60_000)


def test_a_partition_is_materialised_by_hand_and_its_metadata_is_readable(served: tuple[str, str], page: Page) -> None:
    url, org = served
    page.goto(f"{url}/assets/{org}/lead_scores")
    page.get_by_role("button", name=re.compile("Materialize")).first.click()
    page.get_by_role("button", name="Latest").click()
    page.get_by_text("Select a partition or create one").click()
    page.get_by_role("menuitem", name=ZIP).click()
    page.keyboard.press("Escape")
    launch = page.get_by_role("button", name="Launch 1 run")
    before = _newest_run(url)
    launch.click()
    assert _wait_for_run(url, after=before) == "SUCCESS"
    page.goto(f"{url}/assets/{org}/lead_scores?view=events")
    for label in ("run_rows_in", "run_rejected", "run_cost_cents", "run_seconds"):
        expect(page.get_by_text(label).first).to_be_visible()


def _wait_until_served(url: str, up: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert up.poll() is None, up.communicate()
        try:
            if httpx.post(f"{url}/graphql", json={"query": "{version}"}).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    pytest.fail(f"{url} was not served within {READY_SECONDS} s")


def _newest_run(url: str) -> tuple[str, str] | None:
    query = "{runsOrError(limit: 1) {... on Runs {results {runId status}}}}"
    results = httpx.post(f"{url}/graphql", json={"query": query}).json()["data"]["runsOrError"]["results"]
    return (results[0]["runId"], results[0]["status"]) if results else None


def _wait_for_run(url: str, *, after: tuple[str, str] | None) -> str:
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        newest = _newest_run(url)
        if newest and newest[:1] != (after or ("",))[:1] and newest[1] in ("SUCCESS", "FAILURE", "CANCELED"):
            return newest[1]
        time.sleep(0.5)
    pytest.fail("the run did not end")
