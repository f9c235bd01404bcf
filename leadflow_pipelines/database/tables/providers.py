"""Calls to providers: what is cached, what was called, and the state that all processes share."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Enum,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from leadflow_pipelines.database.tables.columns import (
    CENTS,
    INSTANT,
    NO_JSON,
    SCHEMA,
    metadata,
    optional,
    org_column,
    required,
)

provider_pulls = Table(
    "provider_pulls",
    metadata,
    org_column(primary_key=True),
    Column("fingerprint", Text, primary_key=True, comment="Hash of provider, endpoint, parameters and day."),
    required("provider", Text, "Provider that answered."),
    required("endpoint", Text, "Endpoint that was called."),
    optional("zip", Text, "ZIP asked for; null where the call is not about one."),
    required("day", Date, "Partition day."),
    required("parameters", JSONB, "Canonical parameters, without secrets.", server_default=NO_JSON),
    required("path", Text, "Where the raw answer lies, relative to the org's lake."),
    required("items", Integer, "Records in the answer."),
    required("cost_cents", CENTS, "What it cost, US cents.", server_default=text("0")),
    required("fetched_at", INSTANT, "Instant at which the answer was received.", server_default=func.now()),
    CheckConstraint("items >= 0", name="items"),
    CheckConstraint("cost_cents >= 0", name="cost_cents"),
    Index(None, "org_id", "provider", "day", "zip"),
    comment="The authority on what is cached: a pull that is here is not bought again.",
)

CALL_OUTCOMES = ("ok", "cache_hit", "transient", "terminal", "unknown", "budget")

provider_calls = Table(
    "provider_calls",
    metadata,
    Column("call_id", Uuid, primary_key=True, comment="Identity of the attempt."),
    org_column(),
    required("provider", Text, "Provider called."),
    required("endpoint", Text, "Endpoint called."),
    required("fingerprint", Text, "Fingerprint of the request."),
    optional("reservation_id", Uuid, "Reservation that covered it; null where nothing was reserved."),
    optional("run_id", Text, "Run or command that called."),
    optional("correlation_id", Text, "Ties the run, its calls and its log lines together."),
    optional("asset_key", Text, "Asset that was being made."),
    optional("zip", Text, "ZIP asked for; null where the call is not about one."),
    required("day", Date, "Budget day, in LEADFLOW_TIMEZONE."),
    required("attempt", Integer, "1 is the first attempt of a call."),
    required("outcome", Text, "budget: refused before it was sent. unknown: sent, the answer was lost."),
    optional("http_status", Integer, "HTTP status; null where none was received."),
    optional("latency_ms", Integer, "Milliseconds from request to answer."),
    required("items", Integer, "Records in the answer.", server_default=text("0")),
    required("cost_cents", CENTS, "What it cost, US cents.", server_default=text("0")),
    optional("message", Text, "What went wrong, without secrets or personal data."),
    required("called_at", INSTANT, "Instant of the attempt.", server_default=func.now()),
    CheckConstraint("outcome in (" + ", ".join(f"'{name}'" for name in CALL_OUTCOMES) + ")", name="outcome"),
    CheckConstraint("attempt >= 1", name="attempt"),
    CheckConstraint("cost_cents >= 0", name="cost_cents"),
    Index(None, "org_id", "day", "provider"),
    comment="The spend ledger: every attempt, append-only.",
)

BREAKER_STATES = ("closed", "open", "half_open")
breaker_state = Enum(*BREAKER_STATES, name="breaker_state", schema=SCHEMA, metadata=metadata)

provider_breakers = Table(
    "provider_breakers",
    metadata,
    Column("provider", Text, primary_key=True, comment="Provider that the breaker guards."),
    Column("host", Text, primary_key=True, comment="Who answers, so that a simulated vendor and the real one are two."),
    required("state", breaker_state, "open: nobody asks. half_open: one probe is under way."),
    required("failures", Integer, "Transient failures in a row."),
    required("openings", Integer, "Openings in a row without a success; each doubles the pause."),
    optional("open_until", INSTANT, "Instant from which one probe may ask again; null while closed."),
    optional("probe_until", INSTANT, "Instant at which the probe under way counts as lost; null without one."),
    required("changed_at", INSTANT, "Instant of the last change."),
    CheckConstraint("failures >= 0", name="failures"),
    CheckConstraint("openings >= 0", name="openings"),
    comment="One breaker a provider and host, shared by all processes and orgs; absent: closed, without failures.",
)

provider_breaker_changes = Table(
    "provider_breaker_changes",
    metadata,
    Column("change_id", BigInteger, Identity(always=True), primary_key=True, comment="Order of the changes."),
    required("provider", Text, "Provider whose breaker changed."),
    required("host", Text, "Who answers."),
    required("state", breaker_state, "State it changed to."),
    required("failures", Integer, "Transient failures in a row by then."),
    optional("reason", Text, "The last failure, without secrets or personal data; null for a closing."),
    required("changed_at", INSTANT, "Instant of the change."),
    Index(None, "provider", "changed_at"),
    comment="Openings and closings of breakers, append-only.",
)

provider_rates = Table(
    "provider_rates",
    metadata,
    Column("rate_key", Text, primary_key=True, comment="Hash of the provider, its host and its key."),
    required("provider", Text, "Provider that limits the rate."),
    required("next_at", INSTANT, "Instant up to which calls have been let through, one interval each."),
    comment="When the next call with a provider's key may start, shared by all processes and orgs.",
)
