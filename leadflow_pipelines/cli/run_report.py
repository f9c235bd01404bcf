"""What `leadflow run` prints for a person."""

import datetime as dt
from collections.abc import Sequence

from leadflow_pipelines.cli.console import dollars, out, print_table
from leadflow_pipelines.cli.run_summary import RunSummary, top_leads
from leadflow_pipelines.compliance.reasons import explain_reason
from leadflow_pipelines.contracts import CHANNELS
from resources.workspace import Workspace

TOP = 8
REASONS_PER_CHANNEL = 3


def print_run_report(
    workspace: Workspace, summary: RunSummary, *, zips: Sequence[str], day: dt.date, seconds: float
) -> None:
    """Top leads with reasons, clearance per channel, cost, where the marts lie, what to type next."""
    slug = workspace.org.slug
    best = top_leads(workspace, zips=zips, day=day, most=TOP)
    out.print()
    print_table(
        f"Top leads of {day}",
        ["points", "zip", "address", "why"],
        best.select("points", "zip", "address", "reasons").iter_rows(),
    )
    clearance = []
    for channel in CHANNELS:
        reasons = list(summary.blocked_by_channel.get(channel, {}).items())
        reasons = sorted(reasons, key=lambda item: -item[1])[:REASONS_PER_CHANNEL]
        why = "\n".join(f"{count:,} {code}: {explain_reason(code).text}" for code, count in reasons)
        cleared, blocked = summary.cleared.get(channel, 0), summary.blocked_contacts.get(channel, 0)
        clearance.append((channel, cleared, blocked, why or "-"))
    print_table("Contact points per channel", ["channel", "cleared", "blocked", "most frequent reasons"], clearance)
    out.print("Cleared under the configured, dated contact rules; not legal advice.\n")
    print_table(
        "What was done",
        ["ZIPs", "records", "properties", "leads", "vendor calls", "from cache", "seconds"],
        [
            (
                summary.zips,
                summary.records,
                summary.properties,
                summary.leads,
                summary.provider_calls,
                summary.cache_hits,
                seconds,
            )
        ],
    )
    if workspace.org.is_simulated:
        out.print(f"Cost: would have been {dollars(summary.cost_cents)} at price-book prices; did cost $0.00,")
        out.print("because the vendors of this org are simulated.")
    else:
        out.print(f"Cost: {dollars(summary.cost_cents)}")
    if summary.is_partial:
        out.print("This result is partial.", style="bold yellow")
    for note in summary.notes:
        out.print(f"Note: {note}")
    out.print(f"\nMarts: {workspace.lake.path('marts')}/*.parquet, and Postgres schema marts.")
    out.print("\nNext:", style="bold")
    for command, text in _next_commands(slug, best["property_id"].to_list()):
        out.print(f"  {command:<58} {text}", soft_wrap=True)


def _next_commands(slug: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    org = "" if slug == "default" else f" --org {slug}"
    explain = [(f"leadflow explain lead {ids[0]}{org}", "why it ranks first")] if ids else []
    return [
        *explain,
        (f"leadflow leads --top 50 --format csv{org}", "the list for a spreadsheet"),
        (f"leadflow spend{org}", "what was spent, what is left"),
        (f"psql $(leadflow db bi-url{org})", "the marts in Postgres, schema marts"),
        ("make run INPUT=path/to/county-file", "the same for your own file"),
        ("make up", "the same as assets in the Dagster UI"),
    ]
