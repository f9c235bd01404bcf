"""Tenants, and the logins with which BI reads their marts."""

from sqlalchemy import Boolean, Column, Table, Text, Uuid, func

from leadflow_pipelines.database.tables.columns import INSTANT, metadata, org_column, required

orgs = Table(
    "orgs",
    metadata,
    Column(
        "org_id",
        Uuid,
        primary_key=True,
        server_default=func.gen_random_uuid(),
        comment="Identity of the org; never reused.",
    ),
    required("slug", Text, "Short name used in commands, lake prefixes and role names.", unique=True),
    required("name", Text, "Name for people."),
    required("is_simulated", Boolean, "Knows only simulated vendors; fixed when the org is made."),
    required("created_at", INSTANT, "Instant at which the org was made.", server_default=func.now()),
    comment="Tenants. An org's records, money and people never meet another's.",
)

bi_logins = Table(
    "bi_logins",
    metadata,
    Column("role_name", Text, primary_key=True, comment="Postgres login that reads the org's marts."),
    org_column(),
    comment="Which org's marts a BI login may read.",
)
