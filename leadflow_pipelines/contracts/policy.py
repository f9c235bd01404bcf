"""Contracts of what an operator decides and the marts read: rules that are data files in the code.

Only the columns that marts need. The rules themselves, with their reasons, are in `marts`.
"""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts.contract import Contract, column

FRESHNESS_RULES = Contract(
    name="freshness_rules",
    text="How old a source's word on a field may be, and the day as of which a build asks.",
    columns={
        "pattern": column(pl.String, "Source, or a pattern such as `county_*`; `*` is any source.", required=True),
        "field": column(pl.String, "Field as provenance names it, or phone and email.", required=True),
        "max_age_days": column(
            pl.Int32, "Older than so many days is stale.", pa.Check.ge(0), unit="days", required=True
        ),
        "as_of": column(pl.Date, "Day of the build, in LEADFLOW_TIMEZONE.", required=True),
    },
    key=("pattern", "field"),
    partition_by=(),
    sort_by=("field",),
)

POLICY_TABLES = (FRESHNESS_RULES,)
