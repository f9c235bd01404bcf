"""What vendors answered about an org's numbers, as it is kept: under keyed hashes, never for another org.

Here: writing and finding. Not here: asking vendors (`number_lookups`), what the answers add up to (`registries`).
"""

import datetime as dt
from typing import Any

import polars as pl
from sqlalchemy import Connection, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.compliance.consents import INSTANT
from leadflow_pipelines.compliance.contact_hash import with_contact_hash, with_every_hash
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import number_lookups
from leadflow_pipelines.settings import Settings

LOOKUPS: dict[str, Any] = {
    "phone": pl.String, "provider": pl.String, "list_version": pl.String, "answer": pl.String,
    "is_litigator": pl.Boolean, "asked_about": pl.Date, "answered_at": INSTANT,
}  # fmt: skip
LEAST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
ASKED_BY_HASH = 10_000
"""Up to so many numbers are looked up by their hashes; for more, all of the org's look-ups are read at once."""


def stored_lookups(
    connection: Connection,
    org: Org,
    phones: pl.Series,
    kind: str,
    *,
    settings: Settings,
    answered_since: dt.datetime = LEAST,
) -> pl.DataFrame:
    """LOOKUPS of these phones, of one kind, answered since an instant. A phone may have several, or none."""
    columns = number_lookups.c
    wanted = [columns.org_id == org.org_id, columns.kind == kind, columns.answered_at >= answered_since]
    if connection.execute(select(columns.kind).where(*wanted).limit(1)).first() is None:
        return pl.DataFrame(schema=LOOKUPS)
    distinct = phones.drop_nulls().unique().alias("contact_value").to_frame().with_columns(kind=pl.lit("phone"))
    hashed = with_every_hash(distinct, load_hash_keys(settings)).explode("contact_hashes")
    if hashed.height <= ASKED_BY_HASH:
        wanted.append(
            columns.contact_hash == any_(bindparam("hashes", hashed["contact_hashes"].to_list(), ARRAY(TEXT)))
        )
    names = ("provider", "list_version", "answer", "asked_about", "answered_at")
    rows = connection.execute(
        select(
            columns.contact_hash,
            *(columns[name] for name in names),
            columns.details["is_litigator"].as_boolean().label("is_litigator"),
        ).where(*wanted)
    ).all()
    found = pl.DataFrame(
        [tuple(row) for row in rows],
        schema={"contact_hashes": pl.String, **{name: LOOKUPS[name] for name in (*names, "is_litigator")}},
        orient="row",
    )
    return hashed.join(found, on="contact_hashes").rename({"contact_value": "phone"}).select(*LOOKUPS)


def store_lookups(connection: Connection, org: Org, kind: str, answers: pl.DataFrame, *, settings: Settings) -> int:
    """Keeps answers: LOOKUPS, details (JSON text) and cost_cents. One about the same number of the same vendor's day
    takes the place of the earlier. Returns how many were kept.
    """
    rows = with_contact_hash(
        answers.with_columns(kind=pl.lit("phone"), contact_value="phone"), load_hash_keys(settings)
    ).select(
        "contact_hash", "list_version", "provider", "answer", "details", "asked_about", "answered_at", "cost_cents",
        kind=pl.lit(kind),
    )  # fmt: skip
    return copy_into(connection, number_lookups, rows.with_columns(org_id=pl.lit(str(org.org_id))), conflict="replace")
