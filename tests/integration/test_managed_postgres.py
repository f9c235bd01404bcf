"""A managed Postgres: a DBA who is no superuser runs roles.sql once, and everything works from the URLs."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, insert, select

from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import ROLES_SQL, EmbeddedServer
from leadflow_pipelines.database.migrate import is_migrated
from leadflow_pipelines.database.orgs import create_org, find_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.settings import Settings, load_settings

LOGINS = ("leadflow_app", "leadflow_dispatcher", "leadflow_migrator", "leadflow_dagster")
ROLES = ("leadflow_owner", "leadflow_marts", "leadflow_bi", *LOGINS)


@pytest.fixture
def managed(own_server: EmbeddedServer, tmp_path: Path) -> Settings:
    """Settings of a server that has none of our roles, only a DBA with the rights that clouds give."""
    address = own_server.start()
    place = f"{address.host}:{address.port}"
    root = f"postgresql://postgres:{own_server.password('postgres')}@{place}"
    with psycopg.connect(f"{root}/postgres", autocommit=True) as session:
        session.execute("drop database leadflow")
        session.execute("drop database dagster")
        for role in ROLES:
            session.execute(f"drop owned by {role}")
            session.execute(f"drop role {role}")
        session.execute("create role dba login createrole createdb password 'dba'")
    with psycopg.connect(f"postgresql://dba:dba@{place}/postgres", autocommit=True) as session:
        session.execute("create database production")
    with psycopg.connect(f"postgresql://dba:dba@{place}/production", autocommit=True) as session:
        for _ in range(2):
            session.execute(ROLES_SQL.read_bytes())
        for login in LOGINS:
            session.execute(f"alter role {login} password 'own'")
    return load_settings(
        home=tmp_path,
        database_url=f"postgresql://leadflow_app:own@{place}/production",
        database_owner_url=f"postgresql://leadflow_migrator:own@{place}/production",
        dagster_database_url=f"postgresql://leadflow_dagster:own@{place}/dagster",
    )


def test_roles_sql_is_all_that_a_dba_runs(managed: Settings) -> None:
    """Without it the fault names it; with it the URLs alone are enough."""
    dba = Database(managed).url("owner").replace("leadflow_migrator:own", "dba:dba")
    with psycopg.connect(dba, autocommit=True) as session:
        session.execute("revoke leadflow_owner from leadflow_migrator")
        with pytest.raises(DatabaseUnavailable, match=r"sql/roles\.sql"):
            open_database(managed)
        session.execute(ROLES_SQL.read_bytes())
    database = open_database(managed)
    assert is_migrated(database)
    assert find_org(database, "default").is_simulated is False
    ours, theirs = (create_org(database, slug) for slug in ("ours", "theirs"))
    row = {"kind": "email", "contact_hash": "v1:0123", "origin": "stop", "reason": "stop", "source": "inbound"}
    with database.as_org(ours.org_id) as connection:
        connection.execute(insert(tables.suppressions).values(org_id=ours.org_id, **row))
    for org, count in ((ours, 1), (theirs, 0)):
        with database.as_org(org.org_id) as connection:
            assert connection.execute(select(func.count()).select_from(tables.suppressions)).scalar() == count
    with pytest.raises(DatabaseUnavailable, match="password leadflow_bi_ours"):
        database.bi_url("ours")
    database.dispose()
    assert not (managed.home / "postgres").exists()
