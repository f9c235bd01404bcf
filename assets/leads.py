"""From properties to ranked leads."""

import polars as pl

from assets.run_metadata import bar_chart
from assets.step import Outcome, Step
from assets.zip_day_asset import zip_day_asset
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_SCORES, PROPERTIES
from leadflow_pipelines.lake import holds_on
from leadflow_pipelines.leads.signals import derive_signals
from leadflow_pipelines.properties.link_owners import LINK_COLUMNS
from leadflow_pipelines.scoring import reasons_text, score_leads


@zip_day_asset("enriched_leads", contract=ENRICHED_LEADS, deps=["properties"], group="leads")
def enriched_leads(step: Step) -> Outcome:
    """Each property with its signals: absentee, tenure, equity, lists and how many of them stack. A signal that
    no source speaks to is null, never false. The value estimate stays null until a value model earns it."""
    properties = step.lake.read(PROPERTIES, zips=step.zips, where=holds_on(step.day))
    area = step.lake.read(PROPERTIES, where=holds_on(step.day), columns=LINK_COLUMNS)
    leads = derive_signals(properties, day=step.day, area=area)
    signals = [name for name, dtype in leads.schema.items() if dtype == pl.Boolean]
    return Outcome(
        rows_in=properties.height,
        stored=step.store(ENRICHED_LEADS, leads),
        preview=leads.select("zip", "property_id", "owner_type", *signals, "tenure_years", "stacked_list_count"),
        chart=bar_chart({name: int(leads[name].sum() or 0) for name in signals}),
    )


@zip_day_asset("lead_scores", contract=LEAD_SCORES, deps=["enriched_leads"], group="leads")
def lead_scores(step: Step) -> Outcome:
    """Scorecard points, 0 to 100, with the reasons in words and the rank within the ZIP. Points rank; probability
    and deal score stay null until a model has earned them."""
    leads = step.read(ENRICHED_LEADS)
    scores = score_leads(leads, run_id=step.run_id)
    bands = (scores["points"] // 10 * 10).value_counts().sort("points")
    return Outcome(
        rows_in=leads.height,
        stored=step.store(LEAD_SCORES, scores),
        preview=scores.filter(pl.col("rank_in_zip") <= 5).select("zip", "rank_in_zip", "points", reasons_text()),
        chart=bar_chart({f"{band:>3} points and more": count for band, count in bands.iter_rows()}),
    )
