"""Watching the models: one table by month, and a check on each model that warns when it no longer holds.

Free and quick: nothing is trained. The weekly training looks, too.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.run_correlation import bind_run
from assets.run_metadata import column_schema
from assets.scope import Scope
from leadflow_pipelines.contracts.model_months import MODEL_MONTHS
from leadflow_pipelines.model_watch import keep_months, months_of, months_table, standing_alerts, watch_models
from leadflow_pipelines.outcomes.on_record import outcomes_on_record
from leadflow_pipelines.training import KINDS

WATCH_NAMES = (MODEL_MONTHS.name,)
LOOKED_AT = ("property_records", "property_links", "enriched_leads", "lead_scores")
HOLDS = "holds"
_TEXTS = {
    "motivation": "As many of the leads sold as the model said, and the right ones; homes and sales are as at the fit.",
    "value": "The prices paid lie in the intervals, and neither above nor below the values.",
}


def build_model_watch(scope: Scope) -> Sequence[dg.AssetsDefinition]:
    """The table of months, and the check `holds` on each model."""
    return [_model_months(scope), _models_hold(scope)]


def check_keys(scope: Scope) -> list[dg.AssetCheckKey]:
    """The check of each model."""
    return [dg.AssetCheckKey(scope.key(f"{kind}_model"), HOLDS) for kind in KINDS]


def _model_months(scope: Scope) -> dg.AssetsDefinition:
    @dg.asset(
        key=scope.key(MODEL_MONTHS.name),
        description=MODEL_MONTHS.text,
        deps=[scope.key(name) for name in (*LOOKED_AT, *(f"{kind}_model" for kind in KINDS))],
        group_name="models",
        owners=["team:data"],
        kinds={"polars", "deltalake"},
        metadata={"dagster/column_schema": column_schema(MODEL_MONTHS)},
        required_resource_keys={"workspace", "clock"},
    )
    def model_months(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        workspace = context.resources.workspace.open()
        now, zone = context.resources.clock.now(), workspace.settings.zone
        with bind_run(context.run, scope.org):
            with workspace.database.as_org(workspace.org.org_id) as connection:
                outcomes = outcomes_on_record(connection, workspace.org.org_id, known_by=now, zone=zone)
            watch = watch_models(workspace.lake, outcomes, today=now.astimezone(zone).date())
            rows = keep_months(workspace.lake, watch, now=now, run_id=context.run.run_id)
        return dg.MaterializeResult(
            metadata={
                "months_looked_at": rows.height,
                "alerts": _list([alert for kind in KINDS for alert in watch.alerts(kind)]),
                **{kind: dg.MetadataValue.md(months_table(months_of(workspace.lake, kind), kind)) for kind in KINDS},
            }
        )

    return model_months


def _models_hold(scope: Scope) -> dg.AssetsDefinition:
    @dg.multi_asset_check(
        name="__".join([*scope.key("models_hold").path]),
        specs=[
            dg.AssetCheckSpec(
                HOLDS,
                asset=scope.key(f"{kind}_model"),
                description=f"{_TEXTS[kind]} Read from model_months.",
                additional_deps=[scope.key(MODEL_MONTHS.name)],
            )
            for kind in KINDS
        ],
        required_resource_keys={"workspace"},
    )
    def models_hold(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        lake = context.resources.workspace.open().lake
        for kind in KINDS:
            months = months_of(lake, kind)
            alerts = standing_alerts(months)
            yield dg.AssetCheckResult(
                passed=not alerts,
                asset_key=scope.key(f"{kind}_model"),
                check_name=HOLDS,
                severity=dg.AssetCheckSeverity.WARN,
                description=" ".join(alerts) or "Nothing speaks against it.",
                metadata={"alerts": _list(alerts), "months": dg.MetadataValue.md(months_table(months, kind))},
            )

    return models_hold


def _list(alerts: Sequence[str]) -> dg.MetadataValue[str]:
    return dg.MetadataValue.md("\n".join(f"- {alert}" for alert in alerts) or "none")
