"""What became of leads, as members and files say."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKeyConstraint, Index, Table, Text, Uuid, text

from leadflow_pipelines.contracts.outcomes import OUTCOME_KINDS, PRICED_KINDS
from leadflow_pipelines.database.tables.columns import INSTANT, metadata, optional, org_column, required

OUTCOME_SOURCES = ("member", "file")


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


lead_outcomes = Table(
    "lead_outcomes",
    metadata,
    Column("outcome_id", Uuid, primary_key=True, comment="Identity of the outcome."),
    org_column(),
    required("property_id", Text, "Property it is about, as known when it was noted."),
    required("kind", Text, "What happened, e.g. appointment or deal."),
    required("happened_on", Date, "Local day on which it happened."),
    optional("campaign_id", Uuid, "Campaign that it is owed to; null: none was named."),
    optional("amount_cents", BigInteger, "Price of the offer, contract or deal, US cents; null: not told."),
    optional("note", Text, "In the member's words; null once erased."),
    required("source", Text, "member: entered singly. file: imported."),
    required("noted_by", Text, "Member who noted it or imported the file."),
    required("noted_at", INSTANT, "Instant at which it was noted."),
    optional("withdrawn_by", Text, "Member who took it back."),
    optional("withdrawn_at", INSTANT, "Instant from which it does not count; null: it stands."),
    optional("withdrawn_because", Text, "Why, in the member's words; null once erased."),
    CheckConstraint(f"kind in ({_listed(OUTCOME_KINDS)})", name="kind"),
    CheckConstraint(f"source in ({_listed(OUTCOME_SOURCES)})", name="source"),
    CheckConstraint(
        f"amount_cents is null or (amount_cents > 0 and kind in ({_listed(PRICED_KINDS)}))", name="amount"
    ),
    CheckConstraint("(withdrawn_at is null) = (withdrawn_by is null)", name="withdrawn"),
    ForeignKeyConstraint(["org_id", "campaign_id"], ["leadflow.campaigns.org_id", "leadflow.campaigns.campaign_id"]),
    Index(
        "ix_lead_outcomes_stands_once", "org_id", "property_id", "kind", "happened_on",
        unique=True, postgresql_where=text("withdrawn_at is null"),
    ),
    Index(None, "org_id", "property_id"),
    comment="What became of leads, as members and files say. Never changed: withdrawn, and noted again.",
)  # fmt: skip
