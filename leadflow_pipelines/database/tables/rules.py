"""The outreach rules as an org keeps them: versions, what it made stricter, holds, and how it presents itself."""

from sqlalchemy import Boolean, CheckConstraint, Column, Date, Index, Integer, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from leadflow_pipelines.database.tables.columns import INSTANT, metadata, optional, org_column, required

RULE_CHANGE_KINDS = ("tighten", "accept_low_confidence")

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("rule_version", Text, primary_key=True, comment="Day of publication and digest of the tables' content."),
    required("tables", JSONB, "Text of each table of rules, by its name; decisions replay from it."),
    required("is_packaged", Boolean, "Came with the product; false: an org's stricter version of one that did."),
    required("registered_at", INSTANT, "Instant at which this installation first knew it."),
    comment="Every version of the outreach rules that ever decided. Immutable; belongs to the installation.",
)

rule_changes = Table(
    "rule_changes",
    metadata,
    Column("change_id", Uuid, primary_key=True, comment="Identity of the change."),
    org_column(),
    required("kind", Text, "tighten: a stricter row. accept_low_confidence: a doubtful row may be widened to."),
    required("table_name", Text, "Table of rules it is about, e.g. state_calling_rules."),
    required("row_key", Text, "Row of that table: state, parameter or holiday."),
    required("new_values", JSONB, "Column to its stricter value; empty for accept_low_confidence."),
    required("effective_from", Date, "First local day on which it counts."),
    required("reason", Text, "Why, with the source."),
    required("changed_by", Text, "Member who made it."),
    required("changed_at", INSTANT, "Instant at which it was made."),
    CheckConstraint("kind in (" + ", ".join(f"'{kind}'" for kind in RULE_CHANGE_KINDS) + ")", name="kind"),
    Index(None, "org_id", "table_name", "row_key"),
    comment="What an org's operator made stricter, and which doubtful rows were accepted. Append-only.",
)

jurisdiction_holds = Table(
    "jurisdiction_holds",
    metadata,
    Column("hold_id", Uuid, primary_key=True, comment="Identity of the hold."),
    org_column(),
    required("state", Text, "State whose people are not contacted; `*` for everywhere."),
    required("channels", ARRAY(Text), "Channels it stops: sms, voice, mail, email."),
    required("reason", Text, "Why, e.g. a declared emergency, with the source."),
    required("held_from", INSTANT, "Instant from which it holds, queued messages included."),
    required("placed_by", Text, "Member who placed it."),
    optional("lifted_at", INSTANT, "Instant at which it was lifted; null: it holds."),
    optional("lifted_by", Text, "Member who lifted it."),
    CheckConstraint("(lifted_at is null) = (lifted_by is null)", name="lifted"),
    Index(None, "org_id", "state"),
    comment="Places an org does not contact for now.",
)

CALLING_WIDTHS = ("default", "state_table")

outreach_profiles = Table(
    "outreach_profiles",
    metadata,
    org_column(primary_key=True),
    required("sender_name", Text, "Name under which the org writes and calls."),
    required("postal_address", Text, "Valid postal address of the sender (15 USC 7704(a)(5))."),
    optional("callback_e164", Text, "Number that letters and calls give."),
    optional("from_email", Text, "Address that e-mails come from."),
    optional("link_domain", Text, "The org's own domain for tracked links; null: links are not tracked."),
    required(
        "calling_width", Text, "default, or state_table: up to each state's own limits.", server_default="default"
    ),
    required("most_per_24h", Integer, "Messages to one person in 24 rolling hours, all senders.", server_default="1"),
    required("most_per_7d", Integer, "Messages to one person in 7 rolling days, all senders.", server_default="3"),
    required("messages_per_second", Integer, "Most that all dispatchers send together.", server_default="50"),
    required("brand_daily_limit", Integer, "Texts of the brand a day, midnight Pacific.", server_default="2000"),
    required("needs_second_person", Boolean, "Approval by another than the author.", server_default=text("true")),
    required("changed_by", Text, "Member who last changed it."),
    required("changed_at", INSTANT, "Instant of the last change."),
    CheckConstraint("calling_width in ('default', 'state_table')", name="calling_width"),
    CheckConstraint(
        "most_per_24h between 0 and 3 and most_per_7d between 0 and 21 and messages_per_second > 0"
        " and brand_daily_limit >= 0",
        name="limits",
    ),
    comment="How an org presents itself, and the limits it keeps.",
)

senders = Table(
    "senders",
    metadata,
    org_column(primary_key=True),
    Column("sender", Text, primary_key=True, comment="E.164 number or Messaging Service that texts come from."),
    required("brand", Text, "Registered brand; its daily limit counts over all its senders."),
    required("campaign_registration", Text, "Registered campaign use case at the carriers."),
    required("per_second", Integer, "Messages a second that carriers allow this sender.", server_default="1"),
    required("is_active", Boolean, "May be sent from.", server_default=text("true")),
    CheckConstraint("per_second > 0", name="per_second"),
    comment="Numbers and Messaging Services that an org texts from.",
)

members = Table(
    "members",
    metadata,
    org_column(primary_key=True),
    Column("member", Text, primary_key=True, comment="Name the person signs with."),
    required("added_at", INSTANT, "Instant at which the person joined.", server_default=func.now()),
    optional("removed_at", INSTANT, "Instant at which the person left; null: active."),
    comment="People who act for an org.",
)

attestations = Table(
    "attestations",
    metadata,
    Column("attestation_id", Uuid, primary_key=True, comment="Identity of the attestation."),
    org_column(),
    required("purpose", Text, "Permissible purpose, e.g. property_acquisition."),
    required("wording", Text, "The exact words that were agreed to."),
    required("attested_by", Text, "Member who attested."),
    required("attested_at", INSTANT, "Instant at which it was attested."),
    optional("withdrawn_at", INSTANT, "Instant at which it was withdrawn; null: it stands."),
    Index(None, "org_id", "purpose"),
    comment="For what an org may look people up. Skip tracing needs one that stands.",
)
