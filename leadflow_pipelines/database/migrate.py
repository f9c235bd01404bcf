"""Bring the schema up to date, from any number of processes at once.

What changes lies in sql/migrations/versions; Alembic is imported only when there is something to do.
"""

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from leadflow_pipelines.database.connections import LOGINS, OWNER_ROLE, Database
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.settings import PROJECT_ROOT

ALEMBIC_INI = PROJECT_ROOT / "sql/alembic.ini"
VERSIONS = PROJECT_ROOT / "sql/migrations/versions"
MIGRATION_LOCK = 7_346_001
"""Key of the advisory lock that one migrating process holds."""
RUN_ROLES = "Run sql/roles.sql on that database, as a login that may create roles; it is safe to run again."


def newest_revision() -> str:
    """The revision this code needs: migrations are numbered by the beginning of their file names."""
    return max(path.name.split("_", 1)[0] for path in VERSIONS.glob("[0-9]*.py"))


def current_revision(database: Database) -> str | None:
    """The revision the database has; None before the first migration."""
    with database.anonymous() as connection:
        return _revision(connection)


def is_migrated(database: Database) -> bool:
    """Whether the database has exactly the revision that this code needs."""
    return current_revision(database) == newest_revision()


def migrate(database: Database) -> list[str]:
    """Apply the missing migrations in one transaction; return their revisions, oldest first.

    Raises DatabaseUnavailable where the database is newer than this code, or the roles are missing.
    """
    have = current_revision(database)
    if have == newest_revision():
        return []
    if have is not None and have > newest_revision():
        raise DatabaseUnavailable(
            f"The database has migration {have}, this version of LeadFlow knows only {newest_revision()}.",
            remedy="Run a newer version of LeadFlow.",
        )
    with database.as_owner() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        _become_owner(connection)
        before = _revision(connection)
        _upgrade(connection)
    numbers = sorted(path.name.split("_", 1)[0] for path in VERSIONS.glob("[0-9]*.py"))
    return [number for number in numbers if before is None or number > before]


def _revision(connection: Connection) -> str | None:
    if connection.execute(text("select to_regclass('leadflow.alembic_version')")).scalar() is None:
        return None
    return str(connection.execute(text("select version_num from leadflow.alembic_version")).scalar_one())


def _become_owner(connection: Connection) -> None:
    try:
        connection.execute(text(f"set local role {OWNER_ROLE}"))
    except ProgrammingError as error:
        raise DatabaseUnavailable(f"The login that migrates may not act as {OWNER_ROLE}.", remedy=RUN_ROLES) from error
    known: set[str] = set(connection.execute(text("select rolname from pg_roles")).scalars())
    if missing := sorted(set(LOGINS.values()) - known):
        raise DatabaseUnavailable(f"The database has no login {', '.join(missing)}.", remedy=RUN_ROLES)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - 0.2 s that a current database does not pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config(ALEMBIC_INI)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
