"""What a person reads in the Dagster UI after a run: counts, rejects, cost, a preview, a small chart."""

import datetime as dt
from collections import Counter
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


def run_figures(outcomes: Mapping[dt.date, Outcome], seconds: float) -> dict[str, Any]:
    """Totals of a run and the notes of its last day, the same on each of its partitions."""
    per_zip = sorted(rows for outcome in outcomes.values() for rows in outcome.stored.rows.values()) or [0]
    return {
        "run_rows_in": sum(outcome.rows_in for outcome in outcomes.values()),
        "run_rows_out": sum(per_zip),
        "run_zips": sum(len(outcome.stored.rows) for outcome in outcomes.values()),
        "run_rows_per_zip": f"{per_zip[0]:,} to {per_zip[-1]:,}, median {per_zip[len(per_zip) // 2]:,}",
        "run_rejected": sum(_rejected(outcomes).values()),
        "run_cost_cents": float(sum(outcome.cost_cents for outcome in outcomes.values())),
        "run_seconds": round(seconds, 2),
        **_last(outcomes).notes,
    }


def run_story(outcomes: Mapping[dt.date, Outcome]) -> dict[str, Any]:
    """Why rows were left out, and the chart of the run's last day."""
    rejected = _rejected(outcomes)
    chart = _last(outcomes).chart
    return {
        "rejected_because": _table(pl.DataFrame({"reason": list(rejected), "rows": list(rejected.values())})),
        **({"chart": dg.MetadataValue.md(f"```\n{chart}\n```")} if chart else {}),
    }


def _last(outcomes: Mapping[dt.date, Outcome]) -> Outcome:
    return outcomes[max(outcomes)] if outcomes else Outcome(0, Stored({}, ()))


def _rejected(outcomes: Mapping[dt.date, Outcome]) -> dict[str, int]:
    total = Counter[str]()
    for outcome in outcomes.values():
        total.update(outcome.rejected)
    return dict(total)


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
