"""Read an org's spend ledger from Postgres, in the shape in which dbt's models expect it."""

import polars as pl
from sqlalchemy import Text, cast, select

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.contracts.ledger import PROVIDER_CALLS, RESERVATIONS
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org

# Reservations first: a call noted between the two reads may lack its money for now, but no money lacks its call.
_SOURCES = ((RESERVATIONS, tables.reservations), (PROVIDER_CALLS, tables.provider_calls))


def read_ledger(database: Database, org: Org) -> list[tuple[Contract, pl.DataFrame]]:
    """The org's reservations and calls, one row each, identities and states as text."""
    frames = []
    with database.as_org(org.org_id) as connection:
        for contract, table in _SOURCES:
            columns = [
                cast(table.c[name], Text).label(name) if dtype == pl.String else table.c[name]
                for name, dtype in contract.schema.items()
            ]
            rows = connection.execute(select(*columns)).all()
            frame = pl.DataFrame(rows, schema=contract.schema, orient="row")
            frames.append((contract, frame))
    return frames
