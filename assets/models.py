"""Training: one asset a model, without partitions. Run weekly or by hand, never by the day's job."""

from collections.abc import Sequence

import dagster as dg
import orjson

from assets.run_correlation import bind_run
from assets.run_metadata import column_schema
from assets.scope import Scope
from leadflow_pipelines.contracts.models import MODEL_VERSIONS
from leadflow_pipelines.training import KINDS, train_model

MODEL_NAMES = tuple(f"{kind}_model" for kind in KINDS)
LEARNED_FROM = ("property_records", "property_links", "properties")
_TEXTS = {
    "motivation": "The chance that a home sells within 12 months, learned from the sales in the org's lake. Promoted "
    "only if it beats the base rate, years owned and the current model on the newest closed window.",
    "value": "What a home is worth, with an interval and comparable sales, learned from the sales in the org's lake. "
    "Promoted only if it beats the neighbourhood's median and the current model on the newest closed window.",
}


class Training(dg.Config):
    """accept_old_sales: learn from sales that end long before today, too; what the models say names their day."""

    accept_old_sales: bool = False


def build_model_assets(scope: Scope) -> Sequence[dg.AssetsDefinition]:
    """The org's models."""
    return [_model_asset(scope, kind) for kind in KINDS]


def _model_asset(scope: Scope, kind: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=scope.key(f"{kind}_model"),
        description=_TEXTS[kind],
        deps=[scope.key(name) for name in LEARNED_FROM],
        group_name="models",
        owners=["team:data"],
        kinds={"polars", "parquet"},
        metadata={"dagster/column_schema": column_schema(MODEL_VERSIONS)},
        required_resource_keys={"workspace", "clock"},
    )
    def model(context: dg.AssetExecutionContext, config: Training) -> dg.MaterializeResult[None]:
        workspace = context.resources.workspace.open()
        now = context.resources.clock.now()
        day = now.astimezone(workspace.settings.zone).date()
        with bind_run(context.run, scope.org):
            row = train_model(
                workspace.lake, kind, day=day, now=now, run_id=context.run.run_id,
                accept_old_sales=config.accept_old_sales,
            )  # fmt: skip
        return dg.MaterializeResult(
            metadata={
                "verdict": row["verdict"],
                "because": row["because"],
                "version": row["version"],
                "sales": row["sales"],
                "metrics": dg.MetadataValue.json(orjson.loads(row["metrics"])),
                "card": dg.MetadataValue.md(row["card"]),
            }
        )

    return model
