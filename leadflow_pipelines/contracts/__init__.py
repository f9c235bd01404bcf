"""One contract per table. Asset key, table, contract and dbt source share one name.

Here: the registry. Not here: reading or writing tables (`lake`), which obeys these contracts.
"""

from leadflow_pipelines.contracts.backtest import BACKTEST_TABLES
from leadflow_pipelines.contracts.contract import Contract, Fault
from leadflow_pipelines.contracts.geocodes import GEOCODES
from leadflow_pipelines.contracts.leads import (
    CHANNELS,
    ENRICHED_LEADS,
    LEAD_CONTACTS,
    LEAD_SCORES,
    OUTREACH_LISTS,
)
from leadflow_pipelines.contracts.marts import MARTS
from leadflow_pipelines.contracts.model_months import MODEL_MONTHS
from leadflow_pipelines.contracts.models import MODEL_VERSIONS
from leadflow_pipelines.contracts.properties import (
    ADDRESS_KEY_CHANGES,
    PROPERTIES,
    PROPERTY_LINKS,
    PROPERTY_MATCHES,
)
from leadflow_pipelines.contracts.records import PROPERTY_RECORDS, RAW_PULLS, REJECTED_RECORDS
from leadflow_pipelines.contracts.shared_columns import UNLOCATED

DAY_TABLES = (
    PROPERTY_RECORDS,
    REJECTED_RECORDS,
    GEOCODES,
    PROPERTIES,
    PROPERTY_LINKS,
    PROPERTY_MATCHES,
    ADDRESS_KEY_CHANGES,
    ENRICHED_LEADS,
    LEAD_SCORES,
    LEAD_CONTACTS,
    OUTREACH_LISTS,
)
"""What a day's run reads and writes: a day is as it was left while these are."""

LAKE_TABLES = (*DAY_TABLES, MODEL_VERSIONS, MODEL_MONTHS, *BACKTEST_TABLES)
"""Every Delta table of an org's lake: looked after, documented, read by marts."""

__all__ = [
    "ADDRESS_KEY_CHANGES",
    "BACKTEST_TABLES",
    "CHANNELS",
    "DAY_TABLES",
    "ENRICHED_LEADS",
    "GEOCODES",
    "LAKE_TABLES",
    "LEAD_CONTACTS",
    "LEAD_SCORES",
    "MARTS",
    "MODEL_MONTHS",
    "MODEL_VERSIONS",
    "OUTREACH_LISTS",
    "PROPERTIES",
    "PROPERTY_LINKS",
    "PROPERTY_MATCHES",
    "PROPERTY_RECORDS",
    "RAW_PULLS",
    "REJECTED_RECORDS",
    "UNLOCATED",
    "Contract",
    "Fault",
]
