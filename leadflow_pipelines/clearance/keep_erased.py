"""Whoever was erased stays so: what comes in again about them is known by its keyed hash, and goes before it is kept.

Not here: erasing the first time (`erasure`).
"""

from collections.abc import Sequence

import polars as pl
from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.erase_lake import erase_raw
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.written_contacts import written_as
from leadflow_pipelines.compliance.clear_contacts import identified
from leadflow_pipelines.compliance.contact_hash import HashKeys, with_every_hash
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import suppressions
from leadflow_pipelines.lake import Lake

DELETION = "deletion"


def without_erased(connection: Connection, points: pl.DataFrame, keys: HashKeys) -> pl.DataFrame:
    """The contact points (kind, contact_value, …) of people whom nobody had erased."""
    table = suppressions.c
    chosen = select(table.contact_hash).where(table.origin == DELETION)
    erased: Sequence[str] = connection.execute(chosen).scalars().all()
    if not erased or points.is_empty():
        return points
    gone = pl.Series(erased, dtype=pl.String).implode()
    is_erased = pl.col("contact_hashes").list.eval(pl.element().is_in(gone)).list.any()
    return with_every_hash(points, keys).filter(~is_erased).drop("contact_hashes")


def drop_erased(database: Database, lake: Lake, org: Org, contacts: pl.DataFrame) -> pl.DataFrame:
    """LEAD_CONTACTS rows without those of erased people; what vendors said of these goes from the raw answers too."""
    with database.as_org(org.org_id) as connection:
        points = identified(contacts)
        kept = without_erased(connection, points, load_hash_keys(database.settings))
    again = points.join(kept, on="contact_point_id", how="anti")
    for kind, value in again.select("kind", "contact_value").unique().iter_rows():
        if pattern := written_as(kind, value):
            erase_raw(lake, pattern)
    return kept.select(contacts.columns)


def erased_among(connection: Connection, contacts: Sequence[tuple[str, str]], keys: HashKeys) -> set[tuple[str, str]]:
    """Those of these (kind, value) that were erased."""
    if not contacts:
        return set()
    asked = pl.DataFrame(contacts, schema={"kind": pl.String, "contact_value": pl.String}, orient="row")
    kept = without_erased(connection, asked, keys)
    return set(contacts) - set(kept.iter_rows())
