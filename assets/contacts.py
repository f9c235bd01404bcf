"""From ranked leads to contact points that are cleared, channel by channel."""

from collections import Counter
from decimal import Decimal

import polars as pl

from assets.pull_summary import pull_notes, pulled
from assets.run_metadata import bar_chart
from assets.step import Outcome, Step
from assets.zip_day_asset import zip_day_asset
from leadflow_pipelines.clearance.keep_erased import drop_erased
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_CONTACTS, OUTREACH_LISTS, RAW_PULLS
from leadflow_pipelines.leads.clear_leads import clear_leads, publish_lists
from leadflow_pipelines.leads.lead_contacts import collect_contacts
from leadflow_pipelines.leads.trace_owners import (
    calls_answered,
    calls_worth_making,
    traceable_leads,
    why_not_trace,
)
from leadflow_pipelines.providers.pulls import find_pulls
from leadflow_pipelines.providers.sources import batchdata
from leadflow_pipelines.providers.sources.batchdata_rows import to_contact_rows


def _traceable(step: Step) -> pl.DataFrame:
    workspace = step.workspace
    return traceable_leads(
        workspace.lake,
        workspace.database,
        workspace.org,
        zips=step.zips,
        day=step.day,
        fresh_days=step.settings.skip_trace_fresh_days,
    )


@zip_day_asset(
    "raw/batchdata",
    contract=RAW_PULLS,
    deps=["lead_scores"],
    group="outreach",
    owner="team:outreach",
    kinds=("http", "parquet"),
    is_paid=True,
)
def raw_batchdata(step: Step) -> Outcome:
    """What BatchData returned for the owners of the best leads. Bought best lead first, until the budget or the
    policy (LEADFLOW_SKIP_TRACE_MAX_PER_ZIP) stops it; an owner traced recently is not bought again. Nothing is
    bought before a member attested for what the org looks people up (`leadflow attest`)."""
    calls = calls_worth_making(_traceable(step), day=step.day, most_per_zip=step.settings.skip_trace_max_per_zip)
    refusal = why_not_trace(step.workspace.database, step.workspace.org)
    pulls = step.pull([] if refusal else calls)
    return Outcome(
        rows_in=len(calls),
        stored=pulled(pulls, step.lake.raw, step.zips),
        cost_cents=pulls.cost_cents,
        notes={**pull_notes(pulls), **({"not_bought": refusal} if refusal else {})},
    )


@zip_day_asset(
    "lead_contacts", contract=LEAD_CONTACTS, deps=["raw/batchdata", "enriched_leads"], group="outreach",
    owner="team:outreach",
)  # fmt: skip
def lead_contacts(step: Step) -> Outcome:
    """Ways to reach a lead's owner: the mailing address from the records, phones and e-mails from skip traces
    that were bought. A flag that the vendor leaves out is null, never false. Who was erased stays away."""
    leads = step.read(ENRICHED_LEADS)
    calls = calls_answered(_traceable(step), day=step.day)
    with step.workspace.database.as_org(step.workspace.org.org_id) as connection:
        pulls = find_pulls(connection, step.workspace.org.org_id, calls, step.lake.raw)
    raw = step.lake.raw.read_raw(sorted({pull.path for pull in pulls.values()}))
    raw = raw.filter(pl.col("fingerprint").is_in(list(pulls)))
    contacts = collect_contacts(leads, to_contact_rows(raw, calls), day=step.day, now=step.now, source=batchdata.NAME)
    contacts = drop_erased(step.workspace.database, step.lake, step.workspace.org, contacts)
    return Outcome(
        rows_in=leads.height,
        stored=step.store(LEAD_CONTACTS, contacts),
        cost_cents=Decimal(0),
        preview=contacts.select("zip", "property_id", "kind", "line_type", "is_on_dnc", "is_litigator", "source"),
        chart=bar_chart(dict(Counter(contacts["kind"].to_list()))),
    )


@zip_day_asset(
    "outreach_lists", contract=OUTREACH_LISTS, deps=["lead_contacts"], group="outreach", owner="team:outreach",
    kinds=("polars", "deltalake", "postgres"),
)  # fmt: skip
def outreach_lists(step: Step) -> Outcome:
    """One row per lead, contact point and channel: cleared or blocked under the configured, dated rules, with
    every reason, calling windows and how long it holds. Fails closed. Not legal advice."""
    workspace = step.workspace
    lists = clear_leads(step.lake, workspace.database, workspace.org, zips=step.zips, day=step.day, now=step.now)
    stored = step.store(OUTREACH_LISTS, OUTREACH_LISTS.conform(lists))
    written = lists.filter(~pl.col("zip").is_in(list(stored.broken_zips)))
    publish_lists(step.lake, workspace.database, workspace.org, written, zips=step.zips, day=step.day, now=step.now)
    verdicts = Counter(f"{channel} {verdict}" for channel, verdict in lists.select("channel", "verdict").iter_rows())
    reasons = lists.explode("reason_codes")["reason_codes"].drop_nulls().to_list()
    return Outcome(
        rows_in=lists["contact_point_id"].n_unique(),
        stored=stored,
        rejected=dict(Counter(reasons).most_common()),
        preview=lists.select("zip", "property_id", "channel", "verdict", "reason_codes", "states", "rule_version"),
        chart=bar_chart(dict(sorted(verdicts.items()))),
    )
