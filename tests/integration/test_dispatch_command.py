"""`leadflow dispatch` and the scheduled job: what they say, that they end as told, what they do at their own hour."""

import signal
import time
from collections.abc import Iterator
from threading import Event

import dagster as dg
import pytest

from leadflow_pipelines.automation.dispatch_job import DISPATCH_JOB, build_dispatch_job
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.definitions import build_scope
from leadflow_pipelines.outreach.dispatch.dispatch_org import dispatch_org, open_messengers
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings
from resources.clock import ClockResource
from resources.workspace_resource import WorkspaceResource
from tests.commands import leadflow_here, start_leadflow
from tests.outreach_people import FRIDAY_NOON, Texting, people, texting


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    yield from texting(database, settings, twilio)


def test_the_command_sends_what_is_due_and_says_what_it_did(shop: Texting, twilio: SandboxProcess) -> None:
    """At whatever hour the test runs: nobody here agreed, so all is blocked."""
    shop.campaign(people(3, "TX"), agreed=False)
    done = leadflow_here(
        "dispatch", "--once", "--json", "--org", shop.org.slug, environment=twilio.environment("twilio")
    )
    assert done.exit_code == 0, done.err
    assert (done.json["queued"], done.json["claimed"], done.json["blocked"], done.json["sent"]) == (3, 3, 3, 0)
    assert "not legal advice" in done.json["note"]


def test_a_channel_that_is_not_configured_is_told_and_left_alone(shop: Texting) -> None:
    shop.campaign(people(1, "TX"))
    done = leadflow_here("dispatch", "--once", "--org", shop.org.slug)
    assert done.exit_code == 0
    assert "running campaigns use sms, and it is not ready: No texts can be sent" in " ".join(done.err.split())
    assert "0 sent" in done.out
    assert [row["state"] for row in shop.messages()] == ["queued"]


def test_sigterm_ends_it_gracefully(shop: Texting, twilio: SandboxProcess) -> None:
    process = start_leadflow("dispatch", "--json", "--org", shop.org.slug, environment=twilio.environment("twilio"))
    assert process.stderr is not None
    assert "Dispatching" in process.stderr.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert '"sent":0' in out


def test_texts_go_until_the_time_is_over(shop: Texting) -> None:
    shop.campaign(people(30, "TX"))
    messengers = open_messengers(shop.database, shop.org, shop.settings)
    assert messengers.lacking == {}
    done = dispatch_org(
        shop.database, shop.org, messengers.ready, shop.settings, lambda: shop.now, stop=Event(), seconds=4.0
    )
    assert (done.tally.queued, done.tally.answers["Sent"]) == (30, 30)


def test_the_job_sends_what_is_due(shop: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.campaign(people(3, "TX"))
    monkeypatch.setattr("resources.workspace_resource.get_settings", lambda: shop.settings)
    job = build_dispatch_job(build_scope(org=shop.org.slug, today=FRIDAY_NOON.date()))
    ran = job.execute_in_process(
        resources={
            "workspace": WorkspaceResource(org=shop.org.slug),
            "clock": ClockResource(fixed_at=FRIDAY_NOON.isoformat()),
        },
        run_config=dg.RunConfig(ops={"dispatch": {"config": {"only_due": True, "seconds": 60}}}),
    )
    assert ran.success
    assert job.name == DISPATCH_JOB
    assert len(shop.texted()) == 3
