"""How Alembic reaches the database: on the connection that migrate.py hands over, or, when a developer runs
`alembic -c sql/alembic.ini …`, on the one that the settings name.
"""

from alembic import context
from sqlalchemy import Connection

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.tables import SCHEMA, metadata
from leadflow_pipelines.settings import get_settings


def include_name(name: str | None, type_: str, _parents: object) -> bool:
    """Only our own schema: `marts` is written by the publisher, Dagster has its own database."""
    return type_ != "schema" or name == SCHEMA


def run(connection: Connection) -> None:
    """Run the migrations in the caller's transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=include_name,
        compare_server_default=True,
    )
    context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    with Database(get_settings()).as_owner() as own:
        run(own)
