"""Every table of the schema `leadflow`, as SQLAlchemy Core.

The migrations in sql/migrations create them; a test proves that both say the same. Queries belong to the
slices that need them, marts to dbt.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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


def _required(name: str, kind: Any, comment: str, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, comment=comment, **options)


def _optional(name: str, kind: Any, comment: str, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=True, comment=comment, **options)


def _org(*, primary_key: bool = False, is_bulk: bool = False) -> Column[Any]:
    """The tenant column. A bulk table has no foreign key: that took a third of a load of 200 k rows."""
    return Column(
        "org_id",
        Uuid,
        *([] if is_bulk else [ForeignKey(f"{SCHEMA}.orgs.org_id")]),
        nullable=False,
        primary_key=primary_key,
        comment="Org that owns the row; row-level security compares it with app.org_id.",
    )


orgs = Table(
    "orgs",
    metadata,
    Column(
        "org_id",
        Uuid,
        primary_key=True,
        server_default=func.gen_random_uuid(),
        comment="Identity of the org; never reused.",
    ),
    _required("slug", Text, "Short name used in commands, lake prefixes and role names.", unique=True),
    _required("name", Text, "Name for people."),
    _required("is_simulated", Boolean, "Knows only simulated vendors; fixed when the org is made."),
    _required("created_at", INSTANT, "Instant at which the org was made.", server_default=func.now()),
    comment="Tenants. An org's records, money and people never meet another's.",
)

bi_logins = Table(
    "bi_logins",
    metadata,
    Column("role_name", Text, primary_key=True, comment="Postgres login that reads the org's marts."),
    _org(),
    comment="Which org's marts a BI login may read.",
)

budget_limits = Table(
    "budget_limits",
    metadata,
    _org(primary_key=True),
    Column("provider", Text, primary_key=True, comment="Provider; `*` limits all providers together."),
    Column("period", Text, primary_key=True, comment="Period that the limit covers."),
    _required("limit_cents", CENTS, "Most that may be spent and reserved in one period, US cents."),
    _required("set_by", Text, "Who set it: a person, or `default`."),
    _required("set_at", INSTANT, "Instant at which it was set.", server_default=func.now()),
    CheckConstraint("period in ('day', 'month')", name="period"),
    CheckConstraint("limit_cents >= 0", name="limit_cents"),
    comment="Hard limits on paid calls.",
)

budget_days = Table(
    "budget_days",
    metadata,
    _org(primary_key=True),
    Column("provider", Text, primary_key=True, comment="Provider; `*` sums all providers."),
    Column("day", Date, primary_key=True, comment="Calendar day in LEADFLOW_TIMEZONE."),
    _required("spent_cents", CENTS, "Settled, US cents.", server_default=text("0")),
    _required("reserved_cents", CENTS, "Worst case of the calls under way, US cents.", server_default=text("0")),
    CheckConstraint("spent_cents >= 0", name="spent_cents"),
    CheckConstraint("reserved_cents >= 0", name="reserved_cents"),
    comment="What a day has spent and reserved; one conditional update here is the budget.",
)

budget_months = Table(
    "budget_months",
    metadata,
    _org(primary_key=True),
    Column("provider", Text, primary_key=True, comment="Provider; `*` sums all providers."),
    Column("month", Date, primary_key=True, comment="First day of the calendar month in LEADFLOW_TIMEZONE."),
    _required("spent_cents", CENTS, "Settled, US cents.", server_default=text("0")),
    _required("reserved_cents", CENTS, "Worst case of the calls under way, US cents.", server_default=text("0")),
    CheckConstraint("spent_cents >= 0", name="spent_cents"),
    CheckConstraint("reserved_cents >= 0", name="reserved_cents"),
    comment="What a month has spent and reserved, the sum of its days.",
)

budget_runs = Table(
    "budget_runs",
    metadata,
    _org(primary_key=True),
    Column("run_id", Text, primary_key=True, comment="Run or command that may spend so much."),
    _required("limit_cents", CENTS, "Most that the run may spend and reserve, US cents."),
    _required("spent_cents", CENTS, "Settled, US cents.", server_default=text("0")),
    _required("reserved_cents", CENTS, "Worst case of the calls under way, US cents.", server_default=text("0")),
    _required("opened_at", INSTANT, "Instant at which the limit was given.", server_default=func.now()),
    CheckConstraint("limit_cents >= 0", name="limit_cents"),
    CheckConstraint("spent_cents >= 0", name="spent_cents"),
    CheckConstraint("reserved_cents >= 0", name="reserved_cents"),
    comment="Runs that were given a limit of their own, with what they spent and reserved.",
)

RESERVATION_STATES = ("reserved", "settled", "released", "unknown")
reservation_state = Enum(*RESERVATION_STATES, name="reservation_state", schema=SCHEMA, metadata=metadata)

reservations = Table(
    "reservations",
    metadata,
    Column("reservation_id", Uuid, primary_key=True, comment="Identity of the reservation."),
    _org(),
    _required("provider", Text, "Provider about to be called."),
    _required("day", Date, "Budget day, in LEADFLOW_TIMEZONE."),
    _required("amount_cents", CENTS, "Worst-case price reserved, US cents."),
    _optional("settled_cents", CENTS, "What the call did cost, US cents; null until closed."),
    _required("state", reservation_state, "unknown: the answer was lost, so the amount counts as spent."),
    _required("fingerprint", Text, "Fingerprint of the request."),
    _optional("run_id", Text, "Run or command that reserved."),
    _optional("correlation_id", Text, "Ties the run, its calls and its log lines together."),
    _required("created_at", INSTANT, "Instant of the reservation.", server_default=func.now()),
    _optional("closed_at", INSTANT, "Instant at which it was settled or released."),
    CheckConstraint("amount_cents >= 0", name="amount_cents"),
    CheckConstraint("settled_cents >= 0", name="settled_cents"),
    Index(None, "org_id", "day", "provider"),
    comment="Money set aside before a call is made.",
)

provider_pulls = Table(
    "provider_pulls",
    metadata,
    _org(primary_key=True),
    Column("fingerprint", Text, primary_key=True, comment="Hash of provider, endpoint, parameters and day."),
    _required("provider", Text, "Provider that answered."),
    _required("endpoint", Text, "Endpoint that was called."),
    _optional("zip", Text, "ZIP asked for; null where the call is not about one."),
    _required("day", Date, "Partition day."),
    _required("parameters", JSONB, "Canonical parameters, without secrets.", server_default=NO_JSON),
    _required("path", Text, "Where the raw answer lies, relative to the org's lake."),
    _required("items", Integer, "Records in the answer."),
    _required("cost_cents", CENTS, "What it cost, US cents.", server_default=text("0")),
    _required("fetched_at", INSTANT, "Instant at which the answer was received.", server_default=func.now()),
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
    _org(),
    _required("provider", Text, "Provider called."),
    _required("endpoint", Text, "Endpoint called."),
    _required("fingerprint", Text, "Fingerprint of the request."),
    _optional("reservation_id", Uuid, "Reservation that covered it; null where nothing was reserved."),
    _optional("run_id", Text, "Run or command that called."),
    _optional("correlation_id", Text, "Ties the run, its calls and its log lines together."),
    _optional("asset_key", Text, "Asset that was being made."),
    _optional("zip", Text, "ZIP asked for; null where the call is not about one."),
    _required("day", Date, "Budget day, in LEADFLOW_TIMEZONE."),
    _required("attempt", Integer, "1 is the first attempt of a call."),
    _required("outcome", Text, "budget: refused before it was sent. unknown: sent, the answer was lost."),
    _optional("http_status", Integer, "HTTP status; null where none was received."),
    _optional("latency_ms", Integer, "Milliseconds from request to answer."),
    _required("items", Integer, "Records in the answer.", server_default=text("0")),
    _required("cost_cents", CENTS, "What it cost, US cents.", server_default=text("0")),
    _optional("message", Text, "What went wrong, without secrets or personal data."),
    _required("called_at", INSTANT, "Instant of the attempt.", server_default=func.now()),
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
    _required("state", breaker_state, "open: nobody asks. half_open: one probe is under way."),
    _required("failures", Integer, "Transient failures in a row."),
    _required("openings", Integer, "Openings in a row without a success; each doubles the pause."),
    _optional("open_until", INSTANT, "Instant from which one probe may ask again; null while closed."),
    _optional("probe_until", INSTANT, "Instant at which the probe under way counts as lost; null without one."),
    _required("changed_at", INSTANT, "Instant of the last change."),
    CheckConstraint("failures >= 0", name="failures"),
    CheckConstraint("openings >= 0", name="openings"),
    comment="One breaker a provider and host, shared by all processes and orgs; absent: closed, without failures.",
)

provider_breaker_changes = Table(
    "provider_breaker_changes",
    metadata,
    Column("change_id", BigInteger, Identity(always=True), primary_key=True, comment="Order of the changes."),
    _required("provider", Text, "Provider whose breaker changed."),
    _required("host", Text, "Who answers."),
    _required("state", breaker_state, "State it changed to."),
    _required("failures", Integer, "Transient failures in a row by then."),
    _optional("reason", Text, "The last failure, without secrets or personal data; null for a closing."),
    _required("changed_at", INSTANT, "Instant of the change."),
    Index(None, "provider", "changed_at"),
    comment="Openings and closings of breakers, append-only.",
)

provider_rates = Table(
    "provider_rates",
    metadata,
    Column("rate_key", Text, primary_key=True, comment="Hash of the provider, its host and its key."),
    _required("provider", Text, "Provider that limits the rate."),
    _required("next_at", INSTANT, "Instant up to which calls have been let through, one interval each."),
    comment="When the next call with a provider's key may start, shared by all processes and orgs.",
)

imported_files = Table(
    "imported_files",
    metadata,
    _org(primary_key=True),
    Column("source", Text, primary_key=True, comment="Name given to the file's source."),
    Column("sha256", Text, primary_key=True, comment="Hash of the file's bytes, hex."),
    _required("file_name", Text, "Name of the file as given."),
    _required("mapping", JSONB, "Mapping with which it was read."),
    _required("day", Date, "Partition day it was imported under."),
    _required("rows_in", Integer, "Rows read; records + rejected."),
    _required("records", Integer, "Rows that became records."),
    _required("rejected", Integer, "Rows refused, each with its reason in rejected_records."),
    _required("unlocated", Integer, "Records that no evidence places in a ZIP."),
    _required("imported_at", INSTANT, "Instant of the import.", server_default=func.now()),
    comment="County files already read, so that a second import changes nothing.",
)

DECISIONS = ("together", "apart")

property_decisions = Table(
    "property_decisions",
    metadata,
    Column("decision_id", Uuid, primary_key=True, comment="Identity of the decision."),
    _org(),
    _required("left_record_id", Text, "The pair's smaller record_id, so that a pair has one row whatever its order."),
    _required("right_record_id", Text, "The pair's larger record_id."),
    _required("decision", Text, "together: one property. apart: two."),
    _required("decided_by", Text, "Who decided, as named with --as."),
    _required("decided_at", INSTANT, "Instant of the decision."),
    _optional("note", Text, "Why, in the operator's words."),
    CheckConstraint("decision in (" + ", ".join(f"'{name}'" for name in DECISIONS) + ")", name="decision"),
    CheckConstraint('left_record_id < right_record_id collate "C"', name="pair"),
    UniqueConstraint("org_id", "left_record_id", "right_record_id"),
    comment="What operators decided about two records; every run obeys it. One row a pair: the newest word.",
)

CONTACT_KINDS = ("phone", "email", "mailing")

suppressions = Table(
    "suppressions",
    metadata,
    _org(primary_key=True),
    Column("kind", Text, primary_key=True, comment="phone, email or mailing."),
    Column("contact_value", Text, primary_key=True, comment="E.164 number, lower-case e-mail or address key."),
    _required("reason", Text, "Why nobody may write or call there."),
    _required("source", Text, "Where the wish came from."),
    _required("suppressed_at", INSTANT, "Instant from which it holds.", server_default=func.now()),
    CheckConstraint("kind in (" + ", ".join(f"'{name}'" for name in CONTACT_KINDS) + ")", name="kind"),
    comment="Contact points nobody of the org may use. Never expires.",
)

consents = Table(
    "consents",
    metadata,
    Column("consent_id", Uuid, primary_key=True, comment="Identity of the consent."),
    _org(),
    _required("contact_value", Text, "E.164 number, lower-case e-mail or address key."),
    _required("channel", Text, "Channel it covers: sms, voice, mail or email."),
    _required("purpose", Text, "Purpose it covers, in the words of the form."),
    _required("kind", Text, "Kind of consent, e.g. express_written."),
    _required("wording", Text, "The exact words the person agreed to."),
    _required("source", Text, "Where it was given: form, call or paper."),
    _required("captured_at", INSTANT, "Instant at which it was given."),
    _optional("expires_at", INSTANT, "Instant after which it no longer holds; null: none set."),
    _optional("revoked_at", INSTANT, "Instant at which it was withdrawn; null: it stands."),
    Index(None, "org_id", "contact_value"),
    comment="First-party consents: what was agreed to, by whom, when and in which words.",
)

outreach_list_entries = Table(
    "outreach_list_entries",
    metadata,
    _org(primary_key=True, is_bulk=True),
    Column("day", Date, primary_key=True, comment="Partition day."),
    Column("contact_point_id", Text, primary_key=True, comment="Contact point, as in lead_contacts."),
    Column("channel", Text, primary_key=True, comment="sms, voice (dialled by hand), mail or email."),
    _required("zip", Text, "ZIP partition: five digits, or `unlocated`."),
    _required("property_id", Text, "Stable identity of the property."),
    _required("verdict", Text, "cleared or blocked."),
    _required("reason_codes", ARRAY(Text), "Every reason that blocks; empty when cleared."),
    _required("contact_value", Text, "Phone, e-mail or mailing address of the contact point."),
    _optional("person_name", Text, "Person to ask for."),
    _optional("zones", ARRAY(Text), "Every plausible IANA zone of the person."),
    _optional("states", ARRAY(Text), "Every plausible state of the person."),
    _optional("calling_windows", JSONB, "Weekly windows inside all zones and states; null for mail and e-mail."),
    _optional("next_open_at", INSTANT, "First instant at which a call or text may start."),
    _required("valid_until", INSTANT, "After this instant the clearance no longer holds."),
    _required("rule_version", Text, "Version of the rules that decided."),
    _required("evidence_hash", Text, "Hash of everything the decision looked at."),
    CheckConstraint("verdict in ('cleared', 'blocked')", name="verdict"),
    Index(None, "org_id", "day", "zip"),
    comment="The outreach lists as decided, for the transactions that send.",
)

CRAWL_STATES = ("queued", "done", "failed", "refused")

crawl_pages = Table(
    "crawl_pages",
    metadata,
    _org(primary_key=True),
    Column("recipe", Text, primary_key=True, comment="Recipe that asks for the page; also its provider name."),
    Column("day", Date, primary_key=True, comment="Partition day."),
    Column("url_hash", Text, primary_key=True, comment="SHA-256 of what is asked for: the URL, and the form's values."),
    _required("url", Text, "Address of the page, without fragment."),
    _required("kind", Text, "search: a form to fill in. list: rows. detail: one property."),
    _optional("zip", Text, "ZIP whose search led here; null where none did."),
    _required(
        "carried", JSONB, "What is known already: a form's values, or the list row of a detail.", server_default=NO_JSON
    ),
    _required("state", Text, "refused: robots.txt or the recipe's own limits forbid it, or the site turned it away."),
    _required("attempts", Integer, "Requests begun for it.", server_default=text("0")),
    _required("queued_at", INSTANT, "Instant at which it was found; pages are asked for in this order."),
    _required("place", Integer, "Order among the pages found at the same instant.", server_default=text("0")),
    _optional("fetched_at", INSTANT, "Instant at which it was received; null until then."),
    _optional("html_path", Text, "Where its HTML lies below LEADFLOW_HOME; kept for pages that failed."),
    _required("items", Integer, "Items it gave.", server_default=text("0")),
    _optional("message", Text, "Why it failed or was refused."),
    CheckConstraint("kind in ('search', 'list', 'detail')", name="kind"),
    CheckConstraint("state in (" + ", ".join(f"'{name}'" for name in CRAWL_STATES) + ")", name="state"),
    CheckConstraint("items >= 0", name="items"),
    Index(
        None,
        "org_id",
        "recipe",
        "day",
        "queued_at",
        "place",
        postgresql_where=text("state = 'queued'"),
    ),
    comment="Pages of county sites: what is still to be fetched, and what became of the rest. A page done stays done.",
)

crawl_days = Table(
    "crawl_days",
    metadata,
    _org(primary_key=True),
    Column("recipe", Text, primary_key=True, comment="Recipe."),
    Column("day", Date, primary_key=True, comment="Calendar day of the requests in LEADFLOW_TIMEZONE."),
    _required("requests", Integer, "Pages asked for, repeated attempts included.", server_default=text("0")),
    CheckConstraint("requests >= 0", name="requests"),
    comment="What a day's crawling has asked of a site; one conditional update here is the crawl budget.",
)

crawl_stops = Table(
    "crawl_stops",
    metadata,
    _org(primary_key=True),
    Column("recipe", Text, primary_key=True, comment="Recipe that is stopped."),
    _required("kind", Text, "What the site answered with: login, captcha, forbidden, too_many or block_page."),
    _required("url", Text, "Page that was answered so."),
    _required("message", Text, "What happened, for the operator."),
    _optional("html_path", Text, "Where the answer's HTML lies below LEADFLOW_HOME."),
    _required("stopped_at", INSTANT, "Instant of the answer."),
    comment="Recipes a site has turned away. They stay stopped until an operator clears them.",
)

crawl_robots = Table(
    "crawl_robots",
    metadata,
    _org(primary_key=True),
    Column("host", Text, primary_key=True, comment="Scheme, host and port of the site."),
    Column("day", Date, primary_key=True, comment="Calendar day in LEADFLOW_TIMEZONE."),
    _required("http_status", Integer, "Status with which robots.txt was answered."),
    _required("body", Text, "robots.txt as it was that day; empty where there is none."),
    _required("fetched_at", INSTANT, "Instant at which it was received."),
    comment="robots.txt of crawled sites, asked for once per host and day.",
)
