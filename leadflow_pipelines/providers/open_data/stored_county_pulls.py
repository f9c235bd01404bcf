"""County rows that lie in the lake already, whichever day of a table's refresh period fetched them."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable

import polars as pl
from sqlalchemy import and_, any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from leadflow_pipelines.contracts import RAW_PULLS
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.tables import provider_pulls
from leadflow_pipelines.providers.open_data.county_calls import refresh_day
from leadflow_pipelines.providers.open_data.county_source import CountySource
from leadflow_pipelines.providers.pulls import RawStore


def read_county_pulls(
    database: Database,
    org_id: uuid.UUID,
    raw: RawStore,
    *,
    counties: Iterable[CountySource],
    zips: Collection[str],
    day: dt.date,
) -> pl.DataFrame:
    """The rows (RAW_PULLS shape, in a stable order) that hold on `day` for these ZIPs, and all rows of tables that are
    asked for by city: those say themselves where they lie.
    """
    pulls = provider_pulls.c
    tables = [and_(pulls.provider == one.name, pulls.day == refresh_day(one, day)) for one in counties]
    if not tables:
        return RAW_PULLS.empty()
    of_zips = or_(pulls.zip == any_(literal(list(zips), ARRAY(TEXT))), pulls.zip.is_(None))
    query = select(pulls.path).where(pulls.org_id == org_id, or_(*tables), of_zips)
    with database.as_org(org_id) as connection:
        paths: list[str] = sorted(set(connection.execute(query).scalars()))
    return raw.read_raw(paths).sort("source", "zip", "fingerprint", "item_number")
