"""Read from a build's DuckDB file what the sources of each property contradict each other on.

Only properties with conflicts, and their records, leave DuckDB: a few per cent of an org's. Not here: what is a
conflict, and why a value won (`properties`).
"""

import duckdb
import polars as pl

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.contracts.evidence import PROPERTY_CONFLICTS
from leadflow_pipelines.properties.list_conflicts import COMPARED_COLUMNS, list_conflicts

_COMPARED = ", ".join(COMPARED_COLUMNS)
_PROPERTIES = f"""
    select property_id, zip, conflicts, provenance, {_COMPARED}
    from lake.properties
    where valid_to is null and len(conflicts) > 0
"""  # noqa: S608
_RECORDS = f"""
    select links.property_id, records.record_id, records.source, records.observed_at, records.sale_date, {_COMPARED}
    from lake.property_records as records
    inner join lake.property_links as links using (record_id)
    semi join (from lake.properties where valid_to is null and len(conflicts) > 0) using (property_id)
"""  # noqa: S608


def read_conflicts(duck: duckdb.DuckDBPyConnection) -> list[tuple[Contract, pl.DataFrame]]:
    """PROPERTY_CONFLICTS of every property as it stands. `duck` has the lake's tables."""
    properties = _frame(duck, _PROPERTIES)
    conflicts = list_conflicts(properties, _frame(duck, _RECORDS)) if properties.height else PROPERTY_CONFLICTS.empty()
    return [(PROPERTY_CONFLICTS, conflicts)]


def _frame(duck: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    frame = pl.from_arrow(duck.sql(query).to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame
