"""What a person reads in the Dagster UI after a run: counts, rejects, cost, a preview, a small chart."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.step import Outcome
from leadflow_pipelines.contracts import Contract, Fault
from leadflow_pipelines.lake import Stored

PREVIEW_ROWS = 5
CHART_WIDTH = 40


def column_schema(contract: Contract) -> dg.TableSchema:
    """The contract's columns for the asset's page."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                name,
                type=str(contract.schema[name]),
                description=col.description,
                constraints=dg.TableColumnConstraints(nullable=col.nullable, unique=contract.key == (name,)),
            )
            for name, col in contract.columns.items()
        ]
    )


def run_summary(outcomes: Mapping[dt.date, Outcome], seconds: float) -> dict[str, Any]:
    """Totals of a run, the same on each of its partitions."""
    rejected: dict[str, int] = {}
    for outcome in outcomes.values():
        for reason, count in outcome.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + count
    per_zip = sorted(rows for outcome in outcomes.values() for rows in outcome.stored.rows.values()) or [0]
    last = [*outcomes.values(), Outcome(0, Stored({}, ()))][max(len(outcomes) - 1, 0)]
    return {
        "run_rows_in": sum(outcome.rows_in for outcome in outcomes.values()),
        "run_rows_out": sum(per_zip),
        "run_zips": sum(len(outcome.stored.rows) for outcome in outcomes.values()),
        "run_rows_per_zip": f"{per_zip[0]:,} to {per_zip[-1]:,}, median {per_zip[len(per_zip) // 2]:,}",
        "run_rejected": sum(rejected.values()),
        "rejected_because": _table(pl.DataFrame({"reason": list(rejected), "rows": list(rejected.values())})),
        "run_cost_cents": float(sum(outcome.cost_cents for outcome in outcomes.values())),
        "run_seconds": round(seconds, 2),
        **last.notes,
        **({"chart": dg.MetadataValue.md(f"```\n{last.chart}\n```")} if last.chart else {}),
    }


def zip_summaries(outcome: Outcome) -> Iterable[tuple[str, dict[str, Any]]]:
    """Per ZIP: rows, and a preview where there is one."""
    for zip_code, rows in outcome.stored.rows.items():
        summary: dict[str, Any] = {"dagster/partition_row_count": rows}
        if outcome.preview is not None and "zip" in outcome.preview.columns:
            summary["preview"] = _table(outcome.preview.filter(pl.col("zip") == zip_code).head(PREVIEW_ROWS))
        yield zip_code, summary


def fault_table(faults: Sequence[Fault]) -> dict[str, Any]:
    """Which ZIP broke which rule, for the contract check."""
    if not faults:
        return {"faults": 0}
    rows = [[fault.zip or "-", fault.column, fault.rule, fault.rows, fault.example] for fault in faults]
    frame = pl.DataFrame(rows, schema=["zip", "column", "rule", "rows", "example"], orient="row", strict=False)
    return {"faults": len(faults), "broken": _table(frame)}


def bar_chart(counts: Mapping[str, int]) -> str:
    """Horizontal bars of text, one line a label."""
    most = max(counts.values(), default=0)
    width = max((len(label) for label in counts), default=0)
    return "\n".join(
        f"{label:<{width}} {'█' * round(count / most * CHART_WIDTH) if most else ''} {count:,}"
        for label, count in counts.items()
    )


def _table(frame: pl.DataFrame) -> dg.MetadataValue[Any]:
    if frame.is_empty():
        return dg.MetadataValue.md("none")
    head = "| " + " | ".join(frame.columns) + " |"
    rule = "|" + "---|" * frame.width
    lines = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in frame.iter_rows()]
    return dg.MetadataValue.md("\n".join([head, rule, *lines]))


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")[:120]
