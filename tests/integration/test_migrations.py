"""The migrations and the tables in code say the same, and migrating is safe at any time from anywhere."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from leadflow_pipelines.database import migrate as migrate_module
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import EmbeddedServer
from leadflow_pipelines.database.migrate import (
    ALEMBIC_INI,
    current_revision,
    is_migrated,
    migrate,
    newest_revision,
)
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.settings import load_settings

CATALOG = text("""
    select 'column', c.relname || '.' || a.attname,
           format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
             || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
             || coalesce(' -- ' || col_description(c.oid, a.attnum), '')
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = to_regnamespace(:schema) and c.relkind = 'r' and c.relname <> 'alembic_version'
    union all
    select 'constraint', conname, pg_get_constraintdef(k.oid) from pg_constraint k join pg_class c on c.oid = conrelid
    where c.relnamespace = to_regnamespace(:schema) and c.relname <> 'alembic_version'
    union all
    select 'index', indexname, indexdef from pg_indexes where schemaname = :schema and tablename <> 'alembic_version'
    union all
    select 'table', relname, obj_description(oid) || coalesce(reloptions::text, '') from pg_class
    where relnamespace = to_regnamespace(:schema) and relkind = 'r' and relname <> 'alembic_version'
    union all
    select 'type', t.typname, string_agg(e.enumlabel, ',' order by e.enumsortorder)
    from pg_type t join pg_enum e on e.enumtypid = t.oid where t.typnamespace = to_regnamespace(:schema) group by 2
""")


def catalog(connection: Connection, schema: str) -> dict[tuple[str, str], str]:
    """Everything Postgres knows of a schema's tables."""
    rows = connection.execute(CATALOG, {"schema": schema})
    return {(kind, name): str(said) for kind, name, said in rows}


@pytest.fixture
def empty_database(own_server: EmbeddedServer) -> Iterator[Database]:
    """A database that is not migrated."""
    own_server.start()
    opened = Database(load_settings(home=own_server.cluster.home))
    yield opened
    opened.dispose()


def test_alembic_finds_no_difference(database: Database) -> None:
    with database.as_owner() as connection:
        connection.execute(text("set local role leadflow_owner"))
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == tables.SCHEMA,
                "version_table_schema": tables.SCHEMA,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, tables.metadata) == []


def test_postgres_finds_no_difference(database: Database) -> None:
    """Checks, enum values, index definitions and comments too, which Alembic does not compare."""
    with database.as_owner() as connection:
        migrated = catalog(connection, tables.SCHEMA)
    elsewhere = create_engine(database.url("dagster"), poolclass=NullPool)
    with elsewhere.connect() as connection:  # rolled back: that database is only a place to build in
        connection.execute(CreateSchema(tables.SCHEMA))
        tables.metadata.create_all(connection, checkfirst=False)
        from_code = catalog(connection, tables.SCHEMA)
    assert migrated == from_code
    assert len(migrated) > 150


def test_the_newest_file_is_alembics_head() -> None:
    assert ScriptDirectory.from_config(Config(ALEMBIC_INI)).get_current_head() == newest_revision()


def test_ten_processes_migrate_once(empty_database: Database) -> None:
    assert current_revision(empty_database) is None
    assert not is_migrated(empty_database)
    with ThreadPoolExecutor(10) as pool:
        applied = list(pool.map(lambda _: migrate(Database(empty_database.settings)), range(10)))
    written = sorted(path.name.split("_", 1)[0] for path in migrate_module.VERSIONS.glob("[0-9]*.py"))
    assert [revision for revisions in applied for revision in revisions] == written
    assert is_migrated(empty_database)
    assert migrate(empty_database) == []


def test_a_newer_database_is_left_alone(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0000_before_the_first.py").touch()
    monkeypatch.setattr(migrate_module, "VERSIONS", tmp_path)
    with pytest.raises(DatabaseUnavailable, match="newer version of LeadFlow"):
        migrate(database)


def test_an_up_to_date_database_is_migrated_without_alembic(database: Database) -> None:
    program = (
        "import sys\n"
        "from leadflow_pipelines.database.prepare import open_database\n"
        "from leadflow_pipelines.settings import get_settings\n"
        "open_database(get_settings())\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
