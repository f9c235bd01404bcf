"""The outbox and what came back: intents to send, their fate, replies and clicks."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Enum,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from leadflow_pipelines.database.tables.columns import INSTANT, SCHEMA, metadata, optional, org_column, required

MESSAGE_STATES = ("queued", "sending", "accepted", "delivered", "failed", "blocked", "unknown", "cancelled")
message_state = Enum(*MESSAGE_STATES, name="message_state", schema=SCHEMA, metadata=metadata)

messages = Table(
    "messages",
    metadata,
    Column("message_id", Uuid, primary_key=True, comment="Identity of the intent; carried by its status callback."),
    org_column(is_bulk=True),
    required("campaign_id", Uuid, "Campaign it belongs to."),
    required("step", Integer, "Step of the campaign."),
    required("channel", Text, "sms, voice, mail or email."),
    required("contact_point_id", Text, "Contact point, as in the audience."),
    required("property_id", Text, "Property it is about."),
    required("contact_hash", Text, "Keyed hash of the contact value: one message a step, however often it is listed."),
    required("state", message_state, "queued → sending (about to be asked of the messenger) → its fate."),
    required("due_at", INSTANT, "Instant from which it may be sent."),
    optional("expires_at", INSTANT, "Instant after which it is not sent any more."),
    optional("claimed_by", Text, "Dispatcher that has it. Changed by every claim, so in no index."),
    optional("claimed_until", INSTANT, "Instant at which that claim counts as lost. In no index, too."),
    optional("sender", Text, "Number, service or address it was sent from."),
    optional("contact_value", Text, "Where it went; null before sending and once erased."),
    optional("body", Text, "Text as sent; null before sending and once erased."),
    optional("body_sha256", Text, "Digest of the text as sent; stays."),
    optional("segments", Integer, "SMS segments billed."),
    optional("decision_id", Uuid, "Decision at the instant of sending."),
    optional("provider_id", Text, "The messenger's identity of it (Twilio: the message SID)."),
    optional("attempted_at", INSTANT, "Instant at which the request was about to be made; counts towards caps."),
    optional("accepted_at", INSTANT, "Instant at which the messenger took it."),
    optional("settled_at", INSTANT, "Instant at which its fate was known."),
    optional("error_code", Text, "The messenger's error code, or why it was blocked."),
    optional("message", Text, "What went wrong, without personal data."),
    UniqueConstraint("campaign_id", "step", "contact_hash", name="once_a_step"),
    CheckConstraint("step >= 1", name="step"),
    CheckConstraint("(claimed_by is null) = (claimed_until is null)", name="claimed"),
    CheckConstraint("state <> 'sending' or claimed_until is not null", name="sending"),
    CheckConstraint(
        "state not in ('sending', 'accepted', 'delivered', 'unknown') or attempted_at is not null", name="attempted"
    ),
    Index("ix_messages_due", "campaign_id", "channel", "due_at", postgresql_where=text("state = 'queued'")),
    Index(
        "ix_messages_under_way",
        "org_id",
        "state",
        postgresql_where=text("state in ('sending', 'accepted', 'unknown')"),
    ),
    Index("ix_messages_lead", "campaign_id", "property_id", "step"),
    Index("ix_messages_person", "org_id", "contact_hash", "attempted_at"),
    Index("ix_messages_provider_id", "org_id", "provider_id", postgresql_where=text("provider_id is not null")),
    Index(
        "ix_messages_settled", "campaign_id", "settled_at", postgresql_where=text("state in ('delivered', 'failed')")
    ),
    postgresql_with={"fillfactor": 45},  # a claim of a whole page's messages stays on that page, and out of the indexes
    comment="One row per campaign, step and person: the intent is here before anything is asked of a messenger.",
)

message_events = Table(
    "message_events",
    metadata,
    Column("event_id", BigInteger, Identity(always=True), primary_key=True, comment="Order of arrival."),
    org_column(is_bulk=True),
    required("message_id", Uuid, "Message it is about."),
    required("provider_id", Text, "The messenger's identity of the message."),
    required("status", Text, "Status as the messenger names it."),
    optional("error_code", Text, "The messenger's error code."),
    required("received_at", INSTANT, "Instant of arrival."),
    UniqueConstraint("org_id", "message_id", "provider_id", "status", name="told_once"),
    comment="What messengers told about messages, append-only, each status once, in any order.",
)

REPLY_CLASSES = ("interested", "not_interested", "wrong_number", "revocation", "start", "help", "other")

inbound_messages = Table(
    "inbound_messages",
    metadata,
    Column("inbound_id", Uuid, primary_key=True, comment="Identity of the reply."),
    org_column(),
    required("provider_id", Text, "The messenger's identity of it."),
    required("channel", Text, "sms or email."),
    required("contact_hash", Text, "Keyed hash of the sender, with its key version."),
    optional("contact_value", Text, "Who wrote; null once erased."),
    optional("body", Text, "What was written; null once erased."),
    required("received_by", Text, "Number or address it came to."),
    required("received_at", INSTANT, "Instant of arrival."),
    optional("opt_out_type", Text, "STOP, START or HELP where the messenger recognised it."),
    required("reply_class", Text, "What the rules read in it."),
    required("needs_person", Boolean, "Doubtful: somebody has to read it."),
    optional("message_id", Uuid, "Message it most likely answers."),
    optional("campaign_id", Uuid, "Campaign of that message."),
    optional("property_id", Text, "Property of that message."),
    optional("handled_by", Text, "Member who read it."),
    optional("handled_at", INSTANT, "Instant at which it was read."),
    UniqueConstraint("org_id", "provider_id"),
    CheckConstraint("reply_class in (" + ", ".join(f"'{name}'" for name in REPLY_CLASSES) + ")", name="reply_class"),
    Index(None, "org_id", "received_at"),
    comment="Replies, each once, with what they mean and whether a person has to look.",
)

link_clicks = Table(
    "link_clicks",
    metadata,
    Column("click_id", BigInteger, Identity(always=True), primary_key=True, comment="Order of the clicks."),
    org_column(),
    required("message_id", Uuid, "Message whose link was followed."),
    required("link", Integer, "Number of the link in the text, from 1."),
    required("clicked_at", INSTANT, "Instant of the click."),
    required("is_counted", Boolean, "A person's; false: a preview, a scanner or a bot."),
    Index(None, "org_id", "message_id"),
    comment="Followed links.",
)

send_slots = Table(
    "send_slots",
    metadata,
    org_column(primary_key=True),
    Column("slot", Text, primary_key=True, comment="`org`, or a sender."),
    required("next_at", INSTANT, "Instant up to which messages have been let through, one interval each."),
    comment="When the next message may go, shared by all dispatchers.",
)

brand_days = Table(
    "brand_days",
    metadata,
    org_column(primary_key=True),
    Column("brand", Text, primary_key=True, comment="Registered brand."),
    Column("day", Date, primary_key=True, comment="Day in America/Los_Angeles, as carriers count."),
    required("messages", Integer, "Texts attempted."),
    CheckConstraint("messages >= 0", name="messages"),
    comment="Texts of a brand per day.",
)

CALL_OUTCOMES_BY_HAND = (
    "reached", "no_answer", "voicemail", "busy", "wrong_number", "do_not_call", "interested", "not_interested",
    "appointment", "disconnected",
)  # fmt: skip
CALLED_AGAIN = ("no_answer", "busy")
"""Outcomes after which the same message is queued again; each is an attempt of its own."""

call_results = Table(
    "call_results",
    metadata,
    Column("result_id", BigInteger, Identity(always=True), primary_key=True, comment="Order of entry."),
    org_column(),
    required("message_id", Uuid, "Call of the sheet."),
    required("outcome", Text, "What came of it."),
    optional("note", Text, "The caller's note; null once erased."),
    required("called_by", Text, "Member who called."),
    required("called_at", INSTANT, "Instant of the call."),
    CheckConstraint("outcome in (" + ", ".join(f"'{name}'" for name in CALL_OUTCOMES_BY_HAND) + ")", name="outcome"),
    Index(None, "org_id", "message_id"),
    comment="Outcomes of calls dialled by hand.",
)
