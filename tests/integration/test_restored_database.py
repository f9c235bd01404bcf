"""A database restored from a backup, whose messages wait although they were sent since: nobody gets one twice."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select

from leadflow_pipelines.clearance.head_anchor import find_lost, refuse_restored
from leadflow_pipelines.clearance.holds import place_hold
from leadflow_pipelines.clearance.profile import Sender
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.cluster import SUPERUSER
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import DATABASE
from leadflow_pipelines.errors import DatabaseRestored, InvalidInput, LakeUnavailable
from leadflow_pipelines.lake.proof_files import ProofFiles
from leadflow_pipelines.outreach.by_hand.take import running_campaign
from leadflow_pipelines.outreach.campaigns import campaigns
from leadflow_pipelines.outreach.campaigns.outbox import queue_due_steps
from leadflow_pipelines.outreach.dispatch.accept_restore import Accepted, accept_restore
from leadflow_pipelines.outreach.dispatch.dispatch_org import Dispatched, dispatch_org
from leadflow_pipelines.outreach.messengers.messenger import Outgoing, Sent
from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings
from tests.commands import leadflow_here
from tests.outreach_people import BRAND, NUMBER, Texting, introduce, people, texting

HOUR = dt.timedelta(hours=1)
OF_ORG = """
    select table_name from information_schema.columns
    where table_schema = 'leadflow' and column_name = 'org_id' and table_name in (
      select tablename from pg_tables where schemaname = 'leadflow'
    )
