"""What the login that dispatches may do in Postgres, and above all what it may not."""

import uuid
from collections.abc import Iterator
from threading import Event

import pytest
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org, find_org
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.outreach.campaigns import campaigns
from leadflow_pipelines.outreach.dispatch import dispatch_org as dispatch_module
from leadflow_pipelines.outreach.dispatch.dispatch_org import dispatch_org
from leadflow_pipelines.outreach.messengers.messenger import Behaviour, Outgoing, Refused, Sent
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings, load_settings
from tests.outreach_people import Texting, people, texting

READ = {
    "outreach_profiles", "senders", "rule_versions", "rule_changes", "jurisdiction_holds", "consents", "suppressions",
    "registry_licences", "registry_versions", "number_lookups", "templates", "campaigns", "campaign_steps",
    "campaign_audience", "campaign_changes", "messages", "message_events", "call_results", "send_slots", "brand_days",
    "proof_heads",
}  # fmt: skip
ADDED_TO = {
    "messages", "message_events", "suppressions", "campaign_changes", "send_slots", "brand_days", "proof_heads",
    "proof_entries", "proof_evidence", "rule_versions",
}  # fmt: skip
CHANGED = {
    "messages", "send_slots", "brand_days", "proof_heads", "campaign_audience", "campaigns", "senders", "suppressions",
    "consents",
}  # fmt: skip
GRANTED = text("""
    select lower(privilege_type), table_name from information_schema.column_privileges
    where grantee in ('leadflow_dispatcher', 'PUBLIC') and table_schema in ('leadflow', 'marts')
    union
    select lower(privilege_type), table_name from information_schema.table_privileges
    where grantee in ('leadflow_dispatcher', 'PUBLIC') and table_schema in ('leadflow', 'marts')
""")


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    yield from texting(database, settings, twilio)


@pytest.fixture
def sent(shop: Texting) -> Texting:
    """A campaign of which two texts went out."""
    shop.campaign(people(2, "TX"))
    assert shop.round().answers == {"Sent": 2}
    return shop


def refused(shop: Texting, statement: object, match: str) -> None:
    with pytest.raises(DBAPIError, match=match), shop.sending.as_org(shop.org.org_id) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_it_has_no_right_beyond_those_that_dispatching_needs(database: Database) -> None:
    with database.as_owner() as connection:
        connection.execute(text("set local role leadflow_owner"))
        found = {(right, table) for right, table in connection.execute(GRANTED)}
    assert {table for right, table in found if right == "select"} == READ
    assert {table for right, table in found if right == "insert"} == ADDED_TO
    assert {table for right, table in found if right == "update"} == CHANGED
    assert {right for right, _ in found} == {"select", "insert", "update"}


def test_it_is_no_member_of_any_role_and_passes_no_policy(shop: Texting) -> None:
    with shop.sending.anonymous() as connection:
        own: bool = connection.execute(
            text("select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls from pg_roles where rolname = user")
        ).scalar_one()
        member = connection.execute(text("select count(*) from pg_auth_members where member = user::regrole")).scalar()
        assert (connection.execute(text("select user")).scalar_one(), own, member) == ("leadflow_dispatcher", False, 0)


@pytest.mark.parametrize(
    "forbidden",
    [
        "select from leadflow.members", "select from leadflow.budget_limits", "select from leadflow.provider_calls",
        "select from leadflow.inbound_messages", "select from leadflow.proof_evidence", "select from leadflow.orgs",
        "select from leadflow.attestations", "delete from leadflow.messages", "delete from leadflow.suppressions",
        "delete from leadflow.proof_entries", "update leadflow.proof_entries set facts = '{}'",
        "update leadflow.messages set contact_hash = ''", "update leadflow.messages set campaign_id = message_id",
        "update leadflow.outreach_profiles set most_per_24h = 3", "update leadflow.templates set body = ''",
        "update leadflow.campaign_audience set evidence = '{}'", "update leadflow.consents set wording = ''",
        "insert into leadflow.consents default values", "insert into leadflow.campaigns default values",
        "insert into leadflow.senders default values", "insert into leadflow.rule_changes default values",
        "update leadflow.jurisdiction_holds set lifted_by = 'x'", "update leadflow.brand_days set day = current_date",
        "set role leadflow_owner", "set role leadflow_app", "select from leadflow.list_orgs()",
        "create table leadflow.own (n integer)",
    ],
)  # fmt: skip
def test_what_is_none_of_its_business_is_refused(shop: Texting, forbidden: str) -> None:
    refused(shop, text(forbidden), "permission denied")


