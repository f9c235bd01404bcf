"""Contact points of leads: the owner's mailing address from the records, phones and e-mails from skip traces."""

import datetime as dt

import polars as pl

from leadflow_pipelines.contracts import LEAD_CONTACTS
from leadflow_pipelines.properties.stable_hash import stable_hash

RECORDS_SOURCE = "property_records"


def collect_contacts(
    leads: pl.DataFrame, traced: pl.DataFrame, *, day: dt.date, now: dt.datetime, source: str
) -> pl.DataFrame:
    """LEAD_CONTACTS rows for a day.

    leads: ENRICHED_LEADS rows; each with a mailing street gives one mailing address. traced: contact rows of a
    skip trace (request_id = property_id, kind, person_name, phone_e164, line_type, email, flags, fetched_at,
    cost_cents), from `source`. A contact point that appears twice for a lead counts once.
    """
    mailing = leads.filter(pl.col("mailing_street").is_not_null()).with_columns(
        pl.lit("mailing").alias("kind"),
        pl.col("owner_name").alias("person_name"),
        pl.lit(RECORDS_SOURCE).alias("source"),
        pl.lit(now, pl.Datetime("us", "UTC")).alias("fetched_at"),
        pl.lit(None).alias("cost_cents"),
    )
    bought = traced.rename({"request_id": "property_id"}).join(
        leads.select("property_id", "zip"), on="property_id", how="inner", maintain_order="left"
    )
    bought = bought.with_columns(
        pl.lit(source).alias("source"), pl.col("email").str.to_lowercase(), pl.lit(day).alias("day")
    )
    identity = stable_hash(
        [pl.col(name) for name in ("property_id", "kind", "phone_e164", "email", "mailing_street", "mailing_zip5")]
    )
    points = pl.concat(
        LEAD_CONTACTS.conform(part.with_columns(pl.lit("").alias("contact_point_id"))) for part in (mailing, bought)
    )
    return points.with_columns(pl.concat_str(pl.lit("c_"), identity.str.head(20)).alias("contact_point_id")).unique(
        "contact_point_id", keep="first", maintain_order=True
    )
