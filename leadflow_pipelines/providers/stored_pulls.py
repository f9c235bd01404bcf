"""Raw pulls that lie in the lake already: read by ZIP and day, removed by age. Nothing here asks or pays anyone."""

import datetime as dt
import uuid
from collections.abc import Collection

import polars as pl
from sqlalchemy import any_, delete, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.tables import provider_pulls
from leadflow_pipelines.lake.raw_pulls import RawPulls
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


def remove_old_pulls(
    database: Database, org_id: uuid.UUID, raw: RawPulls, *, provider: str, endpoint: str, before: dt.datetime
) -> int:
    """Delete what an endpoint answered before an instant, because its terms let nobody keep it longer; how many.

    The ledger keeps that it was asked and paid. Killed midway, the rows are still there and the next call goes on.
    """
    pulls = provider_pulls.c
    old = (pulls.org_id == org_id, pulls.provider == provider, pulls.endpoint == endpoint, pulls.fetched_at <= before)
    with database.as_org(org_id) as connection:
        paths: list[str] = sorted(set(connection.execute(select(pulls.path).where(*old)).scalars()))
        for path in paths:
            raw.remove_raw(path)
        connection.execute(delete(provider_pulls).where(*old))
    return len(paths)
