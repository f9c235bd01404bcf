"""Claims: what they touch in Postgres, when they end, and what becomes of what they counted."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, insert, select, text, update

from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import EmbeddedServer
from leadflow_pipelines.database.migrate import ALEMBIC_INI, migrate
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.outreach.dispatch import dispatcher as dispatcher_module
from leadflow_pipelines.outreach.dispatch.claim import LEASE, Claimed, claim, give_back, settle_unsent
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings, load_settings
from tests.outreach_people import Texting, campaign_id_of, people, texting

SECOND = dt.timedelta(seconds=1)
REWRITTEN = text(
    "select pg_stat_get_xact_tuples_updated(to_regclass('leadflow.messages')) as updated,"
    " pg_stat_get_xact_tuples_hot_updated(to_regclass('leadflow.messages')) as without_indexes"
)


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    yield from texting(database, settings, twilio)


def taken(connection: Connection, shop: Texting, name: str, by: str, *, most: int = 100, **limits: int) -> Claimed:
    """`limits`: of the org's profile, and `per_second` of the sender."""
    profile, senders, _ = shop.dispatcher()._state(connection)
    assert senders[0] is not None
    sender = replace(senders[0], per_second=limits.pop("per_second", senders[0].per_second))
    return claim(
        connection, shop.org.org_id, campaign_id_of(shop, name), channel="sms", sender=sender,
        profile=replace(profile, **limits), dispatcher=by, most=most, now=shop.now,
    )  # fmt: skip


def queued(shop: Texting, count: int) -> str:
    name = shop.campaign(people(count, "TX"))
    shop.dispatcher()._chores()
    return name


def until_somebody_waits(database: Database) -> None:
    """Until a transaction waits for another one's row."""
    waiting = text("select count(*) from pg_locks where not granted")
    for _ in range(2000):
        with database.as_owner() as owner:
            if owner.execute(waiting).scalar_one():
                return
    raise AssertionError("nobody waits")


def counted_today(shop: Texting) -> int:
    with shop.database.as_org(shop.org.org_id) as connection:
        return connection.execute(select(func.sum(tables.brand_days.c.messages))).scalar_one() or 0


def test_a_claim_writes_no_index(shop: Texting) -> None:
    """With a million intents waiting each index entry is another page to read, to write and to log."""
    name = queued(shop, 40)
    with shop.database.as_org(shop.org.org_id) as connection:
        claimed = taken(connection, shop, name, "one", most=20)
        row = connection.execute(REWRITTEN).one()
        assert len(claimed.message_ids) == row.updated == row.without_indexes == 20


def test_a_claim_that_holds_is_taken_by_nobody_and_one_that_ended_by_anybody(shop: Texting) -> None:
    name = queued(shop, 6)
    with shop.database.as_org(shop.org.org_id) as connection:
        first = taken(connection, shop, name, "one", most=4)
    with shop.database.as_org(shop.org.org_id) as connection:
        second = taken(connection, shop, name, "two")
    assert len(set(first.message_ids + second.message_ids)) == 6
    shop.now += LEASE
    with shop.database.as_org(shop.org.org_id) as connection:
        assert taken(connection, shop, name, "three").message_ids == ()
    shop.now += SECOND
    with shop.database.as_org(shop.org.org_id) as connection:
        third = taken(connection, shop, name, "three")
        assert set(third.message_ids) == set(first.message_ids + second.message_ids)
        assert give_back(connection, shop.org.org_id, third.message_ids, dispatcher="one") == 0, "it is another's now"


