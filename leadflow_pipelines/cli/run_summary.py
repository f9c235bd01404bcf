"""What a run left behind, counted from the tables and the ledger rather than from what the run believed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import func, select

from leadflow_pipelines.automation.run_day import Shortfall
from leadflow_pipelines.cli.console import dollars
from leadflow_pipelines.contracts import (
    CHANNELS,
    ENRICHED_LEADS,
    LEAD_SCORES,
    OUTREACH_LISTS,
    PROPERTIES,
    PROPERTY_RECORDS,
)
from leadflow_pipelines.database.tables import provider_calls
from leadflow_pipelines.lake import holds_on
from leadflow_pipelines.scoring import reasons_text
from resources.workspace import Workspace

NAMED_ZIPS = 8
REASONS = {
    "budget": "calls for want of budget",
    "provider_down": "calls because the provider is down",
    "transient": "calls that failed again and again",
    "terminal": "calls that the provider refused",
}
GOES_ON = "The next run, and the next day's, goes on with them: what was bought is kept."


@dataclass(frozen=True)
class RunSummary:
    """Counts of a day's ZIPs after a run.

    `blocked` counts contact points by reason (one may carry several), `blocked_contacts` by channel.
    `cost_cents` is what this run's calls cost at the price book. `is_partial`: some calls have no answer; then
    `zips_left_out` names their ZIPs by asset, and `notes` say what is missing, why, and how it goes on.
    """

    zips: int
    records: int
    properties: int
    leads: int
    cleared: dict[str, int]
    blocked: dict[str, int]
    blocked_contacts: dict[str, int]
    blocked_by_channel: dict[str, dict[str, int]]
    provider_calls: int
    cache_hits: int
    cost_cents: Decimal
    is_partial: bool
    zips_left_out: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The fields of `run --json`."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def summarise_run(
    workspace: Workspace,
    *,
    zips: Sequence[str],
    day: dt.date,
    correlation_id: str,
    shortfalls: Sequence[Shortfall],
) -> RunSummary:
    """Count what the tables hold for these ZIPs and this day, and what the run's calls cost.

    A provider without a key is skipped, which makes no result partial.
    """
    shortfalls = [one for one in shortfalls if set(one.calls) != {"not_configured"}]
    lake = workspace.lake
    records = lake.read(PROPERTY_RECORDS, zips=zips, where=pl.col("day") <= day, columns=["record_id"])
    properties = lake.read(PROPERTIES, zips=zips, where=holds_on(day), columns=["property_id"])
    leads = lake.read(ENRICHED_LEADS, zips=zips, day=day, columns=["property_id"])
    lists = lake.read(OUTREACH_LISTS, zips=zips, day=day, columns=["channel", "verdict", "reason_codes"])
    blocked = lists.filter(pl.col("verdict") == "blocked")
    reasons = blocked.explode("reason_codes")
    by_channel: dict[str, dict[str, int]] = {}
    for channel, reason, count in reasons.group_by("channel", "reason_codes").len().sort("channel", "len").iter_rows():
        by_channel.setdefault(channel, {})[reason] = count
    calls, hits, cost = _calls(workspace, correlation_id)
    cleared = lists.filter(pl.col("verdict") == "cleared").group_by("channel").len()
    return RunSummary(
        zips=len(zips),
        records=records["record_id"].n_unique(),
        properties=properties.height,
        leads=leads.height,
        cleared=dict.fromkeys(CHANNELS, 0) | dict(cleared.iter_rows()),
        blocked=dict(reasons.group_by("reason_codes").len().sort("len", descending=True).iter_rows()),
        blocked_contacts=dict(blocked.group_by("channel").len().iter_rows()),
        blocked_by_channel=by_channel,
        provider_calls=calls,
        cache_hits=hits,
        cost_cents=cost,
        is_partial=bool(shortfalls),
        zips_left_out=_by_asset(shortfalls),
        notes=(*(_note(one) for one in shortfalls), *_lost_answers(workspace, correlation_id)),
    )


def top_leads(workspace: Workspace, *, zips: Sequence[str], day: dt.date, most: int) -> pl.DataFrame:
    """The best leads over all these ZIPs: rank, points, place, reasons. No personal columns."""
    scores = workspace.lake.read(LEAD_SCORES, zips=zips, day=day)
    best = scores.sort(["points", "rank_in_zip", "zip"], descending=[True, False, False]).head(most)
    leads = workspace.lake.read(
        ENRICHED_LEADS,
        zips=best["zip"].unique().to_list(),
        day=day,
        columns=["property_id", "address", "city", "state"],
    )
    return best.join(leads, on="property_id", how="left", maintain_order="left").select(
        "property_id",
        "points",
        "zip",
        "address",
        "city",
        "state",
        reasons_text(),
    )


def _by_asset(shortfalls: Sequence[Shortfall]) -> dict[str, tuple[str, ...]]:
    """The ZIPs left out, by asset; a command may make several runs of each."""
    zips: dict[str, tuple[str, ...]] = {}
    for one in shortfalls:
        zips[one.asset] = (*zips.get(one.asset, ()), *one.zips)
    return zips


def _note(shortfall: Shortfall) -> str:
    """What one asset lacks, why, and how it goes on."""
    counts = ", ".join(f"{count:,} {REASONS.get(reason, reason)}" for reason, count in shortfall.calls.items())
    named, more = ", ".join(shortfall.zips[:NAMED_ZIPS]), len(shortfall.zips) - NAMED_ZIPS
    where = f" in {named}{f' and {more:,} more ZIPs' if more > 0 else ''}" if shortfall.zips else ""
    return f"{shortfall.asset} is partial: not made were {counts}{where}. {shortfall.because} {GOES_ON}"


def _lost_answers(workspace: Workspace, correlation_id: str) -> list[str]:
    """Answers that were lost on the way: nobody knows what they cost, so their worst case counts."""
    calls = provider_calls.c
    query = (
        select(calls.provider, func.count().label("lost"), func.sum(calls.cost_cents).label("cents"))
        .where(calls.correlation_id == correlation_id, calls.outcome == "unknown")
        .group_by(calls.provider)
        .order_by(calls.provider)
    )
    with workspace.database.as_org(workspace.org.org_id) as connection:
        rows = connection.execute(query).all()
    return [f"{row.provider}: {row.lost:,} answers were lost; {dollars(row.cents)} count as spent." for row in rows]


def _calls(workspace: Workspace, correlation_id: str) -> tuple[int, int, Decimal]:
    calls = provider_calls.c
    query = select(
        func.count().filter(calls.outcome.not_in(["cache_hit", "budget"])),
        func.count().filter(calls.outcome == "cache_hit"),
        func.coalesce(func.sum(calls.cost_cents), 0),
    ).where(calls.correlation_id == correlation_id)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        made, hits, cost = connection.execute(query).one().tuple()
    return made, hits, Decimal(cost)
