"""From properties to ranked leads."""

import polars as pl

from assets.run_metadata import bar_chart
from assets.step import Outcome, Step
from assets.zip_day_asset import zip_day_asset
from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_SCORES, PROPERTIES
from leadflow_pipelines.lake import holds_on
from leadflow_pipelines.leads.signals import derive_signals
from leadflow_pipelines.properties.link_owners import LINK_COLUMNS
from leadflow_pipelines.properties.recorded_sales import properties_on_record, recorded_sales
from leadflow_pipelines.scoring import SCORECARD_VERSION, reasons_text, score_leads
from leadflow_pipelines.training import serving_model
from leadflow_pipelines.training.apply_models import add_chances, add_deal_scores, add_values


@zip_day_asset("enriched_leads", contract=ENRICHED_LEADS, deps=["properties"], group="leads")
def enriched_leads(step: Step) -> Outcome:
    """Each property with its signals: absentee, tenure, equity, lists and how many of them stack. A signal that
    no source speaks to is null, never false. With a promoted value model each home of a market with a history of sales
    has a value, its 80 % interval and comparable sales, or the reason why not; without one these stay null."""
    properties = step.lake.read(PROPERTIES, zips=step.zips, where=holds_on(step.day))
    area = step.lake.read(PROPERTIES, where=holds_on(step.day), columns=LINK_COLUMNS)
    probate_states = step.settings.probate_lists_count_in
    leads = derive_signals(properties, day=step.day, area=area, probate_states=probate_states)
    model, which = serving_model(step.lake, "value", day=step.day)
    if model is not None:
        leads = add_values(leads, properties_on_record(step.lake, day=step.day, zips=step.zips), model)
    signals = [name for name, dtype in leads.schema.items() if dtype == pl.Boolean]
    return Outcome(
        rows_in=properties.height,
        stored=step.store(ENRICHED_LEADS, leads),
        notes={"value_model": which},
        preview=leads.select("zip", "property_id", "owner_type", *signals, "tenure_years", "stacked_list_count"),
        chart=bar_chart({name: int(leads[name].sum() or 0) for name in signals}),
    )


@zip_day_asset("lead_scores", contract=LEAD_SCORES, deps=["enriched_leads"], group="leads")
def lead_scores(step: Step) -> Outcome:
    """Scorecard points, 0 to 100, with the reasons in words and the rank within the ZIP. Where a promoted model knows
    a home's market, its chance of a sale within 12 months stands beside them with the model's reasons and up to 30
    points; where a value is known, the deal score. Elsewhere the scorecard stands and both are null."""
    leads = step.read(ENRICHED_LEADS)
    scores = score_leads(leads, run_id=step.run_id)
    motivation, which = serving_model(step.lake, "motivation", day=step.day)
    if motivation is not None:
        subjects = properties_on_record(step.lake, day=step.day, zips=step.zips)
        scores = add_chances(scores, leads, subjects, recorded_sales(step.lake, day=step.day), motivation)
    value, _ = serving_model(step.lake, "value", day=step.day)
    scores = add_deal_scores(scores, leads, value) if value is not None else scores
    bands = (scores["points"] // 10 * 10).value_counts().sort("points")
    return Outcome(
        rows_in=leads.height,
        stored=step.store(LEAD_SCORES, scores),
        notes={
            "motivation_model": which,
            "scored_by_scorecard_alone": scores.filter(pl.col("model_version") == SCORECARD_VERSION).height,
        },
        preview=scores.filter(pl.col("rank_in_zip") <= 5).select("zip", "rank_in_zip", "points", reasons_text()),
        chart=bar_chart({f"{band:>3} points and more": count for band, count in bands.iter_rows()}),
    )
