"""Limits, what was spent and reserved under them, and the reservations themselves."""

from sqlalchemy import CheckConstraint, Column, Date, Enum, Index, Table, Text, Uuid, func, text

from leadflow_pipelines.database.tables.columns import CENTS, INSTANT, SCHEMA, metadata, optional, org_column, required

budget_limits = Table(
    "budget_limits",
    metadata,
    org_column(primary_key=True),
    Column("provider", Text, primary_key=True, comment="Provider; `*` limits all providers together."),
    Column("period", Text, primary_key=True, comment="Period that the limit covers."),
    required("limit_cents", CENTS, "Most that may be spent and reserved in one period, US cents."),
    required("set_by", Text, "Who set it: a person, or `default`."),
    required("set_at", INSTANT, "Instant at which it was set.", server_default=func.now()),
    CheckConstraint("period in ('day', 'month')", name="period"),
    CheckConstraint("limit_cents >= 0", name="limit_cents"),
    comment="Hard limits on paid calls.",
)

budget_days = Table(
    "budget_days",
    metadata,
    org_column(primary_key=True),
    Column("provider", Text, primary_key=True, comment="Provider; `*` sums all providers."),
    Column("day", Date, primary_key=True, comment="Calendar day in LEADFLOW_TIMEZONE."),
    required("spent_cents", CENTS, "Settled, US cents.", server_default=text("0")),
    required("reserved_cents", CENTS, "Worst case of the calls under way, US cents.", server_default=text("0")),
    CheckConstraint("spent_cents >= 0", name="spent_cents"),
    CheckConstraint("reserved_cents >= 0", name="reserved_cents"),
    comment="What a day has spent and reserved; one conditional update here is the budget.",
)

budget_months = Table(
    "budget_months",
    metadata,
    org_column(primary_key=True),
    Column("provider", Text, primary_key=True, comment="Provider; `*` sums all providers."),
    Column("month", Date, primary_key=True, comment="First day of the calendar month in LEADFLOW_TIMEZONE."),
    required("spent_cents", CENTS, "Settled, US cents.", server_default=text("0")),
    required("reserved_cents", CENTS, "Worst case of the calls under way, US cents.", server_default=text("0")),
    CheckConstraint("spent_cents >= 0", name="spent_cents"),
    CheckConstraint("reserved_cents >= 0", name="reserved_cents"),
    comment="What a month has spent and reserved, the sum of its days.",
)

budget_runs = Table(
    "budget_runs",
    metadata,
    org_column(primary_key=True),
    Column("run_id", Text, primary_key=True, comment="Run or command that may spend so much."),
    required("limit_cents", CENTS, "Most that the run may spend and reserve, US cents."),
    required("spent_cents", CENTS, "Settled, US cents.", server_default=text("0")),
    required("reserved_cents", CENTS, "Worst case of the calls under way, US cents.", server_default=text("0")),
    required("opened_at", INSTANT, "Instant at which the limit was given.", server_default=func.now()),
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
    org_column(),
    required("provider", Text, "Provider about to be called."),
    required("day", Date, "Budget day, in LEADFLOW_TIMEZONE."),
    required("amount_cents", CENTS, "Worst-case price reserved, US cents."),
    optional("settled_cents", CENTS, "What the call did cost, US cents; null until closed."),
    required("state", reservation_state, "unknown: the answer was lost, so the amount counts as spent."),
    required("fingerprint", Text, "Fingerprint of the request."),
    optional("run_id", Text, "Run or command that reserved."),
    optional("correlation_id", Text, "Ties the run, its calls and its log lines together."),
    required("created_at", INSTANT, "Instant of the reservation.", server_default=func.now()),
    optional("closed_at", INSTANT, "Instant at which it was settled or released."),
    CheckConstraint("amount_cents >= 0", name="amount_cents"),
    CheckConstraint("settled_cents >= 0", name="settled_cents"),
    Index(None, "org_id", "day", "provider"),
    comment="Money set aside before a call is made.",
)
