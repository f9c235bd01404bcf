"""DataTree's reports as source rows, as the field map says. Not here: fetching them, or the map itself (`datatree`)."""

import polars as pl

from leadflow_pipelines.providers.json_fields import pick_fields
from leadflow_pipelines.providers.sources.attom_rows import SCHEMA
from leadflow_pipelines.providers.sources.datatree import FieldMap, load_field_map
from leadflow_pipelines.source_rows.map_columns import map_columns
from leadflow_pipelines.source_rows.targets import TARGETS


def to_source_rows(raw: pl.DataFrame, field_map: FieldMap | None = None) -> pl.DataFrame:
    """The reports of raw pulls (RAW_PULLS shape) as rows of `attom_rows.SCHEMA`, in the same order.

    `field_map`: that of `datatree.load_field_map(settings.datatree_field_map)`; left out, the defaults.
    """
    mapping = (field_map or load_field_map(None)).rows
    paths = {path: target for target, rule in mapping.columns.items() for path in rule.columns}
    flags = [path for path, target in paths.items() if TARGETS[target].dtype == pl.Boolean]
    picked = pick_fields(raw["payload"], list(paths), flags=flags)
    rows, _ = map_columns(picked.with_columns((raw["item_number"] + 1).alias("row_number")), mapping)
    made = rows.with_columns(
        pl.col("zip").str.head(5),
        pull_id=raw["fingerprint"],
        cost_cents=raw["cost_cents"],
        observed_at=rows["observed_at"].fill_null(raw["fetched_at"]),
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
