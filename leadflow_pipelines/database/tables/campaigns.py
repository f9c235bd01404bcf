"""Campaigns: what is said to whom in which steps, and who answered for it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Enum,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from leadflow_pipelines.database.tables.columns import (
    INSTANT,
    NO_JSON,
    SCHEMA,
    metadata,
    optional,
    org_column,
    required,
)

CAMPAIGN_STATES = ("draft", "reviewed", "approved", "running", "paused", "completed", "cancelled")
campaign_state = Enum(*CAMPAIGN_STATES, name="campaign_state", schema=SCHEMA, metadata=metadata)

templates = Table(
    "templates",
    metadata,
    org_column(primary_key=True),
    Column("name", Text, primary_key=True, comment="Name of the template."),
    Column("version", Integer, primary_key=True, comment="1 is the first; a version never changes."),
    required("channel", Text, "sms, voice (the caller's script), mail or email."),
    optional("subject", Text, "Subject line of an e-mail, heading of a letter."),
    required("body", Text, "Text with merge fields in {braces}."),
    required("created_by", Text, "Member who wrote it."),
    required("created_at", INSTANT, "Instant at which it was written."),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("channel in ('sms', 'voice', 'mail', 'email')", name="channel"),
    comment="Texts with merge fields, by version.",
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign_id", Uuid, primary_key=True, comment="Identity of the campaign."),
    org_column(),
    required("name", Text, "Name of the campaign."),
    required("purpose", Text, "Purpose that consents must cover.", server_default="marketing"),
    required("state", campaign_state, "Where it stands; a trigger allows only the known transitions."),
    required(
        "audience", JSONB, "ZIPs, day, channel and filter that the audience was taken by.", server_default=NO_JSON
    ),
    required(
        "holdout_share", Numeric(5, 4), "Share of the audience left alone to measure lift.", server_default=text("0")
    ),
    required(
        "error_threshold", Numeric(5, 4), "Share of failures in the last 100 that pauses.", server_default=text("0.2")
    ),
    optional("ends_at", INSTANT, "Instant after which nothing more of it is sent."),
    required("created_by", Text, "Member who made it."),
    required("created_at", INSTANT, "Instant at which it was made."),
    optional("reviewed_by", Text, "Member who reviewed texts and audience."),
    optional("approved_by", Text, "Member who approved it; another than the author where the org wants so."),
    optional("paused_because", Text, "Why it stands still; null while it does not."),
    UniqueConstraint("org_id", "name"),
    UniqueConstraint("org_id", "campaign_id"),
    CheckConstraint("holdout_share >= 0 and holdout_share < 1", name="holdout_share"),
    CheckConstraint("error_threshold > 0 and error_threshold <= 1", name="error_threshold"),
    CheckConstraint(
        "state not in ('approved', 'running', 'paused', 'completed') or approved_by is not null", name="approved"
    ),
    comment="Campaigns and where they stand.",
)

campaign_steps = Table(
    "campaign_steps",
    metadata,
    Column("campaign_id", Uuid, primary_key=True, comment="Campaign of the step."),
    org_column(),
    Column("step", Integer, primary_key=True, comment="1 is the first."),
    required("channel", Text, "Channel of the step."),
    required("template_name", Text, "Template it sends."),
    required("template_version", Integer, "Version of the template, fixed when the campaign is reviewed."),
    required("delay_hours", Integer, "Hours after the step before was sent.", server_default=text("0")),
    ForeignKeyConstraint(["org_id", "campaign_id"], ["leadflow.campaigns.org_id", "leadflow.campaigns.campaign_id"]),
    CheckConstraint("step >= 1", name="step"),
    CheckConstraint("delay_hours >= 0", name="delay_hours"),
    comment="The steps of a campaign, in order.",
)

campaign_audience = Table(
    "campaign_audience",
    metadata,
    org_column(primary_key=True, is_bulk=True),
    Column("campaign_id", Uuid, primary_key=True, comment="Campaign."),
    Column("contact_point_id", Text, primary_key=True, comment="Contact point, as in lead_contacts."),
    required("property_id", Text, "Property the campaign writes about."),
    required("kind", Text, "phone, email or mailing."),
    required("contact_hash", Text, "Keyed hash of the contact value, with its key version."),
    optional(
        "evidence",
        JSONB(none_as_null=True),
        "What clearance looks at, and merge fields, as of the snapshot; null once erased.",
    ),
    required("is_holdout", Boolean, "Left alone, to measure what the campaign changes."),
    optional("stopped_because", Text, "Why later steps are not sent: replied, suppressed, …; null: they are."),
    Index(None, "org_id", "contact_hash"),
    Index(
        "ix_campaign_audience_stopped",
        "org_id",
        postgresql_where=text("stopped_because is not null or evidence is null"),
    ),
    comment="Whom a campaign is for: the list as it was when the campaign was reviewed.",
)

campaign_changes = Table(
    "campaign_changes",
    metadata,
    Column("change_id", BigInteger, Identity(always=True), primary_key=True, comment="Order of the changes."),
    org_column(),
    required("campaign_id", Uuid, "Campaign that changed."),
    optional("from_state", campaign_state, "State before; null for its making."),
    required("to_state", campaign_state, "State after."),
    required("changed_by", Text, "Member, or `dispatcher`."),
    optional("reason", Text, "Why."),
    required("changed_at", INSTANT, "Instant of the change."),
    Index(None, "org_id", "campaign_id"),
    comment="Every transition of every campaign, append-only.",
)
