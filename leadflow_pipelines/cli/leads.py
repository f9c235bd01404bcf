"""`leadflow leads`: the ranked list of a day."""

import datetime as dt
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leadflow_pipelines.cli.console import (
    JsonOption,
    MaxSpendOption,
    OrgOption,
    as_cents,
    err,
    out,
    print_json,
)
from leadflow_pipelines.cli.lead_table import print_leads
from leadflow_pipelines.cli.lead_texts import summaries_of, told_of
from leadflow_pipelines.cli.session import open_session, parse_day

if TYPE_CHECKING:
    import polars as pl

    from resources.workspace import Workspace


def leads(
    zip_codes: Annotated[list[str] | None, typer.Option("--zip", help="Only this ZIP; repeat for more.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many leads, best first.")] = 20,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="The list as it stood on that day.")
    ] = None,
    format_: Annotated[
        Literal["table", "csv", "json", "parquet"], typer.Option("--format", help="How to print it.")
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file instead of stdout.")] = None,
    summary: Annotated[
        bool,
        typer.Option("--summary", help="Add a summary of each in words; a configured model is paid for it once."),
    ] = False,
    max_spend: MaxSpendOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the best leads with their reasons and cleared contact points.

    Cleared under the configured, dated contact rules; not legal advice.
    """
    workspace = open_session(org)
    frame = lead_list(workspace, zips=zip_codes, day=parse_day(as_of, workspace.settings), top=top)
    if as_json:
        format_ = "json"
    if summary:
        frame = _with_summaries(workspace, frame, None if max_spend is None else as_cents(max_spend))
    if frame.is_empty() and format_ == "table":
        err.print("There are no leads yet. Run `leadflow run --zip ...`, or import a county file first.")
        return
    _write(frame, format_, output)


def lead_list(workspace: "Workspace", *, zips: list[str] | None, day: dt.date, top: int) -> "pl.DataFrame":
    """The best leads of each ZIP's latest day up to `day`, with counts of cleared contact points per channel."""
    import polars as pl

    from leadflow_pipelines.contracts import CHANNELS, ENRICHED_LEADS, LEAD_SCORES, OUTREACH_LISTS

    lake = workspace.lake
    days = lake.read(LEAD_SCORES, zips=zips, where=pl.col("day") <= day, columns=["zip", "day"])
    latest = days.group_by("zip").agg(pl.col("day").max())
    if latest.is_empty():
        return LEAD_SCORES.empty().drop("run_id")
    wanted = pl.col("day").is_in(latest["day"].unique().to_list())
    scores = lake.read(LEAD_SCORES, zips=latest["zip"].to_list(), where=wanted).join(latest, on=["zip", "day"])
    best = scores.sort(
        ["points", "probability", "rank_in_zip", "zip"], descending=[True, True, False, False], nulls_last=True
    ).head(top)
    ids = pl.col("property_id").is_in(best["property_id"].to_list())
    facts = lake.read(ENRICHED_LEADS, where=wanted & ids)
    lists = lake.read(OUTREACH_LISTS, where=wanted & ids & (pl.col("verdict") == "cleared"))
    counts = [pl.col("channel").eq(channel).sum().cast(pl.Int64).alias(f"cleared_{channel}") for channel in CHANNELS]
    cleared = lists.group_by("property_id", "day").agg(counts)
    return (
        best.drop("run_id")
        .join(facts, on=["property_id", "zip", "day"], how="left", maintain_order="left")
        .join(cleared, on=["property_id", "day"], how="left", maintain_order="left")
        .with_columns(pl.col("^cleared_.*$").fill_null(0))
    )


def _with_summaries(workspace: "Workspace", frame: "pl.DataFrame", max_spend_cents: Decimal | None) -> "pl.DataFrame":
    """The list with `summary`, `summary_by` (model or template) and `summary_why` beside each lead."""
    import polars as pl

    rows = frame.to_dicts()
    texts = summaries_of(workspace, [(row, row) for row in rows], max_spend_cents=max_spend_cents) if rows else []
    return frame.with_columns(
        pl.Series("summary", [text.text for text in texts], pl.String),
        pl.Series("summary_by", [text.written_by for text in texts], pl.String),
        pl.Series("summary_why", [told_of(text) for text in texts], pl.String),
    )


def _write(frame: "pl.DataFrame", format_: str, output: Path | None) -> None:
    import polars as pl

    from leadflow_pipelines.contracts.spreadsheet_safe import neutralise_formulas
    from leadflow_pipelines.scoring import reasons_text

    target = output or sys.stdout.buffer
    if format_ == "table":
        print_leads(frame.to_dicts())
        _print_summaries(frame)
        _print_foreclosure_flag(frame)
        out.print("Cleared under the configured, dated contact rules; not legal advice.")
    elif format_ == "json":
        print_json({"leads": frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64)).to_dicts()})
    elif format_ == "csv":
        frame = frame.with_columns(reasons_text())
        records = [
            name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List) and dtype != pl.List(pl.String)
        ]
        as_json = (pl.col(name).list.eval(pl.element().struct.json_encode()).list.join(", ") for name in records)
        flat = frame.with_columns(
            pl.col(pl.List(pl.String)).list.join("; "),
            *(pl.format("[{}]", texts).alias(name) for name, texts in zip(records, as_json, strict=True)),
        )
        neutralise_formulas(flat).write_csv(target)
    else:
        frame.write_parquet(target)


def _print_summaries(frame: "pl.DataFrame") -> None:
    if "summary" not in frame.columns:
        return
    for address, text, why in frame.select("address", "summary", "summary_why").iter_rows():
        out.print(f"[bold]{address or '-'}[/bold]")
        out.print(text, markup=False)
        out.print(f"{why}\n", markup=False, style="dim")


def _print_foreclosure_flag(frame: "pl.DataFrame") -> None:
    """How many of the leads are in pre-foreclosure where buying from such owners is regulated, for a person to read."""
    from leadflow_pipelines.compliance.foreclosure_rules import foreclosure_rules, is_flagged

    if frame.is_empty():
        return
    day = frame["day"].max()
    assert isinstance(day, dt.date)
    flagged = frame.filter(is_flagged(day))["state"].value_counts(sort=True)
    for state, count in flagged.iter_rows():
        statute = foreclosure_rules(day)[state].statute
        out.print(f"[bold yellow]{count:,} in pre-foreclosure in {state}[/], where that is regulated: ", end="")
        out.print(f"{statute}. Have somebody who knows the law read this first.", markup=False)
