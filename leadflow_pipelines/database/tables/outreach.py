"""Whom nobody may contact, who agreed to what, and the lists as decided."""

from sqlalchemy import CheckConstraint, Column, Date, Index, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from leadflow_pipelines.database.tables.columns import INSTANT, metadata, optional, org_column, required

CONTACT_KINDS = ("phone", "email", "mailing")

suppressions = Table(
    "suppressions",
    metadata,
    org_column(primary_key=True),
    Column("kind", Text, primary_key=True, comment="phone, email or mailing."),
    Column("contact_value", Text, primary_key=True, comment="E.164 number, lower-case e-mail or address key."),
    required("reason", Text, "Why nobody may write or call there."),
    required("source", Text, "Where the wish came from."),
    required("suppressed_at", INSTANT, "Instant from which it holds.", server_default=func.now()),
    CheckConstraint("kind in (" + ", ".join(f"'{name}'" for name in CONTACT_KINDS) + ")", name="kind"),
    comment="Contact points nobody of the org may use. Never expires.",
)

consents = Table(
    "consents",
    metadata,
    Column("consent_id", Uuid, primary_key=True, comment="Identity of the consent."),
    org_column(),
    required("contact_value", Text, "E.164 number, lower-case e-mail or address key."),
    required("channel", Text, "Channel it covers: sms, voice, mail or email."),
    required("purpose", Text, "Purpose it covers, in the words of the form."),
    required("kind", Text, "Kind of consent, e.g. express_written."),
    required("wording", Text, "The exact words the person agreed to."),
    required("source", Text, "Where it was given: form, call or paper."),
    required("captured_at", INSTANT, "Instant at which it was given."),
    optional("expires_at", INSTANT, "Instant after which it no longer holds; null: none set."),
    optional("revoked_at", INSTANT, "Instant at which it was withdrawn; null: it stands."),
    Index(None, "org_id", "contact_value"),
    comment="First-party consents: what was agreed to, by whom, when and in which words.",
)

outreach_list_entries = Table(
    "outreach_list_entries",
    metadata,
    org_column(primary_key=True, is_bulk=True),
    Column("day", Date, primary_key=True, comment="Partition day."),
    Column("contact_point_id", Text, primary_key=True, comment="Contact point, as in lead_contacts."),
    Column("channel", Text, primary_key=True, comment="sms, voice (dialled by hand), mail or email."),
    required("zip", Text, "ZIP partition: five digits, or `unlocated`."),
    required("property_id", Text, "Stable identity of the property."),
    required("verdict", Text, "cleared or blocked."),
    required("reason_codes", ARRAY(Text), "Every reason that blocks; empty when cleared."),
    required("contact_value", Text, "Phone, e-mail or mailing address of the contact point."),
    optional("person_name", Text, "Person to ask for."),
    optional("zones", ARRAY(Text), "Every plausible IANA zone of the person."),
    optional("states", ARRAY(Text), "Every plausible state of the person."),
    optional("calling_windows", JSONB, "Weekly windows inside all zones and states; null for mail and e-mail."),
    optional("next_open_at", INSTANT, "First instant at which a call or text may start."),
    required("valid_until", INSTANT, "After this instant the clearance no longer holds."),
    required("rule_version", Text, "Version of the rules that decided."),
    required("evidence_hash", Text, "Hash of everything the decision looked at."),
    CheckConstraint("verdict in ('cleared', 'blocked')", name="verdict"),
    Index(None, "org_id", "day", "zip"),
    comment="The outreach lists as decided, for the transactions that send.",
)
