"""The proof: an append-only chain of what was decided and done, and the erasable evidence it rests on."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from leadflow_pipelines.database.tables.columns import INSTANT, metadata, optional, org_column, required

PROOF_KINDS = (
    "send_decision", "list_clearance", "message", "suppression", "consent", "campaign", "rule_change", "hold",
    "registry_version", "inbound", "erasure", "org_change",
)  # fmt: skip

proof_entries = Table(
    "proof_entries",
    metadata,
    org_column(primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False, comment="1 is the first of the org; no gaps."),
    required("entry_id", Uuid, "Identity of the decision or event."),
    required("kind", Text, "What it proves."),
    optional("subject_hash", Text, "Keyed hash of the contact it is about; null where it is about none."),
    required("happened_at", INSTANT, "Instant decided or done."),
    required("facts", JSONB, "Codes, versions, ids and digests. No personal data: it is never erased."),
    optional("evidence_hash", Text, "Digest of the evidence, which is erasable."),
    required("previous_hash", Text, "entry_hash of the entry before; sixty-four zeros for the first."),
    required("entry_hash", Text, "Digest of this entry with previous_hash."),
    CheckConstraint("kind in (" + ", ".join(f"'{kind}'" for kind in PROOF_KINDS) + ")", name="kind"),
    CheckConstraint("seq >= 1", name="seq"),
    Index(None, "org_id", "entry_id"),
    Index(None, "org_id", "subject_hash"),
    Index(None, "org_id", "happened_at"),
    comment="Hash-chained log of decisions and acts, per org, append-only.",
)

proof_heads = Table(
    "proof_heads",
    metadata,
    org_column(primary_key=True),
    required("seq", BigInteger, "Number of the newest entry; 0 before the first."),
    required("entry_hash", Text, "Its hash."),
    comment="End of each org's chain; locked while entries are appended.",
)

proof_evidence = Table(
    "proof_evidence",
    metadata,
    org_column(primary_key=True),
    Column("entry_id", Uuid, primary_key=True, comment="Entry it belongs to."),
    optional("subject_hash", Text, "Keyed hash of the contact it is about."),
    optional("evidence", JSONB(none_as_null=True), "Everything the decision looked at; null once erased."),
    required("recorded_on", Date, "Day recorded, for retention."),
    optional("erased_at", INSTANT, "Instant at which it was erased; null: it is there."),
    CheckConstraint("(evidence is null) = (erased_at is not null)", name="erased"),
    Index(None, "org_id", "subject_hash"),
    comment="Personal evidence behind entries of the chain. Erasable; the chain stays whole.",
)
