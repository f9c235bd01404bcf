"""Files that were imported, and what operators decided about records."""

from sqlalchemy import CheckConstraint, Column, Date, Integer, Table, Text, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB

from leadflow_pipelines.database.tables.columns import INSTANT, metadata, optional, org_column, required

imported_files = Table(
    "imported_files",
    metadata,
    org_column(primary_key=True),
    Column("source", Text, primary_key=True, comment="Name given to the file's source."),
    Column("sha256", Text, primary_key=True, comment="Hash of the file's bytes, hex."),
    required("file_name", Text, "Name of the file as given."),
    required("mapping", JSONB, "Mapping with which it was read."),
    required("day", Date, "Partition day it was imported under."),
    required("rows_in", Integer, "Rows read; records + rejected."),
    required("records", Integer, "Rows that became records."),
    required("rejected", Integer, "Rows refused, each with its reason in rejected_records."),
    required("unlocated", Integer, "Records that no evidence places in a ZIP."),
    required("imported_at", INSTANT, "Instant of the import.", server_default=func.now()),
    comment="County files already read, so that a second import changes nothing.",
)

DECISIONS = ("together", "apart")

property_decisions = Table(
    "property_decisions",
    metadata,
    Column("decision_id", Uuid, primary_key=True, comment="Identity of the decision."),
    org_column(),
    required("left_record_id", Text, "The pair's smaller record_id, so that a pair has one row whatever its order."),
    required("right_record_id", Text, "The pair's larger record_id."),
    required("decision", Text, "together: one property. apart: two."),
    required("decided_by", Text, "Who decided, as named with --as."),
    required("decided_at", INSTANT, "Instant of the decision."),
    optional("note", Text, "Why, in the operator's words."),
    CheckConstraint("decision in (" + ", ".join(f"'{name}'" for name in DECISIONS) + ")", name="decision"),
    CheckConstraint('left_record_id < right_record_id collate "C"', name="pair"),
    UniqueConstraint("org_id", "left_record_id", "right_record_id"),
    comment="What operators decided about two records; every run obeys it. One row a pair: the newest word.",
)
