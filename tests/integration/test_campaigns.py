"""Campaigns from draft to end: who may do what, whom they are for, and what they queue."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.compliance.evidence import EVIDENCE_REQUIRED
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns import campaigns
from leadflow_pipelines.outreach.campaigns.audience import FIELD_COLUMNS, is_held_out, take_own_people
from leadflow_pipelines.outreach.campaigns.outbox import queue_due_steps
from leadflow_pipelines.outreach.campaigns.templates import load_template, save_template

NOW = dt.datetime(2026, 11, 23, 16, tzinfo=dt.UTC)
KEYS = HashKeys(1, {1: b"0" * 32})
SMS = "{sender_name} here about {street}. {opt_out}"
LETTER = "Dear {full_name|neighbour}, … {sender_name}, {postal_address}"


@pytest.fixture
def connection(database: Database, org: Org) -> Any:
    with database.as_org(org.org_id) as opened:
        yield opened
        opened.rollback()


def people(phones: Sequence[str], *, letters: Sequence[str] = ()) -> pl.DataFrame:
    """One lead a phone, `letters` naming the leads that have a mailing address as well."""
    rows: list[dict[str, str | None]] = [
        {"contact_point_id": f"c{n}", "property_id": f"p{n}", "kind": "phone", "phone_e164": phone,
         "contact_value": phone, "street": f"{n} Example St"}
        for n, phone in enumerate(phones)
    ]  # fmt: skip
    rows += [
        {"contact_point_id": f"m{lead}", "property_id": lead, "kind": "mailing", "phone_e164": None,
         "contact_value": f"{lead} Example Ave, Austin, TX 78704", "street": "1 Example St"}
        for lead in letters
    ]  # fmt: skip
    frame = pl.DataFrame(rows, infer_schema_length=None)
    absent = [name for name in (*EVIDENCE_REQUIRED, *FIELD_COLUMNS) if name not in frame.columns]
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in dict.fromkeys(absent))


def phones(count: int) -> list[str]:
    return [f"+1512555{n:04d}" for n in range(100, 100 + count)]


def draft(
    connection: Connection, org: Org, *, share: str = "0", steps: Sequence[tuple[str, int]] = (("hello", 0),)
) -> str:
    """A campaign with the templates `hello` (sms) and `letter` (mail) and these steps."""
    for name, channel, body in (("hello", "sms", SMS), ("letter", "mail", LETTER)):
        save_template(connection, org.org_id, name=name, channel=channel, subject=None, body=body, actor="ada", now=NOW)
    name = f"spring {uuid4().hex[:6]}"
    campaigns.create_campaign(
        connection, org.org_id, name=name, actor="ada", now=NOW, holdout_share=Decimal(share)
    )  # fmt: skip
    for template, delay in steps:
        campaigns.add_step(connection, org.org_id, name, template_name=template, delay_hours=delay, actor="ada")
    return name


def reviewed(connection: Connection, org: Org, frame: pl.DataFrame, **options: Any) -> str:
    name = draft(connection, org, **options)
    campaign = campaigns.load_campaign(connection, org.org_id, name)
    taken = take_own_people(connection, org.org_id, campaign, frame, KEYS, source="file")
    campaigns.review(connection, org.org_id, name, audience=taken, actor="ada", now=NOW)
    return name


def running(connection: Connection, org: Org, frame: pl.DataFrame, **options: Any) -> str:
    name = reviewed(connection, org, frame, **options)
    introduce(connection, org)
    campaigns.approve(connection, org.org_id, name, actor="ada", now=NOW)
    campaigns.start(connection, org.org_id, name, actor="ada", now=NOW)
    return name


def introduce(connection: Connection, org: Org) -> None:
    connection.execute(
        insert(tables.outreach_profiles).values(
            org_id=org.org_id, sender_name="Example Homes", postal_address="1 Example Sq, Austin, TX 78704",
            changed_by="ada", changed_at=NOW,
        )
    )  # fmt: skip


def outbox(connection: Connection, org: Org) -> list[tuple[int, str, str]]:
    table = tables.messages.c
    rows = connection.execute(
        select(table.step, table.contact_point_id, table.state)
        .where(table.org_id == org.org_id)
        .order_by(table.step, table.contact_point_id)
    )
    return [(row.step, row.contact_point_id, row.state) for row in rows]


def settle(connection: Connection, org: Org, state: str, at: dt.datetime, *points: str) -> None:
    chosen = update(tables.messages).where(tables.messages.c.org_id == org.org_id)
    chosen = chosen.where(tables.messages.c.contact_point_id.in_(points)) if points else chosen
    connection.execute(chosen.values(state=state, attempted_at=at, accepted_at=at, settled_at=at))


def test_a_campaign_goes_its_way_and_each_step_is_proven(connection: Connection, org: Org) -> None:
    name = running(connection, org, people(phones(3)))
    org_id = org.org_id
    campaigns.pause(connection, org_id, name, actor="ada", now=NOW, reason="a typo")
    assert campaigns.load_campaign(connection, org_id, name).paused_because == "a typo"
    campaigns.resume(connection, org_id, name, actor="ada", now=NOW)
    campaigns.complete(connection, org_id, name, actor="ada", now=NOW)
    table = tables.campaign_changes.c
    states = connection.execute(select(table.to_state).where(table.org_id == org_id).order_by(table.change_id))
    way = ["draft", "reviewed", "approved", "running", "paused", "running", "completed"]
    assert list(states.scalars()) == way
    report = verify_chain(connection, org_id)
    assert (report.entries, report.fault) == (len(way), None)


def test_what_is_not_a_way_is_refused_in_code_and_in_the_database(connection: Connection, org: Org) -> None:
    name = draft(connection, org)
    with pytest.raises(InvalidInput, match="is draft; it can become reviewed, cancelled"):
        campaigns.approve(connection, org.org_id, name, actor="ada", now=NOW)
    with pytest.raises(DBAPIError, match="draft cannot become running"):
        connection.execute(update(tables.campaigns).values(state="running", approved_by="mallory"))


def test_a_second_person_approves_where_there_is_one(connection: Connection, org: Org) -> None:
    name = reviewed(connection, org, people(phones(1)))
    introduce(connection, org)
    connection.execute(insert(tables.members), [{"org_id": org.org_id, "member": one} for one in ("ada", "bob")])
    with pytest.raises(InvalidInput, match="another member"):
        campaigns.approve(connection, org.org_id, name, actor="ada", now=NOW)
    with pytest.raises(InvalidInput, match="mallory is no member"):
        campaigns.approve(connection, org.org_id, name, actor="mallory", now=NOW)
    assert campaigns.approve(connection, org.org_id, name, actor="bob", now=NOW).approved_by == "bob"


def test_nothing_starts_before_the_org_says_who_it_is(connection: Connection, org: Org) -> None:
    name = reviewed(connection, org, people(phones(1)))
    campaigns.approve(connection, org.org_id, name, actor="ada", now=NOW)
    with pytest.raises(InvalidInput, match="no profile"):
        campaigns.start(connection, org.org_id, name, actor="ada", now=NOW)


@pytest.mark.parametrize("purpose", ["credit", "tenant_screening", "loan underwriting", "background check"])
def test_eligibility_is_no_purpose(connection: Connection, org: Org, purpose: str) -> None:
    with pytest.raises(InvalidInput, match="eligibility"):
        campaigns.create_campaign(connection, org.org_id, name="x", actor="ada", now=NOW, purpose=purpose)


def test_an_empty_audience_is_not_reviewed(connection: Connection, org: Org) -> None:
    name = draft(connection, org)
    with pytest.raises(InvalidInput, match="Nobody is in the audience"):
        campaigns.review(connection, org.org_id, name, audience={"people": 0}, actor="ada", now=NOW)


def test_a_person_listed_twice_gets_one_message_a_step(connection: Connection, org: Org) -> None:
    running(connection, org, people([*phones(2), phones(1)[0]]))
    assert queue_due_steps(connection, org.org_id, now=NOW) == 2
    assert queue_due_steps(connection, org.org_id, now=NOW) == 0
    assert outbox(connection, org) == [(1, "c0", "queued"), (1, "c1", "queued")]


def test_those_held_out_get_nothing(connection: Connection, org: Org) -> None:
    name = running(connection, org, people(phones(400)), share="0.25")
    held_out = campaigns.load_campaign(connection, org.org_id, name).audience["held_out"]
    assert 60 < held_out < 140
    assert queue_due_steps(connection, org.org_id, now=NOW) == 400 - held_out
    campaign_id = uuid4()
    assert is_held_out(campaign_id, "p1", Decimal("0.5")) == is_held_out(campaign_id, "p1", Decimal("0.5"))
    assert not is_held_out(campaign_id, "p1", Decimal(0))


def test_the_next_step_follows_the_one_before_it(connection: Connection, org: Org) -> None:
    running(connection, org, people(phones(2), letters=["p0"]), steps=(("hello", 0), ("letter", 48)))
    queue_due_steps(connection, org.org_id, now=NOW)
    later = NOW + dt.timedelta(hours=60)
    assert queue_due_steps(connection, org.org_id, now=later) == 0, "step 1 is under way"
    settle(connection, org, "delivered", NOW + dt.timedelta(hours=20))
    assert queue_due_steps(connection, org.org_id, now=later) == 0, "40 of 48 hours are over"
    assert queue_due_steps(connection, org.org_id, now=later + dt.timedelta(hours=8)) == 1
    assert outbox(connection, org)[-1] == (2, "mp0", "queued")


def test_whoever_answered_gets_no_further_step(connection: Connection, org: Org) -> None:
    running(connection, org, people(phones(2)), steps=(("hello", 0), ("hello", 1)))
    queue_due_steps(connection, org.org_id, now=NOW)
    settle(connection, org, "delivered", NOW)
    audience = tables.campaign_audience
    connection.execute(update(audience).where(audience.c.contact_point_id == "c0").values(stopped_because="replied"))
    assert queue_due_steps(connection, org.org_id, now=NOW + dt.timedelta(hours=2)) == 1
    assert outbox(connection, org)[-1] == (2, "c1", "queued")


def test_cancelling_cancels_what_waits_and_pausing_queues_nothing(connection: Connection, org: Org) -> None:
    name = running(connection, org, people(phones(3)))
    queue_due_steps(connection, org.org_id, now=NOW)
    settle(connection, org, "accepted", NOW, "c0")
    campaigns.pause(connection, org.org_id, name, actor="ada", now=NOW, reason="wait")
    assert queue_due_steps(connection, org.org_id, now=NOW + dt.timedelta(days=9)) == 0
    campaigns.cancel(connection, org.org_id, name, actor="ada", now=NOW)
    assert [state for _, _, state in outbox(connection, org)] == ["accepted", "cancelled", "cancelled"]


def test_a_reopened_campaign_forgets_its_audience(connection: Connection, org: Org) -> None:
    name = reviewed(connection, org, people(phones(2)))
    again = campaigns.reopen(connection, org.org_id, name, actor="ada", now=NOW)
    assert (again.state, again.reviewed_by, again.audience) == ("draft", None, {})
    count = text("select count(*) from leadflow.campaign_audience")
    assert connection.execute(count).scalar() == 0


def test_a_text_is_kept_by_version(connection: Connection, org: Org) -> None:
    def save(body: str) -> int:
        return save_template(
            connection, org.org_id, name="t", channel="sms", subject=None, body=body, actor="ada", now=NOW
        ).version  # fmt: skip

    assert [save(SMS), save(SMS), save(SMS + "!")] == [1, 1, 2]
    assert load_template(connection, org.org_id, "t", 1).body == SMS
    with pytest.raises(InvalidInput, match=r"must name \{opt_out\}"):
        save("{sender_name} buys houses")


def test_anothers_campaign_is_not_there(database: Database, connection: Connection, org: Org) -> None:
    name = draft(connection, org)
    with pytest.raises(InvalidInput, match="no campaign"):
        campaigns.load_campaign(connection, uuid4(), name)
