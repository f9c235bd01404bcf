"""Tenancy as Postgres enforces it: whatever a query forgets, no org meets another's rows."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import polars as pl
import psycopg
import pytest
from sqlalchemy import Table, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from leadflow_pipelines.database import tables
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.connections import BI_LOGIN_PREFIX, Database
from leadflow_pipelines.database.orgs import Org, create_org, find_org, list_orgs
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import load_settings

DAY = date(2026, 1, 5)
PHONE = "+12015550123"


@pytest.fixture
def other(database: Database) -> Org:
    return create_org(database, f"t{uuid4().hex[:12]}")


def suppress_phone(database: Database, as_org: Org, owner: Org | None = None) -> None:
    row = {
        "kind": "phone", "contact_hash": "v1:0123", "origin": "stop", "contact_value": PHONE, "reason": "stop",
        "source": "inbound",
    }  # fmt: skip
    with database.as_org(as_org.org_id) as connection:
        connection.execute(insert(tables.suppressions).values(org_id=(owner or as_org).org_id, **row))


def call(org: Org) -> dict[str, object]:
    return {
        "call_id": uuid4(), "org_id": org.org_id, "provider": "attom", "endpoint": "/sale", "fingerprint": "f",
        "day": DAY, "attempt": 1, "outcome": "ok", "cost_cents": "1.2500",
    }  # fmt: skip


def bi_session(database: Database, org: Org) -> psycopg.Connection:
    return psycopg.connect(database.bi_url(org.slug))


def test_every_table_with_an_org_has_forced_row_level_security(database: Database) -> None:
    query = text("""
        select c.relname, c.relrowsecurity and c.relforcerowsecurity as is_forced,
               exists (select from pg_policy p where p.polrelid = c.oid
                       and pg_get_expr(p.polqual, c.oid) like '%app.org_id%'
                       and pg_get_expr(p.polwithcheck, c.oid) like '%app.org_id%') as has_policy
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
        where c.relnamespace = 'leadflow'::regnamespace and c.relkind in ('r', 'p')""")
    with database.anonymous() as connection:
        found = {name: (forced, policy) for name, forced, policy in connection.execute(query)}
    expected = {table.name for table in tables.metadata.tables.values() if "org_id" in table.columns}
    assert found == dict.fromkeys(expected, (True, True))


def test_the_app_login_owns_nothing_and_bypasses_nothing(database: Database) -> None:
    with database.anonymous() as connection:
        login = connection.execute(
            text("select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user")
        ).one()
        owned = connection.execute(
            text(
                "select count(*) from pg_class where relowner = (select oid from pg_roles where rolname = current_user)"
            )
        ).scalar_one()
    assert tuple(login) == ("leadflow_app", False, False, False)
    assert owned == 0


INSTALLATION_WIDE = {"provider_breakers", "provider_breaker_changes", "provider_rates", "rule_versions"}
"""Tables of the whole installation, which say nothing of any org."""
TENANTS = [table for table in tables.metadata.sorted_tables if table.name not in INSTALLATION_WIDE]


def test_what_has_no_org_belongs_to_the_installation() -> None:
    ownerless = {table.name for table in tables.metadata.sorted_tables if "org_id" not in table.columns}
    assert ownerless == INSTALLATION_WIDE


@pytest.mark.parametrize("table", TENANTS, ids=lambda table: table.name)
def test_without_an_org_every_table_is_empty(database: Database, org: Org, table: Table) -> None:
    suppress_phone(database, org)
    with database.anonymous() as connection:
        if table is tables.bi_logins:
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(select(table))
        else:
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


def test_an_org_sees_its_own_rows_only(database: Database, org: Org, other: Org) -> None:
    suppress_phone(database, org)
    count = text(f"select count(*) from leadflow.suppressions where contact_value = '{PHONE}' or true")
    with database.as_org(org.org_id) as connection:
        assert connection.execute(count).scalar() == 1
        assert connection.execute(select(tables.orgs.c.slug)).scalars().all() == [org.slug]
    with database.as_org(other.org_id) as connection:
        assert connection.execute(count).scalar() == 0
        assert connection.execute(update(tables.suppressions).values(reason="mine now")).rowcount == 0


def test_nobody_unsuppresses_by_deleting(database: Database, org: Org) -> None:
    suppress_phone(database, org)
    with pytest.raises(ProgrammingError, match="permission denied"), database.as_org(org.org_id) as connection:
        connection.execute(delete(tables.suppressions))


def test_a_row_for_another_org_is_refused(database: Database, org: Org, other: Org) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"):
        suppress_phone(database, as_org=org, owner=other)
    suppress_phone(database, org)
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        database.as_org(org.org_id) as connection,
    ):
        connection.execute(update(tables.suppressions).values(org_id=other.org_id))


def test_a_pooled_connection_forgets_the_org(database: Database, org: Org) -> None:
    database.dispose()  # the pool starts with one connection, so that the next transaction gets the same
    suppress_phone(database, org)
    with database.as_org(org.org_id) as connection:
        first = connection.execute(text("select pg_backend_pid()")).scalar()
    with database.anonymous() as connection:
        assert connection.execute(text("select pg_backend_pid()")).scalar() == first
        assert connection.execute(select(func.count()).select_from(tables.suppressions)).scalar() == 0
    with pytest.raises(DBAPIError), database.as_org(org.org_id) as connection:
        connection.execute(text("select 1 / 0"))
    with database.anonymous() as connection:
        assert connection.execute(select(func.count()).select_from(tables.suppressions)).scalar() == 0


def test_the_ledger_is_append_only(database: Database, org: Org) -> None:
    with database.as_org(org.org_id) as connection:
        connection.execute(insert(tables.provider_calls).values(call(org)))
    for forbidden in (update(tables.provider_calls).values(cost_cents=0), delete(tables.provider_calls)):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            database.as_org(org.org_id) as connection,
        ):
            connection.execute(forbidden)


def test_the_app_cannot_make_orgs_nor_become_the_owner(database: Database, org: Org) -> None:
    forbidden = (
        "insert into leadflow.orgs (slug, name, is_simulated) values ('rogue', 'rogue', false)",
        "set local role leadflow_owner",
        "alter table leadflow.suppressions disable row level security",
        "create role rogue",
    )
    for statement in forbidden:
        with pytest.raises(ProgrammingError), database.as_org(org.org_id) as connection:
            connection.execute(text(statement))


def test_the_publisher_reaches_marts_only_by_setting_its_role(database: Database) -> None:
    name = f"probe_{uuid4().hex[:8]}"
    with pytest.raises(ProgrammingError, match="permission denied"), database.anonymous() as connection:
        connection.execute(text(f"create table marts.{name} (a int)"))
    with database.anonymous() as connection:
        connection.execute(text("set local role leadflow_marts"))
        connection.execute(text(f"create table marts.{name} (a int)"))
        connection.execute(text(f"drop table marts.{name}"))


@pytest.fixture
def probe_mart(database: Database, org: Org, other: Org) -> Iterator[str]:
    """A mart with one row of each org, under the policy that marts carry."""
    name = f"probe_{uuid4().hex[:8]}"
    with database.anonymous() as connection:
        connection.execute(text("set local role leadflow_marts"))
        connection.execute(text(f"create table marts.{name} (org_id uuid)"))
        for each in (org, other):
            connection.execute(text(f"insert into marts.{name} values (:org_id)"), {"org_id": each.org_id})
        connection.execute(text(f"alter table marts.{name} enable row level security"))
        connection.execute(
            text(f"create policy bi on marts.{name} to leadflow_bi using (org_id = (select leadflow.bi_org()))")
        )
        connection.execute(text(f"grant select on marts.{name} to leadflow_bi"))
    yield name
    with database.anonymous() as connection:
        connection.execute(text("set local role leadflow_marts"))
        connection.execute(text(f"drop table marts.{name}"))


def test_a_bi_login_reads_its_own_marts_and_nothing_of_the_product(
    database: Database, org: Org, other: Org, probe_mart: str
) -> None:
    for reader in (org, other):
        with bi_session(database, reader) as session:
            assert session.execute(f"select org_id from marts.{probe_mart}").fetchall() == [(reader.org_id,)]
    for table in tables.metadata.sorted_tables:
        with bi_session(database, org) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"select * from {table.fullname}")
    forbidden = (
        f"insert into marts.{probe_mart} values (null)",
        "create table marts.rogue (a int)",
        "set role leadflow_app",
    )
    for statement in forbidden:
        with bi_session(database, org) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement)


def test_dagsters_login_does_not_enter_the_product(database: Database) -> None:
    url = database.url("dagster").replace("postgresql+psycopg2", "postgresql")
    with psycopg.connect(url) as session:
        session.execute("create table probe (a int)")
        session.rollback()
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(url.replace("/dagster", "/leadflow"))


def test_making_an_org_twice_gives_the_same_org(database: Database, org: Org) -> None:
    assert create_org(database, org.slug) == org
    assert find_org(database, org.slug) == org
    assert org in list_orgs(database)


@pytest.mark.parametrize("slug", ["", "A", "1st", "with space", "x" * 40, 'a"; drop role postgres; --'])
def test_a_slug_that_does_not_fit_is_refused(database: Database, slug: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be an org's slug"):
        create_org(database, slug)


def test_an_org_never_changes_between_real_and_simulated(database: Database, org: Org) -> None:
    with pytest.raises(InvalidInput, match="is real"):
        create_org(database, org.slug, is_simulated=True)
    assert find_org(database, org.slug).is_simulated is False


def test_an_unknown_org_is_reported_with_its_remedy(database: Database) -> None:
    with pytest.raises(InvalidInput, match="leadflow org create nowhere"):
        find_org(database, "nowhere")


def test_the_demo_org_is_made_simulated_where_it_is_asked_for(database: Database) -> None:
    opened = open_database(load_settings(home=database.settings.home, org="demo"))
    assert find_org(opened, "demo").is_simulated is True
    assert find_org(opened, "default").is_simulated is False
    opened.dispose()


def entries(org_id: UUID | None = None) -> pl.DataFrame:
    """Three list entries with what makes loading hard: quotes, braces, NULL the word, empty and absent lists."""
    frame = pl.DataFrame(
        {
            "day": [DAY] * 3,
            "contact_point_id": ["a", "b", "c"],
            "channel": ["voice", "mail", "sms"],
            "zip": ["11370", "unlocated", "37201"],
            "property_id": ["p1", "p2", "p3"],
            "verdict": ["cleared", "blocked", "blocked"],
            "reason_codes": [[], ["NULL", 'a"b', "c\\d,{e}"], ["suppressed"]],
            "contact_value": [PHONE, '12 "Elm" St,\nUnit 4', r"\N"],
            "person_name": ["", None, "Ada Example"],
            "zones": [["America/New_York"], None, []],
            "calling_windows": ['{"mon": [["10:00", "18:00"]]}', None, None],
            "next_open_at": [datetime(2026, 1, 5, 15, tzinfo=UTC), None, None],
            "valid_until": [datetime(2026, 1, 6, tzinfo=UTC)] * 3,
            "rule_version": ["r1"] * 3,
            "evidence_hash": ["h"] * 3,
        },
        schema_overrides={"next_open_at": pl.Datetime("us", "America/Chicago")},
    )
    return frame if org_id is None else frame.with_columns(pl.lit(str(org_id)).alias("org_id"))


def test_a_frame_is_loaded_as_it_is(database: Database, org: Org, other: Org) -> None:
    table = tables.outreach_list_entries
    with database.as_org(org.org_id) as connection:
        assert copy_into(connection, table, entries()) == 3
    with database.as_org(org.org_id) as connection:
        rows = connection.execute(select(table).order_by(table.c.contact_point_id)).mappings().all()
    assert [row["org_id"] for row in rows] == [org.org_id] * 3
    for row, given in zip(rows, entries().iter_rows(named=True), strict=True):
        plain = {name: value for name, value in given.items() if name != "calling_windows"}
        assert {name: row[name] for name in plain} == plain
    assert rows[0]["calling_windows"] == {"mon": [["10:00", "18:00"]]}
    with database.as_org(other.org_id) as connection:
        assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


def test_a_frame_loaded_again_follows_the_conflict_rule(database: Database, org: Org) -> None:
    table = tables.outreach_list_entries
    changed = entries().with_columns(pl.lit("blocked").alias("verdict"))
    verdicts = select(table.c.verdict).order_by(table.c.contact_point_id)
    with database.as_org(org.org_id) as connection:
        copy_into(connection, table, entries())
        assert copy_into(connection, table, changed, conflict="do nothing") == 0
        assert connection.execute(verdicts).scalars().all() == ["cleared", "blocked", "blocked"]
        assert copy_into(connection, table, changed, conflict="replace") == 3
        assert connection.execute(verdicts).scalars().all() == ["blocked"] * 3
        assert copy_into(connection, table, entries().clear()) == 0
    with pytest.raises(IntegrityError), database.as_org(org.org_id) as connection:
        copy_into(connection, table, changed)


def test_a_frame_with_another_orgs_rows_is_refused_whole(database: Database, org: Org, other: Org) -> None:
    table = tables.outreach_list_entries
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        database.as_org(org.org_id) as connection,
    ):
        copy_into(connection, table, pl.concat([entries(org.org_id), entries(other.org_id)]))
    with database.as_org(org.org_id) as connection:
        assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


def test_each_org_has_one_bi_login(database: Database, org: Org) -> None:
    with bi_session(database, org) as session:
        assert session.execute("select session_user").fetchone() == (BI_LOGIN_PREFIX + org.slug,)