def test_it_may_only_ever_stop_something(sent: Texting) -> None:
    """A campaign is paused by it and never started, a sender shut and never opened, a wish kept and never lifted."""
    wish = Suppression("phone", "+15125550199", "operator", "asked", "test")
    with sent.database.as_org(sent.org.org_id) as connection:
        suppress(connection, sent.org.org_id, [wish], sent.keys, now=sent.now)
    policy = "row-level security policy"
    refused(sent, update(tables.campaigns).values(state="completed"), policy)
    refused(sent, update(tables.campaigns).values(paused_because="x"), policy)
    refused(sent, update(tables.senders).values(is_active=True), policy)
    refused(sent, update(tables.suppressions).values(lifted_at=sent.now), policy)
    refused(sent, update(tables.consents).values(revoked_at=None), policy)
    refused(sent, update(tables.campaign_audience).values(stopped_because=None), policy)
    row = {"org_id": sent.org.org_id, "kind": "phone", "contact_hash": "v1:0", "reason": "r", "source": "s"}
    refused(sent, insert(tables.suppressions).values(**row, origin="deletion"), policy)
    with sent.sending.as_org(sent.org.org_id) as connection:
        connection.execute(update(tables.senders).values(is_active=False))
        connection.execute(update(tables.campaigns).values(state="paused", paused_because="x"))
        connection.execute(update(tables.campaign_audience).values(stopped_because="unreachable:30003"))
        connection.execute(insert(tables.suppressions).values(**row, origin="stop"))


def messages_seen(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(tables.messages)).scalar_one()


def test_other_orgs_are_out_of_its_reach(sent: Texting) -> None:
    other = create_org(sent.database, f"t{uuid.uuid4().hex[:12]}", is_simulated=True)
    with sent.sending.as_org(sent.org.org_id) as connection:
        assert messages_seen(connection) == 2
    with sent.sending.as_org(other.org_id) as connection:
        assert messages_seen(connection) == 0
        assert connection.execute(update(tables.messages).values(error_code="x")).rowcount == 0
    with sent.sending.anonymous() as connection:
        assert messages_seen(connection) == 0
    foreign = insert(tables.send_slots).values(org_id=other.org_id, slot="org", next_at=sent.now)
    refused(sent, foreign, "row-level security policy")
    assert find_org(sent.sending, other.slug).org_id == other.org_id


class Refusing:
    """A messenger that refuses everything with one code."""

    def __init__(self, code: str, behaviour: Behaviour) -> None:
        self.told = Refused("no", code=code, behaviour=behaviour)

    def send(self, message: Outgoing) -> Sent:
        raise self.told


def test_it_pauses_a_campaign_and_stops_whom_the_messenger_says_opted_out(shop: Texting) -> None:
    """What error codes ask for is within its rights: consents end, the suppression stands, the proof has it."""
    frame = people(3, "TX")
    name = shop.campaign(frame)
    refusals = Refusing("21610", "suppress")
    shop.round(messengers={"sms": refusals})
    assert {row["error_code"] for row in shop.messages()} == {"21610"}
    with shop.sending.as_org(shop.org.org_id) as connection:
        assert connection.execute(select(func.count(tables.suppressions.c.contact_hash))).scalar() == 3
        standing = select(func.count()).where(tables.consents.c.revoked_at.is_(None))
        assert connection.execute(standing).scalar() == 0
        campaigns.pause(connection, shop.org.org_id, name, actor=campaigns.DISPATCHER, now=shop.now, reason="tests")


@pytest.mark.parametrize("behaviour", ["do_not_retry_number", "pause_sender", "pause_campaign", "failed"])
def test_every_behaviour_of_an_error_code_is_within_its_rights(shop: Texting, behaviour: Behaviour) -> None:
    shop.campaign(people(2, "TX"))
    shop.round(messengers={"sms": Refusing("1", behaviour)})
    assert shop.fates() == {("failed", "1"): 2}


def test_dispatching_uses_it(shop: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command and the scheduled job both call this."""
    shop.campaign(people(2, "TX"))
    users: list[str] = []

    class Watched(dispatch_module.Dispatcher):
        def _state(self, connection: Connection) -> object:  # type: ignore[override]
            users.append(connection.execute(text("select user")).scalar_one())
            return super()._state(connection)

    monkeypatch.setattr(dispatch_module, "Dispatcher", Watched)
    messengers = shop.dispatcher()._messengers
    done = dispatch_org(
        shop.database, shop.org, messengers, shop.settings, lambda: shop.now, stop=Event(), only_due=True
    )
    assert done.tally.answers == {"Sent": 2}
    assert set(users) == {"leadflow_dispatcher"}


def test_a_managed_server_without_that_login_sends_nothing(shop: Texting) -> None:
    url = shop.database.url("app")
    managed = load_settings(home=shop.settings.home, database_url=url, database_owner_url=url, dagster_database_url=url)
    lacking = Database(managed).for_dispatch()
    with pytest.raises(DatabaseUnavailable, match="leadflow_dispatcher") as told, lacking.anonymous():
        pass
    assert "LEADFLOW_DISPATCHER_DATABASE_URL" in str(told.value.remedy)
