"""Whom nobody may contact, who agreed to what, what lists say of numbers, and the outreach lists as decided."""

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from leadflow_pipelines.database.tables.columns import CENTS, INSTANT, metadata, optional, org_column, required


def one_of(name: str, values: tuple[str, ...]) -> CheckConstraint:
    """A check that a text column holds one of a few codes."""
    return CheckConstraint(f"{name} in (" + ", ".join(f"'{value}'" for value in values) + ")", name=name)


CONTACT_KINDS = ("phone", "email", "mailing")
SUPPRESSION_ORIGINS = ("stop", "revocation", "operator", "deletion", "bounce", "wrong_number", "returned_mail")
"""Only what `stop` set is lifted again by START."""

suppressions = Table(
    "suppressions",
    metadata,
    org_column(primary_key=True),
    Column("kind", Text, primary_key=True, comment="phone, email or mailing."),
    Column("contact_hash", Text, primary_key=True, comment="Keyed hash of the contact value, with its key version."),
    Column("origin", Text, primary_key=True, comment="Where the wish came from; START lifts only `stop`."),
    optional("contact_value", Text, "E.164 number, lower-case e-mail or address; null once erased."),
    required("reason", Text, "Why nobody may write or call there."),
    required("source", Text, "Message, member or file that said so."),
    required("suppressed_at", INSTANT, "Instant from which it holds.", server_default=func.now()),
    optional("lifted_at", INSTANT, "Instant at which START lifted it; null: it holds."),
    one_of("kind", CONTACT_KINDS),
    one_of("origin", SUPPRESSION_ORIGINS),
    CheckConstraint("lifted_at is null or origin = 'stop'", name="lifted"),
    comment="Contact points nobody of the org may use. Never expires.",
)

consents = Table(
    "consents",
    metadata,
    Column("consent_id", Uuid, primary_key=True, comment="Identity of the consent."),
    org_column(),
    required("contact_hash", Text, "Keyed hash of the contact value, with its key version."),
    optional("contact_value", Text, "E.164 number, lower-case e-mail or address; null once erased."),
    required("channel", Text, "Channel it covers: sms, voice, mail or email."),
    required("purpose", Text, "Purpose it covers: marketing, transactional, …"),
    required("kind", Text, "Kind of consent, e.g. express_written."),
    required("given_to", Text, "Organisation that the wording names; another's consent is worth nothing here."),
    required("wording", Text, "The exact words the person agreed to."),
    required("source", Text, "Where it was given: form, call or paper."),
    required("captured_at", INSTANT, "Instant at which it was given."),
    optional("expires_at", INSTANT, "Instant after which it no longer holds; null: none set."),
    optional("revoked_at", INSTANT, "Instant at which it was withdrawn; null: it stands."),
    optional("revoked_by", Text, "Message, member or file that withdrew it."),
    optional("evidence_path", Text, "File that shows it, below the org's evidence folder."),
    optional("evidence_sha256", Text, "Digest of that file."),
    required("recorded_by", Text, "Member or command that recorded it."),
    required("recorded_at", INSTANT, "Instant at which it was recorded."),
    Index(None, "org_id", "contact_hash"),
    comment="First-party consents: what was agreed to, by whom, when and in which words.",
)

registry_licences = Table(
    "registry_licences",
    metadata,
    org_column(primary_key=True),
    Column("registry", Text, primary_key=True, comment="ftc, or state:XX."),
    required("account", Text, "The org's own account: Subscription Account Number, or the state's."),
    required("area_codes", ARRAY(Text), "Area codes the account covers; empty: all."),
    required("valid_from", Date, "First day of the subscription."),
    required("valid_to", Date, "Last day of the subscription."),
    required("attested_by", Text, "Member who stated that the account is the org's own and paid for."),
    required("attested_at", INSTANT, "Instant of that statement."),
    comment="Under which account of its own an org reads a do-not-call registry. Never shared between orgs.",
)

REGISTRY_FILE_KINDS = ("full", "change")

registry_versions = Table(
    "registry_versions",
    metadata,
    Column("version_id", Text, primary_key=True, comment="Registry, day and digest of the numbers."),
    org_column(primary_key=True),
    required("registry", Text, "ftc, state:XX or litigators."),
    required("file_kind", Text, "full, or change: the base with its additions and deletions."),
    optional("base_version_id", Text, "Version that a change list was applied to."),
    required("as_of", Date, "Day on which the registry wrote the file; it is stale 31 days later."),
    required("area_codes", ARRAY(Text), "Area codes the version answers for; empty: all."),
    required("numbers", Integer, "Numbers listed."),
    required("file_sha256", Text, "Digest of the file that was imported."),
    required("path", Text, "Folder of the bit sets, below the org's registry folder."),
    required("imported_by", Text, "Member or command that imported it."),
    required("imported_at", INSTANT, "Instant at which it was whole."),
    one_of("file_kind", REGISTRY_FILE_KINDS),
    Index(None, "org_id", "registry", "as_of"),
    comment="Imported do-not-call and litigator lists. Immutable: a decision names the versions it looked at.",
)

LOOKUP_KINDS = ("dnc", "reassigned", "line_type")
LOOKUP_ANSWERS = ("yes", "no", "unknown")

number_lookups = Table(
    "number_lookups",
    metadata,
    org_column(primary_key=True),
    Column("kind", Text, primary_key=True, comment="dnc, reassigned or line_type."),
    Column("contact_hash", Text, primary_key=True, comment="Keyed hash of the number, with its key version."),
    Column("list_version", Text, primary_key=True, comment="The vendor's list or day that answered."),
    required("provider", Text, "Vendor that was asked."),
    required("answer", Text, "yes: a hit. no. unknown: `?`, null or anything else; counts as a hit."),
    required("details", JSONB, "The vendor's other fields, e.g. is_litigator, line type, state list."),
    optional("asked_about", Date, "Day of the consent or last contact that a reassignment check was about."),
    required("answered_at", INSTANT, "Instant of the answer."),
    required("cost_cents", CENTS, "What it cost, US cents.", server_default="0"),
    one_of("kind", LOOKUP_KINDS),
    one_of("answer", LOOKUP_ANSWERS),
    comment="What vendors answered about numbers, per org: an answer bought by one org serves no other.",
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
