"""What all tables share: the schema, its naming, and columns that say what they are for."""

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Numeric, Uuid, text

SCHEMA = "leadflow"
ORG_SETTING = "app.org_id"
"""Transaction-local setting that row-level security compares with org_id."""

CENTS = Numeric(14, 4)
"""Cents with four decimals, because some vendors bill fractions of a cent per call."""

INSTANT = DateTime(timezone=True)
NO_JSON = text("'{}'::jsonb")

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    },
)


def required(name: str, kind: Any, comment: str, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, comment=comment, **options)


def optional(name: str, kind: Any, comment: str, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=True, comment=comment, **options)


def org_column(*, primary_key: bool = False, is_bulk: bool = False) -> Column[Any]:
    """The tenant column. A bulk table has no foreign key: that took a third of a load of 200 k rows."""
    return Column(
        "org_id",
        Uuid,
        *([] if is_bulk else [ForeignKey(f"{SCHEMA}.orgs.org_id")]),
        nullable=False,
        primary_key=primary_key,
        comment="Org that owns the row; row-level security compares it with app.org_id.",
    )
