"""What was scraped as source rows: the recipe's mapping over each item's own fields, all text.

Not here: reading pages into items (`extract`), how a value is read (`source_rows`).
"""

import datetime as dt

import polars as pl

from leadflow_pipelines.contracts import RAW_PULLS
from leadflow_pipelines.providers.scraper.recipe import PAGE_FIELDS, Recipe
from leadflow_pipelines.source_rows.map_columns import map_columns


def to_source_rows(raw: pl.DataFrame, recipe: Recipe, *, day: dt.date) -> pl.DataFrame:
    """The items of raw pulls (RAW_PULLS shape) as source rows, in the same order, with pull_id and cost_cents.

    A value that does not fit its type is null; `observed_at` is when the page was received, unless the page says.
    """
    names = [*recipe.list.fields, *(recipe.detail.fields if recipe.detail else ()), *PAGE_FIELDS]
    texts = raw["payload"].str.json_decode(pl.Struct(dict.fromkeys(names, pl.String))).struct.unnest()
    rows, _ = map_columns(texts.with_columns(row_number=raw["item_number"] + 1), recipe.mapping, day=day)
    return rows.with_columns(
        raw["fingerprint"].alias("pull_id"),
        raw["cost_cents"].cast(RAW_PULLS.schema["cost_cents"]),
        pl.coalesce("observed_at", raw["fetched_at"]).alias("observed_at"),
    )
