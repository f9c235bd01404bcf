"""`leadflow replies` and the sensor that polls: pages, ticking off, what is said where there is nothing."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from leadflow_pipelines.automation.replies_sensor import build_replies_sensor, why_not
from leadflow_pipelines.clearance.members import add_member
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.cli.app import app
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput, LeadflowError
from leadflow_pipelines.settings import Settings, get_settings, use_settings
from resources.workspace_resource import WorkspaceResource

NOW = dt.datetime(2026, 11, 22, 15, tzinfo=dt.UTC)
LETTERS = "abcdef"


@pytest.fixture
def slug(org: Org) -> Iterator[str]:
    before = get_settings()
    yield org.slug
    use_settings(before)


@pytest.fixture
def replies(database: Database, org: Org) -> list[str]:
    """Six replies, the newest first: four wait for a person, of these two came at the same instant."""
    classes = ("interested", "revocation", "other", "interested", "interested", "help")
    rows = [
        {
            "inbound_id": uuid4(), "org_id": org.org_id, "provider_id": f"SM{number}", "channel": "sms",
            "contact_hash": "v1:00", "contact_value": f"+1512555010{number}", "body": f"reply [bold]{number}\x1b[31m",
            "received_by": "+15125550199", "received_at": NOW - dt.timedelta(hours=number - (number == 4)),
            "reply_class": reply_class, "needs_person": reply_class in ("interested", "other"),
        }
        for number, reply_class in enumerate(classes)
    ]  # fmt: skip
    with database.as_org(org.org_id) as connection:
        connection.execute(insert(tables.inbound_messages), rows)
    return [str(row["inbound_id"]) for row in rows]


def run(slug: str, *arguments: str) -> Any:
    done = CliRunner().invoke(app, ["replies", *arguments, "--org", slug, "--json"])
    if isinstance(done.exception, LeadflowError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.strip().splitlines()[-1])


def said(slug: str, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["replies", *arguments, "--org", slug])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_waits_is_listed_page_by_page(slug: str, replies: list[str]) -> None:
    seen, after = [], []
    for _ in range(3):
        page = run(slug, "list", "--top", "2", *after)
        assert page["matching"] == 4
        seen += [one["inbound_id"] for one in page["replies"]]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert len(seen) == 4
    assert set(seen) == {replies[number] for number in (0, 2, 3, 4)}
    assert seen[0] == replies[0]
    assert run(slug, "list", "--all")["matching"] == 6
    assert [one["inbound_id"] for one in run(slug, "list", "--class", "help")["replies"]] == [replies[5]]
    assert run(slug, "list", "--campaign", "none")["replies"] == []
    with pytest.raises(InvalidInput, match="No reply is angry"):
        run(slug, "list", "--class", "angry")
    with pytest.raises(InvalidInput, match="is no reply's id"):
        run(slug, "list", "--after", "%")


def test_a_reply_is_printed_as_it_was_written_and_commands_nothing(slug: str, replies: list[str]) -> None:
    text = said(slug, "list", "--top", "1")
    assert "“reply [bold]0 [31m”" in text
    assert "\x1b" not in text
    assert f"leadflow replies list --org {slug} --after {replies[0][:8]}" in text


def test_a_reply_is_ticked_off_once_by_a_member(slug: str, replies: list[str], database: Database, org: Org) -> None:
    with database.as_org(org.org_id) as connection:
        add_member(connection, org.org_id, "ada", actor="ada", now=NOW)
    with pytest.raises(InvalidInput, match="mallory is no member"):
        run(slug, "handle", replies[0], "--as", "mallory")
    assert run(slug, "handle", replies[0][:8], "--as", "ada")["handled_by"] == "ada"
    assert run(slug, "list")["matching"] == 3
    with pytest.raises(InvalidInput, match="ada has handled this reply already"):
        run(slug, "handle", replies[0], "--as", "ada")
    with pytest.raises(InvalidInput, match="No reply begins with"):
        run(slug, "handle", str(uuid4()), "--as", "ada")
    with database.as_org(org.org_id) as connection:
        assert verify_chain(connection, org.org_id).entries == 2


def test_where_there_is_nothing_it_is_said(slug: str) -> None:
    assert "No reply waits for a person" in said(slug, "list")
    assert "leadflow replies poll" in said(slug, "list", "--all")
    assert run(slug, "list")["replies"] == []
    with pytest.raises(InvalidInput, match="Twilio is not configured"):
        run(slug, "poll")


@pytest.mark.parametrize(
    ("given", "minutes", "reason"),
    [
        ({}, None, "not configured"),
        ({"twilio_account_sid": "AC1"}, None, None),
        ({"twilio_account_sid": "AC1"}, 0, None),
        ({"twilio_account_sid": "AC1", "public_url": "https://a.example"}, None, None),
        ({"twilio_account_sid": "AC1", "public_url": "https://a.example"}, 14, "Webhooks reach"),
        ({"twilio_account_sid": "AC1", "public_url": "https://a.example"}, 15, None),
    ],
)
def test_when_replies_are_asked_for(
    settings: Settings, given: dict[str, str], minutes: int | None, reason: str | None
) -> None:
    last = None if minutes is None else NOW - dt.timedelta(minutes=minutes)
    told = why_not(settings.model_copy(update=given), last, NOW)
    assert told is None if reason is None else reason in (told or "")


def test_the_sensor_says_why_it_skips(slug: str, settings: Settings) -> None:
    use_settings(settings)
    context = dg.build_sensor_context(resources={"workspace": WorkspaceResource(org=slug)})
    skipped = build_replies_sensor()(context)
    assert isinstance(skipped, dg.SkipReason)
    assert "Twilio is not configured" in (skipped.skip_message or "")
    assert context.cursor is None