def test_whoever_lost_a_claim_sends_nothing_of_it(shop: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dispatcher that stood still for longer than its lease finds its messages another's."""
    name, real = queued(shop, 3), dispatcher_module.lock_people

    def sleep_long(connection: Connection, hashes: tuple[str, ...]) -> None:
        monkeypatch.setattr(dispatcher_module, "lock_people", real)
        shop.now += LEASE + SECOND
        with shop.database.as_org(shop.org.org_id) as other:
            assert len(taken(other, shop, name, "another").message_ids) == 3
        real(connection, hashes)

    monkeypatch.setattr(dispatcher_module, "lock_people", sleep_long)
    assert shop.round().answers == {}
    assert shop.texted() == []
    assert {row["claimed_by"] for row in shop.messages()} == {"another"}


def test_a_claim_that_was_lost_with_the_database_gives_back_nothing(
    shop: Texting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not on disk before its messages are committed to; what it counted is lost with it."""
    queued(shop, 5)
    real = dispatcher_module.lock_people

    def as_after_a_crash(connection: Connection, hashes: tuple[str, ...]) -> None:
        monkeypatch.setattr(dispatcher_module, "lock_people", real)
        with shop.database.as_org(shop.org.org_id) as other:
            other.execute(update(tables.messages).values(claimed_by=None, claimed_until=None))
            other.execute(update(tables.brand_days).values(messages=1000))
        real(connection, hashes)

    monkeypatch.setattr(dispatcher_module, "lock_people", as_after_a_crash)
    assert shop.round().answers == {}
    assert counted_today(shop) == 1000
    assert shop.round().answers == {"Sent": 5}


def test_claims_are_swept_like_anything_that_waits(shop: Texting) -> None:
    name = queued(shop, 3)
    frame = people(3, "TX")
    with shop.database.as_org(shop.org.org_id) as connection:
        assert len(taken(connection, shop, name, "dead").message_ids) == 3
        wish = Suppression("phone", frame["phone_e164"][0], "stop", "STOP", "a reply")
        suppress(connection, shop.org.org_id, [wish], shop.keys, now=shop.now)
        assert settle_unsent(connection, shop.org.org_id, now=shop.now) == 1
    assert sorted((row["state"], row["claimed_by"]) for row in shop.messages()) == [
        ("cancelled", None), ("queued", "dead"), ("queued", "dead"),
    ]  # fmt: skip


def test_finding_what_is_due_never_reads_every_suppression(shop: Texting) -> None:
    """Also where the statistics say that there are none: ten thousand read for each message took a second."""
    name = queued(shop, 30)
    many = [
        {"org_id": shop.org.org_id, "kind": "phone", "contact_hash": f"v1:{n}", "origin": "stop", "reason": "STOP",
         "source": "test"}
        for n in range(3000)
    ]  # fmt: skip
    reads = text("select pg_stat_get_xact_tuples_returned(to_regclass('leadflow.suppressions'))")
    with shop.database.as_org(shop.org.org_id) as connection:
        connection.execute(insert(tables.suppressions), many)
    with shop.database.as_org(shop.org.org_id) as connection:
        before = connection.execute(reads).scalar_one()
        assert len(taken(connection, shop, name, "one").message_ids) == 30
        assert connection.execute(reads).scalar_one() - before < 3000


@pytest.mark.parametrize(
    ("limits", "second"),
    [({"brand_daily_limit": 5}, 1), ({"per_second": 6}, 2), ({"messages_per_second": 7}, 3), ({}, 6)],
)
def test_whoever_claims_at_the_same_time_waits_and_counts_on(
    shop: Texting, limits: dict[str, int], second: int
) -> None:
    """Brand's day, sender's rate and org's rate let through what they allow for all dispatchers together."""
    wide = {"brand_daily_limit": 100, "per_second": 100, "messages_per_second": 100, **limits}
    name = queued(shop, 11)
    with shop.database.as_org(shop.org.org_id) as connection:  # counters begin
        assert len(taken(connection, shop, name, "none", most=1, **wide).message_ids) == 1
        connection.execute(update(tables.brand_days).values(messages=0))
        connection.execute(update(tables.send_slots).values(next_at=shop.now))

    def claim_too() -> Claimed:
        with shop.database.as_org(shop.org.org_id) as other:
            return taken(other, shop, name, "two", most=6, **wide)

    with ThreadPoolExecutor(1) as pool:
        with shop.database.as_org(shop.org.org_id) as connection:
            first = taken(connection, shop, name, "one", most=4, **wide)
            waiting = pool.submit(claim_too)
            until_somebody_waits(shop.database)
        later = waiting.result()
    assert len(first.message_ids) == 4
    assert len(later.message_ids) == second
    assert not set(first.message_ids) & set(later.message_ids)
    assert counted_today(shop) == 4 + second


def test_what_one_limit_holds_back_counts_nowhere(shop: Texting) -> None:
    """What the brand's day has no room for uses up no second of the sender's."""
    name, wide = queued(shop, 10), {"per_second": 10, "messages_per_second": 10}
    with shop.database.as_org(shop.org.org_id) as connection:
        assert len(taken(connection, shop, name, "one", brand_daily_limit=3, **wide).message_ids) == 3
        assert len(taken(connection, shop, name, "two", brand_daily_limit=3, **wide).message_ids) == 0
    assert counted_today(shop) == 3
    with shop.database.as_org(shop.org.org_id) as connection:
        counted = connection.execute(select(tables.send_slots.c.next_at)).scalars().all()
        assert counted == [shop.now + 3 * SECOND / 10] * 2
        assert len(taken(connection, shop, name, "three", **wide).message_ids) == 7


def test_a_large_campaign_is_queued_piece_by_piece_and_sent_meanwhile(
    shop: Texting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher_module, "QUEUED_AT_ONCE", 4)
    shop.campaign(people(10, "TX"))
    one = shop.dispatcher()
    rounds = [one.round() for _ in range(3)]
    assert [(tally.queued, tally.claimed) for tally in rounds] == [(4, 4), (4, 4), (2, 2)]
    assert len(set(shop.texted())) == 10


def test_claims_from_before_are_queued_again_by_the_migration(own_server: EmbeddedServer) -> None:
    """They were a state of their own; nothing was asked for them, so they wait as any other."""
    address = own_server.start()
    database = Database(load_settings(home=own_server.cluster.home))
    with database.as_owner() as connection:
        connection.execute(text("set local role leadflow_owner"))
        config = Config(ALEMBIC_INI)
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
    own = f"postgresql://postgres:{own_server.password('postgres')}@{address.host}:{address.port}/leadflow"
    with psycopg.connect(own) as superuser:
        superuser.execute("""
            insert into leadflow.messages (message_id, org_id, campaign_id, step, channel, contact_point_id,
              property_id, contact_hash, state, due_at, claimed_by, claimed_until, attempted_at)
            select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'sms', 'c', 'p', 'v1:' || state,
              state::leadflow.message_state, now(), held, case when held is not null then now() end, now()
            from (values ('claimed', 'one'), ('sending', 'two'), ('accepted', null)) as messages (state, held)
        """)
    migrate(database)
    with psycopg.connect(own) as superuser:
        found = superuser.execute("select contact_hash, state::text, claimed_by from leadflow.messages").fetchall()
    assert sorted(found) == [
        ("v1:accepted", "accepted", None), ("v1:claimed", "queued", "one"), ("v1:sending", "sending", "two"),
    ]  # fmt: skip
    database.dispose()


def test_without_the_dispatchers_login_the_migration_names_what_to_run(own_server: EmbeddedServer) -> None:
    address = own_server.start()
    own = f"postgresql://postgres:{own_server.password('postgres')}@{address.host}:{address.port}/leadflow"
    with psycopg.connect(own) as superuser:
        superuser.execute("drop owned by leadflow_dispatcher")
        superuser.execute("drop role leadflow_dispatcher")
    database = Database(load_settings(home=own_server.cluster.home))
    with pytest.raises(DatabaseUnavailable, match="leadflow_dispatcher") as told:
        migrate(database)
    assert "sql/roles.sql" in str(told.value.remedy)
    database.dispose()
