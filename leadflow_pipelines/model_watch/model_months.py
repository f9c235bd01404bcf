"""The table MODEL_MONTHS: kept month by month, its alerts told once, read for people.

Here: storing, telling, wording. Not here: what decay is (`scoring.decay`, `value_months`).
"""

import datetime as dt
import logging
from typing import Final

import polars as pl

from leadflow_pipelines.contracts.model_months import MODEL_MONTHS
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.model_watch.monthly_watch import CLOSED_MONTHS, ModelWatch

logger = logging.getLogger(__name__)
SHOWN_MONTHS: Final = 24
_SHOWN: Final = {
    "motivation": ("homes", "sold", "predicted", "observed", "auc", "lift_5", "drift_feature", "drift_index", "pace"),
    "value": ("homes", "refused", "median_error", "bias", "coverage", "width"),
}


def keep_months(lake: Lake, watch: ModelWatch, *, now: dt.datetime, run_id: str | None) -> pl.DataFrame:
    """Put what a look found into MODEL_MONTHS, and tell each alert that this month of this kind has not told yet.

    An alert goes to the log as an error, which the error reports send on. It is told before it is noted as told: a
    process that dies in between tells it twice rather than never. Returns the rows as they stand.
    """
    if watch.rows.is_empty():
        return MODEL_MONTHS.empty()
    days = watch.rows["day"].unique().to_list()
    standing = lake.read(MODEL_MONTHS, where=pl.col("day").is_in(days))
    seen = watch.rows.with_columns(pl.lit(now).alias("watched_at"), pl.lit(run_id, pl.String).alias("run_id"))
    seen = seen.with_columns(pl.Series("told_codes", _tell(watch.rows, standing), pl.List(pl.String)))
    seen = MODEL_MONTHS.conform(seen)
    lake.update(MODEL_MONTHS, {"day": days}, lambda present: _merged(present, seen))
    return seen


def months_of(lake: Lake, kind: str) -> pl.DataFrame:
    """A kind's rows of MODEL_MONTHS, the newest month first."""
    rows = lake.read(MODEL_MONTHS, where=pl.col("kind") == kind)
    return rows.sort("day", "version", descending=True)


def standing_alerts(months: pl.DataFrame) -> list[str]:
    """What of `months_of` still speaks against the models: the alerts of the newest months that told anything.

    Each figure has its own newest months: those of scores are a year old when they close.
    """
    texts: list[str] = []
    for figure in ("homes", "drift_index", "pace"):
        told = months.filter(pl.col(figure).is_not_null())
        newest = told["day"].unique().sort(descending=True).head(CLOSED_MONTHS if figure == "homes" else 1)
        recent = told.filter(pl.col("day").is_in(newest.implode())).sort("day", "version")
        texts += [text for of_row in recent["alerts"] for text in of_row]
    return list(dict.fromkeys(texts))


def months_table(months: pl.DataFrame, kind: str) -> str:
    """The newest months as a Markdown table; a sentence where there are none."""
    if months.is_empty():
        return "No month is told yet: scores are judged once their year is over, values once homes are sold."
    columns = _SHOWN[kind]
    lines = ["| " + " | ".join(("month", "version", *columns, "alerts")) + " |"]
    lines.append("|" + "---|" * (len(columns) + 3))
    for row in months.head(SHOWN_MONTHS).iter_rows(named=True):
        cells = [_cell(row[name]) for name in columns]
        lines.append(
            f"| {row['day']:%Y-%m} | {row['version']} | {' | '.join(cells)} | {', '.join(row['alert_codes'])} |"
        )
    return "\n".join(lines)


def _tell(rows: pl.DataFrame, standing: pl.DataFrame) -> list[list[str]]:
    """Tells what is new; the codes that each row's month and kind has then told."""
    told: dict[tuple[str, dt.date], set[str]] = {}
    for row in standing.iter_rows(named=True):
        told.setdefault((row["kind"], row["day"]), set()).update(row["told_codes"])
    for row in rows.iter_rows(named=True):
        codes = told.setdefault((row["kind"], row["day"]), set())
        new = [code for code in dict.fromkeys(row["alert_codes"]) if code not in codes]
        codes.update(new)
        if new:
            extra = {"kind": row["kind"], "version": row["version"], "month": f"{row['day']:%Y-%m}", "codes": new}
            logger.error("a model decays: %s", " ".join(row["alerts"]), extra=extra)
    return [sorted(told[row["kind"], row["day"]]) for row in rows.iter_rows(named=True)]


def _merged(present: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """What stands with what was seen in its place; a figure that was not looked at again stays."""
    key = list(MODEL_MONTHS.key)
    both = seen.join(present, on=key, how="left", suffix="_before", maintain_order="left")
    figures = [name for name in MODEL_MONTHS.schema if name not in key]
    kept = both.with_columns(pl.coalesce(name, f"{name}_before").alias(name) for name in figures)
    return pl.concat([present.join(seen, on=key, how="anti"), MODEL_MONTHS.conform(kept)])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
