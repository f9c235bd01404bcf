"""Every table of the schema `leadflow`, as SQLAlchemy Core, by what they are about.

The migrations in sql/migrations create them; a test proves that both say the same. Queries belong to the
slices that need them, marts to dbt.
"""

from leadflow_pipelines.database.tables.budgets import (
    RESERVATION_STATES,
    budget_days,
    budget_limits,
    budget_months,
    budget_runs,
    reservations,
)
from leadflow_pipelines.database.tables.columns import CENTS, ORG_SETTING, SCHEMA, metadata
from leadflow_pipelines.database.tables.crawls import CRAWL_STATES, crawl_days, crawl_pages, crawl_robots, crawl_stops
from leadflow_pipelines.database.tables.orgs import bi_logins, orgs
from leadflow_pipelines.database.tables.outreach import CONTACT_KINDS, consents, outreach_list_entries, suppressions
from leadflow_pipelines.database.tables.providers import (
    BREAKER_STATES,
    CALL_OUTCOMES,
    provider_breaker_changes,
    provider_breakers,
    provider_calls,
    provider_pulls,
    provider_rates,
)
from leadflow_pipelines.database.tables.records import DECISIONS, imported_files, property_decisions

__all__ = [
    "BREAKER_STATES",
    "CALL_OUTCOMES",
    "CENTS",
    "CONTACT_KINDS",
    "CRAWL_STATES",
    "DECISIONS",
    "ORG_SETTING",
    "RESERVATION_STATES",
    "SCHEMA",
    "bi_logins",
    "budget_days",
    "budget_limits",
    "budget_months",
    "budget_runs",
    "consents",
    "crawl_days",
    "crawl_pages",
    "crawl_robots",
    "crawl_stops",
    "imported_files",
    "metadata",
    "orgs",
    "outreach_list_entries",
    "property_decisions",
    "provider_breaker_changes",
    "provider_breakers",
    "provider_calls",
    "provider_pulls",
    "provider_rates",
    "reservations",
    "suppressions",
]
