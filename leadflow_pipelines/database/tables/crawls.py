"""County sites: pages, each day's requests, stops and robots.txt."""

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from leadflow_pipelines.database.tables.columns import INSTANT, NO_JSON, metadata, optional, org_column, required

CRAWL_STATES = ("queued", "done", "failed", "refused")

crawl_pages = Table(
    "crawl_pages",
    metadata,
    org_column(primary_key=True),
    Column("recipe", Text, primary_key=True, comment="Recipe that asks for the page; also its provider name."),
    Column("day", Date, primary_key=True, comment="Partition day."),
    Column("url_hash", Text, primary_key=True, comment="SHA-256 of what is asked for: the URL, and the form's values."),
    required("url", Text, "Address of the page, without fragment."),
    required("kind", Text, "search: a form to fill in. list: rows. detail: one property."),
    optional("zip", Text, "ZIP whose search led here; null where none did."),
    required(
        "carried", JSONB, "What is known already: a form's values, or the list row of a detail.", server_default=NO_JSON
    ),
    required("state", Text, "refused: robots.txt or the recipe's own limits forbid it, or the site turned it away."),
    required("attempts", Integer, "Requests begun for it.", server_default=text("0")),
    required("queued_at", INSTANT, "Instant at which it was found; pages are asked for in this order."),
    required("place", Integer, "Order among the pages found at the same instant.", server_default=text("0")),
    optional("fetched_at", INSTANT, "Instant at which it was received; null until then."),
    optional("html_path", Text, "Where its HTML lies below LEADFLOW_HOME; kept for pages that failed."),
    required("items", Integer, "Items it gave.", server_default=text("0")),
    optional("message", Text, "Why it failed or was refused."),
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
    org_column(primary_key=True),
    Column("recipe", Text, primary_key=True, comment="Recipe."),
    Column("day", Date, primary_key=True, comment="Calendar day of the requests in LEADFLOW_TIMEZONE."),
    required("requests", Integer, "Pages asked for, repeated attempts included.", server_default=text("0")),
    CheckConstraint("requests >= 0", name="requests"),
    comment="What a day's crawling has asked of a site; one conditional update here is the crawl budget.",
)

crawl_stops = Table(
    "crawl_stops",
    metadata,
    org_column(primary_key=True),
    Column("recipe", Text, primary_key=True, comment="Recipe that is stopped."),
    required("kind", Text, "What the site answered with: login, captcha, forbidden, too_many or block_page."),
    required("url", Text, "Page that was answered so."),
    required("message", Text, "What happened, for the operator."),
    optional("html_path", Text, "Where the answer's HTML lies below LEADFLOW_HOME."),
    required("stopped_at", INSTANT, "Instant of the answer."),
    comment="Recipes a site has turned away. They stay stopped until an operator clears them.",
)

crawl_robots = Table(
    "crawl_robots",
    metadata,
    org_column(primary_key=True),
    Column("host", Text, primary_key=True, comment="Scheme, host and port of the site."),
    Column("day", Date, primary_key=True, comment="Calendar day in LEADFLOW_TIMEZONE."),
    required("http_status", Integer, "Status with which robots.txt was answered."),
    required("body", Text, "robots.txt as it was that day; empty where there is none."),
    required("fetched_at", INSTANT, "Instant at which it was received."),
    comment="robots.txt of crawled sites, asked for once per host and day.",
)
