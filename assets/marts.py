"""The marts: one dbt build over the lake, published to Parquet and Postgres at once."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.run_correlation import bind_run
from assets.run_metadata import column_schema
from assets.scope import Scope
from leadflow_pipelines.contracts import BACKTEST_TABLES, MARTS
from leadflow_pipelines.marts.build_marts import build_marts
from leadflow_pipelines.observability.progress import report_progress

MART_NAMES = tuple(mart.name for mart in MARTS)
LAKE_SOURCES = (
    "property_records",
    "geocodes",
    "properties",
    "property_links",
    "enriched_leads",
    "lead_scores",
    "lead_contacts",
    "outreach_lists",
    *(table.name for table in BACKTEST_TABLES),
    "model_months",
)

MAY_STAND_TAG = "leadflow/marts_may_stand"
"""Tag of a run that leaves the marts as they are if a build would make the same."""


def build_mart_assets(scope: Scope) -> dg.AssetsDefinition:
    """The org's marts as one step: they change together or not at all."""
    specs = [
        dg.AssetSpec(
            scope.key(mart.name),
            description=mart.text,
            deps=[scope.key(name) for name in LAKE_SOURCES],
            group_name="marts",
            owners=["team:data"],
            kinds={"dbt", "duckdb", "parquet", "postgres"},
            metadata={"dagster/column_schema": column_schema(mart)},
        )
        for mart in MARTS
    ]

    @dg.multi_asset(
        name="__".join([*scope.key("marts").path]),
        specs=specs,
        required_resource_keys={"workspace", "clock"},
    )
    def marts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        workspace = context.resources.workspace.open()
        with bind_run(context.run, scope.org):
            built = build_marts(
                workspace.lake,
                workspace.database,
                workspace.org,
                now=context.resources.clock.now(),
                run_id=context.run.run_id,
                may_stand=MAY_STAND_TAG in context.run.tags,
            )
            seconds = round(sum(built.seconds.values()), 2)
            done = "published" if built.is_new else "stand as they were published"
            report_progress(f"marts: {len(built.rows)} {done}, {seconds:.1f} s")
        for mart in MARTS:
            yield dg.MaterializeResult(
                asset_key=scope.key(mart.name),
                metadata={
                    "dagster/row_count": built.rows[mart.name],
                    "parquet": dg.MetadataValue.path(built.parquet[mart.name]),
                    "postgres_table": f"marts.{mart.name}",
                    "made_anew": built.is_new,
                    "run_seconds": seconds,
                    "dbt_tests": built.tests,
                    "dbt_warnings": dg.MetadataValue.md("\n".join(f"- {text}" for text in built.warnings) or "none"),
                },
            )

    return marts
