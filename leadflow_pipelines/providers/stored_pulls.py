"""Raw pulls that lie in the lake already, found by ZIP and day. Nothing here asks or pays anyone."""

import datetime as dt
import uuid
from collections.abc import Collection

import polars as pl
from sqlalchemy import any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.tables import provider_pulls
from leadflow_pipelines.providers.pulls import RawStore


def read_stored_pulls(
    database: Database,
    org_id: uuid.UUID,
    raw: RawStore,
    *,
    providers: Collection[str],
    zips: Collection[str],
    day: dt.date,
) -> pl.DataFrame:
    """The items that providers returned for these ZIPs on this day (RAW_PULLS shape), in a stable order."""
    pulls = provider_pulls.c
    query = select(pulls.path).where(
        pulls.org_id == org_id,
        pulls.provider == any_(literal(list(providers), ARRAY(TEXT))),
        pulls.day == day,
        pulls.zip == any_(literal(list(zips), ARRAY(TEXT))),
    )
    with database.as_org(org_id) as connection:
        paths: list[str] = sorted(set(connection.execute(query).scalars()))
    return raw.read_raw(paths).sort("source", "zip", "fingerprint", "item_number")