"""


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    yield from texting(database, settings, twilio)


class Backup:
    """Every row of one org as it was; bringing it back undoes whatever happened since, triggers or not."""

    def __init__(self, shop: Texting) -> None:
        self._org_id, self._schema = shop.org.org_id, f"backup_{uuid4().hex[:12]}"
        server = shop.database.embedded
        assert server is not None
        address = server.address()
        self._superuser = psycopg.connect(
            host=address.host, port=address.port, user=SUPERUSER, dbname=DATABASE, password=server.password(SUPERUSER)
        )
        with self._superuser.transaction():
            self._tables = [row[0] for row in self._superuser.execute(OF_ORG)]
            self._superuser.execute(sql.SQL("create schema {}").format(sql.Identifier(self._schema)))
            self._each("create table {kept} as select * from {table} where org_id = {org_id}")

    def restore(self) -> None:
        with self._superuser.transaction():
            self._superuser.execute("set local session_replication_role = replica")
            self._each("delete from {table} where org_id = {org_id}")
            self._each("insert into {table} overriding system value select * from {kept}")

    def forget(self) -> None:
        with self._superuser.transaction():
            self._superuser.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(self._schema)))
        self._superuser.close()

    def _each(self, statement: str) -> None:
        for name in self._tables:
            self._superuser.execute(
                sql.SQL(statement).format(
                    kept=sql.Identifier(self._schema, name), table=sql.Identifier("leadflow", name), org_id=self._org_id
                )
            )


@pytest.fixture
def back_up(shop: Texting) -> Iterator[Callable[[], Backup]]:
    made: list[Backup] = []

    def take() -> Backup:
        made.append(Backup(shop))
        return made[-1]

    yield take
    for one in made:
        one.forget()


def dispatch(shop: Texting) -> Dispatched:
    """As the command does it, once."""
    messengers = {"sms": open_messenger("sms", shop.org, shop.settings)}
    return dispatch_org(
        shop.database, shop.org, messengers, shop.settings, lambda: shop.now, stop=Event(), only_due=True
    )


def accept(shop: Texting, *, asks: bool = True) -> Accepted:
    messengers = {"sms": open_messenger("sms", shop.org, shop.settings)} if asks else {}
    return accept_restore(shop.database, shop.org, messengers, shop.settings, actor="ada", now=shop.now)


def resume(shop: Texting, name: str) -> None:
    with shop.database.as_org(shop.org.org_id) as connection:
        campaigns.resume(connection, shop.org.org_id, name, actor="ada", now=shop.now)


def slow_down(shop: Texting, per_second: int) -> None:
    with shop.database.as_org(shop.org.org_id) as connection:
        introduce(connection, shop.org, sender=Sender(NUMBER, BRAND, "campaign-1", per_second=per_second))


@pytest.mark.parametrize("is_queued", [True, False], ids=["queued in the backup", "not even queued"])
def test_nobody_is_texted_twice_and_who_was_not_is_texted_after_it_is_accepted(
    shop: Texting, back_up: Callable[[], Backup], is_queued: bool
) -> None:
    slow_down(shop, 6)
    frame = people(10, "TX")
    name = shop.campaign(frame)
    if is_queued:
        with shop.database.as_org(shop.org.org_id) as connection:
            queue_due_steps(connection, shop.org.org_id, now=shop.now)
    backup = back_up()
    shop.round()
    before = shop.texted()
    assert len(before) == 6
    backup.restore()
    shop.now += HOUR
    with pytest.raises(DatabaseRestored, match=r"restored to an earlier state.*2026-11-20 18:00:00 UTC") as told:
        dispatch(shop)
    assert "--accept-restore" in str(told.value.remedy)
    assert shop.texted() == before

    assert accept(shop) == Accepted(unknown=6, unsent=4, paused=(name,), not_started=())
    slow_down(shop, 10_000)
    assert dispatch(shop).tally.claimed == 0, "paused until a person resumes it"
    resume(shop, name)
    assert dispatch(shop).tally.answers == {"Sent": 4}
    assert Counter(shop.texted()) == Counter(frame["phone_e164"].to_list())
    assert shop.fates() == {("unknown", "database_restored"): 6, ("accepted", None): 4}
    with shop.database.as_org(shop.org.org_id) as connection:
        assert verify_chain(connection, shop.org.org_id).fault is None
        entries = tables.proof_entries.c
        acts = connection.execute(select(entries.facts).where(entries.kind == "org_change"))
        (act,) = [row.facts for row in acts if row.facts.get("act") == "restore_accepted"]
    assert (act["by"], act["unknown"], act["unsent"]) == ("ada", 6, 4)


def test_steps_that_followed_before_the_restore_do_not_follow_again(
    shop: Texting, back_up: Callable[[], Backup]
) -> None:
    name = shop.campaign(people(3, "TX"), steps=(0, 24))
    backup = back_up()
    shop.round()
    shop.now += 24 * HOUR
    shop.round()
    assert set(Counter(shop.texted()).values()) == {2}
    backup.restore()
    shop.now += HOUR
    assert accept(shop).unknown == 6
    resume(shop, name)
    shop.now += 9 * 24 * HOUR
    assert dispatch(shop).tally.claimed == 0
    assert len(shop.texted()) == 6


def test_a_step_that_did_not_follow_yet_follows_later(shop: Texting, back_up: Callable[[], Backup]) -> None:
    """And what may have been sent counts towards caps, from the last instant at which it may have been."""
    name = shop.campaign(people(2, "TX"), steps=(0, 24))
    backup = back_up()
    shop.round()
    backup.restore()
    assert accept(shop).unknown == 2
    resume(shop, name)
    assert {row["attempted_at"] for row in shop.messages()} == {shop.now}
    assert shop.round().claimed == 0
    shop.now += 25 * HOUR
    assert shop.round().answers["Sent"] == 2
    assert len(shop.texted()) == 4


def test_without_a_messenger_that_can_list_all_is_set_aside(shop: Texting, back_up: Callable[[], Backup]) -> None:
    slow_down(shop, 2)
    shop.campaign(people(5, "TX"))
    backup = back_up()
    shop.round()
    backup.restore()
    assert (accept(shop, asks=False).unknown, shop.fates()) == (5, {("unknown", "database_restored"): 5})


def test_a_dispatcher_that_runs_while_its_database_is_restored_asks_for_nothing(
    shop: Texting, back_up: Callable[[], Backup]
) -> None:
    shop.campaign(people(3, "TX"))
    with shop.database.as_org(shop.org.org_id) as connection:
        queue_due_steps(connection, shop.org.org_id, now=shop.now)
    backup = back_up()
    running = shop.dispatcher(refuse=partial(refuse_restored, shop.database, shop.org, shop.settings))
    running.round()
    backup.restore()
    with pytest.raises(DatabaseRestored):
        running.round()
    assert len(shop.texted()) == 3
    assert {row["state"] for row in shop.messages()} == {"queued"}


def test_what_is_committed_already_is_not_asked_for_either(shop: Texting, back_up: Callable[[], Backup]) -> None:
    """Restored between the look at the note and the commit: the chain is no longer than the one that was noted."""
    shop.campaign(people(3, "TX"))
    with shop.database.as_org(shop.org.org_id) as connection:
        queue_due_steps(connection, shop.org.org_id, now=shop.now)
    backup = back_up()
    shop.round()
    backup.restore()
    with pytest.raises(DatabaseRestored):
        shop.round()
    assert len(shop.texted()) == 3
    assert {(row["state"], row["attempted_at"]) for row in shop.messages()} == {("queued", None)}


def test_a_database_that_went_on_from_an_earlier_state_is_found_out(
    shop: Texting, back_up: Callable[[], Backup]
) -> None:
    """Its chain is longer than the one that was noted, and another one."""
    shop.campaign(people(1, "TX"))
    backup = back_up()
    shop.round()
    backup.restore()
    for state in ("CA", "NV", "AZ", "OR", "WA"):
        with shop.database.as_org(shop.org.org_id) as connection:
            place_hold(
                connection, shop.org.org_id, state=state, channels=["sms"], reason="storm", actor="ada", now=shop.now
            )
    lost = find_lost(shop.database, shop.org, shop.settings)
    assert lost is not None
    assert lost.seq > lost.anchor.seq
    with pytest.raises(DatabaseRestored, match="is another one"):
        dispatch(shop)
    assert len(shop.texted()) == 1


def test_letters_and_calls_wait_too(shop: Texting, back_up: Callable[[], Backup]) -> None:
    name = shop.campaign(people(1, "TX"))
    backup = back_up()
    shop.round()
    backup.restore()
    with pytest.raises(DatabaseRestored):
        running_campaign(
            shop.database, shop.org, name, channel="sms", actor="ada", settings=shop.settings, now=shop.now
        )


def test_the_head_is_noted_before_anything_is_asked(shop: Texting) -> None:
    """Every decision of the batch lies before the noted head at the instant of its request."""
    entries = tables.proof_entries.c
    seen: list[tuple[int, str]] = []
    twilio = open_messenger("sms", shop.org, shop.settings)

    class Watched:
        def send(self, message: Outgoing) -> Sent:
            (note,) = _proof_folder(shop).glob("head-*.json")
            with shop.database.as_org(shop.org.org_id) as connection:
                mine = select(entries.seq).where(entries.facts["message_id"].astext == str(message.message_id))
                seen.append((connection.execute(mine).scalar_one(), note.read_text()))
            return twilio.send(message)

    shop.campaign(people(3, "TX"))
    shop.round(messengers={"sms": Watched()})
    assert len(seen) == 3
    assert {f'"seq":{max(seq for seq, _ in seen)},' in note for _, note in seen} == {True}
    assert find_lost(shop.database, shop.org, shop.settings) is None


def test_nothing_is_asked_where_the_head_cannot_be_noted(shop: Texting) -> None:
    shop.campaign(people(2, "TX"))
    folder = _proof_folder(shop)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    with pytest.raises(LakeUnavailable, match="Nothing is sent"):
        shop.round()
    assert shop.texted() == []
    assert {(row["state"], row["attempted_at"]) for row in shop.messages()} == {("queued", None)}
    folder.unlink()
    assert shop.round().answers["Sent"] == 2


def test_there_is_nothing_to_accept_where_nothing_was_lost(shop: Texting) -> None:
    refuse_restored(shop.database, shop.org, shop.settings)
    shop.campaign(people(1, "TX"))
    shop.round()
    refuse_restored(shop.database, shop.org, shop.settings)
    with pytest.raises(InvalidInput, match="nothing to accept"):
        accept(shop)


def test_the_commands(shop: Texting, back_up: Callable[[], Backup], twilio: SandboxProcess) -> None:
    name = shop.campaign(people(2, "TX"))
    backup = back_up()
    shop.round()
    backup.restore()
    environment = {**twilio.environment("twilio"), "LEADFLOW_LAKE_URL": str(shop.settings.lake_url)}
    org = ("--org", shop.org.slug)
    refused = leadflow_here("dispatch", "--once", *org, environment=environment)
    assert refused.exit_code != 0
    assert "restored to an earlier state" in " ".join(refused.err.split())
    done = leadflow_here("dispatch", "--accept-restore", "--as", "ada", "--json", *org, environment=environment)
    assert done.exit_code == 0, done.err
    assert (done.json["unknown"], done.json["unsent"], done.json["paused"]) == (2, 0, [name])
    assert leadflow_here("dispatch", "--once", *org, environment=environment).exit_code == 0
    assert len(shop.texted()) == 2


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["by path", "through the object store"])
def test_a_note_is_read_back_and_replaced(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "proof").mkdir()
    files = ProofFiles(f"{scheme}{tmp_path}", None)
    assert files.read_note("proof/head.json") is None
    for seq in (7, 1234):
        files.write_note("proof/head.json", {"seq": seq, "at": "2026-11-20T18:00:00+00:00"})
        assert files.read_note("proof/head.json") == {"seq": seq, "at": "2026-11-20T18:00:00+00:00"}


def _proof_folder(shop: Texting) -> Path:
    return Path(shop.settings.lake_root, shop.org.slug, "proof")
