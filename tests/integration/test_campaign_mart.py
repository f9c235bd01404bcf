"""What campaigns did, as BI reads it: counts per campaign, step and channel."""

import datetime as dt
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy import insert, select, text, update

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.contracts import MARTS
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.marts.build_marts import build_marts
from leadflow_pipelines.marts.read_campaigns import read_campaigns
from leadflow_pipelines.outreach.campaigns.campaign_status import campaign_status
from leadflow_pipelines.outreach.campaigns.campaigns import load_campaign
from leadflow_pipelines.outreach.messengers.messenger import Outgoing, Sent
from leadflow_pipelines.settings import Settings
from tests.outreach_people import FRIDAY_NOON, Texting, introduce, people

MART = next(mart for mart in MARTS if mart.name == "mart_campaign_performance")


class Obliging:
    """A messenger that takes everything."""

    def send(self, message: Outgoing) -> Sent:
        return Sent(f"SM{message.message_id.hex}", "queued", 1)


@pytest.fixture
def sent(database: Database, settings: Settings) -> tuple[Texting, str]:
    """A campaign of ten texts: two people did not agree, one was delivered and answered, one failed."""
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    made = Texting(database, database.for_dispatch(), org, settings, load_hash_keys(settings), "")
    with database.as_org(org.org_id) as connection:
        introduce(connection, org)
    made.campaign(people(8))
    name = made.campaign(people(2, first=20), agreed=False)
    with made.dispatcher(messengers={"sms": Obliging()}) as dispatcher:
        dispatcher.round()
    made.dispatchers.clear()
    table = tables.messages.c
    with database.as_org(org.org_id) as connection:
        for point, state in (("c0", "delivered"), ("c1", "failed")):
            connection.execute(
                update(tables.messages)
                .where(table.contact_point_id == point)
                .values(state=state, settled_at=FRIDAY_NOON, error_code="30003" if state == "failed" else None)
            )
        answered = connection.execute(select(tables.messages).where(table.contact_point_id == "c0")).mappings().one()
        known = {name: answered[name] for name in ("message_id", "campaign_id", "property_id", "contact_hash")}
        connection.execute(insert(tables.inbound_messages).values(
            org_id=org.org_id, inbound_id=uuid4(), provider_id="SM1", channel="sms", received_by="+16155550106",
            received_at=FRIDAY_NOON, reply_class="interested", needs_person=False, **known,
        ))  # fmt: skip
        click = {"org_id": org.org_id, "message_id": known["message_id"], "link": 1, "clicked_at": FRIDAY_NOON}
        connection.execute(insert(tables.link_clicks), [{**click, "is_counted": one} for one in (True, True, False)])
    return made, name


def test_each_step_is_counted_once(sent: tuple[Texting, str]) -> None:
    made, blocked_name = sent
    ((_, counts),) = read_campaigns(made.database, made.org)
    by_name = {row["campaign"]: row for row in counts.iter_rows(named=True)}
    blocked = by_name.pop(blocked_name)
    (texted,) = by_name.values()
    assert (blocked["queued"], blocked["blocked"], blocked["blocked_by"], blocked["sent"]) == (2, 2, "no_consent 2", 0)
    named = ("queued", "sent", "delivered", "failed", "interested", "clicked", "opt_outs", "segments")
    assert tuple(texted[name] for name in named) == (8, 8, 1, 1, 1, 1, 0, 8)


def test_the_mart_is_built_and_published_from_the_counts(sent: tuple[Texting, str]) -> None:
    made, _ = sent
    lake = open_lake(made.settings, made.org.slug)
    built = build_marts(lake, made.database, made.org, now=FRIDAY_NOON, run_id="run-1")
    assert built.rows[MART.name] == 2
    mart = pl.read_parquet(Path(built.parquet[MART.name]))
    assert mart["queued"].sum() == 10
    assert set(mart["org"]) == {made.org.slug}
    with made.database.as_org(made.org.org_id) as connection:
        rows = connection.execute(text(f"select sum(queued), sum(sent) from marts.{MART.name}")).one()
    assert tuple(rows) == (10, 8)


def test_status_agrees_with_the_counts(sent: tuple[Texting, str]) -> None:
    made, blocked_name = sent
    with made.database.as_org(made.org.org_id) as connection:
        told = campaign_status(connection, made.org.org_id, load_campaign(connection, made.org.org_id, blocked_name))
        assert (told.states, told.blocked, told.failure_share) == ({"blocked": 2}, {"no_consent": 2}, None)
        assert verify_chain(connection, made.org.org_id).fault is None


def test_status_tells_what_waits_for_what_until_when(database: Database, settings: Settings) -> None:
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    made = Texting(
        database, database.for_dispatch(), org, settings, load_hash_keys(settings), "", now=FRIDAY_NOON.replace(hour=8)
    )
    with database.as_org(org.org_id) as connection:
        introduce(connection, org)
    name = made.campaign(people(3))
    with made.dispatcher(messengers={"sms": Obliging()}) as dispatcher:
        dispatcher.round()
    with database.as_org(org.org_id) as connection:
        told = campaign_status(connection, org.org_id, load_campaign(connection, org.org_id, name))
    assert sum(one.messages for one in told.waiting) == 3
    assert all(code.startswith("hours:") for one in told.waiting for code in one.reason_codes)
    assert all(one.until > made.now + dt.timedelta(hours=1) for one in told.waiting)
