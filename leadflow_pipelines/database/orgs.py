"""Orgs: the tenants. Making one, finding one.

What an org's people may do belongs to the gateway; its budget to spend/.
"""

import re
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from psycopg import sql
from sqlalchemy import Connection, func, insert, select, text

from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import BI_LOGIN_PREFIX, OWNER_ROLE, Database
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import ORG_SLUG_PATTERN

BI_GROUP = "leadflow_bi"
ORG_LOCK = 7_346_002
"""Key of the advisory lock under which orgs are made, one at a time."""


@dataclass(frozen=True)
class Org:
    """One tenant. Whether it is simulated was fixed when it was made."""

    org_id: UUID
    slug: str
    name: str
    is_simulated: bool


def find_org(database: Database, slug: str) -> Org:
    """The org of that slug. Raises InvalidInput where there is none."""
    with database.anonymous() as connection:
        found = _find(connection, slug)
    if found is None:
        raise InvalidInput(
            f"There is no org `{slug}`.",
            remedy=f"Make it with `leadflow org create {slug}`, or see `leadflow org list`.",
        )
    return found


def list_orgs(database: Database) -> list[Org]:
    """Every org, by slug."""
    with database.anonymous() as connection:
        rows = connection.execute(text("select * from leadflow.list_orgs()"))
        return [Org(**row) for row in rows.mappings()]


def create_org(database: Database, slug: str, *, name: str | None = None, is_simulated: bool = False) -> Org:
    """Make the org and its BI login, or return it where it is there already.

    Raises InvalidInput for a slug that does not fit, and where the org is there but differs in `is_simulated`:
    simulated and real records never meet, so it cannot change.
    """
    if not re.fullmatch(ORG_SLUG_PATTERN, slug):
        raise InvalidInput(
            f"`{slug}` cannot be an org's slug.",
            remedy="Use 2 to 31 lower-case letters, digits or _, beginning with a letter.",
        )
    login = BI_LOGIN_PREFIX + slug
    password = database.embedded.keep_password(login, secrets.token_urlsafe(24)) if database.embedded else None
    with database.as_owner() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(ORG_LOCK)))
        _make_bi_login(connection, login, password)
        connection.execute(text(f"set local role {OWNER_ROLE}"))
        found = _find(connection, slug)
        if found is None:
            found = _insert(connection, Org(uuid4(), slug, name or slug, is_simulated), login)
    if found.is_simulated != is_simulated:
        kind = "simulated" if found.is_simulated else "real"
        raise InvalidInput(
            f"The org `{slug}` is there already and is {kind}; that was fixed when it was made.",
            remedy="Choose another slug.",
        )
    return found


def _find(connection: Connection, slug: str) -> Org | None:
    found = connection.execute(text("select * from leadflow.find_org(:slug)"), {"slug": slug})
    row = found.mappings().one_or_none()
    return Org(**row) if row else None


def _insert(connection: Connection, org: Org, login: str) -> Org:
    connection.execute(
        insert(tables.orgs).values(org_id=org.org_id, slug=org.slug, name=org.name, is_simulated=org.is_simulated)
    )
    connection.execute(insert(tables.bi_logins).values(role_name=login, org_id=org.org_id))
    return org


def _make_bi_login(connection: Connection, login: str, password: str | None) -> None:
    """A login in the BI group. On a managed server it gets no password: its operator sets one."""
    exists = connection.execute(text("select from pg_roles where rolname = :login"), {"login": login})
    if exists.first() is None:
        statement = sql.SQL("create role {} login in role {} password {}").format(
            sql.Identifier(login), sql.Identifier(BI_GROUP), sql.Literal(password)
        )
        connection.exec_driver_sql(statement.as_string())
        # All marts change in one commit: a report of several queries in one transaction sees one publication.
        isolation = sql.SQL("alter role {} set default_transaction_isolation = 'repeatable read'")
        connection.exec_driver_sql(isolation.format(sql.Identifier(login)).as_string())
